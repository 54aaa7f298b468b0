"""The whole way over HTTP, nothing faked: real speech, the shipped base, a process that is killed while it trains."""

from __future__ import annotations

import io
import signal
import time
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile

from tests.studio.api.conftest import CONSENT, recording_files
from tests.studio_process import StudioProcess

TEXT = "The birch canoe slid on the smooth planks. Glue the sheet to the dark blue background."
ACTIVE = ("queued", "running")
MAX_ADAPTER_BYTES = 8 * 2**20

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


def until(studio: httpx.Client, job_id: str, enough, seconds: float) -> dict:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        job = studio.get(f"/v1/jobs/{job_id}").json()
        if enough(job):
            return job
        time.sleep(0.1)
    raise AssertionError(f"not in {seconds} s: {job}")


def finished(studio: httpx.Client, job_id: str, seconds: float = 900) -> dict:
    return until(studio, job_id, lambda job: job["state"] not in ACTIVE, seconds)


def spoken(studio: httpx.Client, voice_id: str, **wishes: object) -> np.ndarray:
    wish = {"voice": voice_id, "input": TEXT, "response_format": "wav", "seed": 11, **wishes}
    answer = studio.post("/v1/audio/speech", json=wish)
    assert answer.status_code == 200, answer.text
    wave, sample_rate = soundfile.read(io.BytesIO(answer.content))
    assert np.isfinite(wave).all() and 0.02 < np.abs(wave).max() <= 1.0
    assert 2.0 < len(wave) / sample_rate < 20.0
    return wave


def sounds(home: Path) -> set[Path]:
    return {path for path in home.rglob("*") if path.suffix in (".wav", ".flac", ".mp3", ".safetensors")}


def test_one_minute_in_that_voice_out(tmp_path: Path) -> None:
    home = tmp_path / "library"

    # 1. Recordings and consent make a voice that speaks at once
    with StudioProcess(home) as process, _client(process) as studio:
        shipped = sounds(home)
        answer = studio.post("/v1/voices", data=CONSENT, files=recording_files(4))
        assert answer.status_code == 201, answer.text
        voice = answer.json()
        assert voice["quality_report"]["grade"] in "AB"
        assert finished(studio, voice["active_job_id"])["state"] == "done"
        spoken(studio, voice["id"])

        # 2. Chinese gets a sentence, not noise
        refusal = studio.post("/v1/audio/speech", json={"voice": voice["id"], "input": "今天天气很好。"})
        assert (refusal.status_code, refusal.json()["code"]) == (422, "language_unsupported")

        # 3. Training; the process dies in the middle of it
        job_id = studio.post(f"/v1/voices/{voice['id']}/revisions", json={"quality": "quick"}).json()[
            "job_id"
        ]
        before = until(studio, job_id, lambda job: job["stage"] == "train" and job["progress"] > 0.5, 600)
        assert before["state"] == "running"
        process.stop(signal.SIGKILL)

    # 4. The next start goes on by itself and ends with a revision that is live
    with StudioProcess(home) as process, _client(process) as studio:
        job = finished(studio, job_id)
        assert (job["state"], job["attempt"]) == ("done", 2), job
        after = studio.get(f"/v1/voices/{voice['id']}").json()
        revision = after["revision"]
        assert (revision["number"], revision["kind"], revision["quality"]) == (2, "trained", "quick")
        assert revision["card"]["adapter_bytes"] <= MAX_ADAPTER_BYTES
        card = revision["card"]
        assert card["similarity"] > max(0.5, card["similarity_before"] - 0.05), card
        assert card["intelligibility"] > 0.6, card
        trained = spoken(studio, voice["id"])

        # 5. The same seed is the same speech, the pace obeys, consent withdrawn leaves nothing
        assert np.array_equal(spoken(studio, voice["id"]), trained)
        slow = spoken(studio, voice["id"], speed=0.7)
        assert len(slow) > 1.2 * len(trained)
        assert studio.delete(f"/v1/voices/{voice['id']}").status_code == 204
    assert sounds(home) == shipped


def _client(process: StudioProcess) -> httpx.Client:
    return httpx.Client(base_url=process.address, timeout=600, trust_env=False)
