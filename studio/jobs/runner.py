"""The workers: one thread a lane."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from pipelines.failure import Cancelled
from studio.errors import StudioError, from_exception, is_locked
from studio.jobs.job import Job
from studio.jobs.pace import Pace
from studio.jobs.queue import JobQueue, LeaseLost
from studio.serving.gpu_lane import TRAINING, GpuLane
from studio.store.artifacts import Artifacts

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 5.0
REPORT_SECONDS = 0.25
"""Progress is committed (and synced to the disk) at most this often."""
RETRY_SECONDS = 2.0

LANES = {
    "train": "training",
    "prepare": "speech",
    "speak": "speech",
    "hear": "drawing",
    "transcribe": "drawing",
    "draw": "drawing",
    "export": "export",
    "download": "download",
    "look": "download",
}
"""Kind of job -> lane. Preparing an instant voice takes seconds and must not wait for someone's training, nor an
export for someone's book; a download waits for the network, and nobody should wait for it."""


class Closing(Exception):
    """The studio is being closed under a running job."""


class Yielded(Exception):
    """The job lets those who wait go first."""


class JobRun:
    """A handler's line to its job; for a training it is the engine's ``Monitor``.

    Every call raises ``Cancelled`` once the job is cancelled.
    """

    def __init__(
        self,
        job: Job,
        queue: JobQueue,
        lane: GpuLane,
        work_dir: Path,
        closing: threading.Event,
        expected_seconds: float | None,
    ) -> None:
        self.job = job
        self.work_dir = work_dir
        self._queue = queue
        self._lane = lane
        self._closing = closing
        self._pace = Pace(expected_seconds, time.monotonic())
        self._stage, self._progress = job.stage, job.progress
        self._losses: list[tuple[int, float, float | None]] = []
        self._reported_at = 0.0

    def stage(self, name: str, progress: float) -> None:
        changed = name != self._stage
        self._stage, self._progress = name, progress
        self._report(at_once=changed)

    def loss(self, step: int, train: float, held_out: float | None) -> None:
        self._losses.append((step, float(train), None if held_out is None else float(held_out)))
        self._report()

    def turn(self) -> AbstractContextManager[None]:
        self.check()
        return self._lane.turn(TRAINING)

    def check(self) -> None:
        if self._closing.is_set():
            raise Closing
        if self._queue.cancel_requested(self.job.id):
            raise Cancelled

    def require_lease(self) -> None:
        """Unlike ``check`` this lets a job that is to stop keep what it has finished.

        Raises:
            LeaseLost: the job was deleted.
        """
        self._queue.require_lease(self.job.id)

    def yield_to_others(self) -> None:
        """Between two sentences of a long text: whoever waits gets a turn, then this job goes on where it stopped."""
        if self._queue.someone_waits(LANES[self.job.kind]):
            raise Yielded

    def flush(self) -> None:
        """Commit the losses that still wait."""
        self._queue.report(self.job.id, self._stage, self._progress, None, self._losses)
        self._losses.clear()

    def _report(self, at_once: bool = False) -> None:
        self.check()
        now = time.monotonic()
        if not at_once and now - self._reported_at < REPORT_SECONDS:
            return
        self._reported_at = now
        left = self._pace.seconds_left(self._stage, self._progress, now)
        try:
            self._queue.report(self.job.id, self._stage, self._progress, left, self._losses)
        except sqlite3.OperationalError as error:
            if not is_locked(error):
                raise
        else:
            self._losses.clear()


Handler = Callable[[JobRun], Mapping[str, object]]
"""Does the job and returns its result. What it made is committed before it returns; a job may be run again."""


class JobRunner:
    """
    Args:
        handlers: kind of job -> what does it.
        expected_seconds: a guess for a job's whole time, for ``seconds_left`` before a rate is measured.
        unfinished: whether more was asked of a job while it did its last step; it goes on then.
    """

    def __init__(
        self,
        queue: JobQueue,
        lane: GpuLane,
        artifacts: Artifacts,
        handlers: Mapping[str, Handler],
        expected_seconds: Callable[[Job], float | None],
        unfinished: Callable[[Job], bool] = lambda job: False,
    ) -> None:
        self._queue = queue
        self._lane = lane
        self._artifacts = artifacts
        self._handlers = handlers
        self._expected_seconds = expected_seconds
        self._unfinished = unfinished
        self._closing = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, args=(name,), name=f"{name} jobs", daemon=True)
            for name in sorted(set(LANES.values()))
        ]
        self._threads.append(threading.Thread(target=self._beat, name="job heartbeat", daemon=True))

    def start(self) -> None:
        self._artifacts.keep_reserve()
        for job_id in self._queue.recover():
            self._artifacts.remove(self._artifacts.job(job_id))
        for thread in self._threads:
            thread.start()

    def close(self, timeout_seconds: float = 10.0) -> None:
        """Stop at the next step; what was running is queued again, at the next start if that step takes too long."""
        deadline = time.monotonic() + timeout_seconds
        self._closing.set()
        self._queue.changes.announce()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, deadline - time.monotonic()))

    def _work(self, lane: str) -> None:
        while not self._closing.is_set():
            try:
                version = self._queue.changes.version
                job = self._queue.claim(lane)
                if job is None:
                    self._queue.changes.wait(version, timeout_seconds=5.0)
                else:
                    try:
                        self._run(job)
                    finally:
                        self._queue.release(job.id)
            except Exception:
                log.exception("the %s worker goes on after an error", lane)
                self._closing.wait(1.0)

    def _run(self, job: Job) -> None:
        work_dir = self._artifacts.job(job.id)
        run = JobRun(job, self._queue, self._lane, work_dir, self._closing, self._expected_seconds(job))
        try:
            try:
                self._artifacts.keep_reserve()
                work_dir.mkdir(parents=True, exist_ok=True)
                result = self._handlers[job.kind](run)
            except Closing:
                self._settle(lambda: self._queue.put_back(job.id))
                return
            except Yielded:
                self._settle(lambda: self._queue.put_back(job.id, at_the_end=True))
                return
            except Cancelled:
                self._settle(lambda: self._queue.stop(job.id))
            except LeaseLost:
                raise
            except Exception as error:
                fault = from_exception(error).fault
                log.warning(
                    "job %s (%s) failed: %s", job.id, job.kind, fault, exc_info=fault.code == "unexpected"
                )
                self._settle(lambda: self._queue.fail(job.id, fault))
            else:
                self._settle(lambda: self._finish(run, result))
        except LeaseLost:
            log.info("job %s was taken away", job.id)
        self._artifacts.remove(work_dir)

    def _finish(self, run: JobRun, result: Mapping[str, object]) -> None:
        job = run.job
        run.flush()
        with self._queue.transaction():  # whoever asks for more gets this job, or finds it finished
            if self._unfinished(job):
                self._queue.put_back(job.id)
            else:
                self._queue.finish(job.id, result)

    def _settle(self, change: Callable[[], None]) -> None:
        """Write down what became of a job: whoever waits must hear of it, once there is room and nobody else writes."""
        while True:
            try:
                return change()
            except StudioError as error:
                if error.code != "disk_full":
                    raise
                if self._artifacts.spend_reserve():
                    continue
            except sqlite3.OperationalError as error:
                if not is_locked(error):
                    raise
            if self._closing.wait(RETRY_SECONDS):
                return  # the next start puts it back

    def _beat(self) -> None:
        while not self._closing.wait(HEARTBEAT_SECONDS):
            try:
                self._queue.heartbeat()
            except Exception:  # a full disk, say: the next one may succeed
                log.warning("a heartbeat was missed", exc_info=True)
