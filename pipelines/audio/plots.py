"""Recordings to look at, as PNG with a see-through background."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pipelines.audio.clean import Cleaned
from pipelines.audio.features import decibels, mel_filters, power_frames, resample, track_pitch
from pipelines.audio.plot_style import ENGLISH, Sheet
from pipelines.audio.quality import QualityReport
from pipelines.audio.recording import Recording
from pipelines.audio.voice_activity import Spans

LABELS = tuple(ENGLISH)
"""The words a plot may write; their sentence keys are ``plot.<label>``."""
COLUMNS = 900
"""More detail than this is lost on any screen."""
LONGEST_SPECTROGRAM_SECONDS = 120.0
MEL_BANDS = 96


def waveform_plot(
    recording: Recording,
    report: QualityReport,
    cleaned: Cleaned | None,
    *,
    dark: bool,
    labels: Mapping[str, str],
) -> bytes:
    """The recording, what cleaning keeps in colour; without ``cleaned``, what is speech."""
    sheet = Sheet(dark, labels)
    axes, colours = sheet.axes, sheet.colours
    times, lowest, highest = _envelope(recording)
    spans, names = (cleaned.kept, ("kept", "cut")) if cleaned else (report.speech_spans, ("speech", "pause"))
    kept, cut = (sheet.labels[name] for name in names)
    inside = _within(times, spans)
    axes.fill_between(times, lowest, highest, where=~inside, color=colours.faded, linewidth=0, label=cut)
    axes.fill_between(times, lowest, highest, where=inside, color=colours.accent, linewidth=0, label=kept)
    axes.axhline(0, color=colours.line, linewidth=0.8, zorder=0)
    for start, end in _gaps(spans, recording.seconds):
        axes.axvspan(start, end, color=colours.faded, alpha=0.16, linewidth=0)
    top = max(0.05, float(np.abs(recording.wave).max())) * 1.05
    axes.set_ylim(-top, top)
    axes.set_xlim(0, recording.seconds)
    axes.set_yticks([])
    sheet.name_axes(sheet.labels["time"])
    sheet.legend()
    return sheet.png()


def spectrogram_plot(
    recording: Recording,
    report: QualityReport,
    cleaned: Cleaned | None,
    *,
    dark: bool,
    labels: Mapping[str, str],
) -> bytes:
    """Mel spectrogram and F0 of what a voice would learn from: the cleaned recording where there is one.

    Of a long recording, the first two minutes.
    """
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.patheffects import Stroke, withStroke

    shown = cleaned.recording if cleaned else recording
    rate = min(shown.sample_rate, 24000)
    wave = resample(
        shown.wave[: int(LONGEST_SPECTROGRAM_SECONDS * shown.sample_rate)], shown.sample_rate, rate
    )
    seconds = len(wave) / rate
    frames = power_frames(wave, rate)
    filters = mel_filters(rate, frames.frequencies, MEL_BANDS)
    level = decibels(_averaged(frames.power, COLUMNS) @ filters.T).T  # [bands, columns]
    loudest = np.quantile(level, 0.998)

    sheet = Sheet(dark, labels)
    axes, colours = sheet.axes, sheet.colours
    axes.imshow(
        level,
        origin="lower",
        aspect="auto",
        interpolation="bilinear",
        extent=(0, seconds, 0, MEL_BANDS),
        cmap=LinearSegmentedColormap.from_list("heat", colours.heat),
        vmin=loudest - 65,
        vmax=loudest,
    )
    centres = frames.frequencies @ (filters / np.maximum(filters.sum(axis=1, keepdims=True), 1e-9)).T
    pitch = track_pitch(wave, rate)
    height = np.where(pitch.voiced, np.interp(pitch.f0, centres, np.arange(MEL_BANDS) + 0.5), np.nan)
    (line,) = axes.plot(pitch.times, height, color=colours.second, linewidth=1.5, label=sheet.labels["pitch"])
    line.set_path_effects([withStroke(linewidth=3.0, foreground=colours.halo), Stroke()])
    ticks = [hertz for hertz in (200, 500, 1000, 2000, 4000, 8000) if hertz < 0.48 * rate]
    axes.set_yticks(np.interp(ticks, centres, np.arange(MEL_BANDS) + 0.5), [f"{hertz:g}" for hertz in ticks])
    axes.set_xlim(0, seconds)
    axes.set_ylim(0, MEL_BANDS)
    sheet.name_axes(sheet.labels["time"], sheet.labels["hertz"])
    sheet.legend()
    return sheet.png()


def loudness_plot(
    recording: Recording,
    report: QualityReport,
    cleaned: Cleaned | None,
    *,
    dark: bool,
    labels: Mapping[str, str],
) -> bytes:
    """Loudness over time (ITU-R BS.1770, 400 ms), before and after cleaning, over the range that is good."""
    sheet = Sheet(dark, labels)
    axes, colours = sheet.axes, sheet.colours
    low, high = report["loudness"].threshold["good"]
    axes.axhspan(low, high, color=colours.band, linewidth=0, label=sheet.labels["target"])
    times, before = _momentary_loudness(recording)
    plain = dict(color=colours.accent, linewidth=1.8)
    name = sheet.labels["before"] if cleaned else None
    axes.plot(times, before, label=name, **(dict(color=colours.faded, linewidth=1.4) if cleaned else plain))
    if cleaned:
        times, after = _momentary_loudness(cleaned.recording)
        axes.plot(*_at_original_times(times, after, cleaned.kept), label=sheet.labels["after"], **plain)
    axes.set_xlim(0, recording.seconds)
    axes.set_ylim(-62, 0)
    axes.set_yticks([-60, -45, -30, -15, 0])
    axes.grid(axis="y", color=colours.line, linewidth=0.8)
    sheet.name_axes(sheet.labels["time"], "LUFS")
    sheet.legend()
    return sheet.png()


def _envelope(recording: Recording) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times, lowest and highest sample of every column."""
    size = max(1, len(recording.wave) // COLUMNS)
    columns = recording.wave[: len(recording.wave) // size * size].reshape(-1, size)
    times = (np.arange(len(columns)) + 0.5) * size / recording.sample_rate
    return times, columns.min(axis=1), columns.max(axis=1)


def _averaged(power: np.ndarray, columns: int) -> np.ndarray:
    """``[T, F]`` -> at most about ``columns`` rows, each the mean of its neighbours."""
    size = max(1, len(power) // columns)
    return power[: len(power) // size * size].reshape(-1, size, power.shape[1]).mean(axis=1)


def _within(times: np.ndarray, spans: Spans) -> np.ndarray:
    return np.any(
        [(times >= start) & (times <= end) for start, end in spans] or [np.zeros(len(times), bool)], axis=0
    )


def _gaps(spans: Spans, seconds: float) -> Spans:
    edges = [0.0, *(edge for span in spans for edge in span), seconds]
    return tuple(
        (start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if end - start > 0.02
    )


def _momentary_loudness(recording: Recording) -> tuple[np.ndarray, np.ndarray]:
    from pyloudnorm import IIRfilter

    wave, rate = recording.wave.astype(np.float64), recording.sample_rate
    # The two stages of K-weighting, with the standard's corner frequencies.
    wave = IIRfilter(4.0, 1 / np.sqrt(2), 1500.0, rate, "high_shelf").apply_filter(wave)
    wave = IIRfilter(0.0, 0.5, 38.0, rate, "high_pass").apply_filter(wave)
    hop = max(rate // 10, len(wave) // COLUMNS)
    blocks = np.square(np.pad(wave, (0, -len(wave) % hop))).reshape(-1, hop).mean(axis=1)
    width = max(1, round(0.4 * rate / hop))
    power = np.convolve(blocks, np.ones(width) / width, "same")
    return (np.arange(len(power)) + 0.5) * hop / rate, -0.691 + decibels(power, 1e-7)


def _at_original_times(times: np.ndarray, values: np.ndarray, kept: Spans) -> tuple[np.ndarray, np.ndarray]:
    """A curve over the cleaned recording, drawn where its parts were in the original; broken where something was cut."""
    where, shown, start_in_cleaned = [], [], 0.0
    for start, end in kept:
        inside = (times >= start_in_cleaned) & (times < start_in_cleaned + end - start)
        where += [*(times[inside] - start_in_cleaned + start), end]
        shown += [*values[inside], np.nan]
        start_in_cleaned += end - start
    return np.array(where), np.array(shown)
