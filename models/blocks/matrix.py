"""Matrices held in the form that a processor multiplies fastest, when they are learnt no more.

One vector after another through large matrices is bound by how fast the matrices arrive from memory, so half the bytes are
nearly twice the speed. The kernels are those that torch brings along: XNNPACK's for fp32, oneDNN's for bf16, FBGEMM's for
fp16 and int8.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Literal, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Precision = Literal["fp32", "fp16", "bf16", "int8"]


class Matrix(Protocol):
    def __call__(self, x: Tensor) -> Tensor:
        """``[..., in]`` -> ``[..., out]``, in fp32 unless the matrix is plain; with a ReLU behind it if it was made so."""


def can_hold(precision: Precision) -> bool:
    """Whether this processor has the kernels; everything has those of fp32."""
    if precision == "fp32":
        return True
    if precision == "bf16":
        return torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return "fbgemm" in torch.backends.quantized.supported_engines


def multiplies_bf16() -> bool:
    """Whether this processor multiplies bf16 at twice the speed of fp32; others do it by way of fp32, for no gain."""
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def packed(weight: Tensor, bias: Tensor | None, precision: Precision, *, relu: bool = False) -> Matrix:
    """
    Args:
        weight: ``[out, in]``; bias: ``[out]``; on the processor.
        precision: what the weights are rounded to. fp16 loses nothing of a file that holds fp16, and sums are in fp32;
            bf16 rounds the vectors as well; int8 has one scale for each output, and rounds every vector to 256 steps.
        relu: put a ReLU behind it.
    """
    weight = weight.detach().float()
    bias = None if bias is None else bias.detach().float()
    return {"fp32": _Fp32, "fp16": _Fp16, "bf16": _Bf16, "int8": _Int8}[precision](weight, bias, relu)


def pack_linears(network: nn.Module, precision: Precision) -> None:
    """Every linear layer of ``network`` as ``packed`` makes it. There is no way back, and no way to another device."""
    for module in network.modules():
        for name, child in module.named_children():
            if type(child) is nn.Linear:
                setattr(module, name, _PackedLinear(packed(child.weight, child.bias, precision)))
    give_back_freed_memory()


def give_back_freed_memory() -> None:
    """What the matrices were made from is free, but glibc would keep a gigabyte of it for later."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)


class _PackedLinear(nn.Module):
    def __init__(self, matrix: Matrix) -> None:
        super().__init__()
        self.matrix = matrix

    def forward(self, x: Tensor) -> Tensor:
        """As ``Matrix``."""
        return self.matrix(x)


class Plain:
    """The weights as they are, wherever they are; when they are overwritten, so is the matrix."""

    def __init__(self, weight: Tensor, bias: Tensor | None, relu: bool = False) -> None:
        self.weight, self.bias, self.relu = weight, bias, relu

    def __call__(self, x: Tensor) -> Tensor:
        y = F.linear(x, self.weight, self.bias)
        return y.relu_() if self.relu else y


class _Fp32:
    def __init__(self, weight: Tensor, bias: Tensor | None, relu: bool) -> None:
        # XNNPACK streams a matrix 1.3 to 1.7 times as fast as MKL does for a single vector.
        self.packed = torch.ops.prepacked.linear_clamp_prepack(weight, bias, 0.0 if relu else None)
        self.multiply = torch.ops.prepacked.linear_clamp_run.default

    def __call__(self, x: Tensor) -> Tensor:
        return self.multiply(x, self.packed)


class _Fp16:
    def __init__(self, weight: Tensor, bias: Tensor | None, relu: bool) -> None:
        self.packed = torch.ops.quantized.linear_prepack_fp16(weight, bias)
        kernels = torch.ops.quantized
        self.multiply = (kernels.linear_relu_dynamic_fp16 if relu else kernels.linear_dynamic_fp16).default

    def __call__(self, x: Tensor) -> Tensor:
        return self.multiply(x, self.packed)


class _Bf16:
    def __init__(self, weight: Tensor, bias: Tensor | None, relu: bool) -> None:
        self.packed = torch.ops.mkldnn._reorder_linear_weight(weight.bfloat16(), 1)
        self.bias, self.after = None if bias is None else bias.bfloat16(), "relu" if relu else "none"
        self.multiply = torch.ops.mkldnn._linear_pointwise.default

    def __call__(self, x: Tensor) -> Tensor:
        return self.multiply(x.bfloat16(), self.packed, self.bias, self.after, [], "").float()


class _Int8:
    def __init__(self, weight: Tensor, bias: Tensor | None, relu: bool) -> None:
        scale = (weight.abs().amax(dim=1).double() / 127).clamp(min=1e-12)
        zero = torch.zeros(len(weight), dtype=torch.long)
        whole = torch.quantize_per_channel(weight, scale, zero, 0, torch.qint8)
        engine, torch.backends.quantized.engine = torch.backends.quantized.engine, "fbgemm"
        try:
            self.packed = torch.ops.quantized.linear_prepack(whole, bias)
        finally:
            torch.backends.quantized.engine = engine
        kernels = torch.ops.quantized
        self.multiply = (kernels.linear_relu_dynamic if relu else kernels.linear_dynamic).default

    def __call__(self, x: Tensor) -> Tensor:
        return self.multiply(x, self.packed)
