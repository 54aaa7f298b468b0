"""The phoneme table of GPT-SoVITS v2: a symbol's place in ``symbols.txt`` is its id in every official checkpoint."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

SYMBOLS_PATH = Path(__file__).resolve().parents[3] / "assets" / "gpt_sovits" / "symbols.txt"
SYMBOL_COUNT = 732
V1_SYMBOL_COUNT = 322
"""The older table is the beginning of the newer one; it holds no Korean and no Cantonese."""
PUNCTUATION = frozenset("!?\u2026,.-")
UNKNOWN = "UNK"


@lru_cache(maxsize=1)
def symbol_ids() -> dict[str, int]:
    """Symbol -> id."""
    return {s: i for i, s in enumerate(SYMBOLS_PATH.read_text(encoding="utf-8").splitlines())}


def ids_of(phonemes: Iterable[str]) -> tuple[int, ...]:
    """The ids of phonemes; a sound the table has no symbol for becomes ``UNK``."""
    table = symbol_ids()
    return tuple(table.get(phoneme, table[UNKNOWN]) for phoneme in phonemes)
