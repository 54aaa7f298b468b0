"""The composition root: builds every service once and closes them in reverse order."""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.speech.engine import EngineDescription
from studio.jobs.queue import JobQueue
from studio.settings import Settings
from studio.speaking import Speaking
from studio.voices import Voices


class Container:
    """
    Args:
        settings: see ``Settings``.
        engines: name -> description; None takes the shipped catalogue. The first one is given to new voices.

    Raises:
        StudioError: ``home_in_use`` when another studio works in the same folder.
    """

    def __init__(self, settings: Settings, engines: Mapping[str, EngineDescription] | None = None) -> None:
        if engines is None:
            from pipelines.speech.catalogue import ENGINES

            engines = ENGINES
        self.settings = settings
        self.engines = engines
        self.jobs = JobQueue()
        self.voices = Voices()
        self.speaking = Speaking()

    def close(self) -> None:
        """Stop the workers; unfinished jobs go on at the next start."""

    def __enter__(self) -> Container:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
