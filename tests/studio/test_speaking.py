from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from pipelines.audio.formats import read_tags
from studio.container import Container
from studio.errors import StudioError
from studio.jobs.reading import MAX_RETAKES, RETAKE_SCORE, retake_seed
from studio.settings import Settings
from studio.store.records import Speech, VoiceRecord
from studio.store.speeches import take_key
from studio.trust import consent
from tests.fakes import FakeEngine, Held, fake_engines, fake_painters, write_hum

TEXT = "The first one is here. Then comes a second sentence. Is this the third? The last one ends it."


def refused(code: str, call: Callable[..., object], *arguments: object, **named: object) -> StudioError:
    with pytest.raises(StudioError) as caught:
        call(*arguments, **named)
    assert caught.value.code == code
    assert caught.value.sentence("en").next and caught.value.sentence("zh").next
    return caught.value


def read(container: Container, voice: VoiceRecord, text: str = TEXT, **named: object) -> Speech:
    speech = container.speaking.submit(voice.id, text, **named)
    return container.speaking.wait(speech.id, 100)


# Reading


def test_a_text_is_read_sentence_by_sentence(
    container: Container, voice: VoiceRecord, engine: FakeEngine
) -> None:
    speech = read(container, voice, seed=5, controls={"length_scale": 2})
    assert (speech.state, speech.revision, len(speech.sentences)) == ("done", 1, 4)
    assert "".join(TEXT.split()) == "".join("".join(speech.sentences).split())
    assert engine.spoken == [(sentence, 5) for sentence in speech.sentences]
    assert speech.controls == {"noise_scale": 0.5, "length_scale": 2.0, "num_inference_steps": 8.0}
    for index, (take, sentence) in enumerate(zip(speech.takes, speech.sentences, strict=True)):
        assert (take.index, take.text, take.attempts, take.score) == (index, sentence, 1, 1.0)
        assert take.words[-1].end_seconds == pytest.approx(take.seconds, abs=0.01)
    assert speech.seconds == pytest.approx(sum(take.seconds for take in speech.takes))
    assert container.speaking.get(speech.id) == speech
    assert container.speaking.history(voice.id) == [speech]


def test_one_changed_word_is_one_sentence_spoken_anew(
    container: Container, voice: VoiceRecord, engine: FakeEngine
) -> None:
    first = read(container, voice, seed=5)
    engine.spoken.clear()
    edited = container.speaking.edit(first.id, TEXT.replace("second", "different"))
    edited = container.speaking.wait(edited.id, 100)
    assert engine.spoken == [("Then comes a different sentence.", 5)]
    assert [new.key == old.key for new, old in zip(edited.takes, first.takes, strict=True)] == [1, 0, 1, 1]
    assert container.speaking.get(first.id) == first  # the old speech is as it was


@pytest.mark.parametrize(
    ("edit", "spoken_anew"),
    [
        (lambda text: text, 0),
        (lambda text: "A new opening. " + text, 1),
        (lambda text: text.replace("The first one is here. ", ""), 0),
        (lambda text: text.replace("\n", " ").replace(". Is", ".\n\nIs"), 0),
        (lambda text: text.replace("comes", "came").replace("ends", "closes"), 2),
    ],
)
def test_what_edits_cost(
    container: Container,
    voice: VoiceRecord,
    engine: FakeEngine,
    edit: Callable[[str], str],
    spoken_anew: int,
) -> None:
    first = read(container, voice)
    engine.spoken.clear()
    assert container.speaking.wait(container.speaking.edit(first.id, edit(TEXT)).id, 100).state == "done"
    assert len(engine.spoken) == spoken_anew


def test_the_same_request_costs_nothing_twice(
    container: Container, voice: VoiceRecord, engine: FakeEngine
) -> None:
    read(container, voice, seed=5)
    engine.spoken.clear()
    again = container.speaking.submit(voice.id, TEXT, seed=5)
    assert (again.state, again.job_id, engine.spoken) == ("done", None, [])


