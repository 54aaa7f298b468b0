"""Where a line may end, in English and in 中文."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import accumulate

NEVER_FIRST = frozenset("、。，．！？；：）〕】》〉」』〗”’…‥—～·％℃ー々!?,.;:)]}%»›")
"""Kinsoku: what belongs to the word before it."""
NEVER_LAST = frozenset("（〔【《〈「『〖“‘([{$￥¥«‹")
"""Kinsoku: what belongs to the word after it."""
_STRAIGHT = frozenset("\"'")
"""Nobody knows whether they open or close: between two signs they belong to both."""
_WIDE = re.compile(
    r"[\u2e80-\u2fff\u3001-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]"
)
_INSEPARABLE = frozenset("…—")
_LONELY_SHARE = 0.18
"""A last line shorter than this share of the width looks forgotten."""


def paragraphs(text: str) -> list[tuple[int, int]]:
    """Start and end of each line of ``text`` that holds something, without the white space around it."""
    return [match.span() for match in re.finditer(r"[^\s](?:[^\n\r]*[^\s])?", text)]


def may_break(before: str, after: str) -> bool:
    """Whether a line may end between two neighbouring characters. White space stays with what is before it."""
    if after.isspace():
        return False
    if before in NEVER_LAST or after in NEVER_FIRST or (before == after and before in _INSEPARABLE):
        return False
    if before.isspace():
        return True
    if before in _STRAIGHT or after in _STRAIGHT:
        return False
    said = before in "”’" and after in "“‘"
    return bool(said or _WIDE.match(before) or _WIDE.match(after) or before in "—–-…")


def break_lines(text: str, width: float, measure: Callable[[str], float]) -> list[tuple[int, int]]:
    """The lines of one paragraph, as start and end in ``text``, of the most even length that fits in ``width``.

    Args:
        measure: the width of a character; characters stand side by side without kerning. What is wider than a line
            on its own is cut wherever it must be.
    """
    if not text.strip():
        return []
    widths = [measure(char) for char in text]
    sums = [0.0, *accumulate(widths)]
    cuts = _cuts(text, sums, width)
    solid = [len(text[:cut].rstrip()) for cut in cuts]
    costs, previous = [0.0] + [float("inf")] * (len(cuts) - 1), [0] * len(cuts)
    for last in range(1, len(cuts)):
        for first in range(last - 1, -1, -1):
            used = sums[max(solid[last], cuts[first])] - sums[cuts[first]]
            if used > width and first < last - 1:
                break
            cost = costs[first] + _cost(used / width, final=last == len(cuts) - 1, alone=first == 0)
            if cost < costs[last]:
                costs[last], previous[last] = cost, first
    lines, last = [], len(cuts) - 1
    while last:
        lines.append((cuts[previous[last]], solid[last]))
        last = previous[last]
    return lines[::-1]


def _cost(share: float, *, final: bool, alone: bool) -> float:
    """A line costs the square of what it leaves empty, and a little for being there at all."""
    if final:
        return 0.3 if share < _LONELY_SHARE and not alone else 0.0
    return (1 - share) ** 2 + 0.02


def _cuts(text: str, sums: Sequence[float], width: float) -> list[int]:
    """Every place where a line may begin, with 0 and the end."""
    free = [0, *(i for i in range(1, len(text)) if may_break(text[i - 1], text[i])), len(text)]
    cuts = [0]
    for start, end in zip(free, free[1:], strict=False):
        begin = start
        for place in range(start + 1, end):
            if sums[place + 1] - sums[begin] > width:
                cuts.append(place)
                begin = place
        cuts.append(end)
    return cuts
