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
_AT_ONCE = {"mp3": {"write_xing": "0"}, "opus": {"page_duration": "200000", "fflags": "+bitexact"}}
"""For streams: no frame at the beginning that is to be filled in at the end; pages of 0.2 s instead of one, under a number
that is not drawn, so that the same sound makes the same bytes."""

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


STREAMED_FORMATS = ("wav", "mp3", "flac", "opus")
"""What can be written from the beginning on without going back. Vorbis is left out: libsndfile, which writes it here, has
to see the end first."""


class StreamedFile:
    """A file whose beginning is already heard while its end is being spoken.

    It is what ``encode`` writes, but for what only the end could tell. WAV gives its sizes as unknown, as streams of it
    do, and players read on until it ends; MP3 begins with the silence of its coder's delay, 46 ms at 24 kHz.

    Args: as of ``encode``; ``format`` is one of ``STREAMED_FORMATS``.
    """

    def __init__(self, sample_rate: int, format: str, tags: Mapping[str, str]) -> None:
        self._out = _Drain()
        if format == "wav":
            endless = 0xFFFFFFFF
            head = b"WAVE" + _wav_head(sample_rate, tags) + b"data" + struct.pack("<I", endless)
            self._out.write(b"RIFF" + struct.pack("<I", endless) + head)
        self._writer = None if format == "wav" else _AvWriter(self._out, sample_rate, format, tags)

    def feed(self, wave: np.ndarray) -> bytes:
        """The next samples ``[T]`` float32 -> what is ready of the file."""
        wave = np.clip(np.asarray(wave, np.float32), -1, 1)
        if self._writer is None:
            self._out.write(_integers(wave).tobytes())
        else:
            self._writer.write(wave)
        return self._out.drained()

    def close(self) -> bytes:
        """The rest of the file."""
        if self._writer is not None:
            self._writer.close()
        return self._out.drained()


class _Drain:
    """Where there is no way back: it can be written to, and not sought in."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def drained(self) -> bytes:
        data, self._parts = b"".join(self._parts), []
        return data


def as_kept(wave: np.ndarray) -> np.ndarray:
    """``wave`` ``[T]`` as it comes back from a WAV file or a FLAC of it: 16 bits a sample."""
    return _integers(np.clip(wave, -1, 1)).astype(np.float32) / 32768


def read_tags(data: bytes) -> dict[str, str]:
    """The tags of a file that ``encode`` wrote, names in lower case."""
    import av

    with av.open(io.BytesIO(data)) as container:
        found = {**container.streams.audio[0].metadata, **container.metadata}
    return {name.lower(): text for name, text in found.items()}


def _integers(wave: np.ndarray) -> np.ndarray:
    return np.round(wave * 32767).astype("<i2")


def _wav(wave: np.ndarray, sample_rate: int, tags: Mapping[str, str]) -> bytes:
    """16-bit RIFF."""
    samples = _chunk(b"data", _integers(wave).tobytes())
    return _chunk(b"RIFF", b"WAVE" + _wav_head(sample_rate, tags) + samples)


def _wav_head(sample_rate: int, tags: Mapping[str, str]) -> bytes:
    """The chunks before the samples. The short tags go into a LIST chunk, all of them into an ``id3 `` chunk."""
    information = b"".join(
        _chunk(_RIFF_INFO[name], text.encode() + b"\0") for name, text in tags.items() if name in _RIFF_INFO
    )
    chunks = [_chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, sample_rate, 2 * sample_rate, 2, 16))]
    if tags:
        chunks.append(_chunk(b"id3 ", _id3(tags)))
    if information:
        chunks.append(_chunk(b"LIST", b"INFO" + information))
    return b"".join(chunks)


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
    out = io.BytesIO()
    writer = _AvWriter(out, sample_rate, format, tags)
    writer.write(wave)
    writer.close()
    return out.getvalue()


class _AvWriter:
    """Samples through a codec of FFmpeg into ``out``."""

    def __init__(
        self, out: io.BytesIO | _Drain, sample_rate: int, format: str, tags: Mapping[str, str]
    ) -> None:
        import av

        container, codec = _CODECS[format]
        rate = 48000 if format == "opus" else sample_rate
        options = {}
        if isinstance(out, _Drain):
            options = {"flush_packets": "1", **_AT_ONCE.get(format, {})}
        self._sample_rate, self._written = sample_rate, 0
        self._target = av.open(out, "w", format=container, container_options=options)
        self._stream = self._target.add_stream(codec, rate=rate, layout="mono")
        if format in _BIT_RATES:
            self._stream.bit_rate = _BIT_RATES[format]
        # Ogg keeps tags with the stream, the others with the file.
        (self._stream.metadata if container == "ogg" else self._target.metadata).update(tags)
        self._fitted = av.AudioResampler(
            self._stream.format, "mono", rate, frame_size=self._stream.codec_context.frame_size or 4096
        )

    def write(self, wave: np.ndarray) -> None:
        import av

        if not len(wave):
            return
        frame = av.AudioFrame.from_ndarray(_integers(wave)[None], format="s16", layout="mono")
        frame.sample_rate = self._sample_rate
        frame.pts = self._written
        self._written += len(wave)
        for part in self._fitted.resample(frame):
            self._target.mux(self._stream.encode(part))

    def close(self) -> None:
        # A codec must fill a frame to write anything.
        self.write(np.zeros(max(0, self._sample_rate // 20 - self._written), np.float32))
        for part in self._fitted.resample(None):
            self._target.mux(self._stream.encode(part))
        self._target.mux(self._stream.encode(None))
        self._target.close()
