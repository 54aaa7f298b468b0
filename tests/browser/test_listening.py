"""A reading is heard on the page while the rest of it is spoken."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from studio.container import Container
from tests.browser.test_page import CLIPS, choose, go
from tests.fakes import FakeEngine

pytestmark = pytest.mark.browser

TEXT = "One two three. Four five six. Seven eight nine. And that was all of it."


def named(container: Container, name: str) -> str:
    voice = container.voices.create(name)
    container.voices.add_recording(voice.id, CLIPS[0], CLIPS[0].name)
    container.voices.consent(voice.id, "Ida Listener", "personal", None, "en")
    container.jobs.wait(container.voices.get(voice.id).active_job_id, 60)
    return voice.id


def heard(page) -> list[str]:
    """The sentences that were played, in order."""
    return page.evaluate("window.heardSentences")


def note_what_is_heard(page) -> None:
    page.evaluate(
        """() => {
          window.heardSentences = [];
          window.voxtale.audio.addEventListener('playing', () => {
            const box = document.querySelector(`#sentences .vt-player[data-src="${window.voxtale.heard()}"]`);
            if (box) window.heardSentences.push(box.closest('.vt-sentence').querySelector('p').innerText);
          });
        }"""
    )


def test_listening_along(
    visit, container: Container, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    voice_id = named(container, "Day/Night ? #1")
    last = threading.Event()
    monkeypatch.setattr(
        engine, "score", lambda text, seed: float(not text.startswith("And") or last.wait(100))
    )
    page = visit("en")
    choose(page, voice_id)
    go(page, 2)
    note_what_is_heard(page)
    page.fill("#speak-text textarea", TEXT)
    page.click("#speak-go")
    page.click(".vt-along")
    page.wait_for_selector(".vt-along[aria-pressed=true]")
    page.wait_for_function("window.heardSentences.length === 3")
    assert heard(page) == ["One two three.", "Four five six.", "Seven eight nine."]
    page.wait_for_timeout(900)  # heard to its end, while the last one is still being spoken
    assert page.locator(".vt-take.is-working").is_visible() and len(heard(page)) == 3
    last.set()
    page.wait_for_function("window.heardSentences.length === 4")
    page.wait_for_selector(".vt-downloads")

    # the whole of it plays and can be saved, whatever the voice is called
    page.click(".vt-take .vt-play")
    page.wait_for_selector(".vt-take .vt-player.is-playing")
    page.wait_for_function("window.voxtale.audio.currentTime > 0.3")
    with page.expect_download() as saved:
        page.click("[data-act=download][data-format=wav]")
    assert Path(saved.value.path()).read_bytes().startswith(b"RIFF")


def test_who_plays_a_sentence_listens_along_no_more(
    visit, container: Container, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    voice_id = named(container, "Other")
    last = threading.Event()
    monkeypatch.setattr(
        engine, "score", lambda text, seed: float(not text.startswith("And") or last.wait(100))
    )
    page = visit("en")
    choose(page, voice_id)
    go(page, 2)
    note_what_is_heard(page)
    page.fill(
        "#speak-text textarea", TEXT.replace("two", "two and" + " two" * 50)
    )  # still heard at the click
    page.click("#speak-go")
    page.wait_for_selector(".vt-sentence:nth-child(3) .vt-play")
    page.click(".vt-along")
    page.wait_for_selector(".vt-along[aria-pressed=true]")
    page.click(".vt-sentence:nth-child(3) .vt-play")
    page.wait_for_selector(".vt-along[aria-pressed=false]")
    page.wait_for_timeout(900)
    assert heard(page)[-1] == "Seven eight nine." and "Four five six." not in heard(page)
    page.click(".vt-along")
    page.click(".vt-along[aria-pressed=true]")
    assert page.evaluate("window.voxtale.audio.paused")
    last.set()
    page.wait_for_selector(".vt-downloads")
