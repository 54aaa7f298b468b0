"""The transcribers that exist, described without loading any."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.model_folders import PLAIN_NAME, read_object, stored_numbers
from pipelines.story.transcribe import POCKETSPHINX, Transcriber, transcribe

WHISPER_FILES = ("generation_config.json", "preprocessor_config.json", "tokenizer.json")
WHISPER_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
"""The first that is there counts."""


@dataclass(frozen=True)
class TranscriberDescription:
    """What can be known of a transcriber without loading it.

    Attributes:
        english_only: it takes everything for English.
        rough: what it writes has to be read over before it is used.
        resident_bytes: in memory, in single precision; a GPU needs half.
        load: device name -> the transcriber and the bytes it really takes; the heavy imports happen inside.
    """

    name: str
    english_only: bool
    rough: bool
    resident_bytes: int
    load: Callable[[str], tuple[Transcriber, int]] = field(compare=False)


TRANSCRIBERS: Mapping[str, TranscriberDescription] = {
    # it brings its words into memory for every recording, and lets them go
    POCKETSPHINX: TranscriberDescription(POCKETSPHINX, True, True, 0, lambda device: (transcribe, 0))
}


def installed(models: Path) -> dict[str, TranscriberDescription]:
    """``TRANSCRIBERS`` and every Whisper that lies in a folder of ``models``, the best last.

    Folders that lack a file, or whose name makes no plain id, are left out.
    """
    folders = models.iterdir() if models.is_dir() else ()
    found = [one for folder in folders if (one := _whisper(folder)) and one.name not in TRANSCRIBERS]
    found.sort(key=lambda one: (not one.english_only, one.resident_bytes, one.name))
    return {**TRANSCRIBERS, **{one.name: one for one in found}}


def weights_in(folder: Path) -> Path | None:
    return next((path for name in WHISPER_WEIGHTS if (path := folder / name).is_file()), None)


def _whisper(folder: Path) -> TranscriberDescription | None:
    try:
        config, weights = read_object(folder / "config.json"), weights_in(folder)
        whole = weights is not None and all((folder / name).is_file() for name in WHISPER_FILES)
        if config.get("model_type") != "whisper" or not whole or not PLAIN_NAME.fullmatch(folder.name):
            return None
        english_only = read_object(folder / "generation_config.json").get("is_multilingual") is False
        resident_bytes = 4 * stored_numbers(weights) or weights.stat().st_size
    except (OSError, ValueError, RecursionError):  # none, or it is being taken away
        return None

    def load(device: str) -> tuple[Transcriber, int]:
        from pipelines.story.whisper import Whisper

        whisper = Whisper.load(folder, device)
        return whisper, whisper.nbytes

    return TranscriberDescription(folder.name, english_only, False, resident_bytes, load)
