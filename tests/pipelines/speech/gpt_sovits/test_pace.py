"""Too short, too long, or what people take."""

from __future__ import annotations

import pytest
import torch

from pipelines.speech.gpt_sovits.pace import USUAL_TOKENS, Pace, longest, spoken
from pipelines.text.gpt_sovits.symbols import ids_of

SOUNDS = ids_of(("HH", "AH0", "L", "OW1") * 10)
RETAKE_SCORE = 0.7


@pytest.mark.parametrize(
    ("tokens", "again"),
    [(88, False), (60, False), (160, False), (40, True), (11, True), (240, True), (530, True), (0, True)],
)
def test_forty_phonemes_of_a_usual_voice(tokens: int, again: bool) -> None:
    assert (Pace().score(SOUNDS, tokens) < RETAKE_SCORE) == again


def test_a_short_word_may_have_its_pauses() -> None:
    assert Pace().score(ids_of((",", "N", "OW1", ".")), 20) == 1.0


def test_the_further_off_the_worse() -> None:
    scores = [Pace().score(SOUNDS, tokens) for tokens in (10, 20, 30, 40, 88)]
    assert scores == sorted(scores) and scores[-1] == 1.0
    scores = [Pace().score(SOUNDS, tokens) for tokens in (100, 200, 300, 400, 529, 530)]
    assert scores == sorted(scores, reverse=True) and scores[-2] > scores[-1] == 0.0


def test_punctuation_takes_no_time_but_may_take_a_while() -> None:
    dotted = (*SOUNDS, *ids_of((",", "!", ".")))
    assert spoken(dotted) == 40 and Pace().score(dotted, 61) == Pace().score(SOUNDS, 61)
    assert longest(dotted) > longest(SOUNDS)


def test_a_slow_speaker_may_be_slow() -> None:
    def pace(tokens: int) -> Pace:
        return Pace.of({"prompt_tokens": torch.zeros(tokens + 15), "prompt_phonemes": torch.tensor(SOUNDS)})

    assert pace(120).tokens == pytest.approx(3.0) and pace(1).tokens > 1 and pace(900).tokens < 5
    assert Pace.of({}).tokens == USUAL_TOKENS
    assert pace(150).score(SOUNDS, 230) > RETAKE_SCORE > pace(60).score(SOUNDS, 230)
    assert pace(60).score(SOUNDS, 45) > RETAKE_SCORE > pace(150).score(SOUNDS, 45)
