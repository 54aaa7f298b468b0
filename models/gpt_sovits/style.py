"""How a reference recording sounds, as one vector (Meta-StyleSpeech, Min et al. 2021, https://arxiv.org/abs/2106.03153)."""

from __future__ import annotations

import math

from torch import Tensor, nn
from torch.nn import functional as F


class NamedLinear(nn.Module):
    """A linear layer that the official files call ``fc``."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.fc = nn.Linear(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x)


class NamedConvolution(nn.Module):
    """A convolution that the official files call ``conv``."""

    def __init__(self, inputs: int, outputs: int, kernel_size: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(inputs, outputs, kernel_size, padding=kernel_size // 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class GatedResidual(nn.Module):
    def __init__(self, channels: int, kernel_size: int, dropout: float) -> None:
        super().__init__()
        self.conv1 = NamedConvolution(channels, 2 * channels, kernel_size)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.dropout(F.glu(self.conv1(x), dim=1))


class StyleAttention(nn.Module):
    def __init__(self, channels: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.w_qs = nn.Linear(channels, channels)
        self.w_ks = nn.Linear(channels, channels)
        self.w_vs = nn.Linear(channels, channels)
        self.fc = nn.Linear(channels, channels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, present: Tensor) -> Tensor:
        """``x`` ``[B, T, C]``, ``present`` ``[B, T]`` -> ``[B, T, C]``."""
        batch, length, channels = x.shape
        q, k, v = (
            w(x).view(batch, length, self.heads, -1).transpose(1, 2)
            for w in (self.w_qs, self.w_ks, self.w_vs)
        )
        # The published weights were trained with the root of all channels here, not of one head's.
        scores = (q @ k.transpose(2, 3)) / math.sqrt(channels)
        # Nothing lies between the scores and their mask: -inf is safe, a clip has at least one frame.
        weights = scores.masked_fill(~present[:, None, None], -math.inf).softmax(dim=-1)
        y = (self.dropout(weights) @ v).transpose(1, 2).reshape(batch, length, channels)
        return x + self.dropout(self.fc(y))


class StyleEncoder(nn.Module):
    def __init__(
        self,
        bins: int,
        channels: int,
        style_channels: int,
        kernel_size: int = 5,
        heads: int = 2,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.spectral = nn.Sequential(
            NamedLinear(bins, channels),
            nn.Mish(),
            nn.Dropout(dropout),
            NamedLinear(channels, channels),
            nn.Mish(),
            nn.Dropout(dropout),
        )
        self.temporal = nn.Sequential(*(GatedResidual(channels, kernel_size, dropout) for _ in range(2)))
        self.slf_attn = StyleAttention(channels, heads, dropout)
        self.fc = NamedLinear(channels, style_channels)

    def forward(self, spectrum: Tensor, mask: Tensor) -> Tensor:
        """``spectrum`` ``[B, F, T]``, ``mask`` ``[B, 1, T]`` -> the style ``[B, style_channels, 1]``."""
        present = mask[:, 0] > 0
        x = self.spectral((spectrum * mask).transpose(1, 2))
        x = self.temporal(x.transpose(1, 2)).transpose(1, 2)
        x = x * present.unsqueeze(-1)
        x = self.fc(self.slf_attn(x, present)) * present.unsqueeze(-1)
        return (x.sum(dim=1) / present.sum(dim=1, keepdim=True)).unsqueeze(-1)
