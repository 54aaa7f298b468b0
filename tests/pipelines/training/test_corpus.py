from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipelines.training.corpus import Clip, check, merge, read_clips, write_clips

RATE = 16_000


def clip(**changes: object) -> Clip:
    sound = Clip(
        id="one",
        audio="one.flac",
        speaker="someone",
        language="en",
        source="recorded",
        sample_rate=RATE,
        seconds=1.0,
        bandwidth_hz=8000,
        phonemes=("sil", "HH", "AY", ",", "."),
        tones=(0, 0, 3, 0, 0),
        starts=(0.0, 0.1, 0.3, 0.8, 0.8),
        ends=(0.1, 0.3, 0.8, 0.8, 1.0),
        text="Hi",
    )
    return replace(sound, **changes)


def write_audio(folder: Path, seconds: float = 1.0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    soundfile.write(str(folder / "one.flac"), np.zeros(int(RATE * seconds)), RATE)


def test_a_sound_clip_has_no_faults_and_survives_the_file(tmp_path: Path) -> None:
    write_audio(tmp_path)
    assert write_clips(tmp_path, [clip()]) == 1
    assert list(read_clips(tmp_path)) == [clip()]
    assert check(tmp_path) == {}


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"phonemes": ("sil", "HH", "XX", ",", ".")}, "unknown phonemes"),
        ({"phonemes": ("HH", "HH", "AY", ",", ".")}, "begins with"),
        ({"phonemes": ("sil", "HH", "AY", ",", ",")}, "ends with"),
        ({"tones": (0, 0, 99, 0, 0)}, "tone"),
        ({"tones": (0, 0, 3)}, "columns"),
        ({"seconds": 1.2}, "do not cover"),
        ({"starts": (0.0, 0.15, 0.3, 0.8, 0.8)}, "gap"),
        ({"starts": (0.0, 0.1, 0.1, 0.8, 0.8), "ends": (0.1, 0.1, 0.8, 0.8, 1.0)}, "without duration"),
        ({"language": "xx"}, "language"),
    ],
)
def test_faults_are_named(changes: dict[str, object], fault: str) -> None:
    assert any(fault in found for found in clip(**changes).faults())


def test_audio_of_another_length_is_found(tmp_path: Path) -> None:
    write_audio(tmp_path, seconds=0.7)
    write_clips(tmp_path, [clip(), clip(id="two", audio="gone.flac")])
    faults = check(tmp_path)
    assert "0.700 s" in faults["one"][0]
    assert "unreadable" in faults["two"][0]


def test_merged_corpora_keep_their_audio(tmp_path: Path) -> None:
    for part in ("a", "b"):
        write_audio(tmp_path / part)
        write_clips(tmp_path / part, [clip(id=part)])
    assert merge(tmp_path, [tmp_path / "a", tmp_path / "b"]) == 2
    assert [made.audio for made in read_clips(tmp_path)] == ["a/one.flac", "b/one.flac"]
    assert check(tmp_path) == {}
