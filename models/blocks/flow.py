"""A normalising flow of volume-preserving couplings (RealNVP, Dinh et al. 2017, as VITS uses it)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.blocks.wavenet import WaveNet


class MeanCoupling(nn.Module):
    """One half of the channels moves the other."""

    def __init__(
        self, channels: int, hidden_channels: int, kernel_size: int, layers: int, condition_channels: int
    ) -> None:
        super().__init__()
        self.pre = nn.Conv1d(channels // 2, hidden_channels, 1)
        self.enc = WaveNet(hidden_channels, kernel_size, layers, condition_channels)
        self.post = nn.Conv1d(hidden_channels, channels // 2, 1)

    def forward(self, x: Tensor, mask: Tensor, condition: Tensor, reverse: bool) -> Tensor:
        still, moved = x.chunk(2, dim=1)
        mean = self.post(self.enc(self.pre(still) * mask, mask, condition)) * mask
        moved = (moved - mean) * mask if reverse else moved * mask + mean
        return torch.cat([still, moved], dim=1)


class Flip(nn.Module):
    """The halves change places, every channel with its mirror image."""

    def forward(self, x: Tensor, mask: Tensor, condition: Tensor, reverse: bool) -> Tensor:
        return x.flip(1)


class CouplingFlow(nn.Module):
    def __init__(
        self,
        channels: int,
        hidden_channels: int,
        condition_channels: int,
        kernel_size: int = 5,
        layers: int = 4,
        couplings: int = 4,
    ) -> None:
        super().__init__()
        self.flows = nn.ModuleList()
        for _ in range(couplings):
            self.flows.append(
                MeanCoupling(channels, hidden_channels, kernel_size, layers, condition_channels)
            )
            self.flows.append(Flip())

    def forward(self, z: Tensor, mask: Tensor, condition: Tensor, reverse: bool = False) -> Tensor:
        """``z`` ``[B, C, T]``, ``mask`` ``[B, 1, T]``, ``condition`` ``[B, K, 1]``; ``reverse`` goes from prior to posterior."""
        for flow in reversed(self.flows) if reverse else self.flows:
            z = flow(z, mask, condition, reverse)
        return z
