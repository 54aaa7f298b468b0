"""Critics for the vocoder: by period (HiFi-GAN, Kong et al. 2020) and by resolution (UnivNet, Jang et al. 2021)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

_SLOPE = 0.1


class PeriodCritic(nn.Module):
    """Looks at every ``period``-th sample; the phases of the period are rows of the batch."""

    def __init__(self, period: int, channels: tuple[int, ...] = (32, 96, 192, 384)) -> None:
        super().__init__()
        self.period = period
        inputs = (1, *channels[:-1])
        self.layers = nn.ModuleList(
            weight_norm(nn.Conv1d(i, o, 5, 3, padding=2)) for i, o in zip(inputs, channels, strict=True)
        )
        self.out = weight_norm(nn.Conv1d(channels[-1], 1, 3, padding=1))

    def forward(self, wave: Tensor) -> tuple[Tensor, list[Tensor]]:
        """``[B, T]`` -> scores and the feature maps on the way, ``[B * period, C, T']`` each."""
        x = F.pad(wave, (0, -wave.shape[-1] % self.period), mode="reflect")
        x = x.view(wave.shape[0], -1, self.period).transpose(1, 2).reshape(-1, 1, x.shape[-1] // self.period)
        features = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), _SLOPE)
            features.append(x)
        return self.out(x), features


class ResolutionCritic(nn.Module):
    """Looks at log magnitudes of one STFT resolution."""

    def __init__(self, fft_size: int, channels: int = 24) -> None:
        super().__init__()
        self.fft_size, self.hop = fft_size, fft_size // 4
        self.register_buffer("window", torch.hann_window(fft_size), persistent=False)
        self.layers = nn.ModuleList(
            weight_norm(nn.Conv2d(i, channels, (3, 9), stride, padding=(1, 4)))
            for i, stride in ((1, (1, 1)), (channels, (1, 2)), (channels, (1, 2)), (channels, (1, 2)))
        )
        self.layers.append(weight_norm(nn.Conv2d(channels, channels, (3, 3), padding=(1, 1))))
        self.out = weight_norm(nn.Conv2d(channels, 1, (3, 3), padding=(1, 1)))

    def forward(self, wave: Tensor) -> tuple[Tensor, list[Tensor]]:
        spectrum = torch.stft(wave.float(), self.fft_size, self.hop, window=self.window, return_complex=True)
        x = torch.log(spectrum.abs().clamp(min=1e-4)).transpose(1, 2).unsqueeze(1)
        features = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), _SLOPE)
            features.append(x)
        return self.out(x), features


class Critics(nn.Module):
    def __init__(
        self, periods: tuple[int, ...] = (2, 3, 5, 7, 11), fft_sizes: tuple[int, ...] = (512, 1024, 2048)
    ) -> None:
        super().__init__()
        self.critics = nn.ModuleList(
            [*(PeriodCritic(p) for p in periods), *(ResolutionCritic(size) for size in fft_sizes)]
        )

    def forward(self, wave: Tensor) -> list[tuple[Tensor, list[Tensor]]]:
        """``[B, T]`` -> one (scores, features) for every critic."""
        return [critic(wave) for critic in self.critics]
