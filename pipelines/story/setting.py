"""Where and in which light a scene plays."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from pipelines.illustration.places import PLACES
from pipelines.story import vocabulary
from pipelines.story.absence import idioms, negated
from pipelines.story.emotion import Emotion
from pipelines.story.story import Hero
from pipelines.story.words import Found, Token, find, tokens

HOMES = {
    "underwater": ("fish", "whale", "dolphin", "octopus", "mermaid"),
    "sea": ("ship", "pirate", "boat"),
    "shore": ("crab", "turtle", "lighthouse"),
    "snow": ("penguin", "snowman"),
    "moon": ("astronaut", "rocket", "star"),
    "castle": ("king", "princess", "knight"),
    "desert": ("camel",),
    "village": ("farmer", "hen", "cow", "sheep", "pig"),
    "forest": (
        "fox",
        "wolf",
        "bear",
        "owl",
        "squirrel",
        "deer",
        "hedgehog",
        "monkey",
        "tiger",
        "witch",
        "gnome",
    ),
    "city": ("car", "bicycle"),
    "cave": ("dragon",),
}
USUAL_PLACE = "meadow"
LIGHT_OF_EMOTION = {
    "joy": "day",
    "sadness": "rain",
    "fear": "night",
    "anger": "sunset",
    "surprise": "day",
    "wonder": "night",
    "love": "sunset",
    "calm": "dawn",
}
TELLING_STRENGTH = 0.6
"""An emotion this strong chooses the light of a scene whose text does not."""
_TOWARDS = frozenset("into to in at on onto reached towards".split())
_AWAY = frozenset("left leave leaving from outside behind".split())
_TOWARDS_HAN = ("\u5230", "\u8fdb", "\u5728", "\u6765", "\u5165", "\u56de")
_AWAY_HAN = ("\u79bb\u5f00", "\u4ece", "\u8d70\u51fa", "\u79bb")


_AFTER = re.compile(r"\bafter (?:(?:the|a|that|this|all) )*(?:[a-z]+ )?$", re.IGNORECASE)
_OVER_HAN = re.compile("(?:之后|以后|过后|后|停|过去)")
_NOT_HAN = re.compile("(?:不|没|没有)再?下?$")


def where(sentences: Sequence[str], heroes: Sequence[Hero], before: str | None) -> str:
    """The place most is said of; else that of the scene before; else where such heroes live."""
    weights: Counter = Counter()
    for index, sentence in enumerate(sentences):
        words = tokens(sentence)
        phrases = [
            *idioms(words),
            *(one for one in find(vocabulary.subjects(), words) if one.last - one.first > 1),
        ]
        hits = [
            hit
            for hit in find(vocabulary.places(), words)
            if not any(
                one.first <= hit.first and hit.last <= one.last and one.key != hit.key for one in phrases
            )
        ]
        strong = any(not hit.value.weak for hit in hits)
        for hit in hits:
            direction = _direction(words, hit.first)
            if hit.value.weak and (strong or direction <= 0):
                continue
            share = 0.4 if hit.value.weak else 1.0
            weights[hit.value.place] += share * (1 + 0.05 * index) + direction
    if weights and max(weights.values()) > 0:
        return max(weights, key=weights.__getitem__)
    return before or next((home(hero.subject) for hero in heroes if home(hero.subject)), USUAL_PLACE)


def home(subject: str) -> str:
    return next((place for place, residents in HOMES.items() if subject in residents), "")


def _direction(words: Sequence[Token], first: int) -> float:
    """Somebody goes there (more), or leaves it (less)."""
    for index in range(first - 1, max(-1, first - 4), -1):
        word = words[index]
        if word.key in _AWAY or word.key.startswith(_AWAY_HAN):
            return -0.9
        if word.key in _TOWARDS or word.key.endswith(_TOWARDS_HAN):
            return 0.25
    return 0.0


def told_light(sentences: Sequence[str]) -> str | None:
    """The palette the text asks for; of several hours the one said most, then last."""
    weights: dict[str, float] = {}
    for index, sentence in enumerate(sentences):
        words = tokens(sentence)
        for hit in find(vocabulary.lights(), words):
            if _is_no_longer(sentence, words, hit):
                continue
            # Of weak words the first counts most ("the next day he dreamt of the moon"), of others the last.
            share = 0.4 - 0.01 * index if hit.value.weak else 1.0 + 0.01 * index
            weights[hit.value.palette] = weights.get(hit.value.palette, 0.0) + max(0.1, share)
    return max(weights, key=weights.__getitem__) if weights else None


def _is_no_longer(sentence: str, words: Sequence[Token], hit: Found) -> bool:
    """There was no storm, after the rain, 没有下雨, 雨过后."""
    before, after = sentence[: words[hit.first].start], sentence[words[hit.last - 1].end :]
    over = hit.value.palette in ("rain", "storm") and (_AFTER.search(before) or _OVER_HAN.match(after))
    denied = _NOT_HAN.search(sentence[: words[hit.last - 1].end - len(hit.key)])
    return bool(over or denied) or negated(sentence, words, hit)


def light(sentences: Sequence[str], emotion: Emotion, place: str, before: str | None) -> tuple[str, bool]:
    """The palette of a scene, and whether the story says so, now or before; an emotion's light is not handed on."""
    told = told_light(sentences)
    if told:
        return told, True
    if before and not _new_hour(sentences):
        return before, True
    if emotion.strength >= TELLING_STRENGTH:
        chosen = LIGHT_OF_EMOTION[emotion.name]
        return ("night" if chosen == "rain" and not PLACES[place].outdoors else chosen), False
    return "day", False


def _new_hour(sentences: Sequence[str]) -> bool:
    opening = tokens(sentences[0])[:5] if sentences else ()
    return any(hit.value == 1.0 for hit in find(vocabulary.markers(), opening))


def scenery(place: str) -> str:
    """What stands in a picture of a place where nobody is."""
    known = {
        "meadow": "flower", "forest": "pine", "sea": "boat", "underwater": "fish", "shore": "lighthouse",
        "snow": "snowman", "village": "cottage", "castle": "crown", "desert": "camel", "city": "car",
        "room": "bed", "moon": "rocket", "mountains": "tree", "cave": "lantern",
    }  # fmt: skip
    return known[place]
