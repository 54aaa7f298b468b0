"""One SQLite file. Committed means on the disk."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from studio.errors import StudioError, is_disk_full
from studio.store.migrations import MIGRATIONS


class Database:
    """One connection for all threads, used by one at a time.

    ``synchronous=FULL``: consent and acknowledged jobs survive a power cut, not only a crash.

    Attributes:
        fresh: the file did not exist before.

    Raises:
        StudioError: ``database_unusable``, ``library_too_new``, ``disk_full``.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.fresh = not path.exists()
        self._lock = threading.RLock()
        try:
            self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._connection.row_factory = sqlite3.Row
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "foreign_keys=ON"):
                self._connection.execute(f"PRAGMA {pragma}")
            self._migrate()
        except sqlite3.DatabaseError as error:
            if is_disk_full(error):
                raise StudioError("disk_full", 507) from error
            raise StudioError(
                "database_unusable", 500, path=str(path.absolute()), reason=str(error)
            ) from error

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; inside another one it becomes part of it.

        Raises:
            StudioError: ``disk_full``; nothing was written.
        """
        with self._lock:
            if self._connection.in_transaction:
                yield self._connection
                return
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException as error:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                if is_disk_full(error):
                    raise StudioError("disk_full", 507) from error
                raise

    def rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def row(self, sql: str, *values: object) -> sqlite3.Row | None:
        with self._lock:
            return self._connection.execute(sql, values).fetchone()

    def value(self, sql: str, *values: object) -> object:
        """The first column of the first row, None without rows."""
        row = self.row(sql, *values)
        return row[0] if row else None

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _migrate(self) -> None:
        with self.transaction() as connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, applied_at TEXT)"
            )
            done = connection.execute("SELECT coalesce(max(number), 0) FROM migrations").fetchone()[0]
            if done > len(MIGRATIONS):
                raise StudioError("library_too_new", 500, found=done, known=len(MIGRATIONS))
            for number, statements in enumerate(MIGRATIONS[done:], start=done + 1):
                for statement in statements:
                    connection.execute(statement)
                connection.execute("INSERT INTO migrations VALUES (?, ?)", (number, now_text()))


def now() -> datetime:
    return datetime.now(UTC)


def now_text() -> str:
    return now().isoformat(timespec="microseconds")  # all of one length: their text sorts as they do


def parse_time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
