"""The studio is killed in the middle of a download; its next start goes on, and what it has is what was published."""

from __future__ import annotations

import random
import signal
import threading
from pathlib import Path

import pytest

from studio.store.catalogue import BASES
from tests.fake_hub import FakeHub, paused
from tests.studio_process import StudioProcess
from tests.test_killed_training import client, is_finished, until

BASE = BASES["whisper-large-v3-turbo"]
WEIGHTS = "model.safetensors"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_a_download_outlives_the_process(tmp_path: Path) -> None:
    home = tmp_path / "library"
    with FakeHub() as hub:
        content = {file.path: b"{}" for file in BASE.files}
        content[WEIGHTS] = random.Random(7).randbytes(6_000_000)
        for path, data in content.items():
            hub.put(BASE.repository, path, data)
        hub.behaviours[f"{BASE.repository}/{WEIGHTS}"] = [paused(0.5, threading.Event())]
        environment = {"VOXTALE_MODELS_URL": hub.address, "VOXTALE_DEVICE": "cpu"}
        with StudioProcess(home, environment=environment) as process, client(process) as studio:
            wish = {"mirror": "own", "agreed_licences": [BASE.licence.name]}
            job_id = (
                studio.post(f"/v1/bases/{BASE.id}/download", json=wish).raise_for_status().json()["job_id"]
            )
            until(studio, job_id, lambda job: job["stage"] == "fetch" and job["progress"] > 0.3, 60)
            process.stop(signal.SIGKILL)
        part = home / "models" / BASE.id / f"{WEIGHTS}.part"
        had = part.stat().st_size
        assert 1_000_000 < had < len(content[WEIGHTS])

        with StudioProcess(home, environment=environment) as process, client(process) as studio:
            job = until(studio, job_id, is_finished, 60)
            assert (job["state"], job["attempt"]) == ("done", 2), job
            base = studio.get(f"/v1/bases/{BASE.id}").raise_for_status().json()
            assert base["ready"]
            assert base["checked"] == {"hub": len(BASE.files)}
        assert hub.ranges(WEIGHTS) == [None, f"bytes={had}-"]
    folder = home / "models" / BASE.id
    assert {path: (folder / path).read_bytes() for path in content} == content
    assert not list(folder.rglob("*.part*"))


def test_offline_it_says_so_and_the_rest_works_on(tmp_path: Path) -> None:
    with FakeHub() as gone:
        pass
    environment = {"VOXTALE_MODELS_URL": gone.address, "VOXTALE_DEVICE": "cpu"}
    with StudioProcess(tmp_path / "library", environment=environment) as process, client(process) as studio:
        wish = {"mirror": "own", "agreed_licences": [BASE.licence.name]}
        job_id = studio.post(f"/v1/bases/{BASE.id}/download", json=wish).raise_for_status().json()["job_id"]
        job = until(studio, job_id, is_finished, 60)
        assert (job["state"], job["error"]["code"]) == ("failed", "hub_unreachable")
        assert "came with the studio works on" in job["error"]["detail"]
        voice = next(voice for voice in studio.get("/v1/voices").json()["voices"] if voice["sample"])
        speech = studio.post(
            "/v1/audio/speech", json={"voice": voice["id"], "input": "Hello.", "response_format": "wav"}
        )
        assert speech.raise_for_status().content.startswith(b"RIFF")
