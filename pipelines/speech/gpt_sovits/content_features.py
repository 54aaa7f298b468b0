"""What is said in a recording, as vectors 50 times a second: chinese-hubert-base (HuBERT, Hsu et al. 2021)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from pipelines.transformers_networks import transformers_network

if TYPE_CHECKING:
    from transformers import HubertModel

SAMPLE_RATE = 16_000
TAIL_SAMPLES = 9600
"""The silence that a reference recording ends with before its semantic tokens are taken. The published networks know it."""


class ContentFeatures:
    def __init__(self, network: HubertModel) -> None:
        self.network = network.eval()

    @classmethod
    def load(cls, folder: Path, device: str = "cpu") -> ContentFeatures:
        """From a folder with ``config.json`` and ``model.safetensors``.

        Raises:
            CraftError: ``checkpoint_shapes`` when a weight is missing or has another shape.
        """
        from transformers import HubertConfig, HubertModel

        config = HubertConfig.from_pretrained(folder, local_files_only=True)
        return cls(transformers_network(HubertModel, config, weights_of(folder)).to(device))

    @torch.inference_mode()
    def __call__(self, wave: Tensor) -> Tensor:
        """``[N]`` at 16 kHz as it was recorded, neither centred nor scaled -> ``[1, C, T]`` of the last layer."""
        heard = self.network(wave.unsqueeze(0).to(self.network.device)).last_hidden_state
        return heard.transpose(1, 2)

    def of_reference(self, wave: Tensor) -> Tensor:
        """The same of a recording that a prompt is made from: with the silence behind it."""
        return self(F.pad(wave, (0, TAIL_SAMPLES)))


def weights_of(folder: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")
