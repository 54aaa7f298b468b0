"""Sentences become one sound without a click."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

FADE_SECONDS = 0.005
"""Shorter than any consonant, longer than a click: the ear takes a few milliseconds to hear an edge as one."""


def join(waves: Sequence[np.ndarray], sample_rate: int, pauses_seconds: Sequence[float]) -> np.ndarray:
    """Lay ``waves`` ([T_i] float32) one after the other.

    ``pauses_seconds[i]`` of silence follow ``waves[i]``; after the last one only when its pause is given. Every wave
    loses its offset and starts and ends at zero, so that no edge is heard.
    """
    if len(pauses_seconds) not in (len(waves), len(waves) - 1, 0):
        raise ValueError(f"{len(waves)} waves cannot have {len(pauses_seconds)} pauses between them")
    parts = []
    for index, wave in enumerate(waves):
        parts.append(soften_edges(wave - wave.mean(dtype=np.float64) if len(wave) else wave, sample_rate))
        if index < len(pauses_seconds):
            parts.append(np.zeros(max(0, round(pauses_seconds[index] * sample_rate)), np.float32))
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def soften_edges(wave: np.ndarray, sample_rate: int, seconds: float = FADE_SECONDS) -> np.ndarray:
    """Fade the first and last ``seconds`` from and to zero along half a cosine."""
    count = min(round(seconds * sample_rate), len(wave) // 2)
    return _faded(wave, count, count)


def _faded(wave: np.ndarray, first: int, last: int) -> np.ndarray:
    """``wave`` ``[T]`` with so many samples of its beginning and of its end faded."""
    softened = np.array(wave, np.float32)
    if first:
        softened[:first] *= _ramp(first)
    if last:
        softened[-last:] *= _ramp(last)[::-1]
    return softened


def _ramp(count: int) -> np.ndarray:
    return (0.5 - 0.5 * np.cos(np.pi * np.arange(count) / count)).astype(np.float32)


def softened(chunks: Iterable[np.ndarray], sample_rate: int) -> Iterator[np.ndarray]:
    """``soften_edges`` of a wave that comes in chunks ``[T]``: the last few milliseconds wait until it is known whether
    they are the last."""
    count = round(FADE_SECONDS * sample_rate)
    held, begun = np.zeros(0, np.float32), False
    for chunk in chunks:
        if not len(chunk):
            yield chunk
            continue
        held = np.concatenate([held, chunk])
        if len(held) < 4 * count:  # enough for both edges, and then some
            continue
        ready, held = held[:-count], held[-count:]
        yield _faded(ready, 0 if begun else count, 0)
        begun = True
    yield _faded(held, 0, count) if begun else soften_edges(held, sample_rate)
