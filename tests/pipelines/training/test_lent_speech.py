from __future__ import annotations

import ctypes.util
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from models.starter.mel import SAMPLE_RATE
from pipelines.training.corpus import Clip, check, read_clips, write_clips
from pipelines.training.lent_speech import Sound, lent, main, plan, sound_of


def buzz(hz: float, tilt: float, noise: float = 0.0, seconds: float = 2.0) -> torch.Tensor:
    """Two words of a voice whose harmonics fall by ``tilt``, in a room that hisses."""
    clock = torch.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    wave = sum(torch.sin(2 * torch.pi * k * hz * clock) / k**tilt for k in range(1, int(9000 / hz)))
    loud = ((clock % 1.0) > 0.3).float()
    return 0.1 * wave * loud + noise * torch.randn(len(clock), generator=torch.Generator().manual_seed(0))


def test_a_sound_is_pitch_spectrum_and_room() -> None:
    bright, dull = (sound_of(buzz(150.0, tilt), 8000) for tilt in (0.5, 2.0))
    assert bright.hz == pytest.approx(150.0, rel=0.02)
    assert float((bright.bands - dull.bands)[60:].mean()) > 0.5
    hissing = sound_of(buzz(150.0, 1.0, noise=0.02), 8000)
    assert float(hissing.noise.mean()) > 10 * float(sound_of(buzz(150.0, 1.0), 8000).noise.mean())
    assert sound_of(torch.zeros(SAMPLE_RATE), 8000) is None


def test_lent_speech_takes_the_spectrum_and_the_room() -> None:
    owner = sound_of(buzz(220.0, 2.0, noise=0.01), 8000)
    own = buzz(120.0, 0.5)
    wave = lent(own, owner, torch.Generator().manual_seed(1))
    assert wave.shape == own.shape
    mine, theirs = sound_of(own, 8000), sound_of(wave, 8000)
    assert float((theirs.bands - owner.bands).abs().mean()) < 0.3 * float(
        (mine.bands - owner.bands).abs().mean()
    )
    assert float(theirs.noise.mean()) == pytest.approx(float(owner.noise.mean()), rel=0.5)


def test_everybody_in_reach_gets_clips_at_their_own_pitch() -> None:
    sounds = [
        (name, Sound(torch.zeros(80), torch.zeros(513), hz, 8000)) for name, hz in (("a", 200.0), ("b", 2.0))
    ]
    planned = plan(sounds, [("s1", "你好。", "ni3 hao3 .")], {"low": 100.0, "high": 190.0}, 3, seed=1)
    assert [name for _, name, _ in planned] == ["a"] * 3  # nobody speaks at 2 Hz
    assert len({task.id for task, _, _ in planned}) == 3
    natural = {"low": 100.0, "high": 190.0}
    for task, _, _ in planned:
        assert natural[task.voice] * task.warp * 2 ** (task.pitch_step / 12) == pytest.approx(200.0)
        assert abs(task.pitch_step) <= 5.0


@pytest.mark.skipif(ctypes.util.find_library("espeak-ng") is None, reason="espeak-ng is not installed")
def test_a_reader_gets_mandarin_clips_under_the_name_that_training_gives_them(tmp_path: Path) -> None:
    people = tmp_path / "people"
    people.mkdir()
    soundfile.write(people / "one.flac", buzz(130.0, 1.0, noise=0.001).numpy(), SAMPLE_RATE)
    times = tuple(np.linspace(0, 2, 4).round(4).tolist())
    clip = Clip(
        id="one", audio="one.flac", speaker="reader", language="en", source="recorded", sample_rate=SAMPLE_RATE,
        seconds=2.0, bandwidth_hz=8000, phonemes=("sil", "AH", "."), tones=(0, 1, 0), starts=times[:-1],
        ends=times[1:], text="A.",
    )  # fmt: skip
    write_clips(people, [clip])
    text = tmp_path / "text.tsv"
    text.write_text("t1\t你好。\tni2 hao3 .\nt2\t大家好。\tda4 jia1 hao3 .\n", encoding="utf-8")
    main([str(tmp_path / "out"), "--text", str(text), "--people", str(people), "--clips", "1"])
    assert check(tmp_path / "out") == {}
    clips = list(read_clips(tmp_path / "out"))
    assert {clip.speaker for clip in clips} == {"reader@0.875", "reader@1.0", "reader@1.125"}
    assert {clip.language for clip in clips} == {"zh"}
    assert {clip.bandwidth_hz for clip in clips} == {7000, 8000, 9000}
