"""Pinyin syllables as the phoneme table sees them: an initial, a final, a tone."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.text.symbols import FINALS, INITIALS, MANDARIN_TONE, NO_TONE

_BY_LENGTH = sorted(INITIALS, key=len, reverse=True)
_SPELLED = {
    "yi": "i",
    "ya": "ia",
    "ye": "ie",
    "yao": "iao",
    "you": "iu",
    "yan": "ian",
    "yin": "in",
    "yang": "iang",
    "ying": "ing",
    "yong": "iong",
    "yo": "o",
    "yai": "ai",
    "yu": "v",
    "yue": "ve",
    "yuan": "van",
    "yun": "vn",
    "wu": "u",
    "wa": "ua",
    "wo": "uo",
    "wai": "uai",
    "wei": "ui",
    "wan": "uan",
    "wen": "un",
    "wang": "uang",
    "weng": "ong",
}
"""Syllables that begin with y or w have no initial; these are their finals."""
_ROUNDED = {"u": "v", "ue": "ve", "uan": "van", "un": "vn"}


@dataclass(frozen=True)
class Syllable:
    """``initial`` is None for a syllable that begins with its vowel; ``tone`` is 1-5, 5 the neutral one."""

    initial: str | None
    final: str
    tone: int

    @property
    def phonemes(self) -> tuple[str, ...]:
        return tuple(f"zh/{part}" for part in (self.initial, self.final) if part)

    @property
    def tones(self) -> tuple[int, ...]:
        tone = MANDARIN_TONE[self.tone]
        return (NO_TONE, tone) if self.initial else (tone,)


def parse_syllable(pinyin: str) -> Syllable | None:
    """``zhong1``, ``lv4``, ``er2`` ... None for what is no syllable of the table."""
    letters, digit = pinyin[:-1].replace("ü", "v").replace("u:", "v"), pinyin[-1:]
    if digit not in "12345" or not digit:
        return None
    tone = int(digit)
    if letters[:1] in ("y", "w"):
        final = _SPELLED.get(letters)
        return Syllable(None, final, tone) if final else None
    initial = next((initial for initial in _BY_LENGTH if letters.startswith(initial)), None)
    final = letters[len(initial or "") :]
    if initial in ("j", "q", "x"):
        final = _ROUNDED.get(final, final)
    if final == "i" and initial in ("z", "c", "s"):
        final = "ii"
    elif final == "i" and initial in ("zh", "ch", "sh", "r"):
        final = "iii"
    final = {"ue": "ve"}.get(final, final)
    return Syllable(initial, final, tone) if final in FINALS else None


def is_pinyin(syllable: str) -> bool:
    """``zhong4``: a syllable of Mandarin with its tone digit."""
    return parse_syllable(syllable) is not None
