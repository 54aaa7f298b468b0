"""Speech spoilt on purpose, by known amounts."""

from __future__ import annotations

import numpy as np
from scipy.signal import fftconvolve, firwin

from pipelines.audio.recording import Recording

Spans = tuple[tuple[float, float], ...]


def speech_power(recording: Recording, spans: Spans) -> float:
    """Mean square of the stretches in which someone speaks."""
    rate = recording.sample_rate
    return float(
        np.mean(np.concatenate([recording.wave[int(a * rate) : int(b * rate)] ** 2 for a, b in spans]))
    )


def coloured_noise(kind: str, samples: int, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Unit power; ``white``, ``pink`` (-3 dB an octave) or ``brown`` (-6 dB), both level below 40 Hz."""
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    hertz = np.maximum(np.fft.rfftfreq(samples, 1 / rate), 40)
    noise = np.fft.irfft(spectrum / hertz ** {"white": 0, "pink": 0.5, "brown": 1}[kind], samples)
    return noise / noise.std()


def with_noise(
    recording: Recording, spans: Spans, snr_db: float, kind: str, rng: np.random.Generator
) -> Recording:
    noise = coloured_noise(kind, len(recording.wave), recording.sample_rate, rng)
    level = np.sqrt(speech_power(recording, spans)) * 10 ** (-snr_db / 20)
    return _like(recording, recording.wave + level * noise)


def with_hum(recording: Recording, spans: Spans, level_db: float, mains_hz: float) -> Recording:
    """Three harmonics whose power together lies ``level_db`` from the speech."""
    times = np.arange(len(recording.wave)) / recording.sample_rate
    hum = sum(a * np.sin(2 * np.pi * k * mains_hz * times) for k, a in ((1, 1.0), (2, 0.5), (3, 0.7)))
    level = np.sqrt(speech_power(recording, spans)) * 10 ** (level_db / 20) / hum.std()
    return _like(recording, recording.wave + level * hum)


def in_a_room(
    recording: Recording, rt60_seconds: float, rng: np.random.Generator, direct_db: float = 2.0
) -> Recording:
    """Direct sound and a tail of noise that falls by 60 dB in ``rt60_seconds``; ``direct_db`` is their ratio."""
    rate = recording.sample_rate
    times = np.arange(int(1.2 * rt60_seconds * rate)) / rate
    tail = rng.standard_normal(len(times)) * 10 ** (-3 * times / rt60_seconds)
    tail[: int(0.002 * rate)] = 0
    tail *= 10 ** (-direct_db / 20) / np.sqrt(np.square(tail).sum())
    tail[0] = 1
    wave = fftconvolve(recording.wave, tail)
    return _like(recording, wave * np.abs(recording.wave).max() / np.abs(wave).max())


def clipped(recording: Recording, share: float) -> Recording:
    """Every sample beyond the level that ``share`` of them exceed is cut to it, then brought to 0.8."""
    top = np.quantile(np.abs(recording.wave), 1 - share)
    return _like(recording, np.clip(recording.wave, -top, top) * (0.8 / top))


def band_limited(recording: Recording, hertz: float) -> Recording:
    taps = firwin(801, hertz, fs=recording.sample_rate, window=("kaiser", 12))
    return _like(recording, fftconvolve(recording.wave, taps, mode="same"))


def _like(recording: Recording, wave: np.ndarray) -> Recording:
    return Recording(wave.astype(np.float32), recording.sample_rate)
