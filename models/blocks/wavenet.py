"""Gated dilated convolutions with a condition (van den Oord et al. 2016), and the posterior encoder made of them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.blocks.weight_norm import WeightNormConv1d


class WaveNet(nn.Module):
    def __init__(
        self,
        channels: int,
        kernel_size: int,
        layers: int,
        condition_channels: int,
        dilation_rate: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.channels, self.dropout = channels, dropout
        self.cond_layer = WeightNormConv1d(condition_channels, 2 * channels * layers, 1)
        self.in_layers = nn.ModuleList(
            WeightNormConv1d(
                channels,
                2 * channels,
                kernel_size,
                dilation=dilation_rate**i,
                padding=dilation_rate**i * (kernel_size - 1) // 2,
            )
            for i in range(layers)
        )
        # The last layer has no next one to feed: it gives its share of the output alone.
        self.res_skip_layers = nn.ModuleList(
            WeightNormConv1d(channels, 2 * channels if i < layers - 1 else channels, 1) for i in range(layers)
        )

    def forward(self, x: Tensor, mask: Tensor, condition: Tensor) -> Tensor:
        """``x`` ``[B, C, T]``, ``mask`` ``[B, 1, T]``, ``condition`` ``[B, K, 1 or T]`` -> ``[B, C, T]``."""
        output = torch.zeros_like(x)
        conditions = self.cond_layer(condition).split(2 * self.channels, dim=1)
        for layer, res_skip, told in zip(self.in_layers, self.res_skip_layers, conditions, strict=True):
            value, gate = (layer(x) + told).chunk(2, dim=1)
            y = res_skip(F.dropout(value.tanh() * gate.sigmoid(), self.dropout, self.training))
            if y.shape[1] > self.channels:
                residual, y = y.chunk(2, dim=1)
                x = (x + residual) * mask
            output = output + y
        return output * mask


class PosteriorEncoder(nn.Module):
    """What a recording says of the latent that a decoder would need to make it (training alone)."""

    def __init__(
        self,
        spectrum_bins: int,
        latent_channels: int,
        hidden_channels: int,
        condition_channels: int,
        kernel_size: int = 5,
        layers: int = 16,
    ) -> None:
        super().__init__()
        self.pre = nn.Conv1d(spectrum_bins, hidden_channels, 1)
        self.enc = WaveNet(hidden_channels, kernel_size, layers, condition_channels)
        self.proj = nn.Conv1d(hidden_channels, 2 * latent_channels, 1)

    def forward(
        self, spectrum: Tensor, mask: Tensor, condition: Tensor, noise: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """
        Args:
            spectrum: ``[B, F, T]``.
            mask: ``[B, 1, T]``.
            condition: ``[B, K, 1]``.
            noise: ``[B, C, T]`` normal draws; from torch's own generator when absent.

        Returns:
            a sample, the mean and the log deviation, ``[B, C, T]`` each.
        """
        x = self.enc(self.pre(spectrum) * mask, mask, condition)
        mean, log_deviation = (self.proj(x) * mask).chunk(2, dim=1)
        noise = torch.randn_like(mean) if noise is None else noise
        return (mean + noise * log_deviation.exp()) * mask, mean, log_deviation
