"""Which language a text is written in, by its letters and its smallest words."""

from __future__ import annotations

import re
import unicodedata

from pipelines.text.overrides import unmarked
from pipelines.text.pronunciation import fold

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3007]")
"""Without the planes of characters that no dictionary here can read."""
_ENGLISH_LETTER = re.compile("[a-z]+")
_APOSTROPHE = re.compile("[\u02bb-\u02bf]")
"""Letters to Unicode: the \u02bb of Hawai\u02bbi."""
_KANA = re.compile(r"[\u3041-\u30ff\u31f0-\u31ff]")
_HANGUL = re.compile(r"[\uac00-\ud7a3]")
_BESIDE_THEM = re.compile(r"[\u3005\u3006\u1100-\u11ff]")
"""The signs 々 and 〆, which stand for characters, and lone letters of hangul (ㅋㅋ): nobody reads a text of them."""
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")

_ENGLISH = frozenset(
    "the a an and of to in is was it he she that with for as on at by his her this be are were have has had not but "
    "they you we i my me or from so if there what when who will would can one all out up about into do did no".split()
)
_OTHERS = frozenset(
    "le la les des du et est une dans pour que qui avec sur pas ce cette il elle nous vous sont je ne "
    "der das und ist ein eine nicht mit den dem von zu sich auf ich sie wir auch für wie "
    "el los las del y en por con una para como es pero su al lo más muy está "
    "di che il non per con sono della gli è anche "
    "o os um uma não em do da dos das com mais seu "
    "het een van niet ik je zijn voor maar ook".split()
)
_ENOUGH_WORDS = 5
"""Fewer words in Latin letters are taken for English: names and titles say nothing about the language."""


def detect_language(text: str) -> str:
    """``en``, ``zh``, ``mixed`` (both), ``ja``, ``ko``, ``other``, or ``none`` where nothing can be spoken.

    Digits alone count as English. Kana make a text Japanese and hangul make it Korean, whatever Chinese characters
    and Latin words stand among them; Japanese without kana counts as Chinese. A Latin-lettered text is ``other`` when
    its function words are those of another European language.
    """
    text = unmarked(text)
    written = _APOSTROPHE.sub("", unicodedata.normalize("NFKC", text))
    letters = [c for c in written if c.isalpha() or c.isdigit()]
    han = sum(bool(_HAN.match(c)) for c in letters)
    kana = sum(bool(_KANA.match(c)) for c in letters)
    hangul = sum(bool(_HANGUL.match(c)) for c in letters)
    beside = sum(bool(_BESIDE_THEM.match(c)) for c in letters) if kana or hangul else 0
    alphabetic = [c for c in letters if c.isalpha() and not _HAN.match(c)]
    latin = sum(bool(_ENGLISH_LETTER.fullmatch(fold(c))) for c in alphabetic)
    greek = sum("GREEK" in unicodedata.name(c, "") for c in alphabetic)
    if not letters:
        return "none"
    strange = len(alphabetic) - latin - greek - kana - hangul - beside
    if strange or (kana and hangul) or greek > latin + 3:
        return "other"
    if kana or hangul:
        return "ja" if kana else "ko"
    if han:
        return "mixed" if latin else "zh"
    return "other" if _is_other_european(text) else "en"


def spoken_languages(language: str) -> frozenset[str]:
    """What a voice must speak to say a text of which ``detect_language`` says this."""
    return frozenset(("en", "zh") if language == "mixed" else (language,))


def _is_other_european(text: str) -> bool:
    words = [word.lower() for word in _WORD.findall(text)]
    if len(words) < _ENOUGH_WORDS:
        return False
    english = sum(word in _ENGLISH for word in words)
    other = sum(word in _OTHERS for word in words)
    return other >= max(3, len(words) // 5) and other > 2 * english
