"""The studio is killed while it draws a book on the shipped bases; its next start finishes the same book."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import httpx
import pytest

from tests.studio_process import StudioProcess
from tests.test_killed_training import client, is_finished, until

TEXT = (
    "A little fox named Pip found a golden key in the forest.\n\n"
    "At night he sailed across the sea in a red boat."
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def told(studio: httpx.Client) -> dict:
    (voice,) = (voice for voice in studio.get("/v1/voices").json()["voices"] if voice["sample"])
    wish = {"text": TEXT, "voice": voice["id"], "pages": 2, "seed": 7}
    return studio.post("/v1/stories", json=wish).raise_for_status().json()


def books(studio: httpx.Client, story_id: str) -> dict[str, bytes]:
    formats = ("project.zip", "epub", "html")
    return {
        format: studio.get(f"/v1/stories/{story_id}/book.{format}").raise_for_status().content
        for format in formats
    }


def pictures(home: Path, story_id: str) -> dict[str, tuple[int, int]]:
    """Name -> inode and time of writing of every finished picture of a story."""
    return {
        path.name: (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in home.glob(f"stories/{story_id}/pictures/*.png")
    }


def test_a_book_outlives_the_process(tmp_path: Path) -> None:
    home = tmp_path / "library"
    with StudioProcess(home, seconds=300) as process, client(process) as studio:
        story = told(studio)
        address = f"/v1/stories/{story['story_id']}"
        plan = studio.get(address).json()["scenes"]
        deadline = time.monotonic() + 900
        while "painted" not in [page["state"] for page in studio.get(address).json()["pages"]]:
            assert time.monotonic() < deadline, studio.get(f"/v1/jobs/{story['job_id']}").json()
            time.sleep(0.05)
        finished = pictures(home, story["story_id"])
        process.stop(signal.SIGKILL)
    assert len(finished) == 1

    with StudioProcess(home, seconds=300) as process, client(process) as studio:
        job = until(studio, story["job_id"], is_finished)
        assert (job["state"], job["attempt"]) == ("done", 2), job
        assert job["result"]["painted"] == 1, "the finished page is not painted again"
        assert finished.items() <= pictures(home, story["story_id"]).items()
        resumed = studio.get(address).json()
        assert resumed["scenes"] == plan
        assert [page["state"] for page in resumed["pages"]] == ["painted", "painted"]
        assert all(page["spoken"] == page["sentences"] for page in resumed["pages"])
        interrupted = books(studio, story["story_id"])

    with StudioProcess(tmp_path / "calm", seconds=300) as process, client(process) as studio:
        story = told(studio)
        assert until(studio, story["job_id"], is_finished)["state"] == "done"
        undisturbed = books(studio, story["story_id"])
    for format, book in undisturbed.items():
        assert interrupted[format] == book, f"{format} differs"
