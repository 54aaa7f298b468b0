"""From a recording to words, and from a voice to a feeling."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipelines.audio.recording import Recording
from pipelines.failure import Cancelled, CraftError
from pipelines.story.plan import plan_story
from pipelines.story.prosody import Telling, measure
from pipelines.story.scenes import sentences_of
from pipelines.story.transcribe import (
    Heard,
    TimedWord,
    Transcript,
    _punctuated,
    composed,
    transcribe,
    windows,
)

RATE = 24000
FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "speech"


def chords(decay: float) -> np.ndarray:
    """Six seconds of a harmonium (no decay) or a plucked string."""
    times = np.arange(2 * RATE) / RATE
    bars = [
        sum(
            np.sin(2 * np.pi * 220 * 2 ** (note / 12) * k * times) / k**2
            for note in (root, root + 4, root + 7)
            for k in range(1, 7)
        )
        for root in (0, 5, 7)
    ]
    return (0.1 * np.concatenate([bar * np.exp(-decay * (times % 0.5)) for bar in bars])).astype(np.float32)


def clip(name: str) -> np.ndarray:
    wave, rate = soundfile.read(FIXTURES / f"{name}.flac", dtype="float32")
    assert rate == RATE
    return wave


@cache
def told() -> tuple[Recording, Transcript]:
    """Two sentences with a second of silence between them."""
    wave = np.concatenate([clip("LJ001-0008"), np.zeros(RATE, np.float32), clip("LJ001-0022")])
    recording = Recording(wave, RATE)
    return recording, transcribe(recording)


def test_english_is_written_down_with_times() -> None:
    recording, transcript = told()
    spoken = "has never been surpassed the more formal roman writing which obtained at that time".split()
    heard = [word.text.lower() for word in transcript.words]
    assert sum(word in heard for word in spoken) >= 10
    times = [time for word in transcript.words for time in (word.start_seconds, word.end_seconds)]
    assert times == sorted(times)
    assert 0 <= times[0] and times[-1] <= recording.seconds
    assert all(transcript.text[word.start : word.end] == word.text for word in transcript.words)
    assert all(0 <= word.confidence <= 1 for word in transcript.words)
    assert Transcript.from_json(transcript.to_json()) == transcript


def test_a_pause_ends_a_sentence_and_uncertain_words_are_marked() -> None:
    _, transcript = told()
    sentences = transcript.text.split(". ")
    assert len(sentences) >= 2 and sentences[0].lower().endswith("surpassed")
    assert all(sentence[0].isupper() for sentence in sentences)
    assert transcript.uncertain_spans
    for start, end in transcript.uncertain_spans:
        assert any(start <= word.start and word.end <= end and word.uncertain for word in transcript.words)


def test_progress_is_reported_and_can_end_the_work() -> None:
    def stop(share: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        transcribe(Recording(clip("LJ001-0008"), RATE), stop)


@pytest.mark.parametrize(
    ("wave", "code"),
    [
        (np.zeros(0, np.float32), "story_silent"),
        (np.zeros(3 * RATE, np.float32), "story_silent"),
        (0.02 * np.random.default_rng(1).standard_normal(3 * RATE).astype(np.float32), "story_no_speech"),
        (chords(0.0), "story_no_speech"),
        (chords(5.0), "story_no_speech"),
    ],
    ids=["empty", "silent", "noise", "harmonium", "strings"],
)
def test_silence_and_music_are_refused(wave: np.ndarray, code: str) -> None:
    with pytest.raises(CraftError) as refused:
        transcribe(Recording(wave, RATE))
    assert refused.value.code == code


def test_speech_played_backwards_is_not_made_up_into_a_story() -> None:
    with pytest.raises(CraftError) as refused:
        transcribe(Recording(clip("LJ001-0008")[::-1].copy(), RATE))
    assert refused.value.code in ("story_unclear", "story_no_speech")


def heard(*words: tuple[str, float, float]) -> list[Heard]:
    return [Heard(text, start, end, 1.0) for text, start, end in words]


def test_pauses_become_marks() -> None:
    words = heard(
        ("i'm", 0.0, 0.3), ("here", 0.3, 0.6), ("with", 0.6, 0.8), ("you", 0.8, 1.0), ("and", 1.3, 1.5),
        ("me", 1.5, 1.8), ("then", 2.4, 2.6), ("i", 2.6, 2.7), ("ran", 2.7, 3.0), ("home", 5.0, 5.4),
    )  # fmt: skip
    assert composed(_punctuated(words), 6.0).text == "I'm here with you, and me. Then I ran.\n\nHome."


def test_a_sentence_without_pauses_is_cut_all_the_same() -> None:
    words = heard(*((f"w{index}", 0.3 * index, 0.3 * index + 0.29) for index in range(90)))
    text = composed(_punctuated(words), 30.0).text
    assert max(len(part.split()) for part in text.split(".")) <= 28


def test_long_speech_is_heard_in_stretches() -> None:
    spans = tuple((2.0 * index, 2.0 * index + 1.8) for index in range(40))
    stretches = windows(spans, 20.0, 0.5)
    assert all(stretch[-1][1] - stretch[0][0] <= 20.01 for stretch in stretches)
    assert tuple(span for stretch in stretches for span in stretch) == spans
    assert [len(stretch) for stretch in windows(((0.0, 65.0),), 20.0, 0.5)] == [1] * 4
    assert len(windows(((0.0, 1.0), (1.4, 2.0), (3.0, 4.0)), 20.0, 0.5)) == 2, "a longer pause parts them"


def tone(hertz: float, amplitude: float, seconds: float) -> np.ndarray:
    times = np.arange(int(seconds * RATE)) / RATE
    return (amplitude * sum(np.sin(2 * np.pi * hertz * k * times) / k for k in range(1, 8))).astype(
        np.float32
    )


def sung(sentences: list[str], pitches: list[float], loudness: list[float], speeds: list[float]) -> Telling:
    """A voice of harmonics: each sentence at a pitch, loudness and speed of its own, with times as if transcribed."""
    wave, words, text = [], [], ""
    now = 0.0
    for sentence, hertz, amplitude, speed in zip(sentences, pitches, loudness, speeds, strict=True):
        for word in sentence.rstrip(".").split():
            seconds = 0.08 * len(word) / speed
            start = len(text)
            text += word
            words.append(TimedWord(word, start, len(text), now, now + seconds, 1.0))
            text += " "
            wave.append(tone(hertz, amplitude, seconds))
            now += len(wave[-1]) / RATE
        text = text[:-1] + ". "
        wave.append(np.zeros(RATE // 2, np.float32))
        now += 0.5
    return Telling(Recording(np.concatenate(wave), RATE), Transcript(text.strip(), tuple(words), now))


SENTENCES = [
    "The lamp stood over there beside another lamp.",
    "Somebody carried the lamp along the narrow road.",
    "The paper lay beside the lamp for one hour.",
    "Nobody looked at the paper or the lamp again.",
]


@pytest.mark.parametrize(
    ("cue", "pitches", "loudness", "speeds"),
    [
        ("pitch", [120, 120, 220, 120], [0.1] * 4, [1.0] * 4),
        ("loudness", [120] * 4, [0.05, 0.05, 0.2, 0.05], [1.0] * 4),
        ("speed", [120] * 4, [0.1] * 4, [1.0, 1.0, 1.8, 1.0]),
    ],
)
def test_a_sentence_is_measured_against_the_others(cue: str, pitches, loudness, speeds) -> None:
    telling = sung(SENTENCES, pitches, loudness, speeds)
    sentences = sentences_of(telling.transcript.text)
    assert len(sentences) == 4
    measured = measure(telling, sentences)
    values = [getattr(one, cue) for one in measured]
    assert values[2] > 1.2 and all(value < 0 for value in (*values[:2], values[3]))
    for other in {"pitch", "loudness", "speed"} - {cue}:
        assert max(abs(getattr(one, other)) for one in measured) < 0.6, other
    assert [one.pause_seconds for one in measured] == pytest.approx([0.5, 0.5, 0.5, 0.0], abs=0.02)


def test_a_corrected_text_still_finds_its_voice() -> None:
    telling = sung(SENTENCES, [120, 120, 220, 120], [0.1] * 4, [1.0] * 4)
    corrected = (
        telling.transcript.text.replace("lamp", "lantern", 1) + " Nobody ever said this sentence here."
    )
    measured = measure(telling, sentences_of(corrected))
    assert [one is not None for one in measured] == [True, True, True, True, False]


def test_too_few_sentences_have_no_average() -> None:
    telling = sung(SENTENCES[:2], [120, 220], [0.1] * 2, [1.0] * 2)
    assert [one.pitch for one in measure(telling, sentences_of(telling.transcript.text))] == [None, None]


def test_the_voice_reaches_the_plan() -> None:
    telling = sung(SENTENCES, [120, 120, 240, 120], [0.05, 0.05, 0.3, 0.05], [1.0, 1.0, 1.6, 1.0])
    story = plan_story(telling.transcript.text, pages=4, telling=telling)
    loud = story.scenes[2]
    assert {one.text for one in loud.emotion.evidence if one.source == "voice"} == {
        "higher",
        "louder",
        "faster",
    }
    assert loud.emotion.arousal > max(story.scenes[index].emotion.arousal for index in (0, 1, 3))
    assert all(len(scene.voice) == 1 for scene in story.scenes)
