"""Matrices kept as rows that stream through the processor, and the compiled pieces that multiply vectors by them.

One vector after another through large matrices is bound by how fast the matrices arrive from memory, so half the bytes are
nearly twice the speed. The pieces are compiled for the processor at hand by Numba: who needs them first waits some seconds,
then they are kept on disk.
"""

from __future__ import annotations

import math
import mmap
import platform
from collections.abc import Callable
from typing import Literal, NamedTuple

import llvmlite.binding
import numpy as np
import torch
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic, overload
from torch import Tensor
from torch.nn import functional as F

Precision = Literal["fp32", "fp16", "bf16", "int8"]

REORDERED = {"reassoc", "contract", "nsz", "nnan"}
"""Sums and maxima may be taken in any order, so that many numbers are met at a time."""
_LEVELS = 8191
"""Of a vector that meets int8: 2,048 products of 127 and so many still fit 32 bits."""
_BITS = {"fp32": torch.float32, "fp16": torch.int16, "bf16": torch.uint16, "int8": torch.int8}
_VALUES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


_KINDS = {"fp32": np.float32, "fp16": np.int16, "bf16": np.uint16, "int8": np.int8}


def roomy(shape: tuple[int, ...], kind: type[np.generic]) -> np.ndarray:
    """Zeros that begin with a page; pages are large where the system has large ones, so that fewer are looked up."""
    size = max(1, math.prod(shape) * np.dtype(kind).itemsize)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        memory = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        memory.madvise(mmap.MADV_HUGEPAGE)
    else:
        memory = mmap.mmap(-1, size)
    return np.frombuffer(memory, kind, math.prod(shape)).reshape(shape)


def can_stream(precision: Precision) -> bool:
    """Whether this processor widens numbers of ``precision`` by itself."""
    x86 = platform.machine().lower() in ("x86_64", "amd64")
    return precision != "fp16" or not x86 or bool(llvmlite.binding.get_host_cpu_features().get("f16c"))


class Matrices(NamedTuple):
    """Matrices of one shape.

    Attributes:
        weights: ``[matrices, out, in]`` float32, int16 (the bits of fp16), uint16 (the bits of bf16) or int8.
        scales: ``[matrices, out]`` what sums of int8 are multiplied by; ones otherwise.
        biases: ``[matrices, out]``.
    """

    weights: np.ndarray
    scales: np.ndarray
    biases: np.ndarray

    @classmethod
    def of(cls, weights: list[Tensor], biases: list[Tensor] | None, precision: Precision) -> Matrices:
        """
        Args:
            weights: each ``[out, in]``; biases: each ``[out]``, zeros by default.
            precision: what the weights are rounded to; int8 has one scale for every output, and rounds a vector to
                ``2 * 8191 + 1`` steps. Sums are in fp32 (int8: exact).
        """
        count, (outputs, inputs) = len(weights), weights[0].shape
        held = torch.from_numpy(roomy((count, outputs, inputs), _KINDS[precision]))
        scales = torch.ones(count, outputs)
        for index, weight in enumerate(weights):
            weight = weight.detach().float()
            if precision == "int8":
                scales[index] = (weight.abs().amax(dim=1) / 127).clamp(min=1e-12)
                held[index] = (weight / scales[index, :, None]).round().to(torch.int8)
            else:
                held[index] = weight.to(_VALUES[precision]).view(_BITS[precision])
        bias = torch.zeros(count, outputs) if biases is None else torch.stack(biases).detach().float()
        return cls(held.numpy(), scales.numpy(), bias.numpy())

    def vectors(self, count: int) -> np.ndarray:
        """``[count, in]`` zeros of the kind that meets these weights."""
        kind = np.int16 if self.weights.dtype == np.int8 else np.float32
        return np.zeros((count, self.weights.shape[2]), kind)

    def linear(self) -> Callable[[int, Tensor], Tensor]:
        """``linear()(index, x)`` multiplies many vectors ``[..., in]`` at once by one matrix -> ``[..., out]``, by way of
        fp32, of which it keeps room for one."""
        precision = next(name for name, kind in _KINDS.items() if kind == self.weights.dtype)
        room = torch.empty(self.weights.shape[1:]) if precision != "fp32" else None

        def multiplied(index: int, x: Tensor) -> Tensor:
            weight, scale, bias = (torch.from_numpy(part[index]) for part in self)
            if precision == "int8":
                weight = room.copy_(weight).mul_(scale[:, None])
            elif precision != "fp32":
                weight = room.copy_(weight.view(_VALUES[precision]))
            return F.linear(x, weight, bias)

        return multiplied


@intrinsic
def _from_half(context, bits):
    def generate(context, builder, signature, arguments):
        return builder.fpext(builder.bitcast(arguments[0], ir.HalfType()), ir.FloatType())

    return types.float32(types.int16), generate


@intrinsic
def _to_half(context, number):
    def generate(context, builder, signature, arguments):
        return builder.bitcast(builder.fptrunc(arguments[0], ir.HalfType()), ir.IntType(16))

    return types.int16(types.float32), generate


@intrinsic
def _from_brain(context, bits):
    def generate(context, builder, signature, arguments):
        high = builder.shl(builder.zext(arguments[0], ir.IntType(32)), ir.Constant(ir.IntType(32), 16))
        return builder.bitcast(high, ir.FloatType())

    return types.float32(types.uint16), generate


