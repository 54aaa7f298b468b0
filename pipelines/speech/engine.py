"""What every speech engine can do. The studio knows engines through this page alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from pipelines.audio.recording import Recording
from pipelines.speech.voice import Voice

QUALITIES = ("quick", "good", "best")


@dataclass(frozen=True)
class Control:
    """A number the engine obeys when it speaks."""

    name: str
    minimum: float
    maximum: float
    default: float
    step: float
    advanced: bool = False


@dataclass(frozen=True)
class SpokenWord:
    text: str
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True)
class Take:
    """One sentence, spoken once.

    Attributes:
        wave: ``[T]`` float32 in [-1, 1].
        sample_rate: in Hz.
        words: where each written word lies, for captions.
        score: share of the asked phonemes that the listener found in the audio, 0..1.
    """

    wave: np.ndarray
    sample_rate: int
    words: tuple[SpokenWord, ...]
    score: float

    @property
    def seconds(self) -> float:
        return len(self.wave) / self.sample_rate


@dataclass(frozen=True)
class TrainedVoice:
    """What a training leaves behind.

    Attributes:
        voice: the adapted voice.
        card: plain JSON data for the voice card: ``training_seconds`` (audio used), ``held_out_seconds``, ``steps``,
            ``best_step``, ``seconds`` (wall clock), ``similarity`` (speaker cosine to held-out clips, 0..1),
            ``similarity_before``, ``intelligibility`` (mean take score, 0..1), ``curve`` (rows of step, train loss,
            held-out loss or null).
    """

    voice: Voice
    card: Mapping[str, object]


class Monitor(Protocol):
    """A training's line to whoever started it. Every call may raise ``pipelines.failure.Cancelled``."""

    work_dir: Path
    """Checkpoints go here; after a crash the same training starts again with the same folder and resumes."""

    def stage(self, name: str, progress: float) -> None:
        """``name``: ``slice``, ``transcribe``, ``features``, ``train`` or ``check``; ``progress`` 0..1 of the whole."""

    def loss(self, step: int, train: float, held_out: float | None) -> None: ...

    def turn(self) -> AbstractContextManager[None]:
        """Hold the compute lane for one step; speech gets in between two turns."""


class SpeechEngine(Protocol):
    """A loaded engine. Calls are made one at a time by the lane that owns the device."""

    def prepare(self, recordings: Sequence[Recording]) -> Voice:
        """A voice from its recordings without training (zero-shot)."""

    def synthesize(self, text: str, voice: Voice, controls: Mapping[str, float], seed: int) -> Take:
        """Speak one sentence. Same arguments, same samples.

        Raises:
            CraftError: ``text_unspeakable`` when nothing in the text can be said, ``language_unsupported``.
        """

    def fine_tune(self, recordings: Sequence[Recording], quality: str, monitor: Monitor) -> TrainedVoice:
        """Adapt the base to a speaker; ``quality`` is one of ``QUALITIES``.

        Raises:
            CraftError: ``training_too_little_speech``, ``training_diverged``.
            Cancelled: the person stopped it.
        """


@dataclass(frozen=True)
class EngineDescription:
    """What can be known of an engine without loading it."""

    name: str
    languages: tuple[str, ...]
    sample_rate: int
    controls: tuple[Control, ...]
    resident_bytes: int
    load: Callable[[str], SpeechEngine] = field(compare=False)
    """Device name (``cpu``, ``cuda``) -> the engine; the heavy imports happen inside."""
