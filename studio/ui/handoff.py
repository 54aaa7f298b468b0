"""Files of the library on their way to the browser."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from pathlib import Path
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response

PREFIX = "handoff"
ROUTE = f"/{PREFIX}/{{token}}/{{name}}"


class Handoff:
    """Gives a file an address that nobody can guess, for as long as the studio runs.

    The file itself stays where it is: once a voice is deleted its addresses lead nowhere.

    Args:
        limit: so many files keep their address; the longest unused lose it first.
    """

    def __init__(self, limit: int = 4096) -> None:
        self._limit = limit
        self._tokens: OrderedDict[tuple[Path, int], str] = OrderedDict()
        self._paths: dict[str, Path] = {}
        self._lock = threading.Lock()

    def address(self, path: Path, name: str) -> str:
        """Relative to the page; the same file unchanged keeps its address. ``name`` is what a download is called."""
        key = (path, path.stat().st_mtime_ns)
        with self._lock:
            token = self._tokens.get(key)
            if token is None:
                token = self._tokens[key] = secrets.token_urlsafe(18)
                self._paths[token] = path
            self._tokens.move_to_end(key)
            while len(self._tokens) > self._limit:
                _, oldest = self._tokens.popitem(last=False)
                del self._paths[oldest]
        return f"{PREFIX}/{token}/{quote(name, safe='')}"

    async def serve(self, request: Request) -> Response:
        path = self._paths.get(request.path_params["token"])
        if path is None or not path.is_file():
            return PlainTextResponse("gone", status_code=404)
        headers = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}
        return FileResponse(path, headers=headers)
