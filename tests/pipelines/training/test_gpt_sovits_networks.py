"""What is adapted, what is frozen, and that an adapter folded into official weights is what was trained."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from models.adapters import with_adapter
from models.checkpoints import built, outlined
from models.gpt_sovits.discriminators import Discriminators
from models.gpt_sovits.sovits import Sovits, SovitsConfig
from models.gpt_sovits.text2semantic import Text2Semantic, Text2SemanticConfig
from pipelines.training.gpt_sovits.networks import (
    LORA_SCALE,
    Room,
    TrainedSovits,
    adapted,
    all_weights,
    checkpointed,
)
from pipelines.training.gpt_sovits.plans import PLANS
from studio.settings import Settings

FULL_SIZE = {"v2": SovitsConfig(), "v2Pro": SovitsConfig.v2pro(), "v2ProPlus": SovitsConfig.v2proplus()}
GPT = Text2SemanticConfig(channels=16, heads=2, layers=2, hidden_channels=32, bert_channels=8)
SOVITS = SovitsConfig(
    latent_channels=8,
    hidden_channels=12,
    filter_channels=16,
    layers=2,
    style_bins=30,
    spectrum_bins=40,
    upsample_initial_channels=32,
    style_channels=16,
    style_hidden_channels=8,
    reference_channels=16,
    semantic_channels=6,
    codebook_size=20,
    phonemes=30,
    dropout=0.0,
)


def text2semantic() -> Text2Semantic:
    torch.manual_seed(0)
    return Text2Semantic(GPT).eval()


def sovits() -> TrainedSovits:
    torch.manual_seed(0)
    network = TrainedSovits(SOVITS)
    network.quantizer.codebook.normal_()
    return network.eval()


def told(network: nn.Module) -> Tensor:
    """What it answers to the same question."""
    torch.manual_seed(2)
    if isinstance(network, Text2Semantic):
        question = torch.randint(700, (2, 5)), torch.tensor([5, 4]), torch.randn(2, 8, 5)
        return network(*question, torch.randint(1000, (2, 7)), torch.tensor([7, 6]))[0]
    content, spectrum = torch.randn(2, 6, 40), torch.randn(2, 40, 40).abs()
    made = network(content, spectrum, torch.tensor([40, 36]), torch.randint(30, (2, 9)), torch.tensor([9, 5]))
    return torch.cat([made.wave.flatten(), made.z_prior.flatten(), made.prior_mean.flatten()])


@pytest.mark.parametrize("make", [text2semantic, sovits])
def test_an_adapter_folded_in_is_what_was_trained(make) -> None:
    network = make()
    weights = {name: weight.clone() for name, weight in network.state_dict().items()}
    before = told(network)
    trained = adapted(network, 3)
    assert torch.allclose(told(network), before, atol=1e-6)
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in trained.values():
            parameter.normal_(std=0.2)
    after = told(network)
    merged = with_adapter(weights, {name: p.detach().flatten(1) for name, p in trained.items()}, LORA_SCALE)
    assert set(merged) == set(weights)
    again = built(lambda: type(network)(network.config), merged)
    assert torch.allclose(told(again), after, atol=1e-4)
    assert not torch.allclose(after, before, atol=0.05)


@pytest.mark.parametrize("make", [text2semantic, sovits])
def test_everything_that_is_adapted_gets_a_gradient_and_nothing_else_does(make) -> None:
    network = make()
    trained = adapted(network, 2)
    told(network).square().sum().backward()
    moving = {id(p) for p in trained.values()}
    assert all(p.grad is not None for p in trained.values())
    assert all(p.grad is None and not p.requires_grad for p in network.parameters() if id(p) not in moving)


def test_all_weights_but_those_that_tokens_hang_on() -> None:
    network = sovits()
    trained = all_weights(network)
    still = {name for name, p in network.named_parameters() if not p.requires_grad}
    assert still == {"ssl_proj.weight", "ssl_proj.bias"} and set(trained).isdisjoint(still)
    assert {"enc_q.pre.weight", "dec.ups.0.weight_g", "ref_enc.fc.fc.weight"} <= set(trained)


@pytest.mark.parametrize("version", FULL_SIZE)
def test_a_voice_of_full_size_keeps_within_the_studios_limit(version: str) -> None:
    rank = max(plan.lora_rank for plan in PLANS["lora"].values())
    numbers = 0
    for make in (
        lambda: Text2Semantic(Text2SemanticConfig()),
        lambda: Sovits(FULL_SIZE[version]),
    ):
        with torch.device("meta"):
            numbers += sum(p.numel() for p in adapted(outlined(make), rank).values())
    reference = 400_000  # style, prompt and its text
    assert 2 * numbers + reference < Settings().max_adapter_bytes, 2 * numbers


@pytest.mark.parametrize("make", [text2semantic, sovits])
@pytest.mark.parametrize("full", [False, True])
def test_checkpointing_changes_no_gradient(make, full: bool) -> None:
    gradients = []
    for forgetful in (False, True):
        network = make()
        torch.manual_seed(3)
        trained = all_weights(network) if full else adapted(network, 2)
        if not full:
            with torch.no_grad():
                for parameter in trained.values():
                    parameter.normal_(std=0.1)
        if forgetful:
            checkpointed(network)
        told(network).square().mean().backward()
        gradients.append({name: p.grad for name, p in trained.items() if p.grad is not None})
    plain, again = gradients
    assert set(plain) == set(again)
    assert all(torch.allclose(plain[name], again[name], atol=1e-6) for name in plain)


def test_checkpointing_forgets() -> None:
    """Fewer numbers wait for the gradients."""
    kept = []
    for forgetful in (False, True):
        network = Text2Semantic(replace(GPT, layers=12)).eval()
        all_weights(network)
        if forgetful:
            checkpointed(network)
        waiting = 0

        def keep(tensor: Tensor) -> Tensor:
            nonlocal waiting
            waiting += tensor.numel()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            told(network)
        kept.append(waiting)
    assert kept[1] < 0.6 * kept[0]


def test_semantic_tokens_do_not_hang_on_the_precision() -> None:
    network = sovits()
    content = torch.randn(1, 6, 8000)
    exact = Sovits.extract_latent(network, content)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough, sure = Sovits.extract_latent(network, content), network.extract_latent(content)
    assert torch.equal(sure, exact) and not torch.equal(rough, exact)


def test_critics_of_any_size() -> None:
    weights = Discriminators((2, 3, 5, 7, 11), width=4).state_dict()
    critics = Discriminators.of_official({name: weight.half() for name, weight in weights.items()})
    assert [critic.period for critic in critics.discriminators[1:]] == [2, 3, 5, 7, 11]
    assert critics(torch.randn(1, 1, 3000))[0][0].dtype == torch.float32
    with pytest.raises(ValueError, match="2 critics"):
        Discriminators.of_official(
            {n: w for n, w in weights.items() if re.match(r"discriminators\.[01]\.", n)}
        )


def test_room_follows_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    for native, precision in ((True, torch.bfloat16), (False, None)):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda native=native: native)
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
        assert Room.of("cpu") == Room(precision)


@pytest.mark.parametrize(
    ("gigabytes", "native", "room"),
    [
        (8, False, Room(torch.float16, True, 2)),
        (8, True, Room(torch.bfloat16, True, 2)),
        (24, True, Room(torch.bfloat16)),
    ],
)
def test_room_follows_the_card(
    monkeypatch: pytest.MonkeyPatch, gigabytes: int, native: bool, room: Room
) -> None:
    class Card:
        total_memory = gigabytes * 2**30

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: native)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: Card)
    assert Room.of("cuda") == room
