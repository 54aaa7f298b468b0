from __future__ import annotations

import pytest
import torch
from torch import nn

from models.adapters import LowRank, adapt_parameter, with_adapter
from models.blocks.weight_norm import WeightNormConv1d, WeightNormConvTranspose1d


def moved(adapter: LowRank) -> LowRank:
    """As if it had been trained."""
    torch.manual_seed(1)
    with torch.no_grad():
        adapter.lora_B.normal_()
    return adapter


def tensors(name: str, adapter: LowRank) -> dict[str, torch.Tensor]:
    return {f"{name}.lora_A": adapter.lora_A.detach(), f"{name}.lora_B": adapter.lora_B.detach()}


def test_an_adapter_starts_as_nothing_and_is_all_that_learns() -> None:
    layer = nn.Linear(6, 4).requires_grad_(False)
    x = torch.randn(3, 6)
    before = layer(x)
    adapter = adapt_parameter(layer, "weight", rank=2, scale=2.0)
    assert torch.equal(layer(x), before)
    layer(x).square().sum().backward()
    assert adapter.lora_B.grad.abs().sum() > 0
    assert [name for name, p in layer.named_parameters() if p.grad is not None] == [
        "parametrizations.weight.0.lora_A",
        "parametrizations.weight.0.lora_B",
    ]


@pytest.mark.parametrize("kind", [WeightNormConv1d, WeightNormConvTranspose1d])
def test_what_is_folded_in_sounds_as_what_was_trained(kind: type[nn.Module]) -> None:
    torch.manual_seed(0)
    layer = kind(6, 4, 5, 2)
    weights = {f"dec.{name}": weight.clone() for name, weight in layer.state_dict().items()}
    layer.fold()
    adapter = moved(adapt_parameter(layer, "weight", rank=2, scale=0.5))
    merged = with_adapter(weights, tensors("dec", adapter), 0.5)
    assert set(merged) == set(weights)  # length and direction are told apart again
    other = kind(6, 4, 5, 2)
    other.load_state_dict({name.removeprefix("dec."): weight for name, weight in merged.items()})
    x = torch.randn(1, 6, 40)
    assert torch.allclose(layer(x), other(x), atol=1e-5)
    assert torch.equal(merged["dec.bias"], weights["dec.bias"])
    # the length is that of the new weight, as torch would make it from one
    assert torch.allclose(
        merged["dec.weight_g"], merged["dec.weight_v"].flatten(1).norm(dim=1).view(-1, 1, 1)
    )


def test_a_bare_parameter_and_a_half_one() -> None:
    torch.manual_seed(0)
    module = nn.MultiheadAttention(8, 2)
    weights = {name: weight.half() for name, weight in module.state_dict().items()}
    adapter = moved(adapt_parameter(module, "in_proj_weight", rank=3, scale=1.0))
    merged = with_adapter(weights, tensors("in_proj_weight", adapter), 1.0)
    assert merged["in_proj_weight"].dtype == torch.float16
    assert torch.allclose(merged["in_proj_weight"].float(), module.in_proj_weight, atol=1e-2)
    assert merged["out_proj.weight"] is weights["out_proj.weight"]


def test_an_adapter_of_another_network() -> None:
    with pytest.raises(KeyError):
        with_adapter(
            {"a.weight": torch.zeros(2, 2)}, {"b.lora_A": torch.zeros(1, 2), "b.lora_B": torch.zeros(2, 1)}, 1
        )
