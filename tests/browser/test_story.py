"""A story's way through the page: typed, cut into scenes, changed, drawn, turned, heard, taken home."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from studio.container import Container
from studio.settings import Settings
from tests.browser.conftest import served
from tests.browser.test_page import CLIPS, COMBINATIONS, check, go
from tests.fakes import FakeEngine, FakeIllustrator, Held, fake_engines, fake_painters

pytestmark = pytest.mark.browser

STORY_TAB = 3
TEXT = """The Red Boat

Mia was a little girl with a yellow hat. She lived by the sea and had a small red boat.

One morning a storm came. Mia trembled. The waves were high, and she was afraid. She cried for help!

Then a kind whale named Bo rose out of the water. Mia laughed and hugged him. They sailed home together."""


@pytest.fixture
def at_story(visit):
    """``at_story(...)`` opens the page at the Story tab."""

    def open_page(*asked: object, **more: object):
        page = visit(*asked, **more)
        go(page, STORY_TAB)
        page.wait_for_selector("#story-text")
        return page

    return open_page


def write(page, text: str = TEXT) -> None:
    page.fill("#story-text", text)
    page.click("#story-tell [data-act=plan]")
    page.wait_for_selector(".vt-scene")


def unfold(page, step: str) -> None:
    fold = page.locator(f"#story-{step} > .label-wrap")
    if "open" not in (fold.get_attribute("class") or ""):
        fold.click()
    page.wait_for_selector(f"#story-{step}-body")


def eventually(page, so: Callable[[], bool]) -> None:
    for _ in range(100):
        if so():
            return
        page.wait_for_timeout(100)
    raise AssertionError("it never came true")


def record(container: Container, title: str = "The Red Boat"):
    return next(story for story in container.stories.list() if story.title == title)


@pytest.mark.parametrize(("language", "light", "width"), COMBINATIONS)
def test_every_step_in_every_light_and_language(
    at_story, visit, language: str, light: str, width: int
) -> None:
    page = at_story(language, light, width)
    check(page, language)
    page.click("[data-fill]")  # the sample story
    page.click("#story-tell [data-act=plan]")
    page.wait_for_selector(".vt-scene")
    page.wait_for_timeout(300)
    for details in page.locator(".vt-scene >> nth=0").locator("details").all():
        details.locator("summary").click()
    page.click("[data-keep=painting] summary")
    check(page, language)
    page.click("#story-draw [data-act=draw]")
    page.wait_for_selector(".vt-exports")
    page.click("[data-book=next]")
    for step in ("tell", "scenes", "heroes"):
        unfold(page, step)
    check(page, language)
    visit.settle(page)
    page.click(".vt-farewell summary")
    page.click(".vt-farewell [data-act=delete]")
    page.wait_for_selector("#story-text:placeholder-shown")
    check(page, language)


def test_from_a_text_to_a_book_and_out_again(
    at_story, visit, container: Container, illustrator: FakeIllustrator
) -> None:
    page = at_story("en")
    # what is no story is said in words, and the text stays
    page.fill("#story-text", "La la la la la.")
    page.click("#story-tell [data-act=plan]")
    page.wait_for_selector("#story-says .vt-notice.is-poor")
    assert page.input_value("#story-text") == "La la la la la."

    # a draft survives a reload; then the scenes appear
    page.fill("#story-text", TEXT)
    visit.reload(page)
    page.wait_for_function("text => document.querySelector('#story-text')?.value === text", arg=TEXT)
    page.select_option("#story-tell [data-field=pages]", "4")
    page.click("#story-tell [data-act=plan]")
    page.wait_for_selector(".vt-scene")
    assert page.locator(".vt-scene").count() == 4
    assert page.locator(".vt-scene-picture img.is-layout").count() == 4

    # words typed into a card go along with the click that follows
    page.fill(".vt-scene-text >> nth=0", "Mia was a tall girl. She lived by the sea. She had a boat.")
    page.click("[data-act=merge] >> nth=1")
    page.wait_for_function("document.querySelectorAll('.vt-scene').length === 3")
    story = record(container)
    assert story.plan.scenes[0].text.startswith("Mia was a tall girl.")
    page.click("[data-keep^=split] summary >> nth=0")
    page.click("[data-act=split] >> nth=0")
    page.wait_for_function("document.querySelectorAll('.vt-scene').length === 4")
    assert record(container).plan.scenes[0].text.strip() == "Mia was a tall girl."
    page.click(".vt-mood summary >> nth=2")
    assert page.locator(".vt-mood[open] .vt-mood-why").is_visible()

    # a prompt of one's own, and back
    page.click("[data-keep^=prompt] summary >> nth=0")
    page.fill("[data-edit=prompt] [data-field=details] >> nth=0", "on a green hill")
    page.locator("[data-edit=prompt] [data-field=details] >> nth=0").blur()
    page.wait_for_selector(".vt-scene >> nth=0 >> .vt-pill.is-coral")
    assert record(container).plan.pages[0].prompt.details == "on a green hill"
    page.click("[data-act=reset] >> nth=0")
    page.wait_for_function("!document.querySelector('.vt-scene .vt-pill.is-coral')")
    assert page.locator("[data-keep^=prompt] >> nth=0").get_attribute("open") is not None

    # the hero in another colour, with another name, read by nobody, painted with other numbers
    before = page.get_attribute(".vt-hero-picture >> nth=0", "src")
    page.click(".vt-hero >> nth=0 >> [data-act=colour][data-colour=white] >> nth=0")
    page.wait_for_function(
        "old => document.querySelector('.vt-hero-picture').src.indexOf(old) < 0", arg=before
    )
    page.fill(".vt-hero-name >> nth=0", "Mina")
    page.locator(".vt-hero-name >> nth=0").blur()
    page.wait_for_function("document.querySelector('#story-heroes > .label-wrap').innerText.includes('Mina')")
    page.click("[data-keep=painting] summary")
    page.locator("[data-field=num_inference_steps]").fill("9")
    eventually(page, lambda: record(container).painting.num_inference_steps == 9)

    # draw: one page cannot be painted, the others are; tried again, it can
    scenes = [scene.id for scene in record(container).plan.scenes]
    illustrator.fails.add(scenes[2])
    held = illustrator.held[scenes[0]] = Held()
    page.click("#story-draw [data-act=draw]")
    page.wait_for_selector("#story-progress .vt-progress")
    visit.reload(page)  # the studio goes on, and the page finds its way back
    page.wait_for_selector("#story-progress .vt-progress")
    held.let_go()
    page.wait_for_selector(".vt-exports")
    assert page.locator(".vt-frame[data-state=painted]").count() == 4  # three pages and the cover
    page.click(".vt-frame[data-state=failed]")
    page.wait_for_selector(".vt-leaf.is-open .vt-notice.is-poor")
    illustrator.fails.clear()
    page.click(".vt-leaf.is-open [data-act=draw]")
    page.wait_for_function("document.querySelectorAll('.vt-frame[data-state=painted]').length === 5")
    page.wait_for_selector(".vt-exports")  # until then the book is laid out anew now and then

    # turned by key and by button
    page.focus(".vt-book")
    page.keyboard.press("Home")
    assert page.locator(".vt-leaf.is-open.is-cover").is_visible()
    page.keyboard.press("ArrowRight")
    assert page.inner_text(".vt-book-place") == "1 / 4"
    page.click("[data-book=next]")
    assert page.inner_text(".vt-book-place") == "2 / 4"
    drawn = len(illustrator.drawn)
    held = illustrator.held[scenes[1]] = Held()
    page.hover(".vt-leaf.is-open figure")
    page.click(".vt-leaf.is-open [data-act=retake]")
    page.wait_for_selector("#story-progress .vt-progress")
    held.let_go()
    page.wait_for_selector(".vt-exports")
    assert len(illustrator.drawn) == drawn + 1

    # taken home
    with page.expect_download() as saved:
        page.click(".vt-export[data-format=html]")
    assert saved.value.suggested_filename == "The Red Boat.html"
    assert b"The Red Boat" in Path(saved.value.path()).read_bytes()
    with page.expect_download() as saved:
        page.click(".vt-export[data-format=project]")
    project = Path(saved.value.path())
    assert zipfile.is_zipfile(project)
    with page.expect_download() as again:
        page.click("a.vt-export[data-format=html]")
    assert again.value.suggested_filename == "The Red Boat.html"

    # deleted after a second question, and opened again from its project file
    visit.settle(page)
    page.click(".vt-farewell summary")
    page.click(".vt-farewell [data-act=delete]")
    page.wait_for_selector("#story-text:placeholder-shown")
    assert "The Red Boat" not in {story.title for story in container.stories.list()}
    file = {"name": "boat.voxtale.zip", "mimeType": "application/zip", "buffer": project.read_bytes()}
    page.set_input_files(".vt-open-project .vt-file-input", [file])
    page.wait_for_selector(".vt-exports")
    assert page.locator(".vt-frame[data-state=painted]").count() == 5
    visit.settle(page)
    container.stories.delete(record(container).id)


def test_a_narrated_book_reads_itself(at_story, visit, container: Container) -> None:
    voice = _speaking_voice(container)
    page = at_story("en")
    page.locator(f".vt-reader input[value='{voice}']").check(force=True)
    write(page)
    page.click("#story-draw [data-act=draw]")
    page.wait_for_selector(".vt-exports")
    page.click("[data-book=next]")
    page.click(".vt-book-play")
    page.wait_for_selector(".vt-leaf.is-open .vt-said.is-heard")
    first = page.inner_text(".vt-said.is-heard")
    page.wait_for_function(
        "said => document.querySelector('.vt-said.is-heard')?.innerText !== said", arg=first
    )
    # the leaf turns by itself at its end, and pausing holds
    page.wait_for_function("document.querySelector('.vt-book-place').innerText.startsWith('2')")
    page.wait_for_selector(".vt-leaf.is-open .vt-said.is-heard")
    page.click(".vt-book-play")
    assert page.get_attribute(".vt-book-play", "aria-pressed") == "false"
    # a sentence that is clicked is heard; another player silences the book
    page.locator(".vt-leaf.is-open .vt-said").last.click()
    page.wait_for_function("document.querySelector('.vt-leaf.is-open .vt-said:last-of-type.is-heard')")
    visit.settle(page)
    container.stories.delete(record(container).id)


def test_a_told_story_is_read_over_first(at_story, visit, container: Container) -> None:
    page = at_story("en", width=390)
    page.set_input_files("#story-tell .vt-file-input", [str(CLIPS[0])])
    page.wait_for_selector(".vt-paper-marks mark")
    page.wait_for_timeout(300)
    check(page, "en")
    assert "rough" in page.inner_text("#story-tell .vt-notice.is-fair")
    marks = page.locator(".vt-paper-marks mark")
    count = marks.count()
    page.click("[data-next-unsure]")
    word = page.evaluate(
        "(a => a.value.slice(a.selectionStart, a.selectionEnd))(document.querySelector('#story-text'))"
    )
    assert word == marks.first.inner_text()
    page.keyboard.type("boat")
    assert marks.count() == count - 1
    assert re.match(rf"{count - 1}\b|No ", page.inner_text("[data-unsure]"))
    page.fill("#story-text", TEXT)
    page.click("#story-tell [data-act=plan]")
    page.wait_for_selector(".vt-scene")
    told = record(container)
    assert told.transcript is not None
    visit.settle(page)
    container.stories.delete(told.id)


def test_a_recording_without_speech_is_refused_in_words(
    at_story, visit, container: Container, tmp_path: Path
) -> None:
    from tests.fakes import write_hum

    page = at_story("zh")
    page.set_input_files("#story-tell .vt-file-input", [str(write_hum(tmp_path / "hum.wav"))])
    page.wait_for_selector("#story-tell .vt-notice.is-poor")
    check(page, "zh")
    assert page.locator("#story-text").is_visible()
    visit.settle(page)
    container.stories.delete(container.stories.list()[0].id)


def test_what_people_type_is_never_markup(at_story, visit, container: Container) -> None:
    page = at_story("en")
    write(page, TEXT.replace("Mia", "Mia<b>").replace("The Red Boat", "The <i>Red</i> Boat"))
    page.click("#story-draw [data-act=draw]")
    page.wait_for_selector(".vt-exports")
    assert page.locator(".vt-scene b:not(.vt-mood b), .vt-leaf i, .vt-leaf b, #bookshelf i").count() == 0
    assert "<i>Red</i>" in page.inner_text(".vt-leaf.is-cover h2")
    visit.settle(page)
    container.stories.delete(container.stories.list()[0].id)


def test_visitors_of_a_public_demo_see_their_own_stories(visit, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "library", device="cpu", port=0, public_demo=True)
    with (
        Container(settings, fake_engines(FakeEngine()), fake_painters()) as container,
        served(container) as address,
    ):
        container.stories.write(TEXT, client="203.0.113.7")
        page = visit("en", to=address)
        go(page, STORY_TAB)
        page.wait_for_selector("#story-text")
        assert page.locator("[data-act=reopen]").count() == 0
        write(page)
        assert page.locator("[data-act=reopen]").count() == 1
        page.context.close()


def _speaking_voice(container: Container) -> str:
    voice = container.voices.create("Nell")
    container.voices.add_recording(voice.id, CLIPS[0], CLIPS[0].name)
    container.voices.consent(voice.id, "Nell Lind", "personal", None, "en")
    if preparing := container.voices.get(voice.id).active_job_id:
        container.jobs.wait(preparing, 60)
    return voice.id
