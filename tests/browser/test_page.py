"""People's way through the page, from the first recording to the withdrawn consent."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from studio.container import Container
from studio.settings import Settings
from tests.browser.conftest import served
from tests.fakes import FakeEngine, Held, fake_engines
from tests.waiting import until

pytestmark = pytest.mark.browser

CLIPS = sorted((Path(__file__).resolve().parents[1] / "fixtures" / "speech").glob("LJ001-*.flac"))[:2]
COMBINATIONS = [
    (language, light, width)
    for language in ("en", "zh")
    for light in ("light", "dark")
    for width in (1440, 390)
]
TABS = {"en": ("My voice", "Train", "Speak", "Story"), "zh": ("我的声音", "训练", "朗读", "绘本")}
TEXT = "Once there was a small boat. It sailed past the old pier! Did anyone see it?"


def go(page, tab: int) -> None:
    page.locator("#tabs > .tab-wrapper .tab-container:not(.visually-hidden) button").nth(tab).click()


def choose(page, voice: str | None) -> None:
    """The voice with this id, or a new one."""
    card = f"[data-voice='{voice}']" if voice else "[data-act=new]"
    page.locator(f"#shelf {card}").click()
    page.wait_for_selector(f"#shelf {card}[aria-checked=true]")


def untranslated(page, language: str) -> list[str]:
    """Lines in the other language; names, scripts and texts that people typed are left out."""
    lines = page.evaluate(
        """() => {
          const copy = document.querySelector('.gradio-container main').cloneNode(true);
          for (const own of copy.querySelectorAll('.vt-script, textarea, .vt-brand, .vt-segments, .vt-voice strong, '
            + '.vt-sentences p, .vt-samples p, .vt-past strong, .vt-own, .visually-hidden, svg, style, script')) own.remove();
          const walk = document.createTreeWalker(copy, NodeFilter.SHOW_TEXT);
          const lines = [];
          while (walk.nextNode()) lines.push(walk.currentNode.textContent.trim());
          return lines.filter(Boolean);
        }"""
    )
    if language == "en":
        return [line for line in lines if re.search(r"[\u4e00-\u9fff]", line)]
    foreign = [line for line in lines if re.search(r"[A-Za-z]{3,}( [A-Za-z]+){2,}", line)]
    return [line for line in foreign if not re.search(r"[\u4e00-\u9fff]", line)]


def check(page, language: str) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "scrolls sideways"
    assert untranslated(page, language) == []
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('main button, main input, main textarea, main img')].filter(e =>
          e.checkVisibility({visibilityProperty: true}) && !e.innerText?.trim() && !e.getAttribute('aria-label') && !e.getAttribute('alt')
          && !e.labels?.length && !e.title).map(e => e.outerHTML.slice(0, 120))"""
    )
    assert nameless == []


def clipped_thumbs(page) -> list[str]:
    """Sliders whose round thumb, 16 px and a ring of 2, does not fit into what their box shows of it."""
    return page.evaluate(
        """() => [...document.querySelectorAll('.slider_input_container input')].filter(e => e.checkVisibility()).filter(e => {
          const track = e.getBoundingClientRect(), box = e.closest('.block').getBoundingClientRect();
          const middle = (track.top + track.bottom) / 2;
          return middle - 10 < box.top || middle + 10 > box.bottom || track.left - 2 < box.left || track.right + 2 > box.right;
        }).map(e => e.closest('.block').id)"""
    )


@pytest.fixture(scope="module")
def trained(container: Container) -> str:
    """A voice with an instant and a trained revision and one reading."""
    from datetime import date

    voice = container.voices.create("Mara <b>&")
    for clip in CLIPS:
        container.voices.add_recording(voice.id, clip, clip.name)
    container.voices.consent(voice.id, "Mara <i>Lind", "personal", date(2199, 1, 1), "en")
    if preparing := container.voices.get(voice.id).active_job_id:
        container.jobs.wait(preparing, 60)
    container.jobs.wait(container.voices.train(voice.id, "quick").id, 60)
    container.speaking.wait(container.speaking.submit(voice.id, TEXT).id, 100)
    return voice.id


@pytest.mark.parametrize(("language", "light", "width"), COMBINATIONS)
def test_every_tab_in_every_light_and_language(
    visit, trained: str, language: str, light: str, width: int
) -> None:
    page = visit(language, light, width)
    assert page.evaluate("document.body.classList.contains('dark')") == (light == "dark")
    assert page.evaluate("document.documentElement.lang") == {"en": "en", "zh": "zh-CN"}[language]
    for tab, name in enumerate(TABS[language]):
        go(page, tab)
        page.get_by_role("tab", name=name, exact=True, selected=True).first.wait_for()
        page.wait_for_timeout(150)
        check(page, language)
    go(page, 2)
    page.click("[data-act=open]")
    page.wait_for_selector(".vt-downloads")
    assert clipped_thumbs(page) == []
    go(page, 0)
    page.click("[data-act=look] >> nth=0")
    page.wait_for_selector(".vt-plot img")
    check(page, language)
    choose(page, None)
    page.wait_for_selector("#report .vt-empty")
    for tab in range(4):
        go(page, tab)
        page.wait_for_timeout(100)
        check(page, language)


