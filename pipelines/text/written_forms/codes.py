"""Digits that are names: telephone numbers, versions, set phrases."""

from __future__ import annotations

import re

from pipelines.text import numbers
from pipelines.text.written_forms.rules import RuleBook

RULES = RuleBook()


@RULES.rule(r"\b(?:24/7|9/11|50/50)\b")
def _set_phrase(match: re.Match[str]) -> str:
    return {"24/7": "twenty-four seven", "9/11": "nine eleven", "50/50": "fifty-fifty"}[match.group()]


@RULES.rule(
    r"(?<![\w.])(?:\+?1[-. ]?)?(?:\(\d{3}\)\s?|\d{3}[-. ])\d{3}[-. ]\d{4}(?![\d-])"
    r"|(?<![\w.-])\d{3}-\d{4}(?![\d-])|(?<!\w)\+\d{1,3}(?:[ -]?\(?\d{2,4}\)?){2,5}(?!\d)|(?<![\w.])0\d{2,4} \d{3,4} \d{3,4}(?!\d)"
)
def _phone(match: re.Match[str]) -> str:
    groups = [numbers.spell_digits(group) for group in re.findall(r"\d+", match.group())]
    return ("plus " if match.group()[0] == "+" else "") + ", ".join(groups)


@RULES.rule(r"(?<![\w.-])1-(8\d\d|900)-([A-Z]+(?:-[A-Z]+)*)\b")
def _free_phone(match: re.Match[str]) -> str:
    area = numbers.cardinal(match[1]) if match[1].endswith("00") else numbers.spell_digits(match[1])
    return f"one {area} {match[2].replace('-', ' ').lower()}"


@RULES.rule(r"(?<![\w-])\d+(?:-\d+){3,}(?![\w-])")
def _digit_groups(match: re.Match[str]) -> str:
    return ", ".join(numbers.spell_digits(group) for group in match.group().split("-"))


@RULES.rule(r"(?<=\b(?:call|dial) )(?:911|999|112|411)\b", re.I)
def _emergency(match: re.Match[str]) -> str:
    return numbers.spell_digits(match.group())


@RULES.rule(r"\b(?:[vV](?=\d))?(\d+(?:\.\d+){2,}|(?<=[vV])\d+(?:\.\d+)?)(?!\w)")
def _version(match: re.Match[str]) -> str:
    parts = match[1].split(".")
    if len(parts) == 4:
        return " dot ".join(numbers.spell_digits(part) for part in parts)
    words = " point ".join(numbers.cardinal(part) for part in parts)
    return f"version {words}" if match.group()[0] in "vV" else words
