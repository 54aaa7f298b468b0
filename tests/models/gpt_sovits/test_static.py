"""Slots of fixed size: the very steps that a CUDA graph replays, here one by one, against those over real lengths."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from models.checkpoints import built
from models.gpt_sovits.incremental import IncrementalDecoder
from models.gpt_sovits.sampling import Sampling
from models.gpt_sovits.static import SMALLEST_SLOTS, StaticDecoder
from models.gpt_sovits.text2semantic import Text2Semantic, Text2SemanticConfig
from tests.goldens import TOLERANCE, farthest, golden_input, golden_integers, golden_network

CONFIG = Text2SemanticConfig(channels=32, heads=4, layers=3, hidden_channels=64, bert_channels=16)
HEAD = "model.ar_predict_layer.weight"
DRAWN = Sampling(top_k=50, longest=60)


@pytest.fixture(scope="module")
def network() -> Text2Semantic:
    """One whose utterances end, at different places."""
    eager = golden_network(lambda: Text2Semantic(CONFIG))
    with torch.no_grad():
        eager.model.ar_predict_layer.weight[CONFIG.end] *= 3.0
    return eager


def text(count: int) -> tuple[Tensor, Tensor]:
    return golden_integers("static", (count,), 732), golden_input("staticbert", (16, count))


def said(
    network: Text2Semantic, counts: tuple[int, ...], sampling: Sampling = DRAWN, device: str = "cpu"
) -> list[list[int]]:
    texts = [[part.to(device) for part in text(count)] for count in counts]
    prompt = golden_integers("staticprompt", (25,), 1024).to(device)
    generators = [torch.Generator(device).manual_seed(row) for row in range(len(counts))]
    spoken = network.generate(*zip(*texts, strict=True), prompt, sampling, generator=generators)
    return [tokens.tolist() for tokens in spoken]


def with_graphs(network: Text2Semantic, device: str = "cpu") -> Text2Semantic:
    return deepcopy(network).to(device).with_graphs()


@pytest.mark.parametrize("counts", [(20,), (20, 9, 15), (5, 40, 12, 33, 28)])
def test_the_same_tokens(network: Text2Semantic, counts: tuple[int, ...]) -> None:
    static = with_graphs(network)
    eager = said(network, counts)
    assert said(static, counts) == eager
    assert said(static, counts) == eager  # in the rooms that the first time left behind
    assert len(counts) == 1 or len({len(tokens) for tokens in eager}) > 1


@torch.inference_mode()
def test_what_lies_behind_the_end_is_not_heard(network: Text2Semantic) -> None:
    static = with_graphs(network)
    said(static, (40, 40), replace(DRAWN, longest=100, until_end=False))
    rooms = [room for kept in static._decoder._free.values() for room in kept]
    for room in rooms:
        room.keys.fill_(100.0)
        room.values.fill_(100.0)
    assert said(static, (20, 9)) == said(network, (20, 9))
    assert [room for kept in static._decoder._free.values() for room in kept] == rooms


@torch.inference_mode()
def test_the_same_logits_from_one_bucket_to_the_next(network: Text2Semantic) -> None:
    eager, static = IncrementalDecoder(network.model), StaticDecoder(network.model)
    words, prompt = network.model.text(*(part[None] for part in text(30))), torch.zeros(1, 0, 32)
    words = torch.cat([words, words.flip(1)])
    padding = torch.arange(30) < torch.tensor([[0], [7]])
    ours, memory = static.read(words, prompt.expand(2, -1, -1), padding)
    theirs, other = eager.read(words, prompt.expand(2, -1, -1), padding)
    assert torch.equal(ours, theirs)
    for number in range(SMALLEST_SLOTS):
        tokens = torch.tensor([number, 1000 - number])
        ours, memory = static.step(tokens, memory)
        theirs, other = eager.step(tokens, other)
        assert farthest(ours, theirs) < TOLERANCE, number
    assert memory.room.slots == 2 * SMALLEST_SLOTS and memory.length == other.length


def test_two_utterances_at_a_time(network: Text2Semantic) -> None:
    static = with_graphs(network)
    sampling = Sampling(top_k=1, longest=30, until_end=False)
    apart = [said(static, (count,), sampling)[0] for count in (20, 11)]
    prompt = golden_integers("staticprompt", (25,), 1024)
    streams = [static.steps(*([part] for part in text(count)), prompt, sampling) for count in (20, 11)]
    together = [[int(tokens) for _, tokens in both] for both in zip(*streams, strict=True)]
    assert [list(row) for row in zip(*together, strict=True)] == apart


def test_an_utterance_that_is_left_early_gives_its_room_back(network: Text2Semantic) -> None:
    static = with_graphs(network)
    steps = static.steps(*([part] for part in text(20)), None, DRAWN)
    next(steps)
    assert not any(static._decoder._free.values())
    steps.close()
    assert [len(kept) for kept in static._decoder._free.values()] == [1]


def test_another_voice_moves_into_the_same_buffers(network: Text2Semantic) -> None:
    static = with_graphs(network)
    said(static, (20, 9))
    places = [weight.data_ptr() for weight in static.parameters()]
    rooms = dict(static._decoder._free)
    other = built(lambda: Text2Semantic(CONFIG), {n: w.flip(0) for n, w in network.state_dict().items()})
    assert static.adopt(other)
    assert said(static, (20, 9)) == said(other, (20, 9)) != said(network, (20, 9))
    assert [weight.data_ptr() for weight in static.parameters()] == places
    assert static._decoder._free == rooms


def test_who_does_not_fit_or_comes_too_early_stays_outside(network: Text2Semantic) -> None:
    static, other = with_graphs(network), deepcopy(network)
    assert not static.adopt(Text2Semantic(replace(CONFIG, layers=2)))
    assert not other.adopt(network)  # nothing was captured
    steps = static.steps(*([part] for part in text(20)), None, DRAWN)
    next(steps)
    assert not static.adopt(other)
    steps.close()
    assert static.adopt(other)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("counts", [(20,), (20, 9, 15)])
def test_captured_steps_say_the_same(network: Text2Semantic, counts: tuple[int, ...]) -> None:
    """And still do when another voice has moved in."""
    sampling = replace(DRAWN, longest=300, until_end=len(counts) > 1)
    eager, captured = deepcopy(network).cuda(), with_graphs(network, "cuda")
    assert said(captured, counts, sampling, "cuda") == said(eager, counts, sampling, "cuda")
    rooms = [room for kept in captured._decoder._free.values() for room in kept]
    assert all("replay" in repr(room.run) for room in rooms)
    other = built(lambda: Text2Semantic(CONFIG), {n: w.flip(0) for n, w in network.state_dict().items()})
    assert captured.adopt(other)
    assert said(captured, counts, sampling, "cuda") == said(other.cuda(), counts, sampling, "cuda")
