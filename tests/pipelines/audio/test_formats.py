from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from pipelines.audio.decode import decode_audio
from pipelines.audio.formats import FORMATS, STREAMED_FORMATS, StreamedFile, as_kept, encode, read_tags
from pipelines.failure import CraftError

TAGS = {
    "title": "声绘 The wheel",
    "artist": "Mia",
    "comment": "AI-generated speech",
    "AIGC": '{"Label": "1", "ContentProducer": "VoxTale", "ProduceID": "a-1"}',
    "voxtale_take": "0f" * 32,
}


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("rate", [22050, 24000])
def test_a_file_says_the_same_and_carries_its_label(tmp_path, speech, format, rate):
    wave = speech.wave[: 4 * rate]
    data = encode(wave, rate, format, TAGS)
    found = read_tags(data)
    assert {name: found.get(name.lower()) for name in TAGS} == TAGS

    (tmp_path / f"a.{format}").write_bytes(data)
    recording = decode_audio(tmp_path / f"a.{format}")
    assert recording.sample_rate == (48000 if format == "opus" else rate)
    assert recording.seconds == pytest.approx(4.0, abs=0.06)
    loudness = np.sqrt(np.mean(recording.wave**2)) / np.sqrt(np.mean(wave**2))
    assert loudness == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("format", ["wav", "flac"])
def test_lossless_formats_keep_every_sample(speech, format):
    data = encode(speech.wave, speech.sample_rate, format, {})
    wave, rate = soundfile.read(io.BytesIO(data), dtype="float32")
    assert rate == speech.sample_rate and np.abs(wave - speech.wave).max() < 1.6 / 32767


@pytest.mark.parametrize("format", ["mp3", "ogg", "opus"])
def test_lossy_formats_are_small_and_true(speech, format):
    data = encode(speech.wave, speech.sample_rate, format, {})
    assert len(data) < 0.55 * 2 * len(speech.wave)
    assert data[:4] in (b"OggS", b"ID3\x04") or data[0] == 0xFF
    wave, rate = soundfile.read(io.BytesIO(data), dtype="float32")
    import soxr

    wave = soxr.resample(wave, rate, speech.sample_rate)
    size = min(len(wave), len(speech.wave))
    shifted = np.fft.irfft(np.fft.rfft(wave[:size]).conj() * np.fft.rfft(speech.wave[:size]))
    assert shifted.max() / np.sqrt(np.square(wave).sum() * np.square(speech.wave[:size]).sum()) > 0.97


def test_wav_labels_are_where_players_look():
    data = encode(np.zeros(100, np.float32), 16000, "wav", TAGS)
    assert data[:4] == b"RIFF" and int.from_bytes(data[4:8], "little") == len(data) - 8
    assert b"INAM" in data and b"ICMT" in data and b"TXXX" in data and b"AIGC" in data
    with soundfile.SoundFile(io.BytesIO(data)) as file:
        assert (file.title, file.frames) == (TAGS["title"], 100)


@pytest.mark.parametrize("format", FORMATS)
def test_short_and_loud_waves(format):
    loud = encode(np.full(2400, 3.0, np.float32), 24000, format, TAGS)
    assert len(loud) > 100
    assert len(encode(np.zeros(1, np.float32), 24000, format, {})) > 20


def test_unknown_formats_and_broken_waves():
    with pytest.raises(CraftError, match="audio_format_unknown") as caught:
        encode(np.zeros(10, np.float32), 16000, "aac", {})
    assert caught.value.facts["format"] == "aac" and "wav" in caught.value.facts["known"]
    with pytest.raises(ValueError):
        encode(np.array([0, np.nan], np.float32), 16000, "wav", {})


# While it is being spoken


def pieces(wave, rate, format, tags=TAGS):
    """What a listener gets, piece by piece, of a wave that is spoken 0.3 s at a time."""
    file = StreamedFile(rate, format, tags)
    step = int(0.3 * rate)
    yield from (file.feed(wave[start : start + step]) for start in range(0, len(wave), step))
    yield file.close()


@pytest.mark.parametrize("format", STREAMED_FORMATS)
def test_a_stream_is_a_labelled_file_from_its_beginning_on(tmp_path, speech, format):
    rate = 24000
    sent = list(pieces(speech.wave[: 4 * rate], rate, format))
    data = b"".join(sent)
    found = read_tags(data)
    assert {name: found.get(name.lower()) for name in TAGS} == TAGS
    assert read_tags(b"".join(sent[:4]))["aigc"] == TAGS["AIGC"]  # whoever stops listening has it too
    (tmp_path / f"a.{format}").write_bytes(data)
    recording = decode_audio(tmp_path / f"a.{format}")
    assert recording.seconds == pytest.approx(4.0, abs=0.06)
    whole = encode(speech.wave[: 4 * rate], rate, format, TAGS)
    (tmp_path / f"b.{format}").write_bytes(whole)
    expected = decode_audio(tmp_path / f"b.{format}").wave
    delay = 1105 if format == "mp3" else 0  # of its coder, which only the end could have said
    assert np.abs(recording.wave[delay : delay + len(expected)] - expected).max() < 1e-4


@pytest.mark.parametrize("format", STREAMED_FORMATS)
def test_a_stream_keeps_up_with_the_voice(speech, format):
    """Half a second behind at most, so that what was spoken is heard."""
    rate = 24000
    wave = speech.wave[: 6 * rate]
    sent = list(pieces(wave, rate, format, {}))
    share = np.cumsum([len(piece) for piece in sent]) / sum(len(piece) for piece in sent)
    spoken = np.minimum(1, 0.3 * rate * np.arange(1, len(sent) + 1) / len(wave))
    assert (spoken - share).max() * 6 < 0.5


def test_what_is_kept_is_what_comes_back(speech):
    wave, _ = soundfile.read(io.BytesIO(encode(speech.wave, 24000, "wav", {})), dtype="float32")
    assert np.array_equal(as_kept(speech.wave), wave)
