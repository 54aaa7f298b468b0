"""Fundamental frequency of speech, many frames at once, on whatever device the wave is."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def yin(
    wave: Tensor,
    sample_rate: int,
    hop: int,
    *,
    lowest_hz: float = 60.0,
    highest_hz: float = 550.0,
    voiced_below: float = 0.25,
    window: int = 768,
) -> Tensor:
    """YIN (de Cheveigné & Kawahara 2002, doi:10.1121/1.1458024) with a median filter over five frames.

    Args:
        wave: ``[T]`` in [-1, 1].
        hop: samples between frames; frame i is centred on sample ``i * hop``.
        voiced_below: a frame is voiced when the cumulative mean normalised difference dips under this.

    Returns:
        ``[T // hop]`` F0 in Hz, 0 where unvoiced.
    """
    if len(wave) < hop:
        return wave.new_zeros(0)
    longest = int(sample_rate / lowest_hz) + 2
    shortest = max(2, int(sample_rate / highest_hz))
    span = window + longest
    padded = F.pad(wave.float(), (span // 2, span))
    frames = padded.unfold(0, span, hop)[: len(wave) // hop]  # [N, span]
    # r(tau) between the first `window` samples and the same window tau later, by one FFT product.
    size = 1 << (span + window - 1).bit_length()
    correlation = torch.fft.irfft(
        torch.fft.rfft(frames[:, :window], size).conj() * torch.fft.rfft(frames, size), size
    )[:, :longest]
    power = F.pad(frames.square().cumsum(1), (1, 0))
    energy = power[:, window : window + longest] - power[:, :longest]  # of the window starting at tau
    difference = (energy[:, :1] + energy - 2 * correlation).clamp(min=0)
    lag = torch.arange(1, longest, device=wave.device)
    normalised = torch.ones_like(difference)
    normalised[:, 1:] = difference[:, 1:] * lag / difference[:, 1:].cumsum(1).clamp(min=1e-9)

    # The first dip under the threshold, or the deepest one.
    dips = normalised[:, shortest:-1]
    is_dip = (dips <= normalised[:, shortest - 1 : -2]) & (dips <= normalised[:, shortest + 1 :])
    good = is_dip & (dips < voiced_below / 2)
    first = torch.where(good.any(1), good.float().argmax(1), dips.argmin(1)) + shortest
    left, middle, right = (normalised.gather(1, (first + d).unsqueeze(1)).squeeze(1) for d in (-1, 0, 1))
    bend = left - 2 * middle + right
    shift = torch.where(bend.abs() > 1e-9, 0.5 * (left - right) / bend, torch.zeros_like(bend)).clamp(-1, 1)
    loud = energy[:, 0] / window > 1e-6
    f0 = torch.where((middle < voiced_below) & loud, sample_rate / (first + shift), torch.zeros_like(middle))
    return F.pad(f0[None, None], (2, 2))[0, 0].unfold(0, 5, 1).median(dim=1).values
