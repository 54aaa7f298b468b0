"""Convolutions that learn length and direction of their weights apart (Salimans & Kingma 2016).

The parameters are named as the checkpoints of the VITS family name them, ``weight_g`` and ``weight_v``. ``fold`` makes the
weight once and for all when training is over.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class _WeightNorm:
    """Goes before a convolution class; the first dimension of the weight keeps its length."""

    def __init__(self, *args: int, **options: object) -> None:
        super().__init__(*args, **options)
        direction = self.weight.detach()
        self.weight = None
        shape = (len(direction), *[1] * (direction.dim() - 1))
        # Without data there is no length to take, and the meta device would take seconds to find that out.
        length = direction.new_empty(shape) if direction.is_meta else _length(direction)
        self.weight_g = nn.Parameter(length)
        self.weight_v = nn.Parameter(direction)

    def normed_weight(self) -> Tensor:
        if self.weight is not None:
            return self.weight
        # What torch.nn.utils.weight_norm calls: one kernel, rounded as the published networks were.
        return torch._weight_norm(self.weight_v, self.weight_g, 0)

    def fold(self) -> None:
        """Become a plain convolution with ``weight`` alone."""
        if self.weight is None:
            self.weight = nn.Parameter(self.normed_weight().detach())
            self.weight_g = self.weight_v = None


class WeightNormConv1d(_WeightNorm, nn.Conv1d):
    def forward(self, x: Tensor) -> Tensor:
        """``x`` ``[B, C, T]``, or a line ``[B, C, 1, T]`` of ``as_line``."""
        if x.dim() == 4:
            weight, padding, dilation = self.normed_weight().unsqueeze(2), self.padding[0], self.dilation[0]
            return F.conv2d(
                x, weight, self.bias, (1, self.stride[0]), (0, padding), (1, dilation), self.groups
            )
        return self._conv_forward(x, self.normed_weight(), self.bias)


class WeightNormConv2d(_WeightNorm, nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(x, self.normed_weight(), self.bias)


class WeightNormConvTranspose1d(_WeightNorm, nn.ConvTranspose1d):
    def forward(self, x: Tensor) -> Tensor:
        """``x`` ``[B, C, T]``, or a line ``[B, C, 1, T]`` of ``as_line``."""
        if x.dim() == 4:
            weight = self.normed_weight().unsqueeze(2)
            return F.conv_transpose2d(x, weight, self.bias, (1, self.stride[0]), (0, self.padding[0]))
        return F.conv_transpose1d(x, self.normed_weight(), self.bias, self.stride, self.padding)


def as_line(x: Tensor) -> Tensor:
    """``[B, C, T]`` -> ``[B, C, 1, T]``, an image of one line whose channels lie side by side in memory.

    So laid out a convolution on a processor runs at the speed of its arithmetic, 1.1 to 10 times that of ``[B, C, T]``
    (measured for the layers of a generator); torch has no such layout for sequences.
    """
    return x.unsqueeze(2).contiguous(memory_format=torch.channels_last)


def fold_weight_norm(network: nn.Module) -> None:
    """Make the weights of every convolution in ``network`` now instead of at every call. There is no way back."""
    for layer in network.modules():
        if isinstance(layer, _WeightNorm):
            layer.fold()


def _length(weight: Tensor) -> Tensor:
    return torch.linalg.vector_norm(weight, dim=tuple(range(1, weight.dim())), keepdim=True)
