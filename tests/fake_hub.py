"""A hub on this machine that behaves like the real ones, and as badly as they can."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import unquote

Behaviour = Callable[["_Handler", bytes, int], None]


class FakeHub:
    """Use as a context manager.

    Attributes:
        address: for ``VOXTALE_MODELS_URL``.
        files: ``owner/name/path`` -> content.
        announce: how files are announced: ``sha256`` (as LFS files), ``git`` (as small files), ``etag`` (a plain
            server) or ``nothing``.
        behaviours: path -> what the next requests for its content meet, one after the other; then it behaves well.
        storage: where a question for a file is led, as hubs do that keep the content elsewhere.
        requests: (method, path, Range header) in the order they came.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.announce: str = "sha256"
        self.storage: str | None = None
        self.behaviours: dict[str, list[Behaviour]] = defaultdict(list)
        self.requests: list[tuple[str, str, str | None]] = []
        handler = type("Handler", (_Handler,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def put(self, repository: str, path: str, content: bytes) -> str:
        self.files[f"{repository}/{path}"] = content
        return hashlib.sha256(content).hexdigest()

    def ranges(self, name: str) -> list[str | None]:
        """The Range headers of the requests for the content of a file."""
        return [wanted for method, path, wanted in self.requests if method == "GET" and path.endswith(name)]

    def __enter__(self) -> FakeHub:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: ClassVar[FakeHub]
    protocol_version = "HTTP/1.1"

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):  # the other side went away; that is what is being tested
            super().handle()

    def do_HEAD(self) -> None:
        self.hub.requests.append(("HEAD", self.path, None))
        content = self._content()
        if content is None:
            return self.answer(404)
        if self.hub.storage:
            named = {name: value for name, value in self._announced(content).items() if name != "ETag"}
            return self.answer(302, {**named, "Location": self.hub.storage, "Content-Length": "1234"})
        self.answer(200, {**self._announced(content), "Content-Length": str(len(content))})

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.hub.requests.append(("GET", self.path, wanted))
        if found := re.fullmatch(r"/api/v1/models/(.+)/repo/files\?.*", self.path):
            return self._list(found[1])
        content = self._content()
        if content is None:
            return self.answer(404)
        start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1]) if wanted else 0
        if_range = self.headers.get("If-Range")
        if if_range is not None and if_range != self._announced(content).get("ETag"):
            start = 0
        waiting = self.hub.behaviours[self._name()]
        (waiting.pop(0) if waiting else good)(self, content, start)

    def answer(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(body)

    def head_of(self, content: bytes, start: int) -> None:
        headers = {**self._announced(content), "Content-Length": str(len(content) - start)}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self.send_response(206 if start else 200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def hang_up(self) -> None:
        self.close_connection = True
        self.wfile.flush()

    def _name(self) -> str:
        path = unquote(self.path).lstrip("/").removeprefix("models/")
        return re.sub(r"/resolve/(main|master)/", "/", path)

    def _content(self) -> bytes | None:
        return self.hub.files.get(self._name())

    def _announced(self, content: bytes) -> dict[str, str]:
        if self.hub.announce == "sha256":
            digest = hashlib.sha256(content).hexdigest()
            return {"X-Linked-ETag": f'"{digest}"', "X-Linked-Size": str(len(content)), "ETag": '"cdn"'}
        if self.hub.announce == "git":
            return {"ETag": f'"{hashlib.sha1(b"blob %d" % len(content) + bytes(1) + content).hexdigest()}"'}
        if self.hub.announce == "etag":
            return {"ETag": f'"{len(content):x}-{hashlib.md5(content).hexdigest()[:12]}"'}
        return {}

    def _list(self, repository: str) -> None:
        files = [
            {
                "Path": name.removeprefix(f"{repository}/"),
                "Size": len(content),
                "Sha256": hashlib.sha256(content).hexdigest(),
                "Type": "blob",
            }
            for name, content in self.hub.files.items()
            if name.startswith(f"{repository}/")
        ]
        self.answer(200, body=json.dumps({"Code": 200, "Data": {"Files": files}}).encode())

    def log_message(self, *_: object) -> None:
        pass


def good(handler: _Handler, content: bytes, start: int) -> None:
    if start >= len(content):
        return handler.answer(416)
    handler.head_of(content, start)
    with contextlib.suppress(ConnectionError):
        handler.wfile.write(content[start:])


def drop_after(count: int) -> Behaviour:
    """The connection breaks ``count`` bytes later."""

    def behave(handler: _Handler, content: bytes, start: int) -> None:
        handler.head_of(content, start)
        handler.wfile.write(content[start : start + count])
        handler.hang_up()

    return behave


def stall_after(count: int, seconds: float) -> Behaviour:
    def behave(handler: _Handler, content: bytes, start: int) -> None:
        handler.head_of(content, start)
        handler.wfile.write(content[start : start + count])
        time.sleep(seconds)
        handler.hang_up()

    return behave


def paused(share: float, go_on: threading.Event) -> Behaviour:
    """``share`` of the content comes at once, then a byte now and then, and the rest when ``go_on`` is set."""

    def behave(handler: _Handler, content: bytes, start: int) -> None:
        handler.head_of(content, start)
        at = max(start, int(share * len(content)))
        with contextlib.suppress(ConnectionError):
            handler.wfile.write(content[start:at])
            while not go_on.wait(0.05) and at < len(content) - 1:
                handler.wfile.write(content[at : at + 1])
                at += 1
            handler.wfile.write(content[at:])

    return behave


def ignoring_range(handler: _Handler, content: bytes, start: int) -> None:
    good(handler, content, 0)


def wrong_range(handler: _Handler, content: bytes, start: int) -> None:
    """Says that it continues, and begins elsewhere."""
    good(handler, content, max(1, start - 7) if start else 0)


def corrupted(handler: _Handler, content: bytes, start: int) -> None:
    """One byte arrives changed."""
    handler.head_of(content, start)
    body = bytearray(content[start:])
    body[len(body) // 2] ^= 1
    handler.wfile.write(bytes(body))


def longer(handler: _Handler, content: bytes, start: int) -> None:
    """More comes than was announced."""
    handler.answer(200, body=content[start:] + b"and more")


def sign_in(handler: _Handler, content: bytes, start: int) -> None:
    """A gateway answers in the place of the hub."""
    handler.answer(
        200, {"Content-Type": "text/html; charset=utf-8"}, b"<!DOCTYPE html><title>Sign in</title>"
    )


def packed(handler: _Handler, content: bytes, start: int) -> None:
    handler.answer(200, {"Content-Encoding": "gzip"}, gzip.compress(content))


def endless(handler: _Handler, content: bytes, start: int) -> None:
    """No length, and no end."""
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    with contextlib.suppress(ConnectionError):
        while True:
            handler.wfile.write(b"100000\r\n" + bytes(2**20) + b"\r\n")


def status(code: int, **headers: str) -> Behaviour:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler, content, start: handler.answer(code, named, b"no")


def redirect(address: str) -> Behaviour:
    return status(302, Location=address)


def exchanged(hub: FakeHub, name: str, content: bytes, then: Behaviour) -> Behaviour:
    """Behaves as ``then``; afterwards the hub has another file."""

    def behave(handler: _Handler, old: bytes, start: int) -> None:
        then(handler, old, start)
        hub.files[name] = content

    return behave
