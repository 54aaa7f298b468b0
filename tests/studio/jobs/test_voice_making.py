"""Trainings and preparations as jobs: what they learn from, and what stays when they end early or run twice."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipelines.speech.voice import Voice
from studio.container import Container
from studio.jobs.job import Job
from studio.jobs.queue import JobQueue
from studio.settings import Settings
from studio.store.records import VoiceRecord
from tests.fakes import FakeEngine, Held, fake_engines, write_hum
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("quick_audio")


def train(container: Container, voice: VoiceRecord, quality: str = "quick") -> Job:
    return container.jobs.wait(container.voices.train(voice.id, quality).id, 100)


def voice_files(settings: Settings) -> list[Path]:
    return sorted((settings.home / "voices").rglob("*.safetensors*"))


@pytest.fixture
def heard(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> list[list[np.ndarray]]:
    """The recordings that reach the engine, one list a call."""
    calls: list[list[np.ndarray]] = []
    for name in ("prepare", "fine_tune"):
        work = getattr(engine, name)

        def listen(recordings, *arguments: object, work=work):
            calls.append([recording.wave for recording in recordings])
            return work(recordings, *arguments)

        monkeypatch.setattr(engine, name, listen)
    return calls


@pytest.fixture
def others_turn(container: Container, tmp_path: Path, hold: Callable[[str, str], Held]) -> Held:
    """Someone else trains, so that every other training waits, until ``let_go``."""
    other = container.voices.create("Bob")
    container.voices.add_recording(other.id, write_hum(tmp_path / "bob.wav", pitch_hz=99), "bob.wav")
    container.voices.consent(other.id, "Bob", "personal", None, "en")
    container.jobs.wait(container.voices.get(other.id).active_job_id, 100)
    held = hold("train", "train")
    container.voices.train(other.id, "quick")
    assert held.arrived()
    return held


def test_cleaning_is_chosen_recording_by_recording(
    container: Container, voice: VoiceRecord, tmp_path: Path, heard: list[list[np.ndarray]]
) -> None:
    added = container.voices.add_recording(voice.id, write_hum(tmp_path / "b.wav", pitch_hz=210), "b.wav")
    container.voices.set_cleaning(added.id, False)
    container.voices.consent(voice.id, "Ann Lee", "personal", None, "en")
    assert train(container, voice).state == "done"
    cleaned, plain = heard[-1]
    assert np.abs(plain).max() == pytest.approx(0.3, abs=0.01)  # as it came in
    first = container.voices.recordings(voice.id)[0]
    levelled, _ = soundfile.read(container.voices.recording_audio(first.id, cleaned=True), dtype="float32")
    assert np.array_equal(cleaned, levelled) and np.abs(cleaned).max() > 0.4
    card = container.voices.get(voice.id).revision.card
    assert [recording["cleaned"] for recording in card["recordings"]] == [True, False]


def test_a_recording_that_comes_after_the_button_is_not_learned(
    container: Container, voice: VoiceRecord, tmp_path: Path, heard: list[list[np.ndarray]], others_turn: Held
) -> None:
    waiting = container.voices.train(voice.id, "quick")
    container.voices.add_recording(voice.id, write_hum(tmp_path / "late.wav", pitch_hz=300), "late.wav")
    others_turn.let_go()
    assert container.jobs.wait(waiting.id, 100).state == "done"
    assert len(heard[-1]) == 1
    assert len(container.voices.get(voice.id).revision.card["recordings"]) == 1


def remove_recordings(container: Container, voice: VoiceRecord) -> None:
    for recording in container.voices.recordings(voice.id):
        container.voices.remove_recording(recording.id)


@pytest.mark.parametrize(("removed", "state"), [(1, "done"), (2, "failed")])
def test_a_recording_removed_while_they_are_sliced_is_not_learned(
    container: Container, voice: VoiceRecord, tmp_path: Path, hold: Callable[[str, str], Held], removed: int, state: str
) -> None:  # fmt: skip
    container.voices.add_recording(voice.id, write_hum(tmp_path / "b.wav", pitch_hz=210), "b.wav")
    container.voices.consent(voice.id, "Ann Lee", "personal", None, "en")
    held = hold("train", "slice")
    waiting = container.voices.train(voice.id, "quick")
    assert held.arrived()
    for recording in container.voices.recordings(voice.id)[:removed]:
        container.voices.remove_recording(recording.id)
    held.let_go()
    job = container.jobs.wait(waiting.id, 100)
    assert job.state == state
    if state == "done":
        assert len(container.voices.get(voice.id).revision.card["recordings"]) == 1
    else:
        assert job.error.code == "voice_without_recordings"


def end_consent(container: Container, voice: VoiceRecord) -> None:
    yesterday = (date.today() - timedelta(days=1)).isoformat()
    with container.database.transaction() as connection:
        connection.execute("UPDATE consents SET until = ? WHERE voice_id = ?", (yesterday, voice.id))


@pytest.mark.parametrize(
    ("meanwhile", "code"),
    [(remove_recordings, "voice_without_recordings"), (end_consent, "consent_expired")],
)
def test_what_was_so_at_the_button_is_asked_again_at_the_start(
    container: Container,
    voice: VoiceRecord,
    heard: list[list[np.ndarray]],
    others_turn: Held,
    meanwhile: Callable[[Container, VoiceRecord], None],
    code: str,
) -> None:
    waiting = container.voices.train(voice.id, "quick")
    meanwhile(container, voice)
    calls = len(heard)
    others_turn.let_go()
    job = container.jobs.wait(waiting.id, 100)
    assert (job.state, job.error.code) == ("failed", code)
    assert len(heard) == calls
    assert [revision.number for revision in container.voices.revisions(voice.id)] == [1]


def test_stopped_while_its_file_is_written_nothing_of_it_stays(
    container: Container, voice: VoiceRecord, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, save = voice_files(settings), Voice.save

    def stop_meanwhile(made: Voice, path: Path) -> None:
        save(made, path)
        container.jobs.cancel(container.voices.get(voice.id).active_job_id)

    with monkeypatch.context() as patch:
        patch.setattr(Voice, "save", stop_meanwhile)
        assert train(container, voice).state == "cancelled"
    assert voice_files(settings) == before
    assert [revision.number for revision in container.voices.revisions(voice.id)] == [1]
    assert train(container, voice).result["revision"] == 2


def test_a_disk_that_fills_up_with_the_last_step(
    container: Container, voice: VoiceRecord, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, replace = voice_files(settings), os.replace

    def full(source: object, target: object) -> None:
        if str(target).endswith(".safetensors"):
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        job = train(container, voice)
    assert (job.state, job.error.code) == ("failed", "disk_full")
    assert voice_files(settings) == before
    assert train(container, voice).state == "done"


def test_a_training_that_dies_after_its_last_step_is_not_done_twice(
    container: Container,
    voice: VoiceRecord,
    engine: FakeEngine,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    died = []

    def die(queue: JobQueue, job_id: str, result: object) -> None:
        died.append(job_id)
        raise sqlite3.OperationalError("the power went")

    with monkeypatch.context() as patch:
        patch.setattr(JobQueue, "finish", die)
        job = container.voices.train(voice.id, "quick")
        until(lambda: bool(died))
        container.close()
    steps = list(engine.steps)
    with Container(settings, fake_engines(engine)) as again:
        done = again.jobs.wait(job.id, 100)
        assert (done.state, done.attempt, done.result["revision"]) == ("done", 2, 2)
        assert [revision.number for revision in again.voices.revisions(voice.id)] == [1, 2]
    assert engine.steps == steps


def test_only_a_training_from_end_to_end_says_how_long_one_takes(
    container: Container, voice: VoiceRecord, engine: FakeEngine, settings: Settings
) -> None:
    def measured(studio: Container) -> int:
        return studio.database.value("SELECT count(*) FROM training_times")

    engine.step_seconds = 0.5
    job = container.voices.train(voice.id, "good")
    until(lambda: len(engine.steps) > 3)
    container.close()
    engine.step_seconds = 0.05
    with Container(settings, fake_engines(engine)) as again:
        done = again.jobs.wait(job.id, 100)
        assert (done.state, measured(again)) == ("done", 0)
        assert again.voices.get(voice.id).revision.card["resumed_from"] >= 3
        assert sorted(set(engine.steps)) == list(range(1, 13))
        engine.step_seconds = 0.0
        assert train(again, voice).state == "done"
        assert measured(again) == 1
