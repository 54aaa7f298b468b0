"""The ledger of what left the studio: which takes a file holds, of whose voice, and what it says of itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from studio.store.database import Database, now_text


def enter_export(
    database: Database,
    key: str,
    format: str,
    data: bytes,
    voice_hash: str,
    take_keys: Sequence[str],
    label: Mapping[str, str],
    *,
    speech_id: str | None = None,
    story_id: str | None = None,
) -> None:
    """Before the file is put in its place: none leaves the studio that the ledger does not know.

    Args:
        data: the file. Of one that is sent while it is being made, what of it has left so far: nothing at first, and all
            of it in the end.
        voice_hash: from ``studio.trust.labels``; empty for a file in which nobody speaks.
    """
    with database.transaction() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO exports (key, format, speech_id, story_id, voice_hash, take_keys, sha256, "
            "file_bytes, label, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                key,
                format,
                speech_id,
                story_id,
                voice_hash,
                json.dumps(list(take_keys)),
                hashlib.sha256(data).hexdigest(),
                len(data),
                json.dumps(label),
                now_text(),
            ),
        )


def enter_stream(
    database: Database,
    key: str,
    format: str,
    voice_hash: str,
    take_keys: Sequence[str],
    label: Mapping[str, str],
    *,
    speech_id: str,
) -> None:
    """As ``enter_export``, before the first byte of a file that is sent while it is being made: nothing of it has left
    yet, unless the same was sent before."""
    with database.transaction() as connection:
        known = "SELECT 1 FROM exports WHERE key = ? AND format = ?"
        if connection.execute(known, (key, format)).fetchone() is None:
            enter_export(database, key, format, b"", voice_hash, take_keys, label, speech_id=speech_id)


def note_sent(database: Database, key: str, format: str, sha256: str, file_bytes: int) -> None:
    """What has left in the end; whoever hung up early got the beginning of it."""
    with database.transaction() as connection:
        connection.execute(
            "UPDATE exports SET sha256 = ?, file_bytes = ? WHERE key = ? AND format = ? AND file_bytes < ?",
            (sha256, file_bytes, key, format, file_bytes),
        )
