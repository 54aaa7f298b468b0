"""One file from a hub: resumed where it broke off, checked before it counts, and only from the hosts of that hub.

While a file is incomplete it is ``<name>.part`` with ``<name>.part.json`` beside it, which says what it is a part of.
A part is continued only when the hub still announces the same content; otherwise it is begun again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from studio import __version__
from studio.errors import StudioError, is_disk_full
from studio.store.artifacts import put_in_place
from studio.store.catalogue import Base, BaseFile
from studio.store.hubs import Hub

if TYPE_CHECKING:
    import httpx

PART, NOTE = ".part", ".part.json"
CONNECT_SECONDS, READ_SECONDS = 10.0, 15.0
"""A server that is silent for longer is taken for a broken connection."""
MAX_ASKS = 3
"""For a question: whoever is offline should soon know."""
MAX_TRIES = 6
"""For a file; in a row, without a single new byte in between."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 60.0
MAX_REDIRECTS = 5
RESERVED_BYTES = 512 * 2**20
"""What a download leaves free on the disk, for everything else that is written there."""
PULSE_SECONDS = 0.1
"""So often a transfer looks up: whether to stop, and to say how far it is."""
LOOK_AT_DISK_BYTES = 32 * 2**20
MAX_LISTING_BYTES = 8 * 2**20
MAX_SURPLUS = 1.3
"""A file may be so many times as large as the catalogue says; people agreed to a size."""
_SMALL_SURPLUS_BYTES = 32 * 2**20


@dataclass(frozen=True)
class Announcement:
    """What a hub says of a file before it sends it.

    Attributes:
        bytes: None when it does not say.
        digest: SHA-256, or for small files git's own SHA-1 of the blob; None when it does not say.
        etag: as the server that sends the content says it.
    """

    bytes: int | None
    digest: str | None
    etag: str | None

    @property
    def lasting(self) -> bool:
        """Whether the same content can be told from another one later."""
        return self.digest is not None or (self.etag is not None and not self.etag.startswith("W/"))

    def same_content(self, other: Announcement) -> bool:
        if self.bytes != other.bytes or not self.lasting:
            return False
        return self.digest == other.digest if self.digest or other.digest else self.etag == other.etag


@dataclass(frozen=True)
class Fetched:
    """
    Attributes:
        checked: ``published`` (the catalogue's hash), ``hub`` (the hub's own hash) or ``size``.
    """

    bytes: int
    sha256: str
    checked: str


