"""The page in headless Chromium, over real services with the fake engine."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from studio.container import Container
from studio.settings import Settings
from tests.fakes import FakeEngine, FakeIllustrator, fake_engines, fake_painters
from tests.waiting import PATIENCE_SECONDS


@contextmanager
def served(container: Container) -> Iterator[str]:
    """The page of ``container`` on a free port of 127.0.0.1; the address."""
    import fastapi
    import uvicorn

    from studio.ui.layout import mount_page

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        app = mount_page(fastapi.FastAPI(), container)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.05)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        server.should_exit = True
        thread.join(100)


@pytest.fixture(scope="module")
def engine() -> FakeEngine:
    return FakeEngine(step_seconds=0.05)


@pytest.fixture(scope="module")
def illustrator() -> FakeIllustrator:
    return FakeIllustrator(step_seconds=0.05)


@pytest.fixture(scope="module")
def container(
    tmp_path_factory: pytest.TempPathFactory, engine: FakeEngine, illustrator: FakeIllustrator
) -> Iterator[Container]:
    settings = Settings(home=tmp_path_factory.mktemp("home") / "library", device="cpu", port=0)
    with Container(settings, fake_engines(engine), fake_painters(illustrator)) as container:
        yield container


@pytest.fixture(scope="module")
def address(container: Container) -> Iterator[str]:
    with served(container) as address:
        yield address


@pytest.fixture
def visit(chromium, address: str) -> Iterator[Callable]:
    """``visit(language, light, width)`` opens the page and ``visit.reload(page)`` does so again.

    ``visit.settle(page)`` waits until its pictures have come: what they show must not be deleted before.
    The test fails on anything the browser complains about and on any request to another machine.
    """
    contexts, complaints, leaving = [], [], []
    on_their_way: set[object] = set()

    def note(kind: str, text: str) -> None:
        if not leaving:
            complaints.append(f"{kind}: {text}")

    def reload(page) -> None:
        """Gradio's client complains of the requests that a page leaves behind; nothing else is let through."""
        leaving.append(page)
        page.reload(wait_until="commit")
        leaving.clear()
        page.wait_for_selector("body[data-vt-ready]")

    def settle(page) -> None:
        for _ in range(1000):
            page.wait_for_timeout(100)  # what was just drawn asks for its pictures only now
            if not on_their_way:
                return
        raise AssertionError("pictures that never come")

    def open_page(language: str = "en", light: str = "light", width: int = 1440, to: str = address):
        locale = {"en": "en-US", "zh": "zh-CN"}[language]
        context = chromium.new_context(
            locale=locale, color_scheme=light, viewport={"width": width, "height": 900}, accept_downloads=True
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_SECONDS * 1000)
        page.on("console", lambda message: message.type == "error" and note("console", message.text))
        page.on("pageerror", lambda error: note("error", str(error)))
        page.on(
            "request",
            lambda request: (
                request.url.startswith(("http://127.0.0.1:", "data:", "blob:"))
                or note("leaves the studio", request.url)
            ),
        )
        page.on("request", lambda request: request.resource_type == "image" and on_their_way.add(request))
        for ended in ("requestfinished", "requestfailed"):
            page.on(ended, lambda request: on_their_way.discard(request))
        page.goto(to)
        page.wait_for_selector("body[data-vt-ready]")
        return page

    open_page.reload, open_page.settle = reload, settle
    yield open_page
    for context in contexts:
        context.close()
    assert not complaints, "\n".join(complaints)
