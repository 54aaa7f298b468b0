from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

import pytest
import torch
from torch import Tensor

from models.checkpoints import built
from models.gpt_sovits.incremental import IncrementalDecoder
from models.gpt_sovits.sampling import Sampling, draw, penalised
from models.gpt_sovits.text2semantic import Text2Semantic, Text2SemanticConfig
from tests.goldens import (
    TOLERANCE,
    farthest,
    golden_input,
    golden_json,
    golden_keys,
    shapes_of,
)

GREEDY = Sampling(top_k=1, longest=61)
HEAD = "model.ar_predict_layer.weight"


@pytest.fixture(scope="module")
def taught(golden: dict[str, Tensor]) -> tuple[Tensor, ...]:
    """The arguments of teacher forcing."""
    words = golden_input("s1tb", (2, 1024, 12))
    return golden["tf.x"], golden["tf.xl"], words, golden["tf.y"], golden["tf.yl"]


def test_full_size_has_every_official_weight() -> None:
    assert shapes_of(lambda: Text2Semantic(Text2SemanticConfig())) == golden_keys("keys_s1")
    config = golden_json("s1_small_config")
    config["model"]["head"] = 16
    assert Text2SemanticConfig.official(config, golden_keys("keys_s1")) == Text2SemanticConfig()


@pytest.mark.parametrize("head", [0, 7, 256, 512, 10**9, None])
def test_impossible_heads_are_refused(head: object) -> None:
    config = golden_json("s1_small_config")
    config["model"]["head"] = head
    with pytest.raises(ValueError):
        Text2SemanticConfig.official(config, golden_keys("keys_s1"))


def test_missing_weights_are_named(network: Text2Semantic) -> None:
    config, weights = golden_json("s1_small_config"), network.state_dict()
    again = Text2Semantic.of_official(config, {name: weight.half() for name, weight in weights.items()})
    assert torch.equal(again.state_dict()[HEAD], weights[HEAD])
    with pytest.raises(RuntimeError, match="norm1"):
        Text2Semantic.of_official(config, {n: w for n, w in weights.items() if "0.norm1" not in n})
    with pytest.raises(ValueError, match="ar_predict_layer"):
        Text2Semantic.of_official(config, {n: w for n, w in weights.items() if n != HEAD})


@pytest.mark.parametrize(
    ("case", "sampling"),
    [("greedy", GREEDY), ("greedy_nopen", replace(GREEDY, repetition_penalty=1.0))],
)
def test_greedy_tokens(
    network: Text2Semantic, golden: dict[str, Tensor], bert: Tensor, case: str, sampling: Sampling
) -> None:
    (said,) = network.generate([golden["in.x"][0]], [bert], golden["in.prompt"][0], sampling)
    assert torch.equal(torch.cat([golden["in.prompt"][0], said]), golden[f"{case}.y"][0])


def test_tokens_without_a_prompt(network: Text2Semantic, golden: dict[str, Tensor], bert: Tensor) -> None:
    (said,) = network.generate([golden["in.x"][0]], [bert], None, replace(GREEDY, longest=41))
    assert torch.equal(said, golden["free.y"][0].long())


def test_tokens_of_a_batch(network: Text2Semantic, golden: dict[str, Tensor], bert: Tensor) -> None:
    x, prompt = golden["in.x"][0], golden["in.prompt"][0]
    both = network.generate([x, x[:13]], [bert, bert[:, :13]], prompt, replace(GREEDY, longest=60))
    for said, name in zip(both, ("batch.y0", "batch.y1"), strict=True):
        assert torch.equal(torch.cat([prompt, said]), golden[name])


