"""Waiting for what other threads and processes do: as long as a busy machine may need."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_SECONDS = 240.0
"""Only a failing test waits this long, or one on a machine that has other things to do."""


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE_SECONDS:.0f} seconds"
        time.sleep(0.005)
