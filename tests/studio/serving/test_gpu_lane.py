from __future__ import annotations

import threading

import pytest

from studio.serving.gpu_lane import DRAWING, OVERTAKES, SPEECH, TRAINING, GpuLane
from tests.waiting import until


def waiting(lane: GpuLane, count: int) -> None:
    until(lambda: sum(map(len, lane._waiting.values())) >= count)


def queue_up(lane: GpuLane, turns: list[tuple[int, str]]) -> list[str]:
    """Let the turns line up one after the other behind a held lane; returns the order they ran in."""
    ran: list[str] = []
    threads = []

    def work(priority: int, name: str) -> None:
        with lane.turn(priority):
            ran.append(name)

    with lane.turn(TRAINING):
        for count, (priority, name) in enumerate(turns, start=1):
            threads.append(threading.Thread(target=work, args=(priority, name)))
            threads[-1].start()
            waiting(lane, count)
    for thread in threads:
        thread.join(100)
    return ran


def test_speech_overtakes_training_and_otherwise_first_come_first_served() -> None:
    order = queue_up(
        GpuLane(), [(TRAINING, "step 1"), (SPEECH, "a"), (TRAINING, "step 2"), (SPEECH, "b"), (SPEECH, "c")]
    )
    assert order == ["a", "b", "c", "step 1", "step 2"]


def test_training_never_starves() -> None:
    speech = [(SPEECH, f"s{number}") for number in range(2 * OVERTAKES)]
    assert queue_up(GpuLane(), [(TRAINING, "step"), *speech]).index("step") == OVERTAKES


def test_a_long_turn_gives_way_between_its_steps() -> None:
    lane, ran = GpuLane(), []

    def work(priority: int, name: str) -> None:
        with lane.turn(priority):
            ran.append(name)

    with lane.turn(DRAWING):
        lane.give_way(DRAWING)  # nobody waits: the turn goes on
        ran.append("step 1")
        others = [
            threading.Thread(target=work, args=one) for one in ((TRAINING, "training"), (SPEECH, "speech"))
        ]
        for count, thread in enumerate(others, start=1):
            thread.start()
            waiting(lane, count)
        lane.give_way(DRAWING)
        ran.append("step 2")
    for thread in others:
        thread.join(100)
    assert ran == ["step 1", "speech", "training", "step 2"]


def test_one_at_a_time() -> None:
    lane, inside, most = GpuLane(), 0, 0

    def work() -> None:
        nonlocal inside, most
        for priority in (SPEECH, TRAINING) * 50:
            with lane.turn(priority):
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    assert (inside, most) == (0, 1)


def test_speech_waits_for_no_more_than_the_step_under_way() -> None:
    lane, begun, may_end = GpuLane(), threading.Semaphore(0), threading.Semaphore(0)
    order: list[str] = []

    def train() -> None:
        for number in range(5):
            with lane.turn(TRAINING):
                order.append(f"step {number}")
                begun.release()
                may_end.acquire(timeout=100)

    def speak(number: int) -> None:
        with lane.turn(SPEECH):
            order.append(f"speech {number}")

    trainer = threading.Thread(target=train)
    trainer.start()
    for number in range(5):
        assert begun.acquire(timeout=100)
        speaker = threading.Thread(target=speak, args=(number,))
        speaker.start()
        waiting(lane, 1)
        may_end.release()
        speaker.join(100)
    trainer.join(100)
    assert order == [f"{who} {number}" for number in range(5) for who in ("step", "speech")]


def test_a_thread_may_not_wait_for_itself() -> None:
    lane = GpuLane()
    with lane.turn(SPEECH), pytest.raises(RuntimeError), lane.turn(TRAINING):
        pass
    with lane.turn(TRAINING):
        pass


def test_an_error_frees_the_lane() -> None:
    lane = GpuLane()
    with pytest.raises(KeyError), lane.turn(SPEECH):
        raise KeyError
    with lane.turn(SPEECH):
        pass
