"""Nobody's voice is used without their agreement, and it ends when they say so."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from studio.errors import StudioError
from studio.language import languages
from studio.store.database import Database, now_text, parse_time
from studio.store.ids import new_id
from studio.store.records import ConsentRecord

SCOPES = ("personal", "commercial")
MAX_NAME_CHARS = 80

_FOLDER = Path(__file__).resolve().parents[2] / "assets" / "consent"


@dataclass(frozen=True)
class ConsentText:
    """What a person reads before agreeing; ``text`` is Markdown, ``sha256`` of its UTF-8 bytes."""

    language: str
    version: str
    text: str
    sha256: str


@cache
def consent_text(language: str) -> ConsentText:
    # decoded without newline translation, or the hash would depend on how the files were checked out
    data = (_FOLDER / f"consent.{language}.md").read_bytes().replace(b"\r\n", b"\n")
    text = data.decode("utf-8")
    version = next(line.split()[1] for line in text.splitlines() if line.startswith(("Version ", "版本 ")))
    return ConsentText(language, version, text, hashlib.sha256(data).hexdigest())


class Consents:
    """The agreements on record. Withdrawn ones stay, without the name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def give(
        self,
        voice_id: str,
        owner_name: str,
        scope: str,
        until: date | None,
        language: str,
        audio_sha256: Collection[str],
    ) -> ConsentRecord:
        """
        Raises:
            StudioError: ``consent_name_missing``, ``consent_name_too_long``, ``consent_scope_unknown``,
                ``consent_until_past``, ``language_unknown``, ``consent_without_recordings``.
        """
        owner_name = " ".join(owner_name.split())
        if not owner_name:
            raise StudioError("consent_name_missing", 422)
        if len(owner_name) > MAX_NAME_CHARS:
            raise StudioError("consent_name_too_long", 422, chars=len(owner_name), limit=MAX_NAME_CHARS)
        if scope not in SCOPES:
            raise StudioError("consent_scope_unknown", 422, scope=scope, choices=", ".join(SCOPES))
        if until is not None and until < date.today():
            raise StudioError(
                "consent_until_past", 422, until=until.isoformat(), today=date.today().isoformat()
            )
        if language not in languages:
            raise StudioError("language_unknown", 422, language=language, choices=", ".join(languages))
        if not audio_sha256:
            raise StudioError("consent_without_recordings", 409)
        text = consent_text(language)
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO consents (id, voice_id, owner_name, scope, until, language, text_version, "
                "text_sha256, audio_sha256, given_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    new_id("consent"),
                    voice_id,
                    owner_name,
                    scope,
                    until.isoformat() if until else None,
                    language,
                    text.version,
                    text.sha256,
                    json.dumps(sorted(audio_sha256)),
                    now_text(),
                ),
            )
        record = self.current(voice_id)
        assert record is not None
        return record

    def current(self, voice_id: str) -> ConsentRecord | None:
        """The latest agreement that was not withdrawn; it may have expired."""
        row = self._database.row(
            "SELECT * FROM consents WHERE voice_id = ? AND withdrawn_at IS NULL ORDER BY given_at DESC LIMIT 1",
            voice_id,
        )
        return _record(row) if row else None

    def require(self, voice_id: str, audio_sha256: Collection[str] = ()) -> ConsentRecord:
        """The agreement that allows using the voice today, covering at least these recordings.

        Raises:
            StudioError: ``consent_none``, ``consent_expired``, ``consent_outdated`` (recordings came later).
        """
        consent = self.current(voice_id)
        if consent is None:
            raise StudioError("consent_none", 403)
        if consent.until is not None and consent.until < date.today():
            raise StudioError("consent_expired", 403, until=consent.until.isoformat())
        uncovered = set(audio_sha256) - set(consent.audio_sha256)
        if uncovered:
            raise StudioError("consent_outdated", 403, recordings=len(uncovered))
        return consent

    def withdraw(self, voice_id: str) -> None:
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE consents SET owner_name = '', withdrawn_at = coalesce(withdrawn_at, ?) WHERE voice_id = ?",
                (now_text(), voice_id),
            )


def _record(row: sqlite3.Row) -> ConsentRecord:
    return ConsentRecord(
        id=row["id"],
        voice_id=row["voice_id"],
        owner_name=row["owner_name"],
        scope=row["scope"],
        until=date.fromisoformat(row["until"]) if row["until"] else None,
        language=row["language"],
        text_version=row["text_version"],
        text_sha256=row["text_sha256"],
        audio_sha256=tuple(json.loads(row["audio_sha256"])),
        given_at=parse_time(row["given_at"]),
    )
