"""What SoVITS is told of a step."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from models.gpt_sovits.sovits import Rehearsal
from pipelines.training.gpt_sovits.examples import Example, drawn, hold_out, padded
from pipelines.training.gpt_sovits.sovits import convincing_loss, divergence, log_mel, told_apart_loss


def rehearsal(prior_mean: float, prior_log_deviation: float = 0.0, frames: int = 200_000) -> Rehearsal:
    """A posterior of mean 0 and deviation 1 that was drawn from, and a prior of which this is known."""
    torch.manual_seed(0)
    z = torch.randn(1, 1, frames)
    prior = torch.full_like(z, prior_mean), torch.full_like(z, prior_log_deviation)
    nothing, one = torch.zeros_like(z), torch.ones(1, 1, frames)
    return Rehearsal(nothing, torch.zeros(1), one, z, z, *prior, nothing, nothing)


TOLD = torch.tensor([True])


@pytest.mark.parametrize(("mean", "log_deviation"), [(0.0, 0.0), (1.5, 0.0), (0.0, 0.7), (-0.5, -0.3)])
def test_divergence_is_that_of_two_gaussians(mean: float, log_deviation: float) -> None:
    exact = log_deviation + (1 + mean**2) / (2 * math.exp(2 * log_deviation)) - 0.5
    assert float(divergence(rehearsal(mean, log_deviation), TOLD)) == pytest.approx(exact, abs=0.02)


def test_rows_whose_text_nobody_knows_say_nothing_of_the_prior() -> None:
    near, far = rehearsal(0.0, frames=10), rehearsal(9.0, frames=10)
    both = Rehearsal(**{name: torch.cat([getattr(near, name), getattr(far, name)]) for name in vars(near)})
    assert divergence(both, torch.tensor([True, False])) == pytest.approx(float(divergence(near, TOLD)))
    assert divergence(both, torch.tensor([False, False])) == 0
    # what is beyond the end of a clip, neither
    torn = replace(far, mask=torch.cat([torch.ones(1, 1, 4), torch.zeros(1, 1, 6)], dim=2))
    first = replace(far, **{n: getattr(far, n)[..., :4] for n in vars(far) if n not in ("starts", "wave")})
    assert divergence(torn, TOLD) == pytest.approx(float(divergence(first, TOLD)))


def opinions(score: float, feature: float) -> list[tuple[Tensor, list[Tensor]]]:
    return [(torch.full((2, 5), score), [torch.full((2, 3, 5), feature)] * 2)] * 3


def test_what_critics_want_and_what_the_generator_wants() -> None:
    real, made = opinions(1.0, 1.0), opinions(0.0, 0.5)
    assert told_apart_loss(real, made) == 0 and told_apart_loss(made, real) == 3 * 2
    assert convincing_loss(real, made) == 3 * (1 + 2 * 2 * 0.5)
    assert convincing_loss(real, opinions(1.0, 1.0)) == 0


def test_mel_bands_rise_with_the_pitch_and_silence_has_a_floor() -> None:
    times = torch.arange(20_480) / 32_000
    tones = torch.stack([torch.sin(2 * math.pi * hertz * times) for hertz in (200.0, 1000.0, 9000.0)])
    bands = log_mel(tones)
    assert bands.shape == (3, 128, 32)
    peaks = bands.mean(dim=2).argmax(dim=1)
    assert peaks[0] < peaks[1] < peaks[2]
    assert float(log_mel(torch.zeros(1, 20_480)).max()) < -8


def test_batches() -> None:
    rows = [torch.ones(2, 3), torch.ones(2, 5)]
    assert padded(rows).shape == (2, 2, 5) and padded(rows)[0, 0].tolist() == [1, 1, 1, 0, 0]
    assert padded(rows, left=True)[0, 0].tolist() == [0, 0, 1, 1, 1]
    generator = torch.Generator().manual_seed(0)
    for count in (2, 3, 7):
        found = drawn("abc", count, generator)
        assert len(found) == count and len(set(found)) == min(count, 3)


def test_every_eighth_is_held_out_and_of_few_the_shortest() -> None:
    def example(seconds: float, told: bool) -> Example:
        frames = int(50 * seconds)
        nothing = torch.zeros(1)
        return Example(
            torch.zeros(frames * 640), torch.zeros(6, frames), nothing, nothing, nothing, None, told
        )

    def held_out(*examples: Example) -> list[int]:
        return [number for number, e in enumerate(hold_out(examples)) if not e.trained]

    assert held_out(*[example(5, True)] * 17) == [3, 11]
    assert held_out(example(5, True), example(2, True), example(3, False)) == [1]
    # its text must be known, where two are
    assert held_out(example(9, True), example(2, False), example(3, True), example(4, False)) == [2]
    assert held_out(example(9, True), example(2, False), example(3, False)) == [1]
