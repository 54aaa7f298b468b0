"""Stand-ins for what is slow: an engine whose voices hum, an illustrator who knows one colour a page, a listener who
always hears the same."""

from __future__ import annotations

import json
import os
import re
import threading
import time
import zlib
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipelines.audio.recording import Recording
from pipelines.failure import CraftError
from pipelines.illustration.settings import STORYBOOK, PaintingSettings
from pipelines.speech.engine import (
    Control,
    EngineDescription,
    Monitor,
    SpeechEngine,
    SpokenWord,
    Take,
    TrainedVoice,
)
from pipelines.speech.voice import Voice

if TYPE_CHECKING:
    from pipelines.audio.quality import QualityReport
    from pipelines.illustration.bases import BaseDescription
    from pipelines.illustration.illustration import Illustration
    from pipelines.story.story import PagePlan
    from pipelines.story.transcribe import Transcript
    from pipelines.story.transcribers import TranscriberDescription

SAMPLE_RATE = 22050
WORD_SECONDS = 0.12
STEPS = {"quick": 6, "good": 12, "best": 24}

CONTROLS = (
    Control("noise_scale", 0.0, 1.0, 0.5, 0.05),
    Control("length_scale", 0.5, 2.0, 1.0, 0.05),
    Control("num_inference_steps", 1, 32, 8, 1, advanced=True),
)


class FakeEngine(SpeechEngine):
    """Speaks a sine a word: its pitch from the voice, its shade from word and seed. Counts what it is asked.

    Args:
        step_seconds: how long a training step and a sentence take.
        score: (text, seed) -> the score of the take.
    """

    def __init__(
        self,
        step_seconds: float = 0.0,
        score: Callable[[str, int], float] = lambda text, seed: 1.0,
        adapter_bytes: int = 64,
    ) -> None:
        self.step_seconds = step_seconds
        self.score = score
        self.adapter_bytes = adapter_bytes
        self.spoken: list[tuple[str, int]] = []
        self.prepared = 0
        self.steps: list[int] = []

    def prepare(self, recordings: Sequence[Recording]) -> Voice:
        self.prepared += 1
        return self._voice(recordings, step=0)

    def synthesize(self, text: str, voice: Voice, controls: Mapping[str, float], seed: int) -> Take:
        words = re.findall(r"\w+", text)
        if not words:
            raise CraftError("text_unspeakable", text=text)
        self.spoken.append((text, seed))
        time.sleep(self.step_seconds)
        seconds = WORD_SECONDS * controls["length_scale"]
        times = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
        waves, spoken = [], []
        for index, word in enumerate(words):
            shade = zlib.crc32(f"{word} {seed}".encode()) % 50
            waves.append(0.3 * np.sin(2 * np.pi * (float(voice.tensors["pitch"][0]) + shade) * times))
            spoken.append(SpokenWord(word, index * seconds, (index + 1) * seconds))
        return Take(
            np.concatenate(waves).astype(np.float32), SAMPLE_RATE, tuple(spoken), self.score(text, seed)
        )

    def fine_tune(self, recordings: Sequence[Recording], quality: str, monitor: Monitor) -> TrainedVoice:
        seconds = sum(recording.seconds for recording in recordings)
        if seconds < 1.0:
            raise CraftError("training_too_little_speech", seconds=seconds, minimum=1.0)
        started = time.monotonic()
        for index, stage in enumerate(("slice", "transcribe", "features")):
            monitor.stage(stage, 0.1 * index)
        steps, checkpoint = STEPS[quality], monitor.work_dir / "checkpoint.json"
        first = json.loads(checkpoint.read_text())["step"] if checkpoint.exists() else 0
        curve = []
        for step in range(first + 1, steps + 1):
            with monitor.turn():
                time.sleep(self.step_seconds)
                self.steps.append(step)
            curve.append((step, 1.0 / step, 1.1 / step if step % 3 == 0 else None))
            monitor.loss(*curve[-1])
            monitor.stage("train", 0.3 + 0.6 * step / steps)
            _write(checkpoint, {"step": step})
        monitor.stage("check", 0.95)
        card = {
            "training_seconds": 0.8 * seconds,
            "held_out_seconds": 0.2 * seconds,
            "steps": steps,
            "best_step": steps,
            "seconds": time.monotonic() - started,
            "similarity": 0.9,
            "similarity_before": 0.7,
            "intelligibility": 0.95,
            "curve": curve,
            "resumed_from": first,
        }
        return TrainedVoice(self._voice(recordings, steps), card)

    def _voice(self, recordings: Sequence[Recording], step: int) -> Voice:
        import torch

        pitch = 150.0 + len(recordings) + step
        tensors = {
            "pitch": torch.tensor([pitch]),
            "adapter": torch.zeros(self.adapter_bytes, dtype=torch.uint8),
        }
        return Voice("fake", tensors, {"step": step})


class Reciter(FakeEngine):
    """Is heard word by word, and waits before a word that the test names."""

    def __init__(self) -> None:
        super().__init__()
        self.waits_before = ""
        self.waiting, self.may_go = threading.Event(), threading.Event()
        self.streamed: list[str] = []

    def stream(
        self, text: str, voice: Voice, controls: Mapping[str, float], seed: int
    ) -> Generator[np.ndarray, None, Take]:
        take = super().synthesize(text, voice, controls, seed)
        self.spoken.pop()
        self.streamed.append(text)
        for number, word in enumerate(take.words):
            if word.text == self.waits_before:
                self.waiting.set()
                self.may_go.wait(100)
            begin = round(number * len(take.wave) / len(take.words))
            yield take.wave[begin : round((number + 1) * len(take.wave) / len(take.words))]
        return take

    def synthesize(self, text: str, *arguments: object) -> Take:
        if self.waits_before and self.waits_before in text:
            self.waiting.set()
            self.may_go.wait(100)
        return super().synthesize(text, *arguments)


