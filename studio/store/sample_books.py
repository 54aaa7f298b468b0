"""The books that come with the studio."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from studio.store.ids import PREFIXES
from studio.trust.labels import VOICE_TAG

if TYPE_CHECKING:
    from pipelines.book.book import Book

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "books"
"""One folder a book: ``story.txt`` as it was told, ``book.json`` and ``pictures`` as in a project file, ``narration`` as Ogg Vorbis."""


@dataclass(frozen=True)
class SampleBook:
    """``voice_hash``: who reads it; ``read`` opens it."""

    story_id: str
    voice_hash: str
    read: Callable[[], Book]


def shipped_books(folder: Path = FOLDER) -> tuple[SampleBook, ...]:
    """A changed file makes another ``story_id``."""
    books = []
    for description in sorted(folder.glob("*/book.json")):
        tags = json.loads(description.read_bytes())["tags"]
        book = description.parent
        books.append(SampleBook(_id(book), tags[VOICE_TAG], partial(read_book, book)))
    return tuple(books)


def read_book(folder: Path) -> Book:
    from pipelines.book.exports.project import rebuilt

    return rebuilt(json.loads((folder / "book.json").read_bytes()), partial(_part, folder))


def _part(folder: Path, name: str) -> bytes:
    path = folder / name
    if path.suffix != ".wav":
        return path.read_bytes()
    import soundfile

    from pipelines.audio.formats import encode

    wave, sample_rate = soundfile.read(io.BytesIO(path.with_suffix(".ogg").read_bytes()), dtype="float32")
    return encode(wave, sample_rate, "wav", {})


def _id(folder: Path) -> str:
    digest = hashlib.sha256(folder.name.encode())
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(path.read_bytes())
    return f"{PREFIXES['story']}_{digest.hexdigest()[:20]}"
