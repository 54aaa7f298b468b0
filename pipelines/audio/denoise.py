"""Steady noise out of speech: the log-spectral amplitude estimator of Ephraim and Malah (1985)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

FLOOR_DB = -18.0
"""Noise is lowered, not removed: full removal leaves musical tones, which are worse to learn from than a soft hiss."""
SMOOTHING = 0.98
"""Of the decision-directed estimate; the authors' value against musical noise."""
BLOCK = 1024
"""Windows held in memory at a time."""
ENOUGH_WINDOWS = 2000


def denoise(wave: np.ndarray, sample_rate: int, pause: np.ndarray) -> np.ndarray:
    """Lower steady noise.

    Args:
        wave: ``[T]`` float32.
        pause: ``[T]`` bool, samples where nobody speaks. Where they are rare, the quietest windows are taken.
    """
    from scipy.special import exp1

    size = 2 ** round(np.log2(0.032 * sample_rate))
    hop = size // 4
    window = np.sqrt(np.hanning(size + 1)[:-1]).astype(np.float32)
    padded = np.pad(wave.astype(np.float32), (size, 2 * size))
    windows = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]  # [N, size]
    noise = np.maximum(
        _noise_power(windows, window, np.pad(pause, (size, 2 * size))[: len(padded)], hop), 1e-12
    )

    out = np.zeros(len(padded), np.float32)
    previous = np.ones(len(noise))
    for first, block in _blocks(windows):
        spectrum = np.fft.rfft(block * window, axis=1)
        posterior = np.minimum(np.abs(spectrum) ** 2 / noise, 1e4)
        gain = np.empty_like(posterior)
        for i, ratio in enumerate(posterior):
            prior = SMOOTHING * previous + (1 - SMOOTHING) * np.maximum(ratio - 1, 0)
            prior = np.maximum(prior, 10 ** (-25 / 10))
            share = prior / (1 + prior)
            exponent = np.maximum(share * ratio, 1e-8)
            gain[i] = np.clip(share * np.exp(0.5 * exp1(exponent)), 10 ** (FLOOR_DB / 20), 1)
            previous = gain[i] ** 2 * ratio
        for i, piece in enumerate(np.fft.irfft(spectrum * gain, size, axis=1) * window, first):
            out[i * hop : i * hop + size] += piece
    return out[size : size + len(wave)] / np.float32(2)  # four overlapping squares of a sine window sum to 2


def _blocks(windows: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    for first in range(0, len(windows), BLOCK):
        yield first, windows[first : first + BLOCK]


def _noise_power(windows: np.ndarray, window: np.ndarray, pause: np.ndarray, hop: int) -> np.ndarray:
    """``[F]`` power of the noise, heard in windows that lie wholly in a pause, else in the quietest twentieth."""
    size = windows.shape[1]
    starts = np.arange(len(windows)) * hop
    level = np.concatenate([np.square(block).mean(axis=1) for _, block in _blocks(windows)])
    alive = level > 1e-10  # digital silence and the padding tell nothing
    whole = np.concatenate([[0], np.cumsum(~pause)])
    heard = np.flatnonzero(alive & (whole[starts + size] == whole[starts]))
    if len(heard) < 32:
        candidates = np.flatnonzero(alive)
        if len(candidates) == 0:
            return np.zeros(size // 2 + 1)
        heard = candidates[np.argsort(level[candidates])[: max(8, len(candidates) // 20)]]
    heard = heard[:: -(-len(heard) // ENOUGH_WINDOWS)]
    power = np.abs(np.fft.rfft(windows[heard] * window, axis=1)) ** 2
    # Power of noise in a bin is exponential; its median times 1/ln 2 is its mean, deaf to coughs.
    return np.median(power, axis=0) / np.log(2)