def test_everything_that_shapes_the_sound_names_the_take() -> None:
    asked = ("rev", "Hello.", {"a": 1.0, "b": 2.0}, 5)
    assert take_key(*asked) == take_key("rev", "Hello.", {"b": 2, "a": 1}, 5)
    others = [
        ("rev2", *asked[1:]),
        ("rev", "Hello!", *asked[2:]),
        ("rev", "Hello.", {"a": 1.0, "b": 2.5}, 5),
        (*asked[:3], 6),
    ]
    assert len({take_key(*other) for other in [asked, *others]}) == 5


def test_a_repeated_sentence_is_spoken_once(
    container: Container, voice: VoiceRecord, engine: FakeEngine
) -> None:
    speech = read(container, voice, "Row the boat. Row the boat. Merrily home.")
    assert (speech.state, len(speech.takes), len(engine.spoken)) == ("done", 3, 2)


def test_another_revision_is_another_take(
    container: Container, voice: VoiceRecord, engine: FakeEngine
) -> None:
    before = read(container, voice, "Hello there.", seed=1)
    container.jobs.wait(container.voices.train(voice.id, "quick").id, 100)
    after = read(container, voice, "Hello there.", seed=1)
    old = read(container, voice, "Hello there.", seed=1, revision=1)
    assert (before.revision, after.revision, old.revision) == (1, 2, 1)
    assert before.takes[0].key == old.takes[0].key != after.takes[0].key
    refused("revision_unknown", container.speaking.submit, voice.id, "Hello.", revision=3)


def test_sample_sentences(container: Container, voice: VoiceRecord, engine: FakeEngine) -> None:
    first = container.speaking.wait(container.speaking.sample(voice.id).id, 100)
    assert first.state == "done" and len(first.takes) >= 3
    engine.spoken.clear()
    assert container.speaking.sample(voice.id) == first == container.speaking.sample(voice.id, 1)
    assert container.speaking.history(voice.id) == [first]
    container.speaking.reroll(first.id, 0)
    assert container.speaking.sample(voice.id).takes == first.takes
    assert len(container.speaking.history(voice.id)) == 2


# Retakes and re-rolls


def test_a_take_that_misses_words_is_made_again_at_most_twice(
    container: Container, voice: VoiceRecord, engine: FakeEngine
) -> None:
    scores = iter([0.3, 0.6, 0.5])
    engine.score = lambda text, seed: next(scores)
    take = read(container, voice, "Hello there.", seed=5).takes[0]
    assert (take.attempts, take.score, take.seed) == (1 + MAX_RETAKES, 0.6, 5)
    assert [seed for _, seed in engine.spoken] == [retake_seed(5, attempt) for attempt in range(3)]


def test_a_good_retake_ends_it(container: Container, voice: VoiceRecord, engine: FakeEngine) -> None:
    engine.score = lambda text, seed: RETAKE_SCORE if seed != 5 else RETAKE_SCORE - 0.01
    take = read(container, voice, "Hello there.", seed=5).takes[0]
    assert (take.attempts, take.score) == (2, RETAKE_SCORE)


def test_reroll_one_sentence(container: Container, voice: VoiceRecord, engine: FakeEngine) -> None:
    first = read(container, voice)
    engine.spoken.clear()
    rolled = container.speaking.wait(container.speaking.reroll(first.id, 1).id, 100)
    assert [sentence for sentence, _ in engine.spoken] == [first.sentences[1]]
    assert [new.key == old.key for new, old in zip(rolled.takes, first.takes, strict=True)] == [1, 0, 1, 1]
    assert container.speaking.take_audio(first.takes[1].key).exists()  # the old take stays in the store
    engine.spoken.clear()
    edited = container.speaking.edit(first.id, TEXT.replace("third", "next"))
    assert len(container.speaking.wait(edited.id, 100).takes) == 4
    assert len(engine.spoken) == 1  # the re-rolled sentence kept its own seed
    for index in (-1, 4):
        refused("sentence_unknown", container.speaking.reroll, first.id, index)


