"""One loudness for everything that a network hears or says."""

from __future__ import annotations

from torch import Tensor

RMS = 0.09
PEAK = 0.89


def levelled(wave: Tensor, sample_rate: int) -> Tensor:
    """``[T]`` scaled so that the louder half of its 20 ms blocks has an RMS of ``RMS``, peaks at most ``PEAK``."""
    block = sample_rate // 50
    if len(wave) < block:
        return wave
    power = wave[: len(wave) // block * block].view(-1, block).square().mean(dim=1)
    loud = power[power >= power.median()].mean().clamp(min=1e-9).sqrt()
    wave = wave * (RMS / loud).clamp(max=100.0)
    return wave * (PEAK / wave.abs().max().clamp(min=PEAK))
