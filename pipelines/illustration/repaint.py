"""How ``storybook`` paints over a drawing: its wash is laid over the drawing, and people are touched more lightly.

A small autoencoder cannot hold a face. So what is added to the drawing is the change that painting made: the painted
latents decoded, less the drawing's own latents decoded; whatever the autoencoder loses stays out of the difference, and
the drawing's lines show through as ink does under a wash. Unpainted, the picture is the drawing, exactly. The painter
works at the size it was taught; the drawing may be larger.

Where the subjects are, a lower strength: until so much is left to paint, their latents are the drawing's with the noise
of the moment (Differential Diffusion, Levin and Fried 2023).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from diffusers import StableDiffusionImg2ImgPipeline
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from pipelines.illustration.layout import Box
from pipelines.illustration.settings import PaintingSettings
from pipelines.illustration.wording import Wording

TAUGHT = 256
"""Pixels of the pictures ``storybook`` learned from."""
SUBJECT_SHARE = 0.35
"""Of the strength, where the subjects are."""


@torch.inference_mode()
def repaint(
    pipeline: StableDiffusionImg2ImgPipeline,
    drawing: Image.Image,
    subjects: Sequence[Box],
    words: Wording,
    settings: PaintingSettings,
    seed: int,
    stepped: Callable,
) -> Image.Image:
    """``drawing`` painted over; ``subjects`` are their boxes in pixels of ``drawing``."""
    vae, size = pipeline.vae, drawing.width
    # 1. The drawing as the painter sees it
    small = drawing if size == TAUGHT else drawing.resize((TAUGHT, TAUGHT), Image.Resampling.LANCZOS)
    drawn = vae.encode(_tensor(small).to(vae.device)).latent_dist.mode() * vae.config.scaling_factor
    strengths = strength_map(subjects, size, drawn.shape[-1], settings.strength).to(drawn.device)
    noise = torch.randn(drawn.shape, generator=torch.Generator("cpu").manual_seed(seed)).to(drawn.device)

    # 2. Paint, the subjects only when little is left
    def spared(running: StableDiffusionImg2ImgPipeline, index: int, moment: object, tensors: dict) -> dict:
        left = running.num_timesteps - index - 1
        if left:
            follows = running.scheduler.timesteps[-left:][:1]
            kept = running.scheduler.add_noise(drawn, noise, follows)
            waits = strengths < left / settings.num_inference_steps
            tensors["latents"] = torch.where(waits, kept, tensors["latents"])
        return stepped(running, index, moment, tensors)

    painted = pipeline(
        prompt=words.prompt,
        image=drawn,
        negative_prompt=words.negative_prompt,
        strength=settings.strength,
        num_inference_steps=settings.num_inference_steps,
        guidance_scale=settings.guidance_scale,
        generator=torch.Generator("cpu").manual_seed(seed),
        output_type="latent",
        callback_on_step_end=spared,
    ).images
    # 3. The wash, laid over the drawing
    after, before = (vae.decode(latents / vae.config.scaling_factor).sample for latents in (painted, drawn))
    wash = F.interpolate(after - before, (size, size), mode="bicubic").cpu()
    return _image(_tensor(drawing) + wash)


def strength_map(subjects: Sequence[Box], size: int, cells: int, strength: float) -> Tensor:
    """[1, 1, cells, cells]: ``strength``, and less of it towards the middle of every subject's ellipse."""
    at = (torch.arange(cells) + 0.5) * size / cells
    nearest = torch.full((cells, cells), 2.0)
    for box in subjects:
        wide, high = max(box.right - box.left, 1) / 2, max(box.bottom - box.top, 1) / 2
        across = (at - (box.left + box.right) / 2) / wide
        down = (at - (box.top + box.bottom) / 2) / high
        nearest = torch.minimum(nearest, (across[None] ** 2 + down[:, None] ** 2).sqrt())
    far = ((nearest - 0.9) / 0.4).clamp(0, 1)
    return (strength * (SUBJECT_SHARE + (1 - SUBJECT_SHARE) * far))[None, None]


def _tensor(image: Image.Image) -> Tensor:
    """[1, 3, H, W] in -1..1."""
    return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)[None].float() / 127.5 - 1


def _image(picture: Tensor) -> Image.Image:
    pixels = ((picture[0].clamp(-1, 1) + 1) * 127.5).round().byte()
    return Image.fromarray(pixels.permute(1, 2, 0).numpy())
