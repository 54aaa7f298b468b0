"""Stories that are told into the microphone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipelines.audio.recording import Recording
from pipelines.story.transcribe import TimedWord, Transcript
from studio.container import Container
from studio.store.records import VoiceRecord
from tests.fakes import Held, write_hum
from tests.pipelines.audio.music import RATE, play
from tests.studio.told import TEXT, done, drawn, refused

# Hearing


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch, quick_audio: None) -> Callable[[str], None]:
    """Whatever is told, this is heard."""

    def set_text(text: str) -> None:
        def transcribe(recording: Recording, report: Callable[[float], None]) -> Transcript:
            report(0.5)
            words = tuple(
                TimedWord(
                    word, text.find(word), text.find(word) + len(word), index * 0.3, index * 0.3 + 0.2, 0.9
                )
                for index, word in enumerate(text.split()[:4])
            )
            return Transcript(text, words, 3.0)

        monkeypatch.setattr("pipelines.story.transcribers.transcribe", transcribe)

    set_text(TEXT)
    return set_text


def test_a_recording_is_heard_read_over_and_planned(
    container: Container, heard: Callable[[str], None], tmp_path: Path, hold: Callable[[str, str], Held]
) -> None:
    path, held = write_hum(tmp_path / "told.wav"), hold("hear", "hear")
    story = container.stories.hear(path, "C:\\me\\told.wav")
    assert story.state == "hearing" and story.job_id
    refused("story_not_planned", container.stories.draw, story.id)
    refused("story_not_planned", container.stories.export, story.id, "html")
    held.let_go()
    done(container, container.jobs.get(story.job_id))
    story = container.stories.get(story.id)
    assert (story.state, story.text, story.transcript.text, story.plan) == ("heard", TEXT, TEXT, None)
    story = container.stories.plan(story.id, TEXT.replace("owl", "bear"), pages=2)
    assert story.state == "planned" and len(story.pages) == 2 and "bear" in story.text
    assert story.transcript.text == TEXT
    assert drawn(container, story).state == "done"
    container.stories.delete(story.id)
    assert not (container.settings.home / "stories" / story.id).exists()


def test_one_job_hears_plans_and_draws(
    container: Container, voice: VoiceRecord, heard: Callable[[str], None], tmp_path: Path
) -> None:
    story = container.stories.tell(write_hum(tmp_path / "told.wav"), "told.wav", voice_id=voice.id, seed=7)
    done(container, container.jobs.get(story.job_id))
    story = container.stories.get(story.id)
    assert story.state == "done" and all(page.painted and page.spoken == 3 for page in story.pages)


def test_what_was_told_but_cannot_be_planned_is_kept(
    container: Container, heard: Callable[[str], None], tmp_path: Path
) -> None:
    heard("Once there was a massacre in the village.")
    story = container.stories.tell(write_hum(tmp_path / "told.wav"), "told.wav")
    done(container, container.jobs.get(story.job_id), "failed")
    story = container.stories.get(story.id)
    assert (story.state, story.error.code) == ("failed", "story_forbidden_subject")
    assert story.transcript.text == story.text != ""
    assert container.stories.plan(story.id, TEXT).state == "planned"


@pytest.mark.parametrize("samples", [np.zeros(16000 * 2), None])
def test_silent_and_foreign_recordings_say_why_and_are_kept(
    container: Container, tmp_path: Path, samples: np.ndarray | None
) -> None:
    path = tmp_path / "told.wav"
    if samples is None:
        path.write_bytes(b"not audio at all" * 100)
    else:
        soundfile.write(path, samples, 16000)
    story = container.stories.hear(path, "told.wav")
    job = done(container, container.jobs.get(story.job_id), "failed")
    assert job.error.code == ("audio_silent" if samples is not None else "audio_not_audio")
    assert container.stories.get(story.id).state == "failed"
    assert (container.settings.home / "stories" / story.id / "recording").exists()
    assert container.stories.plan(story.id, TEXT).state == "planned", "it can be typed instead"


def test_a_story_typed_meanwhile_needs_no_hearing(
    container: Container, tmp_path: Path, hold: Callable[[str, str], Held]
) -> None:
    path, held = tmp_path / "told.wav", hold("hear", "hear")
    path.write_bytes(b"not audio at all" * 100)
    story = container.stories.hear(path, "told.wav")
    assert held.arrived()
    container.stories.plan(story.id, TEXT)
    held.let_go()
    done(container, container.jobs.get(story.job_id), "failed")
    assert (container.stories.get(story.id).state, container.stories.get(story.id).error) == ("planned", None)


def test_an_empty_recording_is_refused_at_once(container: Container, tmp_path: Path) -> None:
    path = tmp_path / "told.wav"
    path.touch()
    refused("audio_empty", container.stories.hear, path, "told.wav")
    assert container.stories.list() == [] and not list(container.settings.home.glob("stories/*"))


@pytest.mark.slow
def test_music_is_no_story(container: Container, tmp_path: Path) -> None:
    path = tmp_path / "band.wav"
    soundfile.write(path, play("band"), RATE)
    story = container.stories.hear(path, "band.wav")
    job = done(container, container.jobs.get(story.job_id), "failed")
    assert job.error.code in ("story_no_speech", "story_unclear")
    assert all(job.error.sentence(language).next for language in ("en", "zh"))


@pytest.mark.slow
def test_speech_is_written_down_and_uncertain_words_are_marked(container: Container) -> None:
    clip = Path(__file__).parents[1] / "fixtures" / "speech" / "LJ001-0008.flac"
    story = container.stories.hear(clip, clip.name)
    done(container, container.jobs.get(story.job_id))
    story = container.stories.get(story.id)
    assert story.state == "heard" and len(story.text.split()) >= 3
    assert all(0 <= start < end <= len(story.text) for start, end in story.transcript.uncertain_spans)
    planned = container.stories.plan(story.id, "A fox was never surpassed. It ran into the forest.")
    assert planned.state == "planned" and planned.plan.scenes[0].voice
