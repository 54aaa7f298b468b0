from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipelines.audio.recording import Recording
from studio.errors import StudioError
from studio.store.database import Database
from studio.store.ids import new_id
from studio.store.ledger import enter_export
from studio.store.records import RecordingRecord, RevisionRecord
from studio.store.speeches import Sentence, SpeechStore
from studio.store.voices import VoiceStore
from tests.fakes import quick_assess


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "studio.db")


@pytest.fixture
def store(database: Database) -> VoiceStore:
    return VoiceStore(database)


def new_voice(store: VoiceStore, name: str = "Ann", sample: bool = False) -> str:
    voice_id = new_id("voice")
    store.insert(voice_id, name, "fake", sample)
    return voice_id


def record(store: VoiceStore, voice_id: str, sha256: str = "00", seconds: float = 2.0) -> RecordingRecord:
    report = quick_assess(Recording(np.zeros(int(seconds * 8000), dtype=np.float32), 8000))
    return store.insert_recording(
        new_id("recording"), voice_id, f"{sha256}.wav", seconds, 8000, report, sha256
    )


def revise(store: VoiceStore, voice_id: str, kind: str = "trained") -> RevisionRecord:
    quality = "quick" if kind == "trained" else None
    return store.insert_revision(new_id("revision"), voice_id, kind, quality, {"similarity": 0.9})


def refused(code: str, call: Callable[..., object], *arguments: object) -> None:
    with pytest.raises(StudioError, match=code):
        call(*arguments)


# Voices


def test_sample_voices_first_then_the_newest(store: VoiceStore) -> None:
    older, newer = new_voice(store, "older"), new_voice(store, "newer")
    sample = new_voice(store, "sample", sample=True)
    assert [row["id"] for row in store.rows()] == [sample, newer, older]
    store.rename(older, "Old")
    assert [row["name"] for row in store.rows()] == ["sample", "newer", "Old"]


def test_a_demo_knows_sample_voices_alone(store: VoiceStore, database: Database) -> None:
    own, sample = new_voice(store), new_voice(store, sample=True)
    kept = record(store, own)
    demo = VoiceStore(database, samples_only=True)
    assert [row["id"] for row in demo.rows()] == [sample]
    refused("voice_unknown", demo.row, own)
    refused("voice_unknown", demo.recording, kept.id)
    assert demo.row(sample)["sample"]


def test_names_that_are_nobody_s(store: VoiceStore) -> None:
    for voice_id in ("", "../../etc", "v_'; DROP TABLE voices", new_id("voice"), new_id("speech"), None):
        refused("voice_unknown", store.row, voice_id)
    refused("recording_unknown", store.recording, "rec_x")
    refused("recording_unknown", store.recording, new_id("recording"))
    refused("revision_unknown", store.revision, new_id("revision"))


# Recordings


def test_recordings_come_back_in_the_order_they_came(store: VoiceStore) -> None:
    voice_id = new_voice(store)
    first, second = record(store, voice_id, "aa"), record(store, voice_id, "bb", seconds=3.0)
    assert store.recordings(voice_id) == [first, second]
    assert store.recording(second.id) == second
    assert (first.cleaned, second.seconds, second.report.speech_seconds) == (True, 3.0, 3.0)
    store.set_cleaned(first.id, False)
    assert [recording.cleaned for recording in store.recordings(voice_id)] == [False, True]
    store.remove_recording(first.id)
    assert [recording.id for recording in store.recordings(voice_id)] == [second.id]
    refused("recording_unknown", store.recording, first.id)


def test_the_same_bytes_once_a_voice(store: VoiceStore) -> None:
    one, other = new_voice(store), new_voice(store)
    record(store, one, "aa")
    with pytest.raises(sqlite3.IntegrityError):
        record(store, one, "aa")
    record(store, other, "aa")
    assert (len(store.recordings(one)), len(store.recordings(other))) == (1, 1)


# Revisions


