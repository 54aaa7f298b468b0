from __future__ import annotations

import errno
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipelines.failure import Cancelled, CraftError
from studio.errors import Fault, StudioError
from studio.jobs.job import Job
from studio.jobs.queue import JobQueue
from studio.jobs.runner import JobRun, JobRunner, Yielded
from studio.serving.gpu_lane import SPEECH, GpuLane
from studio.store.artifacts import Artifacts
from studio.store.database import Database
from tests.waiting import until


class Bench:
    """A runner whose jobs do what the test says."""

    def __init__(self, home: Path) -> None:
        self.queue = JobQueue(Database(home / "studio.db"), {"training": 10, "speech": 10})
        self.artifacts = Artifacts(home)
        self.lane = GpuLane()
        self.work: Callable[[JobRun], dict] = lambda run: {}
        self.runners: list[JobRunner] = []

    def start(self) -> JobRunner:
        handlers = {kind: lambda run: self.work(run) for kind in ("train", "speak", "prepare")}
        runner = JobRunner(self.queue, self.lane, self.artifacts, handlers, lambda job: None)
        runner.start()
        self.runners.append(runner)
        return runner

    def train(self, voice: str = "v") -> Job:
        return self.queue.enqueue("training", "train", voice, {})

    def end_of(self, job: Job) -> Job:
        return self.queue.wait(job.id, 100)

    def work_dir(self, job: Job) -> Path:
        return self.artifacts.job(job.id)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    for runner in bench.runners:
        runner.close()


def test_result_progress_and_losses(bench: Bench) -> None:
    def work(run: JobRun) -> dict:
        run.stage("train", 0.5)
        for step in range(5):
            with run.turn():
                run.loss(step, 1.0 / (step + 1), None)
        (run.work_dir / "checkpoint").write_text("x")
        return {"made": 1}

    bench.work = work
    bench.start()
    job = bench.end_of(bench.train())
    assert (job.state, job.result, job.stage) == ("done", {"made": 1}, "train")
    assert [row.step for row in job.curve] == list(range(5))
    until(lambda: not bench.work_dir(job).exists())


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CraftError("text_unspeakable", text="…"), "text_unspeakable"),
        (OSError(errno.ENOSPC, "full"), "disk_full"),
        (MemoryError(), "out_of_memory"),
        (ZeroDivisionError(), "unexpected"),
        (CraftError("nobody_wrote_this_sentence"), "unexpected"),
    ],
)
def test_failures_can_be_said_in_both_languages(bench: Bench, error: Exception, code: str) -> None:
    def work(run: JobRun) -> dict:
        raise error

    bench.work = work
    bench.start()
    job = bench.end_of(bench.train())
    assert (job.state, job.error.code) == ("failed", code)
    assert job.error.sentence("en").next and job.error.sentence("zh").next


