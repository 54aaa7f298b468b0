"""Makes a voice that ships with the studio.

    python -m pipelines.training.sample_voice assets/voices/linda --name "Linda · LJ" --licence "..." LJ001-*.flac

To be run again whenever the base changes: a voice belongs to the weights it was made with.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import tempfile
from pathlib import Path

import soundfile

from pipelines.audio.recording import Recording
from pipelines.speech.starter import StarterEngine

QUALITY = "quick"
"""Half the size of the others; all that ships has to stay small."""


class Alone:
    """A monitor of a process that shares its device with nobody."""

    def __init__(self, work_dir: Path) -> None:
        self.work_dir = work_dir

    def stage(self, name: str, progress: float) -> None: ...

    def loss(self, step: int, train: float, held_out: float | None) -> None: ...

    def turn(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()


def make_sample_voice(
    engine: StarterEngine, recordings: list[Recording], folder: Path, name: str, licence: str
) -> None:
    """Train on the recordings, and write ``voice.safetensors`` and ``voice.json``."""
    with tempfile.TemporaryDirectory() as work_dir:
        trained = engine.fine_tune(recordings, QUALITY, Alone(Path(work_dir)))
    folder.mkdir(parents=True, exist_ok=True)
    trained.voice.save(folder / "voice.safetensors")
    card = {**trained.card, "licence": licence}
    description = {"name": name, "engine": "starter", "quality": QUALITY, "card": card}
    (folder / "voice.json").write_text(
        json.dumps(description, indent=1, ensure_ascii=False), encoding="utf-8"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("recordings", type=Path, nargs="+")
    parser.add_argument("--name", required=True)
    parser.add_argument("--licence", required=True)
    arguments = parser.parse_args()
    recordings = [Recording(*soundfile.read(path, dtype="float32")) for path in arguments.recordings]
    make_sample_voice(
        StarterEngine.load("cpu"), recordings, arguments.folder, arguments.name, arguments.licence
    )


if __name__ == "__main__":
    main()
