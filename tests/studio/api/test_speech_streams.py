"""``/v1/audio/speech`` with ``stream_format``: heard while it is spoken, over a real connection."""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile
import uvicorn

from pipelines.audio.formats import read_tags
from pipelines.audio.joining import soften_edges
from pipelines.failure import CraftError
from studio.api.server import build_api
from studio.container import Container
from studio.settings import Settings
from tests.conftest import new_voice
from tests.fakes import SAMPLE_RATE, Reciter, fake_engines
from tests.waiting import until

TEXT = "One two three four. Five six seven. Eight nine ten."
FORMATS = ("wav", "mp3", "flac", "opus")


@pytest.fixture
def engine() -> Reciter:
    return Reciter()


@pytest.fixture
def container(settings: Settings, engine: Reciter) -> Iterator[Container]:
    with Container(settings, fake_engines(engine)) as container:
        yield container
        engine.may_go.set()


@pytest.fixture
def client(container: Container) -> Iterator[httpx.Client]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(
            uvicorn.Config(build_api(container), log_level="critical", timeout_graceful_shutdown=1)
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with httpx.Client(base_url=address, timeout=100) as client:
            yield client
        server.should_exit = True
        thread.join(100)


@pytest.fixture
def voice_id(container: Container, tmp_path: Path, quick_audio: None) -> str:
    return new_voice(container, tmp_path).id


def wish(voice_id: str, **fields: object) -> dict:
    asked = {"voice": voice_id, "input": TEXT, "response_format": "wav", "stream_format": "audio", "seed": 5}
    return {"url": "/v1/audio/speech", "json": {**asked, **fields}}


def samples(data: bytes) -> np.ndarray:
    """16-bit samples of a WAV whose length nobody knew."""
    return np.frombuffer(data[data.index(b"data") + 8 :], "<i2")


@pytest.mark.parametrize("word", ["three", "Five", "ten"])
def test_what_was_spoken_is_heard_while_the_rest_is_spoken(
    client: httpx.Client, voice_id: str, engine: Reciter, word: str
) -> None:
    engine.waits_before = word
    with client.stream("POST", **wish(voice_id)) as answer:
        assert answer.status_code == 200 and answer.headers["content-type"] == "audio/wav"
        assert answer.headers["x-voxtale-ai-generated"] == "true" and answer.headers["x-voxtale-seed"] == "5"
        assert "content-length" not in answer.headers
        heard, pieces = b"", answer.iter_bytes()
        words = {"three": 2, "Five": 4, "ten": 7}[word]  # of the first sentence, or of those that were spoken
        while len(heard) < 2 * (0.12 * words - 0.01) * SAMPLE_RATE:
            heard += next(pieces)
        assert engine.waiting.wait(100) and not engine.may_go.is_set()
        engine.may_go.set()
        heard += b"".join(pieces)
    assert len(samples(heard)) > 10 * 0.12 * SAMPLE_RATE


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_is_labelled_and_the_same_again(
    client: httpx.Client, container: Container, voice_id: str, engine: Reciter, format: str
) -> None:
    first = client.post(**wish(voice_id, response_format=format))
    asked = len(engine.spoken), len(engine.streamed)
    again = client.post(**wish(voice_id, response_format=format))
    assert first.content == again.content and (len(engine.spoken), len(engine.streamed)) == asked == (2, 1)
    tags = read_tags(first.content)
    assert tags["producer"] == "VoxTale" and '"Label":"1"' in tags["aigc"]
    row = container.database.row("SELECT * FROM exports WHERE key = ?", tags["take_key"])
    assert (row["format"], row["file_bytes"]) == (format, len(first.content))


def test_what_was_heard_is_what_is_kept(client: httpx.Client, container: Container, voice_id: str) -> None:
    answer = client.post(**wish(voice_id))
    speech = container.speaking.get(answer.headers["x-voxtale-speech"])
    assert [take.attempts for take in speech.takes] == [1, 1, 1]
    pauses = container.database.rows(
        "SELECT pause_seconds FROM sentences WHERE speech_id = ? ORDER BY position", speech.id
    )
    kept = []
    for take, (pause,) in zip(speech.takes, pauses, strict=True):
        wave, _ = soundfile.read(container.speaking.take_audio(take.key), dtype="float32")
        kept += [soften_edges(wave, SAMPLE_RATE), np.zeros(round(pause * SAMPLE_RATE), np.float32)]
    assert np.array_equal(samples(answer.content), np.round(np.concatenate(kept[:-1]) * 32767))


def test_only_the_sentence_that_is_heard_at_once_is_a_take_of_its_own(
    client: httpx.Client, voice_id: str, engine: Reciter
) -> None:
    engine.score = lambda text, seed: 0.1 if text.startswith("One") else 1.0
    client.post(**wish(voice_id))
    assert engine.streamed == ["One two three four."] and len(engine.spoken) == 2
    client.post(**wish(voice_id, stream_format=None))
    assert [text for text, _ in engine.spoken[2:]] == ["One two three four."] * 3  # with care, this time


def test_an_engine_that_cannot_is_heard_sentence_by_sentence(
    container: Container,
    client: httpx.Client,
    voice_id: str,
    engine: Reciter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(container.engines, "fake", replace(container.engines["fake"], streams=False))
    engine.score = lambda text, seed: 0.1 if (text, seed) == ("One two three four.", 5) else 1.0
    streamed = client.post(**wish(voice_id))
    assert engine.streamed == [] and len(engine.spoken) == 4  # and spoken again where it must be
    client.post(**wish(voice_id, stream_format=None))
    assert len(engine.spoken) == 4 and len(samples(streamed.content)) > 10 * 0.12 * SAMPLE_RATE


def test_a_listener_who_hangs_up_stops_the_reading(
    client: httpx.Client, container: Container, voice_id: str, engine: Reciter
) -> None:
    engine.waits_before = "six"
    with client.stream("POST", **wish(voice_id)) as answer:
        speech_id = answer.headers["x-voxtale-speech"]
        pieces = answer.iter_bytes()
        assert next(pieces)
        assert engine.waiting.wait(100)
    until(lambda: container.database.value("SELECT count(*) FROM jobs WHERE cancel_requested"))
    engine.may_go.set()
    assert container.speaking.wait(speech_id, 100).state == "cancelled"


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"input": ""}, 422, "text_empty"),
        ({"voice": "nobody"}, 404, "voice_unknown"),
        ({"stream_format": "sse"}, 422, "request_invalid"),
        ({"response_format": "ogg"}, 422, "request_invalid"),
    ],
)
def test_refusals_are_problems_before_anything_is_heard(
    client: httpx.Client, voice_id: str, fields: dict, status: int, code: str
) -> None:
    answer = client.post(**wish(voice_id, **fields))
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_first_sentence_that_cannot_be_said_is_a_refusal_and_a_later_one_breaks_the_stream(
    client: httpx.Client, voice_id: str, engine: Reciter, monkeypatch: pytest.MonkeyPatch
) -> None:
    speak = Reciter.synthesize

    def stumble(self: Reciter, text: str, *arguments: object) -> object:
        if "Eight" in text:
            raise CraftError("text_unspeakable", text=text)
        return speak(self, text, *arguments)

    monkeypatch.setattr(Reciter, "synthesize", stumble)
    with pytest.raises(httpx.RemoteProtocolError):
        client.post(**wish(voice_id))
    monkeypatch.setattr(engine, "stream", lambda text, *_: stumble(engine, "Eight"))
    answer = client.post(**wish(voice_id, seed=6))
    assert (answer.status_code, answer.json()["code"]) == (422, "text_unspeakable")


def test_a_whole_file_still_knows_its_length(client: httpx.Client, voice_id: str) -> None:
    answer = client.post(**wish(voice_id, stream_format=None))
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert soundfile.info(io.BytesIO(answer.content)).frames > 10 * 0.12 * SAMPLE_RATE
