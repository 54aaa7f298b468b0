"""A minute's walk through the way in: real speech, the shipped base, nothing replaced but the length of a training."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fastapi.testclient import TestClient

from pipelines.audio.formats import read_tags
from pipelines.audio.recording import Recording
from pipelines.speech.starter import StarterEngine, speakable
from pipelines.text.english import to_utterance
from pipelines.training import fine_tune
from studio.api.server import build_api
from studio.container import Container
from studio.settings import Settings

SPEECH = Path(__file__).resolve().parent / "fixtures" / "speech"
TEXT = "The ferry leaves at nine in the morning. Bring a warm coat, and do not be late!"
FORMATS = {"wav": "audio/wav", "mp3": "audio/mpeg", "flac": "audio/flac", "opus": "audio/ogg"}
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("studio") / "library"


@pytest.fixture(scope="module")
def client(home: Path) -> Iterator[TestClient]:
    """A studio with the shipped engines; Quick takes a few steps."""
    short = fine_tune.Plan(steps=4, lora_rank=8, batch=4, crop=96, check_every=2)
    settings = Settings(home=home, device="cpu", port=0)
    with pytest.MonkeyPatch.context() as patch, Container(settings) as container:
        patch.setitem(fine_tune.PLANS, "quick", short)
        with TestClient(build_api(container), base_url="http://127.0.0.1:7860") as client:
            yield client


def finished(client: TestClient, job_id: str, seconds: float = 240) -> list[dict]:
    """Every state that a program that polls sees, the last one final."""
    seen, deadline = [], time.monotonic() + seconds
    while time.monotonic() < deadline:
        seen.append(client.get(f"/v1/jobs/{job_id}").json())
        if seen[-1]["state"] not in ("queued", "running"):
            return seen
        time.sleep(0.1)
    raise AssertionError(f"still {seen[-1]}")


@pytest.fixture(scope="module")
def voice(client: TestClient) -> dict:
    """LJ's voice, once it can speak."""
    files = [("files", (path.name, path.read_bytes())) for path in sorted(SPEECH.glob("LJ001-*.flac"))]
    assert len(files) == 4
    form = {"name": "Linda", "consent": "true", "consent_name": "Linda J.", "consent_scope": "personal"}
    answer = client.post("/v1/voices", data=form, files=files)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["quality_report"]["grade"] in "ABCD" and made["quality_report"]["speech_seconds"] > 15
    assert all(check["advice"] for check in made["quality_report"]["checks"])
    if made["active_job_id"]:
        assert finished(client, made["active_job_id"])[-1]["state"] == "done"
    return client.get(f"/v1/voices/{made['id']}").json()


@pytest.fixture(scope="module")
def training(client: TestClient, voice: dict) -> list[dict]:
    answer = client.post(f"/v1/voices/{voice['id']}/revisions", json={"quality": "quick"})
    assert answer.status_code == 202, answer.text
    return finished(client, answer.json()["job_id"])


@pytest.fixture(scope="module")
def starter() -> StarterEngine:
    return StarterEngine.load("cpu")


def spoken(client: TestClient, voice: dict, **wish: object) -> bytes:
    answer = client.post("/v1/audio/speech", json={"voice": voice["id"], "input": TEXT, "seed": 7, **wish})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == FORMATS[str(wish.get("response_format", "mp3"))]
    return answer.content


def test_the_voice_speaks_at_once(voice: dict) -> None:
    assert voice["state"] == "ready" and voice["languages"] == ["en", "zh"]
    assert voice["revision"]["kind"] == "instant" and voice["revision"]["engine"] == "starter"


def test_training_makes_the_next_revision(client: TestClient, voice: dict, training: list[dict]) -> None:
    last = training[-1]
    assert last["state"] == "done", last
    progress = [job["progress"] for job in training]
    assert progress == sorted(progress) and progress[-1] == 1.0
    revision = client.get(f"/v1/voices/{voice['id']}").json()["revision"]
    assert (revision["kind"], revision["quality"], revision["number"]) == ("trained", "quick", 2)
    card = revision["card"]
    assert card["steps"] == 4 and [row[0] for row in card["curve"]] == [0, 2, 4]
    assert card["adapter_bytes"] <= 8 * 2**20 and len(card["recordings"]) == 4
    assert 0.5 < card["similarity"] <= 1.0 and 0.4 < card["intelligibility"] <= 1.0
    assert card["consent"]["scope"] == "personal"


