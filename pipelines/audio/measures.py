"""What can be heard in a recording, as numbers. Each function answers one question; ``quality`` judges the answers."""

from __future__ import annotations

import numpy as np

from pipelines.audio.features import Pitch, PowerFrames, decibels, power_frames, resample
from pipelines.audio.voice_activity import Spans

DIGITAL_SILENCE = 1e-10
"""Mean square below which a frame was muted by a machine and says nothing about the room (-100 dB)."""
LULL_BELOW, LULL_SECONDS = 1.2, 0.3
"""In bels below loud speech; a reader's own voice rarely stays there for so long."""
MANY_LULLS_SECONDS = 3.0
"""Breaths and fading words add up to less, or to less than the pauses; the others are filled by a television, say."""


def snr_db(frames: PowerFrames, spans: Spans) -> float | None:
    """Power of the speech alone over the power of everything that is there without it.

    The noise is heard in the pauses, also in those that somebody else, farther away, fills with speech. Where there are
    less than a second of them, the quietest 2 % of the frames stand in: a frame is quiet when all bands of speech are,
    which leaves the noise below and above them unselected and so unbiased. Within 3 dB of the truth from 0 to 35 dB for
    white, pink and brown noise (tested).
    """
    power = frames.power.sum(axis=1)
    speaking = frames.within(spans)
    alive = power > DIGITAL_SILENCE
    if not (speaking & alive).any():
        return None
    pause = alive & ~frames.within(spans, before=0.06, after=0.12)
    lulls = alive & ~pause & _lulls(power, power[speaking], frames.hop_seconds)
    if lulls.sum() > max(pause.sum(), MANY_LULLS_SECONDS / frames.hop_seconds):
        pause |= lulls
    if pause.sum() * frames.hop_seconds >= 1:
        # A cough is not the room, nor is a syllable that was not taken for speech.
        noise = np.median(power[pause])
    else:
        edges = (80, 300, 1000, 3000, 8000)
        bands = np.stack([frames.band(*edge) for edge in zip(edges, edges[1:], strict=False)], axis=1)[alive]
        bands = np.maximum(bands, DIGITAL_SILENCE)
        loudness = decibels(bands / np.quantile(bands, 0.05, axis=0)).max(axis=1)
        count = max(8, int(0.02 * len(loudness)))
        noise = (
            1.2 * power[alive][np.argsort(loudness)[:count]].mean()
        )  # the quietest are quieter than the mean
    speech = max(power[speaking].mean() - noise, 0.03 * noise)
    return float(decibels(speech / max(noise, DIGITAL_SILENCE)))


def _lulls(power: np.ndarray, speech: np.ndarray, hop_seconds: float) -> np.ndarray:
    """``[T]`` whether a frame of ``power`` lies well inside a stretch that is much quieter than loud ``speech``, and
    longer than the closure of a stop or a soft syllable."""
    width, edge = max(1, round(0.1 / hop_seconds)), round(0.05 / hop_seconds)
    quiet = np.convolve(power, np.ones(width) / width, "same") < np.quantile(speech, 0.8) * 10**-LULL_BELOW
    borders = np.flatnonzero(np.diff(np.concatenate([[False], quiet, [False]]).astype(np.int8)))
    lulls = np.zeros(len(power), bool)
    for begin, end in zip(borders[::2], borders[1::2], strict=True):
        if (end - begin) * hop_seconds >= LULL_SECONDS:
            lulls[begin + edge : end - edge] = True
    return lulls


def clipped_percent(wave: np.ndarray) -> float:
    """Share of samples that lie on a flat top.

    Exact tops are runs of three and more samples within 0.1 % of the extreme of their sign. Lossy coding ruffles
    them; what stays is a bump in the histogram of amplitudes, which in speech only ever falls.
    """
    flat = 0
    for side in (wave, -wave):
        at_top = side >= 0.999 * side.max()
        edges = np.flatnonzero(np.diff(np.concatenate([[False], at_top, [False]]).astype(np.int8)))
        runs = edges[1::2] - edges[::2]
        runs = runs[runs >= 3]
        flat += runs.sum() if len(runs) >= 3 else 0
    return float(100 * max(flat, _bump(np.abs(wave))) / len(wave))


def _bump(size: np.ndarray) -> float:
    """Samples in the first clear rise of the histogram of ``size``, less the falling course it should have had."""
    counts = np.histogram(size, 20, (0, size.max()))[0].astype(np.float64)
    for i in range(8, len(counts)):
        last = counts[i - 1]
        if last > 0 and counts[i] > 1.1 * last + 4 * np.sqrt(last) + 10:
            above = counts[i:][np.cumprod(counts[i:] > last).astype(bool)]
            return float(above.sum() - 0.8 * last * len(above))
    return 0.0


def loudness_lufs(wave: np.ndarray, sample_rate: int) -> float | None:
    """Integrated loudness after ITU-R BS.1770-4; None below its gate of -70 LUFS."""
    import pyloudnorm

    lufs = pyloudnorm.Meter(sample_rate).integrated_loudness(wave.astype(np.float64))
    return float(lufs) if np.isfinite(lufs) else None


