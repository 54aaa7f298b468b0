"""Pronunciations written into a text: ``重{chong2}庆``, ``重庆{chong2 qing4}``, ``read{R EH1 D}``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.failure import CraftError
from pipelines.text.pronunciation import is_arpabet

MARK = "\u02d1"
"""Stands behind a letter whose sound is given, so that the sound survives normalisation. NFKC leaves it, and nobody
types it: a text that already holds it loses it."""

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\u3007"
_GIVEN = re.compile(
    rf"(?P<characters>[{_HAN}]+)\{{(?P<syllables>[a-z\u00fc\u00ea]+[1-6](?: [a-z\u00fc\u00ea]+[1-6])*)\}}"
    r"|(?P<word>[^\W\d_]+(?:['\u2019-][^\W\d_]+)*)\{(?P<arpabet>[A-Z]{1,2}[0-2]?(?: [A-Z]{1,2}[0-2]?)*)\}"
)


@dataclass(frozen=True)
class Marked:
    """``text`` with ``MARK`` behind every letter or word whose sound is given; ``sounds`` are those sounds in order."""

    text: str
    sounds: tuple[str, ...]


def mark(text: str) -> Marked:
    """The text without its braces.

    Braces that hold no pronunciation stay as they are: they are punctuation.

    Raises:
        CraftError: ``pronunciation_misfit`` where the sounds do not fit what stands before them.
    """
    sounds: list[str] = []

    def place(match: re.Match[str]) -> str:
        if match["word"]:
            if not is_arpabet(match["arpabet"]):
                raise CraftError("pronunciation_misfit", written=match.group()[-80:])
            sounds.append(match["arpabet"])
            return match["word"] + MARK
        characters, syllables = match["characters"], match["syllables"].split()
        if len(syllables) > len(characters):
            raise CraftError("pronunciation_misfit", written=match.group()[-80:])
        sounds.extend(syllables)
        before, said = characters[: -len(syllables)], characters[-len(syllables) :]
        return before + "".join(character + MARK for character in said)

    return Marked(_GIVEN.sub(place, text.replace(MARK, "")), tuple(sounds))


def unmarked(text: str) -> str:
    """The text as people read it, without the braces."""
    return _GIVEN.sub(lambda match: match["characters"] or match["word"], text)


def taken(text: str, sounds: Sequence[str]) -> tuple[str, dict[int, str]]:
    """The text without its marks, and the sound of the character before each, by place; marks meet sounds in order."""
    characters: list[str] = []
    given: dict[int, str] = {}
    for character in text:
        if character != MARK:
            characters.append(character)
        elif characters and len(given) < len(sounds):
            given[len(characters) - 1] = sounds[len(given)]
    return "".join(characters), given