@intrinsic
def _from_bits(context, bits):
    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), generate


def widened(number):
    """A number as it is kept in ``Matrices.weights`` as float32, int8 without its scale."""


@overload(widened, inline="always")
def _widened(number):
    if number == types.float32:
        return lambda number: number
    if number == types.int16:
        return lambda number: _from_half(number)
    if number == types.uint16:
        return lambda number: _from_brain(number)
    return lambda number: np.float32(number)


def narrowed(number, kept):
    """A float32 as an array like ``kept`` holds it: float32 or the bits of fp16."""


@overload(narrowed, inline="always")
def _narrowed(number, kept):
    if kept.dtype == types.float32:
        return lambda number, kept: number
    return lambda number, kept: _to_half(number)


def _zero(weight): ...


@overload(_zero, inline="always")
def _typed_zero(weight):
    if weight == types.int8:
        return lambda weight: np.int32(0)
    return lambda weight: np.float32(0)


def _plus(total, weight, number): ...


@overload(_plus, inline="always")
def _typed_plus(total, weight, number):
    if weight == types.int8:
        return lambda total, weight, number: np.int32(total + np.int32(weight) * np.int32(number))
    return lambda total, weight, number: total + widened(weight) * number


@njit(nogil=True, fastmath=REORDERED, forceinline=True)
def multiply(matrices, index, vectors, levels, relu, first, last, out):
    """Rows ``first`` to ``last`` of one of the ``Matrices`` by some vectors.

    Args:
        vectors, levels: ``[B, in]``, ``[B]`` as of ``prepare``.
        relu: put a ReLU behind it.
        out: ``[B, out]``; only the columns of these rows are written.
    """
    weights, scales, biases = matrices.weights[index], matrices.scales[index], matrices.biases[index]
    for row in range(first, last):
        weight = weights[
            row
        ]  # stays near for all vectors, which are summed alike whatever company they are in
        for one in range(len(vectors)):
            vector = vectors[one]
            total = _zero(weight[0])
            for k in range(len(vector)):
                total = _plus(total, weight[k], vector[k])
            y = np.float32(total) * scales[row] * levels[one] + biases[row]
            out[one, row] = max(y, np.float32(0)) if relu else y


def prepare(x, vectors, levels):
    """Vectors ``x`` ``[B, in]`` as they meet the rows: rounded to int16 with a scale each in ``levels`` ``[B]``, or as they
    are. ``vectors`` ``[B, in]`` are those of ``Matrices.vectors``."""


@overload(prepare, jit_options={"fastmath": REORDERED})
def _prepare(x, vectors, levels):
    if vectors.dtype == types.float32:

        def copy(x, vectors, levels):
            vectors[: len(x)] = x
            levels[: len(x)] = np.float32(1)

        return copy

    def rounded(x, vectors, levels):
        for row in range(len(x)):
            most = np.float32(1e-12)
            for k in range(x.shape[1]):
                most = max(most, abs(x[row, k]))
            levels[row] = most / np.float32(_LEVELS)
            fine = np.float32(_LEVELS) / most
            for k in range(x.shape[1]):
                value = x[row, k] * fine
                vectors[row, k] = np.int16(value + (np.float32(0.5) if value > 0 else np.float32(-0.5)))

    return rounded


@njit(nogil=True, fastmath=REORDERED, inline="always")
def exponential(x):
    """Of a float32 of at most 0, to a unit or two in the last place (S. Moshier, Cephes, expf)."""
    x = max(x, np.float32(-87))
    whole = np.int32(x * np.float32(1.44269504) - np.float32(0.5))
    n = np.float32(whole)
    r = x - n * np.float32(0.693359375) + n * np.float32(2.12194440e-4)
    y = np.float32(1.9875691500e-4)
    y = y * r + np.float32(1.3981999507e-3)
    y = y * r + np.float32(8.3334519073e-3)
    y = y * r + np.float32(4.1665795894e-2)
    y = y * r + np.float32(1.6666665459e-1)
    y = y * r + np.float32(5.0000001201e-1)
    y = y * r * r + r + np.float32(1)
    return y * _from_bits(np.int32((whole + 127) << 23))


@njit(nogil=True, fastmath=REORDERED)
def softmax(scores):
    """Of ``scores`` ``[N]``, in place but for the sum, which is returned and still to be divided by."""
    most = scores[0]
    for place in range(len(scores)):
        most = max(most, scores[place])
    total = np.float32(0)
    for place in range(len(scores)):
        value = exponential(scores[place] - most)
        scores[place] = value
        total += value
    return total


@njit(nogil=True, fastmath=REORDERED)
def add_and_norm(x, y, weight, bias, eps):
    """``x`` ``[B, C]`` becomes the layer norm of ``x + y``."""
    channels = x.shape[1]
    for row in range(len(x)):
        total = np.float32(0)
        for k in range(channels):
            x[row, k] += y[row, k]
            total += x[row, k]
        mean = total / np.float32(channels)
        square = np.float32(0)
        for k in range(channels):
            square += (x[row, k] - mean) * (x[row, k] - mean)
        rate = np.float32(1) / np.sqrt(square / np.float32(channels) + eps)
        for k in range(channels):
            x[row, k] = (x[row, k] - mean) * rate * weight[k] + bias[k]
