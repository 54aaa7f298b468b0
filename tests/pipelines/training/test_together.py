"""Two processes that train one network."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from pipelines.training.base.loop import Budget, Training
from pipelines.training.together import as_the_first, processes, rank, train_together

INPUTS = torch.tensor([[1.0, 2.0], [-3.0, 0.5]])


def one_step(folder: Path, rows: torch.Tensor) -> torch.Tensor:
    network = nn.Linear(2, 1, bias=False)
    nn.init.ones_(network.weight)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1)
    training = Training(folder, Budget(1.0), {"net": network}, {"net": optimiser}, averaged=())
    training.descend("net", network(rows).square().mean(), largest_norm=100.0)
    return network.weight.detach()


def take_part(folder: Path) -> None:
    assert processes() == 2
    assert as_the_first(5.0 + rank()) == 5.0
    weight = one_step(folder / str(rank()), INPUTS[rank() : rank() + 1])
    torch.save(weight, folder / f"{rank()}.pt")


def alone(folder: Path) -> None:
    assert (rank(), processes(), as_the_first(7.0)) == (0, 1, 7.0)
    torch.save(one_step(folder / "alone", INPUTS), folder / "alone.pt")


@pytest.mark.slow
def test_two_processes_take_the_step_of_one_with_both_batches(tmp_path: Path) -> None:
    train_together(take_part, tmp_path, 2)
    train_together(alone, tmp_path, 1)
    whole = torch.load(tmp_path / "alone.pt", weights_only=True)
    for number in (0, 1):
        torch.testing.assert_close(torch.load(tmp_path / f"{number}.pt", weights_only=True), whole)
