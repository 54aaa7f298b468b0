from __future__ import annotations

import pytest

pytest.importorskip("jieba")

from benchmarks.mandarin import SENTENCES, asked_of, missed, syllables
from pipelines.speech.starter import speakable


def test_syllables_are_an_initial_and_the_final_behind_it() -> None:
    heard = "sil zh/n zh/i zh/h zh/ao , zh/uo zh/m HH AY zh/x zh/iii .".split()
    assert syllables(heard) == [
        ("zh/n", "zh/i"),
        ("zh/h", "zh/ao"),
        ("zh/uo",),
        ("zh/m",),
        ("HH",),
        ("AY",),
        ("zh/x", "zh/iii"),
    ]


def test_a_wrong_part_is_a_wrong_syllable() -> None:
    asked = [("a", "b"), ("c", "d"), ("e",)]
    assert missed(asked, asked) == 0
    assert missed(asked, []) == 3
    assert missed(asked, [("a", "b"), ("c", "x"), ("e",)]) == 1
    assert missed(asked, [("y",), *asked, ("z",)]) == 2


def test_espeak_and_the_front_end_are_asked_for_alike() -> None:
    assert asked_of("ni2 hao3 .".split()) == (speakable("你好。").phonemes, speakable("你好。").tones)


def test_no_sentence_stands_twice() -> None:
    assert len(set(SENTENCES)) == len(SENTENCES) == 60
    assert all(sentence[-1] in "。？！" for sentence in SENTENCES)
