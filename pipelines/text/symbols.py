"""The phoneme table of the starter family: one inventory for English and Mandarin, one tone column for both.

English phonemes are the 39 of CMUdict (ARPAbet); their stress sits in the tone column. Mandarin phonemes are pinyin
initials and finals; the tone sits on the final. The order is part of the shipped checkpoints: append, never reorder.
"""

from __future__ import annotations

PAUSES = ("sil", ",", ".", "?", "!")
"""Silences: before the first word, and at the punctuation that causes them. They may last zero frames."""

ARPABET = (
    "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH"
).split()

INITIALS = "b p m f d t n l g k h j q x zh ch sh r z c s".split()

FINALS = (
    "a o e ai ei ao ou an en ang eng er i ia ie iao iu ian in iang ing iong u ua uo uai ui uan un uang ong "
    "v ve van vn ii iii"
).split()
"""``ii`` is the vowel of zi ci si, ``iii`` that of zhi chi shi ri; ``v`` is ü."""

SYMBOLS: tuple[str, ...] = (
    "<pad>",
    *PAUSES,
    *ARPABET,
    *(f"zh/{initial}" for initial in INITIALS),
    *(f"zh/{final}" for final in FINALS),
)

NO_TONE = 0
ENGLISH_STRESS = {0: 1, 1: 2, 2: 3}
"""CMUdict's stress digit -> tone id."""
MANDARIN_TONE = {1: 4, 2: 5, 3: 6, 4: 7, 5: 8}
"""Pinyin tone (5 = neutral) -> tone id."""
TONE_COUNT = 9

LANGUAGES = ("en", "zh")

SYMBOL_ID = {symbol: index for index, symbol in enumerate(SYMBOLS)}


def is_pause(symbol: str) -> bool:
    return symbol in PAUSES


def is_mandarin(symbol: str) -> bool:
    return symbol.startswith("zh/")
