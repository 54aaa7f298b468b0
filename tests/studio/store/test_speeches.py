from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from pipelines.speech.engine import SpokenWord, Take
from studio.errors import StudioError
from studio.jobs.queue import JobQueue
from studio.store.database import Database, now
from studio.store.ids import new_id
from studio.store.ledger import enter_export
from studio.store.records import Speech
from studio.store.speeches import Sentence, SpeechRemains, SpeechStore, take_key
from studio.store.voices import VoiceStore

CONTROLS = {"length_scale": 1.0}
WORDS = (SpokenWord("One", 0.0, 0.4), SpokenWord("two", 0.4, 1.0))


class Shelf:
    """A voice with one revision, and the speeches it reads."""

    def __init__(self, path: Path) -> None:
        self.database = Database(path)
        self.speeches, self.voices = SpeechStore(self.database), VoiceStore(self.database)
        self.voice, self.revision = new_id("voice"), new_id("revision")
        self.voices.insert(self.voice, "Ann", "fake")
        self.voices.insert_revision(self.revision, self.voice, "instant", None, {})

    def ask(
        self,
        texts: Sequence[str],
        seed: int = 1,
        controls: dict[str, float] = CONTROLS,
        visitor: str | None = None,
    ) -> str:
        sentences = [
            Sentence(index, text, text, 0.25, seed, take_key(self.revision, text, controls, seed))
            for index, text in enumerate(texts)
        ]
        speech_id = new_id("speech")
        self.speeches.insert(
            speech_id, self.voice, self.revision, " ".join(texts), controls, seed, visitor, sentences
        )
        return speech_id

    def speak(self, sentence: Sentence, score: float = 0.9) -> None:
        take = Take(np.zeros(22050, dtype=np.float32), 22050, WORDS, score)
        self.speeches.insert_take(sentence, self.revision, take, attempts=2)

    def find(self, text: str, seed: int = 1, controls: dict[str, float] = CONTROLS) -> str | None:
        return self.speeches.find(self.revision, text, controls, seed)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "studio.db")


def texts(sentences: Sequence[Sentence]) -> list[str]:
    return [sentence.text for sentence in sentences]


def test_a_speech_comes_back_as_it_was_asked_for(shelf: Shelf) -> None:
    speech_id = shelf.ask(["One.", "Two."], seed=7)
    speech = shelf.speeches.get(speech_id)
    assert (speech.voice_id, speech.revision, speech.text) == (shelf.voice, 1, "One. Two.")
    assert (speech.controls, speech.seed, speech.sentences) == (CONTROLS, 7, ("One.", "Two."))
    assert (speech.takes, speech.seconds, speech.job_id) == ((None, None), 0, None)
    assert [s.pause_seconds for s in shelf.speeches.sentences(speech_id)] == [0.25, 0.25]


def test_what_was_spoken_is_no_longer_pending(shelf: Shelf) -> None:
    speech_id = shelf.ask(["One.", "Two.", "Three."])
    assert texts(shelf.speeches.pending(speech_id)) == ["One.", "Two.", "Three."]
    shelf.speak(shelf.speeches.sentences(speech_id)[1])
    assert texts(shelf.speeches.pending(speech_id)) == ["One.", "Three."]
    speech = shelf.speeches.get(speech_id)
    take = speech.takes[1]
    assert (speech.takes[0], speech.takes[2], speech.seconds) == (None, None, 1.0)
    assert (take.index, take.text, take.attempts, take.score, take.words) == (1, "Two.", 2, 0.9, WORDS)


def test_one_take_serves_every_sentence_that_asks_for_it(shelf: Shelf) -> None:
    first, second = shelf.ask(["Row.", "Row.", "Home."]), shelf.ask(["Home.", "Away."])
    sentences = shelf.speeches.sentences(first)
    shelf.speak(sentences[0])
    shelf.speak(sentences[2])
    assert shelf.speeches.pending(first) == []
    assert texts(shelf.speeches.pending(second)) == ["Away."]
    assert [take.index for take in shelf.speeches.get(first).takes] == [0, 1, 2]


def test_a_take_once_kept_is_not_replaced(shelf: Shelf) -> None:
    sentence = shelf.speeches.sentences(shelf.ask(["One."]))[0]
    shelf.speak(sentence, score=0.8)
    shelf.speak(sentence, score=0.3)
    assert shelf.database.value("SELECT score FROM takes") == 0.8


def test_a_re_rolled_sentence_leaves_the_others_alone(shelf: Shelf) -> None:
    speech_id = shelf.ask(["One.", "Two."])
    for sentence in shelf.speeches.sentences(speech_id):
        shelf.speak(sentence)
    key = take_key(shelf.revision, "Two.", CONTROLS, 99)
    shelf.speeches.set_take(speech_id, 1, "Two.", 99, key)
    assert [(s.seed, s.text) for s in shelf.speeches.sentences(speech_id)] == [(1, "One."), (99, "Two.")]
    assert [s.take_key for s in shelf.speeches.pending(speech_id)] == [key]
    assert shelf.speeches.get(speech_id).takes[0] is not None


