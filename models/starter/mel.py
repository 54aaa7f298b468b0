"""The mel spectrogram that every starter network speaks and hears."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

SAMPLE_RATE = 22050
FFT_SIZE = 1024
HOP = 256
MEL_BANDS = 80
FRAMES_PER_SECOND = SAMPLE_RATE / HOP

_LOG_FLOOR = 1e-5
_CENTRE, _SPREAD = 5.0, 2.5
"""log-mel of speech lies around -5 with a spread of about 2.5; networks see (log-mel + 5) / 2.5."""


def mel_filters(sample_rate: int, fft_size: int, bands: int) -> Tensor:
    """Triangular filters on the HTK mel scale, zero to Nyquist, each of unit area (Slaney). ``[F, bands]``."""

    def to_mel(hz: float) -> float:
        return 2595.0 * math.log10(1.0 + hz / 700.0)

    edges_mel = torch.linspace(0.0, to_mel(sample_rate / 2), bands + 2, dtype=torch.float64)
    edges_hz = 700.0 * (10.0 ** (edges_mel / 2595.0) - 1.0)
    bins_hz = torch.linspace(0.0, sample_rate / 2, fft_size // 2 + 1, dtype=torch.float64)
    rising = (bins_hz[:, None] - edges_hz[None, :-2]) / (edges_hz[1:-1] - edges_hz[:-2])
    falling = (edges_hz[None, 2:] - bins_hz[:, None]) / (edges_hz[2:] - edges_hz[1:-1])
    filters = torch.minimum(rising, falling).clamp(min=0.0) * (2.0 / (edges_hz[2:] - edges_hz[:-2]))
    return filters.float()


def spectrum_of(wave: Tensor, window: Tensor) -> Tensor:
    """``[B, T]`` -> complex ``[B, T // HOP, F]``; frame i is centred on sample i * HOP."""
    frames = wave.shape[-1] // HOP
    spectrum = torch.stft(
        wave.float(), FFT_SIZE, HOP, window=window, center=True, pad_mode="constant", return_complex=True
    )
    return spectrum[..., :frames].transpose(1, 2)


class MelSpectrogram(nn.Module):
    """Waveform to normalised log-mel, and nothing learnt."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(FFT_SIZE), persistent=False)
        self.register_buffer("filters", mel_filters(SAMPLE_RATE, FFT_SIZE, MEL_BANDS), persistent=False)

    def forward(self, wave: Tensor) -> Tensor:
        """``wave`` ``[B, T]`` at 22.05 kHz -> ``[B, T // HOP, MEL_BANDS]``; frame i is centred on sample i * HOP."""
        magnitude = spectrum_of(wave, self.window).abs()  # [B, T, F]
        log_mel = torch.log((magnitude @ self.filters).clamp(min=_LOG_FLOOR))
        return (log_mel + _CENTRE) / _SPREAD
