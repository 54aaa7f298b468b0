"""A told story becomes words with their times: roughly, offline, in English.

PocketSphinx (BSD) with the acoustic model and the general language model of its own wheel, which nobody trained on
stories: on four clips of clear read speech 14 of 61 words were wrong, so every word has a confidence and the person reads it
over. A minute of speech takes about 20 seconds on one core.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from pipelines.audio.features import resample
from pipelines.audio.recording import Recording
from pipelines.audio.voice_activity import RATE, Spans, speech_probabilities, speech_spans
from pipelines.failure import CraftError

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
    """What was heard, with sentences made from the pauses."""

    text: str
    words: tuple[TimedWord, ...]
    seconds: float
    language: str = "en"

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


@dataclass(frozen=True)
class _Heard:
    text: str
    start_seconds: float
    end_seconds: float
    confidence: float


def transcribe(recording: Recording, report: Callable[[float], None] | None = None) -> Transcript:
    """The words of an English recording. ``report`` hears the share done, 0..1, and may raise to end the work.

    Raises:
        CraftError: ``story_silent``, ``story_no_speech`` (noise, music), ``story_unclear`` (speech without words
            that could be told: singing, another language).
    """
    wave = resample(recording.wave, recording.sample_rate, RATE).astype(np.float32)
    if not len(wave) or float(np.abs(wave).max()) < LEAST_PEAK:
        raise CraftError("story_silent")
    spans = speech_spans(speech_probabilities(wave), recording.seconds)
    speech_seconds = sum(end - start for start, end in spans)
    if speech_seconds < LEAST_SPEECH_SECONDS:
        raise CraftError("story_no_speech", seconds=speech_seconds, limit_seconds=LEAST_SPEECH_SECONDS)
    heard: list[_Heard] = []
    decoder, stretches = _decoder(), _stretches(spans)
    for done, (start, end) in enumerate(stretches):
        first, last = (max(0.0, start - MARGIN_SECONDS), min(recording.seconds, end + MARGIN_SECONDS))
        heard += _listen(decoder, wave[round(first * RATE) : round(last * RATE)], first)
        if report:
            report((done + 1) / len(stretches))
    confidence = sum(word.confidence for word in heard) / max(1, len(heard))
    if len(heard) < 2 or confidence < LEAST_CONFIDENCE:
        raise CraftError("story_unclear", words=len(heard), percent=round(100 * confidence))
    return _written(heard, recording.seconds)


def _decoder():
    from pocketsphinx import Decoder

    return Decoder(samprate=RATE, loglevel="FATAL")


def _stretches(spans: Spans) -> list[tuple[float, float]]:
    """Speech joined over short pauses; what would be too long is cut at its pauses, and at last anywhere."""
    stretches: list[tuple[float, float]] = []
    for start, end in spans:
        if (
            stretches
            and start - stretches[-1][1] < STRETCH_PAUSE_SECONDS
            and end - stretches[-1][0] < LONGEST_STRETCH_SECONDS
        ):
            stretches[-1] = (stretches[-1][0], end)
        else:
            stretches.append((start, end))
    return [piece for start, end in stretches for piece in _short(start, end)]


def _short(start: float, end: float) -> Iterator[tuple[float, float]]:
    count = max(1, int(np.ceil((end - start) / LONGEST_STRETCH_SECONDS)))
    edges = np.linspace(start, end, count + 1)
    yield from zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)


def _listen(decoder, wave: np.ndarray, offset_seconds: float) -> list[_Heard]:
    decoder.start_utt()
    decoder.process_raw((np.clip(wave, -1, 1) * 32767).astype("<i2").tobytes(), full_utt=True)
    decoder.end_utt()
    if decoder.hyp() is None:
        return []
    return [
        _Heard(
            re.sub(r"\(\d+\)$", "", segment.word),
            round(offset_seconds + segment.start_frame * FRAME_SECONDS, 2),
            round(offset_seconds + (segment.end_frame + 1) * FRAME_SECONDS, 2),
            round(min(1.0, max(0.0, segment.prob)), 3),
        )
        for segment in decoder.seg()
        if segment.word[0] not in "<[+"
    ]


def _written(heard: Sequence[_Heard], seconds: float) -> Transcript:
    """Words with capitals and full stops where the speaker paused."""
    text, words = "", []
    marks = _marks(heard)
    opening = True
    for word, mark in zip(heard, marks, strict=True):
        spelled = (
            word.text[0].upper() + word.text[1:] if opening or re.match("i($|')", word.text) else word.text
        )
        start = len(text)
        text += spelled
        words.append(
            TimedWord(spelled, start, len(text), word.start_seconds, word.end_seconds, word.confidence)
        )
        opening = "." in mark
        text += mark if "\n" in mark else mark + " "
    return Transcript(text.strip(), tuple(words), round(seconds, 2))


def _marks(heard: Sequence[_Heard]) -> list[str]:
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
