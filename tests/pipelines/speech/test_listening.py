from __future__ import annotations

import numpy as np
import pytest
import torch

from models.starter.mel import FRAMES_PER_SECOND, MEL_BANDS
from pipelines.audio.recording import Recording
from pipelines.speech.listening import (
    CLASS_COUNT,
    CLASS_OF_SYMBOL,
    PAUSE_FRAMES,
    PHONEMES,
    Ear,
    TimedPhonemes,
    edit_distance,
)
from pipelines.speech.starter import StarterEngine
from pipelines.speech.voice import Voice
from pipelines.text.english import to_utterance
from pipelines.text.symbols import SYMBOLS, is_pause

HELLO = "sil HH AH L OW , Y UW .".split()


class ScriptedListener(torch.nn.Module):
    """Hears what the mel spells: class numbers in band 0."""

    def forward(self, mel: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        sure = torch.nn.functional.one_hot(mel[..., 0].long(), CLASS_COUNT).float()
        logits = (12 * sure).log_softmax(-1)
        return logits, logits


def spelled(*spans: tuple[str, int]) -> torch.Tensor:
    """(phoneme or "" for silence, frames) ... -> the mel that ``ScriptedListener`` hears so."""
    numbers = [PHONEMES.index(phoneme) for phoneme, frames in spans for _ in range(frames)]
    mel = torch.zeros(len(numbers), MEL_BANDS)
    mel[:, 0] = torch.tensor(numbers)
    return mel


def spans_of(timed: TimedPhonemes) -> list[tuple[str, int]]:
    return [(s, b - a) for s, a, b in zip(timed.symbols, timed.starts, timed.starts[1:], strict=False)]


def is_gapless(timed: TimedPhonemes, frames: int) -> bool:
    return (
        timed.starts[0] == 0
        and timed.starts[-1] == frames
        and all(a <= b for a, b in zip(timed.starts, timed.starts[1:], strict=False))
        and len(timed.symbols) == len(timed.source) == len(timed.confidence) == len(timed.starts) - 1
    )


@pytest.fixture
def ear() -> Ear:
    return Ear(ScriptedListener(), "cpu")


def test_the_table_of_classes() -> None:
    assert PHONEMES[0] == "" and len(set(PHONEMES)) == CLASS_COUNT
    for symbol, number in zip(SYMBOLS, CLASS_OF_SYMBOL, strict=True):
        assert PHONEMES[number] == ("" if symbol == "<pad>" or is_pause(symbol) else symbol)


def test_alignment_names_every_frame(ear: Ear) -> None:
    mel = spelled(
        ("", 6), ("HH", 4), ("AH", 8), ("L", 5), ("OW", 12), ("", 20), ("Y", 5), ("UW", 9), ("", 11)
    )
    timed = ear.align(mel, HELLO)
    assert spans_of(timed) == [
        ("sil", 6), ("HH", 4), ("AH", 8), ("L", 5), ("OW", 12), (",", 20), ("Y", 5), ("UW", 9), (".", 11),
    ]  # fmt: skip
    assert timed.source == tuple(range(9)) and is_gapless(timed, len(mel))
    assert min(timed.confidence) > 0.9


def test_an_asked_pause_may_last_no_time(ear: Ear) -> None:
    mel = spelled(("HH", 4), ("AH", 8), ("L", 5), ("OW", 12), ("Y", 5), ("UW", 9))
    timed = ear.align(mel, HELLO)
    lengths = dict(spans_of(timed))
    assert lengths["sil"] == lengths[","] == lengths["."] == 0 and is_gapless(timed, len(mel))


def test_a_pause_that_nobody_asked_for_is_found_and_a_closure_is_not(ear: Ear) -> None:
    symbols = ["sil", "AA", "T", "AA", "."]
    closure = spelled(("AA", 10), ("", PAUSE_FRAMES - 1), ("T", 3), ("AA", 10))
    assert ("T", 3 + PAUSE_FRAMES - 1) in spans_of(ear.align(closure, symbols))
    pause = spelled(("AA", 10), ("", PAUSE_FRAMES), ("T", 3), ("AA", 10))
    timed = ear.align(pause, symbols)
    assert spans_of(timed)[2] == ("sil", PAUSE_FRAMES) and timed.source[2] == -1
    assert is_gapless(timed, len(pause))


def test_repeated_phonemes_stay_apart(ear: Ear) -> None:
    mel = spelled(("", 3), ("S", 6), ("", 2), ("S", 6), ("IY", 9), ("", 3))
    timed = ear.align(mel, ["sil", "S", "S", "IY", "."])
    assert [s for s, _ in spans_of(timed)] == ["sil", "S", "S", "IY", "."]
    assert is_gapless(timed, len(mel))


def test_more_phonemes_than_frames_cannot_be_aligned(ear: Ear) -> None:
    assert ear.align(spelled(("AA", 4)), ["sil", *["AA", "T"] * 5, "."]) is None
    assert ear.align(spelled(("", 40)), ["sil", "."]) is None


def test_hearing_without_a_text(ear: Ear) -> None:
    mel = spelled(("", 9), ("Y", 5), ("EH", 8), ("S", 7), ("", 12))
    heard = ear.hear(mel)
    assert spans_of(heard) == [("sil", 9), ("Y", 5), ("EH", 8), ("S", 7), (".", 12)]
    assert is_gapless(heard, len(mel))
    assert ear.hear(spelled(("", 100))) is None


def test_score_counts_what_arrived(ear: Ear) -> None:
    mel = spelled(("", 3), *((p, 6) for p in "HH AH L OW Y UW".split()), ("", 3))
    assert ear.score(mel, HELLO) == 1.0
    assert ear.score(mel, "sil HH AH L AA Y UW .".split()) == pytest.approx(1 - 0.5 / 6)
    assert ear.score(mel, "sil HH AH L OW .".split()) == pytest.approx(1 - 2 / 4)
    assert ear.score(spelled(("", 30)), HELLO) == 0.0


@pytest.mark.parametrize(
    ("asked", "heard", "cost"),
    [("", "", 0), ("K AE T", "K AE T", 0), ("K AE T", "G AE T", 0.5), ("K AE T", "AE T", 1),
     ("K AE T", "", 3), ("", "K AE T", 3), ("K AE T", "M M M M", 4), ("AA B K", "B K AA", 2)],
)  # fmt: skip
def test_edit_distance(asked: str, heard: str, cost: float) -> None:
    assert edit_distance(asked.split(), heard.split()) == cost
    assert edit_distance(heard.split(), asked.split()) == cost


# With the shipped weights:

SENTENCE = "The old sailor carried seven boxes of lemons to the market."


@pytest.fixture(scope="module")
def said(starter: StarterEngine, reader: Voice) -> torch.Tensor:
    """The mel of ``SENTENCE``, spoken."""
    take = max((starter.synthesize(SENTENCE, reader, {}, seed) for seed in range(2)), key=lambda t: t.score)
    return starter.mel(Recording(take.wave, take.sample_rate))


@pytest.mark.slow
def test_the_asked_text_scores_and_no_other(starter: StarterEngine, said: torch.Tensor) -> None:
    def score(text: str) -> float:
        return starter.ear.score(said, to_utterance(text).phonemes)

    asked = score(SENTENCE)
    assert asked > 0.6
    assert score("Nobody at the station knew when the last train had left.") < asked - 0.25
    assert score("Seven lemons carried the old boxes of the market to sailor.") < asked - 0.15
    assert score(SENTENCE.replace("seven boxes of lemons ", "")) < asked - 0.15


@pytest.mark.slow
def test_words_that_are_cut_off_are_missed(starter: StarterEngine, said: torch.Tensor) -> None:
    phonemes = to_utterance(SENTENCE).phonemes
    whole = starter.ear.score(said, phonemes)
    scores = [starter.ear.score(said[: int(len(said) * share)], phonemes) for share in (0.8, 0.5, 0.25)]
    assert whole > scores[0] + 0.08 > scores[1] + 0.16 > scores[2] + 0.2


@pytest.mark.slow
def test_real_speech_is_aligned_with_what_was_read(
    starter: StarterEngine, clips: dict[str, Recording]
) -> None:
    for name in ("LJ001-0009", "LJ001-0018", "LJ001-0022"):
        mel, read = starter.mel(clips[name]), to_utterance(clips[name].text)
        timed = starter.ear.align(mel, read.phonemes)
        assert is_gapless(timed, len(mel))
        placed = [source for source in timed.source if source >= 0]
        assert placed == sorted(placed)
        asked = {i for i, symbol in enumerate(read.phonemes) if not is_pause(symbol)}
        assert asked <= set(placed)
        spoken = [c for s, c in zip(timed.symbols, timed.confidence, strict=True) if not is_pause(s)]
        assert sum(spoken) / len(spoken) > 0.4
        assert starter.ear.score(mel, read.phonemes) > 0.55


@pytest.mark.slow
def test_another_text_is_not_believed(starter: StarterEngine, clips: dict[str, Recording]) -> None:
    mel = starter.mel(clips["LJ001-0009"])

    def belief(text: str) -> float:
        timed = starter.ear.align(mel, to_utterance(text).phonemes)
        return sum(timed.confidence) / len(timed.confidence)

    assert belief(clips["LJ001-0009"].text) > 2 * belief(clips["LJ001-0022"].text)


@pytest.mark.slow
def test_the_silence_before_the_first_word_is_found(
    starter: StarterEngine, clips: dict[str, Recording]
) -> None:
    clip = clips["LJ001-0009"]
    later = np.concatenate([np.zeros(clip.sample_rate // 2, np.float32), clip.wave])
    heard = starter.ear.hear(starter.mel(Recording(later, clip.sample_rate)))
    assert heard.symbols[0] == "sil"
    assert heard.starts[1] / FRAMES_PER_SECOND == pytest.approx(0.5, abs=0.15)


@pytest.mark.slow
def test_alignment_finds_the_times_the_voice_was_told(starter: StarterEngine, reader: Voice) -> None:
    take = starter.synthesize(SENTENCE, reader, {}, 0)
    utterance = to_utterance(SENTENCE)
    timed = starter.ear.align(starter.mel(Recording(take.wave, take.sample_rate)), utterance.phonemes)
    begins = {
        source: start / FRAMES_PER_SECOND for source, start in zip(timed.source, timed.starts, strict=False)
    }
    errors = [
        abs(begins[word.first] - spoken.start_seconds)
        for word, spoken in zip(utterance.words, take.words, strict=True)
    ]
    assert sorted(errors)[len(errors) // 2] < 0.05 and max(errors) < 0.25