def test_reroll_while_it_is_still_read(container: Container, voice: VoiceRecord, engine: FakeEngine) -> None:
    engine.step_seconds = 0.03
    speech = container.speaking.submit(voice.id, TEXT)
    container.speaking.reroll(speech.id, 0)
    engine.step_seconds = 0.0
    speech = container.speaking.wait(speech.id, 100)
    while speech.state != "done":
        speech = container.speaking.wait(speech.id, 100)
    assert speech.takes[0].seed != speech.seed and None not in speech.takes


# What comes out


def test_takes_are_labelled_wav_files(container: Container, voice: VoiceRecord) -> None:
    import soundfile

    speech = read(container, voice)
    path = container.speaking.take_audio(speech.takes[0].key)
    wave, sample_rate = soundfile.read(path)
    assert (len(wave) / sample_rate, sample_rate) == (pytest.approx(speech.takes[0].seconds, abs=0.01), 22050)
    assert "artificial intelligence" in read_tags(path.read_bytes())["comment"]
    for key in ("../../studio.db", "0" * 64, speech.takes[0].key.upper()):
        refused("take_unknown", container.speaking.take_audio, key)


@pytest.mark.parametrize("format", ["wav", "mp3", "flac", "ogg", "opus"])
def test_export(container: Container, voice: VoiceRecord, format: str) -> None:
    speech = read(container, voice)
    path = container.speaking.export(speech.id, format)
    assert path.suffix == f".{format}"
    tags = read_tags(path.read_bytes())
    assert json.loads(tags["aigc"])["Label"] == "1"
    assert "人工智能生成合成" in tags["comment"]
    row = container.database.row("SELECT * FROM exports")
    assert (row["file_bytes"], row["format"]) == (path.stat().st_size, format)
    changed = path.stat().st_mtime_ns
    assert container.speaking.export(speech.id, format) == path
    assert path.stat().st_mtime_ns == changed
    refused("format_unknown", container.speaking.export, speech.id, "exe")


def test_the_whole_is_the_takes_and_their_pauses(container: Container, voice: VoiceRecord) -> None:
    import soundfile

    speech = read(container, voice)
    seconds = soundfile.info(container.speaking.export(speech.id, "wav")).duration
    assert speech.seconds < seconds < speech.seconds + 2 * len(speech.takes)


def test_captions(container: Container, voice: VoiceRecord) -> None:
    import soundfile

    speech = read(container, voice)
    srt, vtt = (container.speaking.captions(speech.id, format) for format in ("srt", "vtt"))
    assert vtt.startswith("WEBVTT") and "-->" in srt
    for sentence in speech.sentences:
        assert sentence.strip() in srt and sentence.strip() in vtt
    assert soundfile.info(container.speaking.export(speech.id, "wav")).duration >= speech.seconds
    refused("format_unknown", container.speaking.captions, speech.id, "txt")


def test_nothing_comes_out_half_read(
    container: Container, voice: VoiceRecord, hold: Callable[[str, str], Held]
) -> None:
    held = hold("speak", "speak")
    speech = container.speaking.submit(voice.id, TEXT)
    assert held.arrived()
    refused("speech_not_finished", container.speaking.export, speech.id, "wav")
    refused("speech_not_finished", container.speaking.captions, speech.id, "srt")
    cancelled = container.speaking.cancel(speech.id)
    held.let_go()
    cancelled = container.speaking.wait(cancelled.id, 100)
    assert cancelled.state == "cancelled"


# Bad input


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "text_empty"),
        (" \n\t ", "text_empty"),
        ("\0\ud800", "text_empty"),
        ("x" * 20_001, "text_too_long"),
        ("word " * 20_000, "text_too_long"),
        ("🎉🎉 🎉", "text_unspeakable"),
        ("... !!! ---", "text_unspeakable"),
        ("你好，世界。", "language_unsupported"),
        ("Hello there. 你好，世界。", "language_unsupported"),
        ("Hello there. こんにちは。", "language_unsupported"),
        ("안녕하세요.", "language_unsupported"),
        ("Hello there. The word ǃXóõ is a name.", "language_unsupported"),
        ("Hello there. Then read{XX} it.", "pronunciation_misfit"),
    ],
)
def test_texts_that_cannot_be_read(container: Container, voice: VoiceRecord, text: str, code: str) -> None:
    assert refused(code, container.speaking.submit, voice.id, text).status == 422
    assert container.speaking.history(voice.id) == []


