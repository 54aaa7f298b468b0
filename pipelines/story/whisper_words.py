"""From Whisper's tokens to words with their times, and to a text whose sentences end where the speaker paused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipelines.audio.voice_activity import Spans
from pipelines.story.transcribe import (
    COMMA_PAUSE_SECONDS,
    PARAGRAPH_PAUSE_SECONDS,
    SENTENCE_PAUSE_SECONDS,
    Heard,
)
from pipelines.story.wordlists import IS_HAN
from pipelines.story.words import HAN, tokens

NEAR_SPEECH_SECONDS = 0.3
"""A word that lies further from all speech was made up."""
_WORD = re.compile(rf"[{HAN}]+|(?:(?![{HAN}_])\w)+(?:(?:['\u2019]|(?<=\d)[.,:](?=\d))(?:(?![{HAN}_])\w)+)*")
STOPS, _CLOSERS = ".!?\u3002\uff01\uff1f\u2026", "\u201d\u2019\u300d\u300f\"')\uff09"
_SENTENCE_END = re.compile(rf"(.*[{STOPS}][{_CLOSERS}]*)\s*", re.DOTALL)
_MARK = re.compile(rf"[{STOPS},;:\uff0c\u3001\uff1b\uff1a]")
_WIDE = str.maketrans(".!?,;:", "\u3002\uff01\uff1f\uff0c\uff1b\uff1a")
BARE_CHARACTERS = 40
"""Chinese with fewer marks than one in so many characters was written without."""


@dataclass(frozen=True)
class Piece:
    """The shortest run of tokens that is text of whole characters; ``confidence`` is that of its weakest token."""

    text: str
    start_seconds: float
    end_seconds: float
    confidence: float


def pieces_of(
    ids: Sequence[int],
    confidence: Sequence[float],
    seconds: Sequence[float],
    decode: Callable[[Sequence[int]], str],
) -> list[Piece]:
    """
    Args:
        seconds: where each token begins, and where the last one ends.
        decode: a character that is cut in two becomes U+FFFD.
    """
    pieces, first = [], 0
    for last in range(1, len(ids) + 1):
        text = decode(ids[first:last])
        if "\ufffd" in text and last < len(ids):
            continue
        text = text.replace("\ufffd", "")
        if text:
            pieces.append(Piece(text, seconds[first], seconds[last], min(confidence[first:last])))
        first = last
    return pieces


def words_of(pieces: Sequence[Piece], spans: Spans) -> list[Heard]:
    """The words in what was heard, each with what is written behind it; Chinese is cut as the story's crafts cut it.

    The times are those of the tokens that a word touches, without the silence around it; a word where nobody speaks
    is left out.
    """
    text = "".join(piece.text for piece in pieces)
    owner = np.repeat(np.arange(len(pieces)), [len(piece.text) for piece in pieces])  # character -> its piece
    places = places_of_words(text)
    heard = []
    for (start, end), (following, _) in zip(places, [*places[1:], (len(text), 0)], strict=True):
        touched = pieces[owner[start] : owner[end - 1] + 1]
        times = _spoken(touched[0].start_seconds, touched[-1].end_seconds, spans)
        if times is not None:
            confidence = min(piece.confidence for piece in touched)
            heard.append(Heard(text[start:end], *times, round(confidence, 3), text[end:following]))
    return heard


def places_of_words(text: str) -> list[tuple[int, int]]:
    """Start and end of every word, numbers among them."""
    return [place for match in _WORD.finditer(text) for place in _cut(match)]


def punctuated(heard: Sequence[Heard]) -> list[Heard]:
    """What Whisper wrote between the words stays; pauses say what it left open.

    Where there is no mark a long pause ends a sentence, and behind a sentence it begins a paragraph. Chinese is often
    written without any mark, or with those of Latin text: then pauses make its commas and full stops.
    """
    characters = sum(len(word.text) for word in heard if IS_HAN.match(word.text))
    bare = BARE_CHARACTERS * sum(bool(_MARK.search(word.after)) for word in heard[:-1]) < characters
    written, opening = [], True
    for word, following in zip(heard, [*heard[1:], None], strict=True):
        pause = following.start_seconds - word.end_seconds if following else PARAGRAPH_PAUSE_SECONDS
        text = word.text[0].upper() + word.text[1:] if opening else word.text
        after, han = word.after, bool(IS_HAN.match(word.text))
        inside = han and (following is None or bool(IS_HAN.match(following.text)))
        if han:
            after = after[:1].translate(_WIDE) + after[1:]
        opening = False
        if not _MARK.search(after):
            if pause >= PARAGRAPH_PAUSE_SECONDS:
                after, opening = ("\u3002" if han else ".") + after, True
            elif han and bare and pause >= SENTENCE_PAUSE_SECONDS:
                after = "\u3002" + after
            elif han and bare and (pause >= COMMA_PAUSE_SECONDS or " " in after and inside):
                after = "\uff0c" + after
        if inside:
            after = "".join(after.split())
        if pause >= PARAGRAPH_PAUSE_SECONDS and (ended := _SENTENCE_END.match(after)):
            after = f"{ended[1]}\n\n{after[ended.end() :]}"
        written.append(replace(word, text=text, after=after))
    return written


def _cut(run: re.Match[str]) -> Iterator[tuple[int, int]]:
    if not IS_HAN.match(run.group()):
        yield run.span()
        return
    for token in tokens(run.group()):
        yield run.start() + token.start, run.start() + token.end


def _spoken(start: float, end: float, spans: Spans) -> tuple[float, float] | None:
    """The part of a word's time in which somebody speaks; None where nobody does, nor shortly before or after.

    A word's time reaches over the pause behind it, and sometimes into what comes then: the longest part counts.
    """
    parts: list[tuple[float, float]] = []
    for first, last in ((max(start, a), min(end, b)) for a, b in spans if max(start, a) < min(end, b)):
        if parts and first - parts[-1][1] < COMMA_PAUSE_SECONDS:
            parts[-1] = (parts[-1][0], last)
        else:
            parts.append((first, last))
    if not parts and any(a - NEAR_SPEECH_SECONDS < end and start < b + NEAR_SPEECH_SECONDS for a, b in spans):
        parts = [(start, end)]
    if not parts:
        return None
    first, last = max(parts, key=lambda part: part[1] - part[0])
    return round(first, 2), round(last, 2)
