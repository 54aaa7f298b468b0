from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import torch

from models.blocks import threads
from models.blocks.threads import Crew


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


class Clock:
    """Stands still unless told; how busy the machine is changes nothing."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def perf_counter(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(threads, "time", SimpleNamespace(perf_counter=clock.perf_counter))
    return clock


@pytest.mark.parametrize("faster", [1, 2])
def test_the_faster_way_is_taken_and_the_other_tried_now_and_then(faster: int, clock: Clock) -> None:
    crew, used = Crew(), Counter()

    def work() -> None:
        used[torch.get_num_threads()] += 1
        clock.seconds += 0.001 if torch.get_num_threads() == faster else 0.02

    for _ in range(100):
        crew.run(work)
    assert torch.get_num_threads() == 2
    assert 90 <= used[faster] < 100


def test_who_gets_faster_is_found_again(clock: Clock) -> None:
    crew, used, slow = Crew(), Counter(), {1: 0.0, 2: 0.002}

    def work() -> None:
        used[torch.get_num_threads()] += 1
        clock.seconds += slow[torch.get_num_threads()]

    for _ in range(10):
        crew.run(work)
    slow[1], slow[2] = 0.02, 0.0
    used.clear()
    for _ in range(100):
        crew.run(work)
    assert used[2] > 60


def test_what_fails_leaves_the_threads_as_they_were() -> None:
    with pytest.raises(ZeroDivisionError):
        Crew().run(lambda: 1 / 0)
    assert torch.get_num_threads() == 2


def test_there_is_nothing_to_choose_with_one_thread() -> None:
    torch.set_num_threads(1)
    crew = Crew()
    assert crew.run(lambda: 5) == 5 and not crew.seconds
