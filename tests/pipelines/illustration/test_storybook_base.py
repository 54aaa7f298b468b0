"""The painter that ships."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionPipeline

from pipelines.illustration.painter import Painter
from pipelines.illustration.storybook import unpack_storybook


@pytest.mark.slow
def test_the_shipped_painter_is_a_diffusers_folder_that_knows_day_from_night(tmp_path: Path) -> None:
    folder = unpack_storybook(tmp_path / "models" / "storybook")
    assert sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) < 22 * 2**20
    StableDiffusionPipeline.from_pretrained(folder, safety_checker=None)
    prompts = ["a red fox, bright day, meadow", "a red fox, at night, meadow"]
    day, night = Painter.load(folder).paint(prompts, [1, 1], steps=6)
    assert torch.isfinite(day).all() and day.shape == (3, 256, 256)
    assert day.mean() > night.mean() + 0.2


def test_unpacking_twice_keeps_the_first(tmp_path: Path) -> None:
    folder = unpack_storybook(tmp_path / "storybook")
    marker = folder / "kept"
    marker.touch()
    assert unpack_storybook(folder) == folder and marker.exists()
