from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import gradio as gr
import pytest

from studio.container import Container
from studio.store.records import VoiceRecord
from studio.ui.i18n import Reader
from studio.ui.layout import LAUNCH, Studio, build_page


def test_the_page_offers_no_way_in_for_programs(container: Container) -> None:
    config = build_page(container).get_config_file()
    assert config["dependencies"]
    assert {dependency["api_visibility"] for dependency in config["dependencies"]} == {"private"}


def test_nothing_is_collected_and_nothing_comes_from_elsewhere(container: Container) -> None:
    page = build_page(container)
    assert page.analytics_enabled is False
    assert LAUNCH["run_history"] is False
    assert not LAUNCH["theme"]._font_css
    for text in (LAUNCH["css"], LAUNCH["head"]):
        assert "http" not in text.replace("http://www.w3.org", "")


def test_what_people_click_is_answered_at_once(container: Container) -> None:
    """The stream that brings what was queued ends when nothing waits, and with it what was asked at that moment."""
    queued = {event.name for event in build_page(container).fns.values() if event.queue and event.fn}
    assert queued == {"arrive", "take_in", "inspect"}


def test_a_late_look_draws_nothing_over_another_voice(
    voice: VoiceRecord, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    with gr.Blocks():
        studio = Studio(container)
    reader, request = Reader("en"), gr.Request(session_hash="page")
    look = partial(studio.look, reader, voice.id, None, None, None, None, request)
    assert studio.shelf in look()
    settled = studio.my_voice.beat

    def slowly(*arguments: object) -> dict:
        chosen = SimpleNamespace(act="choose", voice="another")
        assert studio.choose(reader, voice.id, chosen, request)[studio.voice_id] == "another"
        return settled(*arguments)

    monkeypatch.setattr(studio.my_voice, "beat", slowly)
    assert look() == {studio.pulse: gr.skip()}
    assert studio.shelf in studio.look(reader, voice.id, None, None, None, None, gr.Request(session_hash="2"))
    monkeypatch.setattr(studio.my_voice, "beat", settled)
    assert studio.shelf in look(), "who comes back sees it again"


def test_a_late_look_does_not_end_the_looking_at_a_job_that_began_meanwhile(
    voice: VoiceRecord, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    with gr.Blocks():
        studio = Studio(container)
    look = partial(
        studio.look, Reader("en"), voice.id, None, None, None, None, gr.Request(session_hash="page")
    )
    settled = studio.my_voice.beat
    under_way = [False]
    monkeypatch.setattr(studio.train, "busy", lambda voice, trial: under_way[0])

    def slowly(*arguments: object) -> dict:
        under_way[0] = True
        return settled(*arguments)

    assert look()[studio.pulse] == gr.update(active=False)
    monkeypatch.setattr(studio.my_voice, "beat", slowly)
    assert look() == {studio.pulse: gr.skip()}
