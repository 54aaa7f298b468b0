"""Titles, abbreviations, initials, acronyms, and symbols that stand for words."""

from __future__ import annotations

import re

from pipelines.text import conventions as known
from pipelines.text.lexicon import lexicon
from pipelines.text.written_forms.rules import RuleBook, after, any_of, before, capitals, letters, stop

RULES = RuleBook()


@RULES.rule(rf"(?<=[a-z], )({any_of(known.STATES)})\b(?!['\u2019])")
def _state(match: re.Match[str]) -> str | None:
    return known.STATES[match[1]] if before(match)[:1].isupper() else None


@RULES.rule(rf"(?<=\w)(,?\s)({any_of(a.title() for a in known.AFTER_NAMES)})\b(\.?)(?!\w)")
def _after_name(match: re.Match[str]) -> str | None:
    short = match[2].lower()
    bare = short in ("jr", "sr", "inc", "ltd", "ave", "blvd", "rd")
    numbered_street = re.search(r"\d+\S*(?:\s[A-Z]\w+)+$", match.string[: match.start()])
    if not (match[3] or bare) or not re.match(r"[A-Z\d]", before(match)):
        return None
    if short in known.TITLES and after(match)[:1].isupper() and not numbered_street:
        return None
    return f"{match[1]}{known.AFTER_NAMES[short]}{stop(match)}"


@RULES.rule(
    rf"\b({any_of({*(t.title() for t in known.TITLES), *(t.upper() for t in known.BARE_TITLES)})})\b(\.?)(?=\s+[A-Z])"
)
def _title(match: re.Match[str]) -> str | None:
    short = match[1].lower()
    return known.TITLES[short] if match[2] or short in known.BARE_TITLES or short == "st" else None


@RULES.rule(rf"(?<![\w.])({any_of(known.ABBREVIATIONS)})(\.?)(?!\w)", re.I)
def _abbreviation(match: re.Match[str]) -> str | None:
    short = match[1].lower()
    if not (match[2] or short in known.BARE_ABBREVIATIONS or "." in short):
        return None
    if match[1] != short and len(short) < 4 and "." not in short and short != "etc":
        return None
    return known.ABBREVIATIONS[short] + stop(match)


@RULES.rule(r"(?<![\w.])((?:[A-Za-z]\.){2,})([A-Za-z]\b)?")
def _dotted(match: re.Match[str]) -> str:
    initials = match.group().replace(".", "").upper()
    return letters(initials) + (stop(match) if initials in known.SPELLED_ACRONYMS else "")


@RULES.rule(r"\b([A-Z])\.(?=\s?[A-Z]\.|\s[A-Z][a-z])")
def _initial(match: re.Match[str]) -> str | None:
    previous = before(match)
    return (
        f"{match[1]} "
        if not previous or previous[0].isupper() or match.string[match.end() :][1:3].endswith(".")
        else None
    )


@RULES.rule(r"\b([A-Z]{2,})((?:'?s)?)\b(?!\.[A-Z])")
def _acronym(match: re.Match[str]) -> str | None:
    word = match[1]
    if _shouting(match.string) and word not in known.SPELLED_ACRONYMS and any(c in "AEIOUY" for c in word):
        return None
    if word in known.AMBIGUOUS_ACRONYMS:
        spelled = before(match).lower() in (
            "the",
            "an",
            "our",
            "in",
            "of",
            "for",
            "with",
            "by",
            "your",
            "their",
        )
    else:
        spelled = capitals(word) != word
    if not spelled:
        return f"{word}'s" if match[2] == "s" else None
    return letters(word) + ("'s" if match[2] else "")


@RULES.rule(r"\b([A-Z]{2,}[a-rt-z])\b")
def _acronym_with_tail(match: re.Match[str]) -> str | None:
    """PCIe, DDRx."""
    return None if match[1].lower() in lexicon() else letters(match[1])


def _shouting(text: str) -> bool:
    """Most words of the text are in capitals, so capitals mean nothing."""
    words = re.findall(r"[A-Za-z]{2,}", text)
    return len(words) > 2 and sum(word.isupper() for word in words) > 0.6 * len(words)


@RULES.rule(r"\b[A-Za-z]*[a-z][A-Z][A-Za-z]*\b")
def _camel(match: re.Match[str]) -> str | None:
    word = match.group()
    if word.lower() in lexicon():
        return None
    if word.endswith("s") and word[:-1].lower() in lexicon():
        return f"{word[:-1]}'s"
    return " ".join(
        capitals(part) if part.isupper() and len(part) > 1 else part
        for part in re.split(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", word)
    )


@RULES.rule(r"(?<=\w)/(?=(?:second|sec|minute|min|hour|hr|day|night|week|month|mo|year|yr|person|kg|lb)\b)")
def _per(match: re.Match[str]) -> str:
    return " per "


@RULES.rule(r"(?<=\w)\s?/\s?(?=\w)")
def _slash(match: re.Match[str]) -> str:
    return " "


@RULES.rule(r"(?<=\w)&(?=\w)|.", re.S)
def _symbol(match: re.Match[str]) -> str | None:
    mark = match.group()
    if mark.lower() in known.GREEK:
        return f" {known.GREEK[mark.lower()]} "
    if mark.isalnum() or mark in " .,;:!?'\"()[]{}-\u2010\u2011\u2012\u2013\u2014\u2015":
        return None
    said = known.SYMBOLS.get(mark)
    return " " if said is None else said if said == "," else f" {said} "
