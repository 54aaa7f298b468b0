"""Vectors to the nearest row of a codebook (van den Oord et al. 2017), with the names of EnCodec's checkpoints."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Codebook(nn.Module):
    """``cluster_size`` and ``embed_avg`` are what a training of the codebook goes on from; reading needs ``embed`` alone."""

    def __init__(self, size: int, channels: int) -> None:
        super().__init__()
        self.register_buffer("inited", torch.ones(1))
        self.register_buffer("cluster_size", torch.zeros(size))
        self.register_buffer("embed", torch.zeros(size, channels))
        self.register_buffer("embed_avg", torch.zeros(size, channels))


class _Layer(nn.Module):
    def __init__(self, size: int, channels: int) -> None:
        super().__init__()
        self._codebook = Codebook(size, channels)


class _Stack(nn.Module):
    def __init__(self, size: int, channels: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList([_Layer(size, channels)])


class Quantizer(nn.Module):
    """A residual quantizer of one layer; the modules inside are there for the names."""

    def __init__(self, size: int, channels: int) -> None:
        super().__init__()
        self.vq = _Stack(size, channels)

    @property
    def codebook(self) -> Tensor:
        """``[size, C]``."""
        return self.vq.layers[0]._codebook.embed

    def encode(self, x: Tensor) -> Tensor:
        """``[B, C, T]`` -> the number of the nearest row ``[B, T]``."""
        rows = self.codebook
        # The square of x is the same for every row.
        nearness = 2 * x.transpose(1, 2) @ rows.T - rows.square().sum(dim=1)
        return nearness.argmax(dim=-1)

    def decode(self, codes: Tensor) -> Tensor:
        """``[B, T]`` -> ``[B, C, T]``."""
        return self.codebook[codes].transpose(1, 2)
