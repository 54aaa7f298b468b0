"""Hebrew and Arabic within a line that runs from left to right: which sign stands where, and how Arabic letters join.

The implicit part of Unicode's bidirectional algorithm (UAX 9), a line at a time. Joined letters are the presentation
forms of Unicode, which fonts of Arabic carry as characters of their own; a browser does the same by itself.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from functools import cache

_STRENGTH = {"L": "L", "R": "R", "EN": "R", "AN": "R"}
"""Towards which side what has a direction pulls its neighbours; a number after Latin letters is one of them by then."""
_WITHIN_NUMBERS = frozenset((("CS", "EN"), ("CS", "AN"), ("ES", "EN")))
_BRACKETS = dict(zip(")]}", "([{", strict=True))
_MIRRORED = str.maketrans("()[]{}<>«»‹›", ")(][}{><»«›‹")
_FORMS = (*range(0xFB50, 0xFDFC), *range(0xFE70, 0xFEFD))
_KASHIDA = "\u0640"


def as_seen(line: str, drawable: Callable[[str], bool]) -> list[tuple[str, int]]:
    """The characters of ``line`` from left to right, each with its place in ``line``.

    Args:
        drawable: whether a font has the joined form; a letter without it stands by itself.
    """
    if not any(unicodedata.bidirectional(char) in ("R", "AL") for char in line):
        return [(char, place) for place, char in enumerate(line)]
    levels = _levels(line)
    signs = [
        (char.translate(_MIRRORED) if level % 2 else char, place)
        for place, (char, level) in enumerate(zip(_joined(line, drawable), levels, strict=True))
    ]
    for lowest in range(max(levels), 0, -1):
        start = 0
        while start < len(signs):
            end = start
            while end < len(signs) and levels[end] >= lowest:
                end += 1
            signs[start:end], levels[start:end] = signs[start:end][::-1], levels[start:end][::-1]
            start = max(end, start + 1)
    return [(char, place) for char, place in signs if char]


def _levels(line: str) -> list[int]:
    """0 from left to right, 1 from right to left, 2 for numbers among the latter."""
    kinds, strong = [unicodedata.bidirectional(char) for char in line], "L"
    for i, kind in enumerate(kinds):  # W1 to W3, W7: marks and numbers follow what is before them
        if kind == "NSM":
            kind = kinds[i - 1] if i else "L"
        if kind in ("L", "R", "AL"):
            strong = kind
        kinds[i] = {"L": "L", "R": "EN", "AL": "AN"}[strong] if kind == "EN" else kind.replace("AL", "R")
    for i in range(1, len(kinds) - 1):  # W4: the point in 3.14
        if (kinds[i], kinds[i - 1]) in _WITHIN_NUMBERS and kinds[i - 1] == kinds[i + 1]:
            kinds[i] = kinds[i - 1]
    for way in (range(1, len(kinds)), range(len(kinds) - 2, -1, -1)):  # W5: the sign in 50%
        for i in way:
            if kinds[i] == "ET" and kinds[i - way.step] == "EN":
                kinds[i] = "EN"
    for opening, closing in _pairs(line):  # N0
        inside = {_STRENGTH.get(kind) for kind in kinds[opening + 1 : closing]}
        if inside - {None}:
            pulls = "L" if "L" in inside else _pull(kinds[:opening][::-1])
            kinds[opening] = kinds[closing] = pulls
    pulls = [(_pull(kinds[:i][::-1]), _pull(kinds[i + 1 :])) for i in range(len(kinds))]
    return [  # N1, N2: what has no direction takes the one that is on both of its sides
        {"L": 0, "R": 1, "EN": 2, "AN": 2}.get(kind, int(both == ("R", "R")))
        for kind, both in zip(kinds, pulls, strict=True)
    ]


def _pull(kinds: Sequence[str]) -> str:
    """Of the first that has a direction; the line's own at its end."""
    return next((_STRENGTH[kind] for kind in kinds if kind in _STRENGTH), "L")


def _pairs(line: str) -> list[tuple[int, int]]:
    """Where brackets open and close, in the order in which they open."""
    opened: list[int] = []
    pairs = []
    for place, char in enumerate(line):
        if char in _BRACKETS.values():
            opened.append(place)
        elif partners := [i for i in opened if line[i] == _BRACKETS.get(char)]:
            pairs.append((partners[-1], place))
            opened = opened[: opened.index(partners[-1])]
    return sorted(pairs)


def _joined(line: str, drawable: Callable[[str], bool]) -> list[str]:
    """The characters of ``line`` in their joined forms; empty where lam and alef have become one."""
    signs, forms = list(line), _forms()
    letters = [i for i, char in enumerate(line) if unicodedata.category(char) != "Mn"]
    for before, here, after in zip([None, *letters], letters, [*letters[1:], None], strict=False):
        if not signs[here]:
            continue
        joins = before is not None and _joins_on(line[before])
        pair = line[here : here + 2]
        ligature = forms.get(("final" if joins else "isolated", pair))
        if len(pair) == 2 and ligature and drawable(ligature):
            signs[here : here + 2] = ligature, ""
            continue
        onward = after is not None and _joins_on(line[here]) and _joins_back(line[after])
        kind = ("medial" if onward else "final") if joins else ("initial" if onward else "isolated")
        form = forms.get((kind, line[here]))
        if form and drawable(form):
            signs[here] = form
    return signs


def _joins_on(char: str) -> bool:
    return char == _KASHIDA or ("initial", char) in _forms()


def _joins_back(char: str) -> bool:
    return char == _KASHIDA or ("final", char) in _forms()


@cache
def _forms() -> dict[tuple[str, str], str]:
    """Kind and letter (or lam with alef) -> presentation form."""
    found = {}
    for code in _FORMS:
        kind, *letters = unicodedata.decomposition(chr(code)).split() or [""]
        text = "".join(chr(int(letter, 16)) for letter in letters)
        if len(text) == 1 or (len(text) == 2 and code >= 0xFEF5):
            found[kind.strip("<>"), text] = chr(code)
    return found
