"""A typed story becomes a narrated book over HTTP: the shipped bases, nothing replaced."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import zipfile
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from fastapi.testclient import TestClient
from PIL import Image

from pipelines.book.exports.project import open_project
from studio.api.server import build_api
from studio.container import Container
from studio.settings import Settings
from tests.test_end_to_end_http import finished

TEXT = (
    "A little fox named Pip found a golden key in the forest.\n\n"
    "At night he sailed across the sea in a red boat."
)
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    settings = Settings(home=tmp_path_factory.mktemp("studio") / "library", device="cpu", port=0)
    with Container(settings) as container:
        with TestClient(build_api(container), base_url="http://127.0.0.1:7860") as client:
            yield client


@pytest.fixture(scope="module")
def story(client: TestClient) -> dict:
    """Drawn, and read by the voice that ships."""
    (voice,) = (voice for voice in client.get("/v1/voices").json()["voices"] if voice["sample"])
    wish = {"text": TEXT, "voice": voice["id"], "pages": 2, "seed": 7}
    told = client.post("/v1/stories", json=wish).json()
    states = finished(client, told["job_id"], seconds=1500)
    assert states[-1]["state"] == "done", states[-1]
    assert {"paint", "speak"} <= {state["stage"] for state in states}
    progress = [state["progress"] for state in states]
    assert progress == sorted(progress)
    return client.get(f"/v1/stories/{told['story_id']}").json()


def book(client: TestClient, story: dict, extension: str) -> bytes:
    answer = client.get(f"/v1/stories/{story['id']}/book.{extension}")
    assert answer.status_code == 200, answer.text
    return answer.content


def test_every_page_is_painted_and_read(client: TestClient, story: dict) -> None:
    assert story["state"] == "done" and len(story["pages"]) == 2
    for page, scene in zip(story["pages"], story["scenes"], strict=True):
        picture = Image.open(io.BytesIO(client.get(page["picture"]).content))
        assert picture.info["seed"] == str(scene["seed"]) and picture.info["base"] == "storybook"
        assert json.loads(picture.info["AIGC"])["Label"] == "1"
        assert np.asarray(picture.convert("L")).std() > 10, "not one colour"
        wave, rate = soundfile.read(io.BytesIO(client.get(page["sound"]).content))
        assert 1.5 < len(wave) / rate < 9 and np.abs(wave).max() > 0.02


def test_html(client: TestClient, story: dict) -> None:
    html = book(client, story, "html").decode()
    assert "golden key" in re.sub("<[^>]+>", "", html) and "artificial intelligence" in html
    sounds = re.findall(r"data:audio/mpeg;base64,([A-Za-z0-9+/=]+)", html)
    assert len(sounds) == 2 and soundfile.info(io.BytesIO(b64decode(sounds[0]))).duration > 1
    assert "http://" not in re.sub(r"http://cv\.iptc\.org/\S+", "", html)


def test_pdf(client: TestClient, story: dict, tmp_path: Path) -> None:
    if not shutil.which("pdftotext"):
        pytest.skip("poppler is not installed")
    path = tmp_path / "book.pdf"
    path.write_bytes(book(client, story, "pdf"))
    read = subprocess.run(
        ["pdftotext", path, "-"], check=True, capture_output=True, timeout=60
    ).stdout.decode()
    assert "golden key" in " ".join(read.split()) and read.count("\f") == 4
    subprocess.run(["pdftoppm", "-r", "30", "-png", path, tmp_path / "page"], check=True, timeout=60)
    painted = Image.open(sorted(tmp_path.glob("page-*.png"))[1])
    assert np.asarray(painted.convert("L")).std() > 10


def test_epub(client: TestClient, story: dict) -> None:
    with zipfile.ZipFile(io.BytesIO(book(client, story, "epub"))) as archive:
        names = archive.namelist()
        assert names[0] == "mimetype" and archive.testzip() is None
        assert sum(name.endswith(".smil") for name in names) == 2
        assert sum(name.endswith(".mp3") for name in names) == 2


def test_cbz(client: TestClient, story: dict) -> None:
    with zipfile.ZipFile(io.BytesIO(book(client, story, "cbz"))) as archive:
        images = [name for name in archive.namelist() if name.endswith((".jpg", ".png"))]
        assert len(images) == 4
        assert all(Image.open(archive.open(name)).width > 500 for name in images)


def test_mp4(client: TestClient, story: dict) -> None:
    with av.open(io.BytesIO(book(client, story, "mp4"))) as film:
        assert (film.streams.video[0].width, film.streams.video[0].height) == (1280, 720)
        seconds = film.duration / av.time_base
        assert 12 < seconds < 40
        sound = np.concatenate([frame.to_ndarray().ravel() for frame in film.decode(audio=0)])
        assert np.abs(sound).max() > 0.02


def test_project(client: TestClient, story: dict, tmp_path: Path) -> None:
    path = tmp_path / "book.voxtale.zip"
    path.write_bytes(book(client, story, "project.zip"))
    opened = open_project(path)
    assert [page.text for page in opened.pages] == [scene["text"] for scene in story["scenes"]]
    assert all(page.narration and page.picture for page in opened.pages)
    assert opened.voice == story["voice"]["name"] and opened.silence == ""
