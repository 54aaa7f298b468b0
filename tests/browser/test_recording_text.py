"""Whisper on the page: recordings are written down by themselves, read over and corrected; stories are told in Chinese."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from studio.container import Container
from studio.settings import Settings
from tests.browser.test_page import CLIPS, COMBINATIONS, check, choose, go
from tests.fakes import (
    FakeEngine,
    FakeIllustrator,
    FakeTranscriber,
    Held,
    fake_engines,
    fake_painters,
    fake_transcribers,
)

pytestmark = pytest.mark.browser

HEARD = "It has never been surpassed, and nobody tried <b>again</b>."
STORY = "小狐狸在森林里捡到一把钥匙。他很高兴！第二天下雨了，猫头鹰来到村子里。"
STORY_TAB = 3
FIELD = "#recording-text textarea"


@pytest.fixture(scope="module")
def transcriber() -> FakeTranscriber:
    return FakeTranscriber(HEARD)


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory, transcriber: FakeTranscriber) -> Iterator[Container]:
    settings = Settings(home=tmp_path_factory.mktemp("home") / "library", device="cpu", port=0)
    fakes = fake_engines(FakeEngine()), fake_painters(FakeIllustrator()), fake_transcribers(transcriber)
    with Container(settings, *fakes) as container:
        yield container


@pytest.fixture(scope="module")
def voice(container: Container) -> str:
    """With two recordings that were written down."""
    voice = container.voices.create("Mara")
    for clip in CLIPS:
        container.voices.add_recording(voice.id, clip, clip.name)
    while (job := container.voices.transcribing(voice.id)).active:
        container.jobs.wait(job.id, 100)
    return voice.id


@pytest.mark.parametrize(("language", "light", "width"), COMBINATIONS)
def test_what_is_said_is_seen_in_every_light_and_language(
    visit, container: Container, voice: str, language: str, light: str, width: int
) -> None:
    page = visit(language, light, width)
    page.wait_for_selector(f"[data-voice='{voice}'][aria-checked=true]")
    go(page, 0)
    page.wait_for_selector(".vt-file-said >> nth=1")
    assert page.locator(".vt-file-said").all_inner_texts() == [f"“{HEARD}”"] * 2
    page.click("[data-act=look] >> nth=0")
    page.wait_for_selector(FIELD)
    page.wait_for_selector(".vt-plot img")
    check(page, language)
    assert page.input_value(FIELD) == HEARD
    assert "Whisper small" in page.inner_text("#recording-said")
    go(page, STORY_TAB)
    assert "Whisper small" in page.inner_text("#story-tell .vt-telling")
    check(page, language)


def test_a_recording_is_written_down_and_corrected(
    visit, container: Container, hold: Callable[[str, str], Held]
) -> None:
    page = visit("en")
    choose(page, None)
    go(page, 0)
    held = hold("transcribe", "hear")
    page.set_input_files("#intake input[type=file]", [str(CLIPS[0])])
    page.wait_for_selector(FIELD)
    assert held.arrived()
    assert "Being written down" in page.inner_text(".vt-file-said") and not page.is_editable(FIELD)
    held.let_go()
    page.wait_for_function("document.querySelector('#recording-text textarea').value.startsWith('It has')")
    assert page.is_editable(FIELD) and "Heard by Whisper small" in page.inner_text("#recording-said")
    # corrected, it is the person's own
    page.fill(FIELD, "It was never surpassed.")
    page.locator(FIELD).blur()
    page.wait_for_function(
        "document.querySelector('.vt-file-said').innerText === '“It was never surpassed.”'"
    )
    page.wait_for_function("!document.querySelector('#recording-said').innerText.includes('Heard by')")
    mine = next(one for one in container.voices.list() if one.name == "My voice")
    (record,) = container.voices.recordings(mine.id)
    assert (record.text, record.heard_by) == ("It was never surpassed.", None)
    assert not page.is_visible("#recording-listen"), "what was typed is not lost by a slip"
    # taken out, it stays out until it is asked for
    page.fill(FIELD, "")
    page.locator(FIELD).blur()
    page.wait_for_function("!document.querySelector('.vt-file-said')")
    page.click("#recording-listen")
    page.wait_for_function("document.querySelector('#recording-text textarea').value.startsWith('It has')")
    visit.settle(page)
    container.voices.delete(mine.id)


def test_a_story_is_told_in_chinese(
    visit, container: Container, transcriber: FakeTranscriber, tmp_path: Path
) -> None:
    transcriber.text, transcriber.language = STORY, "zh"
    page = visit("zh", width=390)
    go(page, STORY_TAB)
    page.set_input_files("#story-tell .vt-telling .vt-file-input", [str(CLIPS[0])])
    page.wait_for_selector("#story-tell .vt-notice.is-fair")
    check(page, "zh")
    assert "由 Whisper small 离线听写" in page.inner_text("#story-tell .vt-notice.is-fair")
    assert page.input_value("#story-text") == STORY
    page.click("#story-tell [data-act=plan]")
    page.wait_for_selector(".vt-scene")
    told = next(story for story in container.stories.list() if not story.sample)
    assert re.search("[\u4e00-\u9fff]", told.title) and told.transcript.language == "zh"
    transcriber.text, transcriber.language = HEARD, "en"
    visit.settle(page)
    container.stories.delete(told.id)
