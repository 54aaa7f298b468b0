"""Linear layers whose weights are learnt no more, packed as fp16 in the form that a processor multiplies fastest."""

from __future__ import annotations

import ctypes
import sys

import torch
from torch import Tensor, nn


def can_pack() -> bool:
    """Whether torch brings FBGEMM's kernels for this processor."""
    return "fbgemm" in torch.backends.quantized.supported_engines


def multiplies_bf16() -> bool:
    """Whether this processor multiplies bf16 at twice the speed of fp32; others do it by way of fp32, for no gain."""
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def pack_linears(network: nn.Module) -> None:
    """Every linear layer of ``network`` in fp16, summed in fp32. There is no way back, and no way to another device."""
    for module in network.modules():
        for name, child in module.named_children():
            if type(child) is nn.Linear:
                setattr(module, name, PackedLinear(child))
    give_back_freed_memory()


def give_back_freed_memory() -> None:
    """What the matrices were made from is free, but glibc would keep a gigabyte of it for later."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)


class PackedLinear(nn.Module):
    """``linear`` with its weights rounded to fp16: nothing is lost of a file that holds fp16."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        weight = linear.weight.detach().float()
        bias = None if linear.bias is None else linear.bias.detach().float()
        self.packed = torch.ops.quantized.linear_prepack_fp16(weight, bias)

    def forward(self, x: Tensor) -> Tensor:
        """``[..., in]`` -> ``[..., out]`` in fp32."""
        return torch.ops.quantized.linear_dynamic_fp16(x, self.packed)
