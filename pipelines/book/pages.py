"""Pages set for paper and screen: where the picture lies and every word stands, and the same as an image.

The layout is a plain value in pixels of its shape. Pillow paints it here, ``exports.pdf`` sets it as vectors,
``exports.mp4`` moves its picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipelines.book.bidi import as_seen
from pipelines.book.book import Book, Page, Picture
from pipelines.book.fonts import Face, Faces
from pipelines.book.lines import break_lines, paragraphs
from pipelines.book.pictures import Box, cropped, mean_colour, opened
from pipelines.book.wording import wording

if TYPE_CHECKING:
    from PIL.Image import Image

Colour = tuple[int, int, int]
PAPER: Colour = (251, 246, 236)
INK: Colour = (46, 39, 34)
MUTED: Colour = (122, 109, 97)
ACCENT: Colour = (196, 67, 42)
GLOW: Colour = (255, 225, 150)
"""Behind the sentence that is being read."""
_TINT = 0.10
"""How much of the picture's mean colour the paper takes on."""
_MOST_CUT = 0.3
"""A picture that would lose a larger share than this to its frame is shown whole instead."""
_LINE_HEIGHT = 1.5
_PARAGRAPH_GAP = 0.55
_SMALLEST_TITLE = 1.75
"""In units, as the label on the last page."""


@dataclass(frozen=True)
class Shape:
    """Width and height in pixels."""

    width: int
    height: int

    @property
    def unit(self) -> float:
        """What all measures of type grow with: a hundredth of the side of a square of the same area."""
        return (self.width * self.height) ** 0.5 / 100

    def scaled(self, factor: float) -> Shape:
        return Shape(round(self.width * factor), round(self.height * factor))


SHAPES = {
    "album": Shape(1680, 1120),
    "square": Shape(1500, 1500),
    "portrait": Shape(1200, 1600),
    "wide": Shape(1280, 720),
}


@dataclass(frozen=True)
class Piece:
    """Characters of one face that stand together, from left to right.

    ``start``: where the first of them is in the page's text, None for what the book says of itself.
    """

    text: str
    x: float
    baseline: float
    width: float
    face: Face
    size: int
    colour: Colour
    start: int | None = None


@dataclass(frozen=True)
class Placed:
    """A picture in its box; ``part`` of it is seen, through a circle where ``is_round``."""

    picture: Picture
    box: Box
    part: Box
    is_round: bool = False


@dataclass(frozen=True)
class Leaf:
    """One side of paper. ``page`` is the index in the book, None for cover and end; ``span`` the text it carries."""

    kind: str
    shape: Shape
    paper: Colour
    pieces: tuple[Piece, ...]
    picture: Placed | None = None
    page: int | None = None
    span: tuple[int, int] = (0, 0)
    rule: Box | None = None


@dataclass(frozen=True)
class _Line:
    text: str
    start: int
    gap: float
    """Above it, in lines."""


def lay_out(
    book: Book, shape: Shape, faces: Faces, *, picture_on_every_leaf: bool = False
) -> tuple[Leaf, ...]:
    """Cover, pages, end. A page whose text does not fit continues on further leaves, of words alone if not told.

    Raises:
        CraftError: ``book_font_missing``.
    """
    faces.require("".join([book.title, book.author, book.label, book.voice or "", book.silence]))
    leaves = [_cover(book, shape, faces)]
    for index, page in enumerate(book.pages):
        faces.require(page.text)
        leaves += _page(page, index, shape, faces, picture_on_every_leaf)
    return (*leaves, _end(book, shape, faces))


def painted(leaf: Leaf, *, glowing: tuple[int, int] | None = None, picture: bool = True) -> Image:
    """The leaf as an RGB image.

    Args:
        glowing: the part of the page's text that lies on a glow.
        picture: False leaves its place empty.
    """
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (leaf.shape.width, leaf.shape.height), leaf.paper)
    pen = ImageDraw.Draw(image)
    if glowing:
        for box in _glow(leaf, glowing):
            pen.rounded_rectangle(box, radius=leaf.shape.unit * 0.7, fill=GLOW)
    if picture and leaf.picture:
        left, top, right, bottom = (round(edge) for edge in leaf.picture.box)
        source = opened(leaf.picture.picture)
        part = source.resize((right - left, bottom - top), Image.Resampling.LANCZOS, box=leaf.picture.part)
        image.paste(part, (left, top), _disc(part.size) if leaf.picture.is_round else None)
    if leaf.rule:
        pen.rectangle(leaf.rule, fill=ACCENT)
    for piece in leaf.pieces:
        font, x = piece.face.at(piece.size), piece.x
        for char in piece.text:  # one by one: Pillow rounds advances to whole pixels, which eats the spaces
            pen.text((x, piece.baseline), char, font=font, fill=piece.colour, anchor="ls")
            x += piece.face.width(char) * piece.size
    return image