@pytest.mark.parametrize("format", FORMATS)
def test_it_reads_out_in_every_format_and_says_that_a_machine_did(
    client: TestClient, voice: dict, training: list[dict], starter: StarterEngine, format: str
) -> None:
    data = spoken(client, voice, response_format=format)
    wave, rate = soundfile.read(io.BytesIO(data), dtype="float32")
    assert wave.ndim == 1 and 3.0 < len(wave) / rate < 9.0
    assert 0.05 < float(np.abs(wave).max()) <= 1.0
    mel = starter.mel(Recording(wave, rate))
    phonemes = [symbol for sentence in TEXT.split(". ") for symbol in to_utterance(sentence).phonemes]
    assert starter.ear.score(mel, phonemes) > 0.6
    tags = read_tags(data)
    aigc = json.loads(tags["aigc"])
    assert aigc["Label"] == "1" and aigc["ContentProducer"] == "VoxTale" and aigc["ProduceID"]
    assert "generated by artificial intelligence" in tags["comment"] and "人工智能" in tags["comment"]


def test_the_same_wish_gives_the_same_samples_and_controls_are_obeyed(
    client: TestClient, voice: dict, training: list[dict]
) -> None:
    def samples(**wish: object) -> np.ndarray:
        return soundfile.read(io.BytesIO(spoken(client, voice, response_format="wav", **wish)))[0]

    plain = samples()
    assert np.array_equal(samples(), plain)
    assert not np.array_equal(samples(seed=8), plain)
    slower = samples(speed=0.8)
    assert len(slower) == pytest.approx(
        len(plain) / 0.8, rel=0.1
    )  # pauses between sentences keep their length


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "text_empty"), ("🎉🎉🎉", "text_unspeakable"), ("こんにちは。", "language_unsupported")],
)
def test_what_cannot_be_read_is_refused_with_a_sentence(
    client: TestClient, voice: dict, text: str, code: str
) -> None:
    answer = client.post("/v1/audio/speech", json={"voice": voice["id"], "input": text})
    assert answer.status_code == 422 and answer.json()["code"] == code
    assert answer.headers["content-type"] == "application/problem+json" and answer.json()["detail"]


def test_it_reads_chinese(
    client: TestClient, voice: dict, training: list[dict], starter: StarterEngine
) -> None:
    data = spoken(client, voice, input="今天天气很好。", response_format="wav")
    wave, rate = soundfile.read(io.BytesIO(data), dtype="float32")
    heard = starter.ear.score(starter.mel(Recording(wave, rate)), speakable("今天天气很好。").phonemes)
    assert 0.8 < len(wave) / rate < 4.0 and heard > 0.5


def test_withdrawn_consent_leaves_nothing(
    client: TestClient, home: Path, voice: dict, training: list[dict]
) -> None:
    shipped = {folder.name for room in ("voices", "stories") for folder in (home / room).iterdir()}
    shipped -= {voice["id"]}

    def kept() -> set[str]:
        """Kinds of the files that hold or name the voice."""
        kinds = (".wav", ".mp3", ".flac", ".opus", ".ogg", ".safetensors", ".original")
        return {
            path.suffix
            for path in home.rglob("*")
            if (path.suffix in kinds or voice["id"] in path.as_posix()) and shipped.isdisjoint(path.parts)
        }

    spoken(client, voice)
    assert {".wav", ".mp3", ".safetensors"} <= kept()
    assert client.delete(f"/v1/voices/{voice['id']}").status_code == 204
    assert client.get(f"/v1/voices/{voice['id']}").status_code == 404
    answer = client.post("/v1/audio/speech", json={"voice": voice["id"], "input": "Hello."})
    assert answer.status_code == 404
    assert kept() == set()