def test_drawn_tokens(network: Text2Semantic, golden: dict[str, Tensor], bert: Tensor) -> None:
    noise = golden["sample.q"].clone()
    noise[:11, 1024] = 1.0  # the end could not be drawn there, and nothing was recorded for it
    sampling = Sampling(top_k=15, top_p=0.9, temperature=0.8, longest=len(noise))
    (said,) = network.generate([golden["in.x"][0]], [bert], golden["in.prompt"][0], sampling, noise=noise)
    assert torch.equal(torch.cat([golden["in.prompt"][0], said]), golden["sample.y"][0])


def test_the_network_says_where_it_ends(
    network: Text2Semantic, golden: dict[str, Tensor], bert: Tensor
) -> None:
    weights = dict(network.state_dict())
    weights[HEAD] = weights[HEAD].clone()
    weights[HEAD][1024] = golden["eos.row"]
    ending = built(lambda: Text2Semantic(network.config), weights)
    x, prompt = golden["in.x"][0], golden["in.prompt"][0]
    (said,) = ending.generate([x], [bert], prompt, replace(GREEDY, longest=200))
    assert torch.equal(torch.cat([prompt, said]), golden["eos.y"][0])
    assert len(said) == GREEDY.shortest  # it would have ended at once
    (longer,) = ending.generate([x], [bert], prompt, replace(GREEDY, longest=30, shortest=20))
    assert 20 <= len(longer) < 30 and torch.equal(longer[:11], said)
    (on,) = ending.generate([x], [bert], prompt, replace(GREEDY, longest=30, until_end=False))
    assert len(on) == 30 and int(on[11]) == 1024


def test_the_likeliest_token_ends_it_even_when_another_is_drawn(
    network: Text2Semantic, golden: dict[str, Tensor], bert: Tensor
) -> None:
    """Likeliest after the penalty: without one the end is never first here."""
    weights = dict(network.state_dict())
    weights[HEAD] = weights[HEAD].clone()
    weights[HEAD][1024] *= 1.5
    ending = built(lambda: Text2Semantic(network.config), weights)
    noise = torch.ones(60, 1025)
    noise[:, 1024] = 1e9  # as good as impossible to draw
    x, prompt = golden["in.x"][0], golden["in.prompt"][0]

    def said(penalty: float) -> Tensor:
        sampling = Sampling(repetition_penalty=penalty, longest=len(noise))
        return ending.generate([x], [bert], prompt, sampling, noise=noise)[0]

    assert len(said(1.0)) == len(noise)
    assert GREEDY.shortest <= len(said(1.35)) < len(noise) and bool((said(1.35) < 1024).all())


def test_logits_on_the_way(network: Text2Semantic, golden: dict[str, Tensor], bert: Tensor) -> None:
    """The recorded logits are those of the network, before the penalty; of the first ones the end was cut off."""
    decoder, prompt = network.model, golden["in.prompt"]
    step_by_step = IncrementalDecoder(decoder)
    with torch.no_grad():
        text = decoder.text(golden["in.x"], bert[None])
        logits, memory = step_by_step.read(text, decoder.audio(prompt), None)
        heard = [logits]
        for token in golden["greedy.y"][0, 30:-1]:
            logits, memory = step_by_step.step(token[None], memory)
            heard.append(logits)
    first = torch.cat(heard[:4])
    last = torch.cat(heard[-4:])
    assert farthest(first[:, :1024], golden["greedy.logits_first4"][:, :1024]) < TOLERANCE
    assert farthest(last, golden["greedy.logits_last4"]) < TOLERANCE


def test_teacher_forcing(
    network: Text2Semantic, golden: dict[str, Tensor], taught: tuple[Tensor, ...]
) -> None:
    with torch.no_grad():
        logits, targets = network(*taught)
        assert farthest(logits, golden["tf.logits"]) < TOLERANCE
        assert float(network.loss(*taught)) == pytest.approx(float(golden["tf.loss"]), rel=1e-6)
    assert targets[1, 17:].tolist() == [int(golden["tf.y"][1, 17]), *[1024] * 8]


