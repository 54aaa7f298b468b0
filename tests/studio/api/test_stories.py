"""``/v1/stories``: a text or a recording in, a narrated picture book out."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fastapi.testclient import TestClient
from PIL import Image

from pipelines.book.exports.project import open_project
from pipelines.story.transcribe import TimedWord, Transcript
from studio.api.server import build_api
from studio.container import Container
from studio.settings import Settings
from tests.fakes import FakeIllustrator, Held, fake_engines, fake_painters, write_hum
from tests.studio.api.conftest import finished, new_voice

TEXT = (
    "A little fox named Pip lived in the forest. Pip found a golden key. He was very happy!\n\n"
    "At night they sailed on the sea in a red boat. The moon was bright. Pip laughed."
)
MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
    "epub": "application/epub+zip",
    "cbz": "application/vnd.comicbook+zip",
    "project.zip": "application/zip",
}


@pytest.fixture(scope="module")
def illustrator() -> FakeIllustrator:
    return FakeIllustrator()


@pytest.fixture(scope="module")
def client(illustrator: FakeIllustrator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """One studio for all tests here."""
    settings = Settings(home=tmp_path_factory.mktemp("stories") / "library", device="cpu", port=0)
    with Container(settings, fake_engines(), fake_painters(illustrator)) as container:
        with TestClient(
            build_api(container), base_url="http://127.0.0.1:7860", raise_server_exceptions=False
        ) as client:
            yield client


@pytest.fixture(scope="module")
def voice_id(client: TestClient) -> str:
    return new_voice(client)["id"]


@pytest.fixture(scope="module")
def story(client: TestClient, voice_id: str) -> dict:
    """Drawn and read."""
    answer = client.post("/v1/stories", json={"text": TEXT, "voice": voice_id, "pages": 2, "seed": 7})
    assert answer.status_code == 202, answer.text
    told = answer.json()
    assert answer.headers["location"] == f"/v1/stories/{told['story_id']}"
    assert finished(client, told["job_id"])["state"] == "done"
    return client.get(f"/v1/stories/{told['story_id']}").json()


def refusal(answer: object, status: int, code: str) -> dict:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    problem = answer.json()
    assert problem["code"] == code and problem["title"] and problem["detail"] and problem["next"]
    return problem


def test_a_text_becomes_a_book(client: TestClient, story: dict, voice_id: str) -> None:
    assert (story["state"], story["language"], story["seed"]) == ("done", "en", 7)
    assert story["voice"] == {"id": voice_id, "name": "Ada"} and story["silence"] is None
    assert [hero["name"] for hero in story["heroes"]] == ["Pip"]
    assert " ".join(scene["text"] for scene in story["scenes"]).split() == TEXT.split()
    assert all(scene["prompt"].count(",") >= 5 and scene["negative_prompt"] for scene in story["scenes"])
    assert [page["state"] for page in story["pages"]] == ["painted", "painted"]
    assert [(page["sentences"], page["spoken"]) for page in story["pages"]] == [(3, 3), (3, 3)]
    picture = client.get(story["pages"][0]["picture"])
    assert picture.headers["content-type"] == "image/png" and Image.open(io.BytesIO(picture.content)).size
    sound = client.get(story["pages"][0]["sound"])
    assert soundfile.info(io.BytesIO(sound.content)).duration > 1
    listed = client.get("/v1/stories").json()["stories"]
    assert story["id"] in [one["id"] for one in listed]


@pytest.mark.parametrize("extension", MEDIA_TYPES)
def test_the_book_comes_in_every_format(
    client: TestClient, story: dict, tmp_path: Path, extension: str
) -> None:
    answer = client.get(f"/v1/stories/{story['id']}/book.{extension}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == MEDIA_TYPES[extension]
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-security-policy"] == "sandbox"
    assert client.get(f"/v1/stories/{story['id']}/book.{extension}").content == answer.content
    if extension == "project.zip":
        path = tmp_path / "book.zip"
        path.write_bytes(answer.content)
        assert len(open_project(path).pages) == 2
    elif extension in ("epub", "cbz"):
        assert zipfile.ZipFile(io.BytesIO(answer.content)).testzip() is None


def test_without_a_voice_the_book_says_why_it_is_silent(client: TestClient) -> None:
    told = client.post("/v1/stories", json={"text": "小狐狸在森林里捡到一把钥匙。"}).json()
    finished(client, told["job_id"])
    story = client.get(f"/v1/stories/{told['story_id']}", headers={"Accept-Language": "zh"}).json()
    assert story["silence"]["code"] == "silent_voice" and "声音" in story["silence"]["detail"]
    page = story["pages"][0]
    assert page["state"] == "painted" and page["sound"] is None
    sound = client.get(f"/v1/stories/{story['id']}/pages/{page['scene_id']}.wav")
    refusal(sound, 404, "page_not_spoken")


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    ("wish", "status", "code"),
    [
        ({"text": ""}, 422, "story_empty"),
        ({"text": "la la la la la la"}, 422, "story_not_a_story"),
        ({"text": "word " * 20_000}, 422, "story_too_long"),
        ({"text": "The pirates planned a massacre."}, 422, "story_forbidden_subject"),
        ({"text": "Le chat est dans la maison avec une souris pour le dîner."}, 422, "story_language"),
        ({"text": TEXT, "style": "oil"}, 422, "story_style"),
        ({"text": TEXT, "voice": "v_" + "0" * 20}, 404, "voice_unknown"),
        ({"text": TEXT, "pages": 0}, 422, "story_pages"),
        ({"text": TEXT, "pages": 25}, 422, "story_pages"),
        ({"text": TEXT, "pages": "many"}, 422, "request_invalid"),
        ({"text": TEXT, "colour": "red"}, 422, "request_invalid"),
        ({"voice": "x"}, 422, "request_invalid"),
        ({"text": "\ud800"}, 422, "request_invalid"),
    ],
)
def test_what_is_no_story_is_refused_in_both_languages(
    client: TestClient, wish: dict, status: int, code: str, language: str
) -> None:
    before = client.get("/v1/stories").json()
    body, headers = json.dumps(wish), {"Accept-Language": language, "Content-Type": "application/json"}
    problem = refusal(client.post("/v1/stories", content=body, headers=headers), status, code)
    assert any("\u4e00" <= char <= "\u9fff" for char in problem["title"]) == (language == "zh")
    assert client.get("/v1/stories").json() == before


def test_broken_json_is_refused(client: TestClient) -> None:
    headers = {"Content-Type": "application/json"}
    refusal(client.post("/v1/stories", content=b"{", headers=headers), 422, "request_invalid")


def test_unknown_addresses(client: TestClient, story: dict) -> None:
    unknown = "st_" + "0" * 20
    refusal(client.get(f"/v1/stories/{unknown}"), 404, "story_unknown")
    refusal(client.delete("/v1/stories/x"), 404, "story_unknown")
    refusal(client.get(f"/v1/stories/{unknown}/book.pdf"), 404, "story_unknown")
    refusal(client.get(f"/v1/stories/{story['id']}/book.docx"), 422, "format_unknown")
    refusal(client.get(f"/v1/stories/{story['id']}/pages/s99.png"), 404, "scene_unknown")


def test_a_page_that_fails_is_named_and_the_book_is_made_without_it(
    client: TestClient, illustrator: FakeIllustrator
) -> None:
    illustrator.fails.add("s2")
    try:
        told = client.post("/v1/stories", json={"text": TEXT, "pages": 2}).json()
        assert finished(client, told["job_id"])["state"] == "done"
        story = client.get(f"/v1/stories/{told['story_id']}").json()
        assert [page["state"] for page in story["pages"]] == ["painted", "failed"]
        assert story["pages"][1]["error"]["next"]
        refusal(client.get(f"/v1/stories/{story['id']}/pages/s2.png"), 404, "page_not_painted")
        assert client.get(f"/v1/stories/{story['id']}/book.html").status_code == 200
    finally:
        illustrator.fails.clear()


def test_a_story_is_deleted_with_its_books(client: TestClient) -> None:
    told = client.post("/v1/stories", json={"text": "A fox ran to the sea."}).json()
    finished(client, told["job_id"])
    address = f"/v1/stories/{told['story_id']}"
    assert client.get(f"{address}/book.epub").status_code == 200
    assert client.delete(address).status_code == 204
    refusal(client.get(f"{address}/book.epub"), 404, "story_unknown")
    refusal(client.get(f"/v1/jobs/{told['job_id']}"), 404, "job_unknown")


# Recordings


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch, quick_audio: None) -> None:
    """Whatever is told, the story is heard."""

    def transcribe(recording: object, report: Callable[[float], None]) -> Transcript:
        return Transcript(TEXT, (TimedWord("A", 0, 1, 0.0, 0.2, 0.9),), 3.0)

    monkeypatch.setattr("pipelines.story.transcribers.transcribe", transcribe)


def test_a_recording_becomes_a_book(client: TestClient, heard: None, voice_id: str, tmp_path: Path) -> None:
    hum = write_hum(tmp_path / "told.wav").read_bytes()
    answer = client.post(
        "/v1/stories", data={"voice": voice_id, "pages": "2", "seed": "7"}, files={"file": ("told.wav", hum)}
    )
    assert answer.status_code == 202, answer.text
    told = answer.json()
    assert finished(client, told["job_id"])["state"] == "done"
    story = client.get(f"/v1/stories/{told['story_id']}").json()
    assert story["state"] == "done" and story["transcript"]["text"] == TEXT and len(story["pages"]) == 2


@pytest.mark.parametrize(
    ("fields", "files", "code"),
    [
        ({}, {}, "story_wish_missing"),
        ({"style": "storybook"}, {"sound": ("a.wav", b"x")}, "request_invalid"),
        ({"pages": "many"}, {"file": ("a.wav", b"x")}, "request_invalid"),
        ({"text": TEXT}, {"file": ("a.wav", b"x")}, "request_invalid"),
        ({"style": "oil"}, {"file": ("a.wav", b"x")}, "story_style"),
        ({}, {"file": ("a.wav", b"")}, "audio_empty"),
    ],
)
def test_forms_that_are_not_right_are_refused(
    client: TestClient, fields: dict, files: dict, code: str
) -> None:
    before = client.get("/v1/stories").json()
    parts = {**{name: (None, text) for name, text in fields.items()}, **files} or {"style": (None, "")}
    refusal(client.post("/v1/stories", files=parts), 422, code)
    assert client.get("/v1/stories").json() == before


def test_a_silent_recording_fails_with_its_reason(client: TestClient) -> None:
    silence = io.BytesIO()
    soundfile.write(silence, np.zeros(32000), 16000, format="WAV")
    told = client.post("/v1/stories", files={"file": ("told.wav", silence.getvalue())}).json()
    job = finished(client, told["job_id"])
    assert (job["state"], job["error"]["code"]) == ("failed", "audio_silent") and job["error"]["next"]
    story = client.get(f"/v1/stories/{told['story_id']}").json()
    assert (story["state"], story["error"]["code"]) == ("failed", "audio_silent")


# A public demo


def test_a_demo_shows_visitors_their_own_and_counts(tmp_path: Path) -> None:
    settings = Settings(
        home=tmp_path / "library", device="cpu", port=0, public_demo=True, demo_pages_per_client=2
    )
    with Container(settings, fake_engines(), fake_painters()) as container:
        api = build_api(container)
        mine, theirs = (
            TestClient(api, base_url="http://demo", client=(address, 1), raise_server_exceptions=False)
            for address in ("1.1.1.1", "2.2.2.2")
        )
        told = mine.post("/v1/stories", json={"text": TEXT, "pages": 2}).json()
        finished(mine, told["job_id"])
        assert [story["id"] for story in mine.get("/v1/stories").json()["stories"]] == [told["story_id"]]
        assert theirs.get("/v1/stories").json()["stories"] == []
        refusal(mine.post("/v1/stories", json={"text": TEXT}), 429, "demo_pages_client")
        assert len(mine.get("/v1/stories").json()["stories"]) == 1, "what was refused is not kept"


def test_a_busy_demo_refuses_a_story_for_nothing(tmp_path: Path, hold: Callable[[str, str], Held]) -> None:
    small = {"max_queued_drawings": 1, "max_stories": 3}
    settings = Settings(home=tmp_path / "library", device="cpu", port=0, public_demo=True, **small)
    with Container(settings, fake_engines(), fake_painters()) as container:
        client = TestClient(build_api(container), base_url="http://demo", raise_server_exceptions=False)
        theirs = container.stories.write(TEXT, client="2.2.2.2")
        held = hold("draw", "paint")
        client.post("/v1/stories", json={"text": TEXT, "pages": 1})
        assert held.arrived()
        client.post("/v1/stories", json={"text": TEXT, "pages": 1})
        spent = container.database.rows("SELECT * FROM demo_usage")
        answer = client.post("/v1/stories", json={"text": TEXT, "pages": 1})
        refusal(answer, 503, "busy")
        assert answer.headers["retry-after"]
        assert container.database.rows("SELECT * FROM demo_usage") == spent
        assert container.stories.get(theirs.id) == theirs
        held.let_go()
