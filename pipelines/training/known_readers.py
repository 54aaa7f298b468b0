"""Lists readers of the corpus that the base learnt from.

    python -m pipelines.training.known_readers LibriSpeech/train-clean-100/*/*/*.flac

One recording of each reader. To be run again whenever the base changes: the vectors belong to the weights they were made with.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import soundfile
import torch

from pipelines.audio.recording import Recording
from pipelines.speech.known_readers import KnownReaders
from pipelines.speech.starter import READERS, StarterEngine


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recordings", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, default=READERS)
    arguments = parser.parse_args()
    engine = StarterEngine.load("cpu")
    vectors = [
        engine.speaker_of([Recording(*soundfile.read(path, dtype="float32"))])
        for path in arguments.recordings
    ]
    KnownReaders(torch.stack(vectors), engine.base).save(arguments.out)


if __name__ == "__main__":
    main()
