from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from pipelines.failure import CraftError
from studio.container import Container
from studio.errors import StudioError
from studio.settings import Settings
from studio.store.records import VoiceRecord
from tests.fakes import FakeEngine, Held, fake_engines, write_hum
from tests.listing import files_in
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("quick_audio")


def refused(code: str, call: Callable[..., object], *arguments: object) -> StudioError:
    with pytest.raises(StudioError) as caught:
        call(*arguments)
    assert caught.value.code == code
    assert caught.value.sentence("en").next and caught.value.sentence("zh").next
    return caught.value


def files(container: Container) -> list[Path]:
    home = container.settings.home
    return [path for path in files_in(home) if not path.name.startswith(("studio.", "pronunciations."))]


# The voice itself


def test_a_voice_is_called_by_its_id_or_by_a_name_of_its_own(container: Container) -> None:
    voices = container.voices
    one = voices.create("Alloy")
    posing = voices.create(one.id)
    assert voices.called("alloy").id == voices.called(one.id).id == one.id != posing.id
    voices.create("ALLOY")
    for nobody in ("alloy", "onyx", "", "../studio.db"):
        with pytest.raises(StudioError, match="voice_unknown"):
            voices.called(nobody)


def test_from_draft_to_ready(container: Container, tmp_path: Path, engine: FakeEngine) -> None:
    voices = container.voices
    draft = voices.create(" Ann \n ")
    assert (draft.name, draft.state, draft.revision, draft.languages) == ("Ann", "draft", None, ("en",))
    assert voices.report(draft.id) is None
    voices.add_recording(draft.id, write_hum(tmp_path / "a.wav"), "a.wav")
    assert voices.get(draft.id).state == "draft"
    voices.consent(draft.id, "Ann Lee", "personal", None, "en")
    container.jobs.wait(voices.get(draft.id).active_job_id, 100)
    ready = voices.get(draft.id)
    assert (ready.state, ready.active_job_id, ready.consent.owner_name) == ("ready", None, "Ann Lee")
    assert (ready.revision.number, ready.revision.kind, engine.prepared) == (1, "instant", 1)
    assert voices.list() == [ready]
    assert voices.rename(draft.id, "Annie").name == "Annie"


def test_bad_names(container: Container) -> None:
    refused("voice_name_missing", container.voices.create, " \t\n")
    refused("voice_name_too_long", container.voices.create, "x" * 61)
    assert container.voices.create("a\0b\ud800c 声绘 🎙").name == "a b c 声绘 🎙"


def test_unknown_voices(container: Container) -> None:
    for voice_id in ("../../etc", "v_" + "0" * 20):
        refused("voice_unknown", container.voices.get, voice_id)
        refused("voice_unknown", container.voices.train, voice_id, "quick")
        refused("voice_unknown", container.voices.delete, voice_id)


def test_too_many_voices(settings: Settings) -> None:
    with Container(settings.model_copy(update={"max_voices": 1}), fake_engines()) as container:
        container.voices.create("a")
        refused("voices_too_many", container.voices.create, "b")


# Recordings


def test_recordings(container: Container, tmp_path: Path) -> None:
    voices = container.voices
    voice = voices.create("Ann")
    source = write_hum(tmp_path / "x.wav", seconds=2)
    record = voices.add_recording(voice.id, source, "C:\\Users\\Ann\\my voice.wav")
    assert (record.filename, record.seconds, record.sample_rate) == ("my voice.wav", 2.0, 16000)
    assert record.report.grade == "A" and record.cleaned
    original = next(path for path in files(container) if path.suffix == ".original")
    assert original.read_bytes() == source.read_bytes()
    assert voices.add_recording(voice.id, source, "again.wav").id == record.id
    plain, cleaned = (voices.recording_audio(record.id, cleaned) for cleaned in (False, True))
    assert plain != cleaned and plain.exists() and cleaned.exists()
    assert not voices.set_cleaning(record.id, False).cleaned
    assert voices.recordings(voice.id)[0].cleaned is False
    assert voices.report(voice.id).speech_seconds == 2.0
    voices.remove_recording(record.id)
    assert voices.recordings(voice.id) == [] and files(container) == []
    refused("recording_unknown", voices.recording_audio, record.id, False)


def test_a_refused_file_leaves_nothing(container: Container, tmp_path: Path) -> None:
    voice = container.voices.create("Ann")
    text = tmp_path / "text.wav"
    text.write_text("this is no audio")
    error = refused("audio_not_audio", container.voices.add_recording, voice.id, text, "text.wav")
    assert error.status == 422
    assert container.voices.recordings(voice.id) == [] and files(container) == []


