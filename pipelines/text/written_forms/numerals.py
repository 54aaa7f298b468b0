"""Roman numerals, codes of letters and digits, and every number that is left."""

from __future__ import annotations

import re

from pipelines.text import conventions as known
from pipelines.text import numbers
from pipelines.text.lexicon import lexicon
from pipelines.text.written_forms.rules import (
    DASH,
    LETTERS_AND_DIGITS,
    SIGNED,
    RuleBook,
    after,
    before,
    capitals,
    letters,
)

RULES = RuleBook()


@RULES.rule(r"(?<=\b)([A-Za-z]+)(\s+)([IVXLCDM]+)\b(?!'[a-rt-z]|\.\w)")
def _roman(match: re.Match[str]) -> str | None:
    noun, numeral = match[1], match[3]
    value = numbers.roman(numeral)
    if value is None or not noun[0].isalpha():
        return None
    if noun in known.MONARCHS and (
        len(numeral) > 1 or re.match(r"[.,;:!?)]|$|'s\b| of\b| was\b", match.string[match.end() :])
    ):
        return f"{noun} the {numbers.ordinal(str(value))}"
    follows = match.string[match.end() :]
    clear = (
        len(numeral) > 1
        or noun == "War"
        or (numeral in "IVX" and re.match(r"[.,;:!?)]|$| (?:of|and|to|is)\b", follows))
    )
    if noun.title() in known.NUMERAL_NOUNS and clear:
        return f"{noun} {numbers.cardinal(str(value))}"
    if noun[0].isupper() and not noun.isupper() and len(numeral) > 1 and value < 40 and before(match):
        return f"{noun} {numbers.cardinal(str(value))}"
    return None


@RULES.rule(r"(?:(?<![\w.])|(?<=\d[xX*\u00d7]))(?!0x\d{3})(\d+(?:\.\d+)?)\s?([xX*\u00d7](?=\s?\d))\s?")
def _dimension(match: re.Match[str]) -> str:
    product = re.match(r"[\d\s.xX*\u00d7]+=", match.string[match.end() :])
    times = product or match[2] == "*" or match[2] == "\u00d7" and " " in match.group()
    return f"{numbers.decimal(match[1])} {'times' if times else 'by'} "


@RULES.rule(r"(?<![\w.])(\d+(?:\.\d+)?)[xX](?!\w)")
def _fold(match: re.Match[str]) -> str:
    return f"{numbers.decimal(match[1])} times"


@RULES.rule(r"(?<![\w.])(\d+(?:\.\d+)?)(k|\s?(?:bn|mn|tn))\b")
def _large(match: re.Match[str]) -> str:
    return f"{numbers.decimal(match[1])} {known.MAGNITUDES[match[2].strip()]}"


@RULES.rule(
    r"\b(?=\w*\d)(?=\w*[A-Za-z])[A-Za-z0-9]+(?:[-.][A-Za-z0-9]*\d[A-Za-z0-9]*)*\b|\b[A-Za-z]+-\d+(?:\.\d+)?\b(?!-\w)"
)
def _code(match: re.Match[str]) -> str:
    words = []
    for part in LETTERS_AND_DIGITS.findall(match.group()):
        if part[0].isdigit():
            words.append(_code_number(part))
        elif part.isalpha():
            words.append(
                letters(part)
                if part.isupper() and len(part) < 3
                else capitals(part)
                if part.isupper()
                else part
                if part.lower() in lexicon() and len(part) > 1
                else _word_or_letters(part)
            )
        elif part == ".":
            words.append("point")
    return " ".join(words)


@RULES.rule(r"(?<![\d:])(\d+):(\d+)(?![\d:])")
def _ratio(match: re.Match[str]) -> str:
    return f"{numbers.cardinal(match[1])} to {numbers.cardinal(match[2])}"


@RULES.rule(rf"(?<=[\dmMkKbBnN.]){DASH}(?=[$\u00a3\u20ac]?\d)")
def _range(match: re.Match[str]) -> str | None:
    if match.start() < 1 or not re.search(
        r"\d(?:k|m|bn?|mn|\s?[ap]\.?m\.?)?$", match.string[: match.start()], re.I
    ):
        return None
    sum_ahead = re.match(r"\d+(?:\.\d+)?\s*=", match.string[match.end() :])
    return " minus " if sum_ahead else " to "


_YEAR_BEFORE = frozenset(
    "in since by until till from during before after circa year of around late early mid".split()
)


@RULES.rule(rf"{SIGNED}(?!\w)")
def _number(match: re.Match[str]) -> str:
    written = match.group()
    since = "1000" if before(match).lower() in _YEAR_BEFORE else "1100"
    if len(written) == 4 and written.isdigit() and since <= written <= "2099":
        noun = after(match)
        counted = noun.islower() and (
            noun.endswith("s") and noun not in ("was", "is", "has") or noun in ("people", "more")
        )
        if not counted or before(match).lower() in _YEAR_BEFORE and noun != "people":
            return numbers.year(written)
    return numbers.decimal(written)


@RULES.rule(r"\d+")
def _digits(match: re.Match[str]) -> str:
    return numbers.cardinal(match.group())


def _code_number(digits: str) -> str:
    if not digits.isdigit():
        return numbers.decimal(digits)
    if len(digits) > 4:
        return numbers.spell_digits(digits)
    return numbers.year(digits) if len(digits) == 4 and digits[0] in "12" else numbers.cardinal(digits)


def _word_or_letters(part: str) -> str:
    return letters(part) if len(part) < 3 else part
