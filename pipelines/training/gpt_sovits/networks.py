"""The two networks as they are trained: with an adapter each, or all of their weights."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial

import torch
from peft import LoraConfig, inject_adapter_in_model
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from models.adapters import adapt_parameter
from models.blocks.encoder import AttentionEncoder
from models.blocks.generator import ResidualBlock
from models.blocks.packed_linear import multiplies_bf16
from models.blocks.wavenet import WaveNet
from models.blocks.weight_norm import WeightNormConv1d, WeightNormConvTranspose1d, fold_weight_norm
from models.gpt_sovits.sovits import Sovits
from models.gpt_sovits.text2semantic import Block, Text2Semantic
from pipelines.speech.gpt_sovits.weights import OfficialWeights

LORA_SCALE = 2.0
ADAPTED = {
    Text2Semantic: r"model\.h\.layers\.",
    Sovits: r"(enc_p\.(?!encoder_text\.)|flow\.|dec\.)",
}
"""What LoRA adapts of each. The text encoder stays: on a minute of speech it memorises its sentences; so do the
posterior encoder and the style encoder, which know thousands of speakers already."""
FROZEN = "ssl_proj."
"""Semantic tokens must stay what they are."""
SMALL_CARD_BYTES = 12 * 2**30


@dataclass(frozen=True)
class Room:
    """How training lives with the memory there is.

    Attributes:
        precision: what networks compute in; fp32 where it is None.
        checkpointing: whether blocks forget what they computed and compute it again for the gradients (Chen et al. 2016).
        accumulation: a step's batch is computed in so many parts.
    """

    precision: torch.dtype | None = None
    checkpointing: bool = False
    accumulation: int = 1

    @classmethod
    def of(cls, device: str) -> Room:
        if torch.device(device).type != "cuda":
            # On a processor that multiplies bfloat16 it halves the work of the GPT and saves memory everywhere
            # (benchmarks/README.md); one that does not would be slowed down by it.
            return cls(torch.bfloat16 if multiplies_bf16() else None)
        # Cards without bfloat16 of their own would only pretend to have it.
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        small = torch.cuda.get_device_properties(device).total_memory < SMALL_CARD_BYTES
        return cls(torch.bfloat16 if native else torch.float16, small, 2 if small else 1)


class TrainedSovits(Sovits):
    """Whose semantic tokens do not depend on what it is trained in."""

    def extract_latent(self, content: Tensor) -> Tensor:
        with torch.autocast(content.device.type, enabled=False):
            return super().extract_latent(content.float())


def sovits_of(weights: OfficialWeights, base: OfficialWeights) -> TrainedSovits:
    """Of a voice's weights, with the posterior encoder of the base where they have none."""
    posterior = {name: tensor for name, tensor in base.tensors.items() if name.startswith("enc_q.")}
    return TrainedSovits.of_official(
        weights.facts["config"], {**posterior, **weights.tensors}, posterior=True
    )


def adapted(network: Text2Semantic | Sovits, rank: int) -> dict[str, nn.Parameter]:
    """LoRA in ``network``, nothing else of which is trained from now on; by the names that voices use.

    peft adapts the plain layers. It can name neither a bare parameter nor the weight of a convolution that was normed;
    there ``models.adapters`` steps in.
    """
    fold_weight_norm(network)
    network.requires_grad_(False)
    rooms = next(pattern for kind, pattern in ADAPTED.items() if isinstance(network, kind))
    modules = {name: module for name, module in network.named_modules() if re.match(rooms, name)}
    plain = [name for name, module in modules.items() if type(module) in (nn.Linear, nn.Conv1d)]
    found = {}
    for name, module in modules.items():
        if isinstance(module, (WeightNormConv1d, WeightNormConvTranspose1d)):
            found[name] = adapt_parameter(module, "weight", rank, LORA_SCALE)
        elif "in_proj_weight" in dict(module.named_parameters(recurse=False)):
            found[f"{name}.in_proj_weight"] = adapt_parameter(module, "in_proj_weight", rank, LORA_SCALE)
    config = LoraConfig(r=rank, lora_alpha=int(LORA_SCALE * rank), target_modules=plain, lora_dropout=0.0)
    inject_adapter_in_model(config, network)
    trained = {}
    for name in plain:
        layer = network.get_submodule(name)
        trained |= {f"{name}.lora_{side}": getattr(layer, f"lora_{side}")["default"].weight for side in "AB"}
    for name, adapter in found.items():
        trained |= {f"{name}.lora_A": adapter.lora_A, f"{name}.lora_B": adapter.lora_B}
    for parameter in trained.values():  # peft froze all but its own
        parameter.requires_grad_(True)
    return trained


def all_weights(network: Text2Semantic | Sovits) -> dict[str, nn.Parameter]:
    """Every parameter that the public recipe trains, by its official name."""
    trained = {}
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(not name.startswith(FROZEN))
        if parameter.requires_grad:
            trained[name] = parameter
    return trained


def checkpointed(network: nn.Module) -> None:
    """Its blocks forget what they computed until the gradients ask for it."""
    for module in network.modules():
        for kind, method in ((Block, "attend"), (ResidualBlock, "forward"), (WaveNet, "forward"),
                             (AttentionEncoder, "forward")):  # fmt: skip
            if isinstance(module, kind):
                setattr(module, method, partial(checkpoint, getattr(module, method), use_reentrant=False))
