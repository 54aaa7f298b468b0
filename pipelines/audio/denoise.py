"""Steady noise out of speech: the log-spectral amplitude estimator of Ephraim and Malah (1985)."""

from __future__ import annotations

import numpy as np

FLOOR_DB = -18.0
"""Noise is lowered, not removed: full removal leaves musical tones, which are worse to learn from than a soft hiss."""


def denoise(wave: np.ndarray, sample_rate: int, pause: np.ndarray, smoothing: float = 0.98) -> np.ndarray:
    """Lower steady noise.

    Args:
        wave: ``[T]`` float32.
        pause: ``[T]`` bool, samples where nobody speaks. Where they are rare, the quietest windows are taken.
        smoothing: of the decision-directed estimate; 0.98 is the authors' value against musical noise.
    """
    from scipy.special import exp1

    size = 2 ** round(np.log2(0.032 * sample_rate))
    hop = size // 4
    window = np.sqrt(np.hanning(size + 1)[:-1])
    padded = np.pad(wave.astype(np.float64), (size, size + hop))
    starts = np.arange(0, len(padded) - size + 1, hop)
    spectrum = np.fft.rfft(np.lib.stride_tricks.sliding_window_view(padded, size)[::hop] * window, axis=1)
    power = np.abs(spectrum) ** 2
    noise = np.maximum(_noise_power(power, starts - size, size, pause), 1e-12)

    floor = 10 ** (FLOOR_DB / 20)
    posterior = np.minimum(power / noise, 1e4)
    gain = np.empty_like(power)
    previous = np.ones(power.shape[1])
    for i, ratio in enumerate(posterior):
        prior = smoothing * previous + (1 - smoothing) * np.maximum(ratio - 1, 0)
        prior = np.maximum(prior, 10 ** (-25 / 10))
        share = prior / (1 + prior)
        exponent = np.maximum(share * ratio, 1e-8)
        gain[i] = np.clip(share * np.exp(0.5 * exp1(exponent)), floor, 1)
        previous = gain[i] ** 2 * ratio

    pieces = np.fft.irfft(spectrum * gain, size, axis=1) * window
    out = np.zeros(len(padded))
    weight = np.zeros(len(padded))
    for start, piece in zip(starts, pieces, strict=True):
        out[start : start + size] += piece
        weight[start : start + size] += window**2
    return (out / np.maximum(weight, 1e-6))[size : size + len(wave)].astype(np.float32)


def _noise_power(power: np.ndarray, starts: np.ndarray, size: int, pause: np.ndarray) -> np.ndarray:
    """``[F]`` power of the noise, heard in windows that lie wholly in a pause, else in the quietest twentieth."""
    speaking = np.concatenate([[0], np.cumsum(~pause)])
    left, right = np.clip(starts, 0, len(pause)), np.clip(starts + size, 0, len(pause))
    inside = (starts >= 0) & (starts + size <= len(pause))
    level = power.sum(axis=1)
    heard = inside & (speaking[right] == speaking[left]) & (level > size * 1e-10)
    if heard.sum() * size / 4 < 8 * size:
        alive = np.flatnonzero(inside & (level > size * 1e-10))
        count = max(8, len(alive) // 20)
        heard = alive[np.argsort(np.log(power[alive] + 1e-12).mean(axis=1))[:count]]
    if np.size(heard) == 0 or not np.any(heard):
        return np.zeros(power.shape[1])
    # Power of noise in a bin is exponential; its median times 1/ln 2 is its mean, deaf to coughs.
    return np.median(power[heard], axis=0) / np.log(2)
