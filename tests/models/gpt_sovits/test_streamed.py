"""The compiled step against the goldens and against torch's own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from models.blocks.streamed_matrices import Precision, can_stream
from models.checkpoints import built
from models.gpt_sovits import streamed as streamed_step
from models.gpt_sovits.incremental import IncrementalDecoder
from models.gpt_sovits.sampling import Sampling
from models.gpt_sovits.streamed import StreamedDecoder
from models.gpt_sovits.text2semantic import Text2Semantic
from tests.goldens import (
    farthest,
)

GREEDY = Sampling(top_k=1, longest=60)


def streamed(*precisions: Precision) -> list:
    return [
        pytest.param(name, marks=pytest.mark.skipif(not can_stream(name), reason="this processor cannot"))
        for name in precisions
    ]


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def team_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "team"]


@pytest.mark.parametrize("precision", streamed("fp32", "fp16"))
def test_it_says_the_same(
    network: Text2Semantic, golden: dict[str, Tensor], bert: Tensor, precision: Precision
) -> None:
    """The file holds fp16, so fp16 is exact; two rows of different lengths, of which one ends first."""
    ours = built(lambda: Text2Semantic(network.config), network.state_dict()).for_speaking(precision)
    x, prompt = golden["in.x"][0], golden["in.prompt"][0]
    both = ours.generate([x, x[:13]], [bert, bert[:, :13]], prompt, GREEDY)
    for said, name in zip(both, ("batch.y0", "batch.y1"), strict=True):
        assert torch.equal(torch.cat([prompt, said]), golden[name])
    assert not [name for name, _ in ours.named_parameters() if "linear" in name or "attn" in name]


@torch.inference_mode()
@pytest.mark.parametrize("precision", streamed("bf16", "int8"))
def test_rounded_matrices_stay_near(
    network: Text2Semantic, golden: dict[str, Tensor], bert: Tensor, precision: Precision
) -> None:
    exact, rounded = IncrementalDecoder(network.model), StreamedDecoder(network.model, precision)
    text, prompt = network.model.text(golden["in.x"], bert[None]), network.model.audio(golden["in.prompt"])
    logits, memory = exact.read(text, prompt, None)
    others, other = rounded.read(text, prompt, None)
    for token in golden["greedy.y"][0, 30:40]:
        assert 0 < (others - logits).norm() < 0.1 * logits.norm()
        logits, memory = exact.step(token[None], memory)
        others, other = rounded.step(token[None], other)
    rounded.release(other)


@torch.inference_mode()
def test_past_its_first_slots_and_with_rows_that_leave(network: Text2Semantic) -> None:
    """As torch's own step, logit by logit; sums are taken in another order."""
    exact, ours = IncrementalDecoder(network.model), StreamedDecoder(network.model, "fp32")
    channels = network.config.channels
    torch.manual_seed(1)
    text, prompt = torch.randn(6, 20, channels), torch.randn(6, 5, channels)
    padding = torch.arange(25) < torch.tensor([0, 7, 3, 0, 12, 1])[:, None]
    logits, memory = exact.read(text, prompt, padding)
    others, other = ours.read(text, prompt, padding)
    slots = other.slots
    for number in range(500):
        assert farthest(others, logits) < 2e-5 * max(1.0, float(logits.abs().max())), number
        rows = torch.arange(len(logits))
        if number in (40, 90, 420):
            rows = rows[rows != 1]
            memory, other = memory.rows(rows), other.rows(rows)
        tokens = (torch.arange(len(rows)) * 31 + number * 7) % 1024
        logits, memory = exact.step(tokens, memory)
        others, other = ours.step(tokens, other)
    assert other.slots > slots and other.length == memory.length == 525 and len(others) == 3
    ours.release(other)


@torch.inference_mode()
@pytest.mark.parametrize("precision", streamed("fp32", "fp16"))
def test_heads_wider_than_a_line(network: Text2Semantic, precision: Precision) -> None:
    torch.manual_seed(1)
    other = Text2Semantic(replace(network.config, channels=96, heads=2, layers=2)).eval().model
    exact, ours = IncrementalDecoder(other), StreamedDecoder(other, precision)
    text, prompt = torch.randn(2, 40, 96), torch.randn(2, 5, 96)
    logits, memory = exact.read(text, prompt, None)
    others, kept = ours.read(text, prompt, None)
    for token in range(20):
        logits, memory = exact.step(torch.tensor([token, token + 9]), memory)
        others, kept = ours.step(torch.tensor([token, token + 9]), kept)
        assert farthest(others, logits) < (1e-5 if precision == "fp32" else 1e-2)
    ours.release(kept)


@torch.inference_mode()
def test_the_number_of_threads_changes_nothing(
    network: Text2Semantic, golden: dict[str, Tensor], bert: Tensor, two_threads: None
) -> None:
    """So a seed says the same on every machine of a kind."""
    decoder = StreamedDecoder(network.model, "fp32")
    text, prompt = network.model.text(golden["in.x"], bert[None]), network.model.audio(golden["in.prompt"])
    heard = []
    for threads in (1, 2):
        torch.set_num_threads(2)
        logits, _ = first, memory = decoder.read(text, prompt, None)
        decoder.release(memory)
        torch.set_num_threads(threads)
        _, memory = decoder.read(text, prompt, None)
        assert len(team_threads()) == threads - 1
        for token in golden["greedy.y"][0, 30:60]:
            logits, memory = decoder.step(token[None], memory)
        heard.append((first, logits.clone()))
        decoder.release(memory)
        assert not team_threads()
    for one, other in zip(*heard, strict=True):
        assert torch.equal(one, other)


def test_two_utterances_at_a_time_and_one_that_is_left_early(
    network: Text2Semantic, golden: dict[str, Tensor], bert: Tensor, two_threads: None
) -> None:
    ours = built(lambda: Text2Semantic(network.config), network.state_dict()).for_speaking("fp32")
    x, prompt = golden["in.x"][0], golden["in.prompt"][0]
    sampling = replace(GREEDY, longest=30, until_end=False)
    rows = [([x], [bert]), ([x[:13]], [bert[:, :13]])]
    apart = [ours.generate(*row, prompt, sampling)[0].tolist() for row in rows]
    streams = [ours.steps(*row, prompt, sampling) for row in rows]
    together = [[int(tokens) for _, tokens in both] for both in zip(*streams, strict=True)]
    assert [list(row) for row in zip(*together, strict=True)] == apart
    left = ours.steps(*rows[0], prompt, sampling)
    next(left)
    assert len(team_threads()) == 1
    left.close()
    assert not team_threads()


def test_what_is_kept_on_disk_is_asked_for_the_files_that_it_was_compiled_from() -> None:
    """Numba looks at one file and at what a function encloses, and would go on with kernels of yesterday."""
    assert "sources" in streamed_step._work.py_func.__code__.co_freevars
    keys = [
        step._cache._index_key((), step.targetctx.codegen()) for step in map(streamed_step._compiled, (1, 2))
    ]
    assert keys[0] != keys[1]
