"""The painters that exist, described without loading any."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.illustration.folder_index import holds_painter, weights_in
from pipelines.illustration.illustrator import Illustrator
from pipelines.illustration.settings import STORYBOOK, PaintingSettings
from pipelines.model_folders import PLAIN_NAME, stored_numbers


@dataclass(frozen=True)
class BaseDescription:
    """What can be known of a base without loading it.

    Attributes:
        defaults: what it paints best with.
        resident_bytes: in memory, on a CPU; a GPU needs half.
        load: device name -> the illustrator; the heavy imports happen inside.
    """

    name: str
    defaults: PaintingSettings
    resident_bytes: int
    load: Callable[[str], Illustrator] = field(compare=False)


BASES: Mapping[str, BaseDescription] = {
    STORYBOOK: BaseDescription(
        name=STORYBOOK,
        defaults=PaintingSettings(),
        resident_bytes=150 * 2**20,
        load=lambda device: Illustrator.load(STORYBOOK, device),
    )
}


def installed(models: Path) -> dict[str, BaseDescription]:
    """``BASES`` and every Stable Diffusion that lies in ``models``: a diffusers folder, or a ``.safetensors`` file.

    Folders of other painters, which could not be opened, are left out. The id is the folder's name or the file's without its suffix; names that make no plain id are left out.
    """
    found = dict(BASES)
    for path in sorted(models.iterdir()) if models.is_dir() else ():
        name = path.stem if path.is_file() else path.name
        whole = path.suffix == ".safetensors" if path.is_file() else holds_painter(path)
        if whole and PLAIN_NAME.fullmatch(name) and name not in found:
            found[name] = _described(name, path, models)
    return found


def _described(name: str, path: Path, models: Path) -> BaseDescription:
    # One-file checkpoints leave CLIP's vocabulary out: it may lie beside them, or in any folder of the same models.
    tokenizers = (models / f"{name}.tokenizer", models / "tokenizer", *sorted(models.glob("*/tokenizer")))
    files = [path] if path.is_file() else [file for part in path.glob("*/") for file in weights_in(part)[0]]
    return BaseDescription(
        name=name,
        defaults=PaintingSettings(base=name, num_inference_steps=25, guidance_scale=7.5, strength=0.6),
        resident_bytes=sum(map(stored_numbers, files)) * 4,
        load=lambda device: Illustrator.load(path, device, tokenizers),
    )
