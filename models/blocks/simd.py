"""Inner loops written in LLVM's own vectors, where the compiler makes too little of plain ones.

LLVM translates a vector of any width for the processor at hand, so nothing here names one. Every sum is taken in one fixed
order: the same numbers come out whatever else is summed beside it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

TILE = 4
"""Rows that are summed side by side."""
BLOCK = 32
"""Numbers in a line of ``weighted_sum``."""
_SUMS = 16
_BYTE, _SHORT, _WORD = ir.IntType(8), ir.IntType(16), ir.IntType(32)
_HALF, _FLOAT = ir.HalfType(), ir.FloatType()
_FUSED = ("contract",)


class _Kind(NamedTuple):
    """How LLVM sees a number that is kept as one of NumPy's."""

    kept: ir.Type
    columns: int  # that are met at a time
    met: ir.Type  # what they are multiplied by
    sum: ir.Type
    ahead: int  # how many numbers before they are needed they are asked for; 0 where the processor does it well by itself


_KINDS = {
    types.float32: _Kind(_FLOAT, 16, _FLOAT, _FLOAT, 0),
    types.int16: _Kind(_HALF, 16, _FLOAT, _FLOAT, 512),  # the bits of fp16
    types.uint16: _Kind(_SHORT, 16, _FLOAT, _FLOAT, 512),  # the bits of bf16
    types.int8: _Kind(_BYTE, 32, _SHORT, _WORD, 1024),
}
_SIZES = {_FLOAT: 4, _HALF: 2, _SHORT: 2, _BYTE: 1}
_LINE = 64
"""Bytes that come from memory together."""


def columns_at_a_time(kind: type[np.generic]) -> int:
    """How many columns of a tile lie side by side, when they are kept as ``kind``."""
    return _KINDS[getattr(types, kind.__name__)].columns


def _filled(kind: ir.VectorType, number: float) -> ir.Constant:
    return ir.Constant(kind, [ir.Constant(kind.element, number)] * kind.count)


def _chosen(builder: ir.IRBuilder, first: ir.Value, second: ir.Value, places: range) -> ir.Value:
    return builder.shuffle_vector(first, second, ir.Constant(ir.VectorType(_WORD, len(places)), list(places)))


def _everywhere(builder: ir.IRBuilder, number: ir.Value, count: int) -> ir.Value:
    one = ir.VectorType(number.type, 1)
    first = builder.insert_element(ir.Constant(one, ir.Undefined), number, ir.Constant(_WORD, 0))
    return builder.shuffle_vector(first, first, ir.Constant(ir.VectorType(_WORD, count), [0] * count))


def _added(builder: ir.IRBuilder, one: ir.Value, other: ir.Value) -> ir.Value:
    return (builder.add if one.type.element == _WORD else builder.fadd)(one, other)


def _in_pairs(builder: ir.IRBuilder, first: ir.Value, second: ir.Value | None = None) -> ir.Value:
    """Neighbours added up, of one vector or of two behind each other."""
    count = first.type.count if second is None else 2 * first.type.count
    even, odd = (_chosen(builder, first, second or first, range(start, count, 2)) for start in (0, 1))
    return _added(builder, even, odd)


def _multiplied(
    builder: ir.IRBuilder, kept: ir.Value, kind: _Kind, met: ir.Value, total: ir.Value
) -> ir.Value:
    """``total + kept * met``; of bytes, neighbours are added up first, which processors do in one go."""
    count = kept.type.count
    words, floats = ir.VectorType(_WORD, count), ir.VectorType(_FLOAT, count)
    if kind.kept == _BYTE:
        wide = builder.sext(builder.sext(kept, ir.VectorType(_SHORT, count)), words)
        return builder.add(total, _in_pairs(builder, builder.mul(wide, builder.sext(met, words))))
    if kind.kept == _HALF:
        kept = builder.fpext(kept, floats)
    elif kind.kept == _SHORT:
        kept = builder.bitcast(builder.shl(builder.zext(kept, words), _filled(words, 16)), floats)
    return builder.fadd(builder.fmul(kept, met, flags=_FUSED), total, flags=_FUSED)


def _asked_for(builder: ir.IRBuilder, numbers: ir.Value, place: ir.Value, kind: ir.Type, count: int) -> None:
    """``count`` numbers of ``kind`` from ``place`` on are to be on their way from memory."""
    start = builder.bitcast(_vector(builder, numbers, place, kind, count), _BYTE.as_pointer())
    signature = ir.FunctionType(ir.VoidType(), [_BYTE.as_pointer(), _WORD, _WORD, _WORD])
    ask = cgutils.get_or_insert_function(builder.module, signature, "llvm.prefetch.p0")
    to_read, near, data = (ir.Constant(_WORD, number) for number in (0, 3, 1))
    for line in range(0, count * _SIZES[kind], _LINE):
        builder.call(ask, [builder.gep(start, [ir.Constant(_WORD, line)]), to_read, near, data])


