"""How long a job will still take, from how fast it went so far."""

from __future__ import annotations

MIN_SECONDS = 2.0
MIN_PROGRESS = 0.02
"""Below these the measured rate says nothing yet."""


class Pace:
    """The rate is measured within the current stage: a resumed job leaps to where its last run was, and that leap is
    not speed. Times come from one clock, in seconds.

    Args:
        expected_seconds: a guess for the whole job, used until there is a rate; None without one.
    """

    def __init__(self, expected_seconds: float | None, now: float) -> None:
        self._expected_seconds = expected_seconds
        self._stage: str | None = None
        self._stage_began = (now, 0.0)
        self._ends_at: float | None = None

    def seconds_left(self, stage: str, progress: float, now: float) -> float | None:
        if stage != self._stage:
            self._stage, self._stage_began = stage, (now, progress)
        began, progress_then = self._stage_began
        elapsed, gained = now - began, progress - progress_then
        if elapsed >= MIN_SECONDS and gained >= MIN_PROGRESS:
            self._ends_at = now + (1.0 - progress) * elapsed / gained
        elif self._ends_at is None and self._expected_seconds is not None:
            self._ends_at = now + (1.0 - progress) * self._expected_seconds
        return None if self._ends_at is None else max(0.0, self._ends_at - now)
