"""The two networks of a voice: its own or the base's, with its adapter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from models.adapters import with_adapter
from models.blocks.packed_linear import multiplies_bf16
from models.blocks.streamed_matrices import can_stream
from models.gpt_sovits.sovits import Sovits
from models.gpt_sovits.text2semantic import Text2Semantic
from pipelines.failure import CraftError
from pipelines.speech.gpt_sovits.bases import facts_of
from pipelines.speech.gpt_sovits.official_files import SOVITS, TEXT2SEMANTIC
from pipelines.speech.voice import Voice

KINDS = (TEXT2SEMANTIC, SOVITS)
"""Also how a voice's tensors begin: ``sovits.enc_p.proj.weight``, ``text2semantic.<module>.lora_A``."""


@dataclass(frozen=True)
class OfficialWeights:
    """One official file.

    Attributes:
        tensors: under their official names, in the types they were saved in.
        facts: ``config`` and ``info``, as the file has them.
    """

    tensors: Mapping[str, Tensor]
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Networks:
    """For speaking."""

    text2semantic: Text2Semantic
    sovits: Sovits

    def to(self, device: str, instead_of: Networks | None = None) -> Networks:
        """On ``device``, in what it speaks fastest in without being heard; on a processor there is no way back.

        The GPT's matrices as fp16 lose nothing of the published files and arrive twice as fast; a generator in bf16 is worth
        it where the processor multiplies bf16 (``benchmarks/README.md`` has the figures). Elsewhere all is in fp32.

        Args:
            instead_of: networks that nobody needs any more. Their captured steps are taken over where they fit.
        """
        text2semantic, sovits = self.text2semantic, self.sovits.to(device)
        if device == "cpu":
            text2semantic = text2semantic.for_speaking("fp16" if can_stream("fp16") else "fp32")
            sovits = sovits.for_speaking(torch.bfloat16 if multiplies_bf16() else torch.float32)
        elif instead_of and instead_of.text2semantic.adopt(text2semantic):
            text2semantic = instead_of.text2semantic
        else:
            text2semantic = text2semantic.to(device).with_graphs()
        return Networks(text2semantic, sovits)


def read_weights(folder: Path) -> OfficialWeights:
    """Of a folder that ``Base.weights`` made."""
    from safetensors.torch import load_file

    return OfficialWeights(load_file(folder / "model.safetensors"), facts_of(folder))


def weights_of(voice: Voice, kind: str, base: OfficialWeights | None) -> OfficialWeights:
    """Of ``kind``, adapter merged; ``base`` is needed where the voice brought none of its own.

    Raises:
        ValueError: there are none.
    """
    named = {
        name.removeprefix(f"{kind}."): tensor
        for name, tensor in voice.tensors.items()
        if name.startswith(f"{kind}.")
    }
    adapter = {name: tensor for name, tensor in named.items() if name.endswith((".lora_A", ".lora_B"))}
    if is_imported(voice):
        own = {name: tensor for name, tensor in named.items() if name not in adapter}
        base = OfficialWeights(own, voice.facts["files"][kind])
    if base is None:
        raise ValueError(f"no weights of {kind}")
    if not adapter:
        return base
    return OfficialWeights(with_adapter(base.tensors, adapter, float(voice.facts["lora_scale"])), base.facts)


def is_imported(voice: Voice) -> bool:
    return "files" in voice.facts


def build(text2semantic: OfficialWeights, sovits: OfficialWeights) -> Networks:
    """
    Raises:
        CraftError: ``checkpoint_shapes``: the tensors are not those of the networks that they describe.
    """
    speaking = {name: tensor for name, tensor in sovits.tensors.items() if not name.startswith("enc_q.")}
    networks = Networks(
        _fitting(Text2Semantic, text2semantic.facts, text2semantic.tensors),
        _fitting(Sovits, sovits.facts, speaking).for_speaking(),
    )
    if networks.sovits.config.codebook_size < networks.text2semantic.config.end:
        raise CraftError(
            "checkpoint_shapes", name="quantizer"
        )  # it would be told tokens that it does not have
    return networks


def _fitting(
    kind: type[Text2Semantic] | type[Sovits], facts: Mapping[str, Any], weights: Mapping[str, Tensor]
) -> Any:
    try:
        return kind.of_official(facts["config"], weights)
    except (ValueError, RuntimeError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        # The file made the sizes up, so anything may go wrong with them; nothing was computed yet.
        named = re.search(r"[A-Za-z_]\w*(?:\.\w+)+", str(error))
        raise CraftError("checkpoint_shapes", name=named[0] if named else "config") from error
