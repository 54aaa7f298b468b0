"""Measures of speech that several crafts share: frames, pitch, mel spectrogram. numpy only, no torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class PowerFrames:
    """A recording cut into overlapping windows.

    Attributes:
        power: ``[T, F]`` mean square each frequency bin contributes, Hann windowed; a row sums to the frame's power.
        frequencies: ``[F]`` Hz.
        times: ``[T]`` seconds, the middle of every frame.
        hop_seconds: from one frame to the next.
    """

    power: np.ndarray
    frequencies: np.ndarray
    times: np.ndarray
    hop_seconds: float

    def band(self, low_hz: float, high_hz: float) -> np.ndarray:
        """``[T]`` power between two frequencies."""
        inside = (self.frequencies >= low_hz) & (self.frequencies < high_hz)
        return self.power[:, inside].sum(axis=1)

    def within(self, spans, before: float = 0.0, after: float = 0.0) -> np.ndarray:
        """``[T]`` whether the frame's middle lies in one of ``spans``, each widened by so many seconds."""
        inside = np.zeros(len(self.times), bool)
        for start, end in spans:
            inside |= (self.times >= start - before) & (self.times <= end + after)
        return inside


@dataclass(frozen=True)
class Pitch:
    """``times`` [T] seconds, ``f0`` [T] Hz (0 where unvoiced), ``periodicity`` [T] in 0..1."""

    times: np.ndarray
    f0: np.ndarray
    periodicity: np.ndarray

    @property
    def voiced(self) -> np.ndarray:
        return self.f0 > 0


def resample(wave: np.ndarray, source_rate: int, target_rate: int) -> np.ndarray:
    if source_rate == target_rate:
        return wave
    import soxr

    return soxr.resample(wave, source_rate, target_rate)


