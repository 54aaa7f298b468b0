"""The first hearing of a recording, from which all measures are taken."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.audio.features import Pitch, PowerFrames, high_pass, power_frames, resample, track_pitch
from pipelines.audio.recording import Recording
from pipelines.audio.voice_activity import Spans, speech_probabilities, speech_spans

INAUDIBLE_HZ = 8.0
"""What lies lower, drafts and drifting offsets, is no noise to anybody."""
LONGEST_SAMPLE_SECONDS = 300.0
"""More says nothing new about a room and a microphone, and costs memory: half an hour would need 3 GB."""
STRETCH_SECONDS = 30.0


@dataclass(frozen=True)
class Heard:
    """
    Attributes:
        spans: where someone speaks in the whole recording, in seconds.
        sample: what the frames are of: the recording, or stretches spread over a long one.
        sample_spans: where someone speaks in the sample.
        frames: of the sample at its own rate, 32 ms every 16 ms.
        frames16: the same at 16 kHz.
    """

    recording: Recording
    spans: Spans
    sample: Recording
    sample_spans: Spans
    frames: PowerFrames
    frames16: PowerFrames
    pitch: Pitch

    @property
    def speech_seconds(self) -> float:
        return sum(end - start for start, end in self.spans)


def listen(recording: Recording) -> Heard:
    spans = find_speech(recording)
    sample, sample_spans = representative(recording, spans)
    rate = sample.sample_rate
    wave = high_pass(sample.wave, rate, INAUDIBLE_HZ)
    wave16 = resample(wave, rate, 16000)
    frames16 = power_frames(wave16, 16000)
    frames = frames16 if rate == 16000 else power_frames(wave, rate)
    return Heard(recording, spans, sample, sample_spans, frames, frames16, track_pitch(wave16, 16000))


def find_speech(recording: Recording) -> Spans:
    wave16 = high_pass(resample(recording.wave, recording.sample_rate, 16000), 16000, INAUDIBLE_HZ)
    return speech_spans(speech_probabilities(wave16), recording.seconds)


def representative(recording: Recording, spans: Spans) -> tuple[Recording, Spans]:
    """The recording and ``spans`` themselves; of a long one, ten stretches spread evenly over it."""
    if recording.seconds <= LONGEST_SAMPLE_SECONDS:
        return recording, spans
    rate = recording.sample_rate
    count = int(LONGEST_SAMPLE_SECONDS / STRETCH_SECONDS)
    waves, sample_spans = [], []
    for i, start in enumerate(np.linspace(0, recording.seconds - STRETCH_SECONDS, count)):
        waves.append(recording.wave[int(start * rate) : int((start + STRETCH_SECONDS) * rate)])
        for a, b in spans:
            a, b = max(a - start, 0.0), min(b - start, STRETCH_SECONDS)
            if a < b:
                sample_spans.append((float(a + i * STRETCH_SECONDS), float(b + i * STRETCH_SECONDS)))
    return Recording(np.concatenate(waves), rate), tuple(sample_spans)
