"""PDF: the pages as vectors, with text that can be searched and copied, and the fonts' needed letters inside."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.book.book import Book
from pipelines.book.exports import Progress
from pipelines.book.fonts import Face, Faces
from pipelines.book.pages import ACCENT, SHAPES, Leaf, Piece, Placed, lay_out
from pipelines.book.pictures import as_jpeg, opened
from pipelines.book.wording import wording

if TYPE_CHECKING:
    from reportlab.lib.utils import ImageReader
    from reportlab.pdfgen.canvas import Canvas

PAGE_WIDTH_POINTS = 792.0
"""Eleven inches."""
_MOST_PIXELS = 1800
_numbers = count(1)


def write(book: Book, path: Path, faces: Faces, progress: Progress, shape: str = "album") -> None:
    """``shape``: a key of ``SHAPES``."""
    leaves = lay_out(book, SHAPES[shape], faces)
    with _embedded(leaves) as names:
        _write(book, path, leaves, names, progress)


def _write(
    book: Book, path: Path, leaves: tuple[Leaf, ...], names: Mapping[Face, str], progress: Progress
) -> None:
    from reportlab.pdfgen.canvas import Canvas

    scale = PAGE_WIDTH_POINTS / leaves[0].shape.width
    size = (PAGE_WIDTH_POINTS, leaves[0].shape.height * scale)
    canvas = Canvas(
        str(path),
        pagesize=size,
        pageCompression=1,
        invariant=1,
        lang=book.language,
        initialFontName=next(iter(names.values())),
    )
    canvas.setTitle(book.title)
    canvas.setAuthor(book.author)
    canvas.setSubject(book.label)
    canvas.setCreator("VoxTale")
    if book.made_on:
        day = f"D:{book.made_on:%Y%m%d}"
        canvas.setDateFormatter(lambda *now: day)
    canvas.setKeywords([f"{name}={text}" for name, text in book.tags.items()])
    pictures: dict[Placed, ImageReader] = {}
    words = wording(book.language)
    for number, leaf in enumerate(leaves, start=1):
        canvas.bookmarkPage(f"leaf-{number}")
        title = {"cover": words["cover"], "end": words["the_end"]}.get(leaf.kind)
        if title or leaves[number - 2].page != leaf.page:
            canvas.addOutlineEntry(title or words["page"].format(page=(leaf.page or 0) + 1), f"leaf-{number}")
        _draw(canvas, leaf, scale, size, names, pictures, book.label)
        canvas.showPage()
        progress(number / len(leaves))
    canvas.save()


@contextmanager
def _embedded(leaves: tuple[Leaf, ...]) -> Iterator[dict[Face, str]]:
    """What the leaves use of each face; face -> a name that reportlab knows it by until the block ends.

    reportlab keeps fonts in one table for the whole process: the names are new each time, so that two books made at
    once do not share letters, and are taken out again. ``registerFont`` would give the second book the first one's
    letters, for it goes by the name inside the font.
    """
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    used: dict[Face, set[str]] = {}
    for leaf in leaves:
        for piece in leaf.pieces:
            used.setdefault(piece.face, set()).update(piece.text)
    names = {}
    try:
        for face, characters in used.items():
            name = f"VoxTale-{next(_numbers)}"
            pdfmetrics._fonts[name] = TTFont(name, io.BytesIO(face.subset(characters | {" "})))
            names[face] = name
        yield names
    finally:
        for name in names.values():
            pdfmetrics._fonts.pop(name, None)


def _draw(
    canvas: Canvas,
    leaf: Leaf,
    scale: float,
    size: tuple[float, float],
    names: Mapping[Face, str],
    pictures: dict[Placed, ImageReader],
    label: str,
) -> None:
    """PDF counts upwards from the lower left corner."""
    height = size[1]
    canvas.setFillColorRGB(*_share(leaf.paper))
    canvas.rect(0, 0, *size, stroke=0, fill=1)
    if leaf.picture:
        left, top, right, bottom = (edge * scale for edge in leaf.picture.box)
        canvas.saveState()
        if leaf.picture.is_round:
            clip = canvas.beginPath()
            clip.circle((left + right) / 2, height - (top + bottom) / 2, (right - left) / 2)
            canvas.clipPath(clip, stroke=0)
        if leaf.picture not in pictures:
            pictures[leaf.picture] = _image(leaf.picture, label)
        canvas.drawImage(pictures[leaf.picture], left, height - bottom, right - left, bottom - top)
        canvas.restoreState()
    if leaf.rule:
        left, top, right, bottom = (edge * scale for edge in leaf.rule)
        canvas.setFillColorRGB(*_share(ACCENT))
        canvas.rect(left, height - bottom, right - left, bottom - top, stroke=0, fill=1)
    text = canvas.beginText()
    for piece, following in zip_longest(leaf.pieces, leaf.pieces[1:]):
        text.setFillColorRGB(*_share(piece.colour))
        text.setFont(names[piece.face], piece.size * scale)
        text.setTextOrigin(piece.x * scale, height - piece.baseline * scale)
        text.textOut(piece.text + (" " if _is_spaced(piece, following) else ""))
    canvas.drawText(text)


def _is_spaced(piece: Piece, following: Piece | None) -> bool:
    """Whether white space lay between two pieces: who copies the text wants it back."""
    if following is None or not piece.face.covers(" "):
        return False
    gap = following.x - piece.x - piece.width
    return following.baseline != piece.baseline or gap > 0.1 * piece.size


def _share(colour: tuple[int, int, int]) -> tuple[float, ...]:
    return tuple(part / 255 for part in colour)


def _image(placed: Placed, label: str) -> ImageReader:
    """The seen part alone, at the picture's own resolution."""
    from reportlab.lib.utils import ImageReader

    part = opened(placed.picture).crop(tuple(round(edge) for edge in placed.part))
    part.thumbnail((_MOST_PIXELS, _MOST_PIXELS))
    return ImageReader(io.BytesIO(as_jpeg(part, label)))
