from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from studio.container import Container
from studio.store.records import VoiceRecord
from studio.ui.handoff import Handoff
from studio.ui.i18n import Reader
from studio.ui.sentences import DOWNLOADS, sentence_rows, whole
from tests.fakes import FakeEngine

TEXT = "One sentence comes first. Another one follows. The last one ends it."


def drawn(container: Container, speech_id: str, language: str) -> tuple[str, str]:
    reader, handoff, speaking = Reader(language), Handoff(), container.speaking
    speech = speaking.get(speech_id)
    return whole(reader, handoff, speaking, speech, "Ann"), sentence_rows(reader, handoff, speaking, speech)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_finished_reading_is_there_to_hear_and_to_take(
    container: Container, voice: VoiceRecord, language: str
) -> None:
    speech = container.speaking.submit(voice.id, TEXT, seed=1)
    assert container.speaking.wait(speech.id, 100).state == "done"
    all_of_it, rows = drawn(container, speech.id, language)
    assert all(f'data-format="{format}"' in all_of_it for format in DOWNLOADS)
    assert rows.count('data-act="reroll"') == 3


def test_what_was_stopped_half_way_keeps_its_sentences(
    container: Container, voice: VoiceRecord, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    synthesize, cancelled = engine.synthesize, threading.Event()

    def slowly(text: str, *asked: object):
        if text.startswith("Another"):
            cancelled.wait(100)
        return synthesize(text, *asked)

    monkeypatch.setattr(engine, "synthesize", slowly)
    speech = container.speaking.submit(voice.id, TEXT, seed=1)
    while container.speaking.get(speech.id).takes[0] is None:
        time.sleep(0.01)
    working, _ = drawn(container, speech.id, "en")
    assert "vt-along" in working and "vt-player" not in working
    container.speaking.cancel(speech.id)
    cancelled.set()
    stopped = container.speaking.wait(speech.id, 100)
    assert stopped.state == "cancelled" and None in stopped.takes
    all_of_it, rows = drawn(container, speech.id, "en")
    assert all_of_it == ""
    assert "vt-player" in rows and rows.count("is-waiting") == stopped.takes.count(None)
    assert Path(container.speaking.take_audio(stopped.takes[0].key)).exists()
