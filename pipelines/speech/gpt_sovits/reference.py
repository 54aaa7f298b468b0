"""The few seconds of a person's recordings that GPT-SoVITS goes on from, what is said in them, and more that shows how the
person sounds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from pipelines.audio import measures
from pipelines.audio.features import high_pass, power_frames
from pipelines.audio.listening import INAUDIBLE_HZ, find_speech
from pipelines.audio.quality import THRESHOLDS
from pipelines.audio.recording import Recording
from pipelines.audio.voice_activity import Spans
from pipelines.failure import CraftError
from pipelines.speech.listening import Ear
from pipelines.text.english import to_utterance

SHORTEST_SECONDS, LONGEST_SECONDS = 3.0, 10.0
"""What the networks were trained to go on from."""
GOOD_SECONDS = 6.0
MARGIN_SECONDS = 0.1
MOST_REFERENCES = 5
"""Whose styles are averaged: so many sentences hold most of what a person does with the voice."""
MOST_MEASURED = 24
WORSE_BY = 0.15
"""A stretch whose mark is so much worse than the best one's adds noise rather than knowledge."""
STEADY_DB = 4.0
"""Read speech before one microphone varies by 2 to 4 dB from one half second to the next; three times that is bad."""
LEAST_HEARD = 0.75
"""Share of a transcript's phonemes that the listener must find again before the transcript is trusted: a prompt whose
text is wrong makes the voice say the rest of it first."""


@dataclass(frozen=True)
class Stretch:
    """A candidate of 3 to 10 s that begins and ends in pauses.

    Attributes:
        source: which of the recordings it was cut from.
        spans: where it holds speech.
        mark: 0..1 how good a reference it is.
    """

    recording: Recording
    source: int
    spans: Spans
    mark: float = 0.0

    @property
    def begin(self) -> float:
        return self.recording.start_seconds

    @property
    def end(self) -> float:
        return self.begin + self.recording.seconds

    @property
    def promise(self) -> float:
        """What its speech and its length say of it before anything is measured: share of speech, a little less the
        further the length is from ``GOOD_SECONDS``."""
        share = sum(end - start for start, end in self.spans) / self.recording.seconds
        return share - 0.05 * abs(self.recording.seconds - GOOD_SECONDS)

    def overlaps(self, other: Stretch) -> bool:
        return self.source == other.source and self.begin < other.end and other.begin < self.end


def best_references(recordings: Sequence[Recording]) -> list[Recording]:
    """The best stretches of 3 to 10 s, at most ``MOST_REFERENCES``, none of which overlap; the first is the one to go on
    from.

    A stretch whose text is known comes first, whatever others there are: without the text nothing can go on from it. The
    others are spread over the recordings.

    Raises:
        CraftError: ``reference_too_short``.
    """
    # 1. Every stretch between two pauses; the most promising, here and there.
    found = [
        stretch for source, recording in enumerate(recordings) for stretch in _stretches(recording, source)
    ]
    if not found:
        longest = max((recording.seconds for recording in recordings), default=0.0)
        raise CraftError("reference_too_short", seconds=longest, minimum=SHORTEST_SECONDS)
    found.sort(key=lambda stretch: (stretch.recording.text is not None, stretch.promise), reverse=True)
    # 2. What the quality report measures in a recording, in each of them.
    marked = [replace(stretch, mark=mark(stretch)) for stretch in _apart(found, MOST_MEASURED)]
    marked.sort(key=lambda stretch: (stretch.recording.text is not None, stretch.mark), reverse=True)
    # 3. The main one, and others as good, from recordings that were not heard yet if there are such.
    chosen = [marked.pop(0)]
    floor = max([chosen[0].mark, *(stretch.mark for stretch in marked)]) - WORSE_BY
    others = [stretch for stretch in marked if stretch.mark >= floor]
    while others and len(chosen) < MOST_REFERENCES:
        heard = Counter(stretch.source for stretch in chosen)
        next_one = min(others, key=lambda stretch: (heard[stretch.source], -stretch.mark))
        others.remove(next_one)
        chosen.append(next_one)
    return [stretch.recording for stretch in chosen]


