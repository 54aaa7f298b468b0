"""How an English word sounds: dictionary, then regular inflection of a dictionary word, then letter by letter."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from pipelines.text.homographs import homograph
from pipelines.text.lexicon import lexicon
from pipelines.text.symbols import ENGLISH_STRESS, NO_TONE

VOWELS = frozenset("AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW".split())
_SIBILANTS = frozenset("S Z SH ZH CH JH".split())
_VOICELESS = frozenset("P T K F TH".split())


@dataclass(frozen=True)
class Pronunciation:
    """P phonemes of ``pipelines.text.symbols`` and their P tone ids (stress on vowels, ``NO_TONE`` elsewhere)."""

    phonemes: tuple[str, ...]
    tones: tuple[int, ...]

    @classmethod
    def from_arpabet(cls, arpabet: str) -> Pronunciation:
        """From phonemes with stress digits, ``"HH AH0 L OW1"``."""
        phonemes, tones = [], []
        for phoneme in arpabet.split():
            stressed = phoneme[-1].isdigit()
            phonemes.append(phoneme[:-1] if stressed else phoneme)
            tones.append(ENGLISH_STRESS[int(phoneme[-1])] if stressed else NO_TONE)
        return cls(tuple(phonemes), tuple(tones))


def fold(word: str) -> str:
    """The dictionary's spelling of a written word: lower case, plain apostrophes, no accents."""
    plain = word.replace("\u2019", "'").replace("\u02bc", "'").lower()
    for special, letters in (
        ("ß", "ss"),
        ("æ", "ae"),
        ("œ", "oe"),
        ("ø", "o"),
        ("ł", "l"),
        ("đ", "d"),
        ("ð", "th"),
        ("þ", "th"),
    ):
        plain = plain.replace(special, letters)
    return "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))


def words_to_phonemes(words: Sequence[str]) -> list[Pronunciation]:
    """The pronunciation of every word of a sentence, in order, neighbours considered (``the`` before a vowel).

    Args:
        words: written words without punctuation or digits, in any case; letters to be spelled are single capitals.
    """
    folded = [fold(word) for word in words]
    arpabets = [
        _letter(word, index, words) or homograph(folded, index) or arpabet_of(folded[index])
        for index, word in enumerate(words)
    ]
    for index, word in enumerate(words[:-1]):
        if word.lower() == "the" and arpabets[index + 1][:2] in VOWELS:
            arpabets[index] = "DH IY0"
    return [Pronunciation.from_arpabet(arpabet) for arpabet in arpabets]


def _letter(word: str, index: int, words: Sequence[str]) -> str | None:
    """The name of a letter that stands alone. A lone ``A`` is the article unless it is spelled or names something."""
    if len(word) != 1 or not word.isupper() or word == "I":
        return None
    if word == "A":
        neighbours = (*words[max(index - 1, 0) : index], *words[index + 1 : index + 2])
        spelled = any(len(other) == 1 and other.isupper() and other != "I" for other in neighbours)
        if not spelled and index == 0:
            return None
    return lexicon().first(f"{fold(word)}.")


@lru_cache(maxsize=20_000)
def arpabet_of(word: str) -> str:
    """Phonemes with stress digits of one folded word."""
    return _known(word) or _compound(word) or spelled(word)


def spelled(word: str) -> str:
    """A word letter by letter; marks that are no letters are silent."""
    names = (lexicon().first(f"{letter}.") for letter in word if "a" <= letter <= "z")
    return " ".join(name for name in names if name)


def _known(word: str) -> str | None:
    known = lexicon().first(word)
    if known:
        return known
    return _possessive(word) or _inflected(word)


def _possessive(word: str) -> str | None:
    if word.endswith("s'"):
        return _known(word[:-1])
    if word.endswith("'s"):
        stem = arpabet_of(word[:-2])
        return f"{stem} {_plural_ending(stem)}" if stem else None
    if word.endswith("'"):
        return _known(word[:-1])
    return None


def _inflected(word: str) -> str | None:
    """-s, -ed, -ing, -er and a few more of a dictionary word, its spelling restored (``hoping`` -> ``hope``)."""
    for ending, rule in _ENDINGS.items():
        if not word.endswith(ending):
            continue
        stem = word[: -len(ending)]
        for spelling in _stems(stem, ending):
            known = lexicon().first(spelling) if len(spelling) > 2 else None
            if known:
                return f"{known} {rule(known) if callable(rule) else rule}"
    return None


def _stems(stem: str, ending: str) -> list[str]:
    if ending in ("ly", "ness", "less", "ful", "ment"):
        return [stem, stem[:-1] + "y"] if stem.endswith("i") else [stem]
    if ending == "s":
        return [] if stem.endswith(("s", "i", "u", "o")) else [stem]
    if ending == "es":
        return (
            [stem[:-1] + "y"]
            if stem.endswith("i")
            else [stem]
            if stem.endswith(("s", "x", "z", "ch", "sh", "o"))
            else []
        )
    doubled = len(stem) > 2 and stem[-1] == stem[-2] and stem[-1] not in "lsz"
    restored = [stem[:-1]] if doubled else []
    if stem.endswith("i"):
        restored.append(stem[:-1] + "y")
    return [*restored, stem + "e", stem]


def _plural_ending(stem: str) -> str:
    last = stem.rsplit(" ", 1)[-1]
    return "IH0 Z" if last in _SIBILANTS else "S" if last in _VOICELESS else "Z"


def _past_ending(stem: str) -> str:
    last = stem.rsplit(" ", 1)[-1]
    return (
        "IH0 D" if last in ("T", "D") else "T" if last in _VOICELESS | _SIBILANTS - {"Z", "ZH", "JH"} else "D"
    )


_ENDINGS = {
    "ing": "IH0 NG",
    "ed": _past_ending,
    "er": "ER0",
    "ers": "ER0 Z",
    "es": _plural_ending,
    "s": _plural_ending,
    "ly": "L IY0",
    "ness": "N AH0 S",
    "less": "L AH0 S",
    "ful": "F AH0 L",
    "ment": "M AH0 N T",
}


def _compound(word: str) -> str | None:
    """A hyphenated word, part by part."""
    parts = [part for part in re.split(r"[-_]", word) if part]
    return " ".join(arpabet_of(part) for part in parts) if len(parts) > 1 else None
