from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from numba import njit

from models.blocks.team import (
    Team,
    dismissed,
    is_last,
    open_phase,
    rest,
    seen,
    share_of,
    share_with_work,
    take,
    uncounted,
)

PHASES, PARTS = 40, 16


@njit(nogil=True)
def work(done: np.ndarray, at: np.ndarray, board: np.ndarray, member: int, members: int) -> None:
    """Every part counts itself, and finds that all of the phase before are through."""
    done, at, board = uncounted(done), uncounted(at), uncounted(board)
    if member == 0:
        number, _ = seen(board)
        open_phase(board, number + 1)
    waited = 0
    while True:
        number, asked = seen(board)
        phase = number % (PHASES + 1)
        share = share_with_work(asked, PARTS if phase < PHASES else 0, member, members)
        if share >= 0:
            number, part = take(board, share)
            phase = number % (PHASES + 1)
            first, last = share_of(PARTS, share, members)
            if phase < PHASES and first + part < last:
                done[phase, first + part] += 1 if phase == 0 or at[0] == phase else 100
                if is_last(board, PARTS):
                    at[0] = (phase + 1) % PHASES
                    open_phase(board, number + 1)
                waited = 0
                continue
        elif phase == PHASES and (member == 0 or dismissed(board)):
            return
        rest(waited)
        waited += 1


@pytest.mark.parametrize("helpers", [0, 1, 3])
def test_every_part_is_done_once_and_no_phase_begins_before_the_last_has_ended(helpers: int) -> None:
    done, at = np.zeros((PHASES, PARTS), np.int64), np.zeros(1, np.int64)
    team = Team(helpers, PHASES, lambda board, member: work(done, at, board, member, helpers + 1))
    for _ in range(50):
        work(done, at, team.board, 0, team.members)
    team.dismiss()
    assert (done == 50).all()
    assert not [thread for thread in threading.enumerate() if thread.name == "team"]


def test_nobody_waits_for_a_helper_who_has_not_come() -> None:
    done, at, late = np.zeros((PHASES, PARTS), np.int64), np.zeros(1, np.int64), threading.Event()

    def oversleeps(board: np.ndarray, member: int) -> None:
        late.wait(60)
        work(done, at, board, member, 2)

    team = Team(1, PHASES, oversleeps)
    work(done, at, team.board, 0, 2)
    assert (done == 1).all()
    late.set()
    time.sleep(0.01)  # in its rest by now, or not: the next turn is done either way
    work(done, at, team.board, 0, 2)
    team.dismiss()
    assert (done == 2).all()
