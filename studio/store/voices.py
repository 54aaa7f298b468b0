"""Rows of voices, their recordings and revisions."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio.store.database import Database, now_text, parse_time
from studio.store.ids import check_id, unknown
from studio.store.records import RecordingRecord, RevisionRecord
from studio.trust.labels import voice_hash

if TYPE_CHECKING:
    from pipelines.audio.quality import QualityReport
    from pipelines.story.transcribe import Transcript


@dataclass(frozen=True)
class Remains:
    """What a deleted voice leaves outside the database; ``exports`` are (key, format), ``sounds`` (story, scene)."""

    job_ids: tuple[str, ...]
    revision_ids: tuple[str, ...]
    take_keys: tuple[str, ...]
    exports: tuple[tuple[str, str], ...]
    sounds: tuple[tuple[str, str], ...]


class VoiceStore:
    """A voice that was deleted is unknown to every method, though its row stays.

    Args:
        samples_only: a public demo shows nobody's own voices.
    """

    def __init__(self, database: Database, samples_only: bool = False) -> None:
        self.database = database
        self._visible = "deleted_at IS NULL AND sample = 1" if samples_only else "deleted_at IS NULL"

    # Voices

    def row(self, voice_id: str) -> sqlite3.Row:
        """
        Raises:
            StudioError: ``voice_unknown``.
        """
        row = self.database.row(
            f"SELECT * FROM voices WHERE id = ? AND {self._visible}", check_id("voice", voice_id)
        )
        if row is None:
            raise unknown("voice")
        return row

    def rows(self) -> list[sqlite3.Row]:
        return self.database.rows(
            f"SELECT * FROM voices WHERE {self._visible} ORDER BY sample DESC, created_at DESC, id"
        )

    def insert(
        self, voice_id: str, name: str, engine: str, sample: bool = False, weights_sha256: str | None = None
    ) -> None:
        with self.database.transaction() as connection:
            connection.execute(
                "INSERT INTO voices (id, name, engine, sample, weights_sha256, created_at) VALUES (?, ?, ?, ?, ?, ?)",
                (voice_id, name, engine, int(sample), weights_sha256, now_text()),
            )

    def rename(self, voice_id: str, name: str) -> None:
        with self.database.transaction() as connection:
            connection.execute("UPDATE voices SET name = ? WHERE id = ?", (name, voice_id))

    def bury(self, voice_id: str) -> Remains:
        """Remove everything of the voice but a nameless row. Stories lose their narration and know why."""
        heard = voice_hash(voice_id)
        with self.database.transaction() as connection:

            def column(sql: str, *values: str) -> tuple[str, ...]:
                return tuple(row[0] for row in connection.execute(sql, values))

            speeches = "(SELECT id FROM speeches WHERE voice_id = ?)"
            revisions = "(SELECT id FROM revisions WHERE voice_id = ?)"
            jobs = f"subject_id = ? OR subject_id IN {speeches}"
            exporting = (
                "kind = 'export' AND state = 'running' AND subject_id IN (SELECT id FROM stories WHERE voice_id = ? "
                "UNION SELECT story_id FROM kept_sounds WHERE voice_hash = ?)"
            )
            remains = Remains(
                column(
                    f"SELECT id FROM jobs WHERE {jobs} OR {exporting}", voice_id, voice_id, voice_id, heard
                ),
                column("SELECT id FROM revisions WHERE voice_id = ?", voice_id),
                column(f"SELECT key FROM takes WHERE revision_id IN {revisions}", voice_id),
                tuple(
                    (row["key"], row["format"])
                    for row in connection.execute(
                        f"SELECT key, format FROM exports WHERE speech_id IN {speeches} "
                        "OR story_id IS NOT NULL AND voice_hash = ?",
                        (voice_id, heard),
                    )
                ),
                tuple(
                    (row["story_id"], row["scene_id"])
                    for row in connection.execute(
                        "SELECT story_id, scene_id FROM kept_sounds WHERE voice_hash = ?", (heard,)
                    )
                ),
            )
            connection.execute(f"UPDATE jobs SET cancel_requested = 1 WHERE {exporting}", (voice_id, heard))
            connection.execute(
                "UPDATE stories SET voice_id = NULL, narrator = NULL, reader = NULL, withdrawn = 1 "
                "WHERE voice_id = ? OR id IN (SELECT story_id FROM kept_sounds WHERE voice_hash = ?)",
                (voice_id, heard),
            )
            connection.execute("DELETE FROM kept_sounds WHERE voice_hash = ?", (heard,))
            connection.execute("UPDATE exports SET story_id = NULL WHERE voice_hash = ?", (heard,))
            connection.execute(f"DELETE FROM jobs WHERE {jobs}", (voice_id, voice_id))
            for table in ("speeches", "revisions", "recordings"):
                connection.execute(f"DELETE FROM {table} WHERE voice_id = ?", (voice_id,))
            connection.execute(
                "UPDATE voices SET name = '', deleted_at = ? WHERE id = ?", (now_text(), voice_id)
            )
        return remains

    def by_hash(self, heard: str) -> sqlite3.Row | None:
        """The voice, buried or not, that files name by this hash (``studio.trust.labels.voice_hash``)."""
        rows = self.database.rows("SELECT * FROM voices")
        return next((row for row in rows if voice_hash(row["id"]) == heard), None)

    # Recordings

    def insert_recording(
        self,
        recording_id: str,
        voice_id: str,
        filename: str,
        seconds: float,
        sample_rate: int,
        report: QualityReport,
        sha256: str,
        text: str | None = None,
    ) -> RecordingRecord:
        with self.database.transaction() as connection:
            self.row(voice_id)
            connection.execute(
                "INSERT INTO recordings VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?, ?, NULL, NULL)",
                (
                    recording_id,
                    voice_id,
                    filename,
                    seconds,
                    sample_rate,
                    json.dumps(report.to_json()),
                    sha256,
                    now_text(),
                    text,
                ),
            )
        return self.recording(recording_id)

    def recording(self, recording_id: str) -> RecordingRecord:
        """
        Raises:
            StudioError: ``recording_unknown``.
        """
        row = self.database.row("SELECT * FROM recordings WHERE id = ?", check_id("recording", recording_id))
        if row is None:
            raise unknown("recording")
        self.row(row["voice_id"])
        return _recording(row)

    def has_recording(self, recording_id: str) -> bool:
        return self.database.row("SELECT 1 FROM recordings WHERE id = ?", recording_id) is not None

    def recordings(self, voice_id: str) -> list[RecordingRecord]:
        rows = self.database.rows(
            "SELECT * FROM recordings WHERE voice_id = ? ORDER BY created_at, id", voice_id
        )
        return [_recording(row) for row in rows]

    def set_cleaned(self, recording_id: str, cleaned: bool) -> None:
        with self.database.transaction() as connection:
            connection.execute("UPDATE recordings SET cleaned = ? WHERE id = ?", (int(cleaned), recording_id))

    def unwritten(self, voice_id: str) -> list[RecordingRecord]:
        """The recordings for which nobody has written a text, nor taken one out, nor listened in vain."""
        rows = self.database.rows(
            "SELECT * FROM recordings WHERE voice_id = ? AND text IS NULL ORDER BY created_at, id", voice_id
        )
        return [_recording(row) for row in rows]

    def set_text(self, recording_id: str, text: str | None) -> None:
        """As a person writes it; None: it is to be written down once more; empty: nobody wants a text."""
        with self.database.transaction() as connection:
            connection.execute(
                "UPDATE recordings SET text = ?, heard_by = NULL WHERE id = ?", (text, recording_id)
            )

    def set_heard(self, recording_id: str, text: str, heard_by: str, transcript: Transcript | None) -> None:
        """What a person wrote meanwhile stays.

        Args:
            text: empty where ``heard_by`` made out no words.
        """
        told = transcript and json.dumps(transcript.to_json())
        with self.database.transaction() as connection:
            connection.execute(
                "UPDATE recordings SET text = ?, heard_by = ?, transcript = ? WHERE id = ? AND text IS NULL",
                (text, heard_by, told, recording_id),
            )

    def transcript(self, recording_id: str) -> Transcript | None:
        """What was last heard in a recording, whatever a person made of it."""
        from pipelines.story.transcribe import Transcript

        told = self.database.value("SELECT transcript FROM recordings WHERE id = ?", recording_id)
        return Transcript.from_json(json.loads(told)) if told else None

    def remove_recording(self, recording_id: str) -> None:
        with self.database.transaction() as connection:
            connection.execute("DELETE FROM recordings WHERE id = ?", (recording_id,))

    # Revisions

    def insert_revision(
        self,
        revision_id: str,
        voice_id: str,
        kind: str,
        quality: str | None,
        card: Mapping[str, object],
    ) -> RevisionRecord:
        """The next revision, live at once. The same id again changes nothing: a job may run twice.

        A voice that was trained is not sent back to an instant revision.

        Raises:
            StudioError: ``voice_unknown``: consent was withdrawn meanwhile.
        """
        with self.database.transaction() as connection:
            engine = self.row(voice_id)["engine"]
            if not connection.execute("SELECT 1 FROM revisions WHERE id = ?", (revision_id,)).fetchone():
                number, trained = connection.execute(
                    "SELECT coalesce(max(number), 0) + 1, count(*) FILTER (WHERE kind = 'trained') "
                    "FROM revisions WHERE voice_id = ?",
                    (voice_id,),
                ).fetchone()
                connection.execute(
                    "INSERT INTO revisions VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (revision_id, voice_id, number, engine, kind, quality, json.dumps(card), now_text()),
                )
                if kind == "trained" or not trained:
                    self.use_revision(voice_id, revision_id)
            return self.revision(revision_id)

    def use_revision(self, voice_id: str, revision_id: str) -> None:
        with self.database.transaction() as connection:
            connection.execute("UPDATE voices SET revision_id = ? WHERE id = ?", (revision_id, voice_id))

    def revision(self, revision_id: str) -> RevisionRecord:
        """
        Raises:
            StudioError: ``revision_unknown``.
        """
        row = self.database.row("SELECT * FROM revisions WHERE id = ?", revision_id)
        if row is None:
            raise unknown("revision")
        return _revision(row)

    def revision_by_number(self, voice_id: str, number: int) -> RevisionRecord:
        """
        Raises:
            StudioError: ``revision_unknown``.
        """
        row = self.database.row("SELECT * FROM revisions WHERE voice_id = ? AND number = ?", voice_id, number)
        if row is None:
            raise unknown("revision")
        return _revision(row)

    def revisions(self, voice_id: str) -> list[RevisionRecord]:
        rows = self.database.rows("SELECT * FROM revisions WHERE voice_id = ? ORDER BY number", voice_id)
        return [_revision(row) for row in rows]


def _recording(row: sqlite3.Row) -> RecordingRecord:
    from pipelines.audio.quality import QualityReport

    return RecordingRecord(
        id=row["id"],
        voice_id=row["voice_id"],
        filename=row["filename"],
        seconds=row["seconds"],
        sample_rate=row["sample_rate"],
        report=QualityReport.from_json(json.loads(row["report"])),
        cleaned=bool(row["cleaned"]),
        sha256=row["sha256"],
        created_at=parse_time(row["created_at"]),
        text=row["text"] or None,
        heard_by=row["heard_by"],
    )


def _revision(row: sqlite3.Row) -> RevisionRecord:
    return RevisionRecord(
        id=row["id"],
        voice_id=row["voice_id"],
        number=row["number"],
        engine=row["engine"],
        kind=row["kind"],
        quality=row["quality"],
        card=json.loads(row["card"]),
        created_at=parse_time(row["created_at"]),
    )
