"""Sums of money, measures, ordinals, fractions, powers."""

from __future__ import annotations

import re

from pipelines.text import conventions as known
from pipelines.text import numbers
from pipelines.text.written_forms.rules import DASH, NUMBER, SIGNED, RuleBook, after, any_of, before

RULES = RuleBook()

_SCALE = (
    rf"(?:\s?(?P<scale>{any_of(m for m in known.MAGNITUDES if len(m) > 1 or m == 'm')})"
    rf"|(?P<short>{any_of(m for m in known.MAGNITUDES if len(m) == 1)}))?"
)
_SIGNS = any_of(c for c in known.CURRENCIES if not c.isalpha())
_CODES = any_of(known.CURRENCIES)
_NO_NOUNS = frozenset(
    "and or in for to of on a at is was per each from the than more but by as if with".split()
)


@RULES.rule(
    rf"(?P<sign>(?<!\w)[-\u2212])?(?<![A-Za-z])(?P<currency>{_SIGNS}|USD|GBP|EUR|RMB)\s?(?P<amount>{NUMBER})"
    rf"(?:{DASH}(?:{_SIGNS})?(?P<upto>{NUMBER}))?{_SCALE}(?!\w)"
)
def _money(match: re.Match[str]) -> str:
    return ("minus " if match["sign"] else "") + _sum(match)


@RULES.rule(
    rf"(?<![\w.])(?P<amount>{NUMBER})(?:{DASH}(?P<upto>{NUMBER}))?{_SCALE}\s?(?P<currency>{_CODES})(?!\w)"
)
def _money_behind(match: re.Match[str]) -> str:
    return _sum(match)


@RULES.rule(rf"(?<![\w.])(?P<amount>{NUMBER})\s?\u00a2")
def _cents(match: re.Match[str]) -> str:
    return f"{numbers.decimal(match['amount'])} {'cent' if match['amount'] == '1' else 'cents'}"


def _sum(match: re.Match[str]) -> str:
    unit, sub_unit = known.CURRENCIES[match["currency"]]
    amount, upto, scale = (
        match["amount"],
        match["upto"],
        known.MAGNITUDES.get(match["scale"] or match["short"] or "", ""),
    )
    adjective = counts_as_adjective(match)
    whole, _, part = amount.partition(".")
    if part and len(part) <= 2 and not scale and not upto:
        part = part.ljust(2, "0")
        said = []
        if int(whole.replace(",", "") or 0):
            said.append(_counted(whole, unit, adjective))
        if int(part):
            said.append(_counted(str(int(part)), sub_unit, adjective))
        return " and ".join(said) or f"zero {numbers.plural(unit)}"
    words = (
        numbers.decimal(amount)
        + (f" to {numbers.decimal(upto)}" if upto else "")
        + (f" {scale}" if scale else "")
    )
    return f"{words} {unit if adjective or words == 'one' else _plural_currency(unit)}"


def counts_as_adjective(match: re.Match[str]) -> bool:
    """``a $5 bill``, ``a 3 km walk``: the unit stays singular."""
    noun = after(match)
    return before(match).lower() in ("a", "an") and noun.islower() and noun not in _NO_NOUNS


def _counted(digits: str, unit: str, singular: bool) -> str:
    return f"{numbers.cardinal(digits)} {unit if singular or digits == '1' else _plural_currency(unit)}"


def _plural_currency(unit: str) -> str:
    *modifiers, noun = unit.split(" ")
    return " ".join([*modifiers, numbers.plural(noun)])


@RULES.rule(r"(?<![\w.])(\d{1,2})'\s?(?:(\d{1,2})(?:\"|''))?(?![\w])")
def _height(match: re.Match[str]) -> str | None:
    if match[2]:
        return f"{numbers.cardinal(match[1])} foot {numbers.cardinal(match[2])}"
    return (
        f"{numbers.cardinal(match[1])} feet"
        if after(match) in ("wide", "tall", "long", "high", "deep")
        else None
    )


@RULES.rule(r"(?:(?<!\w)')?(?<![\d,.$\u00a3\u20ac])(1[1-9]\d0|20\d0|[2-9]0)'?s\b")
def _decade(match: re.Match[str]) -> str:
    return numbers.decade(match[1])


@RULES.rule(
    r"(?<![\w.,])(?:(?P<many>100|1,?000|10,?000|1,?000,?000)'?s(?= of\b)|(?P<tens>10)'?s(?= of (?:thousand|million|billion)s))"
)
def _many(match: re.Match[str]) -> str:
    return "tens" if match["tens"] else f"{numbers.cardinal(match['many'])}s".removeprefix("one ")


