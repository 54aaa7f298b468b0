from __future__ import annotations

import pytest
import torch

from models.starter.mel import FRAMES_PER_SECOND, MEL_BANDS
from pipelines.audio.recording import Recording
from pipelines.speech.listening import CLASS_COUNT, Ear, TimedPhonemes
from pipelines.speech.starter import StarterEngine, speakable
from pipelines.text.english import to_utterance
from pipelines.text.symbols import ENGLISH_STRESS, MANDARIN_TONE, is_pause
from pipelines.training.base.speech_set import Example
from pipelines.training.dataset import (
    CUT_FRAMES,
    LONGEST_SECONDS,
    SHORTEST_SECONDS,
    _cut,
    examples_of,
    guessed_tones,
    hold_out,
    is_full_band,
    language_heard,
    quiet_spans,
    slices,
)

SHORTEST, LONGEST = (int(seconds * FRAMES_PER_SECOND) for seconds in (SHORTEST_SECONDS, LONGEST_SECONDS))


class SilenceDetector(torch.nn.Module):
    """Calls a frame silence where its mel is at the floor, and AA everywhere else."""

    def forward(self, mel: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        logits = torch.full((*mel.shape[:2], CLASS_COUNT), -12.0)
        quiet = mel[..., 0] < -2.0
        logits[..., 0] = torch.where(quiet, 0.0, -12.0)
        logits[..., 1] = torch.where(quiet, -12.0, 0.0)
        return logits.log_softmax(-1), logits.log_softmax(-1)


EAR = Ear(SilenceDetector(), "cpu")


def talk(*seconds: float, pause: float = 0.3) -> torch.Tensor:
    """A mel of stretches of speech with a pause between each two."""
    between = torch.full((int(pause * FRAMES_PER_SECOND), MEL_BANDS), -2.6)
    parts = [torch.zeros(int(length * FRAMES_PER_SECOND), MEL_BANDS) for length in seconds]
    return torch.cat([tensor for part in parts for tensor in (between, part)] + [between])


def test_mandarin_is_told_by_what_is_heard() -> None:
    assert language_heard(["sil", "zh/n", "zh/i", "zh/h", "zh/ao", "."]) == "zh"
    assert language_heard(["sil", "HH", "AH", "zh/l", "OW", "."]) == "en"
    assert guessed_tones(["zh/n", "zh/i"]) == (0, MANDARIN_TONE[4])


def test_short_gaps_are_no_place_to_cut() -> None:
    silence = torch.zeros(200)
    silence[:20] = 0.9
    silence[50 : 50 + CUT_FRAMES - 1] = 0.9
    silence[100 : 100 + CUT_FRAMES] = 0.9
    silence[180:] = 0.6
    assert quiet_spans(silence) == [(0, 20), (100, 100 + CUT_FRAMES), (180, 200)]
    assert quiet_spans(torch.zeros(50)) == [] and quiet_spans(torch.ones(50)) == [(0, 50)]


@pytest.mark.parametrize(
    "lengths",
    [
        (3, 4, 2, 5, 1, 0.5, 6, 3),
        (8, 8, 8),
        (0.4,) * 60,
        (2,),
        (1, 20, 1),
        (0.5, 9.5, 0.5, 9.5),
        (25,),
    ],
)
def test_slices_are_of_a_length_that_can_be_learnt_from(lengths: tuple[float, ...]) -> None:
    mel = talk(*lengths)
    pieces = slices(mel, EAR)
    assert pieces
    for (begin, end), (following, _) in zip(pieces, [*pieces[1:], (len(mel), 0)], strict=True):
        assert SHORTEST <= end - begin <= LONGEST and 0 <= begin < end <= following
    kept = sum(end - begin for begin, end in pieces)
    assert kept > len(mel) - 3 * SHORTEST, "speech was thrown away"


def test_slices_begin_and_end_in_pauses() -> None:
    mel = talk(3, 4, 2, 5, 1, 0.5, 6, 3)
    for begin, end in slices(mel, EAR):
        assert mel[min(begin, len(mel) - 1), 0] < -2 and mel[end - 1, 0] < -2


def test_speech_without_any_pause_is_cut_where_it_is_longest() -> None:
    mel = torch.zeros(int(20 * FRAMES_PER_SECOND), MEL_BANDS)
    assert slices(mel, EAR) == [(0, LONGEST), (LONGEST, 2 * LONGEST), (2 * LONGEST, len(mel))]


@pytest.mark.parametrize("frames", [1, SHORTEST - 1])
def test_too_short_for_a_slice(frames: int) -> None:
    assert slices(torch.zeros(frames, MEL_BANDS), EAR) == []


@pytest.mark.parametrize("frames", [1, 50, 800, 5000])
def test_silence_gives_no_examples(frames: int) -> None:
    assert examples_of(torch.full((frames, MEL_BANDS), -2.6), None, EAR) == []


def test_heard_vowels_get_a_guess_of_their_stress() -> None:
    reduced, full = ENGLISH_STRESS[0], ENGLISH_STRESS[1]
    assert guessed_tones(["sil", "B", "AH", "N", "AE", "N", "AH", "."]) == (
        0,
        0,
        reduced,
        0,
        full,
        0,
        reduced,
        0,
    )


def test_bandwidth_is_looked_at_while_someone_speaks() -> None:
    speech = torch.zeros(400, MEL_BANDS)
    speech[::2] = -2.6
    assert is_full_band(speech)
    speech[:, 73:] = -2.6
    assert not is_full_band(speech)
    assert not is_full_band(torch.full((400, MEL_BANDS), -2.6))


def example(seconds: float) -> Example:
    frames = int(seconds * FRAMES_PER_SECOND)
    return Example(
        torch.zeros(frames, MEL_BANDS), ["sil", "AA", "."], [0, 1, 0], [0, 2, 9, frames],
        "person", "en", True, True, True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("lengths", "held_out"),
    [([5, 3], [1]), ([2, 3, 4], [0]), ([3] * 4, [3]), ([3] * 20, [3, 11, 19]), ([], [])],
)
def test_there_is_always_something_to_judge_by(lengths: list[float], held_out: list[int]) -> None:
    examples = hold_out([example(seconds) for seconds in lengths])
    assert [number for number, e in enumerate(examples) if not e.trained] == held_out


TIMED = TimedPhonemes(
    symbols=("sil", "HH", "AY", ",", "Y", "UW", "."),
    source=(0, 1, 2, 3, 4, 5, 6),
    starts=(0, 10, 20, 40, 60, 70, 90, 100),
    confidence=(1.0, 0.5, 0.6, 1.0, 0.7, 0.8, 1.0),
)


@pytest.mark.parametrize(
    ("begin", "end", "symbols", "starts"),
    [
        (0, 100, "sil HH AY , Y UW .", [0, 10, 20, 40, 60, 70, 90, 100]),
        (5, 50, "sil HH AY .", [0, 5, 15, 35, 45]),
        (50, 95, "sil Y UW .", [0, 10, 20, 40, 45]),
        (15, 65, "sil HH AY , Y .", [0, 0, 5, 25, 45, 50, 50]),
        (12, 18, "sil HH .", [0, 0, 6, 6]),
    ],
)
def test_a_part_of_an_alignment_stands_for_itself(
    begin: int, end: int, symbols: str, starts: list[int]
) -> None:
    cut = _cut(TIMED, begin, end)
    assert cut.symbols == tuple(symbols.split()) and list(cut.starts) == starts
    assert len(cut.source) == len(cut.confidence) == len(cut.symbols)
    for symbol, source in zip(cut.symbols, cut.source, strict=True):
        assert source < 0 or is_pause(symbol) or TIMED.symbols[source] == symbol


@pytest.mark.slow
@pytest.mark.parametrize("told", [True, False])
def test_real_speech_becomes_examples(
    starter: StarterEngine, clips: dict[str, Recording], told: bool
) -> None:
    for name in ("LJ001-0009", "LJ001-0018"):
        mel = starter.mel(clips[name])
        read = to_utterance(clips[name].text) if told else None
        examples = examples_of(mel, read, starter.ear)
        assert sum(len(e.mel) for e in examples) > 0.8 * len(mel)
        for e in examples:
            assert len(e.symbols) == len(e.tones) == len(e.starts) - 1
            assert (e.symbols[0], e.starts[0], e.starts[-1]) == ("sil", 0, len(e.mel))
            assert e.symbols[-1] in (".", "?", "!") and list(e.starts) == sorted(e.starts)
            assert e.full_band and e.recorded and e.language == "en"
            assert {tone for s, tone in zip(e.symbols, e.tones, strict=True) if is_pause(s)} <= {0}
        if told:
            spoken = [s for e in examples for s in e.symbols if not is_pause(s)]
            assert spoken == [s for s in read.phonemes if not is_pause(s)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "written", ["Whose wild yellow zebras chew huge juicy oranges by the beach?", "my recording", "你好。"]
)
def test_a_transcript_of_something_else_is_as_good_as_none(
    starter: StarterEngine, clips: dict[str, Recording], written: str
) -> None:
    mel = starter.mel(clips["LJ001-0009"])
    heard = examples_of(mel, None, starter.ear)
    read = examples_of(mel, speakable(written), starter.ear)
    assert heard and [e.symbols for e in read] == [e.symbols for e in heard]
    assert [e.language for e in read] == ["en"] * len(heard)


@pytest.mark.slow
def test_a_transcript_of_the_beginning_does_not_cost_the_rest(
    starter: StarterEngine, clips: dict[str, Recording]
) -> None:
    first, second = (starter.mel(clips[name]) for name in ("LJ001-0009", "LJ001-0018"))
    mel = torch.cat([first, second])
    examples = examples_of(mel, to_utterance(clips["LJ001-0009"].text), starter.ear)
    assert sum(len(e.mel) for e in examples) > 0.9 * len(mel)
    rest = "".join(symbol for e in examples[1:] for symbol in e.symbols if not is_pause(symbol))
    heard = starter.ear.hear(second)
    assert heard is not None and len(rest) > 0.9 * len("".join(heard.symbols))
