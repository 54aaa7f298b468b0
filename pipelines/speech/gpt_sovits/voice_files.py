"""Voices of GPT-SoVITS in the files in which people trade them: ``.ckpt`` (GPT) and ``.pth`` (SoVITS)."""

from __future__ import annotations

import tempfile
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.failure import CraftError
from pipelines.foreign_weights import convert
from pipelines.speech.gpt_sovits.bases import Bases, file_sha256
from pipelines.speech.gpt_sovits.official_files import (
    ENGINE_NAMES,
    HEADER_MARKS,
    SOVITS,
    TEXT2SEMANTIC,
    recognise,
)
from pipelines.speech.voice import Voice

if TYPE_CHECKING:
    from pipelines.speech.gpt_sovits.weights import OfficialWeights

_FILES = {TEXT2SEMANTIC: ("voice.ckpt", "GPT (.ckpt)"), SOVITS: ("voice.pth", "SoVITS (.pth)")}
"""Kind -> the name it is written under, and what people call it."""


class VoiceFiles:
    """The ``Exchange`` of all versions.

    Args:
        folder: where the bases are; a voice without weights of its own leaves with theirs.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def files(self) -> Mapping[str, str]:
        return dict(_FILES.values())

    def read(self, paths: Sequence[Path], target: Path) -> Voice:
        from safetensors.torch import load_file

        from pipelines.speech.gpt_sovits.weights import OfficialWeights, build

        # 1. Convert each behind the wall, and see what it is.
        found: dict[str, OfficialWeights] = {}
        hashes: dict[str, str] = {}
        version = ""
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            for number, path in enumerate(paths, start=1):
                converted = Path(folder) / f"{number}.safetensors"
                brought = convert(path, converted)
                file = recognise(brought.shapes)
                if file.kind not in _FILES or file.kind in found:
                    wanted = ", ".join(called for kind, (_, called) in _FILES.items() if kind not in found)
                    raise CraftError("checkpoint_kind", number=number, kind=file.kind, wanted=wanted or "-")
                version = file.version or version
                found[file.kind] = OfficialWeights(load_file(converted), brought.facts)
                hashes[file.kind] = file_sha256(converted)
            for kind, (_, called) in _FILES.items():
                if kind not in found:
                    raise CraftError("checkpoint_alone", missing=called)
            # 2. Networks can be made of them, or this says what does not fit.
            build(found[TEXT2SEMANTIC], found[SOVITS])
            # 3. One file with both.
            facts = {
                "version": version,
                "weights": hashes,
                "files": {kind: dict(weights.facts) for kind, weights in found.items()},
            }
            tensors = {f"{kind}.{name}": t for kind, w in found.items() for name, t in w.tensors.items()}
            Voice(ENGINE_NAMES[version], tensors, facts).save(target)
        return Voice(ENGINE_NAMES[version], {}, facts)

    def write(self, voice: Voice, folder: Path) -> Sequence[Path]:
        from pipelines.speech.gpt_sovits.weights import is_imported, read_weights, weights_of

        version = next(version for version, name in ENGINE_NAMES.items() if name == voice.engine)
        bases = {} if is_imported(voice) else Bases(self._folder).parts(version).voice_weights
        written = []
        for kind, (name, _) in _FILES.items():
            base = read_weights(bases[kind].weights()) if kind in bases else None
            weights = weights_of(voice, kind, base)
            mark = HEADER_MARKS[version] if kind == SOVITS else HEADER_MARKS["v2"]
            written.append(write_official(folder / name, weights, mark))
        return written


def write_official(path: Path, weights: OfficialWeights, mark: bytes) -> Path:
    """``{weight, config, info}`` as ``torch.save`` writes it, its first two bytes replaced by ``mark``."""
    import torch

    # Cloned, because a view would be saved with all of the file that it is a view of.
    tensors = OrderedDict((name, tensor.cpu().clone()) for name, tensor in weights.tensors.items())
    torch.save(
        {"weight": tensors, "config": weights.facts["config"], "info": weights.facts.get("info", "")}, path
    )
    with path.open("rb+") as file:
        file.write(mark)
    return path
