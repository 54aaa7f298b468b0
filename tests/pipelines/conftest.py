from __future__ import annotations

from pathlib import Path

import pytest
import soundfile

from pipelines.audio.recording import Recording
from pipelines.speech.starter import StarterEngine
from pipelines.speech.voice import Voice

SPEECH = Path(__file__).resolve().parents[1] / "fixtures" / "speech"
READ = {
    "LJ001-0008": "has never been surpassed.",
    "LJ001-0009": "Printing, then, for our purpose, may be considered as the art of making books "
    "by means of movable types.",
    "LJ001-0018": "The first books were printed in black letter, that is, the letter which was a Gothic development "
    "of the ancient Roman character,",
    "LJ001-0022": "of the more formal ecclesiastical writing which obtained at that time; "
    "this has since been called missal type,",
}


@pytest.fixture(scope="session")
def starter() -> StarterEngine:
    """The shipped base on the CPU. Tests leave it as it is."""
    import torch

    torch.set_num_threads(1)
    return StarterEngine.load("cpu")


@pytest.fixture(scope="session")
def clips() -> dict[str, Recording]:
    """Twenty-four seconds of one reader, with what she reads; by name."""
    waves = {name: soundfile.read(SPEECH / f"{name}.flac", dtype="float32") for name in READ}
    return {name: Recording(wave, rate, READ[name]) for name, (wave, rate) in waves.items()}


@pytest.fixture(scope="session")
def reader(starter: StarterEngine, clips: dict[str, Recording]) -> Voice:
    """Her voice without training."""
    return starter.prepare(list(clips.values()))
