from __future__ import annotations

import jieba

from benchmarks.mandarin import SENTENCES, asked_of, missed, syllables
from pipelines.speech.starter import speakable
from pipelines.training.mandarin_sentences import reading_of


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


def test_espeak_is_asked_for_what_the_front_end_reads() -> None:
    for text in SENTENCES:
        utterance = speakable(text)
        assert asked_of(reading_of(jieba.lcut(text))) == (utterance.phonemes, utterance.tones)


def test_no_sentence_stands_twice() -> None:
    assert len(set(SENTENCES)) == len(SENTENCES) == 60
    assert all(sentence[-1] in "。？！" for sentence in SENTENCES)
