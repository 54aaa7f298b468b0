"""The layout composer: a scene becomes a crisp picture, the same for the same seed, and says who is where."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from PIL import Image

from pipelines.illustration.drawing import (
    CANVAS,
    GROUND,
    MARGIN,
    Drawing,
    accessories,
    extent,
    rasterise,
    shapes_to_svg,
    subjects,
    to_svg,
)
from pipelines.illustration.palette import PALETTES, mix
from pipelines.illustration.places import PLACES, background, weather

COLOURS = {
    "red": "#dd3b3b",
    "orange": "#f28a2e",
    "yellow": "#f7cf3d",
    "green": "#4fa84f",
    "blue": "#3f7fd6",
    "purple": "#8a58c0",
    "pink": "#f28bb4",
    "brown": "#8a5a3c",
    "black": "#3a3542",
    "white": "#f8f6f2",
    "grey": "#9298a4",
}
# A subject takes on less of the light than its surroundings, so it is still known at night.
SUBJECT_SHARE = 0.42
SHOTS = ("close-up", "centre", "left", "right", "together")


@dataclass(frozen=True)
class Look:
    """How a subject appears on every page: colours by slot (names of COLOURS or hex) and what it wears."""

    subject: str
    colours: tuple[tuple[str, str], ...] = ()
    wearing: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Actor:
    """A look at its place: middle and feet as shares of the picture, height of its 100-unit canvas likewise."""

    look: Look
    x: float
    feet: float
    height: float
    flipped: bool = False


@dataclass(frozen=True)
class Scene:
    place: str
    palette: str
    actors: tuple[Actor, ...]
    seed: int = 0
    shot: str = "together"


@dataclass(frozen=True)
class Box:
    """Where a subject is, in pixels: left, top, right, bottom."""

    subject: str
    left: int
    top: int
    right: int
    bottom: int


def arrange(place: str, palette: str, looks: Sequence[Look], seed: int, shot: str | None = None) -> Scene:
    """Put one to three subjects into a place; `shot` is one of SHOTS, drawn by the seed when not given."""
    rng = Random(f"{place}/{palette}/{seed}/{[look.subject for look in looks]}")
    if len(looks) > 1:
        shot = "together"
    elif shot is None or shot == "together":
        shot = rng.choice(SHOTS[:-1])
    middles = {
        1: {"left": (0.28,), "right": (0.72,)}.get(shot, (0.5,)),
        2: (0.28, 0.72),
        3: (0.19, 0.5, 0.81),
    }
    factor = 1.55 if shot == "close-up" else {1: 1.15, 2: 1.05, 3: 0.88}[len(looks)]
    actors = tuple(
        _place_actor(look, middle, factor, place, shot, rng)
        for look, middle in zip(looks, middles[len(looks)], strict=True)
    )
    return Scene(place, palette, actors, seed, shot)


def _place_actor(look: Look, middle: float, factor: float, place: str, shot: str, rng: Random) -> Actor:
    drawing, where = subjects()[look.subject], PLACES[place]
    close = shot == "close-up"
    near = rng.uniform(0.35, 1.0)
    height = factor * mix(0.40, drawing.size, 0.25 if close else 0.6) * rng.uniform(0.92, 1.08)
    feet = mix(*where.ground, near)
    if drawing.kind == "air" or (drawing.kind == "water" and where.medium == "deep"):
        low, high = (0.34, 0.46) if drawing.kind == "air" else (0.42, 0.6)
        feet = (0.5 if close else rng.uniform(low, high)) + height * 0.46
    elif close:
        feet = 0.95
    if not close:
        height *= mix(0.9, 1.06, near)
    feet = max(feet, (GROUND - extent(drawing)[1]) / 100 * height + 0.02)
    x = min(max(middle + rng.uniform(-0.05, 0.05), height * 0.42), 1 - height * 0.42) if height < 1 else 0.5
    flipped = x > 0.6 if rng.random() < 0.8 else rng.random() < 0.5
    return Actor(look, round(x, 4), round(min(feet, 0.99), 4), round(height, 4), flipped)


def boxes(scene: Scene, size: int = 256) -> tuple[Box, ...]:
    """The box of every actor, in the order of the scene, cut to the picture."""
    found = []
    for actor in scene.actors:
        left, top, right, bottom = extent(subjects()[actor.look.subject])
        if actor.flipped:
            left, right = 100 - right, 100 - left
        unit = actor.height * size / 100
        origin_x, origin_y = actor.x * size - 50 * unit, actor.feet * size - GROUND * unit
        spots = (
            origin_x + left * unit,
            origin_y + top * unit,
            origin_x + right * unit,
            origin_y + bottom * unit,
        )
        found.append(Box(actor.look.subject, *(min(size, max(0, round(spot))) for spot in spots)))
    return tuple(found)


def compose(scene: Scene, size: int = 256) -> Image.Image:
    """Draw the scene as a square RGB picture of `size` pixels."""
    picture = _background(scene.place, scene.palette, scene.seed, size).copy()
    for actor in sorted(scene.actors, key=lambda one: one.feet):
        pixels = max(8, round(actor.height * size * CANVAS / 100))
        sprite = _sprite(actor.look, scene.palette, scene.place, pixels)
        if actor.flipped:
            sprite = sprite.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        unit = pixels / CANVAS
        corner = (
            round(actor.x * size - (50 + MARGIN) * unit),
            round(actor.feet * size - (GROUND + MARGIN) * unit),
        )
        picture.paste(sprite, corner, sprite)
    falling = _weather(scene.place, scene.palette, scene.seed, size)
    if falling is not None:
        picture.paste(falling, (0, 0), falling)
    return picture


@lru_cache(maxsize=256)
def _background(place: str, palette: str, seed: int, size: int) -> Image.Image:
    return rasterise(background(PLACES[place], PALETTES[palette], seed), size).convert("RGB")


@lru_cache(maxsize=64)
def _weather(place: str, palette: str, seed: int, size: int) -> Image.Image | None:
    svg = weather(PLACES[place], PALETTES[palette], seed)
    return None if svg is None else rasterise(svg, size)


def portrait(look: Look, under: str = "", over: str = "") -> str:
    """Somebody alone, in no light but their own, as an SVG document; ``under`` and ``over`` lie beneath and before."""
    drawing = subjects()[look.subject]
    colours = {slot: COLOURS.get(colour, colour) for slot, colour in look.colours}
    worn = "".join(_worn(drawing, name, colour) for name, colour in look.wearing)
    return to_svg(drawing, colours, under, worn + over)


@lru_cache(maxsize=1024)
def _sprite(look: Look, palette: str, place: str, pixels: int) -> Image.Image:
    under, over = _footing(subjects()[look.subject], PLACES[place].medium)
    svg = portrait(look, under, over)
    light = PALETTES[palette]
    svg = re.sub(r"#[0-9a-f]{6}", lambda found: light.apply(found[0], share=SUBJECT_SHARE), svg)
    return rasterise(svg, pixels)


def _worn(drawing: Drawing, name: str, colour: str) -> str:
    accessory = accessories()[name]
    anchor = drawing.neck if accessory.kind == "neck" else drawing.head
    if anchor is None:
        return ""
    x, y, width = anchor
    shapes = "".join(shapes_to_svg(accessory.shapes, {"cloth": COLOURS.get(colour, colour)}))
    return f'<g transform="translate({x} {y}) scale({width / 100}) translate(-50 -58)">{shapes}</g>'


def _footing(drawing: Drawing, medium: str) -> tuple[str, str]:
    """What lies under and over the feet: shadow, pond, raft or ripples."""
    left, _, right, bottom = extent(drawing)
    middle, half = (left + right) / 2, (right - left) / 2
    if drawing.kind == "air" or (drawing.kind == "water" and medium == "deep"):
        return "", ""
    ripple = f'<ellipse cx="{middle}" cy="{bottom}" rx="{half}" ry="6" fill="#8fd0ee" opacity="0.75"/>'
    if drawing.kind == "water":
        pond = f'<ellipse cx="{middle}" cy="{bottom - 2}" rx="{half + 8}" ry="11" fill="#58b4e4"/>'
        return ("" if medium == "sea" else pond), ripple
    if medium == "sea":
        raft = f'<rect x="{left - 4}" y="91" width="{2 * half + 8}" height="11" rx="4" fill="#9a6b3f"/>'
        plank = f'<rect x="{left - 4}" y="95.5" width="{2 * half + 8}" height="1.6" fill="#7a5230"/>'
        return (
            raft + plank,
            f'<ellipse cx="{middle}" cy="104" rx="{half + 6}" ry="4" fill="#8fd0ee" opacity="0.75"/>',
        )
    return f'<ellipse cx="{middle}" cy="96" rx="{half * 0.92}" ry="4.6" fill="#1c2233" opacity="0.2"/>', ""