class _Broken(Exception):
    """The connection or the server failed in a way that may pass.

    Args:
        reason: a few words for the person, if it does not.
        wait_seconds: what the server asked for.
    """

    def __init__(self, reason: str, wait_seconds: float | None = None, status: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait_seconds = wait_seconds
        self.status = status


class Fetcher:
    """
    Args:
        hub: where to; every redirect is checked against it.
        check: called often; raises to stop.
    """

    def __init__(self, hub: Hub, check: Callable[[], None]) -> None:
        import httpx

        self.hub = hub
        self._check = check
        self._listings: dict[str, dict[str, Announcement]] = {}
        try:
            self._client = httpx.Client(
                timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
                headers={"User-Agent": f"VoxTale/{__version__}", "Accept-Encoding": "identity"},
                follow_redirects=False,
            )
        except (ImportError, ValueError, httpx.InvalidURL) as error:  # a proxy that httpx cannot speak to
            raise StudioError("hub_proxy_unusable", 502, reason=str(error)[:200]) from error

    def __enter__(self) -> Fetcher:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    # What is there

    def announced(self, base: Base, file: BaseFile) -> Announcement | None:
        """What the hub says of the file; None when it lacks one that may be missing.

        Raises:
            StudioError: ``hub_file_missing``, ``hub_file_changed``, ``hub_file_larger``, ``hub_something_else``, and the
                hub's own troubles.
        """
        told = self._patiently(lambda: self._ask(base, file), MAX_ASKS)
        if told is None:
            if file.optional:
                return None
            raise StudioError("hub_file_missing", 502, file=file.path, hub=self.hub.host)
        if file.sha256 and told.digest and len(told.digest) == 64 and told.digest != file.sha256:
            raise StudioError("hub_file_changed", 502, file=file.path, hub=self.hub.host)
        self._require_size(file, told.bytes or 0)
        return Announcement(told.bytes, file.sha256 or told.digest, told.etag)

    def _require_size(self, file: BaseFile, count: int) -> None:
        if count > max(file.bytes * MAX_SURPLUS, file.bytes + _SMALL_SURPLUS_BYTES):
            facts = {"announced_mb": count / 1e6, "known_mb": file.bytes / 1e6}
            raise StudioError("hub_file_larger", 502, file=file.path, hub=self.hub.host, **facts)

    def _ask(self, base: Base, file: BaseFile) -> Announcement | None:
        if self.hub.listing:
            return self._listing(base).get(file.path)
        with self._opened("HEAD", self.hub.file_url(base, file)) as (response, linked):
            if response.status_code == 404:
                return None
            if response.has_redirect_location:  # its length and name are of the redirect, not of the file
                return _announcement({}, linked)
            self._refuse(response, file)
            return _announcement(response.headers, linked)

    def _listing(self, base: Base) -> dict[str, Announcement]:
        if base.id not in self._listings:
            with self._opened("GET", self.hub.listing_url(base)) as (response, _):
                if response.status_code == 404:
                    return {}
                self._refuse(response, None)
                body = bytearray()
                for chunk in response.iter_raw():
                    body += chunk
                    if len(body) > MAX_LISTING_BYTES:
                        raise _Broken("listing")
            self._listings[base.id] = _listed(bytes(body))
        return self._listings[base.id]

    # Bringing it here

    def fetch(
        self, base: Base, file: BaseFile, place: Path, told: Announcement, progress: Callable[[int], None]
    ) -> Fetched:
        """The file at ``place``, whole and checked; ``progress`` is told how many bytes of it are here.

        Raises:
            StudioError: ``download_corrupt``, ``download_no_room``, ``hub_unverifiable``, the hub's own troubles. What
                came until then stays as a part, unless it is corrupt.
        """
        if told.digest is None and file.bytes > _SMALL_SURPLUS_BYTES:
            raise StudioError("hub_unverifiable", 502, file=file.path, hub=self.hub.host)
        place.parent.mkdir(parents=True, exist_ok=True)
        for again in (True, False):
            with _Part(place, told) as part:
                for _ in part.known():  # a long part takes a while to read again
                    self._check()
                progress(part.bytes)
                self._patiently(
                    lambda: self._transfer(base, file, part, progress), MAX_TRIES, lambda: part.bytes
                )
                fits = part.fits()
            if fits:
                return part.keep("published" if file.sha256 else "hub" if told.digest else "size")
            part.discard()
            if again:  # the content may have been exchanged on the way
                told = self.announced(base, file) or told
        raise StudioError("download_corrupt", 502, file=file.path, hub=self.hub.host)

    def _transfer(self, base: Base, file: BaseFile, part: _Part, progress: Callable[[int], None]) -> None:
        """From where the part ends to the end of the file."""
        told = part.told
        if told.bytes is not None and part.bytes == told.bytes:
            return
        headers = {}
        if part.bytes and not told.lasting:
            part.restart()
        if part.bytes:
            headers["Range"] = f"bytes={part.bytes}-"
            if told.digest is None:
                headers["If-Range"] = told.etag
        with self._opened("GET", self.hub.file_url(base, file), headers) as (response, linked):
            status = response.status_code
            if status == 416:
                part.restart()
                raise _Broken("416")
            self._refuse(response, file)
            if status == 206 and not _continues(response.headers, part.bytes, told.bytes):
                part.restart()
                raise _Broken("Content-Range")
            if status == 200:
                if part.bytes:  # the server cannot resume, or has another file by now
                    part.restart()
                if told.digest is None:
                    part.become(_announcement(response.headers, linked))
            self._require_size(file, part.told.bytes or 0)
            self._write(file, response, part, progress)
        if part.told.bytes is not None and part.bytes < part.told.bytes:
            raise _Broken("early end")

    def _write(
        self, file: BaseFile, response: httpx.Response, part: _Part, progress: Callable[[int], None]
    ) -> None:
        limit, looked_at, pulse = part.told.bytes, None, 0.0
        for chunk in response.iter_raw():
            if (now := time.monotonic()) - pulse >= PULSE_SECONDS:
                pulse = now
                self._check()
                progress(part.bytes)
            if limit is not None and part.bytes + len(chunk) > limit:
                chunk = chunk[: limit - part.bytes]  # more than announced is none of ours; the hash decides
                if not chunk:
                    break
            if looked_at is None or part.bytes - looked_at >= LOOK_AT_DISK_BYTES:
                looked_at = part.bytes
                require_room(part.place.parent, (limit or part.bytes) - part.bytes)
            self._require_size(file, part.bytes + len(chunk))
            part.append(chunk)
        progress(part.bytes)

    # The line to the hub

    @contextlib.contextmanager
    def _opened(
        self, method: str, url: str, headers: dict[str, str] | None = None
    ) -> Iterator[tuple[httpx.Response, dict[str, str]]]:
        """The answer at the end of the redirects, and the ``X-Linked-*`` headers met on the way.

        A question alone (HEAD) stays with the hub: the addresses of its storage are signed for fetching only.
        """
        import httpx

        linked: dict[str, str] = {}
        for _ in range(MAX_REDIRECTS + 1):
            try:
                response = self._client.send(
                    self._client.build_request(method, url, headers=headers), stream=True
                )
            except httpx.InvalidURL as error:
                raise StudioError("hub_redirect_foreign", 502, hub=self.hub.host, host="-") from error
            except httpx.TransportError as error:
                raise _Broken(_named(error)) from error
            try:
                for name in ("x-linked-etag", "x-linked-size"):
                    if name in response.headers:
                        linked.setdefault(name, response.headers[name])
                if response.has_redirect_location:
                    there = self._allowed(url, response.headers["location"])
                    if method != "HEAD" or urlsplit(there).netloc == urlsplit(url).netloc:
                        url = there
                        continue
                try:
                    yield response, linked
                except httpx.TransportError as error:
                    raise _Broken(_named(error)) from error
                return
            finally:
                response.close()
        raise StudioError("hub_redirect_foreign", 502, hub=self.hub.host, host="…")

    def _allowed(self, url: str, location: str) -> str:
        """Where a redirect leads, if the download may go there."""
        try:
            there = urljoin(url, location)
            host = urlsplit(there).netloc.rpartition("@")[2]
        except ValueError:
            there, host = "", ""
        if not self.hub.allows(there):
            raise StudioError("hub_redirect_foreign", 502, hub=self.hub.host, host=host[:80] or "-")
        return there

    def _refuse(self, response: httpx.Response, file: BaseFile | None) -> None:
        status = response.status_code
        if status in (200, 206):
            if file is not None and (kind := _something_else(response.headers)):
                raise StudioError("hub_something_else", 502, file=file.path, hub=self.hub.host, kind=kind)
            return
        if status in (408, 425, 429) or status >= 500:
            raise _Broken(str(status), _retry_after(response.headers), status)
        if status == 404 and file is not None:
            raise StudioError("hub_file_missing", 502, file=file.path, hub=self.hub.host)
        raise StudioError("hub_refused", 502, hub=self.hub.host, status=status)

    def _patiently(
        self, attempt: Callable[[], Any], max_tries: int, reached: Callable[[], int] = lambda: 0
    ) -> Any:
        """Try again after what may pass, as long as bytes come in between."""
        tries, best = 0, reached()
        while True:
            try:
                return attempt()
            except _Broken as broken:
                tries = 1 if reached() > best else tries + 1
                best = max(best, reached())
                if tries >= max_tries:
                    raise self._given_up(broken, tries) from broken
                wait = FIRST_PAUSE_SECONDS * 2 ** (tries - 1)
                self._pause(min(max(wait, broken.wait_seconds or 0), LONGEST_PAUSE_SECONDS))

    def _given_up(self, broken: _Broken, tries: int) -> StudioError:
        if broken.status is not None:
            return StudioError("hub_busy", 502, hub=self.hub.host, status=broken.status, tries=tries)
        return StudioError("hub_unreachable", 502, hub=self.hub.host, reason=broken.reason, tries=tries)

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._check()
            time.sleep(min(0.1, left))


class _Part:
    """The part that is here, open for more; its hash grows with it."""

    def __init__(self, place: Path, told: Announcement) -> None:
        self.place = place
        self.told = told
        self._path = place.with_name(place.name + PART)
        self._note = place.with_name(place.name + NOTE)
        self._hash = hashlib.sha256()
        self.bytes = 0

    def __enter__(self) -> _Part:
        if not self._is_ours():
            self.discard()
        self.become(self.told)
        self._file = self._path.open("r+b" if self._path.exists() else "w+b", buffering=0)
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def known(self) -> Iterator[None]:
        """Read what is here already into the hash, a piece at a time."""
        while piece := self._file.read(2**22):
            self._hash.update(piece)
            self.bytes += len(piece)
            yield

    def append(self, chunk: bytes) -> None:
        unwritten = memoryview(chunk)
        try:
            while unwritten:
                unwritten = unwritten[self._file.write(unwritten) :]
        except OSError as error:
            if is_disk_full(error):
                raise no_room(self.place.parent, (self.told.bytes or 0) - self.bytes) from error
            raise
        self._hash.update(chunk)
        self.bytes += len(chunk)

    def restart(self) -> None:
        self._file.seek(0)
        self._file.truncate()
        self._hash = hashlib.sha256()
        self.bytes = 0

    def become(self, told: Announcement) -> None:
        """Write down what this is a part of, before its first byte."""
        self.told = told
        self._note.write_text(json.dumps(asdict(told)), encoding="utf-8")

    def fits(self) -> bool:
        digest = self.told.digest
        if self.told.bytes is not None and self.bytes != self.told.bytes:
            return False
        if digest is None:
            return True
        return digest == (self._hash.hexdigest() if len(digest) == 64 else self._git_hash())

    def keep(self, checked: str) -> Fetched:
        put_in_place(self._path, self.place)
        self._note.unlink(missing_ok=True)
        return Fetched(self.bytes, self._hash.hexdigest(), checked)

    def discard(self) -> None:
        self._path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def _is_ours(self) -> bool:
        try:
            noted = Announcement(**json.loads(self._note.read_text(encoding="utf-8")))
            size = self._path.stat().st_size
        except (OSError, ValueError, TypeError):
            return False
        return self.told.same_content(noted) and size <= (self.told.bytes or size)

    def _git_hash(self) -> str:
        """Git names a blob by the SHA-1 of its length and content; nothing is protected by it but against accident."""
        content = hashlib.sha1(b"blob %d\0" % self.bytes, usedforsecurity=False)
        self._file.seek(0)
        while piece := self._file.read(2**22):
            content.update(piece)
        return content.hexdigest()


def require_room(folder: Path, needed_bytes: int) -> None:
    """
    Raises:
        StudioError: ``download_no_room``.
    """
    if shutil.disk_usage(folder).free < needed_bytes + RESERVED_BYTES:
        raise no_room(folder, needed_bytes)


def no_room(folder: Path, needed_bytes: int) -> StudioError:
    free = shutil.disk_usage(folder).free
    return StudioError(
        "download_no_room", 507, needed_gb=(needed_bytes + RESERVED_BYTES) / 1e9, free_gb=free / 1e9
    )


def _announcement(headers: Mapping[str, str], linked: Mapping[str, str]) -> Announcement:
    etag = headers.get("etag")
    named = _bare(linked.get("x-linked-etag")) or _bare(etag)
    digest = named if named and re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", named) else None
    size = linked.get("x-linked-size") or headers.get("content-length") or ""
    return Announcement(int(size) if re.fullmatch(r"\d{1,15}", size) else None, digest, etag)


def _bare(etag: str | None) -> str | None:
    return etag.removeprefix("W/").strip('"').lower() if etag else None


def _listed(body: bytes) -> dict[str, Announcement]:
    """ModelScope's list: ``{"Data": {"Files": [{"Path", "Size", "Sha256", ...}]}}``."""
    try:
        files = json.loads(body)["Data"]["Files"]
        return {
            str(file["Path"]): Announcement(int(file["Size"]), _sha256(file.get("Sha256")), None)
            for file in files
            if file.get("Type") != "tree"
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _Broken("listing") from error


def _sha256(text: object) -> str | None:
    return text.lower() if isinstance(text, str) and re.fullmatch(r"[0-9a-fA-F]{64}", text) else None


def _continues(headers: httpx.Headers, start: int, total: int | None) -> bool:
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", headers.get("content-range", ""))
    if not found or int(found[1]) != start:
        return False
    return total is None or found[2] == "*" or int(found[2]) == total


def _something_else(headers: httpx.Headers) -> str | None:
    """What is sent in place of a file: the page of a gateway, or the file packed though nobody asked for that."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    packing = headers.get("content-encoding", "identity").lower()
    return kind if kind == "text/html" else packing if packing != "identity" else None


def _retry_after(headers: httpx.Headers) -> float | None:
    told = headers.get("retry-after", "")
    if told.isascii() and told.isdigit():
        return float(told)
    try:
        return max(0.0, parsedate_to_datetime(told).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def _named(error: httpx.TransportError) -> str:
    """ConnectTimeout -> "ConnectTimeout"; the rest of what httpx says may hold addresses of a proxy."""
    cause = error.__cause__ or error.__context__
    errno = getattr(cause, "errno", None)
    words = os.strerror(errno) if isinstance(errno, int) and errno > 0 else ""
    return f"{type(error).__name__}{f': {words}' if words else ''}"
