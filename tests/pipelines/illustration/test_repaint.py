from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from pipelines.illustration.captions import prompt  # noqa: E402
from pipelines.illustration.layout import Box, Look, arrange, boxes, compose  # noqa: E402
from pipelines.illustration.painter import Painter  # noqa: E402
from pipelines.illustration.repaint import SUBJECT_SHARE, repaint, strength_map  # noqa: E402
from pipelines.illustration.settings import PaintingSettings  # noqa: E402
from pipelines.illustration.wording import Wording  # noqa: E402
from pipelines.training.storybook_scenes import captions  # noqa: E402

SCENE = arrange("meadow", "day", [Look("fox")], seed=1, shot="left")


def unmoved(running: object, index: int, moment: object, tensors: dict) -> dict:
    return tensors


def test_subjects_are_painted_with_less_strength_and_the_rest_with_all_of_it() -> None:
    strengths = strength_map([Box("fox", 0, 128, 128, 256)], 256, 32, 0.6)[0, 0]
    assert strengths.shape == (32, 32)
    assert strengths[24, 8] == pytest.approx(0.6 * SUBJECT_SHARE)
    assert strengths[4, 28] == pytest.approx(0.6)
    between = (strengths > 0.6 * SUBJECT_SHARE + 0.01) & (strengths < 0.59)
    assert 0 < between.sum() < 300
    assert torch.allclose(strength_map([], 256, 32, 0.6), torch.full((1, 1, 32, 32), 0.6))


def test_nothing_painted_is_the_drawing_itself_and_what_is_painted_shows(monkeypatch) -> None:
    torch.manual_seed(0)
    pipeline = Painter.new(captions(200, 1)).over_layouts()
    drawing = compose(SCENE, 384)
    settings = PaintingSettings(num_inference_steps=2, strength=1.0, guidance_scale=1.0)
    words = Wording(prompt(SCENE), "")
    given: dict[str, torch.Tensor] = {}

    def with_latents(change: float):
        def paint(self, *, image: torch.Tensor, **kwargs: object):
            given["drawn"] = image
            return type("Painted", (), {"images": image + change})

        return paint

    monkeypatch.setattr(type(pipeline), "__call__", with_latents(0.0))
    same = repaint(pipeline, drawing, boxes(SCENE, 384), words, settings, 1, unmoved)
    assert given["drawn"].shape == (1, 4, 32, 32)
    assert np.array_equal(np.asarray(same), np.asarray(drawing))
    monkeypatch.setattr(type(pipeline), "__call__", with_latents(1.0))
    other = repaint(pipeline, drawing, boxes(SCENE, 384), words, settings, 1, unmoved)
    assert other.size == (384, 384) and not np.array_equal(np.asarray(other), np.asarray(drawing))


def test_until_little_is_left_the_subject_waits() -> None:
    """After the first of two steps the latents under the subject are the drawing's with noise, whatever was painted."""
    torch.manual_seed(0)
    pipeline = Painter.new(captions(200, 1)).over_layouts()
    settings = PaintingSettings(num_inference_steps=2, strength=1.0, guidance_scale=1.0)
    seen: list[torch.Tensor] = []

    def watch(running: object, index: int, moment: object, tensors: dict) -> dict:
        seen.append(tensors["latents"].clone())
        return tensors

    drawing = compose(SCENE, 256)
    for words in ("a fox", "a whale, at night"):
        repaint(pipeline, drawing, [Box("fox", 0, 0, 128, 256)], Wording(words, ""), settings, 4, watch)
    first, second = seen[0][0, 0], seen[2][0, 0]
    assert torch.equal(first[8:24, 4:12], second[8:24, 4:12])
    assert not torch.equal(first[:, 28:], second[:, 28:])
