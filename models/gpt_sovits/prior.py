"""What the text and its semantic tokens say of the latent, before the voice does."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.blocks.encoder import AttentionEncoder, WindowAttention

_TEXT_HEADS = 4


class TextReference(nn.Module):
    """Semantic frames look at the phonemes and are told the style (MRTE; after Mega-TTS 2, Jiang et al. 2023)."""

    def __init__(self, channels: int, hidden_channels: int) -> None:
        super().__init__()
        self.cross_attention = WindowAttention(hidden_channels, _TEXT_HEADS)
        self.c_pre = nn.Conv1d(channels, hidden_channels, 1)
        self.text_pre = nn.Conv1d(channels, hidden_channels, 1)
        self.c_post = nn.Conv1d(hidden_channels, channels, 1)

    def forward(self, frames: Tensor, mask: Tensor, text: Tensor, text_mask: Tensor, style: Tensor) -> Tensor:
        """``frames`` ``[B, C, T]``, ``text`` ``[B, C, P]``, ``style`` ``[B, hidden, 1]`` -> ``[B, C, T]``."""
        frames = self.c_pre(frames * mask) * mask
        text = self.text_pre(text * text_mask) * text_mask
        x = self.cross_attention(frames, text, text_mask) + frames + style
        return self.c_post(x * mask)


class PriorEncoder(nn.Module):
    def __init__(
        self,
        semantic_channels: int,
        latent_channels: int,
        channels: int,
        filter_channels: int,
        heads: int,
        layers: int,
        kernel_size: int,
        dropout: float,
        phonemes: int,
        reference_channels: int,
    ) -> None:
        super().__init__()

        def encoder(depth: int) -> AttentionEncoder:
            return AttentionEncoder(channels, filter_channels, heads, depth, kernel_size, dropout)

        self.ssl_proj = nn.Conv1d(semantic_channels, channels, 1)
        self.encoder_ssl = encoder(layers // 2)
        self.text_embedding = nn.Embedding(phonemes, channels)
        self.encoder_text = encoder(layers)
        self.mrte = TextReference(channels, reference_channels)
        self.encoder2 = encoder(layers // 2)
        self.proj = nn.Conv1d(channels, 2 * latent_channels, 1)

    def forward(
        self,
        semantic: Tensor,
        mask: Tensor,
        phonemes: Tensor,
        phoneme_mask: Tensor,
        style: Tensor,
        speed: float = 1.0,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """
        Args:
            semantic: ``[B, C, T]`` rows of the codebook, two frames for each token.
            mask: ``[B, 1, T]``.
            phonemes: ``[B, P]``; phoneme_mask: ``[B, 1, P]``.
            style: ``[B, reference_channels, 1]``.
            speed: above 1 makes fewer frames.

        Returns:
            mean and log deviation ``[B, latent_channels, T']`` and their mask ``[B, 1, T']``.
        """
        x = self.encoder_ssl(self.ssl_proj(semantic * mask) * mask, mask)
        text = self.encoder_text(self.text_embedding(phonemes).transpose(1, 2), phoneme_mask)
        x = self.encoder2(self.mrte(x, mask, text, phoneme_mask, style), mask)
        if speed != 1.0:
            length = int(x.shape[-1] / speed) + 1
            x = F.interpolate(x, size=length, mode="linear")
            mask = F.interpolate(mask, size=length, mode="nearest")
        mean, log_deviation = (self.proj(x) * mask).chunk(2, dim=1)
        return mean, log_deviation, mask


def mask_of(lengths: Tensor, longest: int, like: Tensor) -> Tensor:
    """``[B]`` lengths -> ``[B, 1, longest]`` of ones and zeros."""
    return (torch.arange(longest, device=lengths.device) < lengths[:, None]).unsqueeze(1).to(like.dtype)
