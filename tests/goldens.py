"""What the public networks answered on weights that follow from their names alone (``tests/golden``)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from models.checkpoints import built, outlined
from models.foreign_checkpoints import ForeignCheckpoint
from tests.golden.detweights import det, det_input, det_ints

GOLDEN = Path(__file__).parent / "golden"
TOLERANCE = 1e-5
"""In fp32. The public networks differ from themselves by up to 3e-6 when they are computed with other threads."""


def golden_json(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))


def golden_tensors(name: str) -> dict[str, Tensor]:
    return load_file(GOLDEN / f"{name}.safetensors")


def official_shapes(name: str) -> Mapping[str, tuple[int, ...]]:
    """Of the weights in a container of ``tests/golden``."""
    with ForeignCheckpoint(GOLDEN / name) as file:
        return file.contents.shapes


def golden_input(name: str, shape: tuple[int, ...]) -> Tensor:
    return torch.from_numpy(det_input(name, shape))


def golden_integers(name: str, shape: tuple[int, ...], high: int) -> Tensor:
    return torch.from_numpy(det_ints(name, shape, high))


def shapes_of(make: Callable[[], nn.Module]) -> dict[str, list[int]]:
    """Of the weights of the network that ``make`` makes."""
    return {name: list(weight.shape) for name, weight in outlined(make).state_dict().items()}


def golden_keys(name: str) -> dict[str, list[int]]:
    return {key: shape for key, (shape, _) in golden_json(name).items()}


def golden_network(make: Callable[[], nn.Module]) -> nn.Module:
    """The network that ``make`` makes, with the weights that its names ask for, in eval mode."""
    weights = {
        key: torch.from_numpy(det(key, tuple(weight.shape)).astype(np.float32))
        if weight.is_floating_point()
        else torch.zeros(weight.shape, dtype=weight.dtype)
        for key, weight in outlined(make).state_dict().items()
    }
    return built(make, weights)


def farthest(ours: Tensor, golden: Tensor) -> float:
    """The largest absolute difference; the shapes must be the same."""
    assert ours.shape == golden.shape, f"{tuple(ours.shape)} is not {tuple(golden.shape)}"
    return float((ours - golden).abs().max())
