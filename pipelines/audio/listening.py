"""The first hearing of a recording, from which all measures are taken."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.audio.features import Pitch, PowerFrames, high_pass, power_frames, resample, track_pitch
from pipelines.audio.recording import Recording
from pipelines.audio.voice_activity import Spans, speech_probabilities, speech_spans

INAUDIBLE_HZ = 8.0
"""What lies lower, drafts and drifting offsets, is no noise to anybody."""


@dataclass(frozen=True)
class Heard:
    """
    Attributes:
        frames: at the recording's own rate, 32 ms every 16 ms.
        frames16: the same at 16 kHz.
        spans: where someone speaks, in seconds.
    """

    recording: Recording
    frames: PowerFrames
    frames16: PowerFrames
    pitch: Pitch
    spans: Spans

    @property
    def speech_seconds(self) -> float:
        return sum(end - start for start, end in self.spans)


def listen(recording: Recording) -> Heard:
    wave = high_pass(recording.wave, recording.sample_rate, INAUDIBLE_HZ)
    wave16 = resample(wave, recording.sample_rate, 16000)
    frames16 = power_frames(wave16, 16000)
    return Heard(
        recording,
        frames16 if recording.sample_rate == 16000 else power_frames(wave, recording.sample_rate),
        frames16,
        track_pitch(wave16, 16000),
        speech_spans(speech_probabilities(wave16), recording.seconds),
    )
