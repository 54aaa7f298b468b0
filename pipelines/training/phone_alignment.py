"""Lays what an engine or a recogniser heard over what the front end expects.

The phonemes and their times come from the heard side; stress and punctuation come from the expected side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from pipelines.text.pronunciation import VOWELS
from pipelines.text.symbols import ENGLISH_STRESS, NO_TONE, is_pause
from pipelines.text.utterance import Utterance

UNSTRESSED = ENGLISH_STRESS[0]
NEAR = {
    frozenset(pair.split())
    for pair in (
        "AH IH,AH EH,AH AA,AH AO,AH UH,AH ER,AH AE,AH OW,IH IY,IH EH,AA AO,UH UW,EH ER,EH AE,EH EY,AO OW,"
        "T D,S Z,SH ZH,F V,TH DH,P B,K G,CH JH,N NG,T CH,D JH,HH W"
    ).split(",")
}
GAP = 0.8


@dataclass(frozen=True)
class Heard:
    """A phone with its times in seconds; ``symbol`` is an ARPAbet phoneme, or None for silence."""

    symbol: str | None
    start: float
    end: float


@dataclass(frozen=True)
class TimedPhonemes:
    """``P`` phonemes with tones and times; ``disagreement`` is the edit cost per expected phoneme."""

    phonemes: tuple[str, ...]
    tones: tuple[int, ...]
    starts: tuple[float, ...]
    ends: tuple[float, ...]
    disagreement: float


def align(heard: Sequence[Heard], expected: Utterance, seconds: float) -> TimedPhonemes:
    """Names every heard phone and pause in the terms of the front end.

    Args:
        heard: in time order; a gap between two belongs to the first.
        expected: the front end's phonemes for the text; its pauses say where the punctuation is.
        seconds: length of the clip, where the last phoneme ends.
    """
    spoken = [(s, t) for s, t in zip(expected.phonemes, expected.tones, strict=True) if not is_pause(s)]
    marks = _marks(expected.phonemes)
    sounds = [phone for phone in heard if phone.symbol is not None]
    partner, cost = _edit_path([phone.symbol for phone in sounds], [symbol for symbol, _ in spoken])

    rows: list[tuple[str, int, float]] = [("sil", NO_TONE, 0.0)]
    next_sound, next_expected = 0, 0
    silence: float | None = None
    for phone in heard:
        if phone.symbol is None:
            silence = phone.start if silence is None else silence
            continue
        if next_sound > 0:
            mark = _mark_between(marks, next_expected, _coming(partner, next_sound))
            if mark or silence is not None:
                rows.append((mark or "sil", NO_TONE, phone.start if silence is None else silence))
        else:
            silence = 0.0
        tone = NO_TONE
        match = partner[next_sound]
        if phone.symbol in VOWELS:
            tone = UNSTRESSED if match is None or spoken[match][0] not in VOWELS else spoken[match][1]
        rows.append((phone.symbol, tone, phone.start))
        if match is not None:
            next_expected = match + 1
        next_sound, silence = next_sound + 1, None
    rows.append((expected.phonemes[-1], NO_TONE, min(seconds, heard[-1].end if silence is None else silence)))

    starts = tuple(round(start, 4) for _, _, start in rows)
    return TimedPhonemes(
        phonemes=tuple(symbol for symbol, _, _ in rows),
        tones=tuple(tone for _, tone, _ in rows),
        starts=starts,
        ends=(*starts[1:], round(seconds, 4)),
        disagreement=cost / max(1, len(spoken)),
    )


def _marks(phonemes: Sequence[str]) -> dict[int, str]:
    """Number of phonemes spoken before a mark -> the mark."""
    marks, spoken = {}, 0
    for symbol in phonemes:
        if not is_pause(symbol):
            spoken += 1
        elif symbol != "sil":
            marks[spoken] = symbol
    return marks


def _mark_between(marks: dict[int, str], first: int, last: int) -> str | None:
    found = [marks[position] for position in range(first, last + 1) if position in marks]
    return found[-1] if found else None


def _coming(partner: Sequence[int | None], index: int) -> int:
    """The expected phoneme that the sound at ``index`` or the next matched one stands for."""
    for match in partner[index:]:
        if match is not None:
            return match
    return -1


@cache
def _difference(heard: str, expected: str) -> float:
    if heard == expected:
        return 0.0
    if frozenset((heard, expected)) in NEAR:
        return 0.25
    if (heard in VOWELS) != (expected in VOWELS):
        return 1.6
    return 0.6 if heard in VOWELS else 1.0


def _edit_path(heard: Sequence[str], expected: Sequence[str]) -> tuple[list[int | None], float]:
    """For every heard phone the index of the expected one it stands for, and the cost of the cheapest path."""
    width = len(expected) + 1
    costs = [[GAP * column for column in range(width)]]
    for row, phone in enumerate(heard, 1):
        above, line = costs[-1], [GAP * row]
        for column, other in enumerate(expected, 1):
            line.append(
                min(
                    above[column - 1] + _difference(phone, other), above[column] + GAP, line[column - 1] + GAP
                )
            )
        costs.append(line)
    partner: list[int | None] = [None] * len(heard)
    row, column = len(heard), len(expected)
    while row and column:
        here = costs[row][column]
        if here == costs[row - 1][column - 1] + _difference(heard[row - 1], expected[column - 1]):
            row, column = row - 1, column - 1
            partner[row] = column
        elif here == costs[row - 1][column] + GAP:
            row -= 1
        else:
            column -= 1
    return partner, costs[-1][-1]
