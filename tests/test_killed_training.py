"""The studio is killed while it trains on the shipped base; its next start goes on, and nobody has to do anything."""

from __future__ import annotations

import io
import signal
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile

from tests.studio.api.conftest import CONSENT, recording_files
from tests.studio_process import StudioProcess

ACTIVE = ("queued", "running")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


def until(studio: httpx.Client, job_id: str, enough: Callable[[dict], bool], seconds: float = 900) -> dict:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        job = studio.get(f"/v1/jobs/{job_id}").json()
        if enough(job):
            return job
        time.sleep(0.1)
    raise AssertionError(f"not in {seconds} s: {job}")


def is_finished(job: dict) -> bool:
    return job["state"] not in ACTIVE


def test_training_outlives_the_process(tmp_path: Path) -> None:
    home = tmp_path / "library"
    with StudioProcess(home) as process, client(process) as studio:
        voice = studio.post("/v1/voices", data=CONSENT, files=recording_files(4)).raise_for_status().json()
        assert until(studio, voice["active_job_id"], is_finished)["state"] == "done"
        job_id = studio.post(f"/v1/voices/{voice['id']}/revisions", json={"quality": "quick"}).json()[
            "job_id"
        ]
        half = until(studio, job_id, lambda job: job["stage"] == "train" and job["progress"] > 0.5)
        assert half["state"] == "running"
        process.stop(signal.SIGKILL)

    with StudioProcess(home) as process, client(process) as studio:
        first = until(studio, job_id, lambda job: job["stage"] == "train" or is_finished(job))
        assert first["progress"] > 0.2, "it begins again from the beginning"
        job = until(studio, job_id, is_finished)
        assert (job["state"], job["attempt"]) == ("done", 2), job
        revision = studio.get(f"/v1/voices/{voice['id']}").json()["revision"]
        assert (revision["number"], revision["kind"], revision["quality"]) == (2, "trained", "quick")
        card = revision["card"]
        assert card["similarity"] > max(0.5, card["similarity_before"] - 0.05), card
        wish = {
            "voice": voice["id"],
            "input": "The birch canoe slid on the planks.",
            "response_format": "wav",
        }
        wave, _ = soundfile.read(
            io.BytesIO(studio.post("/v1/audio/speech", json=wish).raise_for_status().content)
        )
        assert np.abs(wave).max() > 0.02


def client(process: StudioProcess) -> httpx.Client:
    return httpx.Client(base_url=process.address, timeout=600, trust_env=False)
