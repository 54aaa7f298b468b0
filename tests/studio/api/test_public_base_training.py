"""A voice of a public base is trained from end to end: the way in, the job, the revision, what it says, its files."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile
from fastapi.testclient import TestClient

from pipelines.speech.engine import FULL, LORA
from pipelines.training.gpt_sovits import fine_tune as module
from pipelines.training.gpt_sovits.plans import Plan, StagePlan
from studio.api.server import build_api
from studio.container import Container
from studio.settings import Settings
from tests.official_files import small_sovits, small_text2semantic
from tests.studio.api.conftest import CONSENT, finished, recording_files

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("quick_audio")]

ENGINE = "gpt_sovits_v2"
LIMIT_BYTES = 120_000
"""Between the small adapter of these small networks and their weights."""


@pytest.fixture
def studio(tmp_path: Path, small_models: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Container]:
    stage = StagePlan(steps=2, learning_rate=1e-2, batch=2, check_every=2)
    plans = {LORA: {"quick": Plan(stage, stage, lora_rank=2)}, FULL: {"quick": Plan(stage, stage)}}
    monkeypatch.setattr(module, "PLANS", plans)
    monkeypatch.setattr(module, "CHECK_SENTENCES", module.CHECK_SENTENCES[:1])
    settings = Settings(home=tmp_path / "library", device="cpu", port=0, max_adapter_bytes=LIMIT_BYTES)
    shutil.copytree(small_models, settings.home / "models")
    with Container(settings) as container:
        yield container


@pytest.fixture
def client(studio: Container) -> Iterator[TestClient]:
    with TestClient(build_api(studio), base_url="http://127.0.0.1:7860") as client:
        yield client


def trained(client: TestClient, voice: dict, **wish: str) -> dict:
    """The voice, once it is."""
    answer = client.post(f"/v1/voices/{voice['id']}/revisions", json={"quality": "quick", **wish})
    assert answer.status_code == 202, answer.text
    job = finished(client, answer.json()["job_id"])
    assert job["state"] == "done", job
    return client.get(f"/v1/voices/{voice['id']}").json()


def said(client: TestClient, voice: dict) -> bytes:
    """The samples alone: files name their voice."""
    wish = {"voice": voice["id"], "input": "How are you?", "response_format": "wav", "seed": 3}
    answer = client.post("/v1/audio/speech", json=wish)
    assert answer.status_code == 200, answer.text
    return soundfile.read(io.BytesIO(answer.content))[0].tobytes()


def written(client: TestClient, voice: dict) -> list[bytes]:
    return [
        client.get(f"/v1/voices/{voice['id']}/files/{name}").content for name in ("voice.ckpt", "voice.pth")
    ]


def test_a_voice_of_the_base_both_ways(client: TestClient, studio: Container) -> None:
    form = {**CONSENT, "engine": ENGINE}
    voice = client.post("/v1/voices", data=form, files=recording_files(3)).json()
    assert finished(client, voice["active_job_id"])["state"] == "done"
    instant, files = said(client, voice), written(client, voice)
    # LoRA is the default
    adapted = trained(client, voice)
    card = adapted["revision"]["card"]
    assert (adapted["revision"]["kind"], card["method"], card["language"]) == ("trained", "lora", "en")
    assert card["adapter_bytes"] < LIMIT_BYTES and [s["name"] for s in card["stages"]] == ["GPT", "SoVITS"]
    assert 0 < card["text_seconds"] <= card["training_seconds"], "nothing was transcribed"
    assert card["adversarial"]
    spoken, adapted_files = said(client, voice), written(client, voice)
    assert spoken != instant and all(a != b for a, b in zip(adapted_files, files, strict=True))
    # all weights, to which the limit of an adapter does not apply
    whole = trained(client, voice, method="full")
    assert whole["revision"]["card"]["adapter_bytes"] > LIMIT_BYTES
    assert whole["revision"]["card"]["method"] == "full" and said(client, voice) not in (spoken, instant)
    # the times of both are known from now on, each for itself
    times = studio.database.rows("SELECT engine, method FROM training_times ORDER BY method")
    assert [tuple(row) for row in times] == [(ENGINE, "full"), (ENGINE, "lora")]


def test_an_imported_voice_is_trained_further(client: TestClient, tmp_path: Path) -> None:
    parts = [
        ("weights", ("a.ckpt", small_text2semantic(tmp_path / "a.ckpt", seed=3).read_bytes())),
        ("weights", ("a.pth", small_sovits(tmp_path / "a.pth", seed=3).read_bytes())),
        *recording_files(3)[1:],
    ]
    voice = client.post("/v1/voices/import", data=CONSENT, files=parts).json()
    assert finished(client, voice["active_job_id"])["state"] == "done"
    brought, files = said(client, voice), written(client, voice)
    for method in (LORA, FULL):
        after = trained(client, voice, method=method)
        assert after["imported"] and after["revision"]["card"]["method"] == method
        assert said(client, voice) != brought
        assert all(a != b for a, b in zip(written(client, voice), files, strict=True))
    # what goes out comes in again
    back = [
        ("weights", (name, data))
        for name, data in zip(("b.ckpt", "b.pth"), written(client, voice), strict=True)
    ]
    again = client.post("/v1/voices/import", data=CONSENT, files=[*back, *parts[2:]]).json()
    assert finished(client, again["active_job_id"])["state"] == "done"
    assert said(client, again) == said(client, voice)


def test_a_way_that_nobody_offers(client: TestClient) -> None:
    voice = client.post("/v1/voices", data=CONSENT, files=recording_files(1)).json()
    wish = f"/v1/voices/{voice['id']}/revisions"
    answer = client.post(wish, json={"quality": "quick", "method": "full"})
    assert (answer.status_code, answer.json()["code"]) == (422, "method_unknown")
    assert client.post(wish, json={"quality": "quick", "method": "x"}).json()["code"] == "request_invalid"
