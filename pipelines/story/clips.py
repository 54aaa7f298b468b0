"""A long recording, cut into clips of a few seconds that each come with what is said in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from pipelines.audio.recording import Recording
from pipelines.audio.voice_activity import Spans
from pipelines.story.transcribe import MARGIN_SECONDS, UNCERTAIN, TimedWord
from pipelines.story.whisper_words import STOPS, places_of_words

SHORTEST_SECONDS, LONGEST_SECONDS = 3.0, 10.0
"""What voices go on from, and learn from."""
LEAST_MATCH = 0.5
"""Share of the words heard that a text must still have to be what is said in the recording."""
SENTENCE_WORTH_SECONDS = 0.3
"""The end of a sentence is as good a place to cut as a pause that is so much longer."""


@dataclass(frozen=True)
class Placed:
    """A word ``text[start:end]`` of what is said, and when; ``sure`` is 1 where a person wrote it."""

    start: int
    end: int
    start_seconds: float
    end_seconds: float
    sure: float


def clips(recording: Recording, text: str, heard: Sequence[TimedWord]) -> list[Recording]:
    """Clips of 3 to 10 s that begin and end between two words, with their ``text``; without one where it is uncertain.

    Args:
        text: what is said, as it was heard or as a person corrected it.
        heard: the words as they were heard in this recording.

    Returns:
        The recording itself with its text when it is short enough, or when ``text`` is of something else.
    """
    words = placed(text, heard)
    if not words:
        return [replace(recording, text=text)]
    if recording.seconds <= LONGEST_SECONDS:
        return [replace(recording, text=text if _sure(words) else None)]
    found, first = [], 0
    while first < len(words):
        last = _last(text, words, first)
        found.append(_clip(recording, text, words, first, last))
        first = last + 1
    return found


def placed(text: str, heard: Sequence[TimedWord]) -> list[Placed]:
    """The words of ``text`` with the times of those heard; one that was not heard lies between its neighbours. None at
    all where the text is of something else."""
    places = places_of_words(text)
    matcher = SequenceMatcher(
        None, [word.text.lower() for word in heard], [text[a:b].lower() for a, b in places], autojunk=False
    )
    found: list[Placed | None] = [None] * len(places)
    for block in matcher.get_matching_blocks():
        for step in range(block.size):
            word, place = heard[block.a + step], places[block.b + step]
            found[block.b + step] = Placed(*place, word.start_seconds, word.end_seconds, word.confidence)
    if sum(word is not None for word in found) < max(1.0, LEAST_MATCH * len(heard)):
        return []
    return [word or _between(found, places, index, heard) for index, word in enumerate(found)]


def shortened(heard: Sequence[TimedWord], kept: Spans) -> list[TimedWord]:
    """The words in a recording of which only ``kept`` is left."""

    def moved(moment: float) -> float:
        before = sum(min(moment, end) - start for start, end in kept if start < moment)
        return round(before, 3)

    return [
        replace(word, start_seconds=moved(word.start_seconds), end_seconds=moved(word.end_seconds))
        for word in heard
    ]


def _between(
    found: Sequence[Placed | None], places: Sequence[tuple[int, int]], index: int, heard: Sequence[TimedWord]
) -> Placed:
    before = next((i for i in range(index - 1, -1, -1) if found[i]), None)
    after = next((i for i in range(index + 1, len(found)) if found[i]), None)
    begin = found[before].end_seconds if before is not None else heard[0].start_seconds
    end = found[after].start_seconds if after is not None else heard[-1].end_seconds
    run = range(0 if before is None else before + 1, len(found) if after is None else after)
    step = max(0.0, end - begin) / len(run)
    start = begin + (index - run.start) * step
    return Placed(*places[index], start, start + step, 1.0)


def _last(text: str, words: Sequence[Placed], first: int) -> int:
    """The word with which a clip from ``first`` on ends: where the best pause is, as late as it may be, and not so late
    that too little is left."""

    def seconds(first: int, last: int) -> float:
        return words[last].end_seconds - words[first].start_seconds + 2 * MARGIN_SECONDS

    end = len(words) - 1
    if seconds(first, end) <= LONGEST_SECONDS:
        return end
    fits = [last for last in range(first, end) if seconds(first, last) <= LONGEST_SECONDS]
    good = [last for last in fits if min(seconds(first, last), seconds(last + 1, end)) >= SHORTEST_SECONDS]

    def worth(last: int) -> tuple[float, int]:
        pause = words[last + 1].start_seconds - words[last].end_seconds
        between = text[words[last].end : words[last + 1].start]
        return pause + SENTENCE_WORTH_SECONDS * any(stop in between for stop in STOPS), last

    return max(good or fits[-1:] or [first], key=worth)


def _clip(recording: Recording, text: str, words: Sequence[Placed], first: int, last: int) -> Recording:
    before = words[first - 1].end_seconds if first else 0.0
    after = words[last + 1].start_seconds if last + 1 < len(words) else recording.seconds
    begin = max(words[first].start_seconds - MARGIN_SECONDS, (before + words[first].start_seconds) / 2)
    end = min(words[last].end_seconds + MARGIN_SECONDS, (words[last].end_seconds + after) / 2)
    said = text[words[first].start : words[last + 1].start if last + 1 < len(words) else len(text)].strip()
    rate = recording.sample_rate
    return replace(
        recording,
        wave=recording.wave[max(0, round(begin * rate)) : round(end * rate)],
        text=said if _sure(words[first : last + 1]) else None,
        start_seconds=recording.start_seconds + begin,
    )


def _sure(words: Sequence[Placed]) -> bool:
    """A text that may be wrong is worse than none: a voice would say the rest of it first."""
    return sum(word.sure for word in words) >= UNCERTAIN * len(words)
