"""A book as a file, in every format people asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol

from pipelines.book.book import Book
from pipelines.book.fonts import Faces
from pipelines.book.pictures import require_pictures
from pipelines.book.writing import whole_file
from pipelines.failure import CraftError

Progress = Callable[[float], None]
"""Called with the finished share, 0..1; may raise ``pipelines.failure.Cancelled``."""


class Exporter(Protocol):
    def __call__(self, book: Book, path: Path, faces: Faces, progress: Progress) -> None:
        """Write the whole book to ``path``, which exists and is empty."""


@dataclass(frozen=True)
class Format:
    """``extension`` with its dot; ``module`` holds ``write``."""

    media_type: str
    extension: str
    module: str

    @property
    def write(self) -> Exporter:
        return import_module(f"{__name__}.{self.module}").write


FORMATS: Mapping[str, Format] = {
    "html": Format("text/html", ".html", "html"),
    "pdf": Format("application/pdf", ".pdf", "pdf"),
    "epub": Format("application/epub+zip", ".epub", "epub"),
    "cbz": Format("application/vnd.comicbook+zip", ".cbz", "cbz"),
    "mp4": Format("video/mp4", ".mp4", "mp4"),
    "project": Format("application/zip", ".voxtale.zip", "project"),
}


def export(
    book: Book, format: str, path: Path, *, font: Path | None = None, progress: Progress = lambda share: None
) -> None:
    """Write ``book`` to ``path``; the same book gives the same bytes.

    Args:
        format: a key of ``FORMATS``.
        font: a font file to set the book in; what it lacks other fonts draw.

    Raises:
        CraftError: ``book_format_unknown``, ``book_font_unreadable``, ``book_font_missing``, ``book_cover_broken``,
            ``book_picture_broken``, ``disk_full``. ``path`` is then as it was.
    """
    if format not in FORMATS:
        raise CraftError("book_format_unknown", format=format, known=", ".join(FORMATS))
    require_pictures(book)
    faces = Faces(book.language, font)
    with whole_file(path) as unfinished:
        progress(0.0)
        FORMATS[format].write(book, unfinished, faces, progress)
    progress(1.0)
