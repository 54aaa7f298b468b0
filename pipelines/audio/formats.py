"""Sound as files that people can keep, each carrying its label inside."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping

import numpy as np

from pipelines.failure import CraftError

FORMATS: Mapping[str, str] = {
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "opus": "audio/ogg; codecs=opus",
}
"""What can be written, with its media type."""

_RIFF_INFO = {
    "title": b"INAM",
    "artist": b"IART",
    "comment": b"ICMT",
    "encoder": b"ISFT",
    "copyright": b"ICOP",
    "date": b"ICRD",
}
_CODECS = {"mp3": ("mp3", "libmp3lame"), "flac": ("flac", "flac"), "opus": ("ogg", "libopus")}
_BIT_RATES = {"mp3": 128_000, "opus": 64_000}


def encode(wave: np.ndarray, sample_rate: int, format: str, tags: Mapping[str, str]) -> bytes:
    """A whole file in memory.

    Args:
        wave: ``[T]`` float32; what exceeds [-1, 1] is clipped.
        format: a key of ``FORMATS``. ``ogg`` is Vorbis. Opus is written at 48 kHz, the rest at ``sample_rate``.
        tags: any names and texts. ``title``, ``artist``, ``comment``, ``copyright``, ``date`` land where players look
            for them, the others under their own name.

    Raises:
        CraftError: ``audio_format_unknown``.
        ValueError: the wave holds values that are not numbers.
    """
    if format not in FORMATS:
        raise CraftError("audio_format_unknown", format=format, known=", ".join(FORMATS))
    if not np.isfinite(wave).all():
        raise ValueError("the wave holds values that are not finite")
    wave = np.clip(np.asarray(wave, np.float32), -1, 1)
    if format == "wav":
        return _wav(wave, sample_rate, tags)
    if format == "ogg":
        return _vorbis(wave, sample_rate, tags)
    return _with_av(wave, sample_rate, format, tags)


def read_tags(data: bytes) -> dict[str, str]:
    """The tags of a file that ``encode`` wrote, names in lower case."""
    import av

    with av.open(io.BytesIO(data)) as container:
        found = {**container.streams.audio[0].metadata, **container.metadata}
    return {name.lower(): text for name, text in found.items()}


def _integers(wave: np.ndarray) -> np.ndarray:
    return np.round(wave * 32767).astype("<i2")


def _wav(wave: np.ndarray, sample_rate: int, tags: Mapping[str, str]) -> bytes:
    """16-bit RIFF. The short tags go into a LIST chunk, all of them into an ``id3 `` chunk."""
    information = b"".join(
        _chunk(_RIFF_INFO[name], text.encode() + b"\0") for name, text in tags.items() if name in _RIFF_INFO
    )
    chunks = [
        _chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, sample_rate, 2 * sample_rate, 2, 16)),
        _chunk(b"data", _integers(wave).tobytes()),
    ]
    if information:
        chunks.insert(1, _chunk(b"LIST", b"INFO" + information))
    if tags:
        chunks.insert(1, _chunk(b"id3 ", _id3(tags)))
    return _chunk(b"RIFF", b"WAVE" + b"".join(chunks))


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def _id3(tags: Mapping[str, str]) -> bytes:
    """ID3v2.4: a TXXX frame a tag, UTF-8 (encoding 3)."""
    frames = b""
    for name, text in tags.items():
        content = b"\3" + name.encode() + b"\0" + text.encode() + b"\0"
        frames += b"TXXX" + _synchsafe(len(content)) + b"\0\0" + content
    return b"ID3\4\0\0" + _synchsafe(len(frames)) + frames


def _synchsafe(number: int) -> bytes:
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


def _vorbis(wave: np.ndarray, sample_rate: int, tags: Mapping[str, str]) -> bytes:
    """libsndfile encodes, PyAV copies the packets behind a header with tags (libsndfile knows ten names only)."""
    import av
    import soundfile

    bare, out = io.BytesIO(), io.BytesIO()
    with soundfile.SoundFile(bare, "w", sample_rate, 1, "VORBIS", format="OGG") as file:
        for start in range(0, len(wave), 65536):  # libsndfile overflows its stack on very long single writes
            file.write(wave[start : start + 65536])
    bare.seek(0)
    with av.open(bare) as source, av.open(out, "w", format="ogg") as target:
        stream = target.add_stream_from_template(source.streams.audio[0])
        stream.metadata.clear()
        stream.metadata.update(tags)
        for packet in source.demux(source.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    return out.getvalue()


def _with_av(wave: np.ndarray, sample_rate: int, format: str, tags: Mapping[str, str]) -> bytes:
    import av

    container, codec = _CODECS[format]
    rate = 48000 if format == "opus" else sample_rate
    wave = np.pad(
        wave, (0, max(0, sample_rate // 20 - len(wave)))
    )  # a codec must fill a frame to write anything
    out = io.BytesIO()
    with av.open(out, "w", format=container) as target:
        stream = target.add_stream(codec, rate=rate, layout="mono")
        if format in _BIT_RATES:
            stream.bit_rate = _BIT_RATES[format]
        # Ogg keeps tags with the stream, the others with the file.
        (stream.metadata if container == "ogg" else target.metadata).update(tags)
        frame = av.AudioFrame.from_ndarray(_integers(wave)[None], format="s16", layout="mono")
        frame.sample_rate = sample_rate
        fitted = av.AudioResampler(
            stream.format, "mono", rate, frame_size=stream.codec_context.frame_size or 4096
        )
        for part in [*fitted.resample(frame), *fitted.resample(None)]:
            target.mux(stream.encode(part))
        target.mux(stream.encode(None))
    return out.getvalue()
