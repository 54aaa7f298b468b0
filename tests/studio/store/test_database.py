from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from studio.errors import StudioError
from studio.store.database import Database
from studio.store.migrations import MIGRATIONS


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "studio.db")


def note(database: Database, key: str, value: str = "") -> None:
    with database.transaction() as connection:
        connection.execute("INSERT INTO notes VALUES (?, ?)", (key, value))


def test_power_cuts_are_survived(database: Database) -> None:
    assert database.value("PRAGMA journal_mode") == "wal"
    assert database.value("PRAGMA synchronous") == 2  # FULL
    assert database.value("PRAGMA foreign_keys") == 1
    assert database.value("PRAGMA integrity_check") == "ok"


def test_migrations_are_applied_once(database: Database, tmp_path: Path) -> None:
    note(database, "kept")
    database.close()
    again = Database(tmp_path / "studio.db")
    assert again.value("SELECT count(*) FROM migrations") == len(MIGRATIONS)
    assert again.value("SELECT key FROM notes") == "kept"
    assert not again.fresh


def test_a_newer_library_is_not_touched(database: Database, tmp_path: Path) -> None:
    with database.transaction() as connection:
        connection.execute("INSERT INTO migrations VALUES (99, '')")
    database.close()
    with pytest.raises(StudioError, match="library_too_new"):
        Database(tmp_path / "studio.db")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_file_that_is_no_database_is_named(tmp_path: Path, language: str) -> None:
    path = tmp_path / "studio.db"
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(StudioError, match="database_unusable") as refused:
        Database(path)
    sentence = refused.value.sentence(language)
    assert str(path) in sentence.what and "doctor" in sentence.next


def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    with pytest.raises(KeyError), database.transaction() as connection:
        connection.execute("INSERT INTO notes VALUES ('a', '')")
        with database.transaction():
            connection.execute("INSERT INTO notes VALUES ('b', '')")
        raise KeyError
    assert database.value("SELECT count(*) FROM notes") == 0


def test_a_full_disk_is_said_and_nothing_is_half_written(database: Database) -> None:
    note(database, "before")
    database.value(f"PRAGMA max_page_count = {database.value('PRAGMA page_count')}")
    with pytest.raises(StudioError) as caught:
        for number in range(100):
            note(database, f"big {number}", "x" * 10_000)
    assert (caught.value.code, caught.value.status) == ("disk_full", 507)
    database.value("PRAGMA max_page_count = 1000000")
    note(database, "after")
    assert database.value("PRAGMA integrity_check") == "ok"


def test_foreign_keys_hold(database: Database) -> None:
    with pytest.raises(sqlite3.IntegrityError), database.transaction() as connection:
        connection.execute("INSERT INTO sentences VALUES ('nobody', 0, '', 0, 0, '', '')")


def test_threads_share_it(database: Database) -> None:
    threads = [threading.Thread(target=note, args=(database, str(number))) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert database.value("SELECT count(*) FROM notes") == 20
