"""The files of ``assets/story`` and the forms of the English words in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

IS_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\u3007]")
FOLDER = Path(__file__).resolve().parents[2] / "assets" / "story"


def blocks(name: str) -> Iterator[tuple[str, list[str]]]:
    """``@title`` sections of a list with their lines, comments left out; lines before the first have title ''."""
    title, lines = "", []
    for line in (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        line = line.strip()
        if line.startswith("@"):
            if lines:
                yield title, lines
            title, lines = line[1:], []
        elif line and not line.startswith("#"):
            lines.append(line)
    if lines:
        yield title, lines


def listed(text: str) -> tuple[str, ...]:
    return tuple(word for word in (part.strip() for part in text.split(",")) if word)


def plurals(word: str) -> Iterable[str]:
    yield word
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        yield word[:-1] + "ies"
    elif word.endswith(("s", "x", "ch", "sh")):
        yield word + "es"
    else:
        yield word + "s"


_PLURALS = {
    "mouse": "mice",
    "wolf": "wolves",
    "child": "children",
    "goose": "geese",
    "wild goose": "wild geese",
    "policeman": "policemen",
    "snowman": "snowmen",
    **{word: word for word in ("sheep", "deer", "fish")},
}


def plural(word: str) -> str:
    return _PLURALS.get(word) or list(plurals(word))[-1]


def inflections(word: str) -> Iterable[str]:
    """An English word with the endings it may take, a few that it does not take among them."""
    yield from plurals(word)
    if len(word) < 3 or " " in word:
        return
    stem = word[:-1] if word.endswith("e") else word
    yield from (stem + "ed", stem + "ing")
    if word.endswith("y"):
        yield from (word[:-1] + "ied", word[:-1] + "ily", word[:-1] + "iness")
    else:
        yield from (word + "ly", word + "ness")
    if re.search("[^aeiou][aeiou][bdgmnprt]$", word):
        yield from (word + word[-1] + "ed", word + word[-1] + "ing")
