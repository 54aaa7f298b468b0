"""Numbers as an English speaker says them. Every function takes digits as written and answers words."""

from __future__ import annotations

import re

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
DIGITS = _SMALL[:10]
_TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()
_SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred"))
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
_ROMAN_NUMERAL = re.compile(r"M{0,3}(CM|CD|D?C{0,3})(XC|XL|L?X{0,3})(IX|IV|V?I{0,3})")
LONGEST_CARDINAL = 15
"""More digits than this are read one by one."""


def cardinal(digits: str) -> str:
    """``1,204`` -> one thousand two hundred four; ``007`` and very long numbers digit by digit."""
    plain = digits.replace(",", "")
    if (len(plain) > 1 and plain[0] == "0") or len(plain) > LONGEST_CARDINAL:
        return spell_digits(plain)
    return _words(int(plain))


def _words(value: int) -> str:
    for size, name in _SCALES:
        if value >= size:
            rest = f" {_words(value % size)}" if value % size else ""
            return f"{_words(value // size)} {name}{rest}"
    if value < 20:
        return _SMALL[value]
    return _TENS[value // 10] + (f"-{_SMALL[value % 10]}" if value % 10 else "")


def spell_digits(digits: str) -> str:
    return " ".join(DIGITS[int(digit)] for digit in digits if digit.isdigit())


def decimal(number: str) -> str:
    """``3.14`` -> three point one four; a whole number is a cardinal; a sign is said."""
    if number[0] in "-\u2212+":
        return f"{'plus' if number[0] == '+' else 'minus'} {decimal(number[1:])}"
    whole, point, part = number.partition(".")
    if not point:
        return cardinal(whole)
    return f"{cardinal(whole)} point {spell_digits(part)}" if whole else f"point {spell_digits(part)}"


def ordinal(digits: str) -> str:
    """``22`` -> twenty-second."""
    words = _words(int(digits.replace(",", "")))
    head, mark, last = re.fullmatch(r"(?:(.*)([ -]))?(\w+)", words).groups(default="")
    ending = _ORDINALS.get(last) or (f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th")
    return f"{head}{mark}{ending}"


def year(digits: str) -> str:
    """``1905`` -> nineteen oh five, ``2000`` -> two thousand, ``2024`` -> twenty twenty-four."""
    value = int(digits)
    if len(digits) != 4 or value < 1000 or 2000 <= value <= 2009 or value % 1000 == 0:
        return cardinal(digits)
    century, rest = cardinal(digits[:2]), int(digits[2:])
    if rest == 0:
        return f"{century} hundred"
    return f"{century} {'oh ' if rest < 10 else ''}{cardinal(str(rest))}"


def decade(digits: str) -> str:
    """``1990`` or ``90`` -> (nineteen) nineties."""
    words = "hundreds tens twenties thirties forties fifties sixties seventies eighties nineties".split()
    last = words[int(digits[-2])]
    if len(digits) == 2:
        return last
    if digits[-2:] == "00" and digits[1] == "0":
        return f"{cardinal(digits)}s"
    return f"{cardinal(digits[:2])} {last}"


def fraction(numerator: str, denominator: str) -> str:
    """``3/4`` -> three quarters; anything that is no everyday fraction is said with "over"."""
    top, bottom = int(numerator), int(denominator)
    everyday = 0 < top < bottom and (bottom <= 10 or bottom in (12, 16, 20, 32, 50, 64, 100, 1000))
    if not everyday:
        return f"{cardinal(numerator)} over {cardinal(denominator)}"
    name = {2: "half", 4: "quarter"}.get(bottom) or ordinal(denominator)
    if top > 1:
        name = "halves" if bottom == 2 else f"{name}s"
    return f"{cardinal(numerator)} {name}"


def mixed_fraction(whole: str, numerator: str, denominator: str) -> str:
    """``2 1/2`` -> two and a half."""
    part = fraction(numerator, denominator)
    if part.startswith("one ") and "over" not in part:
        part = f"{'an' if denominator == '8' else 'a'} {part[4:]}"
    return f"{cardinal(whole)} and {part}"


def roman(numeral: str) -> int | None:
    """``XIV`` -> 14; None for letters that are no numeral."""
    if not numeral or not _ROMAN_NUMERAL.fullmatch(numeral):
        return None
    values = [_ROMAN[letter] for letter in numeral]
    return sum(-v if i + 1 < len(values) and v < values[i + 1] else v for i, v in enumerate(values))


def plural(noun: str) -> str:
    """``pound`` -> pounds, ``foot`` -> feet."""
    irregular = {
        "foot": "feet",
        "inch": "inches",
        "penny": "pence",
        "yen": "yen",
        "yuan": "yuan",
        "won": "won",
    }
    irregular |= {
        "hertz": "hertz",
        "celsius": "celsius",
        "rand": "rand",
        "baht": "baht",
        "percent": "percent",
    }
    head, _, tail = noun.partition(" ")
    if head in ("square", "cubic"):
        return f"{head} {plural(tail)}"
    if tail:
        return f"{plural(head)} {tail}"
    if head.endswith("hertz") or head.endswith("x"):
        return head
    return irregular.get(head) or f"{head}s"
