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

from models.blocks.simd import TILE, columns_at_a_time, tile_by_vector

Precision = Literal["fp32", "fp16", "bf16", "int8"]

REORDERED = {"reassoc", "contract", "nsz", "nnan"}
"""Sums and maxima may be taken in any order, so that many numbers are met at a time."""
_LEVELS = 8191
"""Of a vector that meets int8: 2,048 products of 127 and so many still fit 32 bits."""
_BITS = {"fp32": torch.float32, "fp16": torch.int16, "bf16": torch.uint16, "int8": torch.int8}
_VALUES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16, "int8": torch.int8}


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
        weights: ``[matrices, tiles, steps, TILE, columns]`` float32, int16 (the bits of fp16), uint16 (the bits of bf16) or
            int8: rows in the order in which they are read, with zeros where they do not fill a tile or a step.
        scales: ``[matrices, tiles, TILE]`` what sums of int8 are multiplied by; ones otherwise.
        biases: ``[matrices, tiles, TILE]``.
        shape: of each matrix, ``(out, in)``.
    """

    weights: np.ndarray
    scales: np.ndarray
    biases: np.ndarray
    shape: tuple[int, int]

    @classmethod
    def of(cls, weights: list[Tensor], biases: list[Tensor] | None, precision: Precision) -> Matrices:
        """
        Args:
            weights: each ``[out, in]``; biases: each ``[out]``, zeros by default.
            precision: what the weights are rounded to; int8 has one scale for every output, and rounds a vector to
                ``2 * 8191 + 1`` steps. Sums are in fp32 (int8: exact).
        """
        count, (outputs, inputs), kind = len(weights), weights[0].shape, _KINDS[precision]
        columns = columns_at_a_time(kind)
        tiles, steps = -(-outputs // TILE), -(-inputs // columns)
        held = roomy((count, tiles, steps, TILE, columns), kind)
        scales, bias = (np.full((count, tiles, TILE), value, np.float32) for value in (1, 0))
        for index, weight in enumerate(weights):
            weight = weight.detach().float()
            if precision == "int8":
                scale = (weight.abs().amax(dim=1) / 127).clamp(min=1e-12)
                scales[index].reshape(-1)[:outputs] = scale
                weight = (weight / scale[:, None]).round()
            padded = F.pad(weight, (0, steps * columns - inputs, 0, tiles * TILE - outputs)).to(
                _VALUES[precision]
            )
            rows = padded.unflatten(0, (tiles, TILE)).unflatten(2, (steps, columns)).transpose(1, 2)
            torch.from_numpy(held[index]).copy_(rows.contiguous().view(_BITS[precision]))
            if biases is not None:
                bias[index].reshape(-1)[:outputs] = biases[index].detach().float()
        return cls(held, scales, bias, (outputs, inputs))

    @property
    def outputs(self) -> int:
        """Numbers that a product has, those behind its last row included."""
        return self.weights.shape[1] * TILE

    def vectors(self, count: int) -> np.ndarray:
        """``[count, steps * columns]`` zeros of the kind that meets these weights."""
        kind = np.int16 if self.weights.dtype == np.int8 else np.float32
        return np.zeros((count, self.weights.shape[2] * self.weights.shape[4]), kind)

    def linear(self) -> Callable[[int, Tensor], Tensor]:
        """``linear()(index, x)`` multiplies many vectors ``[..., in]`` at once by one matrix -> ``[..., out]``, by way of
        fp32, of which it keeps room for one."""
        precision = next(name for name, kind in _KINDS.items() if kind == self.weights.dtype)
        _, tiles, steps, _, columns = self.weights.shape
        room = torch.empty(tiles, TILE, steps, columns)
        matrix = room.view(tiles * TILE, steps * columns)[: self.shape[0], : self.shape[1]]

        def multiplied(index: int, x: Tensor) -> Tensor:
            weight = torch.from_numpy(self.weights[index]).view(_VALUES[precision]).transpose(1, 2)
            bias, scale = (torch.from_numpy(part[index]) for part in (self.biases, self.scales))
            room.copy_(weight)
            if precision == "int8":
                room.mul_(scale[:, :, None, None])
            return F.linear(x, matrix, bias.view(-1)[: self.shape[0]])

        return multiplied


@intrinsic
def _to_half(context, number):
    def generate(context, builder, signature, arguments):
        return builder.bitcast(builder.fptrunc(arguments[0], ir.HalfType()), ir.IntType(16))

    return types.int16(types.float32), generate


@intrinsic
def _from_bits(context, bits):
    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), generate


def narrowed(number, kept):
    """A float32 as an array like ``kept`` holds it: float32 or the bits of fp16."""


@overload(narrowed, inline="always")
def _narrowed(number, kept):
    if kept.dtype == types.float32:
        return lambda number, kept: number
    return lambda number, kept: _to_half(number)


@njit(nogil=True, forceinline=True)
def multiply(matrices, index, vectors, levels, relu, first, last, out):
    """Tiles ``first`` to ``last`` of one of the ``Matrices`` by some vectors.

    Args:
        vectors, levels: ``[B, steps * columns]``, ``[B]`` as of ``prepare``.
        relu: put a ReLU behind it.
        out: ``[B, Matrices.outputs]``; only the columns of these tiles are written.
    """
    weights, scales, biases = matrices.weights[index], matrices.scales[index], matrices.biases[index]
    for tile in range(first, last):
        rows = weights[tile]  # stay near for all vectors
        for one in range(len(vectors)):
            y = out[one, tile * TILE : (tile + 1) * TILE]
            tile_by_vector(rows, vectors[one], scales[tile], levels[one], biases[tile], relu, y)


def prepare(x, vectors, levels):
    """Vectors ``x`` ``[B, in]`` as they meet the rows: rounded to int16 with a scale each in ``levels`` ``[B]``, or as they
    are. ``vectors`` are those of ``Matrices.vectors``."""


@overload(prepare, jit_options={"fastmath": REORDERED})
def _prepare(x, vectors, levels):
    if vectors.dtype == types.float32:

        def copy(x, vectors, levels):
            vectors[: len(x), : x.shape[1]] = x
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
def softmax(scores, scale):
    """Of ``scale * scores`` ``[N]``, in place but for the sum, which is returned and still to be divided by; ``scale`` is
    above 0."""
    most = scores[0]
    for place in range(len(scores)):
        most = max(most, scores[place])
    total = np.float32(0)
    for place in range(len(scores)):
        value = exponential(scale * (scores[place] - most))
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
