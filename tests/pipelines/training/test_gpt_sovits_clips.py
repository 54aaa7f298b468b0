"""Recordings cut into clips, and what is said in each."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pipelines.audio.recording import Recording
from pipelines.failure import CraftError
from pipelines.speech.starter import StarterEngine
from pipelines.training.gpt_sovits import clips as module
from pipelines.training.gpt_sovits.clips import (
    LONGEST_SECONDS,
    SHORTEST_SECONDS,
    cut,
    placed_words,
    require_speech,
    with_texts,
)
from tests.training_watcher import Watcher

RATE = 16_000


def spoken(monkeypatch: pytest.MonkeyPatch, *spans: tuple[float, float]) -> Recording:
    """A recording in which the detector finds speech there and nowhere else."""
    monkeypatch.setattr(module, "speech_probabilities", lambda wave: wave)
    monkeypatch.setattr(module, "speech_spans", lambda probabilities, seconds: spans)
    end = max((end for _, end in spans), default=0.0) + 1.0
    noise = np.random.default_rng(0).normal(0, 0.1, int(end * RATE))
    return Recording(noise.astype(np.float32), RATE, start_seconds=100.0)


def spans_of(clips: list[Recording]) -> list[tuple[float, float]]:
    return [(round(c.start_seconds - 100, 2), round(c.start_seconds - 100 + c.seconds, 2)) for c in clips]


def test_short_stretches_are_joined_and_silence_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    recording = spoken(monkeypatch, (1, 3), (3.5, 4.5), (5, 6.5), (20, 24.5), (24.6, 26.6))
    assert spans_of(cut(recording)) == [(0.85, 6.65), (19.85, 24.55), (24.55, 26.75)]


def test_what_is_too_long_is_cut_where_it_is_quiet_and_what_is_too_short_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recording = spoken(monkeypatch, (0, 25), (40, 41))
    clips = cut(recording)
    assert len(clips) >= 3 and all(SHORTEST_SECONDS <= clip.seconds <= LONGEST_SECONDS for clip in clips)
    assert sum(clip.seconds for clip in clips) == pytest.approx(25.15, abs=0.02)
    assert cut(spoken(monkeypatch)) == []


def test_nothing_reaches_beyond_ten_seconds_by_joining(monkeypatch: pytest.MonkeyPatch) -> None:
    clips = cut(spoken(monkeypatch, (0, 3.9), (4, 10.5), (12, 13)))
    assert spans_of(clips) == [(0.0, 3.95), (3.95, 10.65)]  # a lone second is no clip


def test_a_single_clip_leaves_nothing_to_judge_by() -> None:
    def clip(seconds: float) -> Recording:
        return Recording(np.zeros(int(seconds * RATE), np.float32), RATE)

    require_speech([clip(9), clip(1.5)], 10.0)
    for too_little in ([], [clip(10)], [clip(4), clip(5)]):
        with pytest.raises(CraftError, match="training_too_little_speech"):
            require_speech(too_little, 10.0)


@pytest.mark.slow
class TestTexts:
    @pytest.fixture
    def long(self, clips: dict[str, Recording]) -> Recording:
        """Twenty-two seconds with one text, as someone brings them who read it aloud."""
        read = [clips[name] for name in ("LJ001-0009", "LJ001-0018", "LJ001-0022")]
        pause = np.zeros(read[0].sample_rate, np.float32)
        wave = np.concatenate([part for clip in read for part in (clip.wave, pause)])
        return Recording(wave, read[0].sample_rate, " ".join(str(clip.text) for clip in read))

    def test_a_text_is_laid_out_over_its_clips(
        self, starter: StarterEngine, long: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "heard_text", lambda *_: pytest.fail("it was written down"))
        found = with_texts([long], starter.mel, starter.ear, Watcher(tmp_path))
        assert len(found) >= 3 and all(clip.text for clip in found)
        assert " ".join(str(clip.text) for clip in found) == long.text  # punctuation and all, in order
        assert "movable types." in str(found[[("types" in str(c.text)) for c in found].index(True)].text)

    def test_a_text_of_something_else_is_not_believed(
        self, starter: StarterEngine, long: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked = []
        monkeypatch.setattr(module, "heard_text", lambda clip, mel, ear: asked.append(clip.seconds))
        other = (
            "My uncle grows enormous yellow pumpkins and sells them at the harbour every second Friday. " * 3
        )
        found = with_texts([replace(long, text=other)], starter.mel, starter.ear, Watcher(tmp_path))
        assert all(clip.text is None for clip in found) and len(asked) == len(found)

    def test_what_a_person_wrote_for_a_clip_is_taken_as_it_is(
        self, starter: StarterEngine, clips: dict[str, Recording], tmp_path: Path
    ) -> None:
        clip = replace(clips["LJ001-0009"], text="今天天气很好")
        assert with_texts([clip], starter.mel, starter.ear, Watcher(tmp_path)) == [clip]

    def test_what_was_transcribed_once_is_known(
        self,
        starter: StarterEngine,
        clips: dict[str, Recording],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        asked: list[torch.Size] = []

        def heard(clip: Recording, mel: torch.Tensor, ear: object) -> str | None:
            asked.append(mel.shape)
            return "Said." if len(asked) == 1 else None

        monkeypatch.setattr(module, "heard_text", heard)
        wordless = [replace(clips[name], text=None) for name in ("LJ001-0009", "LJ001-0018")]
        first = with_texts(wordless, starter.mel, starter.ear, Watcher(tmp_path))
        assert [clip.text for clip in first] == ["Said.", *[None] * (len(first) - 1)]
        count = len(asked)
        again = with_texts(wordless, starter.mel, starter.ear, Watcher(tmp_path))
        assert [clip.text for clip in again] == [clip.text for clip in first] and len(asked) == count
        assert len(json.loads((tmp_path / "texts.json").read_text())) == count

    def test_words_of_which_nobody_knows_when(
        self, starter: StarterEngine, clips: dict[str, Recording], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clip = clips["LJ001-0008"]
        assert [str(clip.text)[w.place :].split()[0] for w in placed_words(clip, starter.mel, starter.ear)] == [
            "has", "never", "been", "surpassed.",
        ]  # fmt: skip
        for text in (None, "今天天气很好", "many words " * 200):
            assert placed_words(replace(clip, text=text), starter.mel, starter.ear) == ()
        monkeypatch.setattr(module, "LONGEST_ALIGNED_SECONDS", 1.0)
        assert placed_words(clip, starter.mel, starter.ear) == ()
