"""Finding an engine among those that are installed."""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.speech.engine import EngineDescription
from studio.errors import StudioError


def engine_of(engines: Mapping[str, EngineDescription], name: str) -> EngineDescription:
    """
    Raises:
        StudioError: ``engine_missing``: its base was never there, or was taken away.
    """
    if name not in engines:
        raise StudioError("engine_missing", 409, engine=name[:60], installed=", ".join(engines))
    return engines[name]
