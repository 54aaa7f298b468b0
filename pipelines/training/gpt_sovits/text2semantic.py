"""The first network learns to say a text as the person does: the next semantic token, teacher forced."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from models.gpt_sovits.text2semantic import Text2Semantic
from pipelines.training.adaptation import Learner, drawn_from
from pipelines.training.gpt_sovits.examples import Example, drawn, lengths, padded
from pipelines.training.gpt_sovits.networks import Room, adapted, all_weights, checkpointed
from pipelines.training.gpt_sovits.plans import Plan

NAME = "GPT"
HELD_OUT_CLIPS = 8
_BETAS = (0.9, 0.95)


class Text2SemanticLearner(Learner):
    """
    Args:
        network: is changed by training.
        examples: whose text is known.
    """

    def __init__(
        self, network: Text2Semantic, examples: Sequence[Example], plan: Plan, device: str, room: Room
    ) -> None:
        self.network = network.to(device)
        self.examples, self.stage = examples, plan.text2semantic
        self.batch = max(1, self.stage.batch // room.accumulation)
        with drawn_from(torch.Generator(device).manual_seed(0)):
            trained = adapted(network, plan.lora_rank) if plan.lora_rank else all_weights(network)
        if room.checkpointing:
            checkpointed(network)
        optimiser = torch.optim.AdamW(trained.values(), lr=self.stage.learning_rate, betas=_BETAS)
        super().__init__(NAME, device, trained, {"all": optimiser}, precision=room.precision)

    def loss(self, generator: torch.Generator, trained: bool = True) -> Tensor:
        """Cross entropy a token, ends included."""
        examples = [example for example in self.examples if example.trained == trained]
        chosen = drawn(examples, self.batch, generator) if trained else examples[:HELD_OUT_CLIPS]
        phonemes, tokens = [e.phonemes for e in chosen], [e.tokens for e in chosen]
        batch = (
            padded(phonemes, left=True).to(self.device),
            lengths(phonemes, self.device),
            padded([e.bert for e in chosen], left=True).to(self.device, torch.float32),
            padded(tokens).to(self.device),
            lengths(tokens, self.device),
        )
        with self.autocast():
            loss = self.network.loss(*batch)
        return loss / (len(chosen) * (max(map(len, tokens)) + 1))
