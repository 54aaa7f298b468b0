"""``/v1/audio/speech``: OpenAI's fields, our controls, labelled files."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import soundfile
from fastapi.testclient import TestClient

from pipelines.failure import CraftError
from pipelines.speech.catalogue import ENGINES
from pipelines.speech.engine import EngineDescription
from studio.api.server import build_api
from studio.container import Container
from studio.settings import Settings
from studio.store.records import VoiceRecord
from tests.fakes import WORD_SECONDS, FakeEngine, Held, fake_engines
from tests.studio.api.conftest import new_voice

TEXT = "One two three four five."


@pytest.fixture(scope="module")
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture(scope="module")
def client(engine: FakeEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """One studio for all tests here: what they say to it does not change the voice."""
    settings = Settings(home=tmp_path_factory.mktemp("speech") / "library", device="cpu", port=0)
    with Container(settings, fake_engines(engine)) as container:
        with TestClient(build_api(container), base_url="http://127.0.0.1:7860") as client:
            yield client


@pytest.fixture(scope="module")
def voice_id(client: TestClient) -> str:
    return new_voice(client)["id"]


def speak(client: TestClient, voice_id: str, **fields: object):
    return client.post(
        "/v1/audio/speech", json={"voice": voice_id, "input": TEXT, "response_format": "wav", **fields}
    )


def seconds(audio: bytes) -> float:
    return soundfile.info(io.BytesIO(audio)).duration


@pytest.mark.parametrize(
    ("format", "kind", "magic"),
    [
        ("wav", "audio/wav", b"RIFF"),
        ("mp3", "audio/mpeg", (b"ID3", b"\xff\xfb", b"\xff\xf3")),
        ("flac", "audio/flac", b"fLaC"),
        ("opus", "audio/ogg", b"OggS"),
    ],
)
def test_formats(client: TestClient, voice_id: str, format: str, kind: str, magic: bytes) -> None:
    answer = speak(client, voice_id, response_format=format, seed=5)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == kind
    assert answer.content.startswith(magic)
    assert answer.headers["x-voxtale-seed"] == "5"
    assert answer.headers["x-voxtale-ai-generated"] == "true"
    if format == "opus":
        assert b"OpusHead" in answer.content[:200]
    else:
        assert seconds(answer.content) >= 5 * WORD_SECONDS


def test_what_openai_s_client_sends_is_enough(client: TestClient, voice_id: str) -> None:
    answer = client.post("/v1/audio/speech", json={"model": "tts-1", "voice": voice_id, "input": TEXT})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "audio/mpeg"


def test_what_openai_s_clients_send_besides_is_taken(client: TestClient, voice_id: str) -> None:
    plain = speak(client, voice_id, seed=1)
    assert speak(client, voice_id, seed=1, instructions="Whisper.").content == plain.content


def test_what_openai_s_clients_ask_first_is_answered(client: TestClient, voice_id: str) -> None:
    models = client.get("/v1/models").json()
    assert models["object"] == "list" and {"tts-1", "fake"} <= {model["id"] for model in models["data"]}
    for model in models["data"]:
        assert speak(client, voice_id, seed=1, model=model["id"]).status_code == 200
    speakers = client.get("/v1/audio/voices").json()["voices"]
    assert {"id": voice_id, "name": "Ada"} in speakers


def test_refusals_tell_openai_s_clients_why(client: TestClient) -> None:
    answer = client.post("/v1/audio/speech", json={"voice": "nobody", "input": TEXT}).json()
    assert answer["error"]["code"] == answer["code"] == "voice_unknown"
    assert answer["error"]["message"] == f"{answer['detail']} {answer['next']}"


@pytest.mark.parametrize(
    ("fields", "length_scale"),
    [
        ({}, 1.0),
        ({"speed": 2.0}, 0.5),
        ({"speed": 0.5}, 2.0),
        ({"length_scale": 1.5}, 1.5),
        ({"length_scale": 1.5, "speed": 1.5}, 1.0),
    ],
)
def test_speed_multiplies_one_over_length_scale(
    client: TestClient, voice_id: str, fields: dict, length_scale: float
) -> None:
    plain = seconds(speak(client, voice_id, seed=1).content)
    changed = seconds(speak(client, voice_id, seed=1, **fields).content)
    assert changed - plain == pytest.approx(5 * WORD_SECONDS * (length_scale - 1.0), abs=0.05)


def test_a_seed_names_the_take(client: TestClient, voice_id: str, engine: FakeEngine) -> None:
    first = speak(client, voice_id, seed=3)
    spoken = len(engine.spoken)
    again = speak(client, voice_id, seed=3)
    assert again.content == first.content and len(engine.spoken) == spoken
    assert speak(client, voice_id, seed=4).content != first.content


def test_without_a_seed_one_is_drawn_and_told(client: TestClient, voice_id: str) -> None:
    first = speak(client, voice_id)
    seed = int(first.headers["x-voxtale-seed"])
    assert speak(client, voice_id, seed=seed).content == first.content


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"input": ""}, 422, "text_empty"),
        ({"input": "   \n"}, 422, "text_empty"),
        ({"input": "word " * 20_000}, 422, "text_too_long"),
        ({"input": "🙂🙂"}, 422, "text_unspeakable"),
        ({"input": "今天天气很好。"}, 422, "language_unsupported"),
        ({"voice": "nobody"}, 404, "voice_unknown"),
        ({"voice": "../../etc"}, 404, "voice_unknown"),
        ({"model": "gpt-sovits"}, 422, "model_unknown"),
        ({"response_format": "aac"}, 422, "request_invalid"),
        ({"speed": 4.5}, 422, "request_invalid"),
        ({"noise_scale": 1.5}, 422, "request_invalid"),
        ({"seed": -1}, 422, "request_invalid"),
        ({"emotion": "calm"}, 422, "request_invalid"),
        ({"input": None}, 422, "request_invalid"),
    ],
)
def test_bad_wishes_get_a_sentence(
    client: TestClient, voice_id: str, engine: FakeEngine, fields: dict, status: int, code: str
) -> None:
    spoken = len(engine.spoken)
    for language in ("en", "zh"):
        body = {"voice": voice_id, "input": TEXT, **fields}
        answer = client.post("/v1/audio/speech", json=body, headers={"accept-language": language})
        assert (answer.json()["code"], answer.status_code) == (code, status)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["content-language"] == language
        assert answer.json()["next"]
    assert len(engine.spoken) == spoken


def test_half_a_character_is_refused(client: TestClient, voice_id: str) -> None:
    body = f'{{"voice": "{voice_id}", "input": "One \\ud83d two."}}'
    answer = client.post("/v1/audio/speech", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "request_invalid")


def test_the_schema_allows_what_engines_obey(client: TestClient) -> None:
    fields = client.get("/v1/openapi.json").json()["components"]["schemas"]["SpeechWish"]["properties"]
    paces = [
        control
        for engine in ENGINES.values()
        for control in engine.controls
        if control.name == "length_scale"
    ]
    slowest, fastest = max(pace.maximum for pace in paces), min(pace.minimum for pace in paces)
    pace = fields["length_scale"]["anyOf"][0]
    assert (pace["minimum"], pace["maximum"]) == (fastest, slowest)
    assert (fields["speed"]["minimum"], fields["speed"]["maximum"]) == (1 / slowest, 1 / fastest)
    assert "length_scale" in fields["speed"]["description"]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"speed": 4.0}, "speed must be at most 2.0."),
        ({"speed": 0.25}, "speed must be at least 0.5."),
        ({"length_scale": 3.0}, "length_scale must be at most 2.0."),
        (
            {"speed": 0.5, "length_scale": 1.5},
            "speed is 0.5; with a length_scale of 1.5 this voice allows 0.75 to 3.",
        ),
    ],
)
def test_a_pace_out_of_range_is_said_of_what_was_asked(
    client: TestClient, voice_id: str, fields: dict, sentence: str
) -> None:
    answer = speak(client, voice_id, **fields)
    assert (answer.status_code, answer.json()["detail"]) == (422, sentence)


def test_the_way_in_answers_while_someone_waits(
    client: TestClient, voice_id: str, hold: Callable[[str, str], Held]
) -> None:
    held, answers = hold("speak", "speak"), []
    waiting = threading.Thread(target=lambda: answers.append(speak(client, voice_id, seed=99)))
    waiting.start()
    assert held.arrived()
    assert client.get("/healthz").status_code == 200
    assert answers == []
    held.let_go()
    waiting.join()
    assert answers[0].status_code == 200


def _incomplete(device: object) -> None:
    raise CraftError("base_incomplete", version="v2", missing="s2G", folder="models")


@pytest.mark.parametrize(
    ("budget", "engines", "status", "code"),
    [
        (1000, fake_engines(), 503, "memory_budget"),
        (2**30, {"fake": replace(fake_engines()["fake"], load=_incomplete)}, 409, "base_incomplete"),
    ],
)
def test_what_went_wrong_in_the_queue_keeps_its_status(
    settings: Settings,
    container: Container,
    voice: VoiceRecord,
    budget: int,
    engines: dict[str, EngineDescription],
    status: int,
    code: str,
) -> None:
    container.close()
    with Container(settings.model_copy(update={"memory_budget_bytes": budget}), engines) as later:
        answer = speak(TestClient(build_api(later), base_url="http://127.0.0.1:7860"), voice.id)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert ("retry-after" in answer.headers) == (status == 503)


def test_consent_that_expires_in_the_queue_is_refused_as_always(
    container: Container, voice: VoiceRecord, hold: Callable[[str, str], Held]
) -> None:
    client = TestClient(build_api(container), base_url="http://127.0.0.1:7860")
    held = hold("speak", "speak")
    container.speaking.submit(voice.id, "One sentence here.")
    assert held.arrived()
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(speak, client, voice.id)
        while not container.jobs.someone_waits("speech"):
            time.sleep(0.01)
        with container.database.transaction() as connection:
            connection.execute("UPDATE consents SET until = '2020-01-01'")
        held.let_go()
        in_the_queue = waiting.result(60)
    assert in_the_queue.status_code == speak(client, voice.id).status_code == 403
    assert in_the_queue.json()["code"] == "consent_expired"
