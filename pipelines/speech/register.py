"""Where somebody's voice lies, and how F0 moves within it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.starter.mel import FRAMES_PER_SECOND

APPROACH = 42.0
"""Rate of the approach in 1/s; qTA finds 20 to 80 in people."""
USUAL_HZ = 160.0
USUAL_SPREAD, WIDTHS = 2.8, (0.75, 1.25)
"""The F0 of somebody who reads aloud deviates so many semitones; a livelier voice moves further, within limits."""
LIMITS_HZ = (55.0, 550.0)


@dataclass(frozen=True)
class Register:
    """Where somebody's voice lies: median F0 in Hz, and the standard deviation around it in semitones."""

    hz: float
    spread: float

    @classmethod
    def of(cls, f0: np.ndarray) -> Register:
        """``f0`` in Hz, 0 where unvoiced; where all of it is, as in a whisper, a register between those of women and men."""
        voiced = f0[f0 > 0]
        if not len(voiced):
            return cls(USUAL_HZ, USUAL_SPREAD)
        middle = float(np.median(voiced))
        semitones = 12 * np.log2(voiced / middle)
        return cls(middle, float(semitones[np.abs(semitones) < 10].std()))  # octaves are misheard

    @property
    def width(self) -> float:
        """How far this voice moves where others move 1."""
        return min(max(self.spread / USUAL_SPREAD, WIDTHS[0]), WIDTHS[1])

    def semitones(self, f0: np.ndarray) -> np.ndarray:
        """``f0`` ``[T]`` in Hz, 0 where unvoiced -> semitones from the middle, with a line over what is unvoiced."""
        voiced = np.flatnonzero(f0 > 0)
        if not len(voiced):
            return np.zeros(len(f0))
        return np.interp(np.arange(len(f0)), voiced, 12 * np.log2(f0[voiced] / self.hz))

    def hertz(self, semitones: np.ndarray) -> np.ndarray:
        """Semitones from the middle -> Hz, within what a voice can do."""
        return (self.hz * 2 ** (semitones / 12)).clip(*LIMITS_HZ)


def approached(target: np.ndarray) -> np.ndarray:
    """``[T]`` F0 that follows ``target`` ``[T]`` without ever jumping: three equal low passes of first order in a row, which
    is a critically damped system, as in qTA (Prom-on, Xu & Thipakorn 2009, doi:10.1121/1.3037222)."""
    keep = np.exp(-APPROACH / FRAMES_PER_SECOND)
    track = target
    for _ in range(3):
        state, followed = track[0], np.empty_like(track)
        for frame, aim in enumerate(track):
            state = aim + keep * (state - aim)
            followed[frame] = state
        track = followed
    return track
