"""Rows of speeches and the take store."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from datetime import datetime

from pipelines.speech.engine import SpokenWord, Take
from studio.store.database import Database, now_text, parse_time
from studio.store.ids import check_id, check_take_key, unknown
from studio.store.records import Speech, TakeRecord


@dataclass(frozen=True)
class Sentence:
    """A sentence to be spoken: its take is named by everything that shapes the sound.

    Attributes:
        said: ``text`` with the owner's pronunciations written into it, which is what the engine gets.
    """

    position: int
    text: str
    said: str
    pause_seconds: float
    seed: int
    take_key: str


@dataclass(frozen=True)
class SpeechRemains:
    """What buried speeches leave outside the database; ``exports`` are (key, format)."""

    take_keys: tuple[str, ...]
    exports: tuple[tuple[str, str], ...]


def take_key(
    revision_id: str, text: str, controls: Mapping[str, float], seed: int, *, streamed: bool = False
) -> str:
    """``streamed``: it was heard while it was spoken, so it is no other take that was better."""
    shape = [revision_id, text, sorted((name, float(value)) for name, value in controls.items()), seed]
    if streamed:
        shape.append("streamed")
    return hashlib.sha256(json.dumps(shape).encode()).hexdigest()


class SpeechStore:
    def __init__(self, database: Database) -> None:
        self.database = database

    # Speeches

    def insert(
        self,
        speech_id: str,
        voice_id: str,
        revision_id: str,
        text: str,
        controls: Mapping[str, float],
        seed: int,
        visitor: str | None,
        sentences: Sequence[Sentence],
    ) -> None:
        with self.database.transaction() as connection:
            connection.execute(
                "INSERT INTO speeches VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (speech_id, voice_id, revision_id, text, json.dumps(controls), seed, visitor, now_text()),
            )
            connection.executemany(
                "INSERT INTO sentences (speech_id, position, text, said, pause_seconds, seed, take_key) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                [(speech_id, *astuple(sentence)) for sentence in sentences],
            )

    def row(self, speech_id: str) -> sqlite3.Row:
        """
        Raises:
            StudioError: ``speech_unknown``.
        """
        row = self.database.row(
            "SELECT speeches.*, revisions.number AS revision FROM speeches "
            "JOIN revisions ON revisions.id = revision_id WHERE speeches.id = ?",
            check_id("speech", speech_id),
        )
        if row is None:
            raise unknown("speech")
        return row

    def get(self, speech_id: str) -> Speech:
        """
        Raises:
            StudioError: ``speech_unknown``.
        """
        row = self.row(speech_id)
        sentences = self.database.rows(
            "SELECT position, sentences.text AS sentence, takes.* FROM sentences "
            "LEFT JOIN takes ON takes.key = take_key WHERE speech_id = ? ORDER BY position",
            speech_id,
        )
        takes = tuple(_take(sentence) for sentence in sentences)
        state, job_id = self._state(speech_id, finished=None not in takes)
        return Speech(
            id=speech_id,
            voice_id=row["voice_id"],
            revision=row["revision"],
            text=row["text"],
            controls=json.loads(row["controls"]),
            seed=row["seed"],
            state=state,
            job_id=job_id,
            sentences=tuple(sentence["sentence"] for sentence in sentences),
            takes=takes,
            seconds=sum(take.seconds for take in takes if take),
            created_at=parse_time(row["created_at"]),
        )

    def find(self, revision_id: str, text: str, controls: Mapping[str, float], seed: int) -> str | None:
        """The newest speech that asked for exactly this and was not re-rolled since."""
        return self.database.value(
            "SELECT id FROM speeches WHERE revision_id = ? AND text = ? AND controls = ? AND seed = ? AND NOT EXISTS "
            "(SELECT 1 FROM sentences WHERE speech_id = speeches.id AND sentences.seed <> speeches.seed) "
            "ORDER BY created_at DESC, id LIMIT 1",
            revision_id,
            text,
            json.dumps(controls),
            seed,
        )

    def history(self, voice_id: str, limit: int, visitor: str | None) -> list[Speech]:
        rows = self.database.rows(
            "SELECT id FROM speeches WHERE voice_id = ? AND (? IS NULL OR visitor = ?) "
            "ORDER BY created_at DESC, id LIMIT ?",
            voice_id,
            visitor,
            visitor,
            limit,
        )
        return [self.get(row["id"]) for row in rows]

    def sentences(self, speech_id: str) -> list[Sentence]:
        rows = self.database.rows(
            "SELECT position, text, said, pause_seconds, seed, take_key FROM sentences WHERE speech_id = ? "
            "ORDER BY position",
            speech_id,
        )
        return [Sentence(*row) for row in rows]

    def pending(self, speech_id: str) -> list[Sentence]:
        """The sentences without a take; repeated sentences share one."""
        return [s for s in self.sentences(speech_id) if not self.has_take(s.take_key)]

    def set_take(self, speech_id: str, position: int, said: str, seed: int, key: str) -> None:
        with self.database.transaction() as connection:
            connection.execute(
                "UPDATE sentences SET said = ?, seed = ?, take_key = ? WHERE speech_id = ? AND position = ?",
                (said, seed, key, speech_id, position),
            )

    def bury(self, before: datetime) -> SpeechRemains:
        """Remove the speeches that were asked for earlier and nobody works on, and the takes from then that nobody says."""
        moment = before.isoformat(timespec="microseconds")
        old = (
            "(SELECT id FROM speeches WHERE created_at < ? AND NOT EXISTS (SELECT 1 FROM jobs "
            "WHERE subject_id = speeches.id AND state IN ('queued', 'running')))"
        )
        with self.database.transaction() as connection:
            exports = connection.execute(
                f"SELECT key, format FROM exports WHERE speech_id IN {old}", (moment,)
            ).fetchall()
            connection.execute(f"DELETE FROM jobs WHERE subject_id IN {old}", (moment,))
            connection.execute(f"DELETE FROM speeches WHERE id IN {old}", (moment,))
            takes = connection.execute(
                "DELETE FROM takes WHERE created_at < ? "
                "AND NOT EXISTS (SELECT 1 FROM sentences WHERE take_key = takes.key) "
                "AND NOT EXISTS (SELECT 1 FROM story_takes WHERE take_key = takes.key) RETURNING key",
                (moment,),
            ).fetchall()
        return SpeechRemains(
            tuple(row["key"] for row in takes), tuple((row["key"], row["format"]) for row in exports)
        )

    def _state(self, speech_id: str, finished: bool) -> tuple[str, str | None]:
        """A re-rolled speech may have several jobs; the most active one speaks for it."""
        jobs = self.database.rows(
            "SELECT id, state FROM jobs WHERE subject_id = ? ORDER BY created_at DESC", speech_id
        )
        for state in ("running", "queued"):
            for job in jobs:
                if job["state"] == state:
                    return state, job["id"]
        latest = jobs[0] if jobs else None
        if finished:
            return "done", latest["id"] if latest else None
        return (latest["state"], latest["id"]) if latest else ("cancelled", None)

    # Takes

    def has_take(self, key: str) -> bool:
        return self.database.row("SELECT 1 FROM takes WHERE key = ?", key) is not None

    def takes(self, keys: Sequence[str]) -> dict[str, TakeRecord]:
        """Those that there are, by their keys; ``index`` is the place in ``keys``."""
        rows = self.database.rows(
            "SELECT min(wanted.key) AS position, takes.* FROM json_each(?) AS wanted "
            "JOIN takes ON takes.key = wanted.value GROUP BY takes.key",
            json.dumps(list(keys)),
        )
        return {row["key"]: _take(row) for row in rows}

    def insert_take(self, sentence: Sentence, revision_id: str, take: Take, attempts: int) -> None:
        """
        Raises:
            sqlite3.IntegrityError: the revision is gone: consent was withdrawn meanwhile.
        """
        words = json.dumps([asdict(word) for word in take.words])
        with self.database.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO takes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    sentence.take_key,
                    revision_id,
                    sentence.text,
                    sentence.seed,
                    take.seconds,
                    take.sample_rate,
                    take.score,
                    attempts,
                    words,
                    now_text(),
                ),
            )

    def drop_takes(self, is_lost: Callable[[str], bool]) -> None:
        """Forget takes whose files are gone, so that they are spoken anew; speeches that had them count as stopped."""
        lost = [(row["key"],) for row in self.database.rows("SELECT key FROM takes") if is_lost(row["key"])]
        with self.database.transaction() as connection:
            connection.executemany("DELETE FROM takes WHERE key = ?", lost)
            connection.executemany(
                "UPDATE jobs SET state = 'cancelled' WHERE state = 'done' "
                "AND subject_id IN (SELECT speech_id FROM sentences WHERE take_key = ?)",
                lost,
            )

    def check_take(self, key: str) -> str:
        """
        Raises:
            StudioError: ``take_unknown``.
        """
        if not self.has_take(check_take_key(key)):
            raise unknown("take")
        return key


def _take(row: sqlite3.Row) -> TakeRecord | None:
    if row["key"] is None:
        return None
    return TakeRecord(
        key=row["key"],
        index=row["position"],
        text=row["text"],
        seed=row["seed"],
        seconds=row["seconds"],
        sample_rate=row["sample_rate"],
        score=row["score"],
        attempts=row["attempts"],
        words=tuple(SpokenWord(**word) for word in json.loads(row["words"])),
    )
