"""One lane for the device that computes: speech overtakes training between two steps."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

SPEECH = 0
TRAINING = 1
DRAWING = TRAINING
"""Whoever trains and whoever draws take turns, step by step."""

OVERTAKES = 8
"""So many turns may a lower priority be passed over while it waits; then it gets one, so that it never starves."""


class GpuLane:
    """Turns are handed out one at a time: by priority, first come first served within one.

    On a machine without a GPU the same lane keeps training from taking the cores that speech needs.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: dict[int, deque[object]] = {SPEECH: deque(), TRAINING: deque()}
        self._holder: int | None = None
        self._passed_over = 0

    @contextmanager
    def turn(self, priority: int) -> Iterator[None]:
        """
        Raises:
            RuntimeError: the thread already holds the lane; it would wait for itself for ever.
        """
        self._enter(priority)
        try:
            yield
        finally:
            self._leave()

    def give_way(self, priority: int) -> None:
        """Between two steps of a turn: whoever waits and is due goes first, then the turn goes on.

        Args:
            priority: of the turn.
        """
        with self._changed:
            if not any(self._waiting.values()):
                return
        self._leave()
        self._enter(priority)

    def _leave(self) -> None:
        with self._changed:
            if self._holder == threading.get_ident():
                self._holder = None
                self._changed.notify_all()

    def _enter(self, priority: int) -> None:
        thread, ticket = threading.get_ident(), object()
        with self._changed:
            if self._holder == thread:
                raise RuntimeError("this thread already holds the lane")
            queue = self._waiting[priority]
            queue.append(ticket)
            try:
                self._changed.wait_for(lambda: self._holder is None and self._next() is ticket)
            except BaseException:
                queue.remove(ticket)
                self._changed.notify_all()
                raise
            queue.popleft()
            self._holder = thread
            self._passed_over = self._passed_over + 1 if priority == SPEECH and self._waiting[TRAINING] else 0

    def _next(self) -> object | None:
        speech, training = self._waiting[SPEECH], self._waiting[TRAINING]
        if training and (not speech or self._passed_over >= OVERTAKES):
            return training[0]
        return speech[0] if speech else None
