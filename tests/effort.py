"""What something costs the processor, on machines that are slow, busy or both."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from itertools import pairwise

ATTEMPTS = 5
YARDSTICK_SECONDS = 0.03
"""What ``_yardstick`` takes on an idle core of an ordinary laptop."""


def takes_under(seconds: float, action: Callable[[], object]) -> bool:
    """Whether this thread needs less than ``seconds`` of an ordinary laptop's core for ``action`` in one of a few attempts.

    Neighbours that share a core or its caches slow everything down, for a moment or for minutes: the moment passes
    between two attempts, and what lasts is divided out by a known piece of work just before and just after. As in
    ``timeit`` the garbage collector rests meanwhile: what it walks through is what earlier tests left behind.
    """
    gc.disable()
    try:
        return any(_ordinary_seconds(action) < seconds for _ in range(ATTEMPTS))
    finally:
        gc.enable()


def _ordinary_seconds(action: Callable[[], object]) -> float:
    clock = [time.thread_time()]
    for step in (_yardstick, action, _yardstick):
        step()
        clock.append(time.thread_time())
    before, own, after = (end - begin for begin, end in pairwise(clock))
    return own * min(1.0, 2 * YARDSTICK_SECONDS / (before + after))


def _yardstick() -> int:
    words = [str(number * 7919) for number in range(60_000)]
    return len({word[:4]: word for word in words})
