from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from pipelines.speech.adapters import Adapter, adapter_tensors


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.ModuleDict(
        {"first": nn.Sequential(nn.Linear(3, 4)), "second": nn.Linear(4, 2), "table": nn.Embedding(5, 2)}
    )


def test_merged_is_the_sum_and_the_original_stays() -> None:
    base = network()
    before = {name: value.clone() for name, value in base.state_dict().items()}
    a, b, table = torch.randn(1, 3), torch.randn(4, 1), torch.randn(5, 2)
    adapter = Adapter({"first.0.lora_A": a, "first.0.lora_B": b, "table.weight": table}, 0.5)
    merged = adapter.merged_into(base)
    torch.testing.assert_close(merged["first"][0].weight, before["first.0.weight"] + 0.5 * b @ a)
    assert torch.equal(merged["table"].weight, table)
    assert merged["second"] is base["second"], "what is not touched was copied"
    assert all(torch.equal(value, before[name]) for name, value in base.state_dict().items())


def test_an_adapter_is_the_same_from_its_file(tmp_path: Path) -> None:
    adapter = Adapter({"first.0.lora_A": torch.ones(1, 3), "first.0.lora_B": torch.full((4, 1), 0.5)}, 2.0)
    adapter.save(tmp_path / "a.safetensors", {"steps": 7})
    back = Adapter.load(tmp_path / "a.safetensors")
    assert back.scale == 2.0 and back.tensors.keys() == adapter.tensors.keys()
    assert all(torch.equal(back.tensors[name].float(), value) for name, value in adapter.tensors.items())


def test_names_lose_what_peft_adds() -> None:
    names = ("flow.out.lora_A.default.weight", "flow.out.lora_B.default.weight", "text.tone.weight")
    kept = adapter_tensors({name: torch.zeros(1) for name in names})
    assert list(kept) == ["flow.out.lora_A", "flow.out.lora_B", "text.tone.weight"]
