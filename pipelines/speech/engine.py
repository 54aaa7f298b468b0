"""What every speech engine can do. The studio knows engines through this page alone."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from pipelines.audio.recording import Recording
from pipelines.speech.voice import Voice

QUALITIES = ("quick", "good", "best")
LORA, FULL = "lora", "full"
"""How a voice is trained: an adapter of a few MB beside the weights it starts from, or all of the weights."""


@dataclass(frozen=True)
class Control:
    """A number the engine obeys when it speaks."""

    name: str
    minimum: float
    maximum: float
    default: float
    step: float
    advanced: bool = False

    @property
    def is_switch(self) -> bool:
        """Whether it is 0 or 1 and nothing else."""
        return (self.minimum, self.maximum, self.step) == (0, 1, 1)


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
        score: share of the asked phonemes that arrived, 0..1: those that the listener found, and never more than the
            length of the take has room for. In a language that the listener does not know, its length alone counts.
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
            held-out loss or null). An engine that trains several networks says ``stages`` in place of ``best_step``
            and ``curve``: rows of ``name``, ``steps``, ``best_step`` and ``curve``; ``steps`` is their sum, and what
            the monitor hears are losses as shares of each network's first. It may say ``method``; ``language``
            (``intelligibility`` is null where the listener does not know it); ``text_seconds``, of the audio whose
            text was known; ``adversarial``, whether critics took part.
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
    """A loaded engine. Calls are made one at a time by the lane that owns the device.

    An engine that gains nothing from several sentences at once, or cannot be heard before it is through, inherits
    ``synthesize_batch`` and ``stream`` from here.
    """

    def prepare(self, recordings: Sequence[Recording], weights: Voice | None = None) -> Voice:
        """A voice from its recordings without training (zero-shot).

        Args:
            weights: what ``Exchange.read`` made of the files of an imported voice. The answer does not repeat them:
                ``synthesize`` gets both, as ``weights.joined(voice)``.
        """

    def synthesize(self, text: str, voice: Voice, controls: Mapping[str, float], seed: int) -> Take:
        """Speak one sentence. Same arguments, same samples.

        The text may hold pronunciations in braces, see ``pipelines.text.overrides``.

        Raises:
            CraftError: ``text_unspeakable`` when nothing in the text can be said, ``language_unsupported``.
        """

    def synthesize_batch(
        self, texts: Sequence[str], voice: Voice, controls: Mapping[str, float], seeds: Sequence[int]
    ) -> Iterator[Take]:
        """Speak several sentences, each as ``synthesize`` would with its own seed; takes come in order.

        Nothing is computed but inside of ``next``, so the lane need not be held between two takes.

        Raises:
            CraftError: as ``synthesize``; sentences whose takes did not come yet are not spoken.
        """
        return (self.synthesize(text, voice, controls, seed) for text, seed in zip(texts, seeds, strict=True))

    def stream(
        self, text: str, voice: Voice, controls: Mapping[str, float], seed: int
    ) -> Generator[np.ndarray, None, Take]:
        """Speak one sentence to somebody who listens already. Same arguments, same samples; they need not be those of
        ``synthesize``, which may look at the whole sentence before it utters a sound.

        Yields:
            chunks ``[T]`` of the take's wave, in order.

        Returns:
            the take: exactly what was heard.

        Raises:
            CraftError: as ``synthesize``, before the first chunk.
        """
        take = self.synthesize(text, voice, controls, seed)
        yield take.wave
        return take

    def fine_tune(
        self,
        recordings: Sequence[Recording],
        quality: str,
        monitor: Monitor,
        weights: Voice | None = None,
        method: str = LORA,
    ) -> TrainedVoice:
        """Adapt the base to a speaker.

        Args:
            quality: one of ``QUALITIES``.
            weights: as of ``prepare``; these are adapted in place of the base. Engines without an exchange need not
                take them.
            method: the name of one of the description's ``methods``; who has one only need not take it.

        Raises:
            CraftError: ``training_too_little_speech``, ``training_diverged``, ``engine_untrainable``.
            Cancelled: the person stopped it.
        """


class Exchange(Protocol):
    """How the voices of an engine travel as the files of other programs.

    Attributes:
        files: name of each file that ``write`` makes -> what people call it; ``read`` takes as many, told apart by
            their contents.
    """

    @property
    def files(self) -> Mapping[str, str]: ...

    def read(self, paths: Sequence[Path], target: Path) -> Voice:
        """Write the weights of one voice to ``target`` as ``Voice.save`` does; ``paths`` are the files it came in.

        The files are hostile until proven otherwise; nothing in them is run. The answer is what was written, without
        its tensors; its ``engine`` says who can speak with it.

        Raises:
            CraftError: ``checkpoint_...``.
        """

    def write(self, voice: Voice, folder: Path) -> Sequence[Path]:
        """Files in ``folder`` that the other program reads, adapters merged into the weights.

        Raises:
            CraftError: ``base_incomplete``.
        """


@dataclass(frozen=True)
class TrainingMethod:
    """A way of training, and what it costs.

    Attributes:
        name: ``lora`` or ``full``.
        reference_seconds: quality -> seconds with a minute of speech on the reference machine, two idle cores.
        memory_bytes: that training needs beside the loaded engine.
        disk_bytes: of a revision.
    """

    name: str
    reference_seconds: Mapping[str, float] = field(compare=False)
    memory_bytes: int = 2**30
    disk_bytes: int = 8 * 2**20


STARTER_LORA = TrainingMethod(LORA, {"quick": 65.0, "good": 160.0, "best": 440.0})
"""The shipped starter: 0.6 s a step and 15 s around them."""


@dataclass(frozen=True)
class EngineDescription:
    """What can be known of an engine without loading it.

    Attributes:
        languages: what it reads now, the one it is at home in first.
        missing_packages: a language that it would read too -> the package that must be installed for it.
        methods: the ways of training it, the default first; none where ``fine_tune`` cannot be asked for.
        exchange: how its voices come from and go to other programs, where they do.
        batch: so many sentences are best handed to ``synthesize_batch`` at once.
        streams: whether ``stream`` is heard before the sentence is through.
    """

    name: str
    languages: tuple[str, ...]
    sample_rate: int
    controls: tuple[Control, ...]
    resident_bytes: int
    load: Callable[[str], SpeechEngine] = field(compare=False)
    """Device name (``cpu``, ``cuda``) -> the engine; the heavy imports happen inside."""
    missing_packages: Mapping[str, str] = field(default_factory=dict, compare=False)
    methods: tuple[TrainingMethod, ...] = field(default=(STARTER_LORA,), compare=False)
    exchange: Exchange | None = field(default=None, compare=False)
    batch: int = 1
    streams: bool = False

    @property
    def trainable(self) -> bool:
        return bool(self.methods)
