"""What the listener's classes mean."""

from __future__ import annotations

from pipelines.text.symbols import SYMBOLS, is_pause

PHONEMES: tuple[str, ...] = ("", *(s for s in SYMBOLS if s != "<pad>" and not is_pause(s)))
"""Class 0 is silence (and CTC's blank); the others are the phonemes in the order of the symbol table."""

CLASS_COUNT = len(PHONEMES)
CLASS_OF_SYMBOL: tuple[int, ...] = tuple(PHONEMES.index(s) if s in PHONEMES else 0 for s in SYMBOLS)
