"""What was learnt beside a network's weights, as a file: low-rank additions (LoRA), and small weights in whole."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from models.adapters import with_adapter

Network = TypeVar("Network", bound=nn.Module)


def adapter_tensors(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """peft's names of what it trained to ``<layer>.lora_A`` and ``<layer>.lora_B``; other names stay."""
    tensors = {}
    for name, value in values.items():
        layer, found, side = name.partition(".lora_")
        tensors[f"{layer}.lora_{side[0]}" if found else name] = value
    return tensors


@dataclass(frozen=True)
class Adapter:
    """
    Attributes:
        tensors: ``<layer>.lora_A`` ``[r, in]`` and ``<layer>.lora_B`` ``[out, r]``; any other name is a weight in whole,
            or none of the network's.
        scale: factor on the product of both.
    """

    tensors: Mapping[str, Tensor]
    scale: float

    def merged_into(self, network: Network) -> Network:
        """A copy of ``network`` with the adapter in its weights; it shares the children that the adapter leaves alone."""
        touched = {name.partition(".")[0] for name in self.tensors}
        shared = {id(child): child for name, child in network.named_children() if name not in touched}
        merged = copy.deepcopy(network, shared)
        weights = merged.state_dict()
        changed = with_adapter(weights, self.tensors, self.scale)
        changed |= {name: tensor for name, tensor in self.tensors.items() if ".lora_" not in name}
        for name, weight in weights.items():
            if changed[name] is not weight:
                weight.copy_(changed[name])
        return merged.eval()

    def save(self, path: Path, facts: Mapping[str, Any]) -> None:
        """Write it as fp16, with plain ``facts`` beside it."""
        kept = {name: tensor.detach().cpu().half().contiguous() for name, tensor in self.tensors.items()}
        save_file(kept, path, {"scale": json.dumps(self.scale), "facts": json.dumps(dict(facts))})

    @classmethod
    def load(cls, path: Path) -> Adapter:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}
            return cls(tensors, json.loads(file.metadata()["scale"]))
