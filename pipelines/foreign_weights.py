"""Weights from outside become safetensors here, behind a wall: a child process with limits reads the foreign file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipelines.child_process import child_answer
from pipelines.failure import CraftError


@dataclass(frozen=True)
class WeightLimits:
    """What a checkpoint may ask of the machine. The largest one supported, a word model in fp32, has 1.3 GB."""

    max_bytes: int = 2 * 2**30
    memory_bytes: int = 2 * 2**30
    timeout_seconds: float = 120.0


@dataclass(frozen=True)
class ForeignWeights:
    """
    Attributes:
        shapes: name -> shape of every tensor.
        facts: what the file says beside its weights (``config``, ``info``), plain JSON data.
    """

    shapes: Mapping[str, tuple[int, ...]]
    facts: Mapping[str, Any]


def look_into(path: Path, limits: WeightLimits | None = None) -> ForeignWeights:
    """Names and shapes of a ``.pth``, ``.ckpt`` or ``.bin`` file; the weights themselves are not read.

    Raises:
        CraftError: ``checkpoint_unknown``, ``checkpoint_legacy``, ``checkpoint_unsafe``, ``checkpoint_broken``,
            ``checkpoint_lies``, ``checkpoint_too_big``, ``checkpoint_timeout``.
        OSError: the file cannot be opened.
    """
    return _read(path, "", limits or WeightLimits())


def convert(path: Path, target: Path, limits: WeightLimits | None = None) -> ForeignWeights:
    """As ``look_into``, and ``target`` becomes a safetensors file with the same tensors in the same types.

    Raises:
        CraftError: besides, ``checkpoint_not_finite``.
        OSError: or the disk is full (``errno.ENOSPC``).
    """
    return _read(path, str(target.resolve()), limits or WeightLimits())


def _read(path: Path, target: str, limits: WeightLimits) -> ForeignWeights:
    path = path.resolve()
    size = path.stat().st_size
    if size > limits.max_bytes:
        raise CraftError(
            "checkpoint_too_big", megabytes=size / 2**20, limit_megabytes=limits.max_bytes / 2**20
        )
    arguments = [str(path), target, json.dumps(asdict(limits))]
    try:
        answer = child_answer("pipelines.foreign_weights_reader", arguments, limits.timeout_seconds)
    except TimeoutError:
        raise CraftError("checkpoint_timeout", limit_seconds=limits.timeout_seconds) from None
    if answer is None:  # killed by a limit: no honest file needs that much
        raise CraftError("checkpoint_broken")
    if "os_error" in answer:
        raise OSError(answer["os_error"], os.strerror(answer["os_error"]), str(path))
    if "code" in answer:
        raise CraftError(answer["code"], **answer["facts"])
    return ForeignWeights({name: tuple(shape) for name, shape in answer["tensors"].items()}, answer["facts"])