def test_only_exactly_the_same_wish_is_found(shelf: Shelf) -> None:
    shelf.ask(["One."])
    newest = shelf.ask(["One."])
    assert shelf.find("One.") == newest
    assert shelf.find("One!") is None
    assert shelf.find("One.", seed=2) is None
    assert shelf.find("One.", controls={"length_scale": 2.0}) is None
    assert shelf.speeches.find(new_id("revision"), "One.", CONTROLS, 1) is None


def test_a_re_rolled_speech_is_no_answer_to_the_same_wish(shelf: Shelf) -> None:
    untouched, rolled = shelf.ask(["One."]), shelf.ask(["One."])
    shelf.speeches.set_take(rolled, 0, "One.", 5, take_key(shelf.revision, "One.", CONTROLS, 5))
    assert shelf.find("One.") == untouched


def test_history_is_newest_first_and_each_visitor_s_own(shelf: Shelf) -> None:
    mine, yours, also_mine = (shelf.ask([name], visitor=name[0]) for name in ("a 1.", "b.", "a 2."))

    def ids(limit: int = 9, visitor: str | None = None) -> list[str]:
        return [speech.id for speech in shelf.speeches.history(shelf.voice, limit, visitor)]

    assert ids() == [also_mine, yours, mine]
    assert ids(limit=2) == [also_mine, yours]
    assert ids(visitor="a") == [also_mine, mine]
    assert shelf.speeches.history(new_id("voice"), 9, None) == []


def test_the_state_is_that_of_the_most_active_job(shelf: Shelf) -> None:
    queue = JobQueue(shelf.database, {"speech": 9})
    speech_id = shelf.ask(["One."])

    def now() -> Speech:
        return shelf.speeches.get(speech_id)

    assert (now().state, now().job_id) == ("cancelled", None)  # nothing works on it, and it is not whole
    first, second = (queue.enqueue("speech", "speak", speech_id, {}).id for _ in range(2))
    assert now().state == "queued"
    assert queue.claim("speech").id == first
    assert (now().state, now().job_id) == ("running", first)
    queue.stop(first)
    assert (now().state, now().job_id) == ("queued", second)
    queue.cancel(second)
    assert (now().state, now().job_id) == ("cancelled", second)
    shelf.speak(shelf.speeches.sentences(speech_id)[0])
    assert (now().state, now().job_id) == ("done", second)  # another speech has spoken its sentence meanwhile


def test_a_take_of_a_withdrawn_voice_is_refused(shelf: Shelf) -> None:
    sentence = shelf.speeches.sentences(shelf.ask(["One."]))[0]
    shelf.voices.bury(shelf.voice)
    with pytest.raises(sqlite3.IntegrityError):
        shelf.speak(sentence)
    assert not shelf.speeches.has_take(sentence.take_key)


def test_names_that_are_nobody_s(shelf: Shelf) -> None:
    for speech_id in ("../../etc", "s_", new_id("speech"), shelf.voice):
        for look in (shelf.speeches.get, shelf.speeches.row):
            with pytest.raises(StudioError, match="speech_unknown"):
                look(speech_id)
    sentence = shelf.speeches.sentences(shelf.ask(["One."]))[0]
    for key in (sentence.take_key, "0" * 63, "../" + "0" * 61, "", None):
        with pytest.raises(StudioError, match="take_unknown"):
            shelf.speeches.check_take(key)
    shelf.speak(sentence)
    assert shelf.speeches.check_take(sentence.take_key) == sentence.take_key


def test_the_ledger_outlives_the_voice(shelf: Shelf) -> None:
    speech_id = shelf.ask(["One."])
    for _ in range(2):
        enter_export(
            shelf.database, "k", "wav", b"twelve bytes", "hash", ["t"], {"aigc": "1"}, speech_id=speech_id
        )
    remains = shelf.voices.bury(shelf.voice)
    assert remains.exports == (("k", "wav"),)
    (row,) = shelf.database.rows("SELECT * FROM exports")
    assert (row["speech_id"], row["voice_hash"], row["file_bytes"]) == (None, "hash", 12)
    assert (json.loads(row["take_keys"]), json.loads(row["label"])) == (["t"], {"aigc": "1"})


def test_old_speeches_take_along_what_nobody_says_any_more(shelf: Shelf) -> None:
    old, worked_on = shelf.ask(["One.", "Two."]), shelf.ask(["Three."])
    for speech_id in (old, worked_on):
        for sentence in shelf.speeches.sentences(speech_id):
            shelf.speak(sentence)
    enter_export(shelf.database, "f" * 64, "wav", b"", "", [], {}, speech_id=old)
    JobQueue(shelf.database, {"speech": 8}).enqueue("speech", "speak", worked_on, {})
    moment = now()
    young = shelf.ask(["Two.", "Four."])
    shelf.speak(shelf.speeches.sentences(young)[1])
    remains = shelf.speeches.bury(moment)
    assert remains == SpeechRemains((take_key(shelf.revision, "One.", CONTROLS, 1),), (("f" * 64, "wav"),))
    with pytest.raises(StudioError, match="speech_unknown"):
        shelf.speeches.get(old)
    assert None not in shelf.speeches.get(worked_on).takes + shelf.speeches.get(young).takes
    assert shelf.database.value("SELECT count(*) FROM exports") == 1, "the ledger knows it for ever"
    assert shelf.speeches.bury(moment) == SpeechRemains((), ())
