"""The loop that all fine-tunings share, on a network of one number."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from pipelines.failure import Cancelled, CraftError
from pipelines.training.adaptation import (
    Adaptation,
    Learner,
    Part,
    Schedule,
    cosine_decay,
    drawn_from,
    linear_decay,
)
from tests.training_watcher import PowerCut, Watcher

SCHEDULE = Schedule(steps=12, check_every=3, patience=2)


class Seeker(Learner):
    """Looks for 3, is told noise; of what is held out it knows the truth, until it ``turns``."""

    def __init__(
        self, rate: float = 0.1, turns: float | None = None, precision: torch.dtype | None = None
    ) -> None:
        self.place = torch.zeros(1, requires_grad=True)
        self.helper = torch.zeros(1, requires_grad=True)
        self.turns = turns
        self.seen: list[tuple[bool, float]] = []
        optimisers = {
            "place": torch.optim.AdamW([self.place], lr=rate),
            "helper": torch.optim.AdamW([self.helper], lr=rate),
        }
        super().__init__(
            "Seeker", "cpu", {"place": self.place}, optimisers, {"helper": self.helper}, precision
        )

    def loss(self, generator: torch.Generator, trained: bool = True) -> Tensor:
        with drawn_from(generator):
            noise = torch.randn(())
        self.seen.append((trained, float(noise)))
        if trained:
            return (self.place - 3 - 0.1 * noise).square().sum() + (self.helper - self.place).square().sum()
        return (self.place - (3 if self.turns is None else self.turns)).square().sum() + 1


def adaptation(
    watcher: Watcher, schedule: Schedule = SCHEDULE, relative: bool = False, **how: object
) -> Adaptation:
    return Adaptation(Seeker(**how), schedule, watcher.work_dir / "seeker.pt", watcher, relative=relative)


def test_it_finds_its_way_and_says_so(tmp_path: Path) -> None:
    watcher = Watcher(tmp_path)
    outcome = adaptation(watcher).run()
    assert (outcome.steps, outcome.best_step) == (12, 12)
    assert [row[0] for row in outcome.curve] == [0, 3, 6, 9, 12]
    held_out = [row[2] for row in outcome.curve]
    assert held_out == sorted(held_out, reverse=True) and held_out[0] == 10
    assert outcome.values["place"].dtype == torch.float16 and 0.2 < float(outcome.values["place"]) < 3
    assert set(outcome.values) == {"place"}  # what helped is not kept
    assert watcher.stages[-1] == ("train", 1.0) and [row for row in watcher.losses if row[2]] == list(
        outcome.curve
    )


def test_losses_as_shares_of_the_first(tmp_path: Path) -> None:
    watcher = Watcher(tmp_path)
    outcome = adaptation(watcher, relative=True).run()
    told = [row for row in watcher.losses if row[2]]
    assert told[0] == (0, 1.0, 1.0)
    assert told[-1][2] == pytest.approx(outcome.curve[-1][2] / 10)


def test_what_turns_worse_is_left(tmp_path: Path) -> None:
    outcome = adaptation(Watcher(tmp_path), turns=0.06, rate=0.1).run()
    assert outcome.best_step == 3 and outcome.steps == 9  # two checks later
    assert float(outcome.values["place"]) < 0.1


@pytest.mark.parametrize("steps_done", [1, 4, 7, 11])
@pytest.mark.parametrize("precision", [None, torch.float16])
def test_after_a_power_cut_it_goes_on_as_if_there_had_been_none(
    tmp_path: Path, steps_done: int, precision: torch.dtype | None
) -> None:
    for name in ("whole", "torn"):
        (tmp_path / name).mkdir()
    whole = adaptation(Watcher(tmp_path / "whole"), precision=precision).run()
    with pytest.raises(PowerCut):
        adaptation(Watcher(tmp_path / "torn", die_after_steps=steps_done), precision=precision).run()
    again = Watcher(tmp_path / "torn")
    resumed = adaptation(again, precision=precision).run()
    assert resumed == whole
    assert len(again.stages) == 12 - steps_done // 3 * 3


def test_what_is_over_is_not_done_again(tmp_path: Path) -> None:
    outcome = adaptation(Watcher(tmp_path)).run()
    again = Watcher(tmp_path)
    assert adaptation(again).run() == outcome
    assert again.stages == [] and (tmp_path / "seeker.pt").stat().st_size < 4000  # no moments are kept


def test_batches_of_a_step_are_averaged(tmp_path: Path) -> None:
    one, four = (adaptation(Watcher(tmp_path), replace(SCHEDULE, accumulation=count)) for count in (1, 4))
    one.learner.loss = four.learner.loss = None
    for each in (one, four):
        place = each.learner.place
        each.learner.loss = lambda generator, trained=True, place=place: (place - 3).square().sum()
        each._step()
    assert torch.equal(one.learner.place, four.learner.place)
    assert len({float(one._step()), float(four._step())}) == 1


@pytest.mark.parametrize("worth", [float("nan"), float("inf")])
def test_what_is_no_number_is_named(tmp_path: Path, worth: float) -> None:
    started = adaptation(Watcher(tmp_path))
    started._step()
    started.learner.loss = lambda generator, trained=True: started.learner.place.sum() * worth
    with pytest.raises(CraftError) as caught:
        started._step()
    assert (caught.value.code, caught.value.facts) == ("training_diverged", {"stage": "Seeker", "step": 1})
    assert bool(started.learner.place.isfinite())  # caught before it moved anything


def test_gradients_that_are_none_are_named_too(tmp_path: Path) -> None:
    started = adaptation(Watcher(tmp_path))
    started.learner.loss = lambda generator, trained=True: (started.learner.place - 0.0).abs().sqrt().sum()
    with pytest.raises(CraftError, match="training_diverged"):
        started._step()


def test_in_half_precision_such_a_step_is_left_out(tmp_path: Path) -> None:
    started = adaptation(Watcher(tmp_path), precision=torch.float16)
    scale = started.learner.scaler.get_scale()
    started.learner.loss = lambda generator, trained=True: (started.learner.place * 6e4).sum() * 1e33
    started._step()
    assert not started.learner.place.any() and started.learner.scaler.get_scale() < scale


def test_it_can_be_stopped(tmp_path: Path) -> None:
    watcher = Watcher(tmp_path, cancel_at="train")
    with pytest.raises(Cancelled):
        adaptation(watcher).run()
    assert not watcher.in_turn


def test_rates_rise_and_fall() -> None:
    rates = [
        Schedule(steps=100, decay=decay).rate(step)
        for decay in (linear_decay, cosine_decay)
        for step in range(100)
    ]
    for line in (rates[:100], rates[100:]):
        assert line[0] == pytest.approx(0.1, rel=0.01) and line[:9] == sorted(line[:9])
        assert line[10:] == sorted(line[10:], reverse=True) and line[-1] == pytest.approx(0.1, abs=0.02)
    assert cosine_decay(0.25) > linear_decay(0.25) and cosine_decay(0.5) == pytest.approx(linear_decay(0.5))


def test_a_part_of_the_whole(tmp_path: Path) -> None:
    watcher = Watcher(tmp_path)
    part = Part(watcher, 0.2, 0.5, first_step=100)
    part.stage("train", 0.5)
    part.loss(3, 1.5, None)
    assert watcher.stages == [("train", 0.45)] and watcher.losses == [(103, 1.5, None)]
    with part.turn():
        assert watcher.in_turn


def test_draws_disturb_nobody() -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    generator = torch.Generator().manual_seed(1)
    with drawn_from(generator):
        first = torch.rand(3)
    assert torch.equal(torch.rand(3), expected)
    with drawn_from(torch.Generator().manual_seed(1)):
        assert torch.equal(torch.rand(3), first)
    with drawn_from(generator):
        assert not torch.equal(torch.rand(3), first)
