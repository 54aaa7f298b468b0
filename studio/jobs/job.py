"""A job as people see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from studio.errors import Fault

ACTIVE = ("queued", "running")


@dataclass(frozen=True)
class LossRow:
    step: int
    train: float
    held_out: float | None


@dataclass(frozen=True)
class Job:
    """
    Attributes:
        kind: ``train``, ``prepare`` or ``speak``; ``hear``, ``draw`` or ``export`` of a story; ``download`` or ``look``.
        subject_id: the voice, speech, story or base it works on.
        payload: what was asked, plain JSON data.
        state: ``queued``, ``running``, ``done``, ``failed`` or ``cancelled``.
        stage: what it is doing: ``prepare``, ``speak``, ``hear``, ``plan``, ``paint``, ``export``, ``ask``, ``fetch``,
            ``look``, or a stage of ``Monitor.stage``. Empty before it runs.
        progress: 0..1 of the whole.
        seconds_left: estimated from the measured rate; None while unknown or not running.
        error: why it failed.
        curve: the losses so far.
        result: what it made, plain JSON data.
        attempt: 1 on the first run; grows when the studio died meanwhile.
    """

    id: str
    kind: str
    subject_id: str
    payload: Mapping[str, object]
    state: str
    stage: str
    progress: float
    seconds_left: float | None
    error: Fault | None
    curve: tuple[LossRow, ...]
    result: Mapping[str, object] | None
    attempt: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def active(self) -> bool:
        return self.state in ACTIVE
