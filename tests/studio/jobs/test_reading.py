"""Readings as jobs: what they keep when they are stopped, fail, are interrupted, or lose the owner's consent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipelines.failure import CraftError
from pipelines.speech.engine import Take
from pipelines.speech.voice import Voice
from studio.container import Container
from studio.errors import StudioError
from studio.settings import Settings
from studio.store.records import Speech, VoiceRecord
from tests.conftest import new_voice
from tests.fakes import FakeEngine, Held, fake_engines
from tests.listing import files_in

SENTENCES = ("The first one is here.", "Then comes a second.", "This is the third.", "The last one ends.")
TEXT = " ".join(SENTENCES)


def read(container: Container, voice: VoiceRecord, text: str = TEXT, seed: int = 5) -> Speech:
    return container.speaking.wait(container.speaking.submit(voice.id, text, seed=seed).id, 100)


def spoken(engine: FakeEngine) -> list[str]:
    return [text for text, _ in engine.spoken]


def takes(settings: Settings) -> list[Path]:
    return files_in(settings.home / "takes")


def end_consent(container: Container) -> None:
    yesterday = (date.today() - timedelta(days=1)).isoformat()
    with container.database.transaction() as connection:
        connection.execute("UPDATE consents SET until = ?", (yesterday,))


def test_the_take_kept_is_the_best_one_heard(
    container: Container, voice: VoiceRecord, engine: FakeEngine
) -> None:
    scores = iter([0.2, 0.6, 0.4])
    engine.score = lambda text, seed: next(scores)
    take = read(container, voice, "Hello there.").takes[0]
    seeds = [seed for _, seed in engine.spoken]
    assert len(set(seeds)) == 3 and seeds[0] == 5
    assert all(0 <= seed < 2**31 for seed in seeds)
    kept, _ = soundfile.read(container.speaking.take_audio(take.key))
    engine.score = lambda text, seed: 1.0
    revision = container.settings.home.glob("voices/*/revisions/*.safetensors")
    instant = Voice.load(next(revision))
    best, worst = (
        engine.synthesize("Hello there.", instant, container.speaking.history(voice.id)[0].controls, seed)
        for seed in (seeds[1], seeds[0])
    )
    assert np.abs(kept - best.wave).max() < 1e-3 < np.abs(kept - worst.wave).max()


def test_the_same_request_is_made_again_the_same_way(
    container: Container, voice: VoiceRecord, engine: FakeEngine, settings: Settings
) -> None:
    engine.score = lambda text, seed: 0.1
    read(container, voice, "Hello there.")
    first = list(engine.spoken)
    with container.database.transaction() as connection:
        connection.execute("DELETE FROM takes")
    engine.spoken.clear()
    read(container, voice, "Hello there.")
    assert engine.spoken == first and len(first) == 3


def test_a_stopped_reading_keeps_its_takes_and_the_next_one_uses_them(
    container: Container,
    voice: VoiceRecord,
    engine: FakeEngine,
    settings: Settings,
) -> None:
    second, go = threading.Event(), threading.Event()

    def stop_at_the_second(text: str, seed: int) -> float:
        if text == SENTENCES[1]:
            second.set()
            go.wait(100)
        return 1.0

    engine.score = stop_at_the_second
    speech = container.speaking.submit(voice.id, TEXT, seed=5)
    assert second.wait(100)
    container.speaking.cancel(speech.id)
    go.set()
    stopped = container.speaking.wait(speech.id, 100)
    assert stopped.state == "cancelled"
    assert [take is not None for take in stopped.takes] == [True, True, False, False]
    assert len(takes(settings)) == 2
    engine.spoken.clear()
    assert read(container, voice).state == "done"
    assert spoken(engine) == list(SENTENCES[2:])


def test_stopping_ends_every_job_on_the_speech(
    container: Container, voice: VoiceRecord, engine: FakeEngine, hold: Callable[[str, str], Held]
) -> None:
    held = hold("speak", "speak")
    speech = container.speaking.submit(voice.id, TEXT)
    assert held.arrived()
    container.speaking.reroll(speech.id, 0)
    assert len(container.jobs.list(active_only=True)) == 2
    container.speaking.cancel(speech.id)
    held.let_go()
    for job in container.jobs.list(subject_id=speech.id):
        assert container.jobs.wait(job.id, 100).state == "cancelled"
    assert len(engine.spoken) <= 1


def test_an_interrupted_reading_goes_on_where_it_was(
    container: Container, voice: VoiceRecord, engine: FakeEngine, settings: Settings
) -> None:
    second, go = threading.Event(), threading.Event()

    def wait_at_the_second(text: str, seed: int) -> float:
        if text == SENTENCES[1]:
            second.set()
            go.wait(60)
        return 1.0

    engine.score = wait_at_the_second
    speech = container.speaking.submit(voice.id, TEXT, seed=5)
    assert second.wait(60)
    changes = container.jobs.changes
    version, closing = changes.version, threading.Thread(target=container.close)
    closing.start()
    changes.wait(version, 60)  # the workers are told to stop
    go.set()
    closing.join(60)
    before = len(engine.spoken)
    assert 2 <= before < len(SENTENCES)
    with Container(settings, fake_engines(engine)) as again:
        assert again.speaking.wait(speech.id, 100).state == "done"
    assert spoken(engine) == list(SENTENCES)


def test_a_sentence_that_cannot_be_said_fails_the_reading_and_keeps_what_was_read(
    container: Container, voice: VoiceRecord, engine: FakeEngine
) -> None:
    synthesize = engine.synthesize

    def stumble(text: str, *arguments: object) -> object:
        if text == SENTENCES[2]:
            raise CraftError("text_unspeakable", text=text)
        return synthesize(text, *arguments)

    engine.synthesize = stumble
    speech = read(container, voice)
    error = container.jobs.get(speech.job_id).error
    assert (speech.state, error.code) == ("failed", "text_unspeakable")
    assert SENTENCES[2] in error.sentence("zh").what
    assert [take is not None for take in speech.takes] == [True, True, False, False]
    engine.synthesize = synthesize
    assert read(container, voice).state == "done"
    assert spoken(engine) == list(SENTENCES)


def test_consent_that_ends_in_the_queue_ends_the_reading(
    container: Container,
    voice: VoiceRecord,
    engine: FakeEngine,
    settings: Settings,
    hold: Callable[[str, str], Held],
) -> None:
    held = hold("speak", "speak")
    container.speaking.submit(voice.id, "One moment.")
    assert held.arrived()
    waiting = container.speaking.submit(voice.id, TEXT)
    end_consent(container)
    held.let_go()
    refused = container.speaking.wait(waiting.id, 100)
    assert (refused.state, container.jobs.get(refused.job_id).error.code) == ("failed", "consent_expired")
    assert spoken(engine) == ["One moment."]


def test_a_take_spoken_while_consent_is_withdrawn_is_not_kept(
    container: Container, voice: VoiceRecord, engine: FakeEngine, settings: Settings
) -> None:
    withdrawals = []

    def withdraw_meanwhile(text: str, seed: int) -> float:
        withdrawal = threading.Thread(target=container.voices.delete, args=(voice.id,))
        withdrawal.start()
        withdrawals.append(withdrawal)
        while True:
            try:
                container.voices.get(voice.id)
            except StudioError:
                return 1.0

    engine.score = withdraw_meanwhile
    container.speaking.submit(voice.id, TEXT)
    while not withdrawals:
        threading.Event().wait(0.005)
    withdrawals[0].join(100)
    assert spoken(engine) == [SENTENCES[0]]
    assert takes(settings) == []
    assert container.database.value("SELECT count(*) FROM takes") == 0


def test_takes_whose_files_are_lost_are_spoken_anew_after_a_restart(
    container: Container, voice: VoiceRecord, engine: FakeEngine, settings: Settings
) -> None:
    lost = read(container, voice)
    container.speaking.take_audio(lost.takes[1].key).unlink()
    container.close()
    with Container(settings, fake_engines(engine)) as again:
        assert again.speaking.get(lost.id).state == "cancelled"
        engine.spoken.clear()
        found = read(again, voice)
        assert spoken(engine) == [SENTENCES[1]]
        assert again.speaking.export(found.id, "wav").exists()


def test_the_owners_pronunciations_are_spoken_and_not_shown(
    container: Container, voice: VoiceRecord, engine: FakeEngine, settings: Settings
) -> None:
    pronunciations = settings.home / "pronunciations.txt"
    plain = read(container, voice, "VoxTale reads.")
    pronunciations.write_text("voxtale V AA1 K S T EY2 L", encoding="utf-8")
    told = read(container, voice, "VoxTale reads.")
    assert spoken(engine) == ["VoxTale reads.", "VoxTale{V AA1 K S T EY2 L} reads."]
    assert told.takes[0].text == "VoxTale reads." and told.takes[0].key != plain.takes[0].key
    assert "{" not in container.speaking.captions(told.id, "srt")
    assert read(container, voice, "VoxTale reads.").takes[0].key == told.takes[0].key
    assert len(engine.spoken) == 2


def test_a_pronunciation_that_changes_while_a_sentence_waits(
    container: Container, voice: VoiceRecord, engine: FakeEngine, settings: Settings
) -> None:
    def change(text: str, seed: int) -> float:
        (settings.home / "pronunciations.txt").write_text("then DH EH1 N", encoding="utf-8")
        return 1.0

    engine.score = change
    asked = container.speaking.submit(voice.id, " ".join(SENTENCES[:2]), seed=5)
    read_out = container.speaking.wait(asked.id, 100)
    assert spoken(engine) == list(SENTENCES[:2])  # said as it was asked
    again = read(container, voice, SENTENCES[1])
    assert again.takes[0].key != read_out.takes[1].key
    assert spoken(engine)[2:] == ["Then{DH EH1 N} comes a second."]


# Several sentences at once


class Choir(FakeEngine):
    """Notes what it is asked to speak at once; all of it is looked at before anything is spoken."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[list[str]] = []
        self.unspeakable = ""

    def synthesize_batch(self, texts: list[str], *arguments: object) -> Iterator[Take]:
        self.asked.append(list(texts))
        if self.unspeakable in texts:
            raise CraftError("text_unspeakable", text=self.unspeakable)
        yield from super().synthesize_batch(texts, *arguments)