def _disc(size: tuple[int, int]) -> Image:
    """A mask with a soft edge."""
    from PIL import Image, ImageDraw

    large = Image.new("L", (size[0] * 4, size[1] * 4), 0)
    ImageDraw.Draw(large).ellipse((0, 0, *large.size), fill=255)
    return large.resize(size, Image.Resampling.LANCZOS)


def _glow(leaf: Leaf, span: tuple[int, int]) -> list[Box]:
    """One box a line, from the first to the last piece of the span on it."""
    lines: dict[float, Box] = {}
    for piece in leaf.pieces:
        if piece.start is None or not span[0] <= piece.start < span[1]:
            continue
        left, _, right, _ = lines.get(piece.baseline, (piece.x, 0, piece.x, 0))
        lines[piece.baseline] = (
            min(left, piece.x - piece.size * 0.18),
            piece.baseline - piece.size * 1.02,
            max(right, piece.x + piece.width + piece.size * 0.18),
            piece.baseline + piece.size * 0.40,
        )
    return list(lines.values())


def _places(shape: Shape, picture: Picture | None) -> tuple[Placed | None, Box, bool]:
    """The picture's place, the text's box, and whether they stand side by side.

    The picture bleeds off the paper on three sides; a square one is seen whole on an album's page. Of the two ways to share the paper the one that shows more of
    the picture is taken.
    """
    width, height, margin = shape.width, shape.height, 6.5 * shape.unit
    if picture is None:
        side = max(margin, (width - 78 * shape.unit) / 2)
        return None, (side, margin * 1.3, width - side, height - margin * 1.5), False
    image = opened(picture)
    aspect = image.width / image.height
    beside = min(max(height * aspect, 0.44 * width), width * 2 / 3)
    above = min(max(width / aspect, 0.48 * height), 0.72 * height)
    seen_beside, seen_above = _seen(image, beside / height), _seen(image, width / above)
    is_beside = beside * height * seen_beside >= above * width * seen_above and width >= height
    box = (0.0, 0.0, beside, float(height)) if is_beside else (0.0, 0.0, float(width), above)
    if max(seen_beside if is_beside else seen_above, 1e-9) < 1 - _MOST_CUT:
        placed = Placed(picture, _inside(box, aspect, 3 * shape.unit), (0.0, 0.0, *map(float, image.size)))
    else:
        placed = Placed(picture, box, cropped(image, (box[2] - box[0]) / (box[3] - box[1])))
    if is_beside:
        return placed, (beside + margin * 0.9, margin, width - margin * 0.9, height - margin * 1.3), True
    side = max(margin, (width - 84 * shape.unit) / 2)
    return placed, (side, above + margin * 0.5, width - side, height - margin * 0.95), False


def _seen(image: Image, shape: float) -> float:
    """The share of the picture that a frame of this width / height shows."""
    left, top, right, bottom = cropped(image, shape)
    return (right - left) * (bottom - top) / (image.width * image.height)


def _inside(box: Box, aspect: float, margin: float) -> Box:
    """The largest box of this width / height within ``box`` less a margin."""
    width, height = box[2] - box[0] - 2 * margin, box[3] - box[1] - 2 * margin
    if width / height > aspect:
        width = height * aspect
    else:
        height = width / aspect
    x, y = (box[0] + box[2] - width) / 2, (box[1] + box[3] - height) / 2
    return x, y, x + width, y + height


def _paper(picture: Picture | None) -> Colour:
    if picture is None:
        return PAPER
    mean = mean_colour(opened(picture))
    return tuple(round(a + (b - a) * _TINT) for a, b in zip(PAPER, mean, strict=True))


def _page(page: Page, index: int, shape: Shape, faces: Faces, picture_on_every_leaf: bool) -> list[Leaf]:
    """As large as it fits on one leaf; if not even the smallest type does, on several."""
    placed, box, beside = _places(shape, page.picture)
    largest, size = round(4.6 * shape.unit), round(2.7 * shape.unit)
    lines = _lines(page.text, size, box[2] - box[0], faces)
    if _height(lines, size) <= box[3] - box[1]:
        for larger in range(largest, size, -1):
            larger_lines = _lines(page.text, larger, box[2] - box[0], faces)
            if _height(larger_lines, larger) <= box[3] - box[1]:
                size, lines = larger, larger_lines
                break
        return [_leaf(page, index, shape, faces, placed, box, beside, lines, size)]
    leaves = []
    while lines:
        count = _fitting(lines, size, box[3] - box[1])
        leaves.append(_leaf(page, index, shape, faces, placed, box, beside, lines[:count], size))
        lines = lines[count:]
        if lines and placed and not picture_on_every_leaf:
            placed, box, beside = _places(shape, None)
            lines = _lines(page.text, size, box[2] - box[0], faces, lines[0].start)
        lines = [replace(line, gap=0.0) for line in lines[:1]] + lines[1:]
    return leaves


