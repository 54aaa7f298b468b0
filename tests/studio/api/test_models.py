from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from studio.api.server import build_api
from studio.container import Container
from studio.settings import Settings
from tests.fake_hub import FakeHub
from tests.fakes import fake_engines
from tests.model_bases import BASES, stocked
from tests.studio.api.conftest import finished


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with FakeHub() as hub:
        stocked(hub)
        settings = Settings(home=tmp_path / "library", device="cpu", port=0, models_url=hub.address)
        with (
            Container(settings, fake_engines(), bases=BASES) as container,
            TestClient(build_api(container), base_url="http://127.0.0.1:7860") as client,
        ):
            yield client


def test_listed_downloaded_deleted(client: TestClient) -> None:
    listed = client.get("/v1/bases", headers={"Accept-Language": "zh"}).json()
    assert listed["mirrors"] == ["own", "huggingface", "hf_mirror", "modelscope"]
    assert listed["free_bytes"] > 0
    voice = next(base for base in listed["bases"] if base["id"] == "gpt-sovits-v2")
    assert voice["licence"] == {"name": "OpenRAIL", "url": "https://example.org/rail"}
    assert voice["licences_to_agree"] == ["OpenRAIL", "MIT"]
    assert (voice["installed"], voice["ready"], voice["fits"]) == (False, False, "slow")
    assert voice["mirrors"] == ["own", "huggingface", "hf_mirror"]
    assert "中" in voice["about"]
    wish = {"mirror": "own", "agreed_licences": voice["licences_to_agree"]}
    answer = client.post("/v1/bases/gpt-sovits-v2/download", json=wish)
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/v1/jobs/{answer.json()['job_id']}"
    assert finished(client, answer.json()["job_id"])["state"] == "done"
    voice = client.get("/v1/bases/gpt-sovits-v2").json()
    assert (voice["installed"], voice["ready"], voice["bytes_missing"]) == (True, True, 0)
    assert voice["checked"] == {"hub": 2}
    assert client.delete("/v1/bases/rmvpe").status_code == 409
    assert client.delete("/v1/bases/gpt-sovits-v2").status_code == 204
    assert client.get("/v1/bases/gpt-sovits-v2").json()["installed"] is False


def test_looking_through_ones_own_files(client: TestClient) -> None:
    answer = client.post("/v1/bases/look")
    assert answer.status_code == 202
    assert finished(client, answer.json()["job_id"])["result"] == {"found": [], "unknown": []}


@pytest.mark.parametrize(
    ("path", "wish", "status", "code"),
    [
        ("nobody", {"mirror": "own"}, 404, "model_not_listed"),
        ("..%2f..%2fetc", {"mirror": "own"}, 404, None),
        ("rmvpe", {"mirror": "own"}, 422, "licence_not_agreed"),
        ("rmvpe", {"mirror": "https://evil.example", "agreed_licences": ["MIT"]}, 422, "mirror_unknown"),
        ("rmvpe", {"mirror": "own", "url": "https://evil.example"}, 422, "request_invalid"),
        ("rmvpe", {"mirror": "own", "agreed_licences": ["MIT"] * 21}, 422, "request_invalid"),
        ("rmvpe", {"mirror": 7}, 422, "request_invalid"),
    ],
)
def test_refusals(client: TestClient, path: str, wish: dict, status: int, code: str | None) -> None:
    answer = client.post(f"/v1/bases/{path}/download", json=wish)
    assert answer.status_code == status
    if code:
        assert answer.json()["code"] == code
        assert answer.json()["next"]


def test_a_demo_offers_none(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "library", device="cpu", port=0, public_demo=True)
    with (
        Container(settings, fake_engines(), bases=BASES) as container,
        TestClient(build_api(container), base_url="http://127.0.0.1:7860") as client,
    ):
        assert client.get("/v1/bases").json()["code"] == "demo_without_downloads"
        assert client.post("/v1/bases/look").status_code == 403
