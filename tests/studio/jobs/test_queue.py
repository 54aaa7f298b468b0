from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path

import pytest

from studio.errors import Fault, StudioError
from studio.jobs.queue import MAX_CRASHES, JobQueue, LeaseLost
from studio.store.database import Database
from studio.store.ids import new_id

LIMITS = {"training": 2, "speech": 100}


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "studio.db")


@pytest.fixture
def queue(database: Database) -> JobQueue:
    return JobQueue(database, LIMITS)


def speak(queue: JobQueue, subject: str = "s") -> str:
    return queue.enqueue("speech", "speak", subject, {}).id


def test_a_job_from_end_to_end(queue: JobQueue) -> None:
    job = queue.enqueue("training", "train", "v", {"quality": "good"})
    assert (job.state, job.attempt, job.payload) == ("queued", 0, {"quality": "good"})
    assert queue.claim("speech") is None
    assert queue.claim("training").id == job.id
    queue.report(job.id, "train", 0.5, 30.0, [(1, 2.0, None), (2, 1.0, 1.5)])
    running = queue.get(job.id)
    assert (running.state, running.stage, running.progress, running.attempt) == ("running", "train", 0.5, 1)
    assert running.seconds_left == pytest.approx(30, abs=2)
    assert [(row.step, row.train, row.held_out) for row in running.curve] == [(1, 2.0, None), (2, 1.0, 1.5)]
    queue.finish(job.id, {"revision": 2})
    done = queue.get(job.id)
    assert (done.state, done.progress, done.seconds_left, done.result) == ("done", 1.0, None, {"revision": 2})
    assert done.finished_at >= done.started_at >= done.created_at
    assert queue.list(active_only=True) == [] and queue.list() == [done]
    spoken = queue.get(speak(queue))
    assert queue.list(limit=1) == [spoken] and queue.list(limit=1, subject_id="v") == [done]


def test_every_job_is_claimed_once(queue: JobQueue) -> None:
    wanted = [speak(queue) for _ in range(40)]
    claimed: list[str] = []

    def work() -> None:
        while job := queue.claim("speech"):
            claimed.append(job.id)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == sorted(wanted)


def test_first_come_first_served(queue: JobQueue) -> None:
    wanted = [speak(queue) for _ in range(5)]
    assert [queue.claim("speech").id for _ in wanted] == wanted


def test_the_queue_is_bounded(queue: JobQueue) -> None:
    for voice in ("a", "b"):
        queue.enqueue("training", "train", voice, {})
    with pytest.raises(StudioError) as caught:
        queue.enqueue("training", "train", "c", {})
    assert (caught.value.code, caught.value.facts["limit"]) == ("busy", 2)


def test_one_active_training_a_voice(queue: JobQueue) -> None:
    first = queue.enqueue("training", "train", "v", {})
    with pytest.raises(sqlite3.IntegrityError):
        queue.enqueue("training", "train", "v", {})
    queue.cancel(first.id)
    queue.enqueue("training", "train", "v", {})


def test_cancel(queue: JobQueue) -> None:
    waiting, running = speak(queue), speak(queue)
    assert queue.cancel(waiting).state == "cancelled"
    assert queue.claim("speech").id == running
    assert not queue.cancel_requested(running)
    assert queue.cancel(running).state == "running"
    assert queue.cancel_requested(running)
    queue.stop(running)
    assert queue.cancel(running).state == "cancelled"


def test_unknown_jobs(queue: JobQueue) -> None:
    for job_id in ("nonsense", new_id("job")):
        with pytest.raises(StudioError, match="job_unknown"):
            queue.get(job_id)
        with pytest.raises(StudioError, match="job_unknown"):
            queue.cancel(job_id)


def test_failures_are_kept_as_code_and_facts(queue: JobQueue) -> None:
    job_id = speak(queue)
    queue.claim("speech")
    queue.fail(job_id, Fault("text_too_long", {"chars": 3, "limit": 2}, 413))
    error = queue.get(job_id).error
    assert error.error().status == 413
    assert "3" in error.sentence("en").what and error.sentence("zh").title == "文字太长"


def test_what_a_dead_process_was_running_is_queued_again(database: Database, queue: JobQueue) -> None:
    job_id = speak(queue)
    for attempt in range(1, MAX_CRASHES + 1):
        dead = JobQueue(database, LIMITS)
        assert dead.claim("speech").attempt == attempt
        queue.recover()
        with pytest.raises(LeaseLost):
            dead.finish(job_id, {})
    job = queue.get(job_id)
    assert (job.state, job.error) == ("failed", Fault("job_gave_up", {"attempts": MAX_CRASHES}, 500))
    assert queue.claim("speech") is None


def test_a_job_that_gets_further_each_time_is_not_given_up(database: Database, queue: JobQueue) -> None:
    job_id = speak(queue)
    for attempt in range(1, 3 * MAX_CRASHES):
        unlucky = JobQueue(database, LIMITS)
        assert unlucky.claim("speech").attempt == attempt
        unlucky.report(job_id, "speak", 0.0, None)
        unlucky.report(job_id, "speak", 0.1 * attempt, None)
        assert queue.recover() == []
    for _ in range(MAX_CRASHES - 1):  # now it is stuck
        stuck = JobQueue(database, LIMITS)
        stuck.claim("speech")
        stuck.report(job_id, "speak", 0.5, None)
        queue.recover()
    assert queue.get(job_id).error.code == "job_gave_up"


def test_a_cancelled_job_is_not_revived(database: Database, queue: JobQueue) -> None:
    job_id = speak(queue)
    JobQueue(database, LIMITS).claim("speech")
    queue.cancel(job_id)
    assert queue.recover() == [job_id]
    assert queue.get(job_id).state == "cancelled"


def test_closing_costs_no_attempt(queue: JobQueue) -> None:
    job_id = speak(queue)
    for _ in range(MAX_CRASHES + 1):
        assert queue.claim("speech").id == job_id
        queue.put_back(job_id)
    assert queue.get(job_id).attempt == 0


def test_only_the_owner_changes_a_running_job(database: Database, queue: JobQueue) -> None:
    job_id = speak(queue)
    queue.claim("speech")
    other = JobQueue(database, LIMITS)
    for change in (lambda: other.finish(job_id, {}), lambda: other.report(job_id, "x", 0.5, None)):
        with pytest.raises(LeaseLost):
            change()
    assert other.cancel_requested(job_id)


def test_heartbeat_prolongs_the_lease(database: Database, queue: JobQueue) -> None:
    speak(queue)
    queue.claim("speech")
    with database.transaction() as connection:
        connection.execute("UPDATE jobs SET lease_until = 0")
    queue.heartbeat()
    assert database.value("SELECT lease_until FROM jobs") > time.time()


def test_wait_wakes_at_the_end(queue: JobQueue) -> None:
    job_id = speak(queue)
    queue.claim("speech")
    threading.Timer(0.05, queue.finish, (job_id, {})).start()
    began = time.monotonic()
    assert queue.wait(job_id, 100).state == "done"
    assert time.monotonic() - began < 60
    assert queue.wait(speak(queue), 0.01).state == "queued"
