"""What Chinese text means, as one vector for each phoneme: chinese-roberta-wwm-ext-large (Cui et al. 2019)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from models.blocks.packed_linear import can_pack, pack_linears
from pipelines.speech.gpt_sovits.content_features import weights_of
from pipelines.transformers_networks import transformers_network

if TYPE_CHECKING:
    from transformers import BertModel, PreTrainedTokenizerBase

UNUSED_LAYERS = 2
"""The vectors are those that enter the second layer from the end, so it and what follows need not be there."""


class TextFeatures:
    def __init__(self, network: BertModel, tokenizer: PreTrainedTokenizerBase) -> None:
        self.network = network.eval()
        self.tokenizer = tokenizer

    @classmethod
    def load(cls, folder: Path, device: str = "cpu") -> TextFeatures:
        """From a folder with ``config.json``, ``model.safetensors`` and ``tokenizer.json`` or ``vocab.txt``.

        Raises:
            CraftError: ``checkpoint_shapes`` when a weight is missing or has another shape.
        """
        from transformers import AutoTokenizer, BertConfig, BertModel

        config = BertConfig.from_pretrained(folder, local_files_only=True)
        config.num_hidden_layers -= UNUSED_LAYERS
        weights = {
            name: weight
            for name, weight in weights_of(folder).items()
            if _is_used(name, config.num_hidden_layers)
        }
        network = transformers_network(BertModel, config, weights, add_pooling_layer=False)
        if device == "cpu" and can_pack():  # as the published file holds them: nothing is lost
            pack_linears(network)
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        return cls(network.to(device), tokenizer)

    @property
    def longest_text(self) -> int:
        """In characters; two places are taken by the marks of start and end."""
        return self.network.config.max_position_embeddings - 2

    @torch.inference_mode()
    def __call__(self, text: str, word2ph: Sequence[int]) -> Tensor:
        """
        Args:
            text: normalised, at most ``longest_text`` characters.
            word2ph: how many phonemes each character has.

        Returns:
            ``[C, P]``, each character's vector once for every phoneme it has; zeros for what the tokenizer leaves out.

        Raises:
            ValueError: the text is too long, or ``word2ph`` is of another text.
        """
        if len(text) > self.longest_text:
            raise ValueError(f"{len(text)} characters; at most {self.longest_text}")
        if len(word2ph) != len(text):
            raise ValueError(f"{len(word2ph)} counts of phonemes for {len(text)} characters")
        read = self.tokenizer(text, return_offsets_mapping=True, return_tensors="pt")
        spans = read.pop("offset_mapping")[0].tolist()
        states = self.network(**read.to(self.network.device)).last_hidden_state[0]  # [tokens, C]
        characters = states.new_zeros(len(text), states.shape[1])
        for vector, (start, end) in zip(states, spans, strict=True):
            characters[start:end] = vector
        return characters.repeat_interleave(torch.tensor(word2ph, device=states.device), dim=0).T


def _is_used(name: str, layers: int) -> bool:
    layer = re.search(r"\bencoder\.layer\.(\d+)\.", name)
    if layer:
        return int(layer[1]) < layers
    return "pooler." not in name and not name.startswith("cls.")
