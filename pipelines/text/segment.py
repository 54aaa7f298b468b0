"""A text cut into the pieces that are spoken one by one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.text.conventions import AFTER_NAMES, MONTH_OF, NUMBERED, TITLES, WEEKDAY_OF, takes_number

MAX_CHARS = 220
"""About fifteen seconds of speech. A Chinese character counts for three."""

SENTENCE_PAUSE_SECONDS = 0.35
PARAGRAPH_PAUSE_SECONDS = 0.8
LINE_PAUSE_SECONDS = 0.5
CLAUSE_PAUSE_SECONDS = 0.12

MAX_INLINE_PAUSE_SECONDS = 10.0
INLINE_PAUSE = re.compile(
    r"(?:(?<![ \t])[ \t]+)?[\[\u3010][ \t]{0,4}(\d{1,3}(?:\.\d{1,3})?)[ \t]{0,4}(?:[sS]|\u79d2)[ \t]{0,4}[\]\u3011][ \t]*"
)
"""``[0.5s]`` or ``\u30100.5\u79d2\u3011``: a silence the writer asks for."""

_CLOSERS = "\"'\u201d\u2019\u00bb)\\]}\u300d\u300f\u3011\uff09\u300b"
_WIDE = r"\u3041-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
_BREAK = re.compile(
    rf"(?P<paragraph>[ \t]*\n[ \t]*(?:\n[ \t]*)+)|(?P<line>[ \t]*\n[ \t]*)"
    rf"|(?P<wide>(?:[\u3002\uff01\uff1f\uff61]|(?<=[{_WIDE}])\u2026|\u2026(?=\u2026*[{_CLOSERS}]*[{_WIDE}]))"
    rf"[\u3002\uff01\uff1f\u2026\uff61]*[{_CLOSERS}]*)"
    rf"|(?P<stop>[.!?\u2026]+[{_CLOSERS}]*(?=\s|$))"
)
_NEVER_LAST = {*TITLES, *NUMBERED, "vs", "e.g", "i.e", "eg", "ie", "cf", "viz", "approx", "al", "a.k.a"} - {
    "no",
    "p",
    "v",
    "c",
}
_SHORT_DATES = frozenset("mar sat sun".split())
"""Words too: He sat. They lay in the sun."""
_SELDOM_LAST = {*AFTER_NAMES, *MONTH_OF, *WEEKDAY_OF, "etc", "a.m", "p.m", "no", "p", "v"} - {
    "may",
    *_SHORT_DATES,
}
_STARTERS = frozenset(
    "The A An It He She They We I You This That These Those There In On At But And So Then When While If As After "
    "Before What Why How Who Where His Her Their Our My Its Not No Yes For From With By To Once Now Here".split()
)
_SPEAKER = re.compile(
    '(?<=[\u201d\u2019\u300d\u300f"])[^\u3002\uff01\uff1f\uff0c\\s\u201c\u300c]{0,6}[\u8bf4\u8aaa\u95ee\u554f\u9053\u558a\u53eb\u7b54]'
)
"""“...？”他问: the quotation belongs to the sentence that says who spoke."""
_SPEAKABLE = re.compile(r"[^\W_]")
_WIDE_LETTER = re.compile(rf"[{_WIDE}]")
_REST_OF_BRACES = re.compile(r"[^{}]{0,80}\}")
_CUTS = (
    re.compile(rf"(?:[;:\uff1b\uff1a]|\s[\u2013\u2014-]|\u2014)[{_CLOSERS}]*\s?|[\u2014\uff1b\uff1a]"),
    re.compile(rf",[{_CLOSERS}]*\s|[\uff0c\u3001]|\)\s|\s(?=\()"),
    re.compile(
        r"\s(?=(?:and|but|or|nor|so|because|which|who|that|while|when|where|if|than|as|then|until)\s)"
    ),
    re.compile(r"\s"),
)
"""Where a long sentence may be cut, the best kind first."""


@dataclass(frozen=True)
class Segment:
    """``text`` is ``whole[start:end]``; ``pause_seconds`` is the silence after it."""

    text: str
    start: int
    end: int
    pause_seconds: float


def split(text: str, max_chars: int = MAX_CHARS) -> list[Segment]:
    """Sentences of the text, long ones cut at their clauses; every letter and digit lies in exactly one.

    ``[0.5s]`` ends a sentence and is its pause; the mark itself lies in none, and before the first word it is lost.
    A piece without letters or digits (a row of stars, an emoji) belongs to the sentence before it, or to the first
    one; a text without any gives no segments. Sentences do not depend on their neighbours: a change inside one
    leaves the others as they are.
    """
    pieces: list[tuple[int, int, float]] = []
    for first, last, asked in _between_silences(text):
        found = _pieces(text, first, last)
        if not found and pieces and asked is not None:  # one silence after another
            pieces[-1] = (*pieces[-1][:2], pieces[-1][2] + asked)
        pieces += found
        if found and asked is not None:
            pieces[-1] = (*pieces[-1][:2], asked)
    segments = []
    for start, end, pause in pieces:
        *clauses, last = _clauses(text, start, end, max_chars)
        segments += [Segment(text[a:b], a, b, CLAUSE_PAUSE_SECONDS) for a, b in clauses]
        segments.append(Segment(text[last[0] : last[1]], *last, pause))
    return segments


def _pieces(text: str, first: int, last: int) -> list[tuple[int, int, float]]:
    """(start, end, pause) of the sentences between two places."""
    pieces: list[tuple[int, int, float]] = []
    for start, end, pause in _sentences(text, first, last):
        start, end = _trimmed(text, start, end)
        if start == end:
            continue
        if not _SPEAKABLE.search(text, start, end):
            if pieces:
                pieces[-1] = (pieces[-1][0], end, max(pieces[-1][2], pause))
            continue
        if not pieces:
            start, _ = _trimmed(text, first, end)
        pieces.append((start, end, pause))
    return pieces


def inline_pause_seconds(digits: str) -> float:
    """The silence that ``INLINE_PAUSE`` asks for, at most ``MAX_INLINE_PAUSE_SECONDS``."""
    return min(float(digits), MAX_INLINE_PAUSE_SECONDS)


def _between_silences(text: str) -> Iterator[tuple[int, int, float | None]]:
    """(start, end, the silence asked for behind it) of what lies between the marks."""
    start = 0
    for match in INLINE_PAUSE.finditer(text):
        yield start, match.start(), inline_pause_seconds(match[1])
        start = match.end()
    yield start, len(text), None


def _sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int, float]]:
    for match in _BREAK.finditer(text, start, end):
        kind = match.lastgroup
        if kind == "paragraph":
            yield start, match.start(), PARAGRAPH_PAUSE_SECONDS
        elif kind == "line" and _ends_line(text, start, match):
            yield start, match.start(), LINE_PAUSE_SECONDS
        elif (kind == "wide" and not _SPEAKER.match(text, match.end())) or (
            kind == "stop" and _ends_sentence(text, start, match)
        ):
            yield start, match.end(), _pause_after(text, match.end())
        else:
            continue
        start = match.end()
    yield start, end, SENTENCE_PAUSE_SECONDS


def _pause_after(text: str, end: int) -> float:
    gap = re.compile(r"\s*").match(text, end).group()
    if re.search(r"\n[ \t]*\n", gap):
        return PARAGRAPH_PAUSE_SECONDS
    return LINE_PAUSE_SECONDS if "\n" in gap else SENTENCE_PAUSE_SECONDS


def _ends_line(text: str, start: int, match: re.Match[str]) -> bool:
    """A line of its own (a title, a verse, an item of a list), not a line of wrapped prose."""
    line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
    following = text[match.end() : match.end() + 1]
    return len(line) < 60 and not following.islower() or following in "-*\u2022\u2013"


def _ends_sentence(text: str, start: int, match: re.Match[str]) -> bool:
    marks = match.group()
    following = re.compile(r"\s+[\"'\u201c\u2018\u00ab(\[]*(\w+|\S)?").match(text, match.end())
    follower = (following.group(1) if following else None) or ""
    if follower[:1].islower():
        return False
    if marks[0] != "." or marks.startswith(".."):
        return True
    word = re.search(r"[^\s\"'\u201c\u2018(\[]*$", text[start : match.start()]).group()
    short = word.lower()
    if word.isdigit() and not text[start : match.start() - len(word)].strip():
        return False
    if short in NUMBERED and takes_number(word, follower):
        return False
    dated = follower[:1].isdigit() or follower.lower() in MONTH_OF
    if dated and short in _SHORT_DATES and word[0].isupper():
        return False
    if short in AFTER_NAMES and short in TITLES:
        before = text[start : match.start() - len(word)].split()
        return bool(before) and before[-1][:1].isupper() and follower in _STARTERS
    if short in _NEVER_LAST and (word[0].isupper() or short not in NUMBERED):
        return short in ("fig", "vol") and not follower[:1].isdigit()
    initials = re.fullmatch(r"[A-Z]|(?:[A-Za-z]\.)+[A-Za-z]", word)
    if short in _SELDOM_LAST and short != "no" or initials:
        return follower in _STARTERS or not follower
    return True


def _clauses(text: str, start: int, end: int, max_chars: int) -> Iterator[tuple[int, int]]:
    """A sentence cut into pieces of at most ``max_chars``, as even as its punctuation allows."""
    while _length(text, start, end) > max_chars:
        first_letter = _SPEAKABLE.search(text, start, end).start()
        cut = _best_cut(text, start, end, _reach(text, first_letter, end, max_chars))
        if not _SPEAKABLE.search(text, cut, end):
            break
        yield _trimmed(text, start, cut)
        start, _ = _trimmed(text, cut, end)
    yield start, end


def _best_cut(text: str, start: int, end: int, limit: int) -> int:
    pieces = -(-(end - start) // (limit - start))
    even = start + (end - start) // pieces
    earliest = start + (limit - start) // 3
    for kind in _CUTS:
        places = (match.end() for match in kind.finditer(text, start, limit))
        fit = [
            place
            for place in places
            if place >= earliest and _SPEAKABLE.search(text, place, end) and not _in_braces(text, place)
        ]
        if fit:
            return min(fit, key=lambda place: abs(place - even))
    return text.index("}", limit) + 1 if _in_braces(text, limit) else limit


def _in_braces(text: str, place: int) -> bool:
    """Whether the place lies inside a pronunciation: ``重庆{chong2 qing4}``."""
    return _REST_OF_BRACES.match(text, place) is not None and text.rfind("{", 0, place) > text.rfind(
        "}", 0, place
    )


def _length(text: str, start: int, end: int) -> int:
    return end - start + 2 * len(_WIDE_LETTER.findall(text, start, end))


def _reach(text: str, start: int, end: int, max_chars: int) -> int:
    """The end of the longest allowed piece; at least one character."""
    room = max_chars
    for place in range(start, end):
        room -= 3 if _WIDE_LETTER.match(text[place]) else 1
        if room < 0:
            return max(place, start + 1)
    return end


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """The stretch without the white space around it."""
    stripped = text[start:end].strip()
    if not stripped:
        return start, start
    start += text[start:end].index(stripped[0])
    return start, start + len(stripped)
