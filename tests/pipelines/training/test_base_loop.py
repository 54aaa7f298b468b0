from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from pipelines.training.base.loop import Budget, Training

STEPS = 8


def training_of(folder: Path, budget: Budget) -> Training:
    torch.manual_seed(0)
    network = nn.Linear(3, 1)
    optimiser = torch.optim.AdamW(network.parameters(), 1e-2)
    return Training(folder, budget, {"net": network}, {"net": optimiser}, averaged=("net",))


def run(training: Training, stop_at: int = 10**9, **pace: float) -> list[Tensor]:
    """Train on data that depend on the step alone; returns what was shipped."""
    shipped: list[Tensor] = []

    def step(used: float) -> dict[str, Tensor]:
        assert 0.0 <= used < 1.0
        if training.step == stop_at:
            raise KeyboardInterrupt
        x = torch.randn(16, 3, generator=torch.Generator().manual_seed(training.step))
        loss = (training.networks["net"](x) - x.sum(1, keepdim=True)).square().mean()
        training.optimisers["net"].zero_grad()
        loss.backward()
        training.optimisers["net"].step()
        return {"loss": loss}

    def ship() -> None:
        shipped.append(training.averages["net"].weight.detach().clone())

    training.run(step, held_out=lambda: {"loss": torch.tensor(0.5)}, ship=ship, **pace)
    return shipped


def test_a_rate_warms_up_and_decays_with_the_budget() -> None:
    budget = Budget(minutes=10, steps=1000, warmup_steps=100)
    rates = [budget.rate(step, 0.0) for step in range(1000)]
    assert rates[0] == pytest.approx(0.01) and max(rates) == pytest.approx(rates[99], rel=0.03)
    assert all(a >= b for a, b in zip(rates[100:], rates[101:], strict=False))
    assert rates[-1] == pytest.approx(0.02, abs=1e-3)
    assert budget.rate(500, 0.0) == pytest.approx(budget.rate(500, 300.0))
    assert budget.used(0, 600.0) == 1.0 and budget.used(2000, 0.0) == 1.0


def test_the_average_follows_the_network(tmp_path: Path) -> None:
    training = training_of(tmp_path, Budget(10, STEPS, warmup_steps=1))
    start = training.averages["net"].weight.clone()
    shipped = run(training)[-1]
    network = training.networks["net"].weight.detach()
    assert not torch.equal(shipped, start) and not torch.equal(shipped, network)
    assert float((shipped - network).norm()) < float((start - network).norm())


def test_a_stopped_training_goes_on_where_it_was_saved(tmp_path: Path) -> None:
    whole = run(training_of(tmp_path / "whole", Budget(10, STEPS, warmup_steps=1)))[-1]
    broken = training_of(tmp_path / "broken", Budget(10, STEPS, warmup_steps=1))
    with pytest.raises(KeyboardInterrupt):
        run(broken, stop_at=5, save_seconds=-1.0)
    again = training_of(tmp_path / "broken", Budget(10, STEPS, warmup_steps=1))
    again.resume()
    assert again.step == 5 and again.seconds > 0
    torch.testing.assert_close(run(again)[-1], whole)
    assert not (tmp_path / "broken" / "training.tmp").exists()


def test_a_spent_budget_trains_no_more(tmp_path: Path) -> None:
    run(training_of(tmp_path, Budget(10, STEPS)))
    again = training_of(tmp_path, Budget(10, STEPS))
    again.resume()
    run(again)
    assert again.step == STEPS


def test_the_log_is_a_table_with_means_since_the_last_row(tmp_path: Path) -> None:
    run(training_of(tmp_path, Budget(10, STEPS)), check_seconds=-1.0)
    again = training_of(tmp_path, Budget(10, STEPS + 2))
    again.resume()
    run(again)
    with (tmp_path / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["step", "minutes", "loss", "held_out_loss"]
    assert [int(row["step"]) for row in rows] == [*range(1, STEPS + 1), STEPS + 2]
    assert all(0 < float(row["loss"]) < 20 and row["held_out_loss"] == "0.5" for row in rows)
