"""Captions of a spoken text: when which line is heard, as SRT or WebVTT."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

LINE_CHARS = 42
"""Two lines of so many characters make one caption: the usual limit of broadcasters."""
LINES = 2
SHORTEST_SECONDS = 0.8
"""A caption stays at least so long where the next one leaves it the time."""

_WIDE = "\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_UNIT = re.compile(rf"[{_WIDE}][^\w\s\u201c\u2018\u300c\u300a(]*\s*|[^\s{_WIDE}]+\s*")
_PAUSED = ",;:.!?\u2014\u3002\uff0c\uff1b\uff1a\uff01\uff1f\u3001"


class TimedWord(Protocol):
    text: str
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True)
class Caption:
    """One or two lines of text, shown from ``start_seconds`` to ``end_seconds``."""

    text: str
    start_seconds: float
    end_seconds: float


def cues(text: str, words: Sequence[TimedWord], start_seconds: float, end_seconds: float) -> list[Caption]:
    """The captions of one sentence, as written, punctuation and all.

    Args:
        text: the sentence.
        words: its spoken words in order, timed from the beginning of the sentence. A word that is not found in the
            text (a number read digit by digit) adds nothing; without any, the time is shared out by length.
        start_seconds, end_seconds: where the sentence lies in the whole.
    """
    units = _units(text)
    if not units:
        return []
    shown = [_balanced(chunk) for chunk in _chunks(units)]
    times = _times(text, words, start_seconds, end_seconds)
    starts, place = [], 0
    for lines in shown:
        starts.append(times[place])
        place += len("".join(lines.split()))
    starts[0] = start_seconds
    ends = [*starts[1:], end_seconds]
    return [Caption(*caption) for caption in zip(shown, starts, ends, strict=True)]


def _times(text: str, words: Sequence[TimedWord], start_seconds: float, end_seconds: float) -> list[float]:
    """When each visible character of the text begins, rising; interpolated between the words."""
    visible = "".join(text.split())
    known = [(0, start_seconds)]
    place = 0
    for word in words:
        written = "".join(word.text.split())
        found = visible.lower().find(written.lower(), place) if written else -1
        if found < 0:
            continue
        for at, seconds in ((found, word.start_seconds), (found + len(written), word.end_seconds)):
            when = min(max(start_seconds + seconds, known[-1][1]), end_seconds)
            if at > known[-1][0]:
                known.append((at, when))
        place = found + len(written)
    if known[-1][0] < len(visible):
        known.append((len(visible), end_seconds))
    times: list[float] = []
    for (first, begin), (last, finish) in zip(known, known[1:], strict=False):
        times += [begin + (finish - begin) * (at - first) / (last - first) for at in range(first, last)]
    return times or [start_seconds]


def _units(text: str) -> list[str]:
    """What a line may be cut between: words, Chinese characters with the punctuation behind them."""
    return [unit for unit in _UNIT.findall(" ".join(text.split()) + " ") if unit.strip()]


def _columns(units: Sequence[str]) -> int:
    """Width on the screen; a Chinese character is two columns wide."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in "".join(units).rstrip())


def _chunks(units: list[str]) -> list[list[str]]:
    """Units by captions, as few as fit and of about the same length, cut after punctuation where that is near."""
    total, room = _columns(units), LINE_CHARS * LINES
    count = -(-total // room)
    chunks: list[list[str]] = [[]]
    for unit in units:
        chunk = chunks[-1]
        length = _columns(chunk)
        full = _columns([*chunk, unit]) > room
        paused = total > room and bool(chunk) and chunk[-1].rstrip()[-1] in _PAUSED and length > room // 2
        even = len(chunks) < count and length >= total / count
        if chunk and (full or paused or even):
            chunks.append([])
        chunks[-1].append(unit)
    return chunks


def _balanced(units: list[str]) -> str:
    """One line, or two of about the same length."""
    line = "".join(units).rstrip()
    if _columns(units) <= LINE_CHARS or len(units) == 1:
        return line
    best = min(range(1, len(units)), key=lambda cut: max(_columns(units[:cut]), _columns(units[cut:])))
    return "\n".join(("".join(units[:best]).rstrip(), "".join(units[best:]).rstrip()))


def to_srt(captions: Sequence[Caption]) -> str:
    """SubRip."""
    blocks = [
        f"{number}\n{_clock(caption.start_seconds, ',')} --> {_clock(end, ',')}\n{_one_block(caption.text)}\n"
        for number, (caption, end) in enumerate(_shown_long_enough(captions), start=1)
    ]
    return "\n".join(blocks)


def to_vtt(captions: Sequence[Caption]) -> str:
    """WebVTT."""
    blocks = ["WEBVTT\n"]
    for caption, end in _shown_long_enough(captions):
        text = _one_block(caption.text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        blocks.append(f"{_clock(caption.start_seconds, '.')} --> {_clock(end, '.')}\n{text}\n")
    return "\n".join(blocks)


def _shown_long_enough(captions: Sequence[Caption]) -> list[tuple[Caption, float]]:
    """Each caption with its end, moved back for a short one as far as the next caption allows."""
    following = [caption.start_seconds for caption in captions[1:]] + [float("inf")]
    return [
        (caption, max(caption.end_seconds, min(caption.start_seconds + SHORTEST_SECONDS, after)))
        for caption, after in zip(captions, following, strict=False)
    ]


def _one_block(text: str) -> str:
    """An empty line would end the caption, an arrow would start another."""
    return "\n".join(line for line in text.splitlines() if line.strip()).replace("-->", "\u2192")


def _clock(seconds: float, mark: str) -> str:
    milliseconds = round(max(seconds, 0.0) * 1000)
    hours, rest = divmod(milliseconds, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02d}:{minutes:02d}:{rest // 1000:02d}{mark}{rest % 1000:03d}"
