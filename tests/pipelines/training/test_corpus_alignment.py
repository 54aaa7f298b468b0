from __future__ import annotations

from pipelines.text.english import to_utterance
from pipelines.training.phone_alignment import Heard, align


def heard(phones: str, step: float = 0.1) -> list[Heard]:
    return [
        Heard(None if phone == "_" else phone, index * step, (index + 1) * step)
        for index, phone in enumerate(phones.split())
    ]


def test_times_come_from_the_engine_and_marks_from_the_text() -> None:
    timed = align(heard("_ Y EH S _ AY D UW _"), to_utterance("Yes, I do!"), 1.0)
    assert timed.phonemes == ("sil", "Y", "EH", "S", ",", "AY", "D", "UW", "!")
    assert timed.tones == (0, 0, 2, 0, 0, 2, 0, 2, 0)
    assert timed.starts[4] == 0.4 and timed.ends[4] == 0.5
    assert timed.starts[0] == 0.0 and timed.ends[-1] == 1.0
    assert timed.disagreement == 0.0


def test_a_mark_without_a_pause_lasts_no_time_and_a_pause_without_a_mark_is_silence() -> None:
    timed = align(heard("_ Y EH S AY _ D UW _"), to_utterance("Yes, I do."), 0.9)
    assert timed.phonemes == ("sil", "Y", "EH", "S", ",", "AY", "sil", "D", "UW", ".")
    assert timed.starts[4] == timed.ends[4] == 0.4
    assert round(timed.ends[6] - timed.starts[6], 4) == 0.1


def test_stress_passes_over_a_missing_phone() -> None:
    timed = align(heard("_ AH B AW _"), to_utterance("about"), 0.5)
    assert timed.phonemes == ("sil", "AH", "B", "AW", ".")
    assert timed.tones == (0, 1, 0, 2, 0)
    assert 0 < timed.disagreement < 0.25


def test_another_sentence_disagrees() -> None:
    timed = align(heard("_ W AH T EH V ER _"), to_utterance("Printing in the only sense."), 0.8)
    assert timed.disagreement > 0.5


def test_speech_from_the_first_sample_to_the_last() -> None:
    timed = align(heard("Y EH S"), to_utterance("Yes?"), 0.3)
    assert timed.phonemes == ("sil", "Y", "EH", "S", "?")
    assert timed.starts[1] == 0.0
    assert timed.starts[-1] == timed.ends[-1] == 0.3
