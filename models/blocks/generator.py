"""From frames of a latent to samples: HiFi-GAN (Kong et al. 2020, https://arxiv.org/abs/2010.05646) with a condition."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.blocks.weight_norm import WeightNormConv1d, WeightNormConvTranspose1d, as_line

_SLOPE = 0.1


class ResidualBlock(nn.Module):
    """Pairs of convolutions, the first of each dilated, every pair with its own way round."""

    def __init__(self, channels: int, kernel_size: int, dilations: Sequence[int]) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(
            WeightNormConv1d(channels, channels, kernel_size, dilation=d, padding=d * (kernel_size - 1) // 2)
            for d in dilations
        )
        self.convs2 = nn.ModuleList(
            WeightNormConv1d(channels, channels, kernel_size, padding=(kernel_size - 1) // 2)
            for _ in dilations
        )

    def forward(self, x: Tensor) -> Tensor:
        for dilated, plain in zip(self.convs1, self.convs2, strict=True):
            x = x + plain(F.leaky_relu(dilated(F.leaky_relu(x, _SLOPE)), _SLOPE, inplace=True))
        return x


class Generator(nn.Module):
    """Every stage upsamples and then averages residual blocks of several kernel sizes."""

    def __init__(
        self,
        latent_channels: int,
        initial_channels: int,
        upsample_rates: Sequence[int],
        upsample_kernel_sizes: Sequence[int],
        resblock_kernel_sizes: Sequence[int],
        resblock_dilations: Sequence[Sequence[int]],
        condition_channels: int,
    ) -> None:
        super().__init__()
        self.branches = len(resblock_kernel_sizes)
        self.conv_pre = nn.Conv1d(latent_channels, initial_channels, 7, padding=3)
        self.ups = nn.ModuleList()
        self.resblocks = nn.ModuleList()
        channels = initial_channels
        for rate, kernel_size in zip(upsample_rates, upsample_kernel_sizes, strict=True):
            self.ups.append(
                WeightNormConvTranspose1d(
                    channels, channels // 2, kernel_size, rate, padding=(kernel_size - rate) // 2
                )
            )
            channels //= 2
            self.resblocks.extend(
                ResidualBlock(channels, size, dilations)
                for size, dilations in zip(resblock_kernel_sizes, resblock_dilations, strict=True)
            )
        self.conv_post = nn.Conv1d(channels, 1, 7, padding=3, bias=False)
        self.cond = nn.Conv1d(condition_channels, initial_channels, 1)

    def compute_in(self, dtype: torch.dtype) -> None:
        """From the first upsampling to the last residual block; what enters and what leaves stays as it is."""
        self.ups.to(dtype)
        self.resblocks.to(dtype)

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        """``z`` ``[B, C, T]``, ``condition`` ``[B, K, 1]`` -> ``[B, 1, T * samples a frame]`` in [-1, 1]."""
        x = (self.conv_pre(z) + self.cond(condition)).to(self.ups[0].bias.dtype)
        if not x.is_cuda:
            x = as_line(x)
        for stage, upsample in enumerate(self.ups):
            x = upsample(F.leaky_relu(x, _SLOPE))
            blocks = self.resblocks[stage * self.branches : (stage + 1) * self.branches]
            x = reduce(torch.add, [block(x) for block in blocks]) / self.branches
        # The published weights were trained with torch's default slope here, and with 0.1 everywhere else.
        x = F.leaky_relu(x.flatten(2).to(z.dtype), 0.01)
        return self.conv_post(x).tanh()
