from __future__ import annotations

import ctypes.util
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from pipelines.audio.pitch import yin
from pipelines.text.pinyin import Syllable, parse_syllable
from pipelines.text.symbols import MANDARIN_TONE
from pipelines.training.corpus import check, read_clips
from pipelines.training.mandarin_sentences import sentences
from pipelines.training.phone_alignment import Heard
from pipelines.training.syllable_alignment import align_syllables
from pipelines.training.synthetic_speech import main

ALONE = {"ni3": ("n", "i"), "hao3": ("X", "Au"), "wo3": ("w", "o"), "da4": ("t", "A")}


@pytest.mark.parametrize(
    ("pinyin", "syllable"),
    [
        ("zhi1", Syllable("zh", "iii", 1)),
        ("si4", Syllable("s", "ii", 4)),
        ("ji3", Syllable("j", "i", 3)),
        ("xue2", Syllable("x", "ve", 2)),
        ("lv4", Syllable("l", "v", 4)),
        ("lüe4", Syllable("l", "ve", 4)),
        ("juan1", Syllable("j", "van", 1)),
        ("liu2", Syllable("l", "iu", 2)),
        ("wen4", Syllable(None, "un", 4)),
        ("er5", Syllable(None, "er", 5)),
        ("hm5", None),
        ("ma", None),
    ],
)
def test_syllables(pinyin: str, syllable: Syllable | None) -> None:
    assert parse_syllable(pinyin) == syllable


def heard(phones: str) -> list[Heard]:
    """``n:0.1`` lasts 0.1 s; ``_`` is silence."""
    found, clock = [], 0.0
    for phone in phones.split():
        name, _, seconds = phone.partition(":")
        found.append(Heard(None if name == "_" else name, clock, clock + float(seconds)))
        clock += float(seconds)
    return found


def test_a_short_silence_is_a_closure_and_a_marked_one_a_pause() -> None:
    phones = heard("n:0.1 i:0.1 _:0.05 t:0.1 A:0.1 _:0.2 w:0.1 o:0.1 _:0.05")
    timed = align_syllables(phones, "ni3 da4 , wo3 .", ALONE.__getitem__, 0.9)
    assert timed is not None
    assert timed.phonemes == ("sil", "zh/n", "zh/i", "zh/d", "zh/a", ",", "zh/uo", ".")
    assert timed.tones == (0, 0, 6, 0, 7, 0, 6, 0)
    assert timed.starts == (0.0, 0.0, 0.1, 0.2, 0.35, 0.45, 0.65, 0.85)


def test_other_phonemes_than_the_reading_are_refused() -> None:
    assert align_syllables(heard("n:0.1 i:0.1"), "ni3 hao3 .", ALONE.__getitem__, 0.2) is None
    assert align_syllables(heard("n:0.1 i:0.1 w:0.1"), "ni3 .", ALONE.__getitem__, 0.3) is None


def test_sentences_are_fixed_by_their_seed_and_speakable() -> None:
    pytest.importorskip("jieba")
    first, again = sentences(5), sentences(5)
    for _ in range(50):
        text, reading = next(first)
        assert (text, reading) == next(again)
        assert reading.split()[-1] in ".?!"
        assert len(text) == len(reading.split())


@pytest.mark.skipif(ctypes.util.find_library("espeak-ng") is None, reason="espeak-ng is not installed")
def test_spoken_tones_move_as_tones_do(tmp_path: Path) -> None:
    text = tmp_path / "text.tsv"
    lines = ["ma1 ma2 ma4 .", "ma4 ma1 ma2 .", "ma2 ma4 ma1 ."]
    text.write_text("".join(f"t{i}\t妈妈妈。\t{line}\n" for i, line in enumerate(lines)), encoding="utf-8")
    folder = tmp_path / "corpus"
    main([str(folder), "--language", "zh", "--text", str(text), "--voice", "cmn", "--hours", "0.003"])
    assert check(folder) == {}
    rises = defaultdict(list)
    for clip in read_clips(folder):
        wave, rate = soundfile.read(str(folder / clip.audio), dtype="float32")
        f0 = yin(torch.from_numpy(wave), rate, 128, lowest_hz=50, highest_hz=300, voiced_below=0.8).numpy()
        for symbol, tone, start, end in zip(clip.phonemes, clip.tones, clip.starts, clip.ends, strict=True):
            if symbol == "zh/a":
                inside = f0[int((start + 0.02) * rate / 128) : int((end - 0.02) * rate / 128)]
                inside = inside[inside > 0]
                if len(inside) >= 6:
                    rises[tone].append(float(np.log2(inside[-3:].mean() / inside[:3].mean())))
    assert min(map(len, rises.values())) > 6
    level, rising, falling = (float(np.median(rises[MANDARIN_TONE[tone]])) for tone in (1, 2, 4))
    assert falling < level < rising
