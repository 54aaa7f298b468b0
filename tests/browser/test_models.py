"""The Models tab as people walk it, with a hub on this machine."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.container import Container
from studio.settings import Settings
from studio.store import fetching
from tests.browser.conftest import served
from tests.fake_hub import FakeHub, corrupted, paused
from tests.fakes import FakeEngine, fake_engines
from tests.model_bases import BASES, CONTENT, stocked

pytestmark = pytest.mark.browser

WEIGHTS = "maker/voice/weights/voice.bin"
VOICE = "[data-base='gpt-sovits-v2']"
EAR = "[data-base='rmvpe']"
COMBINATIONS = [
    (language, light, width)
    for language in ("en", "zh")
    for light in ("light", "dark")
    for width in (1440, 390)
]


@pytest.fixture(scope="module")
def hub() -> Iterator[FakeHub]:
    with FakeHub() as hub:
        yield stocked(hub)


@pytest.fixture
def container(tmp_path: Path, hub: FakeHub) -> Iterator[Container]:
    hub.behaviours.clear()
    hub.requests.clear()
    settings = Settings(home=tmp_path / "library", device="cpu", port=0, models_url=hub.address)
    with Container(settings, fake_engines(FakeEngine()), bases=BASES) as container:
        yield container


@pytest.fixture
def address(container: Container) -> Iterator[str]:
    with served(container) as address:
        yield address


def open_tab(page, name: str = "Models") -> None:
    page.get_by_role("tab", name=name, exact=True).first.click()
    page.wait_for_selector("#models-shelf .vt-model")


def standing(page, base: str, words: str) -> None:
    page.wait_for_function(
        "([base, words]) => document.querySelector(`#models-shelf ${base} header .vt-pill`)?.innerText.includes(words)",
        arg=[base, words],
    )


def check(page, language: str) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "scrolls sideways"
    lines = page.evaluate(
        """() => {
          const copy = document.querySelector('.tabitem:has(#models-shelf)').cloneNode(true);
          for (const own of copy.querySelectorAll('h4, .vt-transfer h3, a, code, svg, style, .vt-mirrors, .vt-row strong'))
            own.remove();
          const walk = document.createTreeWalker(copy, NodeFilter.SHOW_TEXT);
          const lines = [];
          while (walk.nextNode()) lines.push(walk.currentNode.textContent.trim());
          return lines.filter(Boolean);
        }"""
    )
    assert len(lines) > 20
    if language == "en":
        assert [line for line in lines if re.search(r"[\u4e00-\u9fff]", line)] == []
    else:
        foreign = [line for line in lines if re.search(r"[A-Za-z]{3,}( [A-Za-z]+){2,}", line)]
        assert [line for line in foreign if not re.search(r"[\u4e00-\u9fff]", line)] == []
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('main button')].filter(e => e.offsetParent && !e.innerText?.trim()
          && !e.getAttribute('aria-label')).map(e => e.outerHTML.slice(0, 120))"""
    )
    assert nameless == []


def test_in_every_light_and_language(visit, container: Container, hub: FakeHub) -> None:
    hub.behaviours[WEIGHTS] = [paused(0.2, threading.Event())]
    job = container.models.download("gpt-sovits-v2", "own", ["MIT", "OpenRAIL"])
    container.models.store.incoming.mkdir(parents=True)
    (container.models.store.incoming / "what <b>is this.txt").write_text("?")
    for language, light, width in COMBINATIONS:
        page = visit(language, light, width)
        open_tab(page, {"en": "Models", "zh": "模型"}[language])
        page.wait_for_selector("#models-under-way .vt-transfer")
        page.click(f"{EAR} [data-act=delete]")
        page.wait_for_selector(f"{EAR} .vt-ask")
        check(page, language)
        page.context.close()
    container.jobs.cancel(job.id)


