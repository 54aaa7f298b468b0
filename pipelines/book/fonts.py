"""Fonts: the two that ship, then whatever this machine has; and the part of a font that a book takes along."""

from __future__ import annotations

import io
import os
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.failure import CraftError

if TYPE_CHECKING:
    from fontTools.ttLib import TTFont
    from PIL.ImageFont import FreeTypeFont

SHIPPED = Path(__file__).parents[2] / "assets" / "book" / "fonts"
_PREFERRED = (
    "NotoSerifCJK-Regular",
    "NotoSerifCJKsc-Regular",
    "SourceHanSerifSC-Regular",
    "NotoSansCJK-Regular",
    "NotoSansCJKsc-Regular",
    "NotoSansSC-Regular",
    "Songti",
    "PingFang",
    "STHeiti Light",
    "msyh",
    "simsun",
    "simkai",
    "wqy-zenhei",
    "wqy-microhei",
    "DejaVuSerif",
    "DejaVuSans",
    "Arial Unicode",
    "times",
    "LiberationSerif-Regular",
)
"""File names, the most book-like first."""
_MAX_FALLBACKS = 40


class Face:
    """One font of one file, opened when first needed."""

    def __init__(self, path: Path, index: int = 0) -> None:
        self.path, self.index = path, index

    @cached_property
    def name(self) -> str:
        """For style sheets and PDF: letters, digits and hyphens alone."""
        return "".join(c if c.isalnum() and c.isascii() else "-" for c in f"{self.path.stem}-{self.index}")

    @cached_property
    def _font(self) -> TTFont:
        return _open(self.path, self.index)

    @cached_property
    def _glyphs(self) -> dict[int, str]:
        return self._font.getBestCmap() or {}

    @cached_property
    def _units(self) -> int:
        return self._font["head"].unitsPerEm

    @cached_property
    def _advances(self) -> dict[str, tuple[int, int]]:
        return self._font["hmtx"].metrics

    def covers(self, char: str) -> bool:
        return ord(char) in self._glyphs

    def width(self, char: str) -> float:
        """Of one character, in ems."""
        return self._advances[self._glyphs[ord(char)]][0] / self._units

    @lru_cache(maxsize=32)  # noqa: B019  faces live as long as the process
    def at(self, size: int) -> FreeTypeFont:
        from PIL import ImageFont

        return ImageFont.truetype(
            str(self.path), size, index=self.index, layout_engine=ImageFont.Layout.BASIC
        )

    def subset(self, characters: Iterable[str], flavour: str | None = None) -> bytes:
        """A TrueType font of these characters alone.

        Args:
            flavour: ``woff`` for the web, None for a plain file. PostScript outlines become quadratic ones, which
                every reader of books and PDF knows.
        """
        from fontTools import subset

        options = subset.Options(
            layout_features=["kern"], hinting=False, notdef_outline=True, name_IDs=[1, 2, 4, 6]
        )
        options.drop_tables += ["DSIG", "vhea", "vmtx", "VORG", "BASE"]
        font = _open(self.path, self.index)
        part = subset.Subsetter(options)
        part.populate(unicodes=sorted({ord(c) for c in characters if self.covers(c)}))
        part.subset(font)
        if "glyf" not in font:
            _to_quadratic(font)
        font.recalcTimestamp = False
        font["head"].modified = font["head"].created
        font.flavor = flavour
        out = io.BytesIO()
        font.save(out, reorderTables=False)
        return out.getvalue()


class Faces:
    """The fonts of one book in the order they are asked.

    Args:
        language: decides which of the shipped two draws the quotation marks both have.
        font: a file of the person's own choice, asked first; what it lacks the others draw.

    Raises:
        CraftError: ``book_font_unreadable`` when ``font`` is not a font.
    """

    def __init__(self, language: str, font: Path | None = None) -> None:
        serif, kai = Face(SHIPPED / "serif.ttf"), Face(SHIPPED / "kai.ttf")
        self._own = [kai, serif] if language.lower().startswith("zh") else [serif, kai]
        if font is not None:
            self._own.insert(0, _own_face(font))
        self._known: dict[str, Face | None] = {}

    def face(self, char: str) -> Face | None:
        """Who draws ``char``. None for signs that are left out: emoji, and what has no ink."""
        if char.isspace():
            char = " "
        if char not in self._known:
            if not char.isprintable() or unicodedata.category(char) in ("Cf", "Mn", "Me", "Co", "Cn"):
                self._known[char] = None
            else:
                asked = [*self._own] if _is_sign(char) else [*self._own, *_system_faces()]
                self._known[char] = next((face for face in asked if face.covers(char)), None)
        return self._known[char]

    def width(self, char: str) -> float:
        """In ems."""
        face = self.face(char)
        return face.width(" " if char.isspace() else char) if face else 0.0

    def runs(self, text: str) -> Iterator[tuple[Face, str, int]]:
        """``text`` by face: face, characters, where they start. What nobody draws is left out."""
        start = 0
        for place in range(1, len(text) + 1):
            if place == len(text) or self.face(text[place]) is not self.face(text[start]):
                if face := self.face(text[start]):
                    yield face, text[start:place], start
                start = place

    def require(self, text: str) -> None:
        """
        Raises:
            CraftError: ``book_font_missing`` when no font of this machine has a letter of ``text``.
        """
        lacking = sorted({c for c in text if unicodedata.category(c)[0] in "LN" and self.face(c) is None})
        if lacking:
            raise CraftError("book_font_missing", characters="".join(lacking[:12]), count=len(lacking))


