"""A plan that comes from outside: taken apart field by field, so that whatever is wrong shows before it is used."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Union, get_args, get_origin, get_type_hints

from pipelines.illustration.drawing import accessories, subjects
from pipelines.illustration.layout import COLOURS, SHOTS, Look
from pipelines.illustration.palette import PALETTES
from pipelines.illustration.places import PLACES
from pipelines.story.boundaries import MOST_SCENES
from pipelines.story.prompts import MOST_LOOKS, STYLES
from pipelines.story.story import Story
from pipelines.story.vocabulary import EMOTIONS

MOST_CHARS = 200_000
MOST_ITEMS = 2_000
MOST_PAGES = 10 * MOST_SCENES
"""Scenes can be split by hand."""
_ID = re.compile(r"[sh][0-9]{1,6}")
_HEX = re.compile(r"#[0-9a-fA-F]{6}")


def checked_story(data: Mapping) -> Story:
    """``Story.from_json`` for data that nobody here wrote.

    Raises:
        ValueError: it is not a plan that the studio could have made.
    """
    try:
        story = Story.from_json(data)
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("not a story plan") from error
    _conform(story, Story)
    _require(0 < len(story.scenes) == len(story.pages) <= MOST_PAGES, "scenes and pages")
    _require(story.style in STYLES and story.language in ("en", "zh", "mixed"), "style and language")
    scene_ids, hero_ids = [scene.id for scene in story.scenes], [hero.id for hero in story.heroes]
    _require([page.scene_id for page in story.pages] == scene_ids, "the order of the pages")
    _require(len({*scene_ids, *hero_ids}) == len(scene_ids) + len(hero_ids), "ids")
    _require(all(map(_ID.fullmatch, (*scene_ids, *hero_ids))), "ids")
    _require(all(int(scene_id[1:]) < story.next_scene for scene_id in scene_ids), "next_scene")
    for hero in story.heroes:
        require_look(hero.look)
        _require(1 <= hero.count <= MOST_LOOKS, "count")
    for scene in story.scenes:
        _require(scene.text.strip() != "" and set(scene.heroes) <= set(hero_ids), "a scene")
        _require(scene.place in PLACES and scene.palette in PALETTES, "a place")
        _require(scene.emotion.name in EMOTIONS, "an emotion")
    for page in story.pages:
        layout = page.layout
        _require(layout.place in PLACES and layout.palette in PALETTES and layout.shot in SHOTS, "a layout")
        _require(1 <= len(layout.actors) <= MOST_LOOKS, "actors")
        for actor in layout.actors:
            require_look(actor.look)
            _require(-1 <= actor.x <= 2 and -1 <= actor.feet <= 3 and 0 < actor.height <= 4, "an actor")
        _require(0 <= page.seed < 2**31 and 0 <= page.take < 2**31, "a seed")
    return story


def require_look(look: Look) -> None:
    """
    Raises:
        ValueError: no drawing looks so.
    """
    _require(look.subject in subjects(), "a subject")
    slots = subjects()[look.subject].slots
    _require(all(slot in slots and _is_colour(colour) for slot, colour in look.colours), "colours")
    _require(all(piece in accessories() and _is_colour(colour) for piece, colour in look.wearing), "clothes")


def _is_colour(colour: str) -> bool:
    return colour in COLOURS or bool(_HEX.fullmatch(colour))


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(f"not a story plan: {what}")


def _conform(value: object, wanted: object) -> None:
    """Raises ValueError unless ``value`` is of the annotated type, all the way down, and of a sane size."""
    origin = get_origin(wanted)
    if origin in (Union, UnionType):
        choices = [one for one in get_args(wanted) if one is not type(None)]
        if value is not None or type(None) not in get_args(wanted):
            _conform(value, choices[0])
    elif origin is tuple:
        _require(isinstance(value, tuple) and len(value) <= MOST_ITEMS, str(wanted))
        kinds = get_args(wanted)
        if len(kinds) == 2 and kinds[1] is Ellipsis:
            kinds = (kinds[0],) * len(value)
        _require(len(kinds) == len(value), str(wanted))
        for one, kind in zip(value, kinds, strict=True):
            _conform(one, kind)
    elif is_dataclass(wanted):
        _require(type(value) is wanted, str(wanted))
        for name, kind in _kinds(wanted).items():
            _conform(getattr(value, name), kind)
    elif wanted is float:
        _require(type(value) in (int, float) and math.isfinite(value) and abs(value) < 1e9, "a number")
    elif wanted is object:
        _conform(value, type(value) if type(value) in (str, int, float, bool) else str)
    else:
        _require(type(value) is wanted, str(wanted))
        if wanted is str:
            _require(len(value) <= MOST_CHARS, "a text")
        if wanted is int:
            _require(abs(value) < 2**63, "a number")


@cache
def _kinds(wanted: type) -> Mapping[str, object]:
    hints = get_type_hints(wanted)
    return {field.name: hints[field.name] for field in fields(wanted)}
