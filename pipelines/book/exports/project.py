"""The project file: everything of a book in a zip archive that opens again.

``book.json``, ``pictures/*.png`` and ``narration/*.wav`` (16 bit), beside them the captions of the whole for other
programs. Opening trusts nothing: names, numbers and sizes are checked before a byte is unpacked, nothing is ever
written to disk.
"""

from __future__ import annotations

import io
import json
import re
import wave
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from pipelines.audio.formats import encode
from pipelines.audio.recording import Recording
from pipelines.book.book import Book, Page, Picture, Sentence
from pipelines.book.exports import Progress
from pipelines.book.fonts import Faces
from pipelines.book.writing import add
from pipelines.failure import CraftError
from pipelines.speech.engine import SpokenWord
from pipelines.text.captions import to_srt, to_vtt

KIND, VERSION = "voxtale.book", 1
_NAME = re.compile(r"(book\.json|captions\.(srt|vtt)|(pictures|narration)/[a-z0-9-]{1,40}\.(png|wav))")


@dataclass(frozen=True)
class ProjectLimits:
    """``max_ratio``: unpacked over packed size of one entry; only the text is packed at all, to about a tenth."""

    max_entries: int = 2100
    max_bytes: int = 2**30
    max_entry_bytes: int = 256 * 2**20
    max_json_bytes: int = 16 * 2**20
    max_ratio: float = 100.0
    max_pages: int = 1000


def write(book: Book, path: Path, faces: Faces, progress: Progress) -> None:
    pictures = {f"pictures/page-{n:03d}.png": page.picture for n, page in enumerate(book.pages, start=1)}
    pictures["pictures/cover.png"] = book.cover
    with zipfile.ZipFile(path, "w") as archive:
        add(archive, "book.json", json.dumps(_described(book), ensure_ascii=False, indent=1, sort_keys=True))
        for name, picture in sorted(pictures.items()):
            if picture:
                add(archive, name, picture.png, packed=False)
        captions, start = [], 0.0
        for number, page in enumerate(book.pages, start=1):
            if page.narration:
                tags = {"title": f"{book.title} {number}", "comment": book.label, **book.tags}
                sound = encode(page.narration.wave, page.narration.sample_rate, "wav", tags)
                add(archive, f"narration/page-{number:03d}.wav", sound, packed=False)
                captions += page.captions(start)
                start += page.narration.seconds
            progress(number / len(book.pages))
        if captions:
            add(archive, "captions.srt", to_srt(captions))
            add(archive, "captions.vtt", to_vtt(captions))


def _described(book: Book) -> dict[str, object]:
    return {
        "kind": KIND,
        "version": VERSION,
        "title": book.title,
        "author": book.author,
        "language": book.language,
        "label": book.label,
        "tags": dict(book.tags),
        "voice": book.voice,
        "silence": book.silence,
        "made_on": book.made_on.isoformat() if book.made_on else None,
        "plan": dict(book.plan),
        "cover": _seen(book.cover, "pictures/cover.png"),
        "pages": [
            {
                "text": page.text,
                "picture": _seen(page.picture, f"pictures/page-{number:03d}.png"),
                "narration": f"narration/page-{number:03d}.wav" if page.narration else None,
                "sentences": [
                    {
                        "text": sentence.text,
                        "start_seconds": sentence.start_seconds,
                        "end_seconds": sentence.end_seconds,
                        "words": [[w.text, w.start_seconds, w.end_seconds] for w in sentence.words],
                    }
                    for sentence in page.sentences
                ],
            }
            for number, page in enumerate(book.pages, start=1)
        ],
    }


def _seen(picture: Picture | None, name: str) -> dict[str, str] | None:
    return {"file": name, "alt_text": picture.alt_text} if picture else None