@pytest.fixture
def choir() -> Choir:
    return Choir()


@pytest.fixture
def three_at_once(settings: Settings, choir: Choir, quick_audio: None) -> Iterator[Container]:
    with Container(settings, fake_engines(choir, batch=3)) as container:
        yield container


@pytest.fixture
def chorister(three_at_once: Container, tmp_path: Path) -> VoiceRecord:
    return new_voice(three_at_once, tmp_path)


FIVE = " ".join((*SENTENCES, "And one more."))


def test_the_first_sentence_is_spoken_alone_and_the_others_together(
    three_at_once: Container, chorister: VoiceRecord, choir: Choir
) -> None:
    speech = read(three_at_once, chorister, FIVE)
    assert choir.asked == [[SENTENCES[0]], list(SENTENCES[1:]), ["And one more."]]
    assert [take.attempts for take in speech.takes] == [1] * 5
    choir.asked.clear()
    edited = three_at_once.speaking.edit(speech.id, FIVE.replace("third", "fourth"))
    three_at_once.speaking.wait(edited.id, 100)
    assert choir.asked == [["This is the fourth."]]


def test_repeated_sentences_are_spoken_once_in_a_batch_too(
    three_at_once: Container, chorister: VoiceRecord, choir: Choir
) -> None:
    speech = read(three_at_once, chorister, "Row on. Row on. Merrily home. Row on. Merrily home. Good night.")
    assert speech.state == "done"
    assert choir.asked == [["Row on."], ["Merrily home.", "Good night."]]


