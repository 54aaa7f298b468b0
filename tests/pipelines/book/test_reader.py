"""The HTML book, opened in headless Chromium."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.book.book import Page
from pipelines.book.exports import export
from tests.pipelines.book.samples import picture, sample_book

pytestmark = pytest.mark.browser
SIZES = [(1440, 900), (390, 844), (844, 390)]


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("reader") / "book.html"
    export(sample_book("en"), "html", path)
    return path


def seen(page) -> str:
    return page.evaluate("document.querySelector('.leaf:not([inert])').getAttribute('aria-label')")


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_pages_turn_and_nothing_hangs_over(chromium, book: Path, width: int, height: int) -> None:
    page = chromium.new_page(viewport={"width": width, "height": height}, reduced_motion="reduce")
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(book.as_uri())
    assert seen(page) == "Cover"
    for wanted in ("Page 1", "Page 2", "Page 3", "Page 4", "The End", "The End"):
        page.keyboard.press("ArrowRight")
        assert seen(page) == wanted
        page.locator(".away, .back").wait_for(state="detached")  # a turning leaf reaches out of the window
        wide = page.evaluate(
            "[document.documentElement.scrollWidth, innerWidth, document.documentElement.scrollHeight, innerHeight]"
        )
        assert wide[0] <= wide[1] and wide[2] <= wide[3]
        inside = page.evaluate(
            "(() => { const bar = document.querySelector('.bar').getBoundingClientRect();"
            "const leaf = document.querySelector('.leaf:not([inert])').getBoundingClientRect();"
            "return leaf.left >= 0 && leaf.right <= innerWidth && leaf.top >= 0 && leaf.bottom <= bar.top + 1"
            " && bar.left >= 0 && bar.right <= innerWidth && bar.bottom <= innerHeight; })()"
        )
        assert inside
    label = page.locator(".end .label").bounding_box()
    assert label["y"] + label["height"] <= page.locator(".bar").bounding_box()["y"]
    page.keyboard.press("Home")
    assert seen(page) == "Cover"
    page.locator(".next").click()
    assert seen(page) == "Page 1"
    assert complaints == []
    page.close()


def test_reading_lights_up_sentence_by_sentence_and_turns_the_page(chromium, book: Path) -> None:
    page = chromium.new_page(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    page.goto(book.as_uri() + "#1")
    page.evaluate(
        "document.querySelectorAll('audio').forEach(a => { a.defaultPlaybackRate = a.playbackRate = 0.4 })"
    )  # every sentence is lit long enough to be seen by a busy machine
    page.keyboard.press(" ")
    page.wait_for_selector(".leaf:not([inert]) .s.now[data-n='0'] .w.now", timeout=60_000)
    page.evaluate(
        "(() => { const a = document.querySelector('audio[data-page=\"0\"]'); a.currentTime = a.duration - 0.6 })()"
    )
    page.wait_for_selector(".leaf:not([inert]) .s.now[data-n='1']", timeout=60_000)
    page.wait_for_selector("[data-page='1'].leaf:not([inert]) .s.now[data-n='0']", timeout=60_000)
    page.locator("[data-page='1'] .s[data-n='2']").first.click()
    page.wait_for_selector("[data-page='1'] .s.now[data-n='2']", timeout=60_000)
    page.keyboard.press("Escape")
    assert page.locator(".now").count() == 0
    page.close()


def test_a_long_silent_page_scrolls_and_offers_no_play(chromium, tmp_path: Path) -> None:
    book = sample_book("zh", narrated=False)
    book = replace(book, pages=(Page("小狐狸走啊走，月亮跟着他。" * 120, picture=picture(2)),))
    export(book, "html", tmp_path / "long.html")
    for width, height in SIZES:
        page = chromium.new_page(viewport={"width": width, "height": height}, reduced_motion="reduce")
        page.goto((tmp_path / "long.html").as_uri() + "#1")
        assert not page.locator(".play").is_visible()
        tall = page.evaluate(
            "(t => [t.scrollHeight, t.clientHeight])(document.querySelector('[data-page] .text'))"
        )
        assert tall[0] > tall[1] > 60
        page.keyboard.press("End")
        assert page.get_by_text(book.silence).is_visible()
        page.close()


def test_keys_read_a_long_page_to_its_end_before_they_turn_it(chromium, tmp_path: Path) -> None:
    book = sample_book("en", narrated=False, pages=2)
    long = Page("The fox walked on, and the moon walked with him. " * 60, picture=picture(2))
    export(replace(book, pages=(long, *book.pages[1:])), "html", tmp_path / "long.html")
    page = chromium.new_page(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    page.goto((tmp_path / "long.html").as_uri() + "#1")
    left = "(t => t.scrollHeight - t.clientHeight - t.scrollTop)(document.querySelector('[data-page] .text'))"
    before = page.evaluate(left)
    page.keyboard.press("ArrowDown")
    assert seen(page) == "Page 1" and 0 < page.evaluate(left) < before
    while page.evaluate(left) > 1:
        page.keyboard.press("PageDown")
        assert seen(page) == "Page 1"
    page.keyboard.press("ArrowUp")
    assert seen(page) == "Page 1" and page.evaluate(left) > 1
    page.keyboard.press("End")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert seen(page) == "Page 2"
    page.close()


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_long_titles_and_long_words_stay_in_their_place(
    chromium, tmp_path: Path, width: int, height: int
) -> None:
    title = "The tale of the little red fox who wanted to touch the moon " * 6
    book = replace(sample_book("en"), title=title, pages=(Page("a" * 200, picture=picture(0)),))
    export(book, "html", tmp_path / "book.html")
    page = chromium.new_page(viewport={"width": width, "height": height}, reduced_motion="reduce")
    page.goto((tmp_path / "book.html").as_uri())
    heading = page.locator(".cover h1").bounding_box()
    room, seen_picture = (page.locator(f".cover {part}").bounding_box() for part in (".words", "figure"))
    assert heading["y"] >= room["y"] and heading["x"] + heading["width"] <= room["x"] + room["width"]
    assert (
        room["y"] >= seen_picture["y"] + seen_picture["height"]
        or room["x"] >= seen_picture["x"] + seen_picture["width"]
    )
    page.locator(".cover .by").last.scroll_into_view_if_needed()
    assert page.locator(".cover .by").last.bounding_box()["y"] < room["y"] + room["height"]
    page.keyboard.press("ArrowRight")
    leaf = page.locator("[data-page]").first.bounding_box()
    text = page.locator("[data-page] .text p").first.bounding_box()
    assert text["x"] + text["width"] <= leaf["x"] + leaf["width"]
    page.close()
