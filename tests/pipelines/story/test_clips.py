"""A long recording as clips that each say what is said in them."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.audio.recording import Recording
from pipelines.story.clips import clips, placed, shortened
from pipelines.story.transcribe import TimedWord

RATE = 1000


def told(*sentences: str, word_seconds: float = 0.5, pause_seconds: float = 0.6, confidence: float = 0.9):
    """A recording whose samples count up, its text, and the words heard in it; the words are parted by spaces."""
    words, text, now = [], " ".join(sentences), 0.2
    place = 0
    for sentence in sentences:
        for word in sentence.split():
            bare = word.rstrip(".。")
            place = text.index(bare, place)
            words.append(TimedWord(bare, place, place + len(bare), now, now + word_seconds, confidence))
            place += len(bare)
            now += word_seconds
        now += pause_seconds
    wave = np.arange(round((now + 0.2) * RATE), dtype=np.float32)
    return Recording(wave, RATE, start_seconds=5.0), text, words


SENTENCES = [f"This is sentence number {name} of them all." for name in ("one", "two", "three", "four")]


def test_clips_are_cut_where_sentences_end() -> None:
    recording, text, heard = told(*SENTENCES)
    found = clips(recording, text, heard)
    assert [clip.text for clip in found] == [" ".join(SENTENCES[:2]), " ".join(SENTENCES[2:])]
    for clip in found:
        assert 3.0 <= clip.seconds <= 10.0 and clip.sample_rate == RATE
        assert clip.wave[0] / RATE == pytest.approx(clip.start_seconds - 5.0, abs=0.002), (
            "it says where it is from"
        )
    assert found[0].start_seconds - 5.0 == pytest.approx(0.1)
    first_of_third = heard[16].start_seconds
    assert first_of_third - 0.16 <= found[1].start_seconds - 5.0 < first_of_third


def test_a_short_recording_stays_whole() -> None:
    recording, text, heard = told(SENTENCES[0])
    (clip,) = clips(recording, text, heard)
    assert clip.text == text and clip.wave is recording.wave


def test_nobody_breathes() -> None:
    recording, text, heard = told("word " * 60, pause_seconds=0.0)
    found = clips(recording, text, heard)
    assert len(found) == 4 and all(clip.seconds <= 10.0 for clip in found)
    assert " ".join(str(clip.text) for clip in found).split() == text.split()


def test_corrections_keep_the_times() -> None:
    recording, text, heard = told(*SENTENCES)
    corrected = text.replace("number two", "no. two hundred").replace(
        "This is sentence number one", "It was one"
    )
    found = clips(recording, corrected, heard)
    assert len(found) == 2 and " ".join(str(clip.text) for clip in found) == corrected
    words = placed(corrected, heard)
    times = [time for word in words for time in (word.start_seconds, word.end_seconds)]
    assert times == sorted(times)
    typed = [corrected[word.start : word.end] for word in words if word.sure == 1.0]
    assert typed == ["It", "was", "no", "hundred"]


def test_a_text_of_something_else_is_not_laid_out() -> None:
    recording, _, heard = told(*SENTENCES)
    (clip,) = clips(recording, "Nobody ever said a thing like that in here.", heard)
    assert clip.text == "Nobody ever said a thing like that in here." and clip.wave is recording.wave


def test_an_uncertain_clip_has_no_text() -> None:
    recording, text, heard = told(*SENTENCES, confidence=0.4)
    assert [clip.text for clip in clips(recording, text, heard)] == [None, None]
    short, text, heard = told(SENTENCES[0], confidence=0.4)
    assert clips(short, text, heard)[0].text is None
    assert clips(short, "Those were other words, typed by somebody.", heard)[0].text is not None


def test_chinese_is_cut_too() -> None:
    _, _, heard = told("小 狐狸 跑 回家 了。", "它 很 高兴。", word_seconds=1.3)
    recording = Recording(np.zeros(12 * RATE, np.float32), RATE)
    found = clips(recording, "小狐狸跑回家了。它很高兴。", heard)
    assert [clip.text for clip in found] == ["小狐狸跑回家了。", "它很高兴。"]


def test_words_follow_when_silence_is_cut_out() -> None:
    heard = [TimedWord("a", 0, 1, 1.0, 2.0, 1.0), TimedWord("b", 2, 3, 6.0, 7.0, 1.0)]
    moved = shortened(heard, ((0.5, 2.5), (5.5, 8.0)))
    assert [(word.start_seconds, word.end_seconds) for word in moved] == [(0.5, 1.5), (2.5, 3.5)]