def test_only_those_that_need_it_are_spoken_again(
    three_at_once: Container, chorister: VoiceRecord, choir: Choir
) -> None:
    scores = {(SENTENCES[2], 0): 0.1, (SENTENCES[2], 1): 0.3, (SENTENCES[2], 2): 0.2, (SENTENCES[3], 0): 0.5}
    heard: dict[str, int] = {}

    def score(text: str, seed: int) -> float:
        attempt = heard[text] = heard.get(text, -1) + 1
        return scores.get((text, attempt), 1.0)

    choir.score = score
    speech = read(three_at_once, chorister)
    assert choir.asked == [[SENTENCES[0]], list(SENTENCES[1:]), list(SENTENCES[2:]), [SENTENCES[2]]]
    assert [(take.score, take.attempts) for take in speech.takes] == [(1, 1), (1, 1), (0.3, 3), (1, 2)]


def test_a_sentence_that_cannot_be_said_does_not_silence_its_batch(
    three_at_once: Container, chorister: VoiceRecord, choir: Choir
) -> None:
    choir.unspeakable = SENTENCES[2]
    speech = read(three_at_once, chorister)
    assert three_at_once.jobs.get(speech.job_id).error.code == "text_unspeakable"
    assert [take is not None for take in speech.takes] == [True, True, False, False]


def test_stopping_between_two_sentences_of_a_batch(
    three_at_once: Container, chorister: VoiceRecord, choir: Choir
) -> None:
    third, go = threading.Event(), threading.Event()

    def stop_at_the_third(text: str, seed: int) -> float:
        if text == SENTENCES[2]:
            third.set()
            go.wait(100)
        return 1.0

    choir.score = stop_at_the_third
    speech = three_at_once.speaking.submit(chorister.id, TEXT, seed=5)
    assert third.wait(100)
    three_at_once.speaking.cancel(speech.id)
    go.set()
    stopped = three_at_once.speaking.wait(speech.id, 100)
    assert [take is not None for take in stopped.takes] == [True, True, True, False]


def test_whoever_waits_is_let_in_between_two_batches(
    three_at_once: Container, chorister: VoiceRecord, choir: Choir, hold: Callable[[str, str], Held]
) -> None:
    held = hold("speak", "speak")
    long = three_at_once.speaking.submit(chorister.id, FIVE, seed=5)
    assert held.arrived()
    short = three_at_once.speaking.submit(chorister.id, "One moment.", seed=5)
    held.let_go()
    assert three_at_once.speaking.wait(long.id, 100).state == "done"
    assert three_at_once.speaking.wait(short.id, 100).state == "done"
    assert choir.asked[:2] == [[SENTENCES[0]], ["One moment."]]
