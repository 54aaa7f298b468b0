"""The take that is being spoken right now, for those who listen already."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from studio.jobs.queue import Changes


class OnAir:
    """
    Args:
        changes: announced whenever there is more to hear.
    """

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._chunks: dict[str, list[np.ndarray]] = {}

    @contextmanager
    def take(self, key: str) -> Iterator[Callable[[np.ndarray], None]]:
        """Hands out what sends a chunk ``[T]``. When the block ends the take is in the store, or there is none."""
        from pipelines.audio.formats import as_kept

        chunks = self._chunks[key] = []

        def send(chunk: np.ndarray) -> None:
            chunks.append(as_kept(chunk))
            self._changes.announce()

        try:
            yield send
        finally:
            del self._chunks[key]
            self._changes.announce()

    def announce(self) -> None:
        """A take is in the store."""
        self._changes.announce()

    def since(self, key: str, samples: int) -> np.ndarray:
        """What was sent of a take after its first ``samples``, exactly as the store will have it; empty when nothing."""
        heard = [np.zeros(0, np.float32), *self._chunks.get(key, ())]
        return np.concatenate(heard)[samples:]
