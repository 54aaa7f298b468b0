from __future__ import annotations

import numpy as np
import pytest

from pipelines.speech.question_rise import HIGH, rises, with_rises
from pipelines.speech.register import Register
from pipelines.speech.starter import speakable

FRAMES = 10


def melody(text: str, heard_hz: float = 200.0) -> tuple[list[float], np.ndarray]:
    """Semitones from what was heard at the end of every phoneme, and where F0 is another."""
    utterance = speakable(text)
    heard = np.full(FRAMES * len(utterance.phonemes), heard_hz)
    f0, moved = with_rises(utterance, [FRAMES] * len(utterance.phonemes), heard)
    return list(12 * np.log2(f0[FRAMES - 1 :: FRAMES] / heard_hz)), moved


@pytest.mark.parametrize(
    "text",
    [
        "You walked home in the rain?",
        "Is she your sister?",
        "He said what?",
        "And did you see it?",
        "You know what that is, don't you?",
        "When I come, will you be there?",
        "Did you see the fox, who lived here?",
        "Mama, can't you see it?",
        "Oh, it is yours?",
    ],
)
def test_a_question_that_can_be_denied_rises(text: str) -> None:
    ends, _ = melody(text)
    assert ends[-2] > 3
    assert ends[-2] == max(ends)


@pytest.mark.parametrize(
    "text",
    [
        "You walked home in the rain.",
        "Where did you walk?",
        "But why did she laugh?",
        "To whom did you give it?",
        "What's that?",
        "Now what?",
        "Oh, what is that?",
        "Mama, why is the sky blue?",
        "Excuse me, where is the station?",
        "Mr. Fox, who is there?",
        "Will, where are you?",
        "What is that, Mama?",
        "Why don't you, my dear, come in?",
        "Would you like tea or coffee?",
        "What a day!",
        "你喜欢苹果吗？",
        "你认识 Tom 吗？",
    ],
)
def test_everything_else_keeps_its_melody(text: str) -> None:
    assert not list(rises(speakable(text)))


@pytest.mark.parametrize(
    ("text", "vowel"),
    [
        ("There is a dog in the garden?", "AA"),  # not its second syllable
        ("Your mother knows about it?", "AW"),  # "it" bears no accent
        ("Is it?", "IH"),  # unless nobody else does
    ],
)
def test_it_begins_at_the_last_accent(text: str, vowel: str) -> None:
    utterance = speakable(text)
    (rise,) = rises(utterance)
    assert utterance.phonemes[rise.first] == vowel
    assert utterance.phonemes[rise.last] == "?"


def test_what_lies_before_it_and_pauses_stay() -> None:
    utterance = speakable("Was it cold? He asked again.")
    (rise,) = rises(utterance)
    _, moved = melody(utterance.text)
    assert moved[rise.first * FRAMES : rise.last * FRAMES].all()
    assert not moved[: rise.first * FRAMES].any() and not moved[rise.last * FRAMES :].any()


def test_it_starts_where_the_voice_is_and_never_jumps() -> None:
    utterance = speakable("You walked home in the rain?")
    count = FRAMES * len(utterance.phonemes)
    heard = 200 * 2 ** (np.linspace(4, -4, count) / 12)
    f0, moved = with_rises(utterance, [FRAMES] * len(utterance.phonemes), heard)
    semitones = Register.of(heard).semitones(f0)
    assert np.abs(np.diff(semitones[: np.flatnonzero(moved)[-1] + 1])).max() < 1.0
    assert semitones[moved][-1] == pytest.approx(HIGH * Register.of(heard).width)


def test_a_vowel_that_trails_off_sounds() -> None:
    utterance = speakable("Your mother knows about it?")
    heard = np.full(FRAMES * len(utterance.phonemes), 200.0)
    vowel = utterance.phonemes.index("IH", -3) * FRAMES
    heard[vowel:] = 0
    f0, moved = with_rises(utterance, [FRAMES] * len(utterance.phonemes), heard)
    assert (f0[vowel : vowel + FRAMES] > 220).all() and moved[vowel : vowel + FRAMES].all()
    assert not f0[vowel + FRAMES :].any(), "the consonant behind it"


def test_whispers_stay_whispers() -> None:
    utterance = speakable("Is she there?")
    heard = np.zeros(FRAMES * len(utterance.phonemes))
    f0, moved = with_rises(utterance, [FRAMES] * len(utterance.phonemes), heard)
    assert not f0.any() and not moved.any()
