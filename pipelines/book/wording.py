"""The few words a book says of itself, in its own language."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

_SENTENCES = Path(__file__).parents[2] / "assets" / "i18n" / "book.json"
_PREFIX = "book."


@cache
def wording(language: str) -> Mapping[str, str]:
    """Name -> words, from ``assets/i18n/book.json``: Chinese for any ``zh`` tag, else English."""
    spoken = "zh" if language.lower().startswith("zh") else "en"
    sentences = json.loads(_SENTENCES.read_text(encoding="utf-8"))
    return {key.removeprefix(_PREFIX): both[spoken] for key, both in sentences.items()}
