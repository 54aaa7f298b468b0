"""Self-attention that knows distances, not positions."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class RelativeSelfAttention(nn.Module):
    """Multi-head self-attention with a learnt bias per head and clipped distance (as in T5, Raffel et al. 2020)."""

    def __init__(self, channels: int, heads: int, reach: int = 24, dropout: float = 0.1) -> None:
        super().__init__()
        self.heads, self.reach, self.dropout = heads, reach, dropout
        self.norm = nn.LayerNorm(channels)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.out = nn.Linear(channels, channels)
        self.distance_bias = nn.Parameter(torch.zeros(heads, 2 * reach + 1))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """``x`` is ``[B, T, C]``, ``mask`` is ``[B, T, 1]`` with 1 where there is something; returns ``x`` plus attention."""
        batch, length, channels = x.shape
        q, k, v = self.qkv(self.norm(x)).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        position = torch.arange(length, device=x.device)
        distance = (position[None, :] - position[:, None]).clamp(-self.reach, self.reach) + self.reach
        bias = self.distance_bias[:, distance].unsqueeze(0)  # [1, H, T, T]
        bias = bias.masked_fill(mask.view(batch, 1, 1, length) == 0, -1e4)
        y = F.scaled_dot_product_attention(
            q, k, v, attn_mask=bias.to(q.dtype), dropout_p=self.dropout if self.training else 0.0
        )
        y = y.transpose(1, 2).reshape(batch, length, channels)
        return x + self.out(y)