def test_disk_full_while_recording(
    container: Container, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    voice, source = container.voices.create("Ann"), write_hum(tmp_path / "a.wav")
    replace, calls = os.replace, []

    def full_at_the_second_file(*arguments: object) -> None:
        calls.append(arguments)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(*arguments)

    monkeypatch.setattr(os, "replace", full_at_the_second_file)
    refused("disk_full", container.voices.add_recording, voice.id, source, "a.wav")
    assert container.voices.recordings(voice.id) == [] and files(container) == []
    container.voices.add_recording(voice.id, source, "a.wav")


def test_limits_on_recordings(settings: Settings, tmp_path: Path) -> None:
    limited = settings.model_copy(update={"max_recordings": 2, "max_voice_seconds": 5.0})
    with Container(limited, fake_engines()) as container:
        voice = container.voices.create("Ann")
        add = container.voices.add_recording
        add(voice.id, write_hum(tmp_path / "a.wav", pitch_hz=100), "a")
        refused("recordings_too_long", add, voice.id, write_hum(tmp_path / "b.wav", pitch_hz=110), "b")
        add(voice.id, write_hum(tmp_path / "c.wav", 1, pitch_hz=120), "c")
        refused("recordings_too_many", add, voice.id, write_hum(tmp_path / "d.wav", 0.6), "d")


# Consent and training


def test_no_training_without_consent(container: Container, tmp_path: Path) -> None:
    voice = container.voices.create("Ann")
    refused("consent_without_recordings", container.voices.consent, voice.id, "Ann", "personal", None, "en")
    refused("voice_without_recordings", container.voices.train, voice.id, "quick")
    container.voices.add_recording(voice.id, write_hum(tmp_path / "a.wav"), "a.wav")
    refused("consent_none", container.voices.train, voice.id, "quick")
    assert container.jobs.list() == []


def test_consent_must_cover_every_recording(container: Container, voice: VoiceRecord, tmp_path: Path) -> None:
    container.voices.add_recording(voice.id, write_hum(tmp_path / "b.wav", pitch_hz=99), "b.wav")
    refused("consent_outdated", container.voices.train, voice.id, "quick")
    container.voices.consent(voice.id, "Ann Lee", "commercial", date.today() + timedelta(days=9), "zh")
    assert container.voices.train(voice.id, "quick").state in ("queued", "running")


def test_training_makes_a_live_revision_with_a_card(container: Container, voice: VoiceRecord) -> None:
    refused("quality_unknown", container.voices.train, voice.id, "perfect")
    job = container.jobs.wait(container.voices.train(voice.id, "good").id, 100)
    assert (job.state, job.result["revision"], len(job.curve)) == ("done", 2, 12)
    trained = container.voices.get(voice.id)
    assert (trained.state, trained.revision.number, trained.revision.kind) == ("ready", 2, "trained")
    card = trained.revision.card
    assert {"similarity", "intelligibility", "curve", "held_out_seconds"} <= set(card)
    assert card["adapter_bytes"] < 8 * 2**20
    assert card["consent"]["text_sha256"] == trained.consent.text_sha256
    assert card["recordings"][0]["sha256"] == container.voices.recordings(voice.id)[0].sha256
    assert container.voices.use_revision(voice.id, 1).revision.number == 1
    refused("revision_unknown", container.voices.use_revision, voice.id, 9)
    assert container.voices.training_estimates("fake")["good"] < 30  # as measured, not the reference


def test_two_tabs_get_one_training(
    container: Container, voice: VoiceRecord, hold: Callable[[str, str], Held]
) -> None:
    held = hold("train", "train")
    jobs: list[str] = []
    tabs = [
        threading.Thread(target=lambda: jobs.append(container.voices.train(voice.id, "good").id))
        for _ in range(6)
    ]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    assert len(set(jobs)) == 1
    assert container.voices.get(voice.id).state == "training"
    assert container.voices.get(voice.id).active_job_id == jobs[0]
    held.let_go()
    assert container.jobs.wait(jobs[0], 100).state == "done"
    assert len(container.voices.revisions(voice.id)) == 2


@pytest.mark.parametrize("stage", ["slice", "transcribe", "features", "train", "check"])
def test_cancel_in_every_stage(
    container: Container, voice: VoiceRecord, stage: str, hold: Callable[[str, str], Held]
) -> None:
    before, held = files(container), hold("train", stage)
    job = container.voices.train(voice.id, "quick")
    assert held.arrived()
    container.jobs.cancel(job.id)
    held.let_go()
    assert container.jobs.wait(job.id, 100).state == "cancelled"
    after = container.voices.get(voice.id)
    assert (after.state, after.revision.number) == ("ready", 1)
    until(lambda: files(container) == before)
    again = container.voices.train(voice.id, "quick")
    assert (again.id != job.id, container.jobs.wait(again.id, 100).state) == (True, "done")


def test_an_instant_voice_that_was_stopped_can_be_prepared_again(
    container: Container, tmp_path: Path, hold: Callable[[str, str], Held]
) -> None:
    voice = container.voices.create("Ann")
    refused("voice_without_recordings", container.voices.prepare, voice.id)
    container.voices.add_recording(voice.id, write_hum(tmp_path / "a.wav"), "a.wav")
    refused("consent_none", container.voices.prepare, voice.id)
    held = hold("prepare", "prepare")
    container.voices.consent(voice.id, "Ann Lee", "personal", None, "en")
    assert held.arrived()
    job_id = container.voices.get(voice.id).active_job_id
    assert container.voices.prepare(voice.id).id == job_id
    container.jobs.cancel(job_id)
    held.let_go()
    assert container.jobs.wait(job_id, 100).state == "cancelled"
    assert container.voices.get(voice.id).state == "draft"
    assert container.jobs.wait(container.voices.prepare(voice.id).id, 100).state == "done"
    assert container.voices.get(voice.id).state == "ready"


def test_a_failed_training_keeps_the_voice(
    container: Container, voice: VoiceRecord, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_little(*_: object) -> None:
        raise CraftError("training_too_little_speech", seconds=3.0, minimum=10.0)

    monkeypatch.setattr(engine, "fine_tune", too_little)
    job = container.jobs.wait(container.voices.train(voice.id, "quick").id, 100)
    assert job.state == "failed"
    assert container.voices.get(voice.id).revision.number == 1


def test_an_adapter_over_the_limit_is_refused(
    container: Container, voice: VoiceRecord, engine: FakeEngine
) -> None:
    engine.adapter_bytes = 8 * 2**20
    job = container.jobs.wait(container.voices.train(voice.id, "quick").id, 100)
    assert (job.state, job.error.code) == ("failed", "adapter_too_big")
    assert container.voices.get(voice.id).revision.number == 1
    assert len([path for path in files(container) if path.suffix == ".safetensors"]) == 1


def test_disk_full_while_training(
    container: Container, voice: VoiceRecord, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("tests.fakes._write", full)
        job = container.jobs.wait(container.voices.train(voice.id, "quick").id, 100)
    assert (job.state, job.error.code) == ("failed", "disk_full")
    job = container.jobs.wait(container.voices.train(voice.id, "quick").id, 100)
    assert job.state == "done"


# Withdrawing consent


def test_withdrawing_consent_deletes_everything(container: Container, voice: VoiceRecord) -> None:
    container.jobs.wait(container.voices.train(voice.id, "quick").id, 100)
    speech = container.speaking.submit(voice.id, "Hello there.")
    container.speaking.wait(speech.id, 100)
    container.speaking.export(speech.id, "wav")
    container.voices.delete(voice.id)
    refused("voice_unknown", container.voices.get, voice.id)
    refused("speech_unknown", container.speaking.get, speech.id)
    assert container.voices.list() == [] and files(container) == [] and container.jobs.list() == []
    rows = container.database.rows("SELECT * FROM voices")
    assert [(row["name"], bool(row["deleted_at"])) for row in rows] == [("", True)]
    assert container.database.value("SELECT owner_name FROM consents") == ""
    assert container.database.value("SELECT count(*) FROM exports") == 1  # what left is still accounted for
    for table in ("recordings", "revisions", "speeches", "sentences", "takes", "losses"):
        assert container.database.value(f"SELECT count(*) FROM {table}") == 0


@pytest.mark.parametrize("work", ["training", "speaking"])
def test_withdrawing_consent_stops_work(
    container: Container, voice: VoiceRecord, engine: FakeEngine, work: str
) -> None:
    engine.step_seconds = 0.03
    if work == "training":
        container.voices.train(voice.id, "best")
        until(lambda: len(engine.steps) > 2)
    else:
        container.speaking.submit(voice.id, " ".join(f"This is sentence {n}." for n in range(100)))
        until(lambda: len(engine.spoken) > 2)
    container.voices.delete(voice.id)
    done = len(engine.steps), len(engine.spoken)
    assert files(container) == []
    time.sleep(0.1)
    assert (len(engine.steps), len(engine.spoken)) == done
    assert files(container) == []


def test_files_a_crash_left_behind_are_swept(settings: Settings, tmp_path: Path) -> None:
    with Container(settings, fake_engines()) as container:
        voice = container.voices.create("Ann")
        record = container.voices.add_recording(voice.id, write_hum(tmp_path / "a.wav"), "a.wav")
        kept = set(files(container))
    stray = settings.home / "voices" / voice.id / "recordings" / "rec_00000000000000000000.wav"
    stray.write_bytes(b"")
    (settings.home / "takes" / "ab").mkdir(parents=True)
    (settings.home / "takes" / "ab" / f"{'ab' * 32}.wav.x.tmp").write_bytes(b"")
    with Container(settings, fake_engines()) as container:
        assert set(files(container)) == kept
        assert container.voices.recording_audio(record.id, False).exists()


def test_a_lost_database_does_not_cost_the_recordings(settings: Settings, tmp_path: Path) -> None:
    with Container(settings, fake_engines()) as container:
        container.voices.add_recording(
            container.voices.create("Ann").id, write_hum(tmp_path / "a.wav"), "a.wav"
        )
        kept = set(files(container))
    for path in settings.home.glob("studio.db*"):
        path.unlink()
    with Container(settings, fake_engines()) as container:
        assert set(files(container)) == kept
