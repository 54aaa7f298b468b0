from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipelines.text.english import to_utterance
from pipelines.training.corpus import check, read_clips
from pipelines.training.phone_alignment import Heard, TimedPhonemes, align
from pipelines.training.recorded_speech import (
    ALIGNER_RATE,
    Aligner,
    ListenerAligner,
    build,
    with_commas,
    with_quiet_edges,
    without_closures,
)
from pipelines.training.speaking_engines import VOICES, Line, Spoken, speak

TEXT = "The ship was torn apart on the sharp reef, and she sank in the cold water."


def test_closures_go_to_the_phone_before_and_pauses_stay() -> None:
    phones = [
        Heard(None, 0.0, 0.03),
        Heard("S", 0.03, 0.2),
        Heard(None, 0.2, 0.24),
        Heard("T", 0.24, 0.3),
        Heard(None, 0.3, 0.5),
        Heard("AA", 0.5, 0.7),
    ]
    assert without_closures(phones) == (
        phones[0],
        Heard("S", 0.03, 0.24),
        phones[3],
        phones[4],
        phones[5],
    )


def test_long_silences_are_commas_where_the_transcript_has_no_marks() -> None:
    timed = TimedPhonemes(
        ("sil", "AA", "sil", "AA", "sil", "AA", "."),
        (0, 2, 0, 2, 0, 2, 0),
        (0.0, 0.3, 0.4, 0.45, 0.6, 0.8, 0.9),
        (0.3, 0.4, 0.45, 0.6, 0.8, 0.9, 1.0),
        0.0,
    )
    assert with_commas(timed).phonemes == ("sil", "AA", "sil", "AA", ",", "AA", ".")


def test_a_pause_hidden_in_a_word_is_found() -> None:
    noise = np.random.default_rng(1).standard_normal(ALIGNER_RATE).astype(np.float32)
    noise[: ALIGNER_RATE // 2] *= 0.3
    noise[ALIGNER_RATE // 2 : ALIGNER_RATE * 8 // 10] *= 0.0003
    noise[ALIGNER_RATE * 8 // 10 :] *= 0.3
    words = [[Heard("IH", 0.0, 0.3), Heard("NG", 0.3, 0.8)], [Heard("AA", 0.8, 1.0)]]
    first, second = with_quiet_edges(words, noise)
    assert [phone.symbol for phone in first] == ["IH", "NG", None]
    assert first[-1].start == pytest.approx(0.5, abs=0.011)
    assert second == words[1]


def spoken() -> Spoken:
    (said,) = speak(VOICES["slt"], [Line(TEXT)])
    assert said is not None
    return said


@pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed")
def test_boundaries_are_those_of_the_engine_that_spoke() -> None:
    pytest.importorskip("pocketsphinx")
    said = spoken()
    utterance = to_utterance(TEXT)
    heard = Aligner()(said.wave, utterance)
    assert heard is not None
    seconds = len(said.wave) / said.sample_rate
    truth, found = (align(phones, utterance, seconds) for phones in (said.heard, without_closures(heard)))
    assert found.phonemes.count(",") == 1
    pairs = match(truth, found)
    assert len(pairs) > 0.9 * len(truth.phonemes)
    assert np.median([abs(a - b) for a, b in pairs]) < 0.025


def match(truth: TimedPhonemes, found: TimedPhonemes) -> list[tuple[float, float]]:
    """Starts of the phonemes that both name, in order."""
    from difflib import SequenceMatcher

    blocks = SequenceMatcher(a=truth.phonemes, b=found.phonemes, autojunk=False).get_matching_blocks()
    return [
        (truth.starts[block.a + index], found.starts[block.b + index])
        for block in blocks
        for index in range(block.size)
    ]


@pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed")
@pytest.mark.parametrize("aligner", [Aligner, ListenerAligner])
def test_a_corpus_without_the_evaluation_speakers(tmp_path: Path, aligner: type) -> None:
    pytest.importorskip("pocketsphinx")
    said = spoken()
    soundfile.write(str(tmp_path / "one.flac"), said.wave, said.sample_rate)
    row = {"path": "one.flac", "speaker": "someone", "text": TEXT.upper(), "bandwidth_hz": 8000}
    rows = [
        {**row, "id": "one", "corpus": "librispeech-train-clean-100"},
        {**row, "id": "two", "corpus": "librispeech-test-other"},
    ]
    metadata = tmp_path / "metadata.jsonl"
    metadata.write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")
    clips, left_out = build(metadata, tmp_path / "corpus", aligner())
    assert check(tmp_path / "corpus") == {}
    assert "one" in {clip.id for clip in clips} and "two" not in {clip.id for clip in clips}
    assert left_out["evaluation speaker"] == 1
    assert list(read_clips(tmp_path / "corpus")) == clips
