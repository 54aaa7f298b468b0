"""Threads that share short pieces of work, thousands a second, without waiting for one who has not come.

Waking a sleeping thread takes about as long as multiplying a vector by a small matrix. So those who help stay awake while
there is work, and nobody is given a share: whoever is free takes the next part of the phase that is open, and whoever
finishes its last part opens the next phase. With all helpers asleep, or none, one does everything alone.
"""

from __future__ import annotations

import platform
import sys
import threading
from collections.abc import Callable

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

_LINE = 16
"""Numbers of 64 bits apart, so that what is written often does not share a cache line (nor the one fetched along with it)."""
MOST_PARTS = 192
"""Of a phase: a share's are counted in eight bits, together with those that somebody asked for in vain."""
_TICKET, _DONE, _LEAVE = 0, _LINE, 2 * _LINE
_PAUSES, _YIELDS = 400, 4000
_NAP_MICROSECONDS = 200


class Team:
    """A board where phases are opened and parts are taken, and threads that help.

    Args:
        helpers: threads beside the caller's.
        resting: the number of a phase that has no parts, which is open at first.
        work: ``work(board, member)`` is run by each of them until ``dismissed``; compiled, and without the interpreter's lock.
            The caller is member 0.
    """

    def __init__(self, helpers: int, resting: int, work: Callable[[np.ndarray, int], object]) -> None:
        self.members = helpers + 1
        self.board = np.zeros(3 * _LINE, np.int64)
        self.board[_TICKET] = resting << 32
        self._threads = [
            threading.Thread(target=work, args=(self.board, member), name="team", daemon=True)
            for member in range(1, helpers + 1)
        ]
        for thread in self._threads:
            thread.start()

    def dismiss(self) -> None:
        """The helpers leave; nobody may be working."""
        self.board[_LEAVE] = 1
        for thread in self._threads:
            thread.join()
        self._threads = []


@intrinsic
def uncounted(context, arrays):
    """Arrays, or tuples of them, that nobody counts the holders of: where several threads hold the same, counting costs more
    than the work. They must outlive their use."""

    def forget(builder: ir.IRBuilder, kind: types.Type, held: ir.Value) -> ir.Value:
        if isinstance(kind, types.Array):
            owner = ir.Constant(builder.extract_value(held, 0).type, None)
            return builder.insert_value(held, owner, 0)
        if isinstance(kind, types.BaseTuple):
            for place, inner in enumerate(kind):
                part = forget(builder, inner, builder.extract_value(held, place))
                held = builder.insert_value(held, part, place)
        return held

    def generate(context, builder, signature, arguments):
        return forget(builder, arrays, arguments[0])

    return arrays(arrays), generate


def _at(builder: ir.IRBuilder, context, signature, arguments) -> ir.Value:
    array = context.make_array(signature.args[0])(context, builder, arguments[0])
    return builder.gep(array.data, [arguments[1]])


@intrinsic
def _load(context, board, place):
    def generate(context, builder, signature, arguments):
        return builder.load_atomic(_at(builder, context, signature, arguments), "acquire", 8)

    return types.int64(board, types.intp), generate


@intrinsic
def _store(context, board, place, number):
    def generate(context, builder, signature, arguments):
        builder.store_atomic(arguments[2], _at(builder, context, signature, arguments), "release", 8)
        return context.get_dummy_value()

    return types.void(board, types.intp, types.int64), generate


@intrinsic
def _add(context, board, place, number):
    def generate(context, builder, signature, arguments):
        return builder.atomic_rmw("add", _at(builder, context, signature, arguments), arguments[2], "acq_rel")

    return types.int64(board, types.intp, types.int64), generate


@intrinsic
def _pause(context):
    """Tells the processor that it spins, where it wants to know."""
    x86 = platform.machine().lower() in ("x86_64", "amd64")

    def generate(context, builder, signature, arguments):
        if x86:
            kind = ir.FunctionType(ir.VoidType(), [])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.sse2.pause"), [])
        return context.get_dummy_value()

    return types.void(), generate


if sys.platform == "win32":
    _switch = types.ExternalFunction("SwitchToThread", types.int32())
    _sleep = types.ExternalFunction("Sleep", types.void(types.uint32))
    _NAP = np.uint32(1)
else:
    _switch = types.ExternalFunction("sched_yield", types.int32())
    _sleep = types.ExternalFunction("usleep", types.int32(types.uint32))
    _NAP = np.uint32(_NAP_MICROSECONDS)


@njit(nogil=True, forceinline=True)
def rest(times):
    """Wait a little, for the ``times``-th time in vain: the longer, the less of the processor it takes."""
    if times < _PAUSES:
        _pause()
    elif times < _YIELDS:
        _switch()
    else:
        _sleep(_NAP)


@njit(nogil=True, forceinline=True)
def seen(board):
    """The phase that is open, and how many of its parts somebody has asked for, share by share."""
    ticket = _load(board, _TICKET)
    return ticket >> 32, ticket & 0xFFFFFFFF


@njit(nogil=True, forceinline=True)
def share_of(parts, share, members):
    """The first part of one of the shares of a phase, and the one behind its last."""
    return parts * share // members, parts * (share + 1) // members


@njit(nogil=True, forceinline=True)
def share_with_work(asked, parts, member, members):
    """The share that ``member`` is to take a part of: the own one while there is something left of it; -1 if there is nothing
    anywhere."""
    for step in range(members):
        share = (member + step) % members
        first, last = share_of(parts, share, members)
        if (asked >> (8 * share)) & 0xFF < last - first:
            return share
    return -1


@njit(nogil=True, forceinline=True)
def take(board, share):
    """The next part of a share: its phase and its number in the share, which is beyond the last one if others were faster."""
    ticket = _add(board, _TICKET, 1 << (8 * share))
    return ticket >> 32, (ticket >> (8 * share)) & 0xFF


@njit(nogil=True, forceinline=True)
def is_last(board, parts):
    """To be called after a part; true for who has finished the last of the phase, and only they may ``open`` another."""
    if _add(board, _DONE, 1) + 1 < parts:
        return False
    _store(board, _DONE, 0)
    return True


@njit(nogil=True, forceinline=True)
def open_phase(board, phase):
    _store(board, _TICKET, phase << 32)


@njit(nogil=True, forceinline=True)
def dismissed(board):
    return _load(board, _LEAVE) != 0
