"""Jobs that outlive the tab, the process and the power."""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager

from studio.errors import Fault, StudioError
from studio.jobs.job import Job, LossRow
from studio.store.database import Database, now_text, parse_time
from studio.store.ids import check_id, new_id, unknown

MAX_CRASHES = 3
"""A job under which the studio died so often in a row, without getting further, is not tried again."""
LEASE_SECONDS = 30.0


class LeaseLost(Exception):
    """The job is no longer this worker's: it was cancelled, deleted or given to another."""


class Changes:
    """A version that grows with every change, so that no wake-up is missed between looking and waiting.

    Never look at the database while holding its condition: announcements come from inside transactions.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self.version = 0

    def announce(self) -> None:
        with self._condition:
            self.version += 1
            self._condition.notify_all()

    def wait(self, seen: int, timeout_seconds: float) -> None:
        with self._condition:
            self._condition.wait_for(lambda: self.version != seen, timeout_seconds)


class JobQueue:
    """Every state change is one committed transaction, and only the owner of a running job may change it.

    Args:
        database: where jobs live.
        max_queued: lane -> how many jobs may wait there.
    """

    def __init__(self, database: Database, max_queued: Mapping[str, int]) -> None:
        self.owner = secrets.token_hex(8)
        self._database = database
        self._max_queued = max_queued
        self.changes = Changes()
        self._in_hand: set[str] = set()

    # What people ask

    def get(self, job_id: str) -> Job:
        row = self._database.row("SELECT * FROM jobs WHERE id = ?", check_id("job", job_id))
        if row is None:
            raise unknown("job")
        return self._job(row)

    def list(self, active_only: bool = False, limit: int = 100, subject_id: str | None = None) -> list[Job]:
        """Newest first; with ``subject_id``, those on one voice or speech."""
        states = "state IN ('queued', 'running')" if active_only else "1"
        rows = self._database.rows(
            f"SELECT * FROM jobs WHERE {states} AND (? IS NULL OR subject_id = ?) ORDER BY created_at DESC, id LIMIT ?",
            subject_id,
            subject_id,
            limit,
        )
        return [self._job(row) for row in rows]

    def active(self, subject_id: str, kinds: Iterable[str]) -> Job | None:
        """The oldest queued or running job on a voice or speech."""
        kinds = tuple(kinds)
        row = self._database.row(
            "SELECT * FROM jobs WHERE subject_id = ? AND state IN ('queued', 'running') "
            f"AND kind IN ({', '.join('?' * len(kinds))}) ORDER BY created_at LIMIT 1",
            subject_id,
            *kinds,
        )
        return self._job(row) if row else None

    def latest(self, subject_id: str, kinds: Iterable[str]) -> Job | None:
        """The newest job of these kinds on a voice, whatever became of it."""
        kinds = tuple(kinds)
        row = self._database.row(
            f"SELECT * FROM jobs WHERE subject_id = ? AND kind IN ({', '.join('?' * len(kinds))}) "
            "ORDER BY created_at DESC, id LIMIT 1",
            subject_id,
            *kinds,
        )
        return self._job(row) if row else None

    def cancel(self, job_id: str) -> Job:
        """Ask it to stop; it does at its next step. A finished job stays as it is."""
        check_id("job", job_id)
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE jobs SET state = 'cancelled', finished_at = ? WHERE id = ? AND state = 'queued'",
                (now_text(), job_id),
            )
            connection.execute(
                "UPDATE jobs SET cancel_requested = 1 WHERE id = ? AND state = 'running'", (job_id,)
            )
        self.changes.announce()
        return self.get(job_id)

    def wait(self, job_id: str, timeout_seconds: float) -> Job:
        """The job once it is finished, or as it is when the time is up."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            version = self.changes.version
            job = self.get(job_id)
            left = deadline - time.monotonic()
            if not job.active or left <= 0:
                return job
            self.changes.wait(version, left)

    def wait_until_idle(self, job_ids: Iterable[str], timeout_seconds: float) -> None:
        """Until no worker has one of the jobs in its hands, even when their rows are deleted."""
        deadline, jobs = time.monotonic() + timeout_seconds, set(job_ids)
        while True:
            version = self.changes.version
            left = deadline - time.monotonic()
            if not jobs & self._in_hand or left <= 0:
                return
            self.changes.wait(version, left)

    # What services ask

    def transaction(self) -> AbstractContextManager[object]:
        """For looking and queuing in one step."""
        return self._database.transaction()

    def enqueue(self, lane: str, kind: str, subject_id: str, payload: Mapping[str, object]) -> Job:
        """
        Raises:
            StudioError: ``busy`` when too many wait already.
            sqlite3.IntegrityError: a second active training of one voice.
        """
        job_id, created_at = new_id("job"), now_text()
        with self._database.transaction() as connection:
            waiting = connection.execute(
                "SELECT count(*) FROM jobs WHERE lane = ? AND state = 'queued'", (lane,)
            ).fetchone()[0]
            if waiting >= self._max_queued[lane]:
                raise StudioError("busy", 503, waiting=waiting, limit=self._max_queued[lane])
            connection.execute(
                "INSERT INTO jobs (id, lane, kind, subject_id, payload, state, created_at, waiting_since) "
                "VALUES (?, ?, ?, ?, ?, 'queued', ?, ?)",
                (job_id, lane, kind, subject_id, json.dumps(payload), created_at, created_at),
            )
        self.changes.announce()
        return self.get(job_id)

    # What the runner asks

    def recover(self) -> list[str]:
        """Put back what a dead process was running. Call once at start, holding the lock on the library.

        Returns:
            The jobs that ended here: cancelled meanwhile, or given up after ``MAX_CRASHES``.
        """
        ended = []
        with self._database.transaction() as connection:
            for row in connection.execute("SELECT * FROM jobs WHERE state = 'running'").fetchall():
                crashes = 1 if row["reached"] > row["reached_before"] else row["crashes"] + 1
                if row["cancel_requested"]:
                    state, code = "cancelled", None
                elif crashes >= MAX_CRASHES:
                    state, code = "failed", "job_gave_up"
                else:
                    state, code = "queued", None
                if state != "queued":
                    ended.append(row["id"])
                connection.execute(
                    "UPDATE jobs SET state = ?, owner = NULL, lease_until = NULL, ends_at = NULL, "
                    "crashes = ?, error_code = ?, error_facts = ?, finished_at = ? WHERE id = ?",
                    (
                        state,
                        crashes,
                        code,
                        json.dumps({"attempts": crashes}) if code else None,
                        None if state == "queued" else now_text(),
                        row["id"],
                    ),
                )
        return ended

    def claim(self, lane: str) -> Job | None:
        """The job of the lane that waits the longest, now running and owned by this process."""
        with self._database.transaction() as connection:
            row = connection.execute(
                "UPDATE jobs SET state = 'running', attempt = attempt + 1, reached_before = reached, "
                "owner = ?, lease_until = ?, "
                "started_at = coalesce(started_at, ?) WHERE id = (SELECT id FROM jobs "
                "WHERE lane = ? AND state = 'queued' ORDER BY waiting_since, id LIMIT 1) RETURNING *",
                (self.owner, time.time() + LEASE_SECONDS, now_text(), lane),
            ).fetchone()
        if row is None:
            return None
        self._in_hand.add(row["id"])
        self.changes.announce()
        return self._job(row)

    def someone_waits(self, lane: str) -> bool:
        sql = "SELECT 1 FROM jobs WHERE lane = ? AND state = 'queued' LIMIT 1"
        return self._database.row(sql, lane) is not None

    def release(self, job_id: str) -> None:
        """The worker has let go of the job and everything it had open."""
        self._in_hand.discard(job_id)
        self.changes.announce()

    def heartbeat(self) -> None:
        """Say that the jobs this process runs are alive."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE jobs SET lease_until = ? WHERE owner = ? AND state = 'running'",
                (time.time() + LEASE_SECONDS, self.owner),
            )

    def cancel_requested(self, job_id: str) -> bool:
        """Also when the job was deleted under its worker."""
        row = self._database.row(
            "SELECT cancel_requested FROM jobs WHERE id = ? AND owner = ? AND state = 'running'",
            job_id,
            self.owner,
        )
        return row is None or bool(row[0])

    def require_lease(self, job_id: str) -> None:
        """
        Raises:
            LeaseLost: the job is not this process's any more.
        """
        owned = "SELECT 1 FROM jobs WHERE id = ? AND owner = ? AND state = 'running'"
        if self._database.row(owned, job_id, self.owner) is None:
            raise LeaseLost(job_id)

    def report(
        self,
        job_id: str,
        stage: str,
        progress: float,
        seconds_left: float | None,
        losses: Iterable[tuple[int, float, float | None]] = (),
    ) -> None:
        """
        Raises:
            LeaseLost: the job is not this process's any more.
        """
        ends_at = None if seconds_left is None else time.time() + seconds_left
        with self._database.transaction() as connection:
            self._own(connection, job_id, stage=stage, progress=progress, ends_at=ends_at)
            connection.execute("UPDATE jobs SET reached = max(reached, progress) WHERE id = ?", (job_id,))
            connection.executemany(
                "INSERT OR REPLACE INTO losses VALUES (?, ?, ?, ?)", [(job_id, *row) for row in losses]
            )
        self.changes.announce()

    def finish(self, job_id: str, result: Mapping[str, object] | None) -> None:
        self._end(job_id, state="done", progress=1.0, result=json.dumps(result))

    def fail(self, job_id: str, fault: Fault) -> None:
        facts = json.dumps(dict(fault.facts), default=str)
        self._end(job_id, state="failed", error_code=fault.code, error_status=fault.status, error_facts=facts)

    def stop(self, job_id: str) -> None:
        """It noticed that it was cancelled."""
        self._end(job_id, state="cancelled")

    def put_back(self, job_id: str, at_the_end: bool = False) -> None:
        """It goes on later, at its old place or behind those who wait; this run does not count as an attempt."""
        with self._database.transaction() as connection:
            self._own(connection, job_id, state="queued", owner=None, lease_until=None, ends_at=None)
            connection.execute("UPDATE jobs SET attempt = attempt - 1 WHERE id = ?", (job_id,))
            if at_the_end:
                connection.execute("UPDATE jobs SET waiting_since = ? WHERE id = ?", (now_text(), job_id))
        self.changes.announce()

    def _end(self, job_id: str, **columns: object) -> None:
        with self._database.transaction() as connection:
            self._own(
                connection,
                job_id,
                **columns,
                finished_at=now_text(),
                owner=None,
                lease_until=None,
                ends_at=None,
            )
        self.changes.announce()

    def _own(self, connection: sqlite3.Connection, job_id: str, **columns: object) -> None:
        assignments = ", ".join(f"{name} = ?" for name in columns)
        changed = connection.execute(
            f"UPDATE jobs SET {assignments} WHERE id = ? AND owner = ? AND state = 'running'",
            (*columns.values(), job_id, self.owner),
        ).rowcount
        if not changed:
            raise LeaseLost(job_id)

    def _job(self, row: sqlite3.Row) -> Job:
        losses = self._database.rows(
            "SELECT step, train, held_out FROM losses WHERE job_id = ? ORDER BY step", row["id"]
        )
        ends_at = row["ends_at"]
        return Job(
            id=row["id"],
            kind=row["kind"],
            subject_id=row["subject_id"],
            payload=json.loads(row["payload"]),
            state=row["state"],
            stage=row["stage"],
            progress=row["progress"],
            seconds_left=None if ends_at is None else max(0.0, ends_at - time.time()),
            error=_fault(row) if row["error_code"] else None,
            curve=tuple(LossRow(*loss) for loss in losses),
            result=json.loads(row["result"]) if row["result"] else None,
            attempt=row["attempt"],
            created_at=parse_time(row["created_at"]),
            started_at=parse_time(row["started_at"]),
            finished_at=parse_time(row["finished_at"]),
        )


def _fault(row: sqlite3.Row) -> Fault:
    return Fault(row["error_code"], json.loads(row["error_facts"]), row["error_status"])
