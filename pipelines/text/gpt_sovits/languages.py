"""Which stretch of a text is read in which language."""

from __future__ import annotations

import re
from itertools import groupby

from pipelines.failure import CraftError
from pipelines.text.mandarin_forms import UNITS
from pipelines.text.overrides import MARK
from pipelines.text.written_forms.rules import any_of

LANGUAGES = ("zh", "en", "ja", "ko", "yue")
MODES = ("auto", "auto_yue", *LANGUAGES, "all_zh", "all_ja", "all_ko", "all_yue")
"""``zh``: Latin words are English, everything else Mandarin (``ja``, ``ko``, ``yue`` likewise). ``all_zh`` is the same:
no language of the table spells Latin letters itself. ``en``: all of it English. ``auto`` looks at the letters, and
``auto_yue`` takes Chinese characters for Cantonese."""

_HAN = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_KANA = "\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9f"
_HANGUL = "\u1100-\u11ff\u3131-\u318e\uac00-\ud7af"
_NUMBER = (
    r"[-\u2212+\u00b1\u2248~<>\u2264\u2265]?(?:US|HK|NT)?[$\u20ac\u00a3\u00a5\uffe5]?\s?(?:(?:USD|CNY|RMB|EUR|GBP|JPY|HKD)\s?)?"
    r"\d+(?:[.,:/]\d+)*"
    rf"(?:\s?(?:{any_of(unit for unit in UNITS if unit.isascii())}|\u2103|[ap]\.?m\.?|USD|CNY|RMB|EUR|GBP|JPY|HKD|'?s)(?![A-Za-z]))?"
)
_SENTENCE_ENDS = frozenset(".!?\u3002\uff01\uff1f\n")
_TOKEN = re.compile(
    rf"(?P<han>(?:[{_HAN}]{MARK}?)+)|(?P<kana>(?:[{_KANA}]{MARK}?)+)|(?P<hangul>[{_HANGUL}]+)|(?P<number>{_NUMBER})"
    rf"|(?P<latin>[^\W\d_{_HAN}{_KANA}{_HANGUL}](?:['\u2019&-]?[^\W\d_{_HAN}{_KANA}{_HANGUL}])*)|(?P<other>.)",
    re.S,
)


def spans(text: str, mode: str) -> list[tuple[str, str]]:
    """(language, stretch) in order; joined, the stretches are the text. Punctuation stays with what it follows.

    A number belongs to the words around it: English between English words, else the language of its other neighbour.

    Raises:
        CraftError: ``language_mode_unknown``.
    """
    if mode not in MODES:
        raise CraftError("language_mode_unknown", mode=mode, modes=", ".join(MODES))
    if mode == "en":
        return [("en", text)] if text else []
    tokens = [(match.lastgroup, match.group()) for match in _TOKEN.finditer(text)]
    owners = _owners(tokens, mode)
    ends = [token in _SENTENCE_ENDS for _, token in tokens]
    for index, (kind, _) in enumerate(tokens):
        if owners[index] is None:
            before = next((owner for owner in reversed(owners[:index]) if owner), None)
            rest = range(index + 1, len(tokens))
            after = next((owners[at] or "" for at in rest if owners[at] or before and ends[at]), None)
            owners[index] = _adopted(kind, before, after, mode)
    pairs = [(owner, token) for owner, (_, token) in zip(owners, tokens, strict=True)]
    return [(owner, "".join(token for _, token in group)) for owner, group in groupby(pairs, lambda p: p[0])]


def _owners(tokens: list[tuple[str, str]], mode: str) -> list[str | None]:
    """The language that a token's script says by itself; None for numbers and punctuation."""
    if mode.startswith("auto"):
        kana = any(kind == "kana" for kind, _ in tokens)
        hangul = any(kind == "hangul" for kind, _ in tokens)
        han = "ja" if kana else "ko" if hangul else "yue" if mode == "auto_yue" else "zh"
        by_script = {"han": han, "kana": "ja", "hangul": "ko", "latin": "en"}
    else:
        home = mode.removeprefix("all_")
        by_script = {"han": home, "kana": home, "hangul": home, "latin": "en"}
    return [by_script.get(kind) for kind, _ in tokens]


def _adopted(kind: str, before: str | None, after: str | None, mode: str) -> str:
    if kind == "number" and before and after and before != after:
        return after if before == "en" else before
    return before or after or ("en" if mode.startswith("auto") else mode.removeprefix("all_"))