def high_pass(wave: np.ndarray, sample_rate: int, hertz: float) -> np.ndarray:
    """Second order, run forwards and back: no delay, -6 dB at ``hertz``."""
    from scipy.signal import butter, sosfiltfilt

    sections = butter(2, hertz, "highpass", fs=sample_rate, output="sos")
    return sosfiltfilt(
        sections, wave.astype(np.float64), padlen=min(len(wave) - 1, sample_rate // 10)
    ).astype(np.float32)


def power_frames(wave: np.ndarray, sample_rate: int, seconds: float = 0.032, overlap: int = 2) -> PowerFrames:
    size = max(16, int(seconds * sample_rate))
    hop = max(1, size // overlap)
    padded = np.pad(wave, (0, max(0, size - len(wave))))
    window = np.hanning(size).astype(np.float32)
    views = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    power = np.concatenate(
        [
            np.abs(np.fft.rfft(block * window, axis=1)) ** 2
            for block in np.array_split(views, -(-len(views) // 4096))
        ]
    )
    power[:, 1 : (size + 1) // 2] *= 2
    power /= size * np.square(window, dtype=np.float64).sum()
    times = (np.arange(len(views)) * hop + size / 2) / sample_rate
    return PowerFrames(
        power.astype(np.float32), np.fft.rfftfreq(size, 1 / sample_rate), times, hop / sample_rate
    )


def decibels(power: np.ndarray | float, floor: float = 1e-12) -> np.ndarray | float:
    return 10 * np.log10(np.maximum(power, floor))


def mel_filters(sample_rate: int, frequencies: np.ndarray, bands: int) -> np.ndarray:
    """``[bands, F]`` triangles of unit height on the mel scale (O'Shaughnessy), 0 Hz to Nyquist."""
    top = 2595 * np.log10(1 + sample_rate / 2 / 700)
    corners = 700 * (10 ** (np.linspace(0, top, bands + 2) / 2595) - 1)
    rising = (frequencies - corners[:-2, None]) / np.diff(corners)[:-1, None]
    falling = (corners[2:, None] - frequencies) / np.diff(corners)[1:, None]
    return np.clip(np.minimum(rising, falling), 0, None)


def track_pitch(
    wave: np.ndarray,
    sample_rate: int,
    lowest_hz: float = 55.0,
    highest_hz: float = 550.0,
    hop_seconds: float = 0.01,
    periodicity_threshold: float = 0.5,
) -> Pitch:
    """F0 by the window-normalised autocorrelation of Boersma (1993), the path through its candidates by Viterbi.

    A minute takes about half a second on one core.
    """
    rate = 8000
    wave = high_pass(resample(wave, sample_rate, rate), rate, 50)  # or mains hum would be sung along
    size, hop = int(3 * rate / lowest_hz), int(hop_seconds * rate)
    padded = np.pad(wave, (size // 2, size))
    views = np.lib.stride_tricks.sliding_window_view(padded, size)[: len(wave) + 1 : hop]
    window = np.hanning(size)
    length = 1 << (2 * size - 1).bit_length()
    lags = np.arange(int(rate / highest_hz), int(rate / lowest_hz) + 2)
    shape = np.fft.irfft(np.abs(np.fft.rfft(window, length)) ** 2)[: lags[-1] + 1]

    blocks, levels = [], []
    for block in np.array_split(views, -(-len(views) // 1024)):
        levels.append(np.sqrt(np.square(block).mean(axis=1)))
        centred = (block - block.mean(axis=1, keepdims=True)) * window
        raw = np.fft.irfft(np.abs(np.fft.rfft(centred, length, axis=1)) ** 2, axis=1)[:, : lags[-1] + 1]
        normalised = raw[:, lags] / np.maximum(raw[:, :1], 1e-9) / (shape[lags] / shape[0])
        blocks.append(np.clip(normalised, 0, 1).astype(np.float32))
    correlation, level = np.concatenate(blocks), np.concatenate(levels)  # [T, L], [T]

    lag, strength = _candidates(correlation, lags)
    choice = _best_path(rate / lag, strength, level, highest_hz, periodicity_threshold)
    rows = np.arange(len(choice))
    voiced = choice >= 0
    f0 = np.where(voiced, rate / lag[rows, choice], 0.0)
    return Pitch(rows * hop / rate, f0, np.where(voiced, strength[rows, choice], correlation.max(axis=1)))


def _candidates(correlation: np.ndarray, lags: np.ndarray, count: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """The strongest local maxima of every frame: refined lags ``[T, count]`` and strengths (0 = none)."""
    middle = correlation[:, 1:-1]
    left, right = correlation[:, :-2], correlation[:, 2:]
    peaks = np.where((middle >= left) & (middle > right), middle, 0)
    where = np.argsort(-peaks, axis=1)[:, :count]
    strength = np.take_along_axis(peaks, where, axis=1)
    a, b, c = (np.take_along_axis(part, where, axis=1) for part in (left, middle, right))
    bend = a - 2 * b + c
    shift = np.where(np.abs(bend) > 1e-9, 0.5 * (a - c) / np.where(bend == 0, 1, bend), 0)
    return lags[where + 1] + np.clip(shift, -0.5, 0.5), strength


def _best_path(f0, strength, level, highest_hz: float, threshold: float) -> np.ndarray:
    """Index of the candidate of each frame, -1 for unvoiced. Costs as in Praat's defaults, per 10 ms."""
    octave_cost, jump_cost, switch_cost = 0.02, 0.35, 0.14
    loudness = level / max(level.max(), 1e-9)
    unvoiced = threshold + np.clip(2 - loudness / 0.03, 0, None) * 0.5
    scores = np.where(strength > 0, strength - octave_cost * np.log2(highest_hz / f0), -1e3)
    scores = np.concatenate([unvoiced[:, None], scores], axis=1)  # [T, 1 + count]
    octaves = np.concatenate([np.zeros((len(f0), 1)), np.log2(f0)], axis=1)
    is_voiced = np.arange(scores.shape[1]) > 0

    total = scores[0]
    back = np.zeros(scores.shape, np.int64)
    for i in range(1, len(scores)):
        cost = jump_cost * np.abs(octaves[i - 1][:, None] - octaves[i][None])
        cost = np.where(
            is_voiced[:, None] & is_voiced[None], cost, switch_cost * (is_voiced[:, None] ^ is_voiced[None])
        )
        options = total[:, None] - cost
        back[i] = options.argmax(axis=0)
        total = options.max(axis=0) + scores[i]
    path = np.empty(len(scores), np.int64)
    path[-1] = total.argmax()
    for i in range(len(scores) - 1, 0, -1):
        path[i - 1] = back[i][path[i]]
    return path - 1
