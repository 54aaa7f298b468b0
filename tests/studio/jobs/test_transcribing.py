"""Who writes down what is said, and where it is kept."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipelines.audio.recording import Recording
from pipelines.failure import CraftError
from pipelines.speech.voice import Voice
from pipelines.story.transcribe import Transcript
from studio.container import Container
from studio.jobs.transcribing import SHORT_SECONDS
from studio.settings import Settings
from studio.store.records import RecordingRecord, VoiceRecord
from tests.fakes import (
    FakeEngine,
    FakeTranscriber,
    Held,
    fake_engines,
    fake_painters,
    fake_transcribers,
    write_hum,
)
from tests.pipelines.story.tiny_whisper import tiny_whisper
from tests.studio.told import CHINESE, done, refused

CLIPS = [
    Path(__file__).resolve().parents[2] / "fixtures" / "speech" / f"LJ001-{n}.flac" for n in ("0009", "0018")
]
pytestmark = pytest.mark.usefixtures("quick_audio")


@pytest.fixture
def ann(hearing: Container) -> VoiceRecord:
    return hearing.voices.create("Ann")


def brought(
    container: Container, voice: VoiceRecord, folder: Path, pitch: float = 150.0, seconds: float = 3.0, text: str | None = None
) -> RecordingRecord:  # fmt: skip
    path = write_hum(folder / f"{pitch}.wav", seconds, pitch)
    return container.voices.add_recording(voice.id, path, path.name, text)


def texts(container: Container, voice: VoiceRecord) -> list[tuple[str | None, str | None]]:
    """Once nobody listens any more."""
    while (job := container.voices.transcribing(voice.id)) and job.active:
        container.jobs.wait(job.id, 100)
    return [(record.text, record.heard_by) for record in container.voices.recordings(voice.id)]


# Stories


def test_a_chinese_story_is_told_where_whisper_is_installed(
    hearing: Container, transcriber: FakeTranscriber, tmp_path: Path
) -> None:
    transcriber.text, transcriber.language = CHINESE.replace("\n\n", ""), "zh"
    story = hearing.stories.hear(write_hum(tmp_path / "told.wav"), "told.wav")
    assert done(hearing, hearing.jobs.get(story.job_id)).result == {"words": 1}
    story = hearing.stories.get(story.id)
    assert (story.state, story.language, story.transcript.transcriber) == ("heard", "zh", "whisper-small")
    assert ("transcriber", "whisper-small") in hearing.residency.keys()
    assert hearing.stories.plan(story.id, story.text).plan.language == "zh"


def test_a_whisper_that_is_installed_meanwhile_listens_from_then_on(container: Container) -> None:
    assert container.transcribing.best().name == "pocketsphinx"
    tiny_whisper(container.settings.home / "models" / "whisper-small", [" A", " fox", " ran", " home", "."])
    story = container.stories.hear(CLIPS[0], "told.flac")
    done(container, container.jobs.get(story.job_id))
    told = container.stories.get(story.id)
    assert told.transcript.transcriber == "whisper-small" and told.text.startswith("A fox ran home.")
    assert container.residency.resident_bytes > 0
    shutil.rmtree(container.settings.home / "models" / "whisper-small")
    assert container.transcribing.best().name == "pocketsphinx"


def test_the_best_that_fits_into_memory_listens(settings: Settings) -> None:
    fakes = fake_engines(), fake_painters(), fake_transcribers(FakeTranscriber())
    with Container(settings.model_copy(update={"memory_budget_bytes": 1 << 19}), *fakes) as container:
        assert container.transcribing.best().name == "pocketsphinx"
    with Container(settings, *fakes) as container:
        assert container.transcribing.best().name == "whisper-small"


def test_hearing_is_told_and_can_be_cancelled(
    hearing: Container, transcriber: FakeTranscriber, hold: Callable[[str, str], Held], tmp_path: Path
) -> None:
    held = hold("hear", "hear")
    story = hearing.stories.hear(write_hum(tmp_path / "told.wav"), "told.wav")
    assert held.arrived()
    hearing.jobs.cancel(story.job_id)
    held.let_go()
    done(hearing, hearing.jobs.get(story.job_id), "cancelled")
    assert hearing.stories.get(story.id).state == "cancelled" and transcriber.heard == []


class Listener(FakeTranscriber):
    """Lets others go first again and again, and hears nothing to its end until it may."""

    def __init__(self) -> None:
        super().__init__()
        self.listens, self.may_go = threading.Event(), threading.Event()

    def __call__(
        self, recording: Recording, report: Callable[[float], None], language: str | None = None
    ) -> Transcript:
        self.listens.set()
        while not self.may_go.wait(0.02):
            report(0.1)
        return super().__call__(recording, report, language)


@pytest.fixture
def transcriber(request: pytest.FixtureRequest) -> FakeTranscriber:
    return Listener() if "listener" in request.fixturenames else FakeTranscriber()


@pytest.fixture
def listener(transcriber: FakeTranscriber, hearing: Container) -> Iterator[Listener]:
    yield transcriber
    transcriber.may_go.set()


@pytest.mark.parametrize("way", ["hear", "tell"])
def test_what_is_typed_while_a_story_is_heard_stays(
    hearing: Container, listener: Listener, tmp_path: Path, way: str
) -> None:
    story = getattr(hearing.stories, way)(write_hum(tmp_path / "told.wav"), "told.wav")
    assert listener.listens.wait(100)
    typed = hearing.stories.plan(story.id, CHINESE)
    listener.may_go.set()
    done(hearing, hearing.jobs.get(story.job_id))
    heard = hearing.stories.get(story.id)
    assert (heard.text, heard.language, heard.plan) == (CHINESE, "zh", typed.plan)
    assert heard.transcript.text == "Once upon a time."


def test_what_is_typed_while_whisper_listens_stays(
    hearing: Container, ann: VoiceRecord, listener: Listener, tmp_path: Path
) -> None:
    record = brought(hearing, ann, tmp_path)
    assert listener.listens.wait(100)
    hearing.voices.set_text(record.id, "Once upon a rhyme.")
    listener.may_go.set()
    assert texts(hearing, ann) == [("Once upon a rhyme.", None)]


def broken(device: str) -> tuple[FakeTranscriber, int]:
    raise CraftError("transcriber_broken", name="whisper-small", reason="no weights")


def test_a_broken_whisper_gets_a_sentence_and_nothing_is_lost(settings: Settings, tmp_path: Path) -> None:
    known = fake_transcribers(FakeTranscriber())
    known["whisper-small"] = replace(known["whisper-small"], load=broken)
    with Container(settings, fake_engines(), fake_painters(), known) as container:
        story = container.stories.hear(write_hum(tmp_path / "told.wav"), "told.wav")
        job = done(container, container.jobs.get(story.job_id), "failed")
        assert job.error.code == "transcriber_broken"
        assert all(job.error.sentence(language).next for language in ("en", "zh"))
        assert container.stories.plan(story.id, CHINESE).state == "planned", "it can be typed instead"
        ann = container.voices.create("Ann")
        brought(container, ann, tmp_path)
        assert texts(container, ann) == [(None, None)]
        container.voices.consent(ann.id, "Ann Lee", "personal", None, "en")
        done(container, container.jobs.get(container.voices.get(ann.id).active_job_id))
        assert container.voices.get(ann.id).state == "ready", "a voice can be made without"


# Recordings of a voice


def test_recordings_are_written_down_by_themselves(
    hearing: Container, ann: VoiceRecord, transcriber: FakeTranscriber, tmp_path: Path
) -> None:
    brought(hearing, ann, tmp_path)
    assert texts(hearing, ann) == [("Once upon a time.", "whisper-small")]
    brought(hearing, ann, tmp_path, 170, text="  What I\nsaid. ")
    assert texts(hearing, ann)[1] == ("What I said.", None)
    assert len(transcriber.heard) == 1, "nobody listens where somebody wrote"


def test_what_people_write_stays(
    hearing: Container, ann: VoiceRecord, transcriber: FakeTranscriber, tmp_path: Path
) -> None:
    first = brought(hearing, ann, tmp_path)
    texts(hearing, ann)
    assert hearing.voices.set_text(first.id, "Once upon a rhyme.").heard_by is None
    hearing.voices.set_text(first.id, " ")
    brought(hearing, ann, tmp_path, 170)
    assert texts(hearing, ann) == [(None, None), ("Once upon a time.", "whisper-small")]
    job = hearing.voices.write_down(first.id)
    assert done(hearing, job).result == {"written": 1}
    assert texts(hearing, ann)[0] == ("Once upon a time.", "whisper-small")
    refused("transcript_too_long", hearing.voices.set_text, first.id, "a" * 5001)
    refused("recording_unknown", hearing.voices.set_text, "rec_00000000000000000000", "a")


def test_a_long_recording_may_have_a_long_text(hearing: Container, ann: VoiceRecord, tmp_path: Path) -> None:
    long = brought(hearing, ann, tmp_path, seconds=200.0)
    assert hearing.voices.set_text(long.id, "word " * 1500).text == ("word " * 1500).strip()


def test_what_nobody_understands_is_not_tried_again(
    hearing: Container, ann: VoiceRecord, transcriber: FakeTranscriber, tmp_path: Path
) -> None:
    transcriber.text = ""
    brought(hearing, ann, tmp_path)
    assert texts(hearing, ann) == [(None, "whisper-small")]
    transcriber.text = "A word or two."
    brought(hearing, ann, tmp_path, 170)
    assert texts(hearing, ann) == [(None, "whisper-small"), ("A word or two.", "whisper-small")]


def test_without_whisper_nothing_listens(container: Container, voice: VoiceRecord) -> None:
    (record,) = container.voices.recordings(voice.id)
    assert (record.text, record.heard_by) == (None, None)
    assert container.voices.transcribing(voice.id) is None
    refused("transcriber_missing", container.voices.write_down, record.id)
    assert container.voices.set_text(record.id, "Mine.").text == "Mine."


def test_a_voice_that_goes_takes_the_listening_along(
    hearing: Container, ann: VoiceRecord, transcriber: FakeTranscriber, hold: Callable[[str, str], Held], tmp_path: Path
) -> None:  # fmt: skip
    held = hold("transcribe", "hear")
    brought(hearing, ann, tmp_path)
    assert held.arrived()
    job = hearing.voices.transcribing(ann.id)
    held.let_go()
    hearing.voices.delete(ann.id)
    refused("job_unknown", hearing.jobs.get, job.id)
    assert hearing.database.value("SELECT count(*) FROM recordings") == 0


def test_a_recording_removed_before_it_is_heard(
    hearing: Container, ann: VoiceRecord, transcriber: FakeTranscriber, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    read = hearing.transcribing._files.read

    def remove_first(record: RecordingRecord, cleaned: bool) -> Recording:
        hearing.voices.remove_recording(record.id)
        return read(record, cleaned)

    monkeypatch.setattr(hearing.transcribing._files, "read", remove_first)
    brought(hearing, ann, tmp_path)
    done(hearing, hearing.voices.transcribing(ann.id))
    assert transcriber.heard == []


@pytest.fixture
def learnt(monkeypatch: pytest.MonkeyPatch) -> list[list[Recording]]:
    """What the engine gets whenever it prepares a voice."""
    known: list[list[Recording]] = []
    prepare = FakeEngine.prepare

    def note(engine: FakeEngine, recordings: Sequence[Recording]) -> Voice:
        known.append(list(recordings))
        return prepare(engine, recordings)

    monkeypatch.setattr(FakeEngine, "prepare", note)
    return known


def prepared(container: Container, voice: VoiceRecord) -> None:
    container.voices.consent(voice.id, "Ann Lee", "personal", None, "en")
    if preparing := container.voices.get(voice.id).active_job_id:
        done(container, container.jobs.get(preparing))


@pytest.mark.parametrize("cleaned", [False, True])
def test_a_long_recording_becomes_clips_with_their_texts(
    hearing: Container, ann: VoiceRecord, transcriber: FakeTranscriber, learnt: list, tmp_path: Path, cleaned: bool
) -> None:  # fmt: skip
    transcriber.text = " ".join(
        f"This is number {name} of them." for name in "one two three four five six seven".split()
    )
    spoken = [soundfile.read(path)[0] for path in CLIPS]
    path = tmp_path / "long.wav"
    soundfile.write(path, np.concatenate([spoken[0], np.zeros(3 * 24000), spoken[1]]), 24000)
    long = hearing.voices.add_recording(ann.id, path, path.name)
    texts(hearing, ann)
    hearing.voices.set_cleaning(long.id, cleaned)
    hearing.voices.set_text(long.id, transcriber.text.replace("number two", "number 2"))
    prepared(hearing, ann)
    (clips,) = learnt
    assert len(clips) == 2 and all(3.0 <= clip.seconds <= 10.0 for clip in clips)
    whole = hearing.voices.recording_audio(long.id, cleaned)
    assert soundfile.info(whole).duration < 16.5 if cleaned else soundfile.info(whole).duration > 17
    assert clips[1].start_seconds == pytest.approx(clips[0].start_seconds + clips[0].seconds, abs=0.5)
    assert " ".join(clip.text for clip in clips) == transcriber.text.replace("number two", "number 2")


def test_an_engine_gets_no_text_that_it_cannot_read(
    hearing: Container, ann: VoiceRecord, transcriber: FakeTranscriber, learnt: list, tmp_path: Path
) -> None:
    transcriber.text, transcriber.language = CHINESE.replace("\n\n", ""), "zh"
    brought(hearing, ann, tmp_path)
    assert texts(hearing, ann)[0][0] == transcriber.text
    prepared(hearing, ann)
    assert [recording.text for recording in learnt[0]] == [None]


@pytest.mark.parametrize(("languages", "known"), [(("en", "zh"), False), (("zh", "yue"), True)])
def test_cantonese_is_no_mandarin(
    settings: Settings, transcriber: FakeTranscriber, learnt: list, quick_audio: None, tmp_path: Path,
    languages: tuple[str, ...], known: bool,
) -> None:  # fmt: skip
    """Its letters are the same, so what counts is what was heard."""
    transcriber.text, transcriber.language = "我哋今日去食飯。", "yue"
    engines = {"fake": replace(fake_engines()["fake"], languages=languages)}
    with Container(settings, engines, fake_painters(), fake_transcribers(transcriber)) as hearing:
        ann = hearing.voices.create("Ann")
        brought(hearing, ann, tmp_path)
        texts(hearing, ann)
        prepared(hearing, ann)
    told = (transcriber.text, "yue") if known else (None, None)
    assert [(recording.text, recording.language) for recording in learnt[0]] == [told]


@pytest.mark.parametrize("text", [None, "Hello there."])
def test_nobody_waits_while_another_voices_recording_is_written_down(
    hearing: Container, ann: VoiceRecord, listener: Listener, tmp_path: Path, text: str | None
) -> None:
    brought(hearing, hearing.voices.create("Bob"), tmp_path)
    assert listener.listens.wait(100)
    brought(hearing, ann, tmp_path, 170, text=text)
    prepared(hearing, ann)
    assert hearing.voices.get(ann.id).state == "ready"


def test_a_voice_waits_for_its_own_short_recording(
    hearing: Container, ann: VoiceRecord, listener: Listener, learnt: list, tmp_path: Path
) -> None:
    brought(hearing, ann, tmp_path)
    assert listener.listens.wait(100)
    hearing.voices.consent(ann.id, "Ann Lee", "personal", None, "en")
    preparing = hearing.jobs.wait(hearing.voices.get(ann.id).active_job_id, 1.2)
    assert preparing.active
    listener.may_go.set()
    done(hearing, preparing)
    assert [recording.text for recording in learnt[0]] == ["Once upon a time."]


def test_the_voice_is_made_with_what_was_heard(
    hearing: Container, ann: VoiceRecord, transcriber: FakeTranscriber, learnt: list, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Also when the job that listens has not had its turn; long recordings are not waited for."""
    monkeypatch.setattr(hearing.voices, "_listen", lambda voice_id: None)
    brought(hearing, ann, tmp_path)
    long = brought(hearing, ann, tmp_path, 170, SHORT_SECONDS + 1)
    hearing.voices.set_cleaning(long.id, False)
    prepared(hearing, ann)
    assert [[recording.text for recording in heard] for heard in learnt] == [["Once upon a time.", None]]
    done(hearing, hearing.voices.train(ann.id, "quick"))
    assert texts(hearing, ann) == [("Once upon a time.", "whisper-small")] * 2
    assert transcriber.heard == [3.0, SHORT_SECONDS + 1]
