"""The transformer of the VITS family (Kim et al. 2021, https://arxiv.org/abs/2106.06103): channels first, norm last.

Distances up to ``window`` are learnt, for the keys and for the values (Shaw et al. 2018, https://arxiv.org/abs/1803.02155).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ChannelNorm(nn.Module):
    """LayerNorm over the channels of ``[B, C, T]``."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x.transpose(1, 2), self.gamma.shape, self.gamma, self.beta).transpose(1, 2)


class WindowAttention(nn.Module):
    """Multi-head attention from ``x`` to ``context``; with a ``window`` both are the same sequence."""

    def __init__(self, channels: int, heads: int, window: int = 0, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads, self.window, self.dropout = heads, window, dropout
        self.conv_q = nn.Conv1d(channels, channels, 1)
        self.conv_k = nn.Conv1d(channels, channels, 1)
        self.conv_v = nn.Conv1d(channels, channels, 1)
        self.conv_o = nn.Conv1d(channels, channels, 1)
        if window:
            width = channels // heads
            self.emb_rel_k = nn.Parameter(torch.empty(1, 2 * window + 1, width))
            self.emb_rel_v = nn.Parameter(torch.empty(1, 2 * window + 1, width))
            for embedding in (self.emb_rel_k, self.emb_rel_v):
                nn.init.normal_(embedding, std=width**-0.5)

    def forward(self, x: Tensor, context: Tensor, context_mask: Tensor) -> Tensor:
        """``x`` ``[B, C, T]``, ``context`` ``[B, C, S]``, ``context_mask`` ``[B, 1, S]`` -> ``[B, C, T]``."""
        batch, channels, length = x.shape
        shape = (batch, self.heads, channels // self.heads, -1)
        q = self.conv_q(x).view(shape).transpose(2, 3) / math.sqrt(shape[2])  # [B, H, T, D]
        k = self.conv_k(context).view(shape)  # [B, H, D, S]
        v = self.conv_v(context).view(shape).transpose(2, 3)  # [B, H, S, D]
        scores = q @ k
        if self.window:
            scores = scores + self._spread(q @ self.emb_rel_k[0].T)
        # -1e4 is nothing after the softmax, and still a number in half precision.
        scores = scores.masked_fill(context_mask.unsqueeze(1) == 0, -1e4)
        weights = F.dropout(scores.softmax(dim=-1), self.dropout, self.training)  # [B, H, T, S]
        y = weights @ v
        if self.window:
            y = y + self._near(weights) @ self.emb_rel_v[0]
        return self.conv_o(y.transpose(2, 3).reshape(batch, channels, length))

    def _spread(self, near: Tensor) -> Tensor:
        """``[B, H, T, 2 * window + 1]`` by distance -> ``[B, H, T, T]`` by position, zero beyond the window."""
        length = near.shape[2]
        place = torch.arange(length, device=near.device)
        reach = self.window + 1
        distance = (place[None, :] - place[:, None]).clamp(-reach, reach) + reach
        return F.pad(near, (1, 1)).gather(-1, distance.expand(*near.shape[:2], length, length))

    def _near(self, weights: Tensor) -> Tensor:
        """``[B, H, T, T]`` by position -> ``[B, H, T, 2 * window + 1]`` by distance."""
        length, width = weights.shape[2], 2 * self.window + 1
        place = torch.arange(length, device=weights.device)[:, None] + torch.arange(
            width, device=weights.device
        )
        padded = F.pad(weights, (self.window, self.window))
        return padded.gather(-1, place.expand(*weights.shape[:2], length, width))


class ConvolutionalFeedForward(nn.Module):
    def __init__(self, channels: int, hidden_channels: int, kernel_size: int, dropout: float) -> None:
        super().__init__()
        self.dropout, self.padding = dropout, ((kernel_size - 1) // 2, kernel_size // 2)
        self.conv_1 = nn.Conv1d(channels, hidden_channels, kernel_size)
        self.conv_2 = nn.Conv1d(hidden_channels, channels, kernel_size)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = self.conv_1(F.pad(x * mask, self.padding))
        x = F.dropout(x.relu(), self.dropout, self.training)
        return self.conv_2(F.pad(x * mask, self.padding)) * mask


class AttentionEncoder(nn.Module):
    def __init__(
        self,
        channels: int,
        hidden_channels: int,
        heads: int,
        layers: int,
        kernel_size: int,
        dropout: float,
        window: int = 4,
    ) -> None:
        super().__init__()
        self.dropout = dropout
        self.attn_layers = nn.ModuleList(
            WindowAttention(channels, heads, window, dropout) for _ in range(layers)
        )
        self.norm_layers_1 = nn.ModuleList(ChannelNorm(channels) for _ in range(layers))
        self.ffn_layers = nn.ModuleList(
            ConvolutionalFeedForward(channels, hidden_channels, kernel_size, dropout) for _ in range(layers)
        )
        self.norm_layers_2 = nn.ModuleList(ChannelNorm(channels) for _ in range(layers))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """``x`` ``[B, C, T]``, ``mask`` ``[B, 1, T]`` with 1 where there is something."""
        x = x * mask
        for attention, norm_1, feed_forward, norm_2 in zip(
            self.attn_layers, self.norm_layers_1, self.ffn_layers, self.norm_layers_2, strict=True
        ):
            x = norm_1(x + F.dropout(attention(x, x, mask), self.dropout, self.training))
            x = norm_2(x + F.dropout(feed_forward(x, mask), self.dropout, self.training))
        return x * mask
