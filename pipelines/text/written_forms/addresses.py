"""Web and mail addresses, hashtags, handles."""

from __future__ import annotations

import re

from pipelines.text import numbers
from pipelines.text.lexicon import lexicon
from pipelines.text.written_forms.rules import LETTERS_AND_DIGITS, RuleBook, letters

RULES = RuleBook()

_ADDRESS_MARKS = {
    ".": "dot",
    "/": "slash",
    "-": "dash",
    "_": "underscore",
    ":": "colon",
    "@": "at",
    "=": "equals",
    "&": "and",
    "+": "plus",
    "~": "tilde",
    "%": "percent",
}
_DOMAIN_WORDS = frozenset("com org net gov info biz dev app blog shop site online cloud".split())
_TOP_DOMAINS = "com|org|net|edu|gov|io|ai|co|uk|us|de|fr|cn|jp|eu|info|dev|app|me|tv|ca|au|ch|nl"


def _address(written: str) -> str:
    words = []
    for part in LETTERS_AND_DIGITS.findall(written):
        if part[0].isdigit():
            words.append(numbers.cardinal(part) if len(part) < 3 else numbers.spell_digits(part))
        elif part in _ADDRESS_MARKS:
            words.append(_ADDRESS_MARKS[part])
        elif part.isalpha():
            word = (
                part.lower() in _DOMAIN_WORDS
                or len(part) > 4
                or (len(part) > 2 and part.lower() in lexicon())
            )
            words.append(part if word else letters(part))
    return " ".join(words)


@RULES.rule(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
def _email(match: re.Match[str]) -> str:
    return _address(match.group())


@RULES.rule(
    rf"\b(?:https?://|www\.)[^\s<>\"']+|(?<![\w@.])(?:[a-z0-9-]+\.)+(?:{_TOP_DOMAINS})\b(?:/[^\s<>\"']*)?",
    re.I,
)
def _url(match: re.Match[str]) -> str | None:
    written = match.group()
    if written[0].isdigit() and not re.search("[a-z]", written, re.I):
        return None
    tail = re.search(r"[.,;:!?)'\]]*$", written).group()
    address = re.split(r"[?#]", re.sub(r"^https?://", "", written[: len(written) - len(tail)], flags=re.I))[0]
    return _address(address.rstrip("/")) + tail


@RULES.rule(r"(?<!\w)([#@])(\w*[^\W\d_]\w*)")
def _tag(match: re.Match[str]) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|_|(?<=\D)(?=\d)|(?<=\d)(?=\D)", " ", match[2]).split()
    spoken = " ".join(numbers.cardinal(word) if word.isdigit() else word for word in words)
    return f"{'hashtag' if match[1] == '#' else 'at'} {spoken}"


@RULES.rule(r"(?<!\w)#(\d+)\b")
def _number_sign(match: re.Match[str]) -> str:
    return f"number {numbers.cardinal(match[1])}"


@RULES.rule(r"(?<=\b[A-G])#(?!\w)")
def _sharp(match: re.Match[str]) -> str:
    return " sharp"


@RULES.rule(r"[~\u2248]\s?(?=[$\u00a3\u20ac]?\d)")
def _about(match: re.Match[str]) -> str:
    return "about "
