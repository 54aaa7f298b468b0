"""First stage of the storybook painter: the autoencoder."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict

import torch
from torch import nn
from torch.nn import functional as F

from pipelines.training.storybook_pool import Pool
from pipelines.training.storybook_ruler import Ruler

KL_WEIGHT = 1e-4


def reconstruct(vae: nn.Module, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures [B, 3, H, W] through sampled latents, and the latents' mean KL divergence."""
    posterior = vae.encode(pictures).latent_dist
    mean, logvar = posterior.mean.float(), posterior.logvar.float()
    latents = mean + torch.randn_like(mean) * (0.5 * logvar).exp()
    kl = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean()
    return vae.decode(latents).sample.float(), kl


def train_autoencoder(
    vae: nn.Module,
    pool: Pool,
    *,
    batch: int,
    rate: float,
    progress: Callable[[], float],
    autocast: torch.autocast,
    log: Callable,
) -> None:
    """Train until `progress()` reaches 1."""
    fused = pool.device.type == "cuda"
    optimizer = torch.optim.AdamW(vae.parameters(), rate, (0.9, 0.98), weight_decay=0, fused=fused)
    step, reported = 0, 0.0
    while (done := progress()) < 1:
        pool.collect(0.0005)
        share = min(1.0, (step + 1) / 100) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))
        optimizer.param_groups[0]["lr"] = rate * share
        pictures = pool.pictures(batch)
        if step % 2:
            pictures = pictures.flip(3).contiguous(memory_format=torch.channels_last)
        with autocast:
            restored, kl = reconstruct(vae, pictures)
        pixel = F.l1_loss(restored, pictures)
        edges = sum(F.l1_loss(restored.diff(dim=axis), pictures.diff(dim=axis)) for axis in (2, 3))
        (pixel + edges + KL_WEIGHT * kl).backward()
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step += 1
        if step in (1, 30) or done - reported > 0.12:
            reported = done
            facts = {"l1": pixel.item(), "kl": kl.item()}
            log("autoencoder", step=step, progress=done, **facts, scenes=int(pool.done.sum()))
    vae.eval().requires_grad_(False)


@torch.no_grad()
def judge_autoencoder(vae: nn.Module, ruler: Ruler, pool: Pool, autocast: torch.autocast) -> dict:
    """PSNR of restored test pictures in dB, and what the ruler reads in true and in restored ones."""
    pictures = pool.test_pictures
    with autocast:
        restored = torch.cat([vae(part).sample.float() for part in pictures.split(32)]).clamp(-1, 1)
    on_renders = ruler.measure(pictures, pool.test_asked)
    on_restored = ruler.measure(restored, pool.test_asked)
    error = (restored - pictures).square().mean((1, 2, 3)) / 4
    return {
        "vae_psnr_db": round((-10 * error.log10()).mean().item(), 2),
        "ruler_on_renders": asdict(on_renders),
        "ruler_on_restored": asdict(on_restored),
    }
