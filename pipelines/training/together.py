"""Several processes that train one network: the same weights, each its own batches, the mean of their gradients."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, distributed
from torch.multiprocessing import spawn


def rank() -> int:
    """Which of the processes that train together this is; 0 when it is alone."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def processes() -> int:
    """How many train together."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def mean_gradients(parameters: Iterable[Tensor]) -> None:
    """Give every process the mean of all processes' gradients of ``parameters``; those without any stay so."""
    if not distributed.is_initialized():
        return
    gradients = [p.grad for p in parameters if p.grad is not None]
    together = torch.cat([gradient.flatten() for gradient in gradients])
    distributed.all_reduce(together)
    together /= processes()
    for gradient, part in zip(
        gradients, together.split([gradient.numel() for gradient in gradients]), strict=True
    ):
        gradient.copy_(part.view_as(gradient))


def as_the_first(value: float) -> float:
    """The first process's ``value``, so that all of them go by one clock and stop after the same step."""
    if not distributed.is_initialized():
        return value
    shared = torch.tensor(value, dtype=torch.float64)
    distributed.broadcast(shared, 0)
    return float(shared)


def train_together(train: Callable[[Any], None], asked: Any, count: int) -> None:
    """``train(asked)`` in ``count`` processes over gloo; in this one when it is one. Both must be picklable."""
    if count == 1:
        train(asked)
        return
    with tempfile.TemporaryDirectory() as folder:
        spawn(_join, (train, asked, Path(folder, "meeting"), count), nprocs=count)


def _join(number: int, train: Callable[[Any], None], asked: Any, meeting: Path, count: int) -> None:
    distributed.init_process_group("gloo", init_method=meeting.as_uri(), rank=number, world_size=count)
    try:
        train(asked)
    finally:
        distributed.destroy_process_group()