def test_from_the_licence_to_the_files_and_away_again(
    visit, container: Container, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = container.settings.home
    page = visit("en")
    open_tab(page)
    assert page.locator("#models-under-way .vt-transfer").count() == 0
    standing(page, VOICE, "Not here")
    assert "very slow on this computer" in page.inner_text(VOICE)

    # nothing comes before the licence was agreed to
    page.click(f"{VOICE} [data-act=download]")
    page.wait_for_selector(f"{VOICE} .vt-ask a")
    links = page.locator(f"{VOICE} .vt-ask a")
    assert [links.nth(n).get_attribute("href") for n in range(links.count())] == [
        "https://example.org/rail",
        "https://example.org/mit",
    ]
    assert links.first.get_attribute("rel") == "noopener noreferrer"
    page.click(f"{VOICE} [data-act=keep]")
    page.wait_for_selector(f"{VOICE} [data-act=download]")
    assert hub.requests == []

    # it comes, can be stopped, and goes on
    hub.behaviours[WEIGHTS] = [paused(0.5, threading.Event())]
    page.click(f"{VOICE} [data-act=download]")
    page.click(f"{VOICE} [data-act=agree]")
    page.wait_for_selector("#models-under-way .vt-transfer[data-job-state=running]")
    standing(page, VOICE, "Downloading")
    page.wait_for_function("parseInt(document.querySelector('#models-under-way .vt-percent').innerText) > 40")
    page.click("#models-under-way [data-act=cancel]")
    standing(page, VOICE, "MB of 2")
    assert page.locator("#models-under-way .vt-transfer").count() == 0
    standing(page, EAR, "Installed")

    # what goes wrong is said on the card
    monkeypatch.setattr(fetching, "FIRST_PAUSE_SECONDS", 0.001)
    hub.behaviours[WEIGHTS] = [corrupted, corrupted]
    page.click(f"{VOICE} [data-act=download]")
    page.click(f"{VOICE} [data-act=agree]")
    page.wait_for_selector(f"{VOICE} .vt-notice.is-poor")
    assert "damaged" in page.inner_text(f"{VOICE} .vt-notice")
    check(page, "en")

    page.click(f"{VOICE} [data-act=download]")
    page.click(f"{VOICE} [data-act=agree]")
    standing(page, VOICE, "Installed")
    assert "source's own checksum" in page.inner_text(VOICE)
    assert "published checksum" in page.inner_text(EAR)
    weights = home / "models" / "gpt-sovits-v2" / "weights" / "voice.bin"
    assert weights.read_bytes() == CONTENT["gpt-sovits-v2"]["weights/voice.bin"]

    # what another one needs stays; the rest goes after a second question
    page.click(f"{EAR} [data-act=delete]")
    page.click(f"{EAR} [data-act=remove]")
    page.wait_for_selector(".tabitem:has(#models-shelf) .vt-says .vt-notice")
    page.click(f"{VOICE} [data-act=delete]")
    page.click(f"{VOICE} [data-act=keep]")
    page.wait_for_selector(f"{VOICE} [data-act=delete]")
    assert weights.exists()
    page.click(f"{VOICE} [data-act=delete]")
    page.click(f"{VOICE} [data-act=remove]")
    standing(page, VOICE, "Not here")
    assert not weights.parent.parent.exists()


def test_two_tabs_see_one_download(visit, container: Container, hub: FakeHub) -> None:
    both_agreed = threading.Event()
    hub.behaviours[WEIGHTS] = [paused(0.5, both_agreed)]
    pages = [visit("en"), visit("zh")]
    for page, name in zip(pages, ("Models", "模型"), strict=True):
        open_tab(page, name)
        page.click(f"{VOICE} [data-act=download]")
        page.wait_for_selector(f"{VOICE} [data-act=agree]")
    for page in pages:
        page.click(f"{VOICE} [data-act=agree]")
        page.locator(f"{VOICE} .vt-ask").wait_for(state="detached")
    both_agreed.set()
    standing(pages[0], VOICE, "Installed")
    standing(pages[1], VOICE, "已安装")
    assert len(hub.ranges("voice.bin")) == 1
    assert len(container.jobs.list()) == 1


def test_the_source_is_remembered(visit, container: Container) -> None:
    page = visit("en")
    open_tab(page)
    host = page.inner_text(".vt-mirrors [aria-pressed=true]")
    assert host.startswith("127.0.0.1:")
    page.click("[data-mirror=modelscope]")
    page.wait_for_selector("[data-mirror=modelscope][aria-pressed=true]")
    assert page.locator(f"{VOICE} [data-act=download]").is_disabled()
    visit.reload(page)
    page.wait_for_selector("[data-mirror=modelscope][aria-pressed=true]")


def test_files_of_ones_own(visit, container: Container) -> None:
    page = visit("en")
    open_tab(page)
    folder = Path(page.inner_text("#models-own code"))
    assert folder == container.models.store.incoming
    folder.mkdir(parents=True)
    (folder / "pitch.bin").write_bytes(CONTENT["rmvpe"]["ear.bin"])
    (folder / "a <i>letter.txt").write_text("?")
    page.click("#models-own [data-act=look]")
    page.wait_for_selector("#models-own .vt-row.is-good")
    assert "it is the published file" in page.inner_text("#models-own .vt-row.is-good")
    assert "a <i>letter.txt" in page.inner_text("#models-own .vt-row.is-info")
    standing(page, EAR, "Installed")


def test_a_public_demo_does_not_offer_it(visit, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "demo", device="cpu", port=0, public_demo=True)
    with (
        Container(settings, fake_engines(FakeEngine()), bases=BASES) as container,
        served(container) as address,
    ):
        page = visit("en", to=address)
        page.evaluate("localStorage.setItem('voxtale.tab', 'models')")
        visit.reload(page)
        assert page.get_by_role("tab", name="Speak", exact=True).first.is_visible()
        assert page.get_by_role("tab", name="Models", exact=True).count() == 0
        page.context.close()