def test_a_language_that_one_package_away_could_be_read(
    settings: Settings, engine: FakeEngine, tmp_path: Path, quick_audio: None
) -> None:
    described = replace(
        fake_engines(engine)["fake"], languages=("en", "ko"), missing_packages={"ja": "some-package"}
    )
    with Container(settings, {"fake": described}, fake_painters()) as container:
        draft = container.voices.create("Ann")
        container.voices.add_recording(draft.id, write_hum(tmp_path / "hum.wav"), "hum.wav")
        container.voices.consent(draft.id, "Ann Lee", "personal", None, "en")
        container.jobs.wait(container.voices.get(draft.id).active_job_id, 120)
        voice = container.voices.get(draft.id)
        error = refused("language_extra_missing", container.speaking.submit, voice.id, "Hello. こんにちは。")
        assert error.status == 422 and "Reading Japanese needs the package some-package" in str(
            error.sentence("en")
        )
        assert "日文" in error.sentence("zh").what and error.facts["language"] == "ja"
        refused("language_unsupported", container.speaking.submit, voice.id, "你好，世界。")
        speech = read(container, voice, "Hello there. 오늘은 날씨가 좋아요. 정말 좋아요!")
        assert (speech.state, len(speech.takes)) == ("done", 3)


def test_what_was_pasted_is_read_as_it_was_meant(container: Container, voice: VoiceRecord) -> None:
    speech = read(container, voice, "# The Title\nAt the end of a page\x0ca word was di-\nvided.")
    assert speech.sentences == ("The Title", "At the end of a page\na word was divided.")


@pytest.mark.parametrize(
    ("named", "code"),
    [
        ({"controls": {"loudness": 1}}, "control_unknown"),
        ({"controls": {"noise_scale": 1.5}}, "control_out_of_range"),
        ({"controls": {"noise_scale": float("nan")}}, "control_out_of_range"),
        ({"seed": -1}, "seed_out_of_range"),
        ({"seed": 2**31}, "seed_out_of_range"),
    ],
)
def test_bad_controls(container: Container, voice: VoiceRecord, named: dict, code: str) -> None:
    refused(code, container.speaking.submit, voice.id, "Hello.", **named)


