"""Somebody who watches a training, and cuts its power."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.failure import Cancelled


class Watcher:
    """A monitor that writes down what it is told, and stops the training where it is asked to."""

    def __init__(self, work_dir: Path, cancel_at: str | None = None, die_after_steps: int = 10**9) -> None:
        self.work_dir = work_dir
        self.cancel_at, self.die_after_steps = cancel_at, die_after_steps
        self.stages: list[tuple[str, float]] = []
        self.losses: list[tuple[int, float, float | None]] = []
        self.in_turn = False

    def stage(self, name: str, progress: float) -> None:
        self.stages.append((name, progress))
        if name == self.cancel_at:
            raise Cancelled
        if sum(stage == "train" for stage, _ in self.stages) > self.die_after_steps:
            raise PowerCut

    def loss(self, step: int, train: float, held_out: float | None) -> None:
        self.losses.append((step, train, held_out))

    @contextmanager
    def turn(self) -> Iterator[None]:
        assert not self.in_turn, "a turn within a turn never begins"
        self.in_turn = True
        try:
            yield
        finally:
            self.in_turn = False


class PowerCut(BaseException):
    pass