def open_project(path: Path, limits: ProjectLimits = ProjectLimits()) -> Book:
    """The book of a project file, plan and all.

    Raises:
        CraftError: ``book_project_foreign``, ``book_project_unsafe``, ``book_project_too_big``,
            ``book_project_newer``, ``book_project_broken``, ``book_cover_broken``, ``book_picture_broken``.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise CraftError("book_project_foreign") from error
    with archive:
        entries = _checked(archive, limits)
        if "book.json" not in entries:
            raise CraftError("book_project_foreign")
        described = _json(_read(archive, entries["book.json"], limits.max_json_bytes))

        def part(name: str) -> bytes:
            # Each serves one page: a thousand times the same would be no bound at all
            entry = entries.pop(name, None)
            if entry is None:
                raise CraftError("book_project_broken", entry=str(name)[:80])
            return _read(archive, entry, limits.max_entry_bytes)

        return rebuilt(described, part, limits)


def _checked(archive: zipfile.ZipFile, limits: ProjectLimits) -> dict[str, zipfile.ZipInfo]:
    """Every entry by its name, none of them dangerous by what the archive says of itself."""
    entries: dict[str, zipfile.ZipInfo] = {}
    infos = archive.infolist()
    if len(infos) > limits.max_entries:
        raise CraftError("book_project_unsafe", entry=f"{len(infos)} entries")
    for info in infos:
        ratio = info.file_size / max(1, info.compress_size)
        is_link = (info.external_attr >> 16) & 0o170000 == 0o120000
        strange = not _NAME.fullmatch(info.filename) or info.filename in entries or is_link
        packed = info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
        if (
            strange
            or not packed
            or info.flag_bits & 1
            or (info.file_size > 2**20 and ratio > limits.max_ratio)
        ):
            raise CraftError("book_project_unsafe", entry=info.filename[:80])
        entries[info.filename] = info
    total = sum(info.file_size for info in infos)
    if total > limits.max_bytes or any(info.file_size > limits.max_entry_bytes for info in infos):
        largest = max(total, *(info.file_size for info in infos))
        raise CraftError(
            "book_project_too_big", megabytes=largest / 2**20, limit_megabytes=limits.max_bytes / 2**20
        )
    return entries


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int) -> bytes:
    """No more than the archive promised: an entry may be larger than it says."""
    if info.file_size > most:
        raise CraftError("book_project_unsafe", entry=info.filename)
    try:
        with archive.open(info) as file:
            data = file.read(info.file_size + 1)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, NotImplementedError) as error:
        raise CraftError("book_project_broken", entry=info.filename) from error
    if len(data) != info.file_size:
        raise CraftError("book_project_broken", entry=info.filename)
    return data


def _json(data: bytes) -> Mapping:
    try:
        described = json.loads(data)
        json.dumps(
            described, ensure_ascii=False
        ).encode()  # JSON can spell half a surrogate pair, which is no text
    except (ValueError, RecursionError) as error:
        raise CraftError("book_project_broken", entry="book.json") from error
    if not isinstance(described, dict) or described.get("kind") != KIND:
        raise CraftError("book_project_foreign")
    version = described.get("version")
    if not isinstance(version, int) or version > VERSION:
        raise CraftError("book_project_newer", version=str(version)[:12], known=VERSION)
    return described


def rebuilt(
    described: Mapping, part: Callable[[str], bytes], limits: ProjectLimits = ProjectLimits()
) -> Book:
    """The book that ``book.json`` describes.

    Args:
        part: name of a picture or a narration -> its PNG or WAV file.

    Raises:
        CraftError: ``book_project_broken``, ``book_project_unsafe``, ``book_cover_broken``, ``book_picture_broken``.
    """
    try:
        return _rebuilt(described, part, limits)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CraftError("book_project_broken", entry="book.json") from error


def _rebuilt(described: Mapping, part: Callable[[str], bytes], limits: ProjectLimits) -> Book:
    def picture(seen: Mapping | None) -> Picture | None:
        return Picture(part(seen["file"]), _text(seen["alt_text"])) if seen else None

    if len(described["pages"]) > limits.max_pages:
        raise CraftError("book_project_unsafe", entry=f"{len(described['pages'])} pages")
    pages = tuple(
        Page(
            _text(page["text"]),
            tuple(_sentence(sentence) for sentence in page["sentences"]),
            picture(page["picture"]),
            _recording(part(page["narration"]), page["narration"]) if page["narration"] else None,
        )
        for page in described["pages"]
    )
    book = Book(
        title=_text(described["title"]),
        author=_text(described["author"]),
        language=_text(described["language"]),
        pages=pages,
        label=_text(described["label"]),
        tags={_text(name): _text(text) for name, text in described["tags"].items()},
        cover=picture(described["cover"]),
        voice=_text(described["voice"]) if described["voice"] is not None else None,
        silence=_text(described["silence"]),
        made_on=date.fromisoformat(described["made_on"]) if described["made_on"] else None,
        plan=dict(described["plan"]),
    )
    from pipelines.book.pictures import require_pictures

    require_pictures(book)
    return book


def _sentence(described: Mapping) -> Sentence:
    start, end = described["start_seconds"], described["end_seconds"]
    words = tuple(SpokenWord(_text(text), _seconds(a), _seconds(b)) for text, a, b in described["words"])
    if start is None:
        return Sentence(_text(described["text"]))
    return Sentence(_text(described["text"]), _seconds(start), _seconds(end), words)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return value


def _seconds(value: object) -> float:
    number = float(value)  # type: ignore[arg-type]
    if not 0 <= number < 1e6:
        raise ValueError(f"{value!r} is not a time")
    return number


def _recording(data: bytes, name: str) -> Recording:
    """16 bit mono, read without any foreign decoder."""
    try:
        with wave.open(io.BytesIO(data)) as file:
            if (file.getnchannels(), file.getsampwidth()) != (
                1,
                2,
            ) or not 8000 <= file.getframerate() <= 192000:
                raise ValueError(f"{file.getparams()}")
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
            return Recording((samples / 32767).astype(np.float32), file.getframerate())
    except (wave.Error, EOFError, ValueError) as error:
        raise CraftError("book_project_broken", entry=name) from error
