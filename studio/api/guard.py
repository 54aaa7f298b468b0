"""What a request must pass before anything reads it: the host it names, the page it comes from, its size."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio.api.problems import problem, reader_language
from studio.errors import StudioError

_READING = ("GET", "HEAD", "OPTIONS")


class Guard:
    """ASGI middleware in front of the page and the way in alike.

    A studio on 127.0.0.1 is within reach of every web site its owner visits. So the Host must be one of ours (a name
    rebound to 127.0.0.1 is not), and whatever changes something must come from our own page or from no page at all.

    Args:
        hosts: names the studio answers to, without port; ``*`` for any (a public demo behind a proxy).
        max_json_bytes: limit of a body that is not an upload; it is read into memory.
        max_upload_bytes: limit of a whole multipart body.
        upload_paths: where multipart bodies are streamed to disk; elsewhere they are as small as others.
    """

    def __init__(
        self,
        app: ASGIApp,
        hosts: Sequence[str],
        max_json_bytes: int,
        max_upload_bytes: int,
        upload_paths: Collection[str],
    ) -> None:
        self.app = app
        self.hosts = frozenset(host.lower() for host in hosts)
        self.max_json_bytes = max_json_bytes
        self.max_upload_bytes = max_upload_bytes
        self.upload_paths = frozenset(upload_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            self._check_host(headers)
            if scope["type"] == "websocket" or scope["method"] not in _READING:
                self._check_origin(headers)
            limit = self._limit(headers, scope["path"])
        except StudioError as error:
            await self._refuse(error, headers, scope, receive, send)
            return
        if scope["type"] == "websocket":
            await self.app(scope, receive, send)
        else:
            await self._bounded(limit, headers, scope, receive, send)

    def _check_host(self, headers: Headers) -> None:
        try:
            host = urlsplit(f"//{headers.get('host', '')}").hostname or ""
        except ValueError:
            host = ""
        if "*" not in self.hosts and host not in self.hosts:
            raise StudioError("host_refused", 421, host=host[:80] or "-")

    def _check_origin(self, headers: Headers) -> None:
        origin = headers.get("origin")
        if origin is not None:  # compared as text: a malformed one is foreign
            foreign = origin.lower().partition("://")[2] != headers.get("host", "").lower()
        else:
            foreign = headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
        if foreign:
            raise StudioError("origin_refused", 403, origin=(origin or "cross-site")[:80])

    def _limit(self, headers: Headers, path: str) -> int:
        multipart = headers.get("content-type", "").lower().startswith("multipart/")
        limit = self.max_upload_bytes if multipart and path in self.upload_paths else self.max_json_bytes
        announced = headers.get("content-length", "0")
        if not (announced.isascii() and announced.isdigit()) or int(announced) > limit:
            raise _too_big(limit)
        return limit

    async def _bounded(
        self, limit: int, headers: Headers, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Count the bytes that really come: a chunked body announces nothing."""
        seen = 0
        started = False

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            if message["type"] == "http.request":
                seen += len(message.get("body", b""))
                if seen > limit:
                    raise _too_big(limit)
            return message

        async def noted(message: Message) -> None:
            nonlocal started
            if seen > limit and not started:
                return  # what a route makes of a body that breaks off is not the answer
            started = True
            await send(message)

        try:
            await self.app(scope, counted, noted)
            if seen > limit and not started:
                raise _too_big(limit)
        except StudioError as error:
            if started:
                raise
            await self._refuse(error, headers, scope, receive, send)
        except asyncio.CancelledError:  # the studio stops, and this request did not end in its grace
            if started:
                raise
            await self._refuse(StudioError("studio_stopping", 503), headers, scope, receive, send)

    async def _refuse(
        self, error: StudioError, headers: Headers, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        # The unread body is of no use; closing keeps it from being read as the next request.
        language = reader_language(headers.get("accept-language"))
        response = problem(error, language, {"Connection": "close"})
        await response(scope, receive, send)


def _too_big(limit: int) -> StudioError:
    return StudioError("body_too_big", 413, limit_mb=limit / 2**20)
