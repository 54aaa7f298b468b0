from __future__ import annotations

import pytest

from studio.serving.machine import Machine, find_machine

GB = 10**9


@pytest.mark.parametrize(
    ("machine", "needed", "on_cpu", "verdict"),
    [
        (Machine("RTX 4060", 8 * GB, 16 * GB), 4 * GB, False, "fits"),
        (Machine("RTX 4060", 8 * GB, 16 * GB), 7 * GB, False, "tight"),
        (Machine("RTX 4060", 8 * GB, 32 * GB), 13 * GB, False, "slow"),
        (Machine("RTX 4060", 8 * GB, 12 * GB), 13 * GB, False, "too_big"),
        (Machine(None, 0, 16 * GB), 2 * GB, True, "cpu"),
        (Machine(None, 0, 16 * GB), 7 * GB, False, "slow"),
        (Machine(None, 0, 2 * GB), 2 * GB, True, "too_big"),
        (Machine(None, 0, None), 99 * GB, True, "cpu"),
    ],
)
def test_whether_it_fits(machine: Machine, needed: int, on_cpu: bool, verdict: str) -> None:
    assert machine.verdict(needed, on_cpu) == verdict


def test_told_to_stay_on_the_cpu_it_asks_nobody() -> None:
    machine = find_machine("cpu")
    assert machine.gpu is None
    assert machine.memory_bytes > 2**28
