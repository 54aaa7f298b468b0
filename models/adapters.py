"""Low-rank adapters (LoRA, Hu et al. 2021, https://arxiv.org/abs/2106.09685): learnt beside a weight, folded into it."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

_A, _B = ".lora_A", ".lora_B"


class LowRank(nn.Module):
    """``weight`` ``[out, ...]`` plus ``scale * B @ A``, for weights that peft cannot name: a bare parameter, or the
    weight of a convolution that was normed.

    Starts at zero, as peft's do.
    """

    def __init__(self, weight: Tensor, rank: int, scale: float) -> None:
        super().__init__()
        outputs, inputs = len(weight), weight[0].numel()
        self.scale = scale
        self.lora_A = nn.Parameter(weight.new_empty(rank, inputs))
        self.lora_B = nn.Parameter(weight.new_zeros(outputs, rank))
        nn.init.kaiming_uniform_(self.lora_A, a=math.sqrt(5))

    def forward(self, weight: Tensor) -> Tensor:
        return weight + self.scale * (self.lora_B @ self.lora_A).view_as(weight)


def adapt_parameter(module: nn.Module, name: str, rank: int, scale: float) -> LowRank:
    """Whoever reads ``module.<name>`` from now on reads it with the adapter added."""
    adapter = LowRank(getattr(module, name), rank, scale)
    parametrize.register_parametrization(module, name, adapter)
    return adapter


def with_adapter(
    weights: Mapping[str, Tensor], adapter: Mapping[str, Tensor], scale: float
) -> dict[str, Tensor]:
    """``weights`` with ``scale * B @ A`` added where the adapter has ``<name>.lora_A`` ``[r, in]`` and ``.lora_B``
    ``[out, r]``; sums are made in fp32 and kept in the weight's own type. What is not adapted is passed on as it is.

    ``<name>`` is a module with a ``weight``, one with ``weight_g`` and ``weight_v`` (which are told apart again after
    the sum), or a parameter.

    Raises:
        KeyError: the adapter is of another network.
    """
    merged = dict(weights)
    for key in adapter:
        if not key.endswith(_A):
            continue
        name = key.removesuffix(_A)
        change = scale * (adapter[name + _B].float() @ adapter[key].float())

        def added(weight: Tensor, change: Tensor = change) -> Tensor:
            return weight.float() + change.view_as(weight).to(weight.device)

        if f"{name}.weight_v" in weights:
            length, direction = weights[f"{name}.weight_g"], weights[f"{name}.weight_v"]
            weight = added(torch._weight_norm(direction.float(), length.float(), 0))
            merged[f"{name}.weight_v"] = weight.to(direction.dtype)
            merged[f"{name}.weight_g"] = torch.norm_except_dim(weight, 2, 0).to(length.dtype)
        else:
            place = name if name in weights else f"{name}.weight"
            merged[place] = added(weights[place]).to(weights[place].dtype)
    return merged
