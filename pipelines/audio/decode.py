"""Files from outside become recordings here, behind a wall: a child process with limits reads them."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from pipelines.audio.recording import Recording
from pipelines.child_process import child_answer
from pipelines.failure import CraftError

SILENCE_DB = -60.0
"""A file whose loudest 50 ms stay below this holds nothing that cleaning could bring back: a 16-bit recording
keeps six bits there, and the noise of common microphones lies above it."""


@dataclass(frozen=True)
class AudioLimits:
    """What a file may ask of the machine. Sample rates in Hz."""

    max_bytes: int = 200 * 2**20
    max_seconds: float = 1800.0
    min_seconds: float = 0.5
    max_channels: int = 8
    min_sample_rate: int = 8000
    max_sample_rate: int = 192000
    timeout_seconds: float = 60.0


def decode_audio(path: Path, limits: AudioLimits | None = None) -> Recording:
    """Read a wav, flac, mp3, ogg, m4a, webm (aiff, caf ...) file as mono float32 at its own sample rate, at most 48 kHz.

    The size is checked before, everything else while decoding, in a short-lived child process whose memory, CPU time
    and output are limited where the system can do that. Channels are averaged; where they cancel each other (an
    inverted stereo track), the louder one is taken. Floating point sources above full scale are scaled down to it.

    Raises:
        CraftError: ``audio_empty``, ``audio_not_audio``, ``audio_too_big``, ``audio_too_long``, ``audio_too_short``,
            ``audio_silent``, ``audio_channels``, ``audio_sample_rate``, ``audio_not_finite``, ``audio_broken``,
            ``audio_timeout``.
        OSError: the file cannot be opened, or the disk is full (``errno.ENOSPC``).
    """
    limits = limits or AudioLimits()
    path = Path(path).resolve()
    size = path.stat().st_size
    if size == 0:
        raise CraftError("audio_empty")
    if size > limits.max_bytes:
        raise CraftError("audio_too_big", megabytes=size / 2**20, limit_megabytes=limits.max_bytes / 2**20)

    with tempfile.TemporaryDirectory(prefix="voxtale-decode-") as folder:
        samples_path = Path(folder) / "mono.f32"
        answer = _read_in_child(path, samples_path, limits)
        if "os_error" in answer:
            raise OSError(answer["os_error"], os.strerror(answer["os_error"]), str(path))
        if "code" in answer:
            raise CraftError(answer["code"], **answer["facts"])
        wave = np.fromfile(samples_path, dtype=np.float32)

    recording = Recording(wave, answer["sample_rate"])
    _check(recording, limits)
    peak = float(np.abs(wave).max())
    return Recording(wave / peak, recording.sample_rate) if peak > 1 else recording


def _read_in_child(path: Path, samples_path: Path, limits: AudioLimits) -> dict:
    arguments = [str(path), str(samples_path), json.dumps(asdict(limits))]
    try:
        answer = child_answer("pipelines.audio.container_reader", arguments, limits.timeout_seconds)
    except TimeoutError:
        raise CraftError("audio_timeout", limit_seconds=limits.timeout_seconds) from None
    if answer is None:
        # Killed by a limit or by a fault in a decoder: both say the file cannot be trusted.
        raise CraftError("audio_broken", seconds=0.0)
    return answer


def _check(recording: Recording, limits: AudioLimits) -> None:
    if not np.isfinite(recording.wave).all():
        bad = int(np.count_nonzero(~np.isfinite(recording.wave)))
        raise CraftError("audio_not_finite", bad=bad, samples=len(recording.wave))
    if recording.seconds < limits.min_seconds:
        raise CraftError("audio_too_short", seconds=recording.seconds, limit_seconds=limits.min_seconds)
    level_db = _loudest_moment_db(recording)
    if level_db < SILENCE_DB:
        raise CraftError("audio_silent", level_db=level_db, limit_db=SILENCE_DB)


def _loudest_moment_db(recording: Recording) -> float:
    frame = max(1, int(0.05 * recording.sample_rate))
    whole = recording.wave[: len(recording.wave) // frame * frame].reshape(-1, frame)
    blocks = np.array_split(
        whole, -(-len(whole) // 1024)
    )  # or half an hour would be copied in double precision
    loudest = max(float(block.var(axis=1, dtype=np.float64).max()) for block in blocks)
    return 10 * float(np.log10(max(loudest, 1e-12)))
