"""A piece of recorded speech as a value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Recording:
    """Mono audio as it was decoded.

    Attributes:
        wave: ``[T]`` float32, nominally in [-1, 1] (clipped sources touch the ends).
        sample_rate: in Hz, the source's own.
        text: what is said in it, when someone wrote it down.
        start_seconds: where it starts in the file it was cut from.
    """

    wave: np.ndarray
    sample_rate: int
    text: str | None = None
    start_seconds: float = 0.0

    @property
    def seconds(self) -> float:
        return len(self.wave) / self.sample_rate
