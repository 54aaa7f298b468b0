"""CMUdict and a few newer words, read once, when the first word is spoken."""

from __future__ import annotations

import gzip
import re
from functools import lru_cache
from itertools import product
from pathlib import Path

LEXICON_FOLDER = Path(__file__).parents[2] / "assets" / "lexicon"


class Lexicon:
    """Written words (lower case, ``'`` and ``-`` as in CMUdict) to their pronunciations.

    A pronunciation is a string of ARPAbet phonemes, vowels with their stress digit: ``"HH AH0 L OW1"``.
    """

    def __init__(self, lines: list[str]) -> None:
        self._first: dict[str, str] = {}
        self._others: dict[str, list[str]] = {}
        for line in lines:
            word, _, phonemes = line.partition(" ")
            if word[-1] == ")":
                self._others.setdefault(word[: word.index("(")], []).append(phonemes)
            else:
                self._first[word] = phonemes

    def __contains__(self, word: str) -> bool:
        return word in self._first

    def __len__(self) -> int:
        return len(self._first)

    def first(self, word: str) -> str | None:
        """The usual pronunciation, or None for a word that is not in the dictionary."""
        return self._first.get(word)

    def all(self, word: str) -> tuple[str, ...]:
        """Every pronunciation, the usual one first; empty for an unknown word."""
        first = self._first.get(word)
        return () if first is None else (first, *self._others.get(word, ()))

    def words(self) -> list[str]:
        return list(self._first)


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """The dictionary that ships with the studio."""
    with gzip.open(LEXICON_FOLDER / "cmudict.txt.gz", "rt", encoding="utf-8") as file:
        lines = file.read().splitlines()
    additions = (LEXICON_FOLDER / "additions.txt").read_text(encoding="utf-8").splitlines()
    return Lexicon([*lines, *additions])


_DRAWN_OUT = re.compile(r"([a-z])\1{2,}")
_NUMERAL = re.compile("[ivx]+")
_SINGLE = frozenset("go long so stop yo".split())
"""Meant by ``goooo`` and ``stoooop``, rather than goo and stoop."""


def drawn_out(word: str) -> str | None:
    """``nooooo`` -> no, ``grrrrrr`` -> grr: the word of the dictionary whose letters were written too often."""
    stretched = _DRAWN_OUT.findall(word)
    if not stretched or word in lexicon() or _NUMERAL.fullmatch(word):
        return None
    if word == word[0] * len(word):  # zzzzz is a sound, and www is three letters
        spellings = [word[0] * 3] if word[0] not in "aeiou" else []
    else:
        frame = _DRAWN_OUT.sub("{}", word)
        choices = product(*((2 * letter, letter) for letter in stretched))
        spellings = [frame.format(*letters) for letters in choices]
        spellings.sort(key=lambda spelling: spelling not in _SINGLE)
    return next((spelling for spelling in spellings if spelling in lexicon()), None)
