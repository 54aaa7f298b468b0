"""Two processes that train one network."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import distributed, nn
from torch.multiprocessing import spawn

from pipelines.training.base.loop import Budget, Training, rank

INPUTS = torch.tensor([[1.0, 2.0], [-3.0, 0.5]])


def one_step(folder: Path, rows: torch.Tensor) -> torch.Tensor:
    network = nn.Linear(2, 1, bias=False)
    nn.init.ones_(network.weight)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1)
    training = Training(folder, Budget(1.0), {"net": network}, {"net": optimiser}, averaged=())
    training.descend("net", network(rows).square().mean(), largest_norm=100.0)
    return network.weight.detach()


def take_part(number: int, folder: Path) -> None:
    distributed.init_process_group(
        "gloo", init_method=(folder / "meeting").as_uri(), rank=number, world_size=2
    )
    torch.save(one_step(folder / str(rank()), INPUTS[number : number + 1]), folder / f"{number}.pt")
    distributed.destroy_process_group()


def in_process(index: int, folder: Path) -> None:
    take_part(index + 1, folder)


@pytest.mark.slow
def test_two_processes_take_the_step_of_one_with_both_batches(tmp_path: Path) -> None:
    other = spawn(in_process, (tmp_path,), nprocs=1, join=False)
    take_part(0, tmp_path)
    assert other.join(60)
    alone = one_step(tmp_path / "alone", INPUTS)
    for number in (0, 1):
        torch.testing.assert_close(torch.load(tmp_path / f"{number}.pt", weights_only=True), alone)