def test_revisions_count_up_within_their_voice_and_speak_at_once(store: VoiceStore) -> None:
    ann, bob = new_voice(store, "Ann"), new_voice(store, "Bob")
    numbers = [revise(store, voice_id).number for voice_id in (ann, ann, bob, ann)]
    assert numbers == [1, 2, 1, 3]
    made = store.revisions(ann)
    assert [revision.number for revision in made] == [1, 2, 3]
    assert store.row(ann)["revision_id"] == made[-1].id
    assert (made[0].engine, made[0].kind, made[0].quality, made[0].card) == (
        "fake",
        "trained",
        "quick",
        {"similarity": 0.9},
    )
    store.use_revision(ann, made[0].id)
    assert store.row(ann)["revision_id"] == made[0].id
    assert store.revision_by_number(ann, 2) == store.revision(made[1].id) == made[1]
    refused("revision_unknown", store.revision_by_number, bob, 2)


def test_a_job_that_runs_twice_makes_one_revision(store: VoiceStore) -> None:
    voice_id, revision_id = new_voice(store), new_id("revision")
    first = store.insert_revision(revision_id, voice_id, "trained", "quick", {"run": 1})
    latest = revise(store, voice_id)
    assert store.insert_revision(revision_id, voice_id, "trained", "quick", {"run": 2}) == first
    assert store.revisions(voice_id) == [first, latest]
    assert store.row(voice_id)["revision_id"] == latest.id  # and it does not push itself forward again


def test_an_instant_revision_does_not_silence_a_trained_one(store: VoiceStore) -> None:
    voice_id = new_voice(store)
    revise(store, voice_id, "instant")
    instant = revise(store, voice_id, "instant")
    assert store.row(voice_id)["revision_id"] == instant.id
    trained = revise(store, voice_id, "trained")
    assert revise(store, voice_id, "instant").number == 4
    assert store.row(voice_id)["revision_id"] == trained.id


# The end of a voice


def test_of_a_buried_voice_a_nameless_row_remains(store: VoiceStore, database: Database) -> None:
    voice_id, other = new_voice(store), new_voice(store, "Bob")
    kept, revision = record(store, voice_id), revise(store, voice_id)
    record(store, other)
    speech_id, key = new_id("speech"), "ab" * 32
    speeches = SpeechStore(database)
    sentence = Sentence(0, "One.", "One.", 0.0, 1, key)
    speeches.insert(speech_id, voice_id, revision.id, "One.", {}, 1, None, [sentence])
    enter_export(database, "k", "mp3", b"sound", "h", [key], {}, speech_id=speech_id)
    with database.transaction() as connection:
        connection.execute("INSERT INTO takes VALUES (?, ?, '', 1, 1, 1, 1, 1, '[]', '')", (key, revision.id))
        for job_id, subject in (("j_voice", voice_id), ("j_speech", speech_id), ("j_other", other)):
            connection.execute(
                "INSERT INTO jobs (id, lane, kind, subject_id, payload, state, created_at, waiting_since) "
                "VALUES (?, '', '', ?, '{}', 'queued', '', '')",
                (job_id, subject),
            )
    remains = store.bury(voice_id)
    assert set(remains.job_ids) == {"j_voice", "j_speech"}
    assert (remains.revision_ids, remains.take_keys, remains.exports) == (
        (revision.id,),
        (key,),
        (("k", "mp3"),),
    )
    for table in ("speeches", "sentences", "takes", "revisions"):
        assert database.value(f"SELECT count(*) FROM {table}") == 0
    buried = database.row("SELECT * FROM voices WHERE id = ?", voice_id)
    assert (buried["name"], buried["revision_id"], bool(buried["deleted_at"])) == ("", None, True)
    refused("voice_unknown", store.row, voice_id)
    refused("recording_unknown", store.recording, kept.id)
    assert [row["id"] for row in store.rows()] == [other]
    assert len(store.recordings(other)) == 1
    assert [row["id"] for row in database.rows("SELECT id FROM jobs")] == ["j_other"]


def test_nothing_is_added_to_a_buried_voice(store: VoiceStore, database: Database) -> None:
    voice_id = new_voice(store)
    store.bury(voice_id)
    refused("voice_unknown", record, store, voice_id)
    refused("voice_unknown", revise, store, voice_id)
    assert database.value("SELECT count(*) FROM recordings") == 0
    assert database.value("SELECT count(*) FROM revisions") == 0
