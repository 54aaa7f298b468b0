from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from studio.container import Container
from studio.settings import Settings
from tests.fakes import FakeEngine, Held
from tests.listing import files_in
from tests.studio.api.conftest import CONSENT, finished, recording_files
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("quick_audio")


def test_a_job_tells_how_far_it_is(
    client: TestClient, make_voice: Callable[[], dict], engine: FakeEngine
) -> None:
    voice = make_voice()
    engine.step_seconds = 0.3
    job_id = client.post(f"/v1/voices/{voice['id']}/revisions", json={"quality": "good"}).json()["job_id"]
    seen = []
    while not seen or seen[-1]["state"] in ("queued", "running"):
        seen.append(client.get(f"/v1/jobs/{job_id}").json())
        if seen[-1]["stage"] == "train" and seen[-1]["seconds_left"]:
            engine.step_seconds = 0.0
        time.sleep(0.02)
    assert seen[-1]["state"] == "done"
    assert {"queued", "running", "done"} >= {job["state"] for job in seen}
    assert [job["progress"] for job in seen] == sorted(job["progress"] for job in seen)
    assert all(0 <= job["progress"] <= 1 for job in seen)
    assert "train" in {job["stage"] for job in seen}
    assert any((job["seconds_left"] or 0) > 0 for job in seen)


def kept_files(settings: Settings) -> list[str]:
    home = settings.home
    return [path.as_posix() for path in files_in(home) if not path.name.startswith("studio.")]


def train(client: TestClient, voice_id: str) -> str:
    return client.post(f"/v1/voices/{voice_id}/revisions", json={"quality": "quick"}).json()["job_id"]


def speak(client: TestClient, voice_id: str, text: str = "One two three.") -> Response:
    return client.post("/v1/audio/speech", json={"voice": voice_id, "input": text, "response_format": "wav"})


@pytest.mark.parametrize("stage", ["slice", "transcribe", "features", "train", "check"])
def test_a_training_is_cancelled_in_every_stage(
    client: TestClient,
    make_voice: Callable[[], dict],
    settings: Settings,
    hold: Callable[[str, str], Held],
    stage: str,
) -> None:
    voice = make_voice()
    before, held = kept_files(settings), hold("train", stage)
    job_id = train(client, voice["id"])
    assert held.arrived()
    assert client.get(f"/v1/jobs/{job_id}").json()["stage"] == stage
    assert client.delete(f"/v1/jobs/{job_id}").status_code == 202
    held.let_go()
    job = finished(client, job_id)
    assert (job["state"], job["error"], job["result"]) == ("cancelled", None, None)
    after = client.get(f"/v1/voices/{voice['id']}").json()
    assert after == voice
    until(lambda: kept_files(settings) == before)
    assert speak(client, voice["id"]).status_code == 200
    assert finished(client, train(client, voice["id"]))["result"]["revision"] == 2


def test_a_training_is_cancelled_before_its_turn(
    client: TestClient, make_voice: Callable[[], dict], hold: Callable[[str, str], Held]
) -> None:
    first, second = make_voice(), make_voice()
    held = hold("train", "train")
    running = train(client, first["id"])
    assert held.arrived()
    waiting = train(client, second["id"])
    assert client.get(f"/v1/jobs/{waiting}").json()["state"] == "queued"
    assert client.delete(f"/v1/jobs/{waiting}").json()["state"] == "cancelled"
    held.let_go()
    assert finished(client, running)["state"] == "done"
    assert client.get(f"/v1/jobs/{waiting}").json()["state"] == "cancelled"
    assert client.get(f"/v1/voices/{second['id']}").json() == second
    assert finished(client, train(client, second["id"]))["state"] == "done"


def test_preparing_is_cancelled(
    client: TestClient, settings: Settings, hold: Callable[[str, str], Held]
) -> None:
    held = hold("prepare", "prepare")
    draft = client.post("/v1/voices", data=CONSENT, files=recording_files(1)).json()
    assert held.arrived()
    before = kept_files(settings)
    assert speak(client, draft["id"]).json()["code"] == "voice_not_ready"
    assert client.delete(f"/v1/jobs/{draft['active_job_id']}").status_code == 202
    held.let_go()
    assert finished(client, draft["active_job_id"])["state"] == "cancelled"
    voice = client.get(f"/v1/voices/{draft['id']}").json()
    assert (voice["state"], voice["revisions"], voice["active_job_id"]) == ("draft", [], None)
    assert kept_files(settings) == before
    assert speak(client, draft["id"]).json()["code"] == "voice_unprepared"
    assert finished(client, train(client, draft["id"]))["state"] == "done"
    assert speak(client, draft["id"]).status_code == 200


def test_a_reading_is_cancelled(
    client: TestClient,
    container: Container,
    make_voice: Callable[[], dict],
    settings: Settings,
    hold: Callable[[str, str], Held],
) -> None:
    voice = make_voice()
    before, held = kept_files(settings), hold("speak", "speak")
    with ThreadPoolExecutor(1) as caller:
        answer = caller.submit(speak, client, voice["id"], "One is here. Two is there.")
        assert held.arrived()
        (job,) = container.jobs.list(active_only=True)
        assert client.delete(f"/v1/jobs/{job.id}").status_code == 202
        held.let_go()
        assert (answer.result().status_code, answer.result().json()["code"]) == (409, "speech_cancelled")
    takes = [path for path in kept_files(settings) if path not in before]
    assert len(takes) <= 1 and all(path.endswith(".wav") for path in takes)
    assert speak(client, voice["id"], "One is here. Two is there.").status_code == 200


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_unknown_jobs(client: TestClient, method: str) -> None:
    answer = client.request(method, "/v1/jobs/nothing", headers={"accept-language": "zh"})
    assert answer.status_code == 404
    assert (answer.json()["code"], answer.headers["content-language"]) == ("job_unknown", "zh")


def test_a_failed_job_says_why(
    client: TestClient, make_voice: Callable[[], dict], engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.failure import CraftError

    def refuse(*_: object) -> None:
        raise CraftError("text_unspeakable", text="...")

    monkeypatch.setattr(engine, "fine_tune", refuse)
    job_id = client.post(f"/v1/voices/{make_voice()['id']}/revisions", json={"quality": "quick"}).json()[
        "job_id"
    ]
    job = finished(client, job_id)
    assert (job["state"], job["error"]["code"]) == ("failed", "text_unspeakable")
    assert job["error"]["title"] and job["error"]["detail"] and job["error"]["next"]
