"""A voice is a value: everything derived from a person's recordings that an engine needs to speak as them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Voice:
    """
    Attributes:
        engine: the engine it belongs to, e.g. ``starter``.
        tensors: speaker vectors, adapter weights, prompt tokens; names are the engine's own.
        facts: plain JSON data the engine wants back (base checkpoint hash, LoRA rank, language ...).
    """

    engine: str
    tensors: Mapping[str, Tensor]
    facts: Mapping[str, object]

    def to(self, device: str) -> Voice:
        return Voice(
            self.engine, {name: tensor.to(device) for name, tensor in self.tensors.items()}, self.facts
        )

    def joined(self, other: Voice) -> Voice:
        """Both together; where they disagree, ``other`` counts."""
        return Voice(self.engine, {**self.tensors, **other.tensors}, {**self.facts, **other.facts})

    @property
    def nbytes(self) -> int:
        return sum(tensor.numel() * tensor.element_size() for tensor in self.tensors.values())

    def save(self, path: Path) -> None:
        """Write one safetensors file; the caller decides about atomic replacement."""
        from safetensors.torch import save

        metadata = {"engine": self.engine, "facts": json.dumps(self.facts, sort_keys=True)}
        tensors = {name: tensor.contiguous().cpu() for name, tensor in self.tensors.items()}
        path.write_bytes(save(tensors, metadata))  # its own writer tells a full disk from nothing else

    @classmethod
    def load(cls, path: Path) -> Voice:
        from safetensors import safe_open

        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}
        return cls(metadata["engine"], tensors, json.loads(metadata["facts"]))
