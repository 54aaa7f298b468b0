from __future__ import annotations

import io
import os
import struct
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import psutil
import pytest
import soundfile

from pipelines.audio.decode import AudioLimits, decode_audio
from pipelines.failure import CraftError

LIMITS = AudioLimits()


def tone(seconds: float = 1.0, rate: int = 24000, hertz: float = 220.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def write_wav(path: Path, wave: np.ndarray, rate: int, subtype: str = "PCM_16") -> Path:
    soundfile.write(path, wave, rate, subtype=subtype, format="WAV")
    return path


def write_with_av(
    path: Path, container: str, codec: str, wave: np.ndarray, rate: int, layout: str = "mono"
) -> Path:
    with av.open(str(path), "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate, layout=layout)
        frame = av.AudioFrame.from_ndarray(np.atleast_2d(wave), format="fltp", layout=layout)
        frame.sample_rate = rate
        resampler = av.AudioResampler(
            stream.format, stream.layout, rate, frame_size=stream.codec_context.frame_size or 1024
        )
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            out.mux(stream.encode(part))
        out.mux(stream.encode(None))
    return path


def raw_wav_header(channels: int, rate: int, bits: int, data_bytes: int, code: int = 1) -> bytes:
    block = channels * bits // 8
    fmt = struct.pack("<HHIIHH", code, channels, rate, (rate * block) & 0xFFFFFFFF, block & 0xFFFF, bits)
    return (
        b"RIFF"
        + struct.pack("<I", (36 + data_bytes) & 0xFFFFFFFF)
        + b"WAVEfmt "
        + struct.pack("<I", 16)
        + fmt
        + b"data"
        + struct.pack("<I", data_bytes & 0xFFFFFFFF)
    )


def refused(path: Path, limits: AudioLimits = LIMITS) -> CraftError:
    with pytest.raises(CraftError) as caught:
        decode_audio(path, limits)
    return caught.value


@pytest.mark.parametrize(
    ("name", "container", "codec", "rate"),
    [
        ("a.wav", "wav", "pcm_s16le", 44100),
        ("a.wav", "wav", "pcm_s24le", 48000),
        ("a.wav", "wav", "pcm_f32le", 48000),
        ("a.flac", "flac", "flac", 24000),
        ("a.mp3", "mp3", "libmp3lame", 44100),
        ("a.opus", "ogg", "libopus", 48000),
        ("a.m4a", "ipod", "aac", 44100),
        ("a.webm", "webm", "libopus", 48000),
    ],
)
def test_common_formats_come_back_as_they_were(tmp_path, name, container, codec, rate):
    wave = tone(2.0, rate)
    recording = decode_audio(write_with_av(tmp_path / name, container, codec, wave, rate))
    assert recording.sample_rate == rate
    assert recording.wave.dtype == np.float32 and recording.wave.ndim == 1
    assert recording.seconds == pytest.approx(2.0, abs=0.06)
    middle = recording.wave[rate // 2 : rate]
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.06)  # LAME scales by 0.95
    spectrum = np.abs(np.fft.rfft(middle))
    assert spectrum.argmax() * rate / len(middle) == pytest.approx(220, abs=4)


@pytest.mark.parametrize("rate", [88200, 96000, 192000])
def test_no_more_is_kept_than_voices_have(tmp_path, rate):
    inaudible = tone(2.0, rate, 30000.0)
    recording = decode_audio(
        write_wav(tmp_path / "a.wav", 0.5 * (tone(2.0, rate) + inaudible), rate, "PCM_24")
    )
    assert recording.sample_rate == 48000 and len(recording.wave) == pytest.approx(96000, abs=2)
    np.testing.assert_allclose(
        recording.wave[4800:-4800], 0.5 * tone(2.0, 48000)[4800 : len(recording.wave) - 4800], atol=2e-3
    )


def test_ogg_vorbis_and_a_name_without_ending(tmp_path):
    soundfile.write(tmp_path / "upload", tone(1.0, 32000), 32000, format="OGG", subtype="VORBIS")
    assert decode_audio(tmp_path / "upload").sample_rate == 32000


@pytest.mark.skipif("libopencore_amrnb" not in av.codecs_available, reason="cannot write AMR here")
@pytest.mark.parametrize(("name", "container"), [("a.amr", "amr"), ("a.3gp", "3gp")])
def test_what_telephones_record(tmp_path, name, container):
    recording = decode_audio(
        write_with_av(tmp_path / name, container, "libopencore_amrnb", tone(2.0, 8000), 8000)
    )
    assert recording.sample_rate == 8000 and recording.seconds == pytest.approx(2.0, abs=0.06)


def test_a_codec_that_is_not_listed_is_never_decoded(tmp_path):
    """Its container is one of those that are."""
    path = write_with_av(tmp_path / "a.mka", "matroska", "wavpack", tone(2.0, 24000), 24000)
    assert refused(path).code == "audio_not_audio"


def test_what_a_browser_records_states_no_length(tmp_path):
    class Pipe(io.RawIOBase):
        written = b""

        def writable(self) -> bool:
            return True

        def write(self, data) -> int:
            self.written += bytes(data)
            return len(data)

    pipe, wave = Pipe(), tone(2.0, 48000)
    with av.open(pipe, "w", format="webm", options={"live": "1"}) as out:
        stream = out.add_stream("libopus", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(wave[None], format="fltp", layout="mono")
        frame.sample_rate = 48000
        for part in av.AudioResampler(stream.format, "mono", 48000, frame_size=960).resample(frame):
            out.mux(stream.encode(part))
        out.mux(stream.encode(None))
    (tmp_path / "take.webm").write_bytes(pipe.written)
    assert decode_audio(tmp_path / "take.webm").seconds == pytest.approx(2.0, abs=0.06)


def test_odd_names_are_only_names(tmp_path):
    for name in ("concat:a|b.wav", "-i $(touch x).wav", "a b'\"；声音.wav", "http:__x.wav"):
        assert decode_audio(write_wav(tmp_path / name, tone(), 16000)).sample_rate == 16000


def test_channels_are_averaged_and_never_cancel(tmp_path):
    wave = tone(1.0)
    stereo = decode_audio(write_wav(tmp_path / "s.wav", np.stack([wave, 0.5 * wave], 1), 24000))
    assert np.abs(stereo.wave).max() == pytest.approx(0.375, abs=0.01)
    inverted = decode_audio(write_wav(tmp_path / "i.wav", np.stack([wave, -wave], 1), 24000))
    assert np.abs(inverted.wave).max() == pytest.approx(0.5, abs=0.01)


def test_a_float_file_above_full_scale_is_scaled_not_clipped(tmp_path):
    recording = decode_audio(write_wav(tmp_path / "f.wav", 6 * tone(), 24000, "FLOAT"))
    assert np.abs(recording.wave).max() == pytest.approx(1.0)
    assert np.sqrt(np.mean(recording.wave**2)) == pytest.approx(1 / np.sqrt(2), rel=0.01)


def test_nothing_stays_behind(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)
    decode_audio(write_wav(tmp_path / "a.wav", tone(), 16000))
    refused(write_wav(tmp_path / "b.wav", tone(0.2), 16000))
    assert list((tmp_path / "temporary").iterdir()) == []


def test_empty_file(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"")
    assert refused(tmp_path / "a.wav").code == "audio_empty"
    (tmp_path / "b.wav").write_bytes(raw_wav_header(1, 16000, 16, 0))
    assert refused(tmp_path / "b.wav").code == "audio_empty"


@pytest.mark.parametrize(
    "content",
    [
        b"This is a text file, whatever its name says.\n" * 500,
        b"\0" * 20000,
        b"<html><script>alert(1)</script></html>" * 100,
        b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n/etc/passwd\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile '/etc/passwd'\n",
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40,
        os.urandom(4),
    ],
    ids=["text", "zeros", "html", "playlist", "concat", "picture", "four bytes"],
)
@pytest.mark.parametrize("name", ["a.wav", "a.mp3"])
def test_what_is_not_audio(tmp_path, content, name):
    (tmp_path / name).write_bytes(content)
    assert refused(tmp_path / name).code == "audio_not_audio"


def test_noise_bytes_are_never_a_recording(tmp_path):
    (tmp_path / "a.mp3").write_bytes(np.random.default_rng(0).bytes(300_000))
    assert refused(tmp_path / "a.mp3").code in ("audio_not_audio", "audio_broken", "audio_too_short")


def test_too_many_bytes_is_known_before_reading(tmp_path):
    path = write_wav(tmp_path / "a.wav", tone(), 16000)
    error = refused(path, replace(LIMITS, max_bytes=1000))
    assert error.code == "audio_too_big" and error.facts["limit_megabytes"] < 1


def test_too_short(tmp_path):
    error = refused(write_wav(tmp_path / "a.wav", tone(0.2), 24000))
    assert (error.code, error.facts["seconds"], error.facts["limit_seconds"]) == (
        "audio_too_short",
        pytest.approx(0.2),
        0.5,
    )


def children_seconds() -> float:
    """What finished child processes took of the processor, however busy it is with others."""
    times = psutil.Process().cpu_times()
    return times.children_user + times.children_system


def test_two_hours_are_refused_at_once(tmp_path):
    hour = np.zeros(8000 * 3600, np.uint8) + 128
    (tmp_path / "a.wav").write_bytes(raw_wav_header(1, 8000, 8, 2 * len(hour)) + hour.tobytes() * 2)
    before = children_seconds()
    error = refused(tmp_path / "a.wav")
    assert (error.code, round(error.facts["minutes"])) == ("audio_too_long", 120)
    assert children_seconds() - before < 5


def test_a_bomb_is_stopped_while_decoding(tmp_path):
    silence = io.BytesIO()
    soundfile.write(silence, np.zeros(48000 * 120, np.int16), 48000, format="FLAC")
    content = bytearray(silence.getvalue())
    content[21] &= 0xF0  # the header claims an unknown length
    content[22:26] = b"\0\0\0\0"
    (tmp_path / "a.flac").write_bytes(content)
    error = refused(tmp_path / "a.flac", replace(LIMITS, max_seconds=20.0))
    assert error.code == "audio_too_long" and error.facts["minutes"] * 60 < 25


def test_silence(tmp_path):
    assert refused(write_wav(tmp_path / "a.wav", np.zeros(32000, np.float32), 16000)).code == "audio_silent"
    hiss = np.random.default_rng(0).normal(0, 3e-4, 32000).astype(np.float32)
    assert refused(write_wav(tmp_path / "b.wav", hiss, 16000, "FLOAT")).code == "audio_silent"
    offset = np.full(32000, 0.3, np.float32)
    assert refused(write_wav(tmp_path / "c.wav", offset, 16000)).code == "audio_silent"
    assert decode_audio(write_wav(tmp_path / "d.wav", tone() * 0.01, 24000)).seconds == 1.0


@pytest.mark.parametrize("channels", [9, 64])
def test_many_channels(tmp_path, channels):
    data = np.zeros(16000 * channels, np.int16).tobytes()
    (tmp_path / "a.wav").write_bytes(raw_wav_header(channels, 16000, 16, len(data)) + data)
    error = refused(tmp_path / "a.wav")
    assert (error.code, error.facts["channels"]) == ("audio_channels", channels)


@pytest.mark.parametrize("rate", [1, 4000, 1_000_000])
def test_impossible_sample_rates(tmp_path, rate):
    data = (tone() * 32767).astype(np.int16).tobytes()
    (tmp_path / "a.wav").write_bytes(raw_wav_header(1, rate, 16, len(data)) + data)
    assert refused(tmp_path / "a.wav").code == "audio_sample_rate"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_numbers(tmp_path, bad):
    wave = tone()
    wave[100:110] = bad
    error = refused(write_wav(tmp_path / "a.wav", wave, 24000, "FLOAT"))
    assert error.code == "audio_not_finite" and 0 < error.facts["bad"] <= error.facts["samples"]


def test_headers_that_lie_about_the_length(tmp_path):
    data = (tone(2.0) * 32767).astype(np.int16).tobytes()
    for claimed in (len(data) // 2, 100 * len(data), 0x7FFFF000, 0xFFFFFFFF):
        (tmp_path / "a.wav").write_bytes(raw_wav_header(1, 24000, 16, claimed) + data)
        expected = 1.0 if claimed < len(data) else 2.0
        assert decode_audio(tmp_path / "a.wav").seconds == pytest.approx(expected)
    (tmp_path / "b.wav").write_bytes(raw_wav_header(0, 24000, 16, len(data)) + data)
    assert refused(tmp_path / "b.wav").code == "audio_not_audio"


def test_a_file_cut_off_in_the_middle(tmp_path, speech):
    whole = io.BytesIO()
    soundfile.write(whole, speech.wave, speech.sample_rate, format="FLAC")
    (tmp_path / "a.flac").write_bytes(whole.getvalue()[: len(whole.getvalue()) // 4])
    error = refused(tmp_path / "a.flac")
    assert error.code == "audio_broken" and 0 < error.facts["seconds"] < speech.seconds / 2


def test_a_file_with_a_damaged_middle(tmp_path, speech):
    whole = io.BytesIO()
    soundfile.write(whole, speech.wave, speech.sample_rate, format="FLAC")
    content = bytearray(whole.getvalue())
    content[len(content) // 5 : len(content) * 4 // 5] = os.urandom(len(content) * 4 // 5 - len(content) // 5)
    (tmp_path / "a.flac").write_bytes(content)
    assert refused(tmp_path / "a.flac").code == "audio_broken"


def test_a_decoder_that_never_ends(tmp_path):
    path = write_wav(tmp_path / "a.wav", tone(), 16000)
    assert refused(path, replace(LIMITS, timeout_seconds=0.01)).code == "audio_timeout"


def test_a_missing_file_and_a_full_disk(tmp_path):
    with pytest.raises(FileNotFoundError):
        decode_audio(tmp_path / "nothing.wav")
    with pytest.raises(OSError):
        decode_audio(tmp_path)
    path = write_wav(tmp_path / "a.wav", tone(), 16000)
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    from pipelines.audio import container_reader

    limits = {"max_seconds": 60, "max_channels": 8, "min_sample_rate": 8000, "max_sample_rate": 192000}
    with pytest.raises(OSError) as caught:
        container_reader._read(path, Path("/dev/full"), limits)
    assert caught.value.errno == 28
