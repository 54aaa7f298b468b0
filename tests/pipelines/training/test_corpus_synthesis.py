from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from pipelines.audio.pitch import yin
from pipelines.text.symbols import is_pause
from pipelines.training.corpus import check, read_clips
from pipelines.training.synthetic_speech import WARPS, build, is_held_out, main, plan, read_sentences

SENTENCES = [
    (f"s{number}", "The ship was torn apart on the sharp reef, and she sank.", "") for number in range(40)
]


def test_the_plan_is_fixed_by_its_seed_and_uses_every_warp() -> None:
    tasks = plan(SENTENCES, ["slt", "rms"], 0.1, seed=3)
    assert tasks == plan(SENTENCES, ["slt", "rms"], 0.1, seed=3)
    assert tasks != plan(SENTENCES, ["slt", "rms"], 0.1, seed=4)
    assert {task.warp for task in tasks} == set(WARPS)
    assert len({task.id for task in tasks}) == len(tasks)


def test_held_out_sentences_are_not_read(tmp_path: Path) -> None:
    ids = [f"LJ{number:05d}" for number in range(13_000)]
    held_out = [sentence_id for sentence_id in ids if is_held_out(sentence_id)]
    assert 150 <= len(held_out) <= 250
    file = tmp_path / "text.tsv"
    file.write_text("".join(f"{sentence_id}\tGood morning.\n" for sentence_id in ids), encoding="utf-8")
    assert {sentence_id for sentence_id, *_ in read_sentences(file)} == set(ids) - set(held_out)


@pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed")
def test_flite_speech_has_its_phonemes_where_they_are_heard(tmp_path: Path) -> None:
    text = tmp_path / "text.tsv"
    text.write_text(
        "".join(f"{sentence_id}\t{line}\n" for sentence_id, line, _ in SENTENCES), encoding="utf-8"
    )
    main([str(tmp_path / "corpus"), "--text", str(text), "--voice", "slt", "--hours", "0.004"])
    clips = list(read_clips(tmp_path / "corpus"))
    assert check(tmp_path / "corpus") == {}
    assert {clip.speaker for clip in clips} >= {"slt@0.8", "slt@0.85"}
    high, low, quiet, loud = [], [], [], []
    for clip in clips:
        wave, rate = soundfile.read(str(tmp_path / "corpus" / clip.audio))
        for phoneme, start, end in zip(clip.phonemes, clip.starts, clip.ends, strict=True):
            part = wave[int(start * rate) : int(end * rate)]
            if len(part) < 256:
                continue
            (quiet if is_pause(phoneme) else loud).append(float(np.mean(part**2)))
            if phoneme in ("S", "SH"):
                high.append(share_above(part, rate, 2500))
            elif phoneme in ("AO", "IY", "AE", "AA"):
                low.append(share_above(part, rate, 2500))
    assert np.median(high) > 0.8 and np.median(low) < 0.1
    assert np.median(loud) > 300 * np.median(quiet)
    clip = clips[0]
    assert (clip.phonemes.count(","), clip.phonemes[-1]) == (1, ".")


def share_above(part: np.ndarray, rate: int, hertz: float) -> float:
    power = np.abs(np.fft.rfft(part * np.hanning(len(part)))) ** 2
    return float(power[int(hertz / (rate / 2) * len(power)) :].sum() / power.sum())


@pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed")
def test_a_warp_moves_pitch_but_not_pace(tmp_path: Path) -> None:
    tasks = plan(SENTENCES, ["rms"], 0.02, seed=1)
    wanted = {
        warp: next(task for task in tasks if task.warp == warp and not task.pitch_step)
        for warp in (0.8, 1.22)
    }
    clips = {clip.speaker: clip for clip in build(tmp_path, list(wanted.values()), jobs=1)}
    low, high = clips["rms@0.8"], clips["rms@1.22"]
    paces = [wanted[0.8].pace, wanted[1.22].pace]
    assert low.seconds * paces[0] == pytest.approx(high.seconds * paces[1], rel=0.05)
    assert pitch(tmp_path, high.audio) / pitch(tmp_path, low.audio) == pytest.approx(1.22 / 0.8, rel=0.12)
    assert high.bandwidth_hz > low.bandwidth_hz


def pitch(folder: Path, audio: str) -> float:
    wave, rate = soundfile.read(str(folder / audio), dtype="float32")
    f0 = yin(torch.from_numpy(wave), rate, 128, lowest_hz=50, highest_hz=300)
    return float(f0[f0 > 0].median())