def _leaf(
    page: Page,
    index: int,
    shape: Shape,
    faces: Faces,
    placed: Placed | None,
    box: Box,
    beside: bool,
    lines: Sequence[_Line],
    size: int,
) -> Leaf:
    centred = not beside and len(lines) <= 4 and placed is not None
    top = box[1] + max(0.0, (box[3] - box[1] - _height(lines, size)) / 2) if placed else box[1]
    pieces, baseline = [], top + size * 1.1
    for number, line in enumerate(lines):
        baseline += size * _LINE_HEIGHT * (line.gap + 1) if number else 0
        pieces += _set(line.text, box, baseline, size, INK, faces, centred, line.start)
    small = round(1.7 * shape.unit)
    foot = shape.height - 3.0 * shape.unit
    folio_box = (placed.box[2], 0, shape.width, 0) if placed and beside else (0, 0, shape.width, 0)
    pieces += _set(str(index + 1), folio_box, foot, small, MUTED, faces, True)
    span = (lines[0].start, lines[-1].start + len(lines[-1].text)) if lines else (0, 0)
    return Leaf("page", shape, _paper(page.picture), tuple(pieces), placed, index, span)


def _lines(text: str, size: int, width: float, faces: Faces, begin: int = 0) -> list[_Line]:
    lines: list[_Line] = []
    for start, end in paragraphs(text):
        if end <= begin:
            continue
        gap = _PARAGRAPH_GAP if lines else 0.0
        start = max(start, begin)
        start += len(text[start:end]) - len(text[start:end].lstrip())
        for first, last in break_lines(text[start:end], width / size, faces.width):
            lines.append(_Line(text[start + first : start + last], start + first, gap))
            gap = 0.0
    return lines


def _height(lines: Sequence[_Line], size: int) -> float:
    return size * _LINE_HEIGHT * sum(1 + line.gap for line in lines)


def _fitting(lines: Sequence[_Line], size: int, height: float) -> int:
    """How many lines fit; at least one, and never a last line alone on the next leaf."""
    count = 1
    while count < len(lines) and _height(lines[: count + 1], size) <= height:
        count += 1
    return count - 1 if count > 2 and len(lines) - count == 1 else count


def _set(
    text: str,
    box: Box,
    baseline: float,
    size: int,
    colour: Colour,
    faces: Faces,
    centred: bool,
    start: int | None = None,
) -> list[Piece]:
    """One line, cut into words and Chinese characters, each at its exact place."""
    seen = as_seen(text, lambda char: faces.face(char) is not None)
    shown = "".join(char for char, _ in seen)
    width = sum(map(faces.width, shown)) * size
    x = box[0] + (box[2] - box[0] - width) / 2 if centred else box[0]
    pieces: list[Piece] = []
    for face, run, place in faces.runs(shown):
        word = ""
        for offset, char in enumerate([*run, " "], start=place):
            advance = faces.width(char) * size if offset < place + len(run) else 0.0
            alone = char.isspace() or ord(char) > 0x2E7F
            if word and alone:
                length = sum(map(faces.width, word)) * size
                at = None if start is None else start + min(i for _, i in seen[offset - len(word) : offset])
                pieces.append(Piece(word, x - length, baseline, length, face, size, colour, at))
                word = ""
            if not char.isspace():
                if alone:
                    at = None if start is None else start + seen[offset][1]
                    pieces.append(Piece(char, x, baseline, advance, face, size, colour, at))
                else:
                    word += char
            x += advance
    return pieces


