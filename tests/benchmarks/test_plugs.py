from __future__ import annotations

import pytest
import torch

from benchmarks.plugs import sovits, text2semantic
from tests.goldens import GOLDEN, TOLERANCE, farthest, golden_input, golden_tensors


@pytest.mark.parametrize("version", ["v2", "v2Pro"])
def test_an_official_sovits_speaks(version: str) -> None:
    golden = golden_tensors(f"s2_{version}_small_io")
    decode = sovits(GOLDEN / f"s2_{version}_small_half.pth")
    said = golden["in.codes"], golden["in.text"]
    references = [
        golden_input("s2refer", (1, 1025, 23)).abs(),
        golden_input("s2refer2", (1, 1025, 30)).abs(),
    ]
    speakers = [golden_input("s2sv", (1, 40)), golden_input("s2sv2", (1, 40))]
    one = speakers[:1] if version == "v2Pro" else None
    assert farthest(decode(*said, references[:1], sv_embs=one), golden["det.audio"]) < TOLERANCE
    two = decode(*said, references, 0.5, 1.0, speakers, golden["multi.noise"])
    assert farthest(two, golden["multi.audio"]) < TOLERANCE
    if version == "v2":
        assert farthest(decode(*said, references[:1], speed=1.3), golden["fast.audio"]) < TOLERANCE


def test_an_official_text2semantic_goes_on_to_the_number_asked_for() -> None:
    golden = golden_tensors("s1_small_io")
    generate = text2semantic(str(GOLDEN / "s1_small_half.ckpt"))
    said = generate(golden["in.x"], golden["in.prompt"], golden_input("s1bert", (1, 1024, 20)), 61)
    assert said.dtype == torch.long and torch.equal(said, golden["greedy.y"][0, 30:])