def test_who_may_speak(container: Container, voice: VoiceRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    refused("voice_unknown", container.speaking.submit, "v_" + "0" * 20, "Hello.")
    refused("voice_not_ready", container.speaking.submit, container.voices.create("New").id, "Hello.")
    container.voices.consent(voice.id, "Ann", "personal", date.today(), "en")
    speech = read(container, voice, "Hello there.")

    class Tomorrow(date):
        @classmethod
        def today(cls) -> date:
            return date.today() + timedelta(days=1)

    monkeypatch.setattr(consent, "date", Tomorrow)
    refused("consent_expired", container.speaking.submit, voice.id, "Hello.")
    refused("consent_expired", container.speaking.reroll, speech.id, 0)
    refused("consent_expired", container.speaking.export, speech.id, "wav")
    refused("consent_expired", container.voices.train, voice.id, "quick")


def test_the_queue_is_bounded(
    settings: Settings, voice: VoiceRecord, container: Container, hold: Callable[[str, str], Held]
) -> None:
    container.close()
    held, limit = hold("speak", "speak"), 2
    with Container(settings.model_copy(update={"max_queued_speeches": limit}), fake_engines()) as small:
        for number in range(limit):
            small.speaking.submit(voice.id, f"Reading {number} one. Reading {number} two.")
        with pytest.raises(StudioError) as caught:
            for number in range(limit):
                small.speaking.submit(voice.id, f"One too many {number}.")
        assert (caught.value.code, caught.value.status) == ("busy", 503)
        assert len(small.speaking.history(voice.id)) <= limit + 1  # the refused one is not kept
        held.let_go()


def test_disk_full_while_reading(
    container: Container, voice: VoiceRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = os.replace

    def full(source: object, target: object) -> None:
        if "takes" in str(target):
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        speech = read(container, voice)
    assert (speech.state, set(speech.takes)) == ("failed", {None})
    assert container.jobs.get(speech.job_id).error.code == "disk_full"
    assert read(container, voice).state == "done"


def test_many_readers_at_once(container: Container, voice: VoiceRecord, engine: FakeEngine) -> None:
    speeches: list[Speech] = []
    readers = [
        threading.Thread(
            target=lambda n=n: speeches.append(read(container, voice, f"Reader {n}. {TEXT}", seed=1))
        )
        for n in range(8)
    ]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(100)
    assert [speech.state for speech in speeches] == ["done"] * 8
    assert len(engine.spoken) == 8 + 4  # the shared sentences once


def test_a_long_text_lets_short_ones_through(
    container: Container, voice: VoiceRecord, engine: FakeEngine, hold: Callable[[str, str], Held]
) -> None:
    held, looked_at = hold("speak", "speak"), threading.Event()
    engine.score = lambda text, seed: float(text != "This is sentence 39." or looked_at.wait(60))
    book = container.speaking.submit(voice.id, " ".join(f"This is sentence {n}." for n in range(40)))
    assert held.arrived()
    note = container.speaking.submit(voice.id, "A short note.")
    held.let_go()
    assert container.speaking.wait(note.id, 100).state == "done"
    assert container.speaking.get(book.id).state in ("queued", "running")
    looked_at.set()
    book = container.speaking.wait(book.id, 100)
    assert (book.state, len(engine.spoken)) == ("done", 41)
    assert container.jobs.get(book.job_id).attempt == 1


# A public demo


def test_a_public_demo_reads_and_nothing_else(
    settings: Settings, container: Container, voice: VoiceRecord
) -> None:
    with container.database.transaction() as connection:
        connection.execute("UPDATE voices SET sample = 1")
    own = container.voices.create("Mine")
    container.close()
    demo_settings = settings.model_copy(update={"public_demo": True, "demo_chars_per_client": 40})
    with Container(demo_settings, fake_engines()) as demo:
        assert [listed.id for listed in demo.voices.list()] == [voice.id]
        refused("voice_unknown", demo.voices.get, own.id)
        refused("demo_closed", demo.voices.create, "Mallory")
        refused("demo_closed", demo.voices.train, voice.id, "quick")
        refused("demo_closed", demo.voices.delete, voice.id)
        ann = demo.speaking.submit(voice.id, "A text of thirty-two characters.", client="ann")
        assert (
            refused(
                "demo_quota_client", demo.speaking.submit, voice.id, "Too much today.", client="ann"
            ).status
            == 429
        )
        refused("demo_quota_client", demo.speaking.reroll, ann.id, 0)
        bob = demo.speaking.submit(voice.id, "Hello there.", client="bob")
        assert [speech.id for speech in demo.speaking.history(voice.id, client="ann")] == [ann.id]
        assert [speech.id for speech in demo.speaking.history(voice.id, client="bob")] == [bob.id]
        assert demo.speaking.history(voice.id) == []


def test_sample_voices_stay_as_they_are(container: Container, voice: VoiceRecord) -> None:
    with container.database.transaction() as connection:
        connection.execute("UPDATE voices SET sample = 1")
        connection.execute("DELETE FROM consents")
    sample = container.voices.get(voice.id)
    assert (sample.sample, sample.state) == (True, "ready")
    refused("sample_voice_fixed", container.voices.train, voice.id, "quick")
    refused("sample_voice_fixed", container.voices.delete, voice.id)
    assert read(container, voice, "Hello there.").state == "done"
