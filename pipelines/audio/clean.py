"""A recording made fit to learn from. The caller keeps the original, so cleaning can be undone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.audio import measures
from pipelines.audio.denoise import denoise
from pipelines.audio.features import high_pass, power_frames
from pipelines.audio.joining import soften_edges
from pipelines.audio.listening import INAUDIBLE_HZ, find_speech, representative
from pipelines.audio.quality import THRESHOLDS
from pipelines.audio.recording import Recording
from pipelines.audio.voice_activity import Spans

TRIM_DB = -40.0
"""Below the loudest speech: what is quieter is no part of a word."""
LONGEST_PAUSE_SECONDS = 0.7
EDGE_SECONDS = 0.2
"""Kept before and after speech, so that soft onsets and the last breath of a word survive."""
HOP_SECONDS = 0.016
PEAK_DB = -6.0
TARGET_LUFS = -23.0
"""EBU R 128."""
CLEAN_ENOUGH_DB = 35.0
"""Above this SNR denoising could only take away from the speech."""


@dataclass(frozen=True)
class Cleaned:
    """
    Attributes:
        recording: at the sample rate of the original.
        kept: the parts of the original that are in it, in seconds.
        actions: what was done, of ``centred``, ``dehummed``, ``denoised``, ``trimmed``, ``levelled``; sentence keys
            ``clean.action.<name>``.
    """

    recording: Recording
    kept: Spans
    actions: tuple[str, ...]


def clean(recording: Recording, spans: Spans | None = None) -> Cleaned:
    """Centre, take out hum and noise, cut silence, level. Each only where it is needed.

    Args:
        spans: where someone speaks (``QualityReport.speech_spans``); found anew when not given.
    """
    rate, actions = recording.sample_rate, []
    if spans is None:
        spans = find_speech(recording)

    # 1. The wave lies around zero.
    wave = high_pass(recording.wave, rate, INAUDIBLE_HZ)
    if measures.dc_percent(recording.wave) > 0.1:
        actions.append("centred")

    # 2. Mains hum: a notch on every line that stands out.
    sample, sample_spans = representative(Recording(wave, rate), spans)
    found = measures.hum(sample.wave, rate, sample_spans) if sample_spans else None
    if found and THRESHOLDS["hum"].verdict(found[0]) != "good":
        wave = _without_lines(wave, rate, found[1])
        actions.append("dehummed")

    # 3. Steady noise.
    sample, sample_spans = representative(Recording(wave, rate), spans)
    snr = measures.snr_db(power_frames(sample.wave, rate), sample_spans)
    if snr is not None and snr < CLEAN_ENOUGH_DB:
        wave = denoise(wave, rate, _pauses(len(wave), rate, spans))
        actions.append("denoised")

    # 4. Silence at the ends, and long silence between.
    kept = _worth_keeping(wave, rate, spans)
    if sum(end - start for start, end in kept) < recording.seconds - 0.01:
        wave = _cut(wave, rate, kept)
        actions.append("trimmed")

    # 5. Level.
    levelled = _level(wave, rate)
    if abs(20 * np.log10(np.abs(levelled).max() / np.abs(wave).max())) > 0.5:
        wave = levelled
        actions.append("levelled")

    start = recording.start_seconds + kept[0][0]
    return Cleaned(Recording(wave, rate, recording.text, start), kept, tuple(actions))


def _without_lines(wave: np.ndarray, rate: int, mains_hz: int) -> np.ndarray:
    from scipy.signal import iirnotch, sosfiltfilt, tf2sos

    lines = np.arange(mains_hz, min(10 * mains_hz, rate / 2 - mains_hz), mains_hz)
    sections = np.concatenate([tf2sos(*iirnotch(line, line / 2.0, rate)) for line in lines])
    return sosfiltfilt(sections, wave.astype(np.float64)).astype(np.float32)


def _pauses(samples: int, rate: int, spans: Spans) -> np.ndarray:
    pause = np.ones(samples, bool)
    for start, end in spans:
        pause[max(0, int((start - 0.06) * rate)) : int((end + 0.12) * rate)] = False
    return pause


def _worth_keeping(wave: np.ndarray, rate: int, spans: Spans) -> Spans:
    """Loud parts near speech with their edges, pauses up to ``LONGEST_PAUSE_SECONDS`` included; never empty."""
    seconds = len(wave) / rate
    hop = max(1, round(HOP_SECONDS * rate))
    power = np.square(wave[: len(wave) // hop * hop]).reshape(-1, hop).mean(axis=1)
    starts = np.arange(len(power)) * hop / rate
    speaking, near = np.zeros(len(power), bool), np.zeros(len(power), bool)
    for start, end in spans:
        speaking |= (starts >= start) & (starts < end)
        near |= (starts >= start - 0.3) & (starts < end + 0.3)
    if not speaking.any():
        return ((0.0, seconds),)
    loud = near & (power > np.quantile(power[speaking], 0.98) * 10 ** (TRIM_DB / 10))
    edges = np.flatnonzero(np.diff(np.concatenate([[False], loud, [False]]).astype(np.int8)))
    kept: list[list[float]] = []
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        start = max(0.0, first * hop / rate - EDGE_SECONDS)
        end = min(seconds, last * hop / rate + EDGE_SECONDS)
        if kept and start - kept[-1][1] <= LONGEST_PAUSE_SECONDS - 2 * EDGE_SECONDS:
            kept[-1][1] = end
        else:
            kept.append([start, end])
    return tuple((float(start), float(end)) for start, end in kept) or ((0.0, seconds),)


def _cut(wave: np.ndarray, rate: int, kept: Spans) -> np.ndarray:
    return np.concatenate(
        [soften_edges(wave[round(a * rate) : round(b * rate)], rate, 0.01) for a, b in kept]
    )


def _level(wave: np.ndarray, rate: int) -> np.ndarray:
    peak_gain = PEAK_DB - measures.peak_db(wave)
    lufs = measures.loudness_lufs(representative(Recording(wave, rate), ())[0].wave, rate)
    gain = peak_gain if lufs is None else min(peak_gain, TARGET_LUFS - lufs)
    return wave * np.float32(10 ** (gain / 20))
