from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.starter_reading import LISTS, QUESTIONS, dropped_and_repeated, unknown_sentences
from pipelines.speech.starter import speakable
from pipelines.text.symbols import is_pause
from pipelines.training.synthetic_speech import is_held_out

ASKED = speakable("The old man came home.")


def heard(*words: str) -> list[str]:
    """What a perfect listener hears when ``words`` are said."""
    sounds = {word.text.lower(): ASKED.phonemes[word.first : word.last] for word in ASKED.words}
    return [sound for word in words for sound in sounds[word] if not is_pause(sound)]


@pytest.mark.parametrize(
    ("said", "dropped", "repeated"),
    [
        ("the old man came home", 0, 0),
        ("the old came home", 1, 0),
        ("the old man", 2, 0),
        ("", 5, 0),
        ("the old man man came home", 0, 1),
        ("the old man came home home", 0, 1),
    ],
)
def test_words_are_dropped_or_repeated(said: str, dropped: int, repeated: int) -> None:
    assert dropped_and_repeated(ASKED, heard(*said.split())) == (dropped, repeated)


def test_a_misheard_phoneme_is_no_dropped_word() -> None:
    sounds = heard("the", "old", "man", "came", "home")
    sounds[sounds.index("AE")] = "EH"
    assert dropped_and_repeated(ASKED, sounds) == (0, 0)


def test_a_word_asked_twice_is_not_repeated() -> None:
    asked = speakable("He had had enough.")
    sounds = [sound for sound in asked.phonemes if not is_pause(sound)]
    assert dropped_and_repeated(asked, sounds) == (0, 0)


def test_only_sentences_that_nobody_was_trained_on_are_read(tmp_path: Path) -> None:
    names = [f"LJ001-{number:04}" for number in range(400)]
    path = tmp_path / "metadata.csv"
    path.write_text("\n".join(f"{name}|Sentence {name[-1]} of many.|." for name in names))
    expected = [f"Sentence {name[-1]} of many." for name in names if is_held_out(name)]
    assert [sentence.text for sentence in unknown_sentences(path, 1000)] == expected
    assert len(unknown_sentences(path, 2)) == 2


def test_questions_become_statements_by_their_mark_alone() -> None:
    for text in QUESTIONS:
        asked, said = (speakable(text + mark) for mark in "?.")
        assert asked.phonemes[:-1] == said.phonemes[:-1] and asked.phonemes[-1] == "?"


def test_lists_are_read_word_by_word() -> None:
    for text in LISTS:
        assert len(speakable(text).words) == len(text.split())
