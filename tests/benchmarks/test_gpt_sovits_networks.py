"""What the benchmark of the networks answers, on small ones; that it answers, and what can be known of it."""

from __future__ import annotations

import pytest
import torch

from benchmarks import gpt_sovits_networks as benchmark
from models.blocks.streamed_matrices import can_stream
from models.gpt_sovits.incremental import IncrementalDecoder
from models.gpt_sovits.static import StaticDecoder
from models.gpt_sovits.text2semantic import Text2Semantic
from tests.goldens import GOLDEN

GPT, SOVITS = GOLDEN / "s1_small_half.ckpt", GOLDEN / "s2_v2_small_half.pth"


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("ROUNDS", 1), ("TOKENS", 12), ("TIMED_TOKENS", 2), ("BATCHES", (1, 2))):
        monkeypatch.setattr(benchmark, name, value)


def test_of_the_gpt() -> None:
    figures = benchmark.text2semantic_figures(GPT, "cpu", None)
    exact = figures["fp32"]
    assert exact["same_greedy_tokens"] == 1.0 and exact["same_until_token"] == 12
    share = exact["tokens_per_second_1"] / exact["floor_tokens_per_second"]
    assert exact["share_of_floor"] == pytest.approx(share, abs=2e-3)
    assert set(figures) - {"phonemes", "prompt", "tokens"} == {
        n for n in benchmark.PRECISIONS if can_stream(n)
    }


def test_of_the_gpt_where_there_is_another_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """The contestants of a CUDA device, here without one."""
    network = Text2Semantic.of_official(*benchmark.opened(GPT))
    contestants = benchmark.contestants_of(network.model, "cuda")
    assert [type(c) for c in contestants.values()] == [IncrementalDecoder, StaticDecoder] * 2
    monkeypatch.setattr(benchmark, "contestants_of", lambda decoder, device: contestants)
    figures = benchmark.text2semantic_figures(GPT, "cpu", None)
    assert figures["fp32 in graphs"]["same_greedy_tokens"] == 1.0
    assert figures["fp16 in graphs"]["same_greedy_tokens"] == figures["fp16"]["same_greedy_tokens"] > 0.5


def test_of_the_sovits() -> None:
    figures = benchmark.sovits_figures(SOVITS, "v2", "cpu", None)
    assert figures["fp32"]["rtf"] > 0 and 20 < figures["bf16"]["snr_db_against_fp32"] < 80


def test_of_the_first_audio() -> None:
    figures = benchmark.first_audio_figures(GPT, SOVITS, "cpu")
    assert set(figures) == {"ms_1", "ms_2"} and min(figures.values()) > 0


def test_other_tokens_do_not_agree() -> None:
    """An agreement that could not fail would say nothing."""
    network = Text2Semantic.of_official(*benchmark.opened(GPT))
    decoder = IncrementalDecoder(network.model)
    with torch.inference_mode():
        text = network.model.text(torch.zeros(1, 5, dtype=torch.long), torch.zeros(1, 1024, 5))
        prompt = torch.zeros(1, 3, dtype=torch.long)
        found = benchmark.agreement(
            decoder, text, network.model.audio(prompt), prompt, torch.arange(12, dtype=torch.long)
        )
    assert found["same_greedy_tokens"] < 0.5 and found["same_until_token"] < 12
