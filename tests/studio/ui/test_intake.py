"""Recordings go to the voice they were brought for, whatever its owner looks at meanwhile."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest

from studio.container import Container
from studio.settings import Settings
from studio.ui.i18n import Reader
from studio.ui.layout import Studio
from tests.fakes import FakeEngine, fake_engines

CLIPS = sorted((Path(__file__).resolve().parents[2] / "fixtures" / "speech").glob("LJ001-*.flac"))[:2]


@pytest.fixture
def page(container: Container) -> Studio:
    with gr.Blocks():
        return Studio(container)


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "inbox"))
    (tmp_path / "inbox").mkdir()
    return tmp_path / "inbox"


def bring(page: Studio, reader: Reader, inbox: Path, *names: str, name: str = ""):
    """What the page shows while recordings are taken in that were brought to the place that is open now."""
    files = []
    for called in names:
        path = Path(shutil.copy(CLIPS[called == "b.flac"], inbox / called))
        files.append({"path": str(path), "name": called})
    event = SimpleNamespace(files=files, voice=reader.visit.called(reader.visit.voice_id))
    return page.my_voice.take_in(reader, name, next(iter(page.container.engines)), event)


def kept(page: Studio) -> dict[str, list[str]]:
    voices = page.container.voices
    return {
        voice.name: [record.filename for record in voices.recordings(voice.id)]
        for voice in voices.list()
        if not voice.sample
    }


def test_what_comes_while_the_studio_listens_joins_the_same_voice(
    page: Studio, reader: Reader, inbox: Path
) -> None:
    first = bring(page, reader, inbox, "a.flac", name="Mara")
    made = next(first)
    assert made[page.voice_id] == reader.visit.voice_id
    list(bring(page, reader, inbox, "b.flac", name="Mara"))
    *_, last = first
    assert kept(page) == {"Mara": ["b.flac", "a.flac"]}
    assert last[page.voice_id] == made[page.voice_id]
    assert list(inbox.iterdir()) == []


def test_who_goes_to_another_voice_meanwhile_stays_there(page: Studio, reader: Reader, inbox: Path) -> None:
    ada = page.container.voices.create("Ada")
    first = bring(page, reader, inbox, "a.flac", "b.flac", name="Mara")
    next(first)
    page.show(reader, ada.id, None)
    shown = list(first)
    assert kept(page) == {"Ada": [], "Mara": ["a.flac", "b.flac"]}
    assert reader.visit.voice_id == ada.id
    assert [set(drawn) for drawn in shown[-1:]] == [{page.shelf}]
    assert all(page.voice_id not in drawn for drawn in shown)


def test_another_new_voice_does_not_get_the_recordings_of_the_last(
    page: Studio, reader: Reader, inbox: Path
) -> None:
    first = bring(page, reader, inbox, "a.flac", name="Mara")
    next(first)
    page.show(reader, None, None)
    list(bring(page, reader, inbox, "b.flac", name="Ben"))
    list(first)
    assert kept(page) == {"Ben": ["b.flac"], "Mara": ["a.flac"]}


def test_every_file_of_many_is_heard(page: Studio, reader: Reader, inbox: Path, monkeypatch) -> None:
    heard = []
    monkeypatch.setattr(
        page.container.voices,
        "add_recording",
        lambda voice_id, path, filename: heard.append(filename) or SimpleNamespace(id="r_1"),
    )
    names = [f"{number}.flac" for number in range(60)]
    list(bring(page, reader, inbox, *names))
    assert heard == names
    assert list(inbox.iterdir()) == []


def turned(page: Studio, reader: Reader, wish: str) -> dict:
    return page.turn(reader, *[None] * 5, SimpleNamespace(wish=wish), gr.Request(session_hash="a"))


def test_the_other_language_takes_nothing_back(page: Studio, reader: Reader) -> None:
    """A name that was typed, the base that was chosen, sliders that were moved."""
    shown = turned(page, reader, '{"language": "zh"}')
    for typed in (page.my_voice.name, page.my_voice.engine, *page.speak.controls.values()):
        assert "value" not in shown[typed]
    assert shown[page.my_voice.name]["label"] == "声音的名字"


def test_another_light_draws_nothing_anew(page: Studio, reader: Reader) -> None:
    shown = turned(page, reader, '{"dark": true}')
    assert list(shown) == [page.reader]
    assert shown[page.reader].dark


@pytest.mark.parametrize("agreed", [False, True])
def test_only_who_agreed_is_asked_to_withdraw(
    page: Studio, reader: Reader, container: Container, tmp_path: Path, agreed: bool
) -> None:
    voice = page.container.voices.create("Mara")
    if agreed:
        container.voices.add_recording(voice.id, Path(shutil.copy(CLIPS[0], tmp_path / "a.flac")), "a.flac")
        container.voices.consent(voice.id, "Mara Lind", "personal", None, "en")
    shown = page.my_voice.show(reader, page.voice(voice.id))
    assert ("Withdraw consent" in shown[page.my_voice.farewell_text]) is agreed
    assert shown[page.my_voice.withdraw]["value"].startswith("Withdraw" if agreed else "Delete")
    gone = page.my_voice.delete(reader, voice.id)
    assert ("Consent is withdrawn" in gone[page.my_voice.says]) is agreed


def test_a_demo_does_not_say_that_everything_stays_here(tmp_path: Path, page: Studio) -> None:
    settings = Settings(home=tmp_path / "demo", device="cpu", port=0, public_demo=True)
    with Container(settings, fake_engines(FakeEngine())) as container, gr.Blocks():
        demo = Studio(container)
        said = demo._frame(Reader("en"))[demo.footer]
    assert "this computer alone" not in said and "the computer that runs it" in said
    assert "this computer alone" in page._frame(Reader("en"))[page.footer]
