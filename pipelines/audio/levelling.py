"""One loudness for everything that a network hears or says."""

from __future__ import annotations

import torch
from torch import Tensor

RMS = 0.09
PEAK = 0.89


def levelled(wave: Tensor, sample_rate: int) -> Tensor:
    """``[T]`` scaled so that the louder half of its 20 ms blocks has an RMS of ``RMS``, peaks at most ``PEAK``."""
    return wave * gain(wave, sample_rate)


def gain(wave: Tensor, sample_rate: int) -> Tensor:
    """The factor that ``levelled`` scales ``wave`` ``[T]`` by; 1 for what is shorter than a block."""
    block = sample_rate // 50
    if len(wave) < block:
        return wave.new_ones(())
    power = wave[: len(wave) // block * block].view(-1, block).square().mean(dim=1)
    loud = power[power >= power.median()].mean().clamp(min=1e-9).sqrt()
    factor = (RMS / loud).clamp(max=100.0)
    return factor * PEAK / (wave.abs().max() * factor).clamp(min=PEAK)


class Leveller:
    """``levelled`` for a wave that is heard before it is complete: the factor follows everything that came so far, and
    glides from one chunk to the next."""

    GLIDE_SECONDS = 0.05

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._heard: list[Tensor] = []
        self._factor: Tensor | None = None

    def __call__(self, chunk: Tensor) -> Tensor:
        """The next chunk ``[T]``, scaled; what would exceed full scale is clipped."""
        self._heard.append(chunk)
        before, self._factor = self._factor, gain(torch.cat(self._heard), self._rate)
        factors = self._factor.expand(len(chunk)).clone()
        if before is not None:
            glide = min(len(chunk), int(self.GLIDE_SECONDS * self._rate))
            share = torch.arange(glide, device=chunk.device) / max(1, glide)
            factors[:glide] = before + share * (self._factor - before)
        return (chunk * factors).clamp(-1.0, 1.0)
