"""Second stage of the storybook painter: text encoder and UNet learn to paint latents from captions."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable

import numpy as np
import torch

from pipelines.illustration.painter import Painter, scheduler
from pipelines.training.storybook_compile import exercise
from pipelines.training.storybook_pool import Latents
from pipelines.training.together import mean_gradients

DECISIVE = ((0, 0.3), (150, 0.4), (300, 0.6), (450, 1.0), (600, 1.3), (999, 1.3))
"""Moments of the noise and how often they are drawn with a focus. Another subject's name in the caption changes the
loss where the subject stands by a tenth as much at 300 as at 900."""


class DiffusionTraining:
    """State of the second stage: the painter in training, its moving average, the optimizer.

    With a ``focus`` above 1 the loss weighs so much more where actors stand than elsewhere, and noise that decides
    what they are is drawn more often: for weights that know the places already.
    """

    def __init__(
        self,
        painter: Painter,
        *,
        batch: int,
        rate: float,
        average: float,
        gamma: float,
        focus: float,
        autocast: torch.autocast,
        log: Callable,
    ) -> None:
        self.painter, self.batch, self.rate, self.average = painter, batch, rate, average
        self.gamma, self.focus, self.autocast, self.log = gamma, focus, autocast, log
        self.device = painter.unet.device
        self.step, self.progress = 0, 0.0
        self.forward = painter.unet.train()
        painter.text.train()
        self.weights = [*painter.unet.parameters(), *painter.text.parameters()]
        fused = self.device.type == "cuda"
        self.optimizer = torch.optim.AdamW(self.weights, rate, (0.9, 0.99), weight_decay=0.01, fused=fused)
        smooth = copy.deepcopy(painter.text), copy.deepcopy(painter.unet)
        for part in smooth:
            part.eval().requires_grad_(False)
        self.smooth = Painter(painter.tokenizer, smooth[0], painter.vae, smooth[1])
        self.smooth_weights = [*self.smooth.unet.parameters(), *self.smooth.text.parameters()]
        self.keep = scheduler().alphas_cumprod.to(self.device)
        often = np.interp(np.arange(len(self.keep)), *zip(*DECISIVE, strict=True)) if focus > 1 else None
        self.often = torch.ones_like(self.keep) if often is None else torch.from_numpy(often).to(self.keep)

    def compile(self) -> None:
        """Run compiled from now on; worth it only when the compiler's cache is filled."""
        compiled = torch.compile(self.painter.unet)
        exercise(self.painter.unet, compiled, self.device, self.batch)
        self.forward = compiled
        self.log("compiled")

    def train_step(self, latents: Latents, progress: float) -> torch.Tensor:
        """One batch; returns the loss, still on the device."""
        self.progress = progress
        share = min(1.0, (self.step + 1) / 200) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))
        self.optimizer.param_groups[0]["lr"] = self.rate * share
        clean, words, covered = latents.batch(self.batch, progress)
        moment = torch.multinomial(self.often, self.batch, replacement=True)
        keep = self.keep[moment].view(-1, 1, 1, 1)
        noise = torch.randn_like(clean)
        noisy = keep.sqrt() * clean + (1 - keep).sqrt() * noise
        velocity = keep.sqrt() * noise - (1 - keep).sqrt() * clean
        # min-SNR, but whole where nothing is left of the picture: plain min-SNR weighs pure noise zero.
        ratio = (self.keep / (1 - self.keep).clamp(min=1e-8))[moment]
        weight = (self.gamma + 1) / (ratio + 1).clamp(min=self.gamma + 1)
        with self.autocast:
            meaning = self.painter.text(words).last_hidden_state
            noisy = noisy.contiguous(memory_format=torch.channels_last)
            guess = self.forward(noisy, moment, meaning.float()).sample
        here = torch.where(covered, self.focus, 1.0)
        error = ((guess.float() - velocity).square().mean(1, keepdim=True) * here).mean((1, 2, 3))
        loss = (error / here.mean((1, 2, 3)) * weight).mean()
        loss.backward()
        mean_gradients(self.weights)
        torch.nn.utils.clip_grad_norm_(self.weights, 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        decay = min(self.average, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            torch._foreach_lerp_(self.smooth_weights, [one.detach() for one in self.weights], 1 - decay)
        return loss.detach()

    def state(self) -> dict:
        return {
            "unet": self.painter.unet.state_dict(),
            "text": self.painter.text.state_dict(),
            "smooth_unet": self.smooth.unet.state_dict(),
            "smooth_text": self.smooth.text.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "progress": self.progress,
        }

    def load_state(self, state: dict) -> None:
        self.painter.unet.load_state_dict(state["unet"])
        self.painter.text.load_state_dict(state["text"])
        self.smooth.unet.load_state_dict(state["smooth_unet"])
        self.smooth.text.load_state_dict(state["smooth_text"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.progress = state["step"], state["progress"]
