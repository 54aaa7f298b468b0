"""The sentences people read, in English and 中文."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

languages = ("en", "zh")

_FOLDER = Path(__file__).resolve().parent.parent / "assets" / "i18n"


@cache
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Key -> language -> sentence, merged from ``assets/i18n/*.json``.

    Raises:
        ValueError: two files define the same key.
    """
    merged: dict[str, Mapping[str, str]] = {}
    for path in sorted(_FOLDER.glob("*.json")):
        for key, sentences in json.loads(path.read_text(encoding="utf-8")).items():
            if key in merged:
                raise ValueError(f"{path.name} defines {key!r} again")
            merged[key] = sentences
    return merged


def nearest_language(tag: str | None) -> str:
    """A browser's tag (``zh-Hans-CN``, ``en-GB``, ``fr``, None) -> one of ``languages``."""
    return "zh" if (tag or "").lower().startswith("zh") else "en"


def say(key: str, language: str, /, **facts: object) -> str:
    """The sentence ``key`` in ``language``, its placeholders filled from ``facts``."""
    return catalogue()[key][language].format(**facts)
