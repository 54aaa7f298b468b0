"""Speech becomes words with their times. Without anything installed: roughly, offline, in English.

PocketSphinx (BSD) with the acoustic model and the general language model of its own wheel, which nobody trained on
stories: on four clips of clear read speech 14 of 61 words were wrong, so every word has a confidence and the person reads it
over. A minute of speech takes about 20 seconds on one core.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Protocol

import numpy as np

from pipelines.audio.features import resample
from pipelines.audio.recording import Recording
from pipelines.audio.voice_activity import RATE, Spans, speech_probabilities, speech_spans
from pipelines.failure import CraftError

POCKETSPHINX = "pocketsphinx"
NOT_HEARD = ("story_silent", "story_no_speech", "story_unclear", "story_not_understood")
"""Codes of refusals that are due to the recording."""
LEAST_SPEECH_SECONDS = 0.5
LEAST_PEAK = 0.003
LONGEST_STRETCH_SECONDS = 20.0
STRETCH_PAUSE_SECONDS = 0.5
MARGIN_SECONDS = 0.15
FRAME_SECONDS = 0.01

SENTENCE_PAUSE_SECONDS = 0.45
COMMA_PAUSE_SECONDS = 0.22
PARAGRAPH_PAUSE_SECONDS = 1.6
LEAST_CLAUSE_WORDS = 4
LONGEST_SENTENCE_WORDS = 28

UNCERTAIN = 0.6
"""A word whose posterior is lower is marked; some words above it are wrong all the same."""
LEAST_CONFIDENCE = 0.35
"""Speech whose words have a lower mean than this was sung, foreign or drowned in noise."""


@dataclass(frozen=True)
class TimedWord:
    """``transcript.text[start:end]``, said between two moments of the recording; ``confidence`` is 0..1."""

    text: str
    start: int
    end: int
    start_seconds: float
    end_seconds: float
    confidence: float

    @property
    def uncertain(self) -> bool:
        return self.confidence < UNCERTAIN


@dataclass(frozen=True)
class Transcript:
    """What was heard, as sentences.

    Attributes:
        seconds: of the recording.
        language: ISO 639 code of what is spoken.
        transcriber: who wrote it down, see ``pipelines.story.transcribers``.
    """

    text: str
    words: tuple[TimedWord, ...]
    seconds: float
    language: str = "en"
    transcriber: str = POCKETSPHINX

    @property
    def uncertain_spans(self) -> tuple[tuple[int, int], ...]:
        """Stretches of ``text`` to read over, neighbours joined."""
        spans: list[tuple[int, int]] = []
        for before, word in zip((None, *self.words), self.words, strict=False):
            if not word.uncertain:
                continue
            joined = before is not None and before.uncertain
            spans[-1:] = [(spans[-1][0], word.end)] if joined else [*spans[-1:], (word.start, word.end)]
        return tuple(spans)

    @property
    def confidence(self) -> float:
        return sum(word.confidence for word in self.words) / max(1, len(self.words))

    def to_json(self) -> dict:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping) -> Transcript:
        return cls(**{**data, "words": tuple(TimedWord(**word) for word in data["words"])})


class Transcriber(Protocol):
    """Writes down what is said, one recording at a time."""

    def __call__(
        self,
        recording: Recording,
        report: Callable[[float], None] | None = None,
        language: str | None = None,
    ) -> Transcript:
        """
        Args:
            report: hears the share done, 0..1, and may raise to end the work.
            language: what is spoken, where somebody knows.

        Raises:
            CraftError: one of ``NOT_HEARD``: silence, noise or music, or speech without words that could be told.
        """


@dataclass(frozen=True)
class Heard:
    """A word on its way into a transcript, and what is written between it and the next one."""

    text: str
    start_seconds: float
    end_seconds: float
    confidence: float
    after: str = ""


def transcribe(
    recording: Recording, report: Callable[[float], None] | None = None, language: str | None = None
) -> Transcript:
    """PocketSphinx, a ``Transcriber`` that takes every ``language`` for English.

    Raises:
        CraftError: besides, ``story_unclear`` (singing, another language).
    """
    wave, spans = told_speech(recording)
    heard: list[Heard] = []
    decoder, stretches = _decoder(), windows(spans, LONGEST_STRETCH_SECONDS, STRETCH_PAUSE_SECONDS)
    for done, stretch in enumerate(stretches):
        piece, start = cut(wave, stretch)
        heard += _listen(decoder, piece, start)
        if report:
            report((done + 1) / len(stretches))
    require_words(heard, "story_unclear")
    return composed(_punctuated(heard), recording.seconds)


def told_speech(recording: Recording) -> tuple[np.ndarray, Spans]:
    """The recording ``[T]`` at ``RATE``, and where someone speaks in it.

    Raises:
        CraftError: ``story_silent``, ``story_no_speech``.
    """
    wave = resample(recording.wave, recording.sample_rate, RATE).astype(np.float32)
    if not len(wave) or float(np.abs(wave).max()) < LEAST_PEAK:
        raise CraftError("story_silent")
    spans = speech_spans(speech_probabilities(wave), recording.seconds)
    speech_seconds = sum(end - start for start, end in spans)
    if speech_seconds < LEAST_SPEECH_SECONDS:
        raise CraftError("story_no_speech", seconds=speech_seconds, limit_seconds=LEAST_SPEECH_SECONDS)
    return wave, spans


def windows(spans: Spans, longest_seconds: float, pause_seconds: float) -> list[Spans]:
    """Speech to be heard together: spans that shorter pauses part, no longer in all than ``longest_seconds``.

    A span that alone is longer is cut into equal parts: nobody breathes in it.
    """
    found: list[Spans] = []
    for start, end in (piece for span in spans for piece in _short(*span, longest_seconds)):
        near = found and start - found[-1][-1][1] < pause_seconds
        if near and end - found[-1][0][0] < longest_seconds:
            found[-1] = (*found[-1], (start, end))
        else:
            found.append(((start, end),))
    return found


def cut(wave: np.ndarray, window: Spans) -> tuple[np.ndarray, float]:
    """The samples of a window with a margin on both sides, and the second at which they begin."""
    first = max(0.0, window[0][0] - MARGIN_SECONDS)
    return wave[round(first * RATE) : round((window[-1][1] + MARGIN_SECONDS) * RATE)], first


def require_words(heard: Sequence[Heard], code: str) -> None:
    """
    Raises:
        CraftError: ``code``: hardly anything was heard, or nothing with any certainty.
    """
    confidence = sum(word.confidence for word in heard) / max(1, len(heard))
    if len(heard) < 2 or confidence < LEAST_CONFIDENCE:
        raise CraftError(code, words=len(heard), percent=round(100 * confidence))


def composed(
    heard: Sequence[Heard], seconds: float, language: str = "en", transcriber: str = POCKETSPHINX
) -> Transcript:
    """The words and what stands between them as one text."""
    text, words = "", []
    for word in heard:
        start = len(text)
        text += word.text
        words.append(
            TimedWord(word.text, start, len(text), word.start_seconds, word.end_seconds, word.confidence)
        )
        text += word.after
    return Transcript(text.strip(), tuple(words), round(seconds, 2), language, transcriber)


def _decoder():
    from pocketsphinx import Decoder

    return Decoder(samprate=RATE, loglevel="FATAL")


def _short(start: float, end: float, longest_seconds: float) -> Iterator[tuple[float, float]]:
    count = max(1, int(np.ceil((end - start) / longest_seconds)))
    edges = np.linspace(start, end, count + 1)
    yield from zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)


def _listen(decoder, wave: np.ndarray, offset_seconds: float) -> list[Heard]:
    decoder.start_utt()
    decoder.process_raw((np.clip(wave, -1, 1) * 32767).astype("<i2").tobytes(), full_utt=True)
    decoder.end_utt()
    if decoder.hyp() is None:
        return []
    return [
        Heard(
            re.sub(r"\(\d+\)$", "", segment.word),
            round(offset_seconds + segment.start_frame * FRAME_SECONDS, 2),
            round(offset_seconds + (segment.end_frame + 1) * FRAME_SECONDS, 2),
            round(min(1.0, max(0.0, segment.prob)), 3),
        )
        for segment in decoder.seg()
        if segment.word[0] not in "<[+"
    ]


def _punctuated(heard: Sequence[Heard]) -> list[Heard]:
    """Words with capitals and full stops where the speaker paused."""
    written, opening = [], True
    for word, mark in zip(heard, _marks(heard), strict=True):
        spelled = (
            word.text[0].upper() + word.text[1:] if opening or re.match("i($|')", word.text) else word.text
        )
        written.append(replace(word, text=spelled, after=mark if "\n" in mark else mark + " "))
        opening = "." in mark
    return written


def _marks(heard: Sequence[Heard]) -> list[str]:
    """What is written after each word, by the pause that follows it."""
    gaps = [after.start_seconds - before.end_seconds for before, after in zip(heard, heard[1:], strict=False)]
    ends = {index for index, gap in enumerate(gaps) if gap >= SENTENCE_PAUSE_SECONDS} | {len(heard) - 1}
    start = 0
    for end in sorted(ends):
        ends |= set(_cuts(gaps, start, end))
        start = end + 1
    marks, clause = [], 0
    for index in range(len(heard)):
        clause += 1
        mark = ""
        if index in ends:
            long = index < len(gaps) and gaps[index] >= PARAGRAPH_PAUSE_SECONDS
            mark = ".\n\n" if long else "."
        elif gaps[index] >= COMMA_PAUSE_SECONDS and clause >= LEAST_CLAUSE_WORDS:
            mark = ","
        clause = 0 if mark else clause
        marks.append(mark)
    return marks


def _cuts(gaps: Sequence[float], start: int, end: int) -> Iterator[int]:
    """Where a sentence that never pauses is cut: at its longest gaps, not near its ends."""
    if end - start < LONGEST_SENTENCE_WORDS:
        return
    inner = range(start + LEAST_CLAUSE_WORDS, end - LEAST_CLAUSE_WORDS)
    cut = max(inner, key=lambda index: (round(gaps[index], 2), -abs(index - (start + end) / 2)))
    yield cut
    yield from _cuts(gaps, start, cut)
    yield from _cuts(gaps, cut + 1, end)