def test_preferences(network: Text2Semantic, golden: dict[str, Tensor], taught: tuple[Tensor, ...]) -> None:
    with torch.no_grad():
        loss = network.preference_loss(*taught, golden["dpo.reject_y"], golden["dpo.reject_lens"])
    assert float(loss) == pytest.approx(float(golden["dpo.loss"]), rel=1e-6)


def test_rows_that_end_early_leave_the_others_alone(
    network: Text2Semantic, golden: dict[str, Tensor], bert: Tensor
) -> None:
    """Three utterances of different lengths, whose ends come at different steps, and each as if it were alone."""
    weights = dict(network.state_dict())
    weights[HEAD] = weights[HEAD].clone()
    weights[HEAD][1024] *= 3.0
    ending = built(lambda: Text2Semantic(network.config), weights)
    x, prompt = golden["in.x"][0], golden["in.prompt"][0]
    cuts = (20, 9, 15)
    sampling = replace(GREEDY, longest=60, repetition_penalty=2.0)
    alone = [ending.generate([x[:n]], [bert[:, :n]], prompt, sampling)[0] for n in cuts]
    assert len({len(said) for said in alone}) > 1 and min(len(said) for said in alone) < 60
    together = ending.generate([x[:n] for n in cuts], [bert[:, :n] for n in cuts], prompt, sampling)
    for one, other in zip(alone, together, strict=True):
        assert torch.equal(one, other)


def test_tokens_come_as_they_are_drawn(
    network: Text2Semantic, golden: dict[str, Tensor], bert: Tensor
) -> None:
    x, prompt = golden["in.x"][0], golden["in.prompt"][0]
    steps = network.steps([x, x[:13]], [bert, bert[:, :13]], prompt, GREEDY)
    first = list(islice(steps, 3))
    assert [rows for rows, _ in first] == [[0, 1]] * 3
    assert torch.equal(torch.stack([tokens[0] for _, tokens in first]), golden["greedy.y"][0, 30:33])


def test_the_seed_decides(network: Text2Semantic, golden: dict[str, Tensor], bert: Tensor) -> None:
    def said(seed: int) -> list[int]:
        generator = torch.Generator().manual_seed(seed)
        sampling = Sampling(top_k=50, longest=12)
        return network.generate(
            [golden["in.x"][0]], [bert], golden["in.prompt"][0], sampling, generator=generator
        )[0].tolist()

    assert said(1) == said(1) != said(2)


def test_a_row_with_a_seed_of_its_own_is_as_if_alone(
    network: Text2Semantic, golden: dict[str, Tensor], bert: Tensor
) -> None:
    weights = dict(network.state_dict())
    weights[HEAD] = weights[HEAD].clone()
    weights[HEAD][1024] *= 3.0
    ending = built(lambda: Text2Semantic(network.config), weights)
    x, prompt = golden["in.x"][0], golden["in.prompt"][0]
    cuts = (20, 9, 15)
    sampling = Sampling(top_k=50, longest=60)

    def said(rows: Sequence[int]) -> list[list[int]]:
        generators = [torch.Generator().manual_seed(row) for row in rows]
        texts, words = [x[: cuts[row]] for row in rows], [bert[:, : cuts[row]] for row in rows]
        spoken = ending.generate(texts, words, prompt, sampling, generator=generators)
        return [tokens.tolist() for tokens in spoken]

    together = said([0, 1, 2])
    assert [said([row])[0] for row in range(3)] == together
    assert len({len(tokens) for tokens in together}) > 1  # an early end moved the rows behind it up


