from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from studio.api.server import build_api
from studio.container import Container

SPEECH = Path(__file__).resolve().parents[2] / "fixtures" / "speech"
CONSENT = {"name": "Ada", "consent": "true", "consent_name": "Ada Lovelace", "consent_scope": "personal"}


@pytest.fixture
def client(container: Container) -> Iterator[TestClient]:
    with TestClient(
        build_api(container), base_url="http://127.0.0.1:7860", raise_server_exceptions=False
    ) as client:
        yield client


@pytest.fixture
def hearing_client(hearing: Container) -> Iterator[TestClient]:
    """Of a studio that has a Whisper, which is none."""
    with TestClient(
        build_api(hearing), base_url="http://127.0.0.1:7860", raise_server_exceptions=False
    ) as client:
        yield client


def recording_files(count: int = 2) -> list[tuple[str, tuple[str, bytes]]]:
    """Real speech; a multipart body's ``files``."""
    paths = sorted(SPEECH.glob("LJ001-*.flac"))[:count]
    assert len(paths) == count, f"speech is missing from {SPEECH}"
    return [("files", (path.name, path.read_bytes())) for path in paths]


def finished(client: TestClient, job_id: str) -> dict:
    """Poll as a program would."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        job = client.get(f"/v1/jobs/{job_id}").json()
        if job["state"] not in ("queued", "running"):
            return job
        time.sleep(0.02)
    raise AssertionError(f"job {job_id} is still {job}")


@pytest.fixture
def make_voice(client: TestClient, quick_audio: None) -> Callable[[], dict]:
    """A voice that can speak; how its recordings came in is not what is tested."""

    return partial(new_voice, client)


def new_voice(client: TestClient) -> dict:
    """As the way in describes it once it can speak."""
    answer = client.post("/v1/voices", data=CONSENT, files=recording_files())
    assert answer.status_code == 201, answer.text
    voice = answer.json()
    assert finished(client, voice["active_job_id"])["state"] == "done"
    return client.get(f"/v1/voices/{voice['id']}").json()
