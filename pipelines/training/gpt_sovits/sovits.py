"""The second network learns to sound as the person does: reconstruction, a prior that agrees, and critics to convince."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import torch
import torchaudio
from torch import Tensor
from torch.nn import functional as F

from models.gpt_sovits.discriminators import Discriminators
from models.gpt_sovits.sovits import Rehearsal
from models.gpt_sovits.spectra import FFT_SIZE, HOP, SAMPLE_RATE, magnitude_spectrum
from pipelines.training.adaptation import Learner, drawn_from
from pipelines.training.gpt_sovits.examples import Example, drawn, lengths, padded
from pipelines.training.gpt_sovits.networks import Room, TrainedSovits, adapted, all_weights, checkpointed
from pipelines.training.gpt_sovits.plans import Plan

NAME = "SoVITS"
HELD_OUT_CLIPS = 8
MEL_BANDS = 128
MEL_WEIGHT = 45.0
CRITICS_LEARNING_RATE = 1e-4
TEXT_SHARE = 0.4
"""Of the learning rate, for what reads the text."""
_TEXT = ("enc_p.text_embedding.", "enc_p.encoder_text.", "enc_p.mrte.")
_OPTIMISER = {"betas": (0.8, 0.99), "eps": 1e-9}

Opinions = list[tuple[Tensor, list[Tensor]]]
"""Scores and feature maps of each critic."""


class SovitsLearner(Learner):
    """
    Args:
        network: is changed by training.
        critics: are changed too; without them there are no adversarial losses.
    """

    def __init__(
        self,
        network: TrainedSovits,
        critics: Discriminators | None,
        examples: Sequence[Example],
        plan: Plan,
        device: str,
        room: Room,
    ) -> None:
        self.network = network.to(device)
        self.critics = critics.to(device) if critics else None
        self.examples, self.stage = examples, plan.sovits
        self.batch = max(1, self.stage.batch // room.accumulation)
        with drawn_from(torch.Generator(device).manual_seed(0)):
            moving = adapted(network, plan.lora_rank) if plan.lora_rank else all_weights(network)
        if room.checkpointing:
            checkpointed(network)
        self.moving = list(moving.values())
        slow = [p for name, p in moving.items() if name.startswith(_TEXT)]
        fast = [p for name, p in moving.items() if not name.startswith(_TEXT)]
        rate = self.stage.learning_rate
        groups = [{"params": fast, "lr": rate}, {"params": slow, "lr": rate * TEXT_SHARE}]
        optimisers = {"generator": torch.optim.AdamW(groups, **_OPTIMISER)}
        # What only training needs is trained, and not kept.
        kept = {name: p for name, p in moving.items() if not name.startswith("enc_q.")}
        beside = {name: p for name, p in moving.items() if name not in kept}
        if critics:
            beside |= {f"critics.{name}": p for name, p in critics.named_parameters()}
            optimisers["critics"] = torch.optim.AdamW(
                critics.parameters(), lr=CRITICS_LEARNING_RATE, **_OPTIMISER
            )
        super().__init__(NAME, device, kept, optimisers, beside, room.precision)

    def loss(self, generator: torch.Generator, trained: bool = True) -> Tensor:
        """Mel distance and divergence of the prior, without what the critics say."""
        return self._rehearsed(generator, trained)[0]

    def backward(self, generator: torch.Generator, share: float) -> Tensor:
        fidelity, made, real = self._rehearsed(generator, True)
        total = fidelity
        if self.critics:
            # They look once; each side learns from what they saw.
            with self.autocast():
                wanted, seen = self.critics(real), self.critics(made)
            told_apart = self.scaler.scale(told_apart_loss(wanted, seen) * share)
            told_apart.backward(inputs=list(self.critics.parameters()), retain_graph=True)
            total = total + convincing_loss(wanted, seen)
        self.scaler.scale(total * share).backward(inputs=self.moving)
        return fidelity.detach()

    def _rehearsed(self, generator: torch.Generator, trained: bool) -> tuple[Tensor, Tensor, Tensor]:
        """The losses without critics, and the segments that were made and that should have been, ``[B, 1, S]``."""
        examples = [example for example in self.examples if example.trained == trained]
        chosen = drawn(examples, self.batch, generator) if trained else examples[:HELD_OUT_CLIPS]
        wave = padded([e.wave for e in chosen]).to(self.device)
        phonemes = [e.phonemes for e in chosen]
        speakers = None
        if chosen[0].speaker is not None:
            speakers = torch.stack([e.speaker for e in chosen]).to(self.device)
        batch = (
            padded([e.content for e in chosen]).to(self.device, torch.float32),
            magnitude_spectrum(wave),
            lengths([e.content for e in chosen], self.device),
            padded(phonemes).to(self.device),
            lengths(phonemes, self.device),
            speakers,
        )
        self.network.train(trained)
        with drawn_from(generator), self.autocast():
            made = self.network(*batch)
        told = torch.tensor([e.told for e in chosen], device=self.device)
        samples = made.wave.shape[-1]
        at = (made.starts * HOP)[:, None] + torch.arange(samples, device=self.device)
        real = wave.gather(1, at)
        distance = F.l1_loss(log_mel(made.wave[:, 0].float()), log_mel(real))
        return MEL_WEIGHT * distance + divergence(made, told), made.wave.float(), real.unsqueeze(1)


def log_mel(wave: Tensor) -> Tensor:
    """``[B, N]`` at 32 kHz -> ``[B, MEL_BANDS, N // HOP]``."""
    filters = _filters().to(wave.device)
    return torch.log((filters.T @ magnitude_spectrum(wave)).clamp(min=1e-5))


@cache
def _filters() -> Tensor:
    """``[F, MEL_BANDS]``, those that the public networks were trained with."""
    return torchaudio.functional.melscale_fbanks(
        FFT_SIZE // 2 + 1, 0.0, SAMPLE_RATE / 2, MEL_BANDS, SAMPLE_RATE, norm="slaney", mel_scale="slaney"
    )


def divergence(made: Rehearsal, told: Tensor) -> Tensor:
    """How far the prior is from the posterior, in nats a frame, of the rows whose text is known: ``told`` ``[B]``."""
    mask = made.mask.float() * told[:, None, None]
    log_prior, log_posterior = made.prior_log_deviation.float(), made.posterior_log_deviation.float()
    error = (made.z_prior.float() - made.prior_mean.float()).square() * torch.exp(-2 * log_prior)
    return ((log_prior - log_posterior - 0.5 + 0.5 * error) * mask).sum() / mask.sum().clamp(min=1)


def told_apart_loss(real: Opinions, made: Opinions) -> Tensor:
    """What critics want: 1 for what was recorded, 0 for what was made (LSGAN, Mao et al. 2017)."""
    return sum(
        (1 - r.float()).square().mean() + m.float().square().mean()
        for (r, _), (m, _) in zip(real, made, strict=True)
    )


def convincing_loss(real: Opinions, made: Opinions) -> Tensor:
    """What the generator wants: 1 for what it made, and that critics see the same on the way."""
    return sum(
        (1 - scores.float()).square().mean()
        + 2 * sum((a.float() - b.float()).abs().mean() for a, b in zip(wanted, seen, strict=True))
        for (_, wanted), (scores, seen) in zip(real, made, strict=True)
    )
