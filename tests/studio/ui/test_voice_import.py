"""A voice of another program comes in on the page, and leaves by the links on its card."""

from __future__ import annotations

import io
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest
import torch
from gradio.utils import get_upload_folder
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from studio.api.server import MAX_UPLOAD_BYTES as MOST_IN_ONE_REQUEST
from studio.container import Container
from studio.errors import StudioError
from studio.settings import Settings
from studio.store.records import VoiceRecord
from studio.ui.handoff import ROUTE
from studio.ui.i18n import Reader
from studio.ui.layout import Studio, build_page
from studio.ui.voice_import import MAX_WEIGHTS_BYTES
from tests.official_files import small_sovits, small_text2semantic

SPEECH = Path(__file__).resolve().parents[2] / "fixtures" / "speech" / "2033-164914-0000.flac"
CONSENT = ("Ann Lee", "personal", "open", "", True)
READER = Reader()


def page_of(container: Container) -> Studio:
    with gr.Blocks():
        return Studio(container)


@pytest.fixture
def page(many_bases: Container) -> Studio:
    return page_of(many_bases)


@pytest.fixture
def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "inbox"))
    assert get_upload_folder() == str(tmp_path / "inbox")
    (tmp_path / "inbox").mkdir()
    return tmp_path / "inbox"


@pytest.fixture
def files(inbox: Path) -> list[Path]:
    """As an upload leaves them."""
    return [
        small_text2semantic(inbox / "a" / "ann-e15.ckpt", 3),
        small_sovits(inbox / "b" / "ann_e8.PTH", seed=3),
        Path(shutil.copy(SPEECH, inbox / "ann.flac")),
    ]


def drop(page: Studio, *paths: Path, before: dict | None = None) -> tuple[dict, str]:
    """What is brought afterwards, and the rows that are seen."""
    event = SimpleNamespace(files=[{"path": str(path), "name": path.name} for path in paths])
    shown = page.voice_import.receive(READER, before or {}, event)
    return shown[page.voice_import.brought], shown[page.voice_import.rows]


def said(page: Studio, reader: Reader, *asked: object) -> tuple[dict, str]:
    """The last answer to Import, and what it says."""
    *_, last = page.voice_import.take_in(reader, *asked)
    return last, last.get(page.voice_import.says, "")


def offered(page: Studio, voice: VoiceRecord | None) -> bool:
    return page.voice_import.show(READER, voice)[page.voice_import.fold]["visible"]


def test_it_is_offered_only_where_something_can_come_of_it(page: Studio, many_bases: Container) -> None:
    assert offered(page, None)
    sample = next(voice for voice in many_bases.voices.list() if voice.sample)
    assert offered(page, sample)
    assert not offered(page, many_bases.voices.create("Bob"))
    shown = page.voice_import.show(READER, None)
    assert "GPT (.ckpt), SoVITS (.pth)" in shown[page.voice_import.drop]
    assert f'data-max-bytes="{MAX_WEIGHTS_BYTES}"' in shown[page.voice_import.drop]


def test_it_is_closed_in_a_public_demo(tmp_path: Path, small_models: Path) -> None:
    settings = Settings(home=tmp_path / "demo", device="cpu", port=0, public_demo=True)
    shutil.copytree(small_models, settings.home / "models")
    with Container(settings) as demo:
        assert demo.exchange.files and not offered(page_of(demo), None)


def test_a_checkpoint_fits_through_the_door() -> None:
    assert 330e6 < MAX_WEIGHTS_BYTES < MOST_IN_ONE_REQUEST - 2**20


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_is_missing_is_named(page: Studio, files: list[Path], language: str) -> None:
    reader = Reader(language)
    some, rows = drop(page, files[0])
    assert "ann-e15.ckpt" in rows and 'data-kind=".ckpt"' in rows
    _, words = said(page, reader, some, "Ann", "", *CONSENT)
    assert "SoVITS (.pth)" in words and "GPT (.ckpt)" not in words
    assert reader.say("ui.import.recording") in words
    all_of_them, rows = drop(page, *files[1:], before=some)
    assert rows.count("<li") == 3
    for consent, key in (
        ((" ", *CONSENT[1:]), "no_owner"),
        ((*CONSENT[:4], False), "not_agreed"),
        ((*CONSENT[:2], "day", "soon", True), "no_day"),
    ):
        _, words = said(page, reader, all_of_them, "Ann", "", *consent)
        assert reader.say(f"ui.consent.{key}.title") in words
    assert all(path.is_file() for path in files)


