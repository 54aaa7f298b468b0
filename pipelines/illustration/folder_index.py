"""The index of a diffusers folder, which says what kind of painter lies in it."""

from __future__ import annotations

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


def family_of(index: dict) -> str | None:
    return FAMILIES.get(str(index.get("_class_name")))


def holds_painter(folder: Path) -> bool:
    """Whether the folder's index names a family that can be opened; an index that cannot be read names none."""
    try:
        return family_of(read_object(folder / INDEX)) is not None
    except (OSError, ValueError, RecursionError):
        return False
