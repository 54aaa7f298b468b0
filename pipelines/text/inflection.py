"""Regular English endings: the sound of ``narrating`` from that of ``narrate``."""

from __future__ import annotations

from collections.abc import Callable

_SIBILANTS = frozenset("S Z SH ZH CH JH".split())
_VOICELESS = frozenset("P T K F TH S SH CH".split())


def stems(word: str) -> list[tuple[str, Callable[[str], str]]]:
    """Spellings of the word without its ending, likeliest first, each with what makes the whole of its sound.

    Sounds are ARPAbet with stress digits, as in the dictionary. No stem is promised to be a word.
    """
    found = []
    for ending, shortest, spellings, add in _ENDINGS:
        if word.endswith(ending):
            stem = word[: -len(ending)]
            found += [(spelling, add) for spelling in spellings(stem) if len(spelling) >= shortest]
    return found


def _plain(stem: str) -> list[str]:
    return [stem]


def _y_restored(stem: str) -> list[str]:
    return [f"{stem[:-1]}y", stem] if stem.endswith("i") else [stem]


def _e_restored(stem: str) -> list[str]:
    """``hopp`` -> hop, ``hop`` -> hope, ``carri`` -> carry."""
    doubled = len(stem) > 2 and stem[-1] == stem[-2] and stem[-1] not in "lsz"
    return [
        *([stem[:-1]] if doubled else []),
        *([f"{stem[:-1]}y"] if stem.endswith("i") else []),
        f"{stem}e",
        stem,
    ]


def _before_s(stem: str) -> list[str]:
    return [] if stem.endswith(("s", "i", "u")) else [stem]


def _before_es(stem: str) -> list[str]:
    if stem.endswith("i"):
        return [f"{stem[:-1]}y"]
    return [stem] if stem.endswith(("s", "x", "z", "ch", "sh", "o")) else []


def plural(sound: str) -> str:
    last = _last(sound)
    return f"{sound} {'IH0 Z' if last in _SIBILANTS else 'S' if last in _VOICELESS else 'Z'}"


def past(sound: str) -> str:
    last = _last(sound)
    return f"{sound} {'IH0 D' if last in ('T', 'D') else 'T' if last in _VOICELESS else 'D'}"


def _adding(ending: str) -> Callable[[str], str]:
    """Joins an ending; a consonant that would be doubled is said once (``local`` + ``ly``)."""
    first, _, rest = ending.partition(" ")
    return lambda sound: f"{sound} {rest if _last(sound) == first else ending}"


def _last(sound: str) -> str:
    return sound.rsplit(" ", 1)[-1]


def _have(sound: str) -> str:
    return f"{sound} {'V' if _last(sound)[-1].isdigit() else 'AH0 V'}"


_ENDINGS: tuple[tuple[str, int, Callable[[str], list[str]], Callable[[str], str]], ...] = (
    ("'s", 1, _plain, plural),
    ("s'", 1, lambda stem: [f"{stem}s"], str),
    ("'ll", 1, _plain, lambda sound: f"{sound} AH0 L"),
    ("'ve", 1, _plain, _have),
    ("'d", 1, _plain, past),
    ("'re", 1, _plain, lambda sound: f"{sound} ER0"),
    ("'", 2, _plain, str),
    ("ing", 3, _e_restored, _adding("IH0 NG")),
    ("ed", 3, _e_restored, past),
    ("er", 4, _e_restored, _adding("ER0")),
    ("ers", 4, _e_restored, _adding("ER0 Z")),
    ("s", 3, _before_s, plural),
    ("es", 3, _before_es, plural),
    ("ly", 4, _y_restored, _adding("L IY0")),
    ("ness", 3, _y_restored, _adding("N AH0 S")),
    ("less", 3, _y_restored, _adding("L AH0 S")),
    ("ful", 3, _y_restored, _adding("F AH0 L")),
    ("ment", 4, _plain, _adding("M AH0 N T")),
)
"""Ending, shortest stem, spellings of the stem, sound of the whole. The apostrophes come first."""
