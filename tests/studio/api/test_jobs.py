from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from tests.fakes import FakeEngine
from tests.studio.api.conftest import finished


def test_a_job_tells_how_far_it_is(
    client: TestClient, make_voice: Callable[[], dict], engine: FakeEngine
) -> None:
    voice = make_voice()
    engine.step_seconds = 0.05
    job_id = client.post(f"/v1/voices/{voice['id']}/revisions", json={"quality": "good"}).json()["job_id"]
    seen = []
    while not seen or seen[-1]["state"] in ("queued", "running"):
        seen.append(client.get(f"/v1/jobs/{job_id}").json())
        time.sleep(0.02)
    assert seen[-1]["state"] == "done"
    assert {"queued", "running", "done"} >= {job["state"] for job in seen}
    assert [job["progress"] for job in seen] == sorted(job["progress"] for job in seen)
    assert all(0 <= job["progress"] <= 1 for job in seen)
    assert "train" in {job["stage"] for job in seen}
    assert any((job["seconds_left"] or 0) > 0 for job in seen)


def test_cancel(client: TestClient, make_voice: Callable[[], dict], engine: FakeEngine) -> None:
    voice = make_voice()
    engine.step_seconds = 0.05
    job_id = client.post(f"/v1/voices/{voice['id']}/revisions", json={"quality": "best"}).json()["job_id"]
    assert client.delete(f"/v1/jobs/{job_id}").status_code == 202
    assert finished(client, job_id)["state"] == "cancelled"
    after = client.get(f"/v1/voices/{voice['id']}").json()
    assert (after["state"], len(after["revisions"])) == ("ready", 1)


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
