"""Good and bad files, brought through the real decoder and the real judge."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from studio.container import Container
from studio.errors import StudioError

RATE = 16000
SPEECH = Path(__file__).resolve().parents[1] / "fixtures" / "speech" / "2033-164914-0000.flac"


def wav(samples: np.ndarray, rate: int = RATE, format: int = 1, claimed_bytes: int | None = None) -> bytes:
    width = samples.dtype.itemsize
    data = samples.tobytes()
    size = len(data) if claimed_bytes is None else claimed_bytes
    header = struct.pack("<4sIHHIIHH", b"fmt ", 16, format, 1, rate, rate * width, width, 8 * width)
    return (
        b"RIFF" + struct.pack("<I", size + 36) + b"WAVE" + header + struct.pack("<4sI", b"data", size) + data
    )


def hum(seconds: float) -> np.ndarray:
    return (8000 * np.sin(np.arange(int(seconds * RATE)) / 20)).astype("<i2")


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "zero bytes": (lambda: b"", "audio_empty"),
    "text named .wav": (lambda: b"My grandmother's recipe for apple cake. " * 50, "audio_not_audio"),
    "silence": (lambda: wav(np.zeros(3 * RATE, "<i2")), "audio_silent"),
    "0.2 s": (lambda: wav(hum(0.2)), "audio_too_short"),
    "2 hours": (lambda: wav(np.tile(hum(1.0)[::2], 7200), rate=8000), "audio_too_long"),
    "NaN samples": (lambda: wav(np.full(3 * RATE, np.nan, "<f4"), format=3), "audio_not_finite"),
    "no speech": (lambda: wav(hum(5)), "audio_no_speech"),
}


@pytest.mark.parametrize("name", BAD)
def test_refused_with_a_sentence_and_nothing_kept(container: Container, tmp_path: Path, name: str) -> None:
    make, code = BAD[name]
    voice = container.voices.create("Ann")
    path = tmp_path / "mine.wav"
    path.write_bytes(make())
    with pytest.raises(StudioError) as caught:
        container.voices.add_recording(voice.id, path, "mine.wav")
    assert (caught.value.code, caught.value.status) == (code, 422)
    for language in ("en", "zh"):
        sentence = caught.value.sentence(language)
        assert sentence.title and sentence.what and sentence.next
    assert container.voices.recordings(voice.id) == []
    assert not [path for path in (container.settings.home / "voices").rglob("*") if path.is_file()]
    assert path.exists()  # the person's own file is theirs


def test_a_lying_header_does_not_bring_more_than_there_is(container: Container, tmp_path: Path) -> None:
    voice = container.voices.create("Ann")
    path = tmp_path / "liar.wav"
    path.write_bytes(wav(hum(1), claimed_bytes=2**31))
    with pytest.raises(StudioError) as caught:
        container.voices.add_recording(voice.id, path, "liar.wav")
    assert caught.value.sentence("zh").next
    assert container.voices.recordings(voice.id) == []


def test_good_speech_is_judged_cleaned_and_drawn(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.audio import clean as cleaning

    cleanings, clean = [], cleaning.clean
    monkeypatch.setattr(cleaning, "clean", lambda *asked: cleanings.append(asked) or clean(*asked))
    voices = container.voices
    voice = voices.create("Ann")
    record = voices.add_recording(voice.id, SPEECH, SPEECH.name)
    assert record.report.speech_seconds > 1 and len(record.report.checks) > 8
    assert voices.report(voice.id) == record.report  # through the database and back
    plain, cleaned = (voices.recording_audio(record.id, cleaned).read_bytes() for cleaned in (False, True))
    assert plain[:4] == cleaned[:4] == b"RIFF" and plain != cleaned
    for kind in ("waveform", "spectrogram", "loudness"):
        light, dark = (voices.plot(record.id, kind, shade, "zh") for shade in (False, True))
        assert light.startswith(b"\x89PNG") and dark.startswith(b"\x89PNG") and light != dark
    assert "levelled" in voices.cleaning(record.id)
    assert len(cleanings) == 1, "every look at one recording shares its cleaning"
    with pytest.raises(StudioError, match="plot_unknown"):
        voices.plot(record.id, "__init__", False, "en")
