"""Anyone can send files to a public demo; what waits there is bounded."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from starlette.concurrency import run_in_threadpool

from studio.ui.inbox import SMALLEST_BYTES, UPLOAD_PATH, Inbox

ROOM = 4 * SMALLEST_BYTES


class Demo:
    """Keeps what it is sent, once it may."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.begun, self.may_end = folder, threading.Semaphore(0), threading.Event()
        self.may_end.set()
        app = FastAPI()

        @app.post("/elsewhere")
        @app.post(UPLOAD_PATH)
        async def upload(request: Request) -> int:
            body = await request.body()
            return await run_in_threadpool(self._keep, body)

        app.add_middleware(Inbox, folder=folder, max_bytes=ROOM, largest_bytes=2 * SMALLEST_BYTES)
        self.client = TestClient(app)

    def _keep(self, body: bytes) -> int:
        self.begun.release()
        assert self.may_end.wait(100)
        place = self.folder / f"{len(list(self.folder.iterdir()))}"
        place.mkdir()
        (place / "file").write_bytes(body)
        return len(body)

    def send(self, body: bytes, **more: object) -> int:
        return self.client.post(UPLOAD_PATH, content=body, **more).status_code


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    return Demo(tmp_path)


def test_so_much_waits_and_no_more(demo: Demo) -> None:
    assert demo.send(bytes(3 * SMALLEST_BYTES)) == 200
    assert demo.send(bytes(2 * SMALLEST_BYTES)) == 503
    assert demo.send(b"small") == 200
    assert demo.send(b"small") == 503, "a small file takes a place, too"
    assert demo.client.post("/elsewhere").status_code == 200


def test_what_was_taken_in_makes_room(demo: Demo) -> None:
    assert demo.send(bytes(ROOM)) == 200
    answer = demo.client.post(UPLOAD_PATH, content=b"x", headers={"accept-language": "zh-CN,en"})
    assert answer.status_code == 503 and "演示" in answer.text
    next(demo.folder.glob("*/file")).unlink()
    assert demo.send(b"x") == 200


def test_what_is_on_its_way_counts(demo: Demo) -> None:
    demo.may_end.clear()
    sent: list[int] = []
    senders = [threading.Thread(target=lambda: sent.append(demo.send(iter([b"x"])))) for _ in range(2)]
    for sender in senders:
        sender.start()
        assert demo.begun.acquire(timeout=100)
    assert demo.send(b"x") == 503, "two of unknown size may become as large as the largest"
    demo.may_end.set()
    for sender in senders:
        sender.join(100)
    assert sent == [200, 200] and demo.send(b"x") == 200
