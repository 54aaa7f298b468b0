"""Is it one person? Windows of speech in a space where speakers lie apart, parted into two groups.

The space is a linear discriminant analysis of cepstra and pitch, fitted by ``python -m pipelines.audio.speakers CLIPS``
on one clip each of 192 LibriSpeech speakers (CC BY 4.0) and shipped as ``assets/audio/speaker_space.safetensors``.
A distance of 1 in it is the scatter of one speaker from window to window.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np

from pipelines.audio.features import Pitch, PowerFrames, decibels, mel_filters
from pipelines.audio.voice_activity import Spans

SPACE = Path(__file__).resolve().parents[2] / "assets" / "audio" / "speaker_space.safetensors"
DIMENSIONS = 4
WINDOW_SECONDS = 2.0
FEWEST_WINDOWS = 6


def speaker_distance(frames: PowerFrames, pitch: Pitch, spans: Spans) -> float | None:
    """How far apart the two groups lie into which the speech falls most easily; None below about 7 s of speech.

    Single readers stay below 5.5 (five speakers of LibriSpeech test-other and LJ, clips joined), two different readers
    lie at 8.7 in the median.
    """
    windows = describe_windows(frames, pitch, spans) @ _space()
    return _distance_of_two_groups(windows) if len(windows) >= FEWEST_WINDOWS else None


def describe_windows(frames: PowerFrames, pitch: Pitch, spans: Spans) -> np.ndarray:
    """``[N, 40]``: for every two seconds of speech (a second apart) mean and deviation of 19 cepstra and of log F0.

    ``frames`` of 32 ms every 16 ms at 16 kHz.
    """
    mel = np.log(frames.power @ mel_filters(16000, frames.frequencies, 32)[2:-2].T + 1e-9)
    cepstra = mel @ _cosines(mel.shape[1], 19)
    level = decibels(frames.power.sum(axis=1))
    speaking = frames.within(spans)
    if speaking.any():
        speaking &= level > np.quantile(level[speaking], 0.95) - 30
    cepstra = cepstra[speaking]
    f0 = np.interp(frames.times, pitch.times, pitch.f0)[speaking]
    size = int(WINDOW_SECONDS / frames.hop_seconds)
    rows = []
    for start in range(0, len(cepstra) - size + 1, size // 2):
        part = cepstra[start : start + size]
        octaves = np.log2(f0[start : start + size][f0[start : start + size] > 60])
        if len(octaves) >= 20:
            rows.append([*part.mean(axis=0), *part.std(axis=0), 3 * np.median(octaves), 3 * octaves.std()])
    return np.array(rows, np.float32).reshape(len(rows), 40)


def fit_space(speakers: Iterable[np.ndarray]) -> np.ndarray:
    """Windows of each speaker ``[N, 40]`` -> projection ``[40, DIMENSIONS]``."""
    from scipy.linalg import eigh

    speakers = [windows for windows in speakers if len(windows) > 3]
    within = sum((w - w.mean(axis=0)).T @ (w - w.mean(axis=0)) for w in speakers) / sum(
        len(w) - 1 for w in speakers
    )
    between = np.cov(np.array([windows.mean(axis=0) for windows in speakers]).T)
    size = len(within)
    strength, axes = eigh(between, within + 1e-3 * np.trace(within) / size * np.eye(size))
    strength, axes = strength[::-1][:DIMENSIONS], axes[:, ::-1][:, :DIMENSIONS]
    return np.ascontiguousarray(axes * np.sqrt(strength / (strength + 1)), np.float32)


def _distance_of_two_groups(windows: np.ndarray) -> float:
    centred = windows - windows.mean(axis=0)
    in_first = centred @ np.linalg.svd(centred, full_matrices=False)[2][0] > 0
    for _ in range(20):
        if in_first.all() or not in_first.any():
            return 0.0
        first, second = windows[in_first].mean(axis=0), windows[~in_first].mean(axis=0)
        nearer = np.square(windows - first).sum(axis=1) < np.square(windows - second).sum(axis=1)
        if (nearer == in_first).all():
            break
        in_first = nearer
    # A group of a window or two is an outburst, a cough, a laugh: not a person.
    return float(np.linalg.norm(first - second)) if 3 <= in_first.sum() <= len(windows) - 3 else 0.0


def _cosines(size: int, count: int) -> np.ndarray:
    """Orthonormal DCT-II without its constant, ``[size, count]``."""
    angles = np.pi * (np.arange(size)[:, None] + 0.5) * np.arange(1, count + 1) / size
    return np.sqrt(2 / size) * np.cos(angles)


@cache
def _space() -> np.ndarray:
    from safetensors.numpy import load_file

    return load_file(SPACE)["space"]


def _fit_from_clips(folder: Path) -> None:
    from safetensors.numpy import save_file

    from pipelines.audio.decode import decode_audio
    from pipelines.audio.listening import listen

    heard = (listen(decode_audio(path)) for path in sorted(folder.rglob("*.flac")))
    space = fit_space(describe_windows(sound.frames16, sound.pitch, sound.sample_spans) for sound in heard)
    SPACE.parent.mkdir(parents=True, exist_ok=True)
    save_file({"space": space}, SPACE)


if __name__ == "__main__":
    _fit_from_clips(Path(sys.argv[1]))
