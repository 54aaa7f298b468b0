"""How many threads a short piece of work is done by."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import torch

Result = TypeVar("Result")
_TURNS = 32
_MEMORY = 0.8


class Crew:
    """Does the same work again and again, alone or with everyone, whichever is faster at the time.

    Waking sleeping threads takes about as long as multiplying a vector by a small matrix. Whether it pays depends on the
    processor, on how threads are told to wait and on what else the machine does, so it is measured on the way: every
    ``_TURNS``-th time the other way is tried.
    """

    def __init__(self) -> None:
        self.seconds: dict[int, float] = {}
        """Number of threads -> what the work took lately."""
        self._turn = 0

    def run(self, work: Callable[[], Result]) -> Result:
        everyone = torch.get_num_threads()
        if everyone == 1:
            return work()
        count = self._choose(everyone)
        torch.set_num_threads(count)
        began = time.perf_counter()
        try:
            return work()
        finally:
            torch.set_num_threads(everyone)
            seconds = time.perf_counter() - began
            before = self.seconds.get(count, seconds)
            self.seconds[count] = _MEMORY * before + (1 - _MEMORY) * seconds

    def _choose(self, everyone: int) -> int:
        untried = [count for count in (1, everyone) if count not in self.seconds]
        if untried:
            return untried[0]
        self._turn += 1
        alone_is_faster = self.seconds[1] <= self.seconds[everyone]
        return 1 if alone_is_faster != (self._turn % _TURNS == 0) else everyone
