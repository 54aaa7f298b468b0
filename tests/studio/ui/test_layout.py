from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from types import SimpleNamespace

import gradio as gr
from fastapi.testclient import TestClient

from studio.api.server import MAX_JSON_BYTES, build_api
from studio.container import Container
from studio.errors import StudioError
from studio.store.records import VoiceRecord
from studio.ui.i18n import Reader
from studio.ui.layout import LAUNCH, Studio, build_page, mount_page
from studio.ui.markup import notice
from studio.ui.page import acting, looking


def test_the_page_offers_no_way_in_for_programs(container: Container) -> None:
    config = build_page(container).get_config_file()
    assert config["dependencies"]
    assert {dependency["api_visibility"] for dependency in config["dependencies"]} == {"private"}


def test_a_recording_dropped_on_the_page_may_be_large(container: Container) -> None:
    with TestClient(mount_page(build_api(container), container), base_url="http://127.0.0.1:7860") as browser:
        answer = browser.post("/gradio_api/upload", files={"files": ("a.wav", bytes(MAX_JSON_BYTES))})
    assert answer.status_code == 200, answer.text


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


def test_a_late_look_draws_nothing_over_what_the_person_did_meanwhile() -> None:
    with gr.Blocks():
        says = gr.HTML()
    mine, other = Reader("en"), Reader("en")
    click = acting(lambda reader: {"clicked": reader.language}, says)

    def slowly(reader: Reader, who: Reader | None) -> dict:
        if who is not None:
            assert click(who) == {says: "", "clicked": "en"}
        return {"seen": reader.language}

    look = looking(slowly, says)
    assert look(mine, None) == {"seen": "en"}
    assert look(mine, mine) == {says: gr.skip()}
    assert look(mine, other) == {"seen": "en"}, "what others do is no matter"
    assert look(mine, None) == {"seen": "en"}, "and the next look is in time"


def test_a_look_that_began_during_an_act_is_late_too() -> None:
    with gr.Blocks():
        says = gr.HTML()
    reader, begun, acted = Reader("en"), Event(), Event()

    def act(reader: Reader) -> dict:
        begun.set()
        time.sleep(0.05)
        return {}

    def look(reader: Reader) -> dict:
        acted.wait(100)
        return {"seen": 1}

    with ThreadPoolExecutor(2) as pool:
        clicked = pool.submit(acting(act, says), reader)
        assert begun.wait(100)
        looked = pool.submit(looking(look, says), reader)
        clicked.result(10)
        acted.set()
        assert looked.result(10) == {says: gr.skip()}


def test_what_goes_wrong_is_said_and_the_act_still_counts() -> None:
    with gr.Blocks():
        says = gr.HTML()
    reader = Reader("en")

    def fail(reader: Reader) -> dict:
        raise StudioError("voice_unknown", 404)

    said = acting(fail, says)(reader)
    assert said[says] == notice(StudioError("voice_unknown", 404).sentence("en"))
    assert reader.visit.acted_at > 0
    assert looking(fail, says)(Reader("zh"))[says] != said[says]


def test_a_look_that_was_on_its_way_does_not_bring_back_the_voice_before(
    container: Container, voice: VoiceRecord
) -> None:
    with gr.Blocks():
        studio = Studio(container)
    reader = Reader("en")
    choose = acting(studio.choose, studio.my_voice.says)
    look = looking(studio.look, studio.train.says)
    reader.visit.look_at(voice.id)
    reader.visit.act()
    assert studio.shelf in look(reader, voice.id, None, None, None, None)
    choose(reader, SimpleNamespace(act="new"))
    assert look(reader, voice.id, None, None, None, None) == {studio.train.says: gr.skip()}
    assert studio.listen(reader, voice.id, None) == {studio.speak.said: gr.skip()}
    assert look(reader, None, None, None, None, None) == {studio.pulse: gr.update(active=False)}
    assert studio.shelf in look(Reader("en"), voice.id, None, None, None, None), (
        "after a restart nothing is known"
    )


def test_a_visit_goes_on_in_the_other_language(container: Container) -> None:
    with gr.Blocks():
        studio = Studio(container)
    wish = SimpleNamespace(wish=json.dumps({"language": "zh", "dark": True}))
    reader = Reader("en")
    turned = studio.turn(reader, None, None, None, None, None, wish, gr.Request(session_hash="page"))
    after = turned[studio.reader]
    assert (after.language, after.dark) == ("zh", True)
    assert after.visit is reader.visit
