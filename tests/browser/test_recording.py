"""The microphone listens when its button says so, and what it heard goes where it was recorded."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from studio.container import Container
from tests.browser.test_page import CLIPS, choose, go

pytestmark = pytest.mark.browser

SPEAK = """async (speech) => {
  const bytes = Uint8Array.from(atob(speech), (letter) => letter.charCodeAt(0));
  window.microphones = [];
  navigator.mediaDevices.getUserMedia = async () => {
    const context = new AudioContext(), source = context.createBufferSource(), out = context.createMediaStreamDestination();
    window.microphones.push(...out.stream.getTracks());
    source.buffer = await context.decodeAudioData(bytes.buffer.slice(0));
    source.loop = true;
    source.connect(out);
    source.start();
    return out.stream;
  };
}"""
RECORD = "#intake [data-record]"


def at_intake(visit, clip: Path = CLIPS[0], language: str = "en"):
    """A new voice on a computer into whose microphone somebody speaks without an end."""
    page = visit(language)
    page.evaluate(SPEAK, base64.b64encode(clip.read_bytes()).decode())
    choose(page, None)
    go(page, 0)
    page.wait_for_selector(RECORD)
    return page


def listening(page) -> int:
    return page.evaluate("microphones.filter((track) => track.readyState === 'live').length")


def until_recorded(page, seconds: int) -> None:
    page.wait_for_function(
        "seconds => Number(document.querySelector('#intake .vt-time').innerText.split(':')[1]) >= seconds",
        arg=seconds,
    )


def test_nothing_but_its_button_records(visit) -> None:
    page = at_intake(visit)
    hint = page.inner_text("#intake .vt-drop")
    page.click("#intake .vt-script-page:visible p >> nth=0")
    with page.expect_file_chooser():
        page.click("#intake .vt-drop")
    page.click("#intake .vt-or")
    assert page.evaluate("microphones.length") == 0
    assert page.locator(".vt-recorder.is-recording").count() == 0
    assert page.inner_text("#intake .vt-drop") == hint


def test_a_double_click_leaves_no_second_microphone_open(visit, container: Container) -> None:
    page = at_intake(visit)
    page.dblclick(RECORD)
    page.wait_for_selector(".vt-recorder.is-recording")
    assert page.inner_text(RECORD) == "Stop and keep"
    assert page.evaluate("microphones.length") == 1
    until_recorded(page, 3)
    page.click(RECORD)
    page.wait_for_selector(".vt-plot img")
    assert page.inner_text(RECORD) == "Record"
    assert listening(page) == 0
    visit.settle(page)
    container.voices.delete(container.voices.list()[0].id)


def test_a_recording_outlasts_another_language_and_stays_with_its_voice(visit, container: Container) -> None:
    known = {voice.id for voice in container.voices.list()}
    other = container.voices.create("Ada")
    page = at_intake(visit)
    page.fill("#voice-name textarea", "Mara")
    page.click(RECORD)
    page.wait_for_selector(".vt-recorder.is-recording")
    page.set_input_files("#intake .vt-file-input", str(CLIPS[1]))
    page.wait_for_function("/as soon as/.test(document.querySelector('#intake .vt-intake-status').innerText)")
    page.click("[data-language=zh]")
    page.wait_for_function("document.querySelector('#intake [data-record]').innerText === '停止并保存'")
    assert page.locator(".vt-recorder.is-recording").count() == 1
    assert page.input_value("#voice-name textarea") == "Mara"
    until_recorded(page, 3)
    choose(page, other.id)
    page.wait_for_selector("#shelf [data-voice]:has-text('草稿') >> nth=1")
    assert listening(page) == 0
    page.wait_for_function("!document.querySelector('#intake .is-recording')")
    (new,) = [voice for voice in container.voices.list() if voice.id not in known | {other.id}]
    page.wait_for_function("id => document.querySelector(`#shelf [data-voice='${id}']`)", arg=new.id)
    assert page.locator(f"#shelf [data-voice='{other.id}'][aria-checked=true]").count() == 1
    assert page.locator(".vt-file").count() == 0, "the recordings of another voice"
    choose(page, new.id)
    page.wait_for_selector(".vt-file >> nth=1")
    names = [record.filename for record in container.voices.recordings(new.id)]
    assert CLIPS[1].name in names and len(names) == 2
    assert container.voices.recordings(other.id) == []
    visit.settle(page)
    for voice in (new, other):
        container.voices.delete(voice.id)


def test_what_is_brought_while_the_studio_listens_is_not_lost(visit, container: Container) -> None:
    known = {voice.id for voice in container.voices.list()}
    page = at_intake(visit)
    page.set_input_files("#intake .vt-file-input", str(CLIPS[0]))
    page.wait_for_selector(".vt-listening")
    page.set_input_files("#intake .vt-file-input", str(CLIPS[1]))
    page.wait_for_selector(".vt-file >> nth=1")
    (new,) = [voice for voice in container.voices.list() if voice.id not in known]
    assert {record.filename for record in container.voices.recordings(new.id)} == {c.name for c in CLIPS}
    page.wait_for_selector(".vt-plot img")
    visit.settle(page)
    container.voices.delete(new.id)


def test_looking_at_a_file_leads_to_what_is_seen(visit, container: Container) -> None:
    """However many files stand between its button and the plots."""
    page = at_intake(visit)
    page.set_input_files("#intake .vt-file-input", [str(clip) for clip in CLIPS])
    page.wait_for_selector(".vt-plot img")
    page.evaluate("scrollTo(0, 0)")
    page.set_viewport_size({"width": 390, "height": 500})
    page.locator(".vt-file:not(.is-open) [data-act=look]").click()
    page.wait_for_function(
        "() => { const { top } = document.getElementById('recording-said').getBoundingClientRect(); return top >= 0 && top < 250; }"
    )
    page.wait_for_selector(".vt-plot img")
    visit.settle(page)
    container.voices.delete(container.voices.list()[0].id)


def test_a_long_shelf_leaves_room_and_shows_who_is_chosen(visit, container: Container) -> None:
    voices = [container.voices.create(f"Voice {number}") for number in range(30)]
    first = voices[0].id  # the oldest stands last
    for width in (1440, 390):
        page = visit("en", width=width)
        choose(page, first)
        visit.reload(page)
        page.wait_for_function(
            """(id) => {
              const room = document.querySelector('.vt-shelf').getBoundingClientRect();
              const place = document.querySelector(`[data-voice='${id}']`).getBoundingClientRect();
              return room.height < 260 && place.left >= room.left && place.right <= room.right + 1
                && place.top >= room.top && place.bottom <= room.bottom;
            }""",
            arg=first,
        )
        page.context.close()
    for voice in voices:
        container.voices.delete(voice.id)
