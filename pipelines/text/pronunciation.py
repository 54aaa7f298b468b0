"""How an English word sounds: the dictionary, a regular ending of a dictionary word, or the spelling-to-sound network."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from pipelines.text.homographs import homograph
from pipelines.text.inflection import stems
from pipelines.text.lexicon import drawn_out, lexicon
from pipelines.text.symbols import ARPABET, ENGLISH_STRESS, NO_TONE

if TYPE_CHECKING:
    from models.grapheme_to_phoneme import GraphemeToPhoneme

VOWELS = frozenset("AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW".split())
_CONSONANTS = frozenset(ARPABET) - VOWELS
VOWEL_LETTERS = frozenset("aeiouy")
NETWORK_PATH = (
    Path(__file__).parents[2] / "assets" / "grapheme_to_phoneme" / "grapheme_to_phoneme.safetensors"
)


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


_ENGLISH_LETTERS = str.maketrans(
    {
        **dict(zip("øłđħıŧəɛɔɓɗɖƙƴƒ", "oldhitaeobddkyf", strict=True)),
        **{"ß": "ss", "æ": "ae", "œ": "oe", "ð": "th", "þ": "th", "ŋ": "ng"},
    }
)
"""How letters of other Latin alphabets are spelled where nobody has them on the keyboard."""


def fold(word: str) -> str:
    """The dictionary's spelling of a written word: lower case, plain apostrophes, no accents."""
    plain = (
        re.sub("[\u2019\u02bc]", "'", re.sub("[\u2010\u2011]", "-", word)).lower().translate(_ENGLISH_LETTERS)
    )
    return "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))


def words_to_phonemes(
    words: Sequence[str], own: Mapping[str, str] = MappingProxyType({})
) -> list[Pronunciation]:
    """The pronunciation of every word of a sentence, in order, neighbours considered (``the`` before a vowel).

    Args:
        words: written words without punctuation or digits, in any case; letters to be spelled are single capitals.
        own: folded word -> ARPAbet, before every dictionary.
    """
    return [Pronunciation.from_arpabet(arpabet) for arpabet in arpabets(words, own)]


def arpabets(
    words: Sequence[str], own: Mapping[str, str] = MappingProxyType({}), context: bool = True
) -> list[str]:
    """The same sounds as ARPAbet with stress digits, ``"HH AH0 L OW1"``.

    Without ``context`` every word has the first sound of the dictionary, and a lone capital is its letter's name.
    """
    folded = [fold(word) for word in words]
    if not context:
        return [
            own_sound(folded[index], own)
            or (len(word) == 1 and word.isupper() and lexicon().first(f"{folded[index]}."))
            or arpabet_of(folded[index])
            for index, word in enumerate(words)
        ]
    sounds = [
        own_sound(folded[index], own)
        or _letter(word, index, words)
        or homograph(folded, index)
        or arpabet_of(folded[index])
        for index, word in enumerate(words)
    ]
    for index, word in enumerate(words[:-1]):
        if word.lower() == "the" and sounds[index + 1][:2] in VOWELS and "the" not in own:
            sounds[index] = "DH IY0"
    return sounds


def own_sound(word: str, own: Mapping[str, str]) -> str | None:
    """The ARPAbet of a folded word on the person's own list, also with a regular ending (``VoxTale's``)."""
    if not own or word in own:
        return own.get(word)
    return next((whole(own[stem]) for stem, whole in stems(word) if stem in own and "'" in word), None)


def is_arpabet(sounds: str) -> bool:
    """``HH AH0 L OW1``: known phonemes, a stress digit on the vowels and nowhere else."""
    return bool(sounds.split()) and all(
        sound[:-1] in VOWELS if sound[-1] in "012" else sound in _CONSONANTS for sound in sounds.split()
    )


_LETTERED = frozenset(
    "an at plan vitamin grade type class group team option letter section part exhibit hepatitis level side unit "
    "series schedule appendix figure model version point the".split()
)


def _letter(word: str, index: int, words: Sequence[str]) -> str | None:
    """The name of a letter that stands alone. A lone ``A`` is the article unless it is spelled or names something."""
    if len(word) != 1 or not word.isupper() or word == "I":
        return None
    if word == "A":
        before, after = words[index - 1] if index else "", words[index + 1] if index + 1 < len(words) else ""
        spelled = after == "I" or any(
            len(other) == 1 and other.isupper() and other != "I" for other in (before, after)
        )
        if not (spelled or before.lower() in _LETTERED or (before and not after)):
            return None
    return lexicon().first(f"{fold(word)}.")


@lru_cache(maxsize=20_000)
def arpabet_of(word: str) -> str:
    """Phonemes with stress digits of one folded word; empty when it holds no letter of a-z."""
    known = lexicon().first(drawn_out(word) or word)
    if known:
        return known
    for stem, whole in stems(word):
        known = lexicon().first(stem) or ("'" in word and "'" not in stem and arpabet_of(stem))
        if known:
            return whole(known)
    parts = [part for part in re.split("[^a-z]+", word) if part]
    if len(parts) != 1 or parts[0] != word:
        return " ".join(_part(parts, index) for index in range(len(parts)))
    readable = len(word) > 1 and not VOWEL_LETTERS.isdisjoint(word)
    return " ".join(_guess(word)) if readable else spelled(word)


def _part(parts: list[str], index: int) -> str:
    """A part of a compound: ``A-list``, ``read-only``, ``re-enter``."""
    if parts[index] == "a":
        return spelled("a")
    if parts[index] == "re" and index == 0:
        return "R IY2"
    return homograph(parts, index) or arpabet_of(parts[index])


def spelled(word: str) -> str:
    """A word of a-z letter by letter."""
    return " ".join(lexicon().first(f"{letter}.") for letter in word)


def _guess(word: str) -> tuple[str, ...]:
    network = _network()
    room = network.config.longest - 2
    parts = [word[first : first + room] for first in range(0, len(word), room)]
    return tuple(sound for spoken in network.pronounce(parts) for sound in spoken)


@lru_cache(maxsize=1)
def _network() -> GraphemeToPhoneme:
    from models.grapheme_to_phoneme import GraphemeToPhoneme

    return GraphemeToPhoneme.load(NETWORK_PATH)
