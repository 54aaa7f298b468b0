"""Makes a voice that ships with the studio.

    python -m pipelines.training.sample_voice assets/voices/linda --name "Linda" --licence "..." LJ001-*.flac

To be run again whenever the base changes: a voice belongs to the weights it was made with.
"""

from __future__ import annotations

import argparse
import contextlib
import json
from pathlib import Path

import soundfile

from pipelines.audio.recording import Recording
from pipelines.speech.starter import StarterEngine
from pipelines.training.assessment import assess
from pipelines.training.fine_tune import CHECK_SENTENCES


class Alone:
    """A monitor of a process that shares its device with nobody."""

    work_dir = Path()

    def stage(self, name: str, progress: float) -> None: ...

    def loss(self, step: int, train: float, held_out: float | None) -> None: ...

    def turn(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()


def make_sample_voice(
    engine: StarterEngine, recordings: list[Recording], folder: Path, name: str, licence: str
) -> None:
    """Write ``voice.safetensors`` and ``voice.json``: the zero-shot voice of all recordings but the last, which scores it."""
    voice = engine.prepare(recordings[:-1])
    held_out = [engine.mel(recordings[-1])]
    similarity, intelligibility = assess(engine, engine, voice, held_out, CHECK_SENTENCES, Alone())
    card = {
        "training_seconds": sum(recording.seconds for recording in recordings[:-1]),
        "held_out_seconds": recordings[-1].seconds,
        "similarity": similarity,
        "intelligibility": intelligibility,
        "licence": licence,
    }
    folder.mkdir(parents=True, exist_ok=True)
    voice.save(folder / "voice.safetensors")
    description = {"name": name, "engine": "starter", "card": card}
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
