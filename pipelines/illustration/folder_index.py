"""The index of a diffusers folder, which says what kind of painter lies in it."""

from __future__ import annotations

import re
from pathlib import Path

from pipelines.model_folders import read_object

INDEX = "model_index.json"
FAMILIES = {
    "StableDiffusionPipeline": "sd",
    "StableDiffusionImg2ImgPipeline": "sd",
    "StableDiffusionXLPipeline": "xl",
    "StableDiffusionXLImg2ImgPipeline": "xl",
}
"""``_class_name`` -> family, of what can be opened here; every other pipeline is left alone."""


_VARIANT = re.compile(r"\.([A-Za-z_]\w*)(?:-\d+-of-\d+)?\.safetensors")


def family_of(index: dict) -> str | None:
    return FAMILIES.get(str(index.get("_class_name")))


def holds_painter(folder: Path) -> bool:
    """Whether the folder's index names a family that can be opened; an index that cannot be read names none."""
    try:
        return family_of(read_object(folder / INDEX)) is not None
    except (OSError, ValueError, RecursionError):
        return False


def weights_in(part: Path) -> tuple[list[Path], str | None]:
    """The safetensors that one part of a painter is opened from, and their variant: the plain ones, else those in half
    precision (``fp16``). A whole clone holds both, and others (``non_ema``) that nobody paints with."""
    found: dict[str | None, list[Path]] = {}
    for file in sorted(part.glob("*.safetensors")):
        variant = _VARIANT.search(file.name)
        found.setdefault(variant[1] if variant else None, []).append(file)
    return next(((found[name], name) for name in (None, "fp16") if name in found), ([], None))
