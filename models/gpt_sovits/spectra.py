"""What the networks of GPT-SoVITS hear of a recording: a magnitude spectrum, and Kaldi's mel filterbank."""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

SAMPLE_RATE = 32_000
HOP, FFT_SIZE = 640, 2048
FILTERBANK_RATE = 16_000
_FRAME, _SHIFT, _FILTERBANK_FFT = 400, 160, 512  # 25 ms every 10 ms


def magnitude_spectrum(wave: Tensor) -> Tensor:
    """``wave`` ``[B, N]`` at 32 kHz -> ``[B, 1025, N // 640]``.

    Raises:
        ValueError: shorter than the reflection at its ends.
    """
    margin = (FFT_SIZE - HOP) // 2
    if wave.shape[-1] <= margin:
        raise ValueError(f"{wave.shape[-1]} samples; a spectrum needs more than {margin}")
    padded = F.pad(wave.unsqueeze(1), (margin, margin), mode="reflect").squeeze(1)
    window = torch.hann_window(FFT_SIZE, device=wave.device, dtype=wave.dtype)
    spectrum = torch.stft(padded, FFT_SIZE, HOP, window=window, center=False, return_complex=True)
    return (torch.view_as_real(spectrum).square().sum(-1) + 1e-8).sqrt()


def kaldi_filterbank(wave: Tensor, bands: int = 80) -> Tensor:
    """Log mel energies as Kaldi's ``compute-fbank-feats`` makes them without dither (Povey et al. 2011).

    Args:
        wave: ``[B, N]`` at 16 kHz in [-1, 1], at least 400 samples.

    Returns:
        ``[B, 1 + (N - 400) // 160, bands]``.

    Raises:
        ValueError: shorter than one frame.
    """
    if wave.shape[-1] < _FRAME:
        raise ValueError(f"{wave.shape[-1]} samples; a frame has {_FRAME}")
    frames = wave.unfold(-1, _FRAME, _SHIFT)  # [B, T, 400]
    frames = frames - frames.mean(dim=-1, keepdim=True)
    before = torch.cat([frames[..., :1], frames[..., :-1]], dim=-1)
    frames = (frames - 0.97 * before) * _povey_window().to(wave)
    power = torch.fft.rfft(frames, n=_FILTERBANK_FFT).abs().square()
    energies = power @ _mel_triangles(bands).to(wave).T
    return energies.clamp(min=torch.finfo(torch.float32).eps).log()


@cache
def _povey_window() -> Tensor:
    return torch.hann_window(_FRAME, periodic=False).pow(0.85)


@cache
def _mel_triangles(bands: int, lowest_hz: float = 20.0) -> Tensor:
    """``[bands, 257]``: triangles of unit height, equally wide and straight on the mel scale, up to Nyquist."""

    bins = torch.arange(_FILTERBANK_FFT // 2 + 1) * (FILTERBANK_RATE / _FILTERBANK_FFT)
    places = 1127.0 * (1.0 + bins / 700.0).log()
    low, high = (1127.0 * math.log(1.0 + hertz / 700.0) for hertz in (lowest_hz, FILTERBANK_RATE / 2))
    # In single precision, as Kaldi does: the rounding of the corners is heard by the networks trained on it.
    corners = low + torch.arange(bands + 2)[:, None] * ((high - low) / (bands + 1))
    left, centre, right = corners[:-2], corners[1:-1], corners[2:]
    rising, falling = (places - left) / (centre - left), (right - places) / (right - centre)
    return torch.minimum(rising, falling).clamp(min=0.0)