def _is_sign(char: str) -> bool:
    return unicodedata.category(char) in ("So", "Sk")


def _open(path: Path, index: int) -> TTFont:
    from fontTools.ttLib import TTFont

    return TTFont(path, fontNumber=index, lazy=True)


def _own_face(path: Path) -> Face:
    from fontTools.ttLib import TTLibError

    face = Face(path)
    try:
        face.covers("a")
        face.width(chr(next(iter(face._glyphs))))
        face.at(16)
    except (OSError, TTLibError, KeyError, StopIteration, AssertionError) as error:
        raise CraftError("book_font_unreadable", font=path.name) from error
    return face


@cache
def _system_faces() -> tuple[Face, ...]:
    """What this machine has, the most book-like first, one face a file."""
    found = {path.stem: path for folder in _folders() if folder.is_dir() for path in _fonts_in(folder)}
    named = [found[stem] for stem in _PREFERRED if stem in found]
    plain = [path for stem, path in sorted(found.items()) if "Regular" in stem and path not in named]
    faces = []
    for path in [*named, *plain][:_MAX_FALLBACKS]:
        if face := _system_face(path):
            faces.append(face)
    return tuple(faces)


def _system_face(path: Path) -> Face | None:
    """Of a collection the face for simplified Chinese, else the first; None for what is broken or has no outlines."""
    from fontTools.ttLib import TTCollection, TTLibError

    try:
        if path.suffix.lower() != ".ttc":
            with _open(path, 0) as font:
                drawn = {"glyf", "CFF "} & set(font.keys()) and font.getBestCmap()
            return Face(path) if drawn else None
        with TTCollection(path, lazy=True) as collection:
            names = [font["name"].getDebugName(1) or "" for font in collection]
        return Face(path, next((i for i, name in enumerate(names) if name.endswith(" SC")), 0))
    except (OSError, TTLibError, KeyError, AssertionError):
        return None


def _folders() -> list[Path]:
    home = Path.home()
    if sys.platform == "win32":
        return [Path(os.environ.get("WINDIR", "C:/Windows")) / "Fonts"]
    if sys.platform == "darwin":
        return [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library" / "Fonts"]
    return [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), home / ".local" / "share" / "fonts"]


def _fonts_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".ttf", ".otf", ".ttc"))


def _to_quadratic(font: TTFont) -> None:
    """CFF outlines to ``glyf``, in place."""
    from fontTools.pens.cu2quPen import Cu2QuPen
    from fontTools.pens.ttGlyphPen import TTGlyphPen
    from fontTools.ttLib import newTable

    order, drawn, glyphs = font.getGlyphOrder(), font.getGlyphSet(), {}
    tolerance = font["head"].unitsPerEm / 1000
    for name in order:
        pen = TTGlyphPen(None)
        drawn[name].draw(Cu2QuPen(pen, tolerance, reverse_direction=True))
        glyphs[name] = pen.glyph()
    del font["CFF "]
    font["loca"], font["glyf"] = newTable("loca"), newTable("glyf")
    font["glyf"].glyphOrder, font["glyf"].glyphs = order, glyphs
    font["maxp"].tableVersion = 0x00010000
    for name in (
        "maxZones",
        "maxTwilightPoints",
        "maxStorage",
        "maxFunctionDefs",
        "maxInstructionDefs",
        "maxStackElements",
        "maxSizeOfInstructions",
        "maxComponentElements",
    ):
        setattr(font["maxp"], name, 1 if name == "maxZones" else 0)
    font["post"].formatType, font["post"].extraNames, font["post"].mapping = 2.0, [], {}
    font["post"].glyphOrder = order
    font.sfntVersion = "\x00\x01\x00\x00"
    font["hmtx"].metrics = {name: (font["hmtx"][name][0], getattr(glyphs[name], "xMin", 0)) for name in order}