class Held:
    """A job that is made to wait where the test wants to look at it."""

    def __init__(self) -> None:
        self._arrived, self._may_go = threading.Event(), threading.Event()

    def wait_here(self) -> None:
        """For the job itself, once."""
        if not self._arrived.is_set():
            self._arrived.set()
            self._may_go.wait(100)

    def arrived(self) -> bool:
        return self._arrived.wait(100)

    def let_go(self) -> None:
        self._may_go.set()


def fake_engines(engine: FakeEngine | None = None, batch: int = 1) -> dict[str, EngineDescription]:
    """For ``Container(settings, fake_engines(engine))``."""
    engine = engine or FakeEngine()
    return {
        "fake": EngineDescription(
            "fake",
            ("en",),
            SAMPLE_RATE,
            CONTROLS,
            1 << 20,
            lambda device: engine,
            batch=batch,
            streams=isinstance(engine, Reciter),
        ),
    }


class FakeIllustrator:
    """Paints a page as its flat colour. Counts what it is asked.

    Args:
        step_seconds: how long one of its four steps takes.
        fails: scene ids that cannot be painted; may be changed meanwhile.

    Attributes:
        held: scene id -> where the painting of that scene waits.
    """

    STEPS = 4

    def __init__(self, step_seconds: float = 0.0, fails: Collection[str] = ()) -> None:
        self.step_seconds = step_seconds
        self.fails = set(fails)
        self.held: dict[str, Held] = {}
        self.drawn: list[str] = []

    def draw(
        self, page: PagePlan, settings: PaintingSettings, report: Callable[[float], None]
    ) -> Illustration:
        from PIL import Image

        from pipelines.illustration.illustration import Illustration, labelled_png

        if held := self.held.get(page.scene_id):
            held.wait_here()
        for step in range(self.STEPS):
            report(step / self.STEPS)
            time.sleep(self.step_seconds)
        if page.scene_id in self.fails:
            raise CraftError("picture_withheld", scene=page.scene_id)
        self.drawn.append(page.scene_id)
        colour = zlib.crc32(f"{page.picture_key} {settings}".encode())
        image = Image.new("RGB", (32, 32), (colour & 255, colour >> 8 & 255, colour >> 16 & 255))
        return Illustration(labelled_png(image, {}, page.picture_key, painted=True), image)


def fake_painters(illustrator: FakeIllustrator | None = None) -> dict[str, BaseDescription]:
    """For ``Container(settings, engines, fake_painters(illustrator))``."""
    from pipelines.illustration.bases import BaseDescription

    illustrator = illustrator or FakeIllustrator()
    return {
        STORYBOOK: BaseDescription(STORYBOOK, PaintingSettings(), 1 << 20, lambda device: illustrator),
        "other": BaseDescription(
            "other", PaintingSettings(base="other"), 1 << 20, lambda device: illustrator
        ),
    }


class FakeTranscriber:
    """Hears the same in every recording, a word after the other. Counts what it is asked.

    Args:
        text: what it hears; nothing at all is not understood.
        step_seconds: how long one of its four steps takes.
    """

    STEPS = 4

    def __init__(
        self, text: str = "Once upon a time.", language: str = "en", step_seconds: float = 0.0
    ) -> None:
        self.text, self.language, self.step_seconds = text, language, step_seconds
        self.heard: list[float] = []

    def __call__(
        self,
        recording: Recording,
        report: Callable[[float], None] | None = None,
        language: str | None = None,
    ) -> Transcript:
        from pipelines.story.transcribe import Heard, composed

        for step in range(self.STEPS):
            if report:
                report(step / self.STEPS)
            time.sleep(self.step_seconds)
        self.heard.append(recording.seconds)
        if not self.text:
            raise CraftError("story_not_understood", words=0, percent=0)
        words = [Heard(word, 0.3 * i, 0.3 * i + 0.2, 0.9, " ") for i, word in enumerate(self.text.split())]
        return composed(words, recording.seconds, self.language, "whisper-small")


def fake_transcribers(
    transcriber: FakeTranscriber, name: str = "whisper-small", english_only: bool = False
) -> dict[str, TranscriberDescription]:
    """For ``Container(settings, engines, painters, fake_transcribers(transcriber))``."""
    from pipelines.story.transcribers import TRANSCRIBERS, TranscriberDescription

    whisper = TranscriberDescription(
        name, english_only, False, 1 << 20, lambda device: (transcriber, 1 << 20)
    )
    return {**TRANSCRIBERS, name: whisper}


def _write(path: Path, data: object) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(data))
    os.replace(temporary, path)


def quick_decode(path: Path, limits: object = None) -> Recording:
    """In place of ``decode_audio`` where its child process is not what is tested."""
    import soundfile

    try:
        wave, sample_rate = soundfile.read(path, dtype="float32")
    except soundfile.LibsndfileError as error:
        raise CraftError("audio_not_audio") from error
    return Recording(wave, sample_rate)


def quick_assess(recording: Recording) -> QualityReport:
    """In place of ``assess``: everything is speech, nothing is measured and nothing wrong with it."""
    from pipelines.audio.quality import THRESHOLDS, Check, QualityReport

    checks = tuple(Check(name, None, row.unit, {}, "fair") for name, row in THRESHOLDS.items())
    return QualityReport(checks, "A", recording.seconds, ((0.0, recording.seconds),))


def write_hum(path: Path, seconds: float = 3.0, pitch_hz: float = 150.0) -> Path:
    """A WAV file to bring as a recording; another pitch is another recording."""
    import soundfile

    times = np.arange(int(seconds * 16000)) / 16000
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * pitch_hz * times), 16000)
    return path
