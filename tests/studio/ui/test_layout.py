from __future__ import annotations

from studio.container import Container
from studio.ui.layout import LAUNCH, build_page


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
