"""The child process of ``decode``: opens one foreign file with PyAV under limits, writes mono float32 samples.

``python -m pipelines.audio.container_reader SOURCE SAMPLES LIMITS_JSON`` prints one line of JSON: ``sample_rate`` and
``seconds``, or ``code`` and ``facts`` of a refusal, or ``os_error``. Nothing else of the house is imported here, so
that a child starts in a fraction of a second.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import soxr

from pipelines.child_process import limit_this_process
from pipelines.failure import CraftError

MEMORY_BYTES = 2 * 2**30
HIGHEST_HZ = 48000
"""More keeps nothing of a voice, and lets a small file fill the memory of whoever looks at it."""
# Playlists and concatenations, which name other files, are formats too: only plain containers are on this list.
FORMATS = "wav,w64,flac,mp3,ogg,mov,mp4,matroska,webm,aac,aiff,caf,amr"
CODECS = (
    "pcm_u8,pcm_s8,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,pcm_f64le,"
    "pcm_f64be,pcm_alaw,pcm_mulaw,adpcm_ms,adpcm_ima_wav,adpcm_ima_qt,flac,mp3,mp3float,aac,alac,opus,libopus,vorbis,"
    "mp2,mp2float,speex,libspeex,gsm_ms,amrnb,amrwb"
)
BELIEVABLE_BITS_PER_SECOND = 4000
"""A header that promises more seconds than the file could hold at this rate is lying."""
TRUSTED_LENGTHS = ("flac", "mov", "matroska", "ogg")
"""Containers that state their true length; wav and mp3 headers are often guesses of an honest recorder."""


def main(source: str, samples: str, limits_json: str) -> dict:
    limits = json.loads(limits_json)
    file_bytes = int(4 * HIGHEST_HZ * (limits["max_seconds"] + 60))
    limit_this_process(MEMORY_BYTES, int(limits["timeout_seconds"]) + 1, file_bytes)
    try:
        return _read(Path(source), Path(samples), limits)
    except CraftError as refusal:
        return {"code": refusal.code, "facts": refusal.facts}
    except MemoryError:
        return {"code": "audio_broken", "facts": {"seconds": 0.0}}
    except OSError as error:
        return {"os_error": error.errno or 5}


def _read(source: Path, samples: Path, limits: dict) -> dict:
    sample_rate, mixed_power, channel_powers = _write_mono(source, samples, limits, channel=None)
    loudest = int(np.argmax(channel_powers))
    if mixed_power < 0.05 * channel_powers[loudest]:
        sample_rate, *_ = _write_mono(source, samples, limits, channel=loudest)
    return {"sample_rate": sample_rate}


def _write_mono(
    source: Path, samples: Path, limits: dict, channel: int | None
) -> tuple[int, float, np.ndarray]:
    """Decode into ``samples``; returns their sample rate, the mean square of what was written and of each channel."""
    with source.open("rb") as file, samples.open("wb") as out:
        container = _open(file)
        with container:
            stream = container.streams.audio[0]
            stream.thread_count = 1
            channels, sample_rate = stream.channels, stream.sample_rate
            _check_header(container, stream, source.stat().st_size, limits)
            kept_rate = min(sample_rate, HIGHEST_HZ)
            resampled = soxr.ResampleStream(sample_rate, kept_rate, 1).resample_chunk
            count, mixed_power, channel_powers = 0, 0.0, np.zeros(channels)
            for frame in _frames(container, stream):
                if frame.sample_rate != sample_rate or frame.layout.nb_channels != channels:
                    raise CraftError("audio_broken", seconds=count / sample_rate)
                block = _as_float(frame)  # [C, T]
                mono = block.mean(axis=0, dtype=np.float32) if channel is None else block[channel]
                mono = np.ascontiguousarray(mono)
                out.write((mono if kept_rate == sample_rate else resampled(mono)).data)
                count += len(mono)
                mixed_power += float(np.square(mono, dtype=np.float64).sum())
                channel_powers += np.square(block, dtype=np.float64).sum(axis=1)
                if count > limits["max_seconds"] * sample_rate:
                    raise _too_long(count / sample_rate, limits)
            if kept_rate < sample_rate:
                out.write(resampled(np.zeros(0, np.float32), last=True).data)
            seconds = count / sample_rate
            if count == 0:
                raise CraftError("audio_empty")
            stated = _stated_seconds(container, stream)
            if stated and seconds < 0.5 * stated and container.format.name.startswith(TRUSTED_LENGTHS):
                raise CraftError("audio_broken", seconds=seconds)
    return kept_rate, mixed_power / count, channel_powers / count


def _open(file) -> av.container.InputContainer:
    options = {"format_whitelist": FORMATS, "codec_whitelist": CODECS, "protocol_whitelist": "file"}
    try:
        container = av.open(file, options=options)
    except (av.FFmpegError, ValueError):
        raise CraftError("audio_not_audio") from None
    # FFmpeg minds its list of codecs while it looks at a file, not when a stream is decoded.
    if not container.streams.audio or _decoder(container.streams.audio[0]) not in CODECS.split(","):
        container.close()
        raise CraftError("audio_not_audio")
    return container


def _decoder(stream) -> str | None:
    return stream.codec_context.name if stream.codec_context else None


def _check_header(container, stream, size: int, limits: dict) -> None:
    if stream.channels < 1:
        raise CraftError("audio_not_audio")
    if stream.channels > limits["max_channels"]:
        raise CraftError("audio_channels", channels=stream.channels, limit=limits["max_channels"])
    if not limits["min_sample_rate"] <= stream.sample_rate <= limits["max_sample_rate"]:
        raise CraftError(
            "audio_sample_rate",
            hertz=stream.sample_rate,
            lowest_hertz=limits["min_sample_rate"],
            highest_hertz=limits["max_sample_rate"],
        )
    stated = _stated_seconds(container, stream)
    if stated and limits["max_seconds"] < stated < 8 * size / BELIEVABLE_BITS_PER_SECOND:
        raise _too_long(stated, limits)


def _stated_seconds(container, stream) -> float | None:
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration else None


def _too_long(seconds: float, limits: dict) -> CraftError:
    return CraftError("audio_too_long", minutes=seconds / 60, limit_minutes=limits["max_seconds"] / 60)


def _frames(container, stream) -> Iterator[av.AudioFrame]:
    """Decoded frames; damaged packets are skipped as long as they are the exception."""
    good, bad, samples = 0, 0, 0
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
            frames = packet.decode()
        except StopIteration:
            break
        except av.EOFError:
            break
        except av.FFmpegError as error:
            bad += 1
            if bad > 3 + good // 50:
                seconds = samples / stream.sample_rate if stream.sample_rate else 0.0
                raise CraftError("audio_broken" if good else "audio_not_audio", seconds=seconds) from error
            continue
        good += bool(frames)
        for frame in frames:
            samples += frame.samples
            yield frame
    if bad and not good:
        raise CraftError("audio_not_audio")


def _as_float(frame: av.AudioFrame) -> np.ndarray:
    """``[C, T]`` float32 in [-1, 1] for integer formats."""
    block = frame.to_ndarray()  # planar [C, T], packed [1, T * C]
    if not frame.format.is_planar:
        block = block.reshape(-1, frame.layout.nb_channels).T
    if block.dtype == np.uint8:
        return (block.astype(np.float32) - 128) / 128
    if np.issubdtype(block.dtype, np.integer):
        return block.astype(np.float32) / -float(np.iinfo(block.dtype).min)
    return block.astype(np.float32)


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:4])))
