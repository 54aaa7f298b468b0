from __future__ import annotations

import math

import pytest
import torch

from pipelines.audio.pitch import yin

RATE, HOP = 22050, 256


def harmonics(f0: torch.Tensor, count: int = 8) -> torch.Tensor:
    """``[T]`` Hz for every sample -> a buzz with ``count`` harmonics that get weaker."""
    phase = 2 * math.pi * (f0.double() / RATE).cumsum(0)
    return (0.2 * sum(torch.sin(k * phase) / k for k in range(1, count + 1))).float()


@pytest.mark.parametrize("hz", [70.0, 110.0, 173.3, 220.0, 400.0, 520.0])
def test_steady_voices_are_heard_within_half_a_percent(hz: float) -> None:
    f0 = yin(harmonics(torch.full((RATE,), hz)), RATE, HOP)
    inner = f0[5:-8]
    assert bool((inner > 0).all())
    assert float((inner / hz - 1).abs().max()) < 0.005


@pytest.mark.parametrize("rate", [16000, 24000, 48000])
def test_other_rates(rate: int) -> None:
    wave = 0.3 * torch.sin(2 * math.pi * 150.0 * torch.arange(rate) / rate)
    assert float(yin(wave, rate, rate // 100).median()) == pytest.approx(150.0, rel=0.005)


@pytest.mark.parametrize(("begin", "end"), [(100.0, 300.0), (400.0, 120.0)])
def test_a_sweep_is_followed(begin: float, end: float) -> None:
    track = torch.linspace(begin, end, 2 * RATE)
    f0 = yin(harmonics(track), RATE, HOP)
    truth = track[torch.arange(len(f0)) * HOP]
    inner = slice(6, -8)
    assert float((f0[inner] / truth[inner] - 1).abs().median()) < 0.01
    assert float((f0[inner] / truth[inner] - 1).abs().quantile(0.95)) < 0.03


def test_a_missing_fundamental_is_found() -> None:
    phase = 2 * math.pi * 120.0 * torch.arange(RATE) / RATE
    wave = 0.1 * sum(torch.sin(k * phase) for k in (3, 4, 5, 6))
    assert float(yin(wave, RATE, HOP)[8:-8].median()) == pytest.approx(120.0, rel=0.01)


@pytest.mark.parametrize("gain", [0.3, 0.01])
def test_noise_and_silence_are_unvoiced(gain: float) -> None:
    noise = gain * torch.randn(2 * RATE, generator=torch.Generator().manual_seed(0))
    assert float((yin(noise, RATE, HOP) > 0).float().mean()) < 0.05
    assert float(yin(torch.zeros(RATE), RATE, HOP).abs().max()) == 0.0


def test_a_voice_between_silences_is_where_it_is() -> None:
    wave = torch.cat([torch.zeros(RATE), harmonics(torch.full((RATE,), 200.0)), torch.zeros(RATE)])
    voiced = torch.where(yin(wave, RATE, HOP) > 0)[0] * HOP / RATE
    assert float(voiced.min()) == pytest.approx(1.0, abs=0.06)
    assert float(voiced.max()) == pytest.approx(2.0, abs=0.06)


@pytest.mark.parametrize("samples", [0, 1, 255, 256, 5000])
def test_a_frame_a_hop_however_short(samples: int) -> None:
    f0 = yin(0.1 * torch.randn(samples), RATE, HOP)
    assert f0.shape == (samples // HOP,) and bool(f0.isfinite().all())
