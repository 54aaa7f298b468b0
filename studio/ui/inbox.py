"""What the page has received and nobody has taken in yet: in a public demo anyone can send it, so there is a bound."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from studio.language import nearest_language, say

UPLOAD_PATH = "/gradio_api/upload"
SMALLEST_BYTES = 2**20
"""What a file counts at least: as many as there is room for can be looked through in no time."""


class Inbox:
    """ASGI middleware that refuses uploads while the files on their way and those that wait fill ``max_bytes``.

    Args:
        folder: where Gradio puts what arrives; each file lies in a folder of its own.
        largest_bytes: what a body that does not announce its size may have.
    """

    def __init__(self, app: ASGIApp, folder: Path, max_bytes: int, largest_bytes: int) -> None:
        self.app = app
        self.folder = folder
        self.max_bytes = max_bytes
        self.largest_bytes = largest_bytes
        self.arriving_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != UPLOAD_PATH:
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        announced = headers.get("content-length", "")
        size = max(SMALLEST_BYTES, int(announced) if announced.isdecimal() else self.largest_bytes)
        waiting = await run_in_threadpool(_waiting_bytes, self.folder)
        if waiting + self.arriving_bytes + size > self.max_bytes:
            language = nearest_language(headers.get("accept-language", "").partition(",")[0])
            refusal = PlainTextResponse(say("ui.inbox.full", language), 503, {"Connection": "close"})
            await refusal(scope, receive, send)
            return
        self.arriving_bytes += size
        try:
            await self.app(scope, receive, send)
        finally:
            self.arriving_bytes -= size


def _waiting_bytes(folder: Path) -> int:
    total = 0
    for path in folder.glob("*/*"):
        with suppress(FileNotFoundError):  # taken in meanwhile
            total += max(SMALLEST_BYTES, path.stat().st_size)
    return total