_DEGREES = r"[-\u2212]?\d{1,3}(?:\.\d+)?"


@RULES.rule(
    rf"(?<![\w.,+/-])(?P<amount>{_DEGREES})(?:{DASH}(?P<upto>{_DEGREES}))?(?P<gap>\s?)(?P<scale>[CF])(?![\w'/-]|\.\w)"
)
def _bare_degrees(match: re.Match[str]) -> str | None:
    amount, upto = match["amount"], match["upto"]
    one_digit = amount.isdigit() and len(amount) == 1 and not upto
    if one_digit or match["gap"] and after(match) or before(match).lower() in known.LETTERED_PLACES:
        return None
    scale = {"C": "Celsius", "F": "Fahrenheit"}[match["scale"]]
    return numbers.decimal(amount) + (f" to {numbers.decimal(upto)}" if upto else "") + f" degrees {scale}"


@RULES.rule(
    rf"(?<!/)(?P<amount>{SIGNED})(?:\s?(?:-|\u2013|\u2212|to)\s?(?P<upto>{NUMBER}))?(?P<scale>\s(?:thousand|million|billion))?"
    rf"(?P<gap>\s?|-)(?P<unit>{any_of(known.UNITS)})(?P<period>\.(?=\s+[a-z,]))?(?![\w/])"
)
def _measure(match: re.Match[str]) -> str | None:
    written, amount, upto = match["unit"], match["amount"], match["upto"]
    letter = after(match) or match["gap"] == "-" or match.string.startswith("'s", match.end())
    if written in known.GLUED_UNITS and match["gap"] and letter:
        return None
    unit = known.UNITS[written]
    if written == "m" and re.search(r"\dh\s?$", match.string[: match.start()]):
        unit = "minute"
    one = not upto and amount.lstrip("+-\u2212") == "1"
    single = one or match["gap"] == "-" or counts_as_adjective(match)
    words = (
        numbers.decimal(amount) + (f" to {numbers.decimal(upto)}" if upto else "") + (match["scale"] or "")
    )
    return f"{words} {unit if single or unit == 'P S I' else numbers.plural(unit)}"


@RULES.rule(r"(?<![\w.])(\d[\d,]*)(?:st|nd|rd|th)\b", re.I)
def _ordinal(match: re.Match[str]) -> str:
    return numbers.ordinal(match[1])


@RULES.rule(
    rf"(?<![\w/.])(?:(\d+)[\s-]+)?(\d+)/(\d+)(?![\w/]|\.\d)(?:\s(?P<unit>{any_of(known.UNITS.keys() - known.GLUED_UNITS)})(?!\w))?"
)
def _fraction(match: re.Match[str]) -> str:
    whole, top, bottom, written = match.groups()
    words = numbers.mixed_fraction(whole, top, bottom) if whole else numbers.fraction(top, bottom)
    if after(match) == "of":  # a share, no piece of its own: three fourths of the cake
        words = words.replace("quarter", "fourth")
    if not written:
        return words
    unit = known.UNITS[written]
    return f"{words} {numbers.plural(unit) if whole else unit}"


@RULES.rule(rf"(?<![\w.])({NUMBER}|[A-Za-z])\s?\^\s?([-\u2212]?\d+)")
def _power(match: re.Match[str]) -> str:
    base = match[1] if match[1].isalpha() else numbers.decimal(match[1])
    power = {"2": "squared", "3": "cubed"}.get(match[2]) or f"to the power of {numbers.decimal(match[2])}"
    return f"{base} {power}"


@RULES.rule(rf"(?<![\w.])({NUMBER})[eE]([+-]?\d+)(?!\w)")
def _scientific(match: re.Match[str]) -> str:
    return f"{numbers.decimal(match[1])} times ten to the {numbers.decimal(match[2].lstrip('+'))}"


@RULES.rule(rf"\b({any_of(known.NUMBERED)})\.\s?(?:(?=\d)|((?-i:[IVXLC]+))\b)", re.I)
def _numbered(match: re.Match[str]) -> str | None:
    short, numeral = match.groups()
    value = numbers.roman(numeral) if numeral else ""
    if value is None or not known.takes_number(short, numeral or "1"):
        return None
    word = known.NUMBERED[short.lower()]
    return f"{word.title() if short[0].isupper() else word} {value and numbers.cardinal(str(value))}"