def test_the_switches_turn_everything_and_last(visit, trained: str) -> None:
    page = visit("en")
    page.fill("#speak-text textarea", "Not yet read.") if page.locator(
        "#speak-text textarea"
    ).is_visible() else None
    page.click("[data-language=zh]")
    page.get_by_role("tab", name="训练", exact=True).first.wait_for()
    for tab in range(4):
        go(page, tab)
        check(page, "zh")
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.click("[data-act=light]")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before
    visit.reload(page)
    page.get_by_role("tab", name="训练", exact=True).first.wait_for()
    assert page.evaluate("document.body.classList.contains('dark')")


def test_a_text_that_nobody_read_yet_outlasts_a_reload(visit, trained: str) -> None:
    page = visit("en")
    choose(page, trained)
    go(page, 2)
    page.fill("#speak-text textarea", TEXT)
    visit.reload(page)
    page.wait_for_selector("#speak-text textarea")
    assert page.input_value("#speak-text textarea") == TEXT


def test_from_a_recording_to_a_reading_and_out_again(
    visit, container: Container, engine: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = visit("en")
    choose(page, None)
    go(page, 0)
    note = tmp_path / "note.wav"
    note.write_text("this is text")
    page.fill("#voice-name textarea, #voice-name input", "Walker")
    page.set_input_files("#intake .vt-file-input", [*map(str, CLIPS), str(note)])
    page.wait_for_selector(".vt-notice.is-poor")
    assert "note.wav" in page.inner_text(".vt-notice.is-poor")
    page.wait_for_selector(".vt-plot img")
    assert page.locator(".vt-check").count() == 12
    assert page.locator(".vt-file").count() == 2
    # cleaning can be undone for one file; the rows move while the plots arrive
    page.wait_for_timeout(500)
    page.click(".vt-switch >> nth=0")
    page.wait_for_selector(".vt-switch[aria-checked=false]")
    voice = next(voice for voice in container.voices.list() if voice.name == "Walker")
    assert [recording.cleaned for recording in container.voices.recordings(voice.id)] == [False, True]

    # consent is refused without a name, then without the tick
    page.click("#consent-sign")
    page.wait_for_selector(".vt-notice.is-fair")
    page.fill("#consent-owner textarea, #consent-owner input", "Ida Walker")
    page.click("#consent-sign")
    page.wait_for_selector(".vt-notice.is-fair:has-text('is not ticked')")
    assert container.voices.get(voice.id).consent is None
    page.check("#consent-agree input")
    page.click("#consent-sign")
    page.wait_for_selector(".vt-signed")
    page.wait_for_selector("[data-act=go][data-tab=speak]:not([disabled])")

    # training: cancel, start again, reload in the middle, and a second tab that attaches
    monkeypatch.setattr(engine, "step_seconds", 1.0)
    page.click("[data-act=go][data-tab=train]")
    page.click("#train-start")
    page.click("[data-act=cancel]")
    page.wait_for_selector("#train-start")
    assert container.voices.get(voice.id).active_job_id is None
    monkeypatch.setattr(engine, "step_seconds", 4.0)  # long enough for all that follows on a busy machine
    page.check("#quality input[value=best]")
    page.click("#train-start")
    page.wait_for_selector(".vt-rail")
    job_id = container.voices.get(voice.id).active_job_id
    second = page.context.new_page()
    second.goto(page.url)
    second.wait_for_selector(".vt-rail")
    visit.reload(page)
    page.wait_for_selector(".vt-progress .vt-curve")
    assert container.voices.get(voice.id).active_job_id == job_id
    monkeypatch.setattr(engine, "step_seconds", 0.02)
    page.wait_for_selector(".vt-samples li >> nth=1")
    second.wait_for_selector(".vt-samples li >> nth=1")
    second.close()
    assert "90%" in page.inner_text(".vt-meters")

    # before and after, blind
    page.click("#trial [data-act=trial]")
    page.wait_for_selector("[data-act=vote]")
    assert "training" not in page.inner_text(".vt-trial").lower()
    page.click("[data-act=vote] >> nth=0")
    page.wait_for_selector(".vt-reveal.is-after")

    # speak, hear, read one sentence again, change one sentence, take it home
    go(page, 2)
    page.fill("#speak-text textarea", TEXT)
    page.click("#speak-go")
    page.wait_for_selector(".vt-downloads")
    assert page.locator(".vt-sentence").count() == 3
    page.click(".vt-take .vt-play")
    page.wait_for_selector(".vt-take .vt-player.is-playing")
    takes = page.eval_on_selector_all(".vt-sentence", "rows => rows.map(row => row.dataset.take)")
    page.click("[data-act=reroll] >> nth=1")
    page.wait_for_function(
        "old => document.querySelectorAll('.vt-sentence')[1].dataset.take !== old"
        " && document.querySelectorAll('[data-take]').length === 3",
        arg=takes[1],
    )
    page.wait_for_selector(".vt-downloads")
    rerolled = page.eval_on_selector_all(".vt-sentence", "rows => rows.map(row => row.dataset.take)")
    assert (rerolled[0], rerolled[2]) == (takes[0], takes[2])
    page.fill("#speak-text textarea", TEXT.replace("small boat", "red boat"))
    page.click("#speak-go")
    page.wait_for_function("document.querySelector('.vt-sentence p')?.innerText.includes('red boat')")
    page.wait_for_selector(".vt-downloads")
    edited = page.eval_on_selector_all(".vt-sentence", "rows => rows.map(row => row.dataset.take)")
    assert edited[1:] == rerolled[1:]
    for kind, start in (("wav", b"RIFF"), ("mp3", b""), ("ogg", b"OggS"), ("srt", b"1"), ("vtt", b"WEBVTT")):
        with page.expect_download() as saved:
            page.click(f"[data-act=download][data-format={kind}]")
        assert saved.value.suggested_filename.endswith(f".{kind}")
        data = Path(saved.value.path()).read_bytes()
        assert len(data) > 40
        assert data.startswith(start)
    visit.reload(page)
    page.wait_for_selector(".vt-downloads")
    assert "red boat" in page.input_value("#speak-text textarea")

    # what cannot be read is said in words
    page.fill("#speak-text textarea", "今天天气很好。")
    page.click("#speak-go")
    page.wait_for_selector("#speak-says .vt-notice")

    # consent withdrawn: asked once more, then gone
    go(page, 0)
    page.click("#withdraw")
    page.click("#withdraw-keep")
    assert container.voices.get(voice.id)
    visit.settle(page)
    page.click("#withdraw")
    page.click("#withdraw-now")
    page.wait_for_selector(".vt-notice.is-good")
    assert voice.id not in {voice.id for voice in container.voices.list()}


def test_two_people_bring_the_same_file_at_once(visit, container: Container) -> None:
    before = {voice.id for voice in container.voices.list()}
    first, second = visit("en"), visit("zh")
    for page in (first, second):
        choose(page, None)
        go(page, 0)
    waiting = []
    second.route("**/queue/join*", lambda route: waiting.append(route))
    second.set_input_files("#intake .vt-file-input", str(CLIPS[0]))
    while not waiting:  # the file is there; that it is, the studio hears only later
        second.wait_for_timeout(50)
    first.set_input_files("#intake .vt-file-input", str(CLIPS[0]))
    first.wait_for_selector(".vt-plot img")
    second.unroute("**/queue/join*")  # and what waits goes on
    second.wait_for_selector(".vt-plot img")
    for page in (first, second):
        assert page.locator(".vt-file").count() == 1
        assert page.locator(".vt-notice.is-poor").count() == 0
        assert CLIPS[0].name in page.inner_text(".vt-file")
        visit.settle(page)
    theirs = {voice.id for voice in container.voices.list()} - before
    assert len(theirs) == 2
    for voice in theirs:
        container.voices.delete(voice)


def stop(page, container: Container, held: Held, button: str = "[data-act=cancel]") -> None:
    """Press it while the job waits; the job goes on only once the studio knows."""
    (job,) = container.jobs.list(active_only=True)
    page.click(button)
    until(lambda: container.database.value("SELECT cancel_requested FROM jobs WHERE id = ?", job.id))
    held.let_go()
    assert container.jobs.wait(job.id, 60).state == "cancelled"


def test_everything_can_be_stopped_and_begun_again(
    visit, container: Container, hold: Callable[[str, str], Held]
) -> None:
    voices = container.voices
    voice = voices.create("Stopper")
    voices.add_recording(voice.id, CLIPS[0], CLIPS[0].name)
    page = visit("en")
    choose(page, voice.id)

    # preparing: the voice is a draft again and can be prepared again
    held = hold("prepare", "prepare")
    voices.consent(voice.id, "Ida Stopper", "personal", None, "en")
    assert held.arrived()
    visit.reload(page)
    go(page, 1)
    stop(page, container, held)
    page.wait_for_selector("#train-progress .vt-notice")
    assert "Preparing was cancelled" in page.inner_text("#train-progress")
    go(page, 2)
    page.locator("text=The instant voice was not made >> visible=true").wait_for()
    go(page, 0)
    page.click("[data-act=prepare]")
    page.wait_for_selector("[data-act=go][data-tab=speak]:not([disabled])")

    # training, in every stage: the voice stays as it was
    go(page, 1)
    before = voices.get(voice.id)
    for number, stage in enumerate(("slice", "transcribe", "features", "train", "check")):
        held = hold("train", stage)
        page.click("#train-start")
        assert held.arrived()
        page.wait_for_selector(f".vt-rail li:nth-child({number + 1})[aria-current=step]")
        stop(page, container, held)
        page.wait_for_selector("#train-start")
        assert "Training was cancelled" in page.inner_text("#train-progress")
        assert voices.get(voice.id) == before

    # speaking: what was not spoken is said to be so, and the next try reads it all
    go(page, 2)
    held = hold("speak", "speak")
    page.fill("#speak-text textarea", TEXT)
    page.click("#speak-go")
    assert held.arrived()
    stop(page, container, held, "[data-act=stop]")
    page.locator("#sentences >> text=not spoken").first.wait_for()
    page.click("#speak-go")
    page.wait_for_selector(".vt-downloads")

    go(page, 1)
    page.click("#train-start")
    page.wait_for_selector(".vt-samples li >> nth=1")
    assert [revision.kind for revision in voices.revisions(voice.id)] == ["instant", "trained"]


def test_recording_against_the_script(visit, container: Container) -> None:
    page = visit("en", width=390)
    choose(page, None)
    go(page, 0)
    page.click("[data-script=zh]")
    assert page.locator("[data-script-page=zh]").is_visible()
    page.click("[data-record]")
    page.wait_for_selector(".vt-recorder.is-recording")
    page.wait_for_function("/^0:0[1-9]$/.test(document.querySelector('.vt-recorder .vt-time').innerText)")
    page.click("[data-record]")
    # Chromium's fake microphone beeps: it must be heard, and refused in words because nobody speaks
    page.wait_for_selector(".vt-notice.is-poor")
    assert "Recording" in page.inner_text(".vt-notice-about")
    assert page.locator(".vt-file").count() == 0


def test_what_people_type_is_never_markup(visit, trained: str) -> None:
    page = visit("en")
    choose(page, trained)
    assert "Mara <b>&" in page.inner_text("#shelf")
    go(page, 1)
    page.wait_for_selector(".vt-card")
    agreed = page.inner_text(".vt-card [data-consent]")
    assert all(fact in agreed for fact in ("Mara <i>Lind", "Personal use", "2199-01-01", "2026-11"))
    assert page.locator("#shelf b, .vt-card dd i").count() == 0


def test_the_keyboard_reaches_the_voices_and_plays(visit, trained: str) -> None:
    page = visit("en")
    choose(page, trained)
    go(page, 1)
    page.wait_for_selector(".vt-samples .vt-play")
    page.focus(".vt-samples .vt-play")
    page.keyboard.press("Enter")
    page.wait_for_selector(".vt-samples .vt-player.is-playing")
    page.focus("[data-act=new]")
    page.keyboard.press("Space")
    page.wait_for_selector("[data-act=new][aria-checked=true]")


def test_a_sample_voice_leads_to_reading_and_to_a_voice_of_ones_own(visit, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "library", device="cpu", port=0)
    with Container(settings, fake_engines(FakeEngine())) as container, served(container) as address:
        sample = container.voices.create("Linda")
        with container.database.transaction() as connection:
            connection.execute("UPDATE voices SET sample = 1 WHERE id = ?", (sample.id,))
        page = visit("en", to=address)
        for language in ("en", "zh"):
            page.click(f"[data-act=language][data-language={language}]")
            go(page, 0)
            page.click(".vt-empty [data-act=go][data-tab=speak]")
            page.wait_for_function(
                "name => document.querySelector('#tabs [role=tab][aria-selected=true]').innerText.includes(name)",
                arg=TABS[language][2],
            )
        go(page, 0)
        page.click(".vt-empty [data-act=new]")
        page.wait_for_selector("#intake .vt-drop")
        page.wait_for_selector("#shelf [data-act=new][aria-checked=true]")
        page.context.close()


def test_a_public_demo_neither_records_nor_trains(visit, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "library", device="cpu", port=0, public_demo=True)
    with Container(settings, fake_engines(FakeEngine())) as container, served(container) as address:
        page = visit("en", to=address)
        go(page, 0)
        page.wait_for_selector(".vt-notice")
        assert "public demo" in page.inner_text(".vt-notice >> nth=0")
        assert page.locator("#intake .vt-drop").count() == 0
        go(page, 1)
        assert not page.locator("#train-start").is_visible()
        assert page.locator("[data-act=new]").count() == 0
        page.context.close()
