"""A multipart body, streamed to disk part by part under hard limits."""

from __future__ import annotations

import re
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote_to_bytes

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool

from studio.errors import StudioError

_EXTENDED_FILENAME = re.compile(rb"""filename\*\s*=\s*"?utf-8'[^']*'([^;"]*)""", re.IGNORECASE)
"""How some clients send a name like 声音.wav: the parser leaves it out, and the file would pass for a field."""


@dataclass(frozen=True)
class UploadLimits:
    max_file_bytes: int
    max_files: int = 40
    max_fields: int = 20
    max_field_bytes: int = 10_000


@dataclass(frozen=True)
class UploadedFile:
    """``path`` lives as long as the form; ``filename`` is what the sender called it, never used as a path."""

    path: Path
    filename: str
    field: str


@dataclass
class Form:
    fields: dict[str, str] = field(default_factory=dict)
    files: list[UploadedFile] = field(default_factory=list)


def form_body(files: Mapping[str, str], required: Mapping[str, dict], optional: Mapping[str, dict]) -> dict:
    """How OpenAPI describes a multipart body.

    Args:
        files: field -> what it holds; each at least once.
        required, optional: field -> its schema.
    """
    binary = {"type": "string", "format": "binary"}
    several = {
        name: {"type": "array", "items": binary, "minItems": 1, "description": about}
        for name, about in files.items()
    }
    schema = {
        "type": "object",
        "required": [*required, *files],
        "properties": {**required, **several, **optional},
    }
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


@asynccontextmanager
async def received_form(request: Request, directory: Path, limits: UploadLimits) -> AsyncIterator[Form]:
    """Read the whole body into ``directory``; its files are gone when the block is left, however it is left.

    Raises:
        StudioError: ``media_type_refused``, ``form_broken``, ``file_too_big``, ``form_too_many_files``,
            ``form_too_many_fields``, ``form_field_too_big``.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        given = request.headers.get("content-type", "-")[:80]
        raise StudioError("media_type_refused", 415, given=given, expected="multipart/form-data")
    await run_in_threadpool(directory.mkdir, parents=True, exist_ok=True)
    folder = await run_in_threadpool(tempfile.TemporaryDirectory, dir=directory, prefix="upload-")
    reader = _Reader(boundary, Path(folder.name), limits)
    try:
        # Parsing and writing are quick but block; a slow disk must not hold up the event loop.
        async for chunk in request.stream():
            await run_in_threadpool(reader.feed, chunk)
        yield reader.finish()
    finally:
        await run_in_threadpool(reader.close)
        await run_in_threadpool(folder.cleanup)


class _Reader:
    """The parser's callbacks; bounds its own header lines (8 of at most 4 KiB a part)."""

    def __init__(self, boundary: bytes, folder: Path, limits: UploadLimits) -> None:
        self.form = Form()
        self._folder = folder
        self._limits = limits
        self._complete = False
        self._header = b""
        self._value = b""
        self._disposition = b""
        self._name = ""
        self._text = bytearray()
        self._file: BinaryIO | None = None
        self._file_bytes = 0
        callbacks = {
            "on_part_begin": self._begin_part,
            "on_header_field": self._take_header,
            "on_header_value": self._take_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._open_part,
            "on_part_data": self._take_data,
            "on_part_end": self._end_part,
            "on_end": self._end,
        }
        self._parser = _parsed(MultipartParser, boundary, callbacks)

    def feed(self, chunk: bytes) -> None:
        _parsed(self._parser.write, chunk)

    def finish(self) -> Form:
        if not self._complete:
            raise StudioError("form_broken", 400)
        return self.form

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _begin_part(self) -> None:
        self._disposition = b""
        self._text.clear()

    def _take_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _take_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header = self._value = b""

    def _open_part(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        if b"filename" not in options and (extended := _EXTENDED_FILENAME.search(self._disposition)):
            options[b"filename"] = unquote_to_bytes(extended[1])
        if b"filename" not in options:
            if len(self.form.fields) >= self._limits.max_fields:
                raise StudioError("form_too_many_fields", 413, limit=self._limits.max_fields)
            return
        if len(self.form.files) >= self._limits.max_files:
            raise StudioError("form_too_many_files", 413, limit=self._limits.max_files)
        filename = options[b"filename"].decode("utf-8", "replace")
        path = self._folder / f"{len(self.form.files):03d}"
        self._file = path.open("xb")
        self._file_bytes = 0
        self.form.files.append(UploadedFile(path, filename, self._name))

    def _take_data(self, data: bytes, start: int, end: int) -> None:
        if self._file is None:
            if len(self._text) + end - start > self._limits.max_field_bytes:
                limit = self._limits.max_field_bytes
                raise StudioError("form_field_too_big", 413, field=self._name[:40], limit_bytes=limit)
            self._text += data[start:end]
            return
        self._file_bytes += end - start
        if self._file_bytes > self._limits.max_file_bytes:
            limit_mb = self._limits.max_file_bytes / 2**20
            raise StudioError(
                "file_too_big", 413, filename=self.form.files[-1].filename[:80], limit_mb=limit_mb
            )
        self._file.write(data[start:end])

    def _end_part(self) -> None:
        if self._file is None:
            self.form.fields[self._name] = self._text.decode("utf-8", "replace")
        else:
            self._file.close()
            self._file = None

    def _end(self) -> None:
        self._complete = True


def _parsed(parse: Callable, *arguments: object):
    try:
        return parse(*arguments)
    except FormParserError as error:
        raise StudioError("form_broken", 400) from error