class _Loop:
    """``for place in range(0, count, step)`` at the builder's place, with vectors that go round."""

    def __init__(self, builder: ir.IRBuilder, count: ir.Value, step: int, begin: list[ir.Value]) -> None:
        self._builder, self._count = builder, count
        before = builder.block
        self._inside, self._behind = (builder.append_basic_block(name) for name in ("inside", "behind"))
        zero = ir.Constant(count.type, 0)
        builder.cbranch(builder.icmp_signed("<", zero, count), self._inside, self._behind)
        builder.position_at_end(self._inside)
        self.place = builder.phi(count.type)
        self.place.add_incoming(zero, before)
        self.carried = [builder.phi(one.type) for one in begin]
        for phi, one in zip(self.carried, begin, strict=True):
            phi.add_incoming(one, before)
        self._next = builder.add(self.place, ir.Constant(count.type, step))
        self._begin, self._before = begin, before

    def end(self, carry: list[ir.Value]) -> list[ir.Value]:
        """Go round with ``carry``; what was carried last is there behind the loop."""
        builder = self._builder
        self.place.add_incoming(self._next, self._inside)
        for phi, one in zip(self.carried, carry, strict=True):
            phi.add_incoming(one, self._inside)
        builder.cbranch(builder.icmp_signed("<", self._next, self._count), self._inside, self._behind)
        builder.position_at_end(self._behind)
        last = []
        for first, one in zip(self._begin, carry, strict=True):
            phi = builder.phi(one.type)
            phi.add_incoming(first, self._before)
            phi.add_incoming(one, self._inside)
            last.append(phi)
        return last


def _vector(builder: ir.IRBuilder, numbers: ir.Value, place: ir.Value, kind: ir.Type, count: int) -> ir.Value:
    """The pointer to ``count`` numbers of ``kind`` from ``place`` on."""
    typed = builder.bitcast(numbers, kind.as_pointer())
    return builder.bitcast(builder.gep(typed, [place]), ir.VectorType(kind, count).as_pointer())


def _array(context, builder, signature, arguments, number):
    return context.make_array(signature.args[number])(context, builder, arguments[number])


@intrinsic
def tile_by_vector(context, tile, vector, scales, level, biases, relu, out):
    """``out = scales * level * (tile @ vector) + biases``, with a ReLU behind it if ``relu``.

    Args:
        tile: ``[steps, TILE, columns_at_a_time]`` rows in the order in which they are read: float32, int16 (the bits of
            fp16), uint16 (the bits of bf16) or int8.
        vector: ``[steps * columns_at_a_time]`` float32, for int8 int16.
        scales, biases, out: ``[TILE]`` float32; level: float32; relu: bool.
    """
    kind = _KINDS[tile.dtype]

    def generate(context, builder, signature, arguments):
        rows, numbers, factors, shifts, said = (
            _array(context, builder, signature, arguments, number) for number in (0, 1, 2, 4, 6)
        )
        (count,) = cgutils.unpack_tuple(builder, numbers.shape, 1)
        sums = _filled(ir.VectorType(kind.sum, _SUMS), 0)
        loop = _Loop(builder, count, kind.columns, [sums] * TILE)
        met = builder.load(_vector(builder, numbers.data, loop.place, kind.met, kind.columns), align=4)
        begin = builder.mul(loop.place, ir.Constant(count.type, TILE))
        if kind.ahead:
            later = builder.add(begin, ir.Constant(count.type, kind.ahead))
            _asked_for(builder, rows.data, later, kind.kept, TILE * kind.columns)
        carry = []
        for row, total in enumerate(loop.carried):
            place = builder.add(begin, ir.Constant(count.type, row * kind.columns))
            kept = builder.load(_vector(builder, rows.data, place, kind.kept, kind.columns), align=32)
            carry.append(_multiplied(builder, kept, kind, met, total))
        quarters = []
        for total in loop.end(carry):
            while (half := total.type.count // 2) >= TILE:
                low, high = (_chosen(builder, total, total, range(a, a + half)) for a in (0, half))
                total = _added(builder, low, high)
            quarters.append(total)
        pairs = [_in_pairs(builder, *quarters[first : first + 2]) for first in (0, 2)]
        product = _in_pairs(builder, *pairs)

        floats, zero = ir.VectorType(_FLOAT, TILE), ir.Constant(count.type, 0)
        if kind.sum == _WORD:
            product = builder.sitofp(product, floats)
        scale, bias = (
            builder.load(_vector(builder, part.data, zero, _FLOAT, TILE), align=4)
            for part in (factors, shifts)
        )
        scale = builder.fmul(scale, _everywhere(builder, arguments[3], TILE))
        y = builder.fadd(builder.fmul(product, scale, flags=_FUSED), bias, flags=_FUSED)
        nothing = _filled(floats, 0)
        positive = builder.select(builder.fcmp_ordered(">", y, nothing), y, nothing)
        y = builder.select(arguments[5], positive, y)
        builder.store(y, _vector(builder, said.data, zero, _FLOAT, TILE), align=4)
        return context.get_dummy_value()

    return types.void(tile, vector, scales, types.float32, biases, types.boolean, out), generate


@intrinsic
def weighted_sum(context, weights, lines, out):
    """``out = weights @ lines``.

    Args:
        weights: ``[N]`` float32; lines: ``[N, BLOCK]`` float32 or int16 (the bits of fp16); out: ``[BLOCK]`` float32.
    """
    kind = _KINDS[lines.dtype]

    def generate(context, builder, signature, arguments):
        given, held, heard = (_array(context, builder, signature, arguments, number) for number in range(3))
        (count,) = cgutils.unpack_tuple(builder, given.shape, 1)
        floats = ir.VectorType(_FLOAT, BLOCK)
        loop = _Loop(builder, count, 1, [_filled(floats, 0)])
        weight = _everywhere(builder, builder.load(builder.gep(given.data, [loop.place])), BLOCK)
        place = builder.mul(loop.place, ir.Constant(count.type, BLOCK))
        line = builder.load(_vector(builder, held.data, place, kind.kept, BLOCK), align=32)
        (total,) = loop.end([_multiplied(builder, line, kind, weight, loop.carried[0])])
        builder.store(total, _vector(builder, heard.data, ir.Constant(count.type, 0), _FLOAT, BLOCK), align=4)
        return context.get_dummy_value()

    return types.void(weights, lines, out), generate