def unsteadiness_db(frames: PowerFrames, spans: Spans) -> float | None:
    """Standard deviation of the level of speech from one half second to the next; None with less than two of them.

    A speaker who turns away from the microphone, or starts to whisper, is unsteady; the rise and fall of syllables and
    words within half a second is not.
    """
    power = frames.power.sum(axis=1)[frames.within(spans)]
    length = max(1, round(0.5 / frames.hop_seconds))
    blocks = power[: len(power) // length * length].reshape(-1, length).mean(axis=1)
    return float(np.std(decibels(blocks))) if len(blocks) > 1 else None


def peak_db(wave: np.ndarray) -> float:
    return float(2 * decibels(np.abs(wave).max()))


def dc_percent(wave: np.ndarray) -> float:
    """Offset of the mean, in percent of full scale."""
    return float(100 * abs(wave.mean(dtype=np.float64)))


def bandwidth_hz(frames: PowerFrames, spans: Spans) -> float | None:
    """The highest frequency at which speech still rises above what is always there.

    Looks at bands of 250 Hz: the loud moments of speech against the quiet ones of the same band, and not more than
    75 dB below the strongest band, where resampling leaves nothing but rounding.
    """
    speaking = frames.within(spans)
    if speaking.sum() < 8:
        return None
    nyquist = frames.frequencies[-1]
    edges = np.arange(0, nyquist + 1, 250.0)
    bands = np.stack([frames.band(*edge) for edge in zip(edges, edges[1:], strict=False)], axis=1)
    bands = decibels(bands, 1e-15)
    loud, quiet = np.quantile(bands[speaking], 0.97, axis=0), np.quantile(bands, 0.03, axis=0)
    heard = (loud > quiet + 12) & (loud > loud.max() - 75)
    return float(edges[1:][heard][-1]) if heard.any() else None


def hum(wave: np.ndarray, sample_rate: int, spans: Spans) -> tuple[float, int] | None:
    """Mains hum: its level in dB relative to speech and the mains frequency, 50 or 60 Hz.

    Hum is a comb of lines that never stops: the quietest tenth of what each bin holds in windows of half a second
    keeps it and loses the speech. A line counts when it stands 9 dB above its surroundings; the mains frequency
    itself must be there, or two of its multiples (one alone may be a steady voice).
    """
    rate = 2000
    low = resample(wave, sample_rate, rate)
    if len(low) < rate:
        return None
    window = np.hanning(rate // 2)
    views = np.lib.stride_tricks.sliding_window_view(low, rate // 2)[:: rate // 8]
    power = np.abs(np.fft.rfft(views * window, rate, axis=1)) ** 2 / (rate * np.square(window).sum())
    steady = np.quantile(2 * power, 0.1, axis=0)  # one bin a hertz
    speech_power = np.mean(
        np.concatenate([wave[int(a * sample_rate) : int(b * sample_rate)] ** 2 for a, b in spans])
    )

    found = []
    for mains in (50, 60):
        lines = {}
        for harmonic in range(mains, 10 * mains, mains):
            line = steady[harmonic - 4 : harmonic + 5]
            around = np.concatenate(
                [steady[harmonic - 16 : harmonic - 6], steady[harmonic + 7 : harmonic + 17]]
            )
            floor = np.median(around)
            if line.max() > 8 * floor and abs(int(line.argmax()) - 4) <= 2:
                lines[harmonic] = line.sum() - len(line) * floor
        found.append((sum(lines.values()) if mains in lines or len(lines) >= 2 else 0.0, mains))
    total, mains = max(found)
    return float(decibels(total / speech_power, 1e-9)), mains


def reverberation_seconds(wave: np.ndarray, sample_rate: int) -> float | None:
    """Reverberation time (RT60) as heard in the decays of speech.

    A room bounds how fast a band may fade. In five bands the steep end (90 %) of the fading rates over 64 ms is taken
    above the noise, after Wen, Habets and Naylor (2008). The power law from rate to seconds was fitted on 200 speakers
    convolved with decaying noise of 0.15 to 1.5 s at direct-to-reverberant ratios of -3 to 8 dB and SNRs of 20 to
    55 dB: correlation of the logarithms 0.93, mean error 23 %.
    """
    frames = power_frames(resample(wave, sample_rate, 16000), 16000, seconds=0.016, overlap=4)
    width = 17
    ramp = np.arange(width) - (width - 1) / 2
    ramp /= (ramp @ ramp) * frames.hop_seconds
    rates = []
    for low, high in ((300, 600), (600, 1200), (1200, 2400), (2400, 4800), (4800, 7600)):
        level = decibels(frames.band(low, high))
        if len(level) <= width:
            return None
        floor, top = np.quantile(level, [0.05, 0.95])
        window = np.lib.stride_tricks.sliding_window_view(level, width)
        slope = window @ ramp
        fading = -slope[(window[:, -1] > floor + 6) & (window[:, 0] > top - 35) & (slope < 0)]
        if len(fading) >= 20:
            rates.append(np.log(np.quantile(fading, 0.9)))
    return float(np.exp(8.463 - 1.785 * np.mean(rates))) if rates else None


def f0_range(pitch: Pitch) -> tuple[float, float, float, float] | None:
    """Semitones between the 5th and 95th percentile of F0; those, the median between them, in Hz.

    None without half a second of voice.
    """
    f0 = pitch.f0[pitch.voiced]
    if len(f0) < 50:
        return None
    low, median, high = (float(hertz) for hertz in np.quantile(f0, [0.05, 0.5, 0.95]))
    return float(12 * np.log2(high / low)), low, median, high