def test_a_failure_is_told_even_when_the_disk_is_full(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    fail, reserve = bench.queue.fail, bench.artifacts.home / "studio.reserve"

    def full(job_id: str, fault: Fault) -> None:
        if reserve.exists():
            raise StudioError("disk_full", 507)
        fail(job_id, fault)

    def work(run: JobRun) -> dict:
        raise OSError(errno.ENOSPC, "No space left on device")

    spend, spent = bench.artifacts.spend_reserve, []
    monkeypatch.setattr(bench.artifacts, "spend_reserve", lambda: spent.append(spend()) or spent[-1])
    monkeypatch.setattr(bench.queue, "fail", full)
    bench.work = work
    bench.start()
    assert bench.end_of(bench.train()).error.code == "disk_full"
    assert spent == [True], "it waited for someone to make room"
    bench.work = lambda run: {}
    assert bench.end_of(bench.train("w")).state == "done"
    assert reserve.exists()  # for the next time


@pytest.fixture
def backup(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
    """Another program, for which the studio waits less long than usual."""
    monkeypatch.setattr("studio.jobs.runner.RETRY_SECONDS", 0.02)
    bench.queue._database._connection.execute("PRAGMA busy_timeout=20")
    other = sqlite3.connect(bench.artifacts.home / "studio.db", isolation_level=None, check_same_thread=False)
    yield other
    other.close()


@pytest.mark.parametrize(
    ("outcome", "state"),
    [(None, "done"), (Cancelled(), "cancelled"), (ValueError(), "failed"), (Yielded(), "done")],
)
def test_what_became_of_a_job_is_told_once_another_program_lets_go(
    bench: Bench, backup: sqlite3.Connection, outcome: Exception | None, state: str
) -> None:
    locked = threading.Event()

    def work(run: JobRun) -> dict:
        if locked.is_set():
            return {}
        backup.execute("BEGIN IMMEDIATE")
        locked.set()
        if outcome:
            raise outcome
        return {}

    bench.work = work
    bench.start()
    job = bench.train()
    assert locked.wait(100)
    assert bench.queue.wait(job.id, 0.2).state == "running"
    backup.execute("ROLLBACK")
    assert bench.end_of(job).state == state


def test_progress_that_cannot_be_written_now_is_written_later(
    bench: Bench, backup: sqlite3.Connection
) -> None:
    def work(run: JobRun) -> dict:
        backup.execute("BEGIN IMMEDIATE")
        run.stage("train", 0.5)
        run.loss(1, 0.9, None)
        backup.execute("ROLLBACK")
        return {}

    bench.work = work
    bench.start()
    job = bench.end_of(bench.train())
    assert job.state == "done" and [row.step for row in job.curve] == [1]


def test_a_missed_heartbeat_is_not_the_last(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    beats = []

    def beat() -> None:
        beats.append(1)
        raise StudioError("disk_full", 507)

    monkeypatch.setattr("studio.jobs.runner.HEARTBEAT_SECONDS", 0.01)
    monkeypatch.setattr(bench.queue, "heartbeat", beat)
    bench.start()
    until(lambda: len(beats) > 2)


def test_the_worker_outlives_a_failure(bench: Bench) -> None:
    def work(run: JobRun) -> dict:
        raise RuntimeError

    bench.work = work
    bench.start()
    bench.end_of(bench.train("a"))
    bench.work = lambda run: {}
    assert bench.end_of(bench.train("b")).state == "done"


@pytest.mark.parametrize("where", ["stage", "loss", "turn", "check"])
def test_cancel_is_noticed_at_every_call(bench: Bench, where: str) -> None:
    calls = {
        "stage": lambda run: run.stage("train", 0.1),
        "loss": lambda run: run.loss(1, 1.0, None),
        "turn": lambda run: run.turn().__enter__(),
        "check": lambda run: run.check(),
    }
    running, go = threading.Event(), threading.Event()

    def work(run: JobRun) -> dict:
        running.set()
        go.wait(100)
        calls[where](run)
        return {}

    bench.work = work
    bench.start()
    job = bench.train()
    assert running.wait(100)
    bench.queue.cancel(job.id)
    go.set()
    assert bench.end_of(job).state == "cancelled"
    with bench.lane.turn(SPEECH):
        pass


def test_closing_puts_the_job_back_with_its_checkpoints(bench: Bench) -> None:
    def work(run: JobRun) -> dict:
        (run.work_dir / "checkpoint").write_text("step 7")
        while True:
            with run.turn():
                time.sleep(0.005)

    bench.work = work
    runner = bench.start()
    job = bench.train()
    until(lambda: (bench.work_dir(job) / "checkpoint").exists())
    runner.close()
    assert bench.queue.get(job.id).state == "queued"
    seen = []

    def resumed(run: JobRun) -> dict:
        seen.append((run.work_dir / "checkpoint").read_text())
        return {}

    bench.work = resumed
    bench.start()
    assert bench.end_of(job).state == "done"
    assert seen == ["step 7"]


def test_speech_is_worked_on_while_a_training_runs(bench: Bench) -> None:
    release = threading.Event()

    def work(run: JobRun) -> dict:
        if run.job.kind == "train":
            release.wait(100)
        return {}

    bench.work = work
    bench.start()
    training = bench.train()
    assert bench.end_of(bench.queue.enqueue("speech", "speak", "s", {})).state == "done"
    assert bench.queue.get(training.id).active
    release.set()


def test_closing_waits_for_all_lanes_together(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, release, timeouts, join = threading.Semaphore(0), threading.Event(), [], threading.Thread.join

    def work(run: JobRun) -> dict:
        begun.release()
        release.wait(100)
        return {}

    def noted(thread: threading.Thread, timeout: float) -> None:
        timeouts.append(timeout)
        join(thread, timeout)

    bench.work = work
    runner = bench.start()
    bench.train()
    bench.queue.enqueue("speech", "speak", "s", {})
    assert begun.acquire(timeout=100) and begun.acquire(timeout=100)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "join", noted)
        runner.close(0.2)
    assert max(timeouts) <= 0.2 and min(timeouts) == 0, (
        "nothing is left for the second once the first took it all"
    )
    release.set()


def test_a_job_deleted_under_its_worker(bench: Bench) -> None:
    running = threading.Event()

    def work(run: JobRun) -> dict:
        running.set()
        while True:
            run.check()
            time.sleep(0.005)

    bench.work = work
    bench.start()
    job = bench.train("a")
    assert running.wait(100)
    with bench.queue._database.transaction() as connection:
        connection.execute("DELETE FROM jobs")
    bench.queue.wait_until_idle([job.id], 10)
    assert not bench.work_dir(job).exists()
    bench.work = lambda run: {}
    assert bench.end_of(bench.train("b")).state == "done"
