"""How each sentence of a told story sounded, measured against the same person's other sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np

from pipelines.audio.features import Pitch, PowerFrames, decibels, power_frames, resample, track_pitch
from pipelines.audio.recording import Recording
from pipelines.audio.voice_activity import RATE
from pipelines.story.emotion import Prosody
from pipelines.story.transcribe import TimedWord, Transcript
from pipelines.story.words import tokens
from pipelines.text.segment import Segment

LEAST_SENTENCES = 3
"""Fewer have no average to be compared with."""
LEAST_MATCH = 0.5
"""Share of a sentence's words that must have been heard for its times to be known."""
SMALLEST_SPREAD = {"pitch": 1.0, "loudness": 1.5, "speed": 1.2}
"""Semitones, dB and letters a second: what differs less between sentences is no difference to a listener."""


@dataclass(frozen=True)
class Telling:
    """A story as it was told: its recording and what was heard in it."""

    recording: Recording
    transcript: Transcript


def measure(telling: Telling, sentences: Sequence[Segment]) -> tuple[Prosody | None, ...]:
    """One entry a sentence of the (possibly corrected) text; None where it cannot be found in the recording."""
    said = _said(telling.transcript, sentences)
    wave = resample(telling.recording.wave, telling.recording.sample_rate, RATE)
    pitch, frames = track_pitch(wave, RATE), power_frames(wave, RATE)
    raw = [_measured(words, pitch, frames) if words else None for words in said]
    scored = {
        cue: _scores([one and one[cue] for one in raw], least) for cue, least in SMALLEST_SPREAD.items()
    }
    return tuple(
        Prosody(**{cue: scored[cue][index] for cue in scored}, pause_seconds=_pause(said, index))
        if words
        else None
        for index, words in enumerate(said)
    )


def _said(transcript: Transcript, sentences: Sequence[Segment]) -> list[Sequence[TimedWord]]:
    """The heard words of each sentence; none when too few of them are there."""
    wanted = [(index, token.key) for index, one in enumerate(sentences) for token in tokens(one.text)]
    matcher = SequenceMatcher(
        None, [word.text.lower() for word in transcript.words], [key for _, key in wanted], autojunk=False
    )
    found: list[list[TimedWord]] = [[] for _ in sentences]
    for block in matcher.get_matching_blocks():
        for step in range(block.size):
            found[wanted[block.b + step][0]].append(transcript.words[block.a + step])
    lengths = [len(tokens(one.text)) for one in sentences]
    return [
        words if len(words) >= max(1.0, LEAST_MATCH * length) else []
        for words, length in zip(found, lengths, strict=True)
    ]


def _measured(words: Sequence[TimedWord], pitch: Pitch, frames: PowerFrames) -> dict[str, float | None]:
    start, end = words[0].start_seconds, words[-1].end_seconds
    inside = pitch.voiced & (pitch.times >= start) & (pitch.times <= end)
    semitones = 12 * np.log2(pitch.f0[inside] / 100)
    power = frames.power[frames.within([(word.start_seconds, word.end_seconds) for word in words])].sum(
        axis=1
    )
    spoken = sum(word.end_seconds - word.start_seconds for word in words)
    return {
        "pitch": float(np.median(semitones)) if len(semitones) >= 10 else None,
        "loudness": float(np.median(decibels(power))) if len(power) else None,
        "speed": sum(len(word.text) for word in words) / spoken if spoken > 0 else None,
    }


def _scores(values: Sequence[float | None], smallest_spread: float) -> list[float | None]:
    """Standard deviations above the mean of all sentences."""
    known = [value for value in values if value is not None]
    if len(known) < LEAST_SENTENCES:
        return [None] * len(values)
    mean, spread = float(np.mean(known)), max(smallest_spread, float(np.std(known)))
    return [None if value is None else round((value - mean) / spread, 3) for value in values]


def _pause(said: Sequence[Sequence[TimedWord]], index: int) -> float:
    """From the sentence's last word to the next sentence's first."""
    following = said[index + 1] if index + 1 < len(said) else []
    if not said[index] or not following:
        return 0.0
    return round(max(0.0, following[0].start_seconds - said[index][-1].end_seconds), 2)