def mark(stretch: Stretch) -> float:
    """How good a reference it is, 0..1: the checks of the quality report that tell in a few seconds, each from 0, its
    limit of what is fair, to 1, what is good, and weighed as there; how full of speech it is, and how steady."""
    wave, rate = stretch.recording.wave, stretch.recording.sample_rate
    frames = power_frames(high_pass(wave, rate, INAUDIBLE_HZ), rate)
    values = {
        "snr": measures.snr_db(frames, stretch.spans),
        "clipping": measures.clipped_percent(wave),
        "loudness": measures.loudness_lufs(wave, rate),
        "bandwidth": measures.bandwidth_hz(frames, stretch.spans),
    }
    marks = [
        (THRESHOLDS[name].weight, 0.0 if value is None else _between(name, value))
        for name, value in values.items()
    ]
    unsteady = measures.unsteadiness_db(frames, stretch.spans)
    steady = 0.0 if unsteady is None else min(1.0, max(0.0, (3 * STEADY_DB - unsteady) / (2 * STEADY_DB)))
    marks += [(2, min(1.0, max(0.0, stretch.promise))), (1, steady)]
    return sum(weight * share for weight, share in marks) / sum(weight for weight, _ in marks)


def _between(name: str, value: float) -> float:
    """1 within what is good of a check, 0 where it is no longer fair, in between as far as it is from either."""
    row, worst = THRESHOLDS[name], 1.0
    for side, good, fair in ((1, row.good[0], row.fair[0]), (-1, row.good[1], row.fair[1])):
        if good is not None and fair is not None:
            worst = min(worst, side * (value - fair) / abs(good - fair))
    return max(0.0, worst)


def _stretches(recording: Recording, source: int) -> Iterator[Stretch]:
    """Every one that begins and ends in pauses, and the whole recording if its length will do."""
    spans = find_speech(recording)
    if SHORTEST_SECONDS <= recording.seconds <= LONGEST_SECONDS:
        yield Stretch(recording, source, spans)
    for first, (start, _) in enumerate(spans):
        begin = max(0.0, start - MARGIN_SECONDS)
        for last in range(first, len(spans)):
            end = min(recording.seconds, spans[last][1] + MARGIN_SECONDS)
            if end - begin > LONGEST_SECONDS:
                if last == first:  # nobody breathes: what fits, all along
                    for cut in np.arange(begin, end - LONGEST_SECONDS, LONGEST_SECONDS).tolist():
                        yield _cut(recording, source, spans, cut, cut + LONGEST_SECONDS)
                break
            if end - begin >= SHORTEST_SECONDS:
                yield _cut(recording, source, spans, begin, end)


def _cut(recording: Recording, source: int, spans: Spans, begin: float, end: float) -> Stretch:
    rate = recording.sample_rate
    piece = replace(
        recording,
        wave=recording.wave[round(begin * rate) : round(end * rate)],
        text=None,
        start_seconds=recording.start_seconds + begin,
    )
    inside = tuple((max(a, begin) - begin, min(b, end) - begin) for a, b in spans if a < end and b > begin)
    return Stretch(piece, source, inside)


def _apart(stretches: Sequence[Stretch], count: int) -> list[Stretch]:
    """The first ``count`` of which no two overlap."""
    chosen: list[Stretch] = []
    for stretch in stretches:
        if len(chosen) == count:
            break
        if not any(stretch.overlaps(other) for other in chosen):
            chosen.append(stretch)
    return chosen


def heard_text(reference: Recording, mel: torch.Tensor, ear: Ear) -> str | None:
    """What is said in an English reference, by PocketSphinx and confirmed by the listener; None where they disagree.

    Args:
        mel: ``[T, MEL_BANDS]`` of the reference, for the listener.
    """
    from pipelines.story.transcribe import transcribe

    try:
        text = transcribe(reference).text
        sure = ear.score(mel, to_utterance(text).phonemes) >= LEAST_HEARD
    except CraftError:  # silence, song, another language
        return None
    return text if sure else None