def test_refusals_are_said_in_the_readers_language_and_keep_the_files(
    page: Studio, many_bases: Container, files: list[Path], quick_audio: None
) -> None:
    files[1].write_bytes(b"no checkpoint")
    brought, _ = drop(page, *files)
    before = many_bases.voices.list()
    for language in ("en", "zh"):
        _, words = said(page, Reader(language), brought, "Ann", "", *CONSENT)
        assert Reader(language).say("error.checkpoint_unknown.title") in words
    assert many_bases.voices.list() == before and all(path.is_file() for path in files)
    good = small_sovits(files[1].parent.parent / "c" / "again.pth", seed=3)
    brought, rows = drop(page, good, before=brought)
    assert "again.pth" in rows and "ann_e8" not in rows and not files[1].exists()
    _, words = said(page, READER, brought, "  ", "", *CONSENT)
    assert READER.say("error.voice_name_missing.title") in words


def test_only_what_was_uploaded_is_read(page: Studio, inbox: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.ckpt"
    own.write_bytes(b"secret")
    for path in (own, inbox / ".." / "own.ckpt", inbox / "none.ckpt"):
        with pytest.raises(StudioError, match="recording_unknown"):
            drop(page, path)
    assert own.read_bytes() == b"secret"


@pytest.fixture
def brought(page: Studio, many_bases: Container, files: list[Path]) -> VoiceRecord:
    kept, _ = drop(page, *files)
    last, _ = said(page, READER, kept, " Ann / 安 ", "Once upon a time.", *CONSENT)
    voice_id = last[page.voice_id]
    assert last[page.voice_import.brought] == {} and last[page.voice_import.rows] == ""
    assert not last[page.voice_import.fold]["visible"]
    assert "Ann / 安" in last[page.my_voice.says] and 'aria-checked="true"' in last[page.shelf]
    assert not any(path.exists() for path in files)
    job = many_bases.jobs.wait(many_bases.voices.get(voice_id).active_job_id, 120)
    assert job is None or job.state == "done", job.error
    return many_bases.voices.get(voice_id)


def test_the_new_voice_is_chosen_and_leaves_by_its_card(
    page: Studio, many_bases: Container, brought: VoiceRecord
) -> None:
    assert (brought.name, brought.imported, brought.state) == ("Ann / 安", True, "ready")
    assert (brought.consent.owner_name, brought.consent.scope) == ("Ann Lee", "personal")
    (recording,) = many_bases.voices.recordings(brought.id)
    assert (recording.text, recording.cleaned) == ("Once upon a time.", False)
    card = page.train.show(READER, brought)[page.train.card]
    links = dict(re.findall(r'href="(handoff/[^"]+)" download="([^"]+)"', card))
    assert list(links.values()) == ["Ann_安.ckpt", "Ann_安.pth"]
    browser = TestClient(Starlette(routes=[Route(ROUTE, page.handoff.serve)]))
    for address in links:
        answer = browser.get(f"/{address}")
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        assert torch.load(io.BytesIO(answer.content), weights_only=True)["weight"]
    assert not list((many_bases.settings.home / "tmp" / "exchange").iterdir())
    # the same address as long as the revision is the same, and none once the voice is withdrawn
    assert all(address in page.train.show(READER, brought)[page.train.card] for address in links)
    many_bases.voices.delete(brought.id)
    assert [browser.get(f"/{address}").status_code for address in links] == [404, 404]


def test_where_no_engine_takes_any_nothing_is_offered(container: Container, voice: VoiceRecord) -> None:
    page = page_of(container)
    assert not offered(page, None)  # no engine takes any
    assert container.exchange.files_of(voice) == {}
    assert "handoff/" not in page.train.show(READER, voice)[page.train.card]


def test_a_voice_without_standing_consent_has_no_links(
    page: Studio, many_bases: Container, brought: VoiceRecord
) -> None:
    assert list(many_bases.exchange.files_of(brought)) == ["voice.ckpt", "voice.pth"]
    with many_bases.database.transaction() as connection:
        connection.execute("UPDATE consents SET until = '2020-01-01' WHERE voice_id = ?", (brought.id,))
    assert many_bases.exchange.files_of(brought) == {}


def test_the_page_with_it_offers_no_way_in_for_programs(many_bases: Container) -> None:
    config = build_page(many_bases).get_config_file()
    assert {dependency["api_visibility"] for dependency in config["dependencies"]} == {"private"}