def test_a_memory_grows_and_is_continued_twice(
    network: Text2Semantic, golden: dict[str, Tensor], bert: Tensor
) -> None:
    """Past its first slots it says what teacher forcing says; a copy is not disturbed by what the other goes on with."""
    decoder, tokens = network.model, torch.arange(1, 700) % 1024
    step_by_step = IncrementalDecoder(decoder)
    x = golden["in.x"]
    nothing = torch.zeros(1, 0, dtype=torch.long)
    with torch.no_grad():
        text = decoder.text(x, bert[None])
        logits, memory = step_by_step.read(text, decoder.audio(nothing), None)
        slots = memory.slots
        for token in tokens:
            logits, memory = step_by_step.step(token[None], memory)
        padding = torch.zeros(1, x.shape[1] + len(tokens), dtype=torch.bool)
        at_once = decoder(text, decoder.audio(tokens[None]), padding)
        assert memory.slots > slots and memory.length == x.shape[1] + len(tokens)
        assert farthest(logits, at_once[:, -1]) < TOLERANCE
        kept = memory.copy()
        step_by_step.step(torch.tensor([5]), memory)
        seven = step_by_step.step(torch.tensor([7]), kept)[0]
        assert torch.equal(seven, step_by_step.step(torch.tensor([7]), memory)[0])


def test_the_text_never_hears_the_audio(
    network: Text2Semantic, golden: dict[str, Tensor], bert: Tensor
) -> None:
    decoder, step_by_step = network.model, IncrementalDecoder(network.model)
    with torch.no_grad():
        text = decoder.text(golden["in.x"], bert[None])
        _, one = step_by_step.read(text, decoder.audio(golden["in.prompt"]), None)
        _, other = step_by_step.read(text, decoder.audio(golden["in.prompt"].flip(1)), None)
    for a, b in zip(one.keys, other.keys, strict=True):
        assert farthest(a[..., :20], b[..., :20]) < 1e-6
    assert farthest(one.keys[0][..., 20:50], other.keys[0][..., 20:50]) > 0.1


def test_bfloat16_goes_on_as_long(network: Text2Semantic, golden: dict[str, Tensor], bert: Tensor) -> None:
    rounded = built(lambda: Text2Semantic(network.config), network.state_dict()).bfloat16()
    (said,) = rounded.generate([golden["in.x"][0]], [bert.bfloat16()], golden["in.prompt"][0], GREEDY)
    assert len(said) == 61 and bool((said < 1024).all())


def test_the_penalty_counts_a_token_once_and_never_helps_it() -> None:
    logits = torch.tensor([[2.0, -2.0, 1.0, 0.0]])
    said = torch.zeros(1, 4, dtype=torch.bool).scatter(1, torch.tensor([[0, 0, 1]]), True)
    assert penalised(logits, said, 2.0).tolist() == [[1.0, -4.0, 1.0, 0.0]]


def test_draws_follow_the_probabilities() -> None:
    logits = torch.tensor([[0.0, 1.0, 2.0, -1.0]]).expand(20_000, -1)
    noise = torch.empty_like(logits).exponential_(generator=torch.Generator().manual_seed(0))
    drawn = draw(logits, Sampling(top_k=10), noise)
    shares = torch.bincount(drawn, minlength=4) / len(drawn)
    assert farthest(shares, logits[0].softmax(0)) < 0.02


@pytest.mark.parametrize(
    ("sampling", "possible"),
    [
        (Sampling(top_k=2), {1, 2}),
        (Sampling(top_k=1), {2}),
        (Sampling(top_k=10, top_p=0.01), {2}),
        (Sampling(top_k=10, top_p=0.7), {2}),  # 0.64 and 0.24: the second goes beyond 0.7
        (Sampling(top_k=10, top_p=0.9), {1, 2}),
        (Sampling(top_k=10, temperature=1e-6), {2}),
        (Sampling(top_k=10, temperature=50.0), {0, 1, 2, 3}),
    ],
)
def test_what_can_be_drawn(sampling: Sampling, possible: set[int]) -> None:
    logits = torch.tensor([[0.0, 1.0, 2.0, -1.0]]).expand(2000, -1)
    noise = torch.empty_like(logits).exponential_(generator=torch.Generator().manual_seed(0))
    assert set(draw(logits, sampling, noise).tolist()) == possible
