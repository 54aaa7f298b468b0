"""What a rule for a written form is, and what rules ask of the text around a match."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pipelines.text import conventions as known
from pipelines.text.lexicon import drawn_out, lexicon

Reader = Callable[[re.Match[str]], "str | None"]


@dataclass(frozen=True)
class Rule:
    pattern: re.Pattern[str]
    read: Reader
    """The words for a match; None leaves it to later rules."""


class RuleBook(list[Rule]):
    """Rules in the order in which they are tried."""

    def rule(self, pattern: str, flags: int = 0) -> Callable[[Reader], Reader]:
        """Decorates the reader of a pattern."""

        def register(read: Reader) -> Reader:
            self.append(Rule(re.compile(pattern, flags), read))
            return read

        return register


def any_of(words: Iterable[str]) -> str:
    """A pattern for any of the words, the longest first."""
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
SIGNED = rf"(?:(?<![\w.)\]%])[-\u2212+])?(?<![\w.]){NUMBER}"
DASH = r"\s?[-\u2010-\u2015\u2212]\s?"
LETTERS_AND_DIGITS = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]+|[^\w\s]|_")


def before(match: re.Match[str]) -> str:
    """The word before the match."""
    words = re.findall(r"[\w'.]+", match.string[: match.start()][-40:])
    return words[-1] if words else ""


def after(match: re.Match[str]) -> str:
    """The word right after the match, empty when punctuation or nothing follows."""
    word = re.match(r"\s+([\w']+)", match.string[match.end() :][:40])
    return word.group(1) if word else ""


def stop(match: re.Match[str]) -> str:
    """The period that both shortens a word and ends its sentence."""
    rest = match.string[match.end() :]
    return "." if match.group().endswith(".") and re.match(r"[\s\"')\]]*($|\s[\s\"'(]*[A-Z])", rest) else ""


def letters(word: str) -> str:
    return " ".join(word.upper())


def capitals(word: str) -> str:
    """A word in capitals: itself when it is read as a word, else its letters."""
    lower = word.lower()
    if word in known.SPOKEN_ACRONYMS:
        return word
    if word in known.SPELLED_ACRONYMS:
        return letters(word)
    if lower in lexicon() or drawn_out(lower):
        return word
    pronounceable = len(word) > 4 and re.search("[aeiouy]", lower) and not re.search("[^aeiouy]{4}", lower)
    return word if pronounceable else letters(word)
