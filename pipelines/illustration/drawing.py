"""Drawings in the `.art` format: a few coloured shapes on a 100 x 100 canvas, recolourable by named slots.

A drawing begins with `@name kind size | English synonyms | 中文同义词`, goes on with its colour slots
(`coat=#e8763a ...`, the first is the main one), may name where a scarf and a hat belong
(`neck x y width ; head x y width`) and lists shapes from back to front, `<colour> <shape> <numbers>`:
`e cx cy rx [ry] [degrees]`, `r x y width height [radius] [degrees]`, `p <SVG path>`, `l width <SVG path>`,
and `eye x y radius`, `smile x y width`, `blush x y rx ry`. `~` draws the shape and its mirror image,
`coat-` is a darker and `coat+` a lighter shade of the slot. Feet stand at y = 96.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import resvg_py
from PIL import Image

ART = Path(__file__).resolve().parents[2] / "assets" / "art"
FIXED = {"ink": "#3a2a35", "white": "#ffffff", "tongue": "#ef8a8a", "blush": "#f58b8b", "wood": "#8a5a3a"}
MARGIN = 12
CANVAS = 100 + 2 * MARGIN
GROUND = 96


@dataclass(frozen=True)
class Drawing:
    """One subject: `kind` is ground, air, water or thing; `size` its usual height as a share of the picture."""

    name: str
    kind: str
    size: float
    english: tuple[str, ...]
    chinese: tuple[str, ...]
    slots: Mapping[str, str] = field(hash=False)
    neck: tuple[float, float, float] | None
    head: tuple[float, float, float] | None
    shapes: tuple[str, ...]

    @property
    def main_slot(self) -> str:
        return next(iter(self.slots))


def load(name: str) -> tuple[Drawing, ...]:
    """All drawings of `assets/art/<name>.art`, in their order."""
    text = (ART / f"{name}.art").read_text(encoding="utf-8")
    return tuple(_parse(block) for block in re.split(r"(?m)^(?=@)", text) if block.startswith("@"))


def _parse(block: str) -> Drawing:
    title, *lines = [line.strip() for line in block.splitlines() if line.strip()]
    name, english, chinese = (part.strip() for part in title[1:].split("|"))
    name, kind, size = name.rsplit(" ", 2)
    words = tuple(word.strip() for word in english.split(",") if word.strip())
    slots = dict(pair.split("=") for pair in lines.pop(0).split())
    anchors = {}
    if lines[0].split()[0] in ("neck", "head"):
        for anchor in lines.pop(0).split(";"):
            label, *numbers = anchor.split()
            anchors[label] = tuple(float(number) for number in numbers)
    return Drawing(
        name.replace("_", " "),
        kind,
        float(size),
        (name.replace("_", " "), *words),
        tuple(word.strip() for word in chinese.split(",")),
        slots,
        anchors.get("neck"),
        anchors.get("head"),
        tuple(lines),
    )


def shade(colour: str, amount: float) -> str:
    """A hex colour moved towards black (amount < 0) or white (amount > 0)."""
    target = 255 if amount > 0 else 20
    channels = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(c + (target - c) * abs(amount)):02x}" for c in channels)


def _fill(word: str, slots: Mapping[str, str]) -> str:
    name = word.rstrip("+-")
    colour = slots.get(name) or FIXED[name]
    return (
        shade(colour, -0.16) if word.endswith("-") else shade(colour, 0.25) if word.endswith("+") else colour
    )


def _shape(words: list[str], slots: Mapping[str, str]) -> str:
    if words[0] in ("eye", "smile", "blush") and re.fullmatch(r"-?[\d.]+", words[1]):
        return _feature(words[0], [float(word) for word in words[1:]])
    fill, kind, rest = _fill(words[0], slots), words[1], words[2:]
    if kind == "p":
        return f'<path d="{" ".join(rest)}" fill="{fill}"/>'
    if kind == "l":
        path = " ".join(rest[1:])
        return (
            f'<path d="{path}" fill="none" stroke="{fill}" stroke-width="{rest[0]}" stroke-linecap="round" '
            'stroke-linejoin="round"/>'
        )
    numbers = [float(word) for word in rest]
    if kind == "e":
        x, y, rx, ry, turn = (numbers + [numbers[2]] * (len(numbers) == 3) + [0.0, 0.0])[:5]
        return f'<ellipse cx="{x}" cy="{y}" rx="{rx}" ry="{ry}" fill="{fill}"{_turn(turn, x, y)}/>'
    if kind == "r":
        x, y, width, height, radius, turn = (numbers + [0.0, 0.0])[:6]
        middle = _turn(turn, x + width / 2, y + height / 2)
        return (
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="{radius}" fill="{fill}"{middle}/>'
        )
    raise ValueError(f"unknown shape: {' '.join(words)}")


def _turn(degrees: float, x: float, y: float) -> str:
    return f' transform="rotate({degrees} {x} {y})"' if degrees else ""


def _feature(name: str, numbers: list[float]) -> str:
    x, y, size = numbers[:3]
    if name == "eye":
        glint = f'<circle cx="{x + size * 0.3}" cy="{y - size * 0.35}" r="{size * 0.34}" fill="#fff"/>'
        return f'<ellipse cx="{x}" cy="{y}" rx="{size}" ry="{size * 1.15}" fill="{FIXED["ink"]}"/>{glint}'
    if name == "smile":
        path = f"M{x - size / 2} {y} Q{x} {y + size * 0.55} {x + size / 2} {y}"
        return f'<path d="{path}" fill="none" stroke="{FIXED["ink"]}" stroke-width="1.5" stroke-linecap="round"/>'
    ry = numbers[3] if len(numbers) > 3 else size * 0.7
    return f'<ellipse cx="{x}" cy="{y}" rx="{size}" ry="{ry}" fill="{FIXED["blush"]}" opacity="0.6"/>'


def shapes_to_svg(lines: tuple[str, ...], slots: Mapping[str, str]) -> Iterator[str]:
    """SVG elements of shape lines, colours filled in."""
    for line in lines:
        words = line.split()
        mirrored = words[0] == "~"
        element = _shape(words[1:] if mirrored else words, slots)
        if mirrored:
            yield f'<g transform="matrix(-1 0 0 1 100 0)">{element}</g>'
        yield element


def to_svg(
    drawing: Drawing, colours: Mapping[str, str] | None = None, under: str = "", over: str = ""
) -> str:
    """A complete SVG document of the drawing with some slots recoloured, between what lies under and over it."""
    slots = {**drawing.slots, **(colours or {})}
    body = "".join(shapes_to_svg(drawing.shapes, slots))
    box = f"{-MARGIN} {-MARGIN} {CANVAS} {CANVAS}"
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}">{under}{body}{over}</svg>'


def rasterise(svg: str, size: int) -> Image.Image:
    """Render a square SVG document to RGBA."""
    png = resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size, skip_system_fonts=True)
    return Image.open(io.BytesIO(png)).convert("RGBA")


@cache
def subjects() -> Mapping[str, Drawing]:
    """Every subject by name."""
    return {one.name: one for part in ("animals", "people", "things") for one in load(part)}


@cache
def accessories() -> Mapping[str, Drawing]:
    """What a hero can wear; `kind` names the anchor, neck or head."""
    return {one.name: one for one in load("accessories")}


@cache
def extent(drawing: Drawing) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of what is drawn, in canvas units."""
    left, top, right, bottom = rasterise(to_svg(drawing), CANVAS).getchannel("A").getbbox()
    return left - MARGIN, top - MARGIN, right - MARGIN, bottom - MARGIN
