"""Files of the library on their way to the browser."""

from __future__ import annotations

import mimetypes
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response

from studio.errors import StudioError

PREFIX = "handoff"
ROUTE = f"/{PREFIX}/{{token}}/{{name:path}}"
"""Names are people's own: a slash in one, however it is written in the address, is a slash by the time it gets here."""


@dataclass(frozen=True)
class _Loan:
    borrow: Callable[[], AbstractContextManager[Path]]


Source = Path | Callable[[], bytes] | _Loan


class Handoff:
    """Gives a file an address that nobody can guess, for as long as the studio runs.

    The file itself stays where it is: once a voice is deleted its addresses lead nowhere.

    Args:
        limit: so many files keep their address; the longest unused lose it first.
    """

    def __init__(self, limit: int = 4096) -> None:
        self._limit = limit
        self._tokens: OrderedDict[Hashable, str] = OrderedDict()
        self._sources: dict[str, Source] = {}
        self._lock = threading.Lock()

    def address(self, path: Path, name: str) -> str:
        """Relative to the page; the same file unchanged keeps its address. ``name`` is what a download is called."""
        return self._address((path, path.stat().st_mtime_ns), path, name)

    def made(self, what: Hashable, name: str, make: Callable[[], bytes]) -> str:
        """An address for what is made only when somebody looks; the same ``what`` keeps its address."""
        return self._address(what, make, name)

    def lent(self, what: Hashable, name: str, borrow: Callable[[], AbstractContextManager[Path]]) -> str:
        """As ``made``, of a file too large for memory: it is there while the block of ``borrow()`` runs."""
        return self._address(what, _Loan(borrow), name)

    def _address(self, what: Hashable, source: Source, name: str) -> str:
        with self._lock:
            token = self._tokens.get(what)
            if token is None:
                token = self._tokens[what] = secrets.token_urlsafe(18)
                self._sources[token] = source
            self._tokens.move_to_end(what)
            while len(self._tokens) > self._limit:
                _, oldest = self._tokens.popitem(last=False)
                del self._sources[oldest]
        return f"{PREFIX}/{token}/{quote(name, safe='')}"

    async def serve(self, request: Request) -> Response:
        source = self._sources.get(request.path_params["token"])
        headers = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}
        if isinstance(source, Path):
            if source.is_file():
                return FileResponse(source, headers=headers)
        elif isinstance(source, _Loan):
            try:
                return await self._lend(source, {**headers, "Cache-Control": "no-store"})
            except StudioError:  # consent ended since the page was drawn
                pass
        elif source is not None:
            kind, _ = mimetypes.guess_type(request.path_params["name"])
            try:
                return Response(await run_in_threadpool(source), media_type=kind, headers=headers)
            except StudioError:  # deleted since the page was drawn
                pass
        return PlainTextResponse("gone", status_code=404)

    async def _lend(self, loan: _Loan, headers: dict[str, str]) -> Response:
        with ExitStack() as stack:
            path = await run_in_threadpool(stack.enter_context, loan.borrow())
            closing = stack.pop_all()
        return FileResponse(
            path,
            media_type="application/octet-stream",
            headers=headers,
            background=BackgroundTask(closing.close),
        )