def _cover(book: Book, shape: Shape, faces: Faces) -> Leaf:
    placed, box, beside = _places(shape, book.front)
    words, width = wording(book.language), box[2] - box[0]
    small = round(2.5 * shape.unit)
    below = [words["by"].format(author=book.author)] if book.author.strip() else []
    below += [words["read_by"].format(voice=book.voice)] if book.voice and book.is_narrated else []
    if not beside:
        below = [" · ".join(below)] if below else []
    credits = [line for credit in below for line in _first_lines(credit, 2, width / small, faces)]
    foot = small * (2.2 + 1.6 * len(credits))
    size, lines = _title(book.title, width, box[3] - box[1] - foot, shape, faces)
    leading = 1.28 * size
    top = box[1] + max(0.0, (box[3] - box[1] - foot - leading * len(lines)) / 2)
    pieces: list[Piece] = []
    for number, line in enumerate(lines):
        pieces += _set(line, box, top + size + number * leading, size, ACCENT, faces, not beside)
    baseline = top + leading * len(lines) + small * 0.7
    left = box[0] if beside else (box[0] + box[2]) / 2 - 4 * shape.unit
    rule = (left, baseline, left + 8 * shape.unit, baseline + max(2.0, 0.3 * shape.unit))
    for number, line in enumerate(credits):
        pieces += _set(line, box, baseline + small * (2.2 + 1.6 * number), small, MUTED, faces, not beside)
    return Leaf("cover", shape, _paper(book.front), tuple(pieces), placed, rule=rule)


def _title(text: str, width: float, height: float, shape: Shape, faces: Faces) -> tuple[int, list[str]]:
    """As large as three lines hold it, none of its words cut; a long one as large as it fits at all."""
    small = round(3 * shape.unit)
    for size in range(round(9 * shape.unit), round(_SMALLEST_TITLE * shape.unit) - 1, -1):
        lines = break_lines(text, width / size, faces.width)
        whole = all(
            end == len(text) or text[end].isspace() or ord(text[end - 1]) > 0x2E7F for _, end in lines
        )
        if len(lines) * size * 1.28 < height and (size <= small or (len(lines) <= 3 and whole)):
            break
    return size, _first_lines(text, max(1, int(height / (size * 1.28))), width / size, faces)


def _first_lines(text: str, most: int, width: float, faces: Faces) -> list[str]:
    """The lines of ``text``, ``width`` ems wide; where there are more than ``most`` the last one ends in an ellipsis."""
    lines = [text[start:end] for start, end in break_lines(text, width, faces.width)]
    if len(lines) <= most:
        return lines
    last = lines[most - 1]
    while sum(map(faces.width, last + "…")) > width:
        last = last[:-1]
    return [*lines[: most - 1], last.rstrip() + "…"]


def _end(book: Book, shape: Shape, faces: Faces) -> Leaf:
    words = wording(book.language)
    large, medium, small = (round(factor * shape.unit) for factor in (7, 2.5, 1.75))
    side = max(8 * shape.unit, (shape.width - 90 * shape.unit) / 2)
    box = (side, 0.0, shape.width - side, 0.0)
    middle = shape.height * (0.54 if book.front else 0.44)
    pieces = _set(words["the_end"], box, middle, large, ACCENT, faces, True)
    rule = (shape.width / 2 - 4 * shape.unit, middle + 3.2 * shape.unit)
    baseline = middle + 9 * shape.unit
    for said in about(book):
        for line in _first_lines(said, 2, (box[2] - box[0]) / medium, faces):
            pieces += _set(line, box, baseline, medium, MUTED, faces, True)
            baseline += medium * _LINE_HEIGHT
    lines = break_lines(book.label, (box[2] - box[0]) / small, faces.width)
    baseline = shape.height - 4 * shape.unit - (len(lines) - 1) * small * _LINE_HEIGHT
    for start, end in lines:
        pieces += _set(book.label[start:end], box, baseline, small, MUTED, faces, True)
        baseline += small * _LINE_HEIGHT
    bar = (*rule, rule[0] + 8 * shape.unit, rule[1] + max(2.0, 0.3 * shape.unit))
    return Leaf("end", shape, PAPER, tuple(pieces), _medallion(book.front, shape, middle), rule=bar)


def _medallion(picture: Picture | None, shape: Shape, below: float) -> Placed | None:
    """The cover once more, small and round, above the last words."""
    if picture is None:
        return None
    side = 0.3 * min(shape.width, shape.height)
    top = below - 9 * shape.unit - side
    left = (shape.width - side) / 2
    return Placed(picture, (left, top, left + side, top + side), cropped(opened(picture), 1.0), is_round=True)


def about(book: Book) -> list[str]:
    """What the last page says above the label: title and author, who reads, or why nobody does."""
    words = wording(book.language)
    lines = [book.title if not book.author.strip() else f"{book.title} · {book.author}"]
    if book.is_narrated and book.voice:
        lines.append(words["read_by"].format(voice=book.voice))
    if not book.is_narrated:
        lines.append(book.silence or words["silent"])
    elif book.silence or any(page.narration is None and page.text.strip() for page in book.pages):
        lines.append(book.silence or words["silent_pages"])
    return lines
