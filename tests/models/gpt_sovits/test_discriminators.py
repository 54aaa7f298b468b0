from __future__ import annotations

import pytest
import torch

from models.gpt_sovits.discriminators import V2_PERIODS, V2PRO_PERIODS, Discriminators, PeriodDiscriminator
from tests.goldens import golden_keys, shapes_of


@pytest.mark.parametrize(("version", "periods"), [("v2", V2_PERIODS), ("v2Pro", V2PRO_PERIODS)])
def test_every_official_weight_is_there(version: str, periods: tuple[int, ...]) -> None:
    assert shapes_of(lambda: Discriminators(periods)) == golden_keys(f"keys_s2D_{version}")


def test_every_critic_scores_and_teaches() -> None:
    torch.manual_seed(0)
    critics = Discriminators((3,))
    wave = torch.randn(2, 1, 2561, requires_grad=True)
    opinions = critics(wave)
    assert [len(features) for _, features in opinions] == [7, 6]
    assert all(scores.shape[0] == 2 and scores.dim() == 2 for scores, _ in opinions)
    sum(scores.mean() for scores, _ in opinions).backward()
    assert bool(wave.grad.isfinite().all()) and float(wave.grad.abs().sum()) > 0


def test_a_period_critic_never_mixes_phases() -> None:
    torch.manual_seed(0)
    critic = PeriodDiscriminator(5)
    wave = torch.randn(1, 1, 1000)
    other = wave.clone()
    other[..., 2::5] += 1
    with torch.no_grad():
        changed = critic(wave)[1][0] != critic(other)[1][0]  # [1, C, rows, period]
    assert changed[..., 2].any() and not changed[..., [0, 1, 3, 4]].any()
