"""ConvNeXt in one dimension (Liu et al. 2022, https://arxiv.org/abs/2201.03545), as Vocos uses it for speech."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution, LayerNorm, two linear layers, a learnt layer scale and a residual.

    With ``condition_channels`` the LayerNorm has no affine of its own and is scaled and shifted by a linear map of the
    condition, zero at the start of training (AdaLN, Peebles & Xie 2023).
    """

    def __init__(
        self,
        channels: int,
        hidden_channels: int,
        kernel_size: int = 7,
        dilation: int = 1,
        condition_channels: int = 0,
        layer_scale: float = 0.3,
    ) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(
            channels,
            channels,
            kernel_size,
            padding=dilation * (kernel_size // 2),
            dilation=dilation,
            groups=channels,
        )
        self.norm = nn.LayerNorm(channels, elementwise_affine=condition_channels == 0)
        self.condition = nn.Linear(condition_channels, 2 * channels) if condition_channels else None
        if self.condition is not None:
            nn.init.zeros_(self.condition.weight)
            nn.init.zeros_(self.condition.bias)
        self.expand = nn.Linear(channels, hidden_channels)
        self.contract = nn.Linear(hidden_channels, channels)
        self.layer_scale = nn.Parameter(torch.full((channels,), layer_scale))

    def forward(self, x: Tensor, mask: Tensor | None = None, condition: Tensor | None = None) -> Tensor:
        """
        Args:
            x: ``[B, T, C]``.
            mask: ``[B, T, 1]``, 1 where there is something; what is masked never reaches a neighbour.
            condition: ``[B, K]``, one vector for the whole sequence.
        """
        y = x if mask is None else x * mask
        y = self.depthwise(y.transpose(1, 2)).transpose(1, 2)
        y = self.norm(y)
        if self.condition is not None:
            scale, shift = self.condition(condition).unsqueeze(1).chunk(2, dim=-1)
            y = y * (1 + scale) + shift
        return x + self.layer_scale * self.contract(F.gelu(self.expand(y)))
