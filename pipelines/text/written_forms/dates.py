"""Dates and times of day."""

from __future__ import annotations

import re

from pipelines.text import conventions as known
from pipelines.text import numbers
from pipelines.text.written_forms.rules import RuleBook, any_of, before, stop

RULES = RuleBook()

MONTH = rf"(?P<month>{any_of({*known.MONTHS, *(m.title() for m in known.MONTH_OF)})})\b\.?"
NTH = r"(?:st|nd|rd|th)?"


def _date(day: str, month: str, year: str | None) -> str | None:
    if not (1 <= int(day) <= 31 and 1 <= int(month) <= 12):
        return None
    return f"{known.MONTHS[int(month) - 1]} {numbers.ordinal(str(int(day)))}" + (
        f", {_year(year)}" if year else ""
    )


def _year(digits: str) -> str:
    if len(digits) == 2:
        digits = ("20" if int(digits) < 50 else "19") + digits
    return numbers.year(digits)


@RULES.rule(r"(?<![\d-])(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?![\d-])")
def _iso_date(match: re.Match[str]) -> str | None:
    return _date(match[4], match[3], match[1])


@RULES.rule(r"(?<![\d/.])(\d{1,2})([/.])(\d{1,2})\2(\d{4}|\d{2})(?![\d/]|\.\d)")
def _numeric_date(match: re.Match[str]) -> str | None:
    first, mark, second, year = match.groups()
    if mark == "." and len(year) == 2:
        return None
    day_first = mark == "." or int(first) > 12
    return _date(first, second, year) if day_first else _date(second, first, year)


@RULES.rule(rf"\b{MONTH}\s+(?P<day>\d{{1,2}}){NTH}(?![\d:%]|\.\d|\s?[ap]m)(?:\s*,?\s+(?P<year>\d{{4}})\b)?")
def _month_day(match: re.Match[str]) -> str | None:
    month = known.MONTHS.index(known.MONTH_OF[match["month"].lower()]) + 1
    return _date(match["day"], str(month), match["year"])


@RULES.rule(rf"\b(?P<day>\d{{1,2}}){NTH}(?P<of>\s+of)?\s+{MONTH}(?:,?\s+(?P<year>\d{{4}})\b)?")
def _day_month(match: re.Match[str]) -> str | None:
    if not 1 <= int(match["day"]) <= 31:
        return None
    article = "" if before(match).lower() == "the" else "the "
    year = f", {_year(match['year'])}" if match["year"] else stop(match)
    return f"{article}{numbers.ordinal(match['day'])} of {known.MONTH_OF[match['month'].lower()]}{year}"


@RULES.rule(rf"\b{MONTH},?\s+(?P<year>[12]\d{{3}})\b(?!,?\d)")
def _month_year(match: re.Match[str]) -> str:
    return f"{known.MONTH_OF[match['month'].lower()]} {numbers.year(match['year'])}"


@RULES.rule(rf"\b({any_of(m.title() for m in known.MONTH_OF if len(m) < 5 and m != 'may')})\.(?=\s|,|$)")
def _short_month(match: re.Match[str]) -> str:
    return known.MONTH_OF[match[1].lower()] + stop(match)


@RULES.rule(
    rf"\b({any_of(d.title() for d in known.WEEKDAY_OF)})(?:\.(?=[\s,]|$)|(?=,?\s(?:\d|{MONTH}))|(?=[-\u2013][A-Z][a-z]{{2}}\b)|(?<=[a-z][-\u2013](?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)))"
)
def _weekday(match: re.Match[str]) -> str | None:
    if match[1] == "Sun" and before(match).lower() == "the":
        return None
    dated = re.match(rf"\s+{MONTH}", match.string[match.end() :])
    return known.WEEKDAY_OF[match[1].lower()] + ("" if dated else stop(match))


@RULES.rule(r"(?<=[a-z])[-\u2013](?=(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b)")
def _weekday_range(match: re.Match[str]) -> str:
    return " to "


_HALF_DAY = r"(?P<half>[ap])(?:\.\s?m\.|\.?m\b)"
_HALF_DAY_AHEAD = r"(?=[0-5]\d(?:\s?(?:[-\u2013]|to|and|or)\s?\d{1,2}(?:[.:][0-5]\d)?)?\s?[ap]\.?\s?m\b)"
"""Makes a time of 2.30pm and 2.30-3.30pm."""


@RULES.rule(
    rf"(?<![\d:.,])(?P<hour>\d{{1,2}})(?::|\.{_HALF_DAY_AHEAD})(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?(?![\d:])(?:\s?{_HALF_DAY})?",
    re.I,
)
def _clock(match: re.Match[str]) -> str | None:
    hour, minute = int(match["hour"]), int(match["minute"])
    if match["second"]:
        parts = ((hour, "hour"), (minute, "minute"), (int(match["second"]), "second"))
        return ", ".join(
            f"{numbers.cardinal(str(n))} {unit if n == 1 else unit + 's'}" for n, unit in parts if n
        )
    words = numbers.cardinal(str(hour))
    if minute:
        words += f" {'oh ' if minute < 10 else ''}{numbers.cardinal(str(minute))}"
    elif not match["half"]:
        words += " o'clock" if 0 < hour <= 12 else " hundred" if hour <= 24 else " minutes"
    return words + _half(match)


@RULES.rule(rf"(?<![\w.,:])(?P<hour>1[0-2]|[1-9])\s?{_HALF_DAY}", re.I)
def _hour(match: re.Match[str]) -> str:
    return numbers.cardinal(match["hour"]) + _half(match)


def _half(match: re.Match[str]) -> str:
    return f" {match['half'].upper()} M{stop(match)}" if match["half"] else ""
