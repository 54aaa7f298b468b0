"""A person's recordings as clips of 1.5 to 10 s that begin and end in pauses, with what is said in each."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from torch import Tensor

from models.starter.mel import FRAMES_PER_SECOND
from pipelines.audio.features import resample
from pipelines.audio.recording import Recording
from pipelines.audio.voice_activity import RATE, speech_probabilities, speech_spans
from pipelines.failure import CraftError
from pipelines.speech.engine import Monitor
from pipelines.speech.gpt_sovits.reference import heard_text
from pipelines.speech.listening import Ear
from pipelines.text.english import to_utterance
from pipelines.text.language import detect_language

SHORTEST_SECONDS, LONGEST_SECONDS = 1.5, 10.0
SUFFICIENT_SECONDS = 4.0
"""A clip of this length is not joined with what follows."""
MARGIN_SECONDS = 0.15
LEAST_WRITTEN_HEARD = 0.5
"""Share of its phonemes that the listener must find in a clip before what a person wrote is taken to be said there. Of
read sentences it finds 0.72 to 1.0 in their own clip, 0.2 to 0.3 in others."""
LONGEST_ALIGNED_SECONDS = 180.0
"""The text of a longer recording is not laid out over its clips: memory for that grows with both."""


def cut(recording: Recording) -> list[Recording]:
    """Clips of 1.5 to 10 s without their texts; silence is left out."""
    wave = resample(recording.wave, recording.sample_rate, RATE).astype(np.float32)
    groups: list[tuple[float, float]] = []
    for begin, end in speech_spans(speech_probabilities(wave), recording.seconds):
        if groups and (
            groups[-1][1] - groups[-1][0] < SUFFICIENT_SECONDS
            and end - groups[-1][0] + 2 * MARGIN_SECONDS <= LONGEST_SECONDS
        ):
            groups[-1] = groups[-1][0], end
        else:
            groups.append((begin, end))
    clips = []
    for index, (begin, end) in enumerate(groups):
        earlier = (groups[index - 1][1] + begin) / 2 if index else 0.0
        later = (groups[index + 1][0] + end) / 2 if index + 1 < len(groups) else recording.seconds
        stretch = _stretch(recording, max(earlier, begin - MARGIN_SECONDS), min(later, end + MARGIN_SECONDS))
        clips += stretch.parts(LONGEST_SECONDS)  # nobody breathes: where it is quietest
    return [clip for clip in clips if clip.seconds >= SHORTEST_SECONDS]


def with_texts(
    recordings: Sequence[Recording], mel_of: Callable[[Recording], Tensor], ear: Ear, monitor: Monitor
) -> list[Recording]:
    """Every clip, its ``text`` None where none is to be trusted.

    What the person wrote comes first; over the clips of a longer recording it is laid out by the listener, who knows
    English alone. What is left is transcribed. Each clip is one turn; the texts of an interrupted run are kept.

    Args:
        mel_of: ``[T, MEL_BANDS]`` of a recording, for the listener.
    """
    known, finished = _KnownTexts(monitor.work_dir / "texts.json"), []
    for number, recording in enumerate(recordings):
        monitor.stage("slice", 0.02 * number / len(recordings))
        if recording.text and SHORTEST_SECONDS <= recording.seconds <= LONGEST_SECONDS:
            finished.append((recording, True))
            continue
        with monitor.turn():
            words = placed_words(recording, mel_of, ear)
            finished += [(_told(clip, recording, words, mel_of, ear), False) for clip in cut(recording)]
    clips = []
    for number, (clip, sure) in enumerate(finished):
        monitor.stage("transcribe", 0.02 + 0.04 * number / len(finished))
        if not sure and clip.text is None:
            with monitor.turn():
                clip = replace(clip, text=known.get(clip, lambda c: heard_text(c, mel_of(c), ear)))
        clips.append(clip)
    return clips


@dataclass(frozen=True)
class PlacedWord:
    """A word that begins at ``text[place]`` of what was written, and when it is said."""

    place: int
    start_seconds: float
    end_seconds: float

    @property
    def middle_seconds(self) -> float:
        return (self.start_seconds + self.end_seconds) / 2


def placed_words(
    recording: Recording, mel_of: Callable[[Recording], Tensor], ear: Ear
) -> tuple[PlacedWord, ...]:
    """Of a recording's English text; none where there is no such text or it has more sounds than the recording."""
    text = recording.text
    if not text or recording.seconds > LONGEST_ALIGNED_SECONDS or detect_language(text) != "en":
        return ()
    asked = to_utterance(text)
    timed = ear.align(mel_of(recording), asked.phonemes)
    if timed is None:
        return ()
    position = {source: index for index, source in enumerate(timed.source) if source >= 0}
    starts = [frame / FRAMES_PER_SECOND for frame in timed.starts]
    words, place = [], 0
    for word in asked.words:
        place = text.find(word.text, place)
        if place < 0:  # it was written in a way that reading changed
            return ()
        begin, end = starts[position[word.first]], starts[position[word.last - 1] + 1]
        words.append(PlacedWord(place, begin, end))
        place += len(word.text)
    return tuple(words)


def _told(
    clip: Recording,
    recording: Recording,
    words: Sequence[PlacedWord],
    mel_of: Callable[[Recording], Tensor],
    ear: Ear,
) -> Recording:
    """``clip`` with what was written for it, if the listener hears it there."""
    begin = clip.start_seconds - recording.start_seconds
    inside = [i for i, word in enumerate(words) if begin <= word.middle_seconds < begin + clip.seconds]
    if not inside:
        return clip
    following = words[inside[-1] + 1].place if inside[-1] + 1 < len(words) else None
    text = str(recording.text)[words[inside[0]].place : following].strip()
    sure = ear.score(mel_of(clip), to_utterance(text).phonemes) >= LEAST_WRITTEN_HEARD
    return replace(clip, text=text) if sure else clip


def _stretch(recording: Recording, begin: float, end: float) -> Recording:
    first, last = (round(seconds * recording.sample_rate) for seconds in (begin, end))
    return replace(
        recording,
        wave=recording.wave[first:last],
        text=None,
        start_seconds=recording.start_seconds + first / recording.sample_rate,
    )


class _KnownTexts:
    """What transcribing found out, on the disk: it is the slowest part before training."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._texts = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def get(self, clip: Recording, find: Callable[[Recording], str | None]) -> str | None:
        key = hashlib.sha256(clip.wave.tobytes()).hexdigest()
        if key not in self._texts:
            self._texts[key] = find(clip)
            temporary = self._path.with_suffix(".tmp")
            temporary.write_text(json.dumps(self._texts, ensure_ascii=False), encoding="utf-8")
            os.replace(temporary, self._path)
        return self._texts[key]


def require_speech(clips: Sequence[Recording], least_seconds: float) -> None:
    """Enough to learn from, and a clip to hold out.

    Raises:
        CraftError: ``training_too_little_speech``.
    """
    seconds = sum(clip.seconds for clip in clips)
    if seconds < least_seconds or len(clips) < 2:
        raise CraftError("training_too_little_speech", seconds=seconds, minimum=least_seconds)
