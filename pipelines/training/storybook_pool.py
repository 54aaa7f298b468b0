"""The pictures the storybook painter learns from, on its device: pixels as they are rendered, then latents."""

from __future__ import annotations

import numpy as np
import torch

from pipelines.illustration.painter import Painter, standardise
from pipelines.training.storybook_ruler import Asked
from pipelines.training.storybook_scenes import CELL, CHUNK, SIZE, VARIANTS, SceneFactory


def to_floats(pictures: torch.Tensor) -> torch.Tensor:
    """uint8 [B, H, W, 3] -> float [B, 3, H, W] in -1..1, channels last."""
    return (pictures.float() / 127.5 - 1).permute(0, 3, 1, 2)


class Pool:
    """Rendered scenes with what they show; grows while the factory works."""

    def __init__(self, factory: SceneFactory, device: torch.device) -> None:
        self.factory, self.device = factory, device
        shape = factory.pixels.shape
        self.pixels = (
            torch.from_numpy(factory.pixels)
            if device.type == "cpu"
            else torch.empty(shape, dtype=torch.uint8, device=device)
        )
        self.near, self.single, self.done = (np.zeros(shape[0], bool) for _ in range(3))
        self.covered = torch.zeros((shape[0], SIZE // CELL, SIZE // CELL), dtype=torch.bool, device=device)
        self._captions: dict[int, list] = {}
        self.test_pictures = to_floats(torch.from_numpy(factory.tests()).to(device))
        self.test_asked = Asked.of(factory.test_scenes, device)

    def collect(self, timeout_seconds: float) -> bool:
        """Take in one finished chunk; False when none came in time."""
        chunk = self.factory.ready(timeout_seconds)
        if chunk is None:
            return False
        rows = slice(chunk.index * CHUNK, (chunk.index + 1) * CHUNK)
        if self.device.type != "cpu":
            self.pixels[rows].copy_(torch.from_numpy(self.factory.pixels[rows]))
        self.near[rows], self.single[rows], self.done[rows] = chunk.near, chunk.single, True
        self.covered[rows] = torch.from_numpy(chunk.covered).to(self.device)
        self._captions[chunk.index] = chunk.captions
        return True

    def wait_for(self, chunks: int) -> None:
        while self.factory.finished < chunks:
            self.collect(1.0)

    def pictures(self, count: int) -> torch.Tensor:
        """A random batch, float [count, 3, 256, 256]."""
        rows = torch.from_numpy(np.random.choice(np.flatnonzero(self.done), count)).to(self.device)
        return to_floats(self.pixels[rows])

    @torch.no_grad()
    def encode(self, painter: Painter, autocast: torch.autocast, *, fold: bool) -> Latents:
        """Every picture and its mirror image as latents; `fold` standardises the autoencoder first."""
        while self.collect(0.001):
            pass
        vae, known = painter.vae, np.flatnonzero(self.done)
        rows = torch.from_numpy(known).to(self.device)
        part = 256 if self.device.type == "cuda" else 16

        def latents(pictures: torch.Tensor) -> torch.Tensor:
            with autocast:
                return vae.encode(pictures).latent_dist.mean

        if fold:
            sample = rows[torch.randperm(len(rows), device=self.device)[: 8 * part]]
            parts = [latents(to_floats(self.pixels[cut])).float() for cut in sample.split(part)]
            standardise(vae, torch.cat(parts))
        views: tuple[list, list] = ([], [])
        for cut in rows.split(part):
            pictures = to_floats(self.pixels[cut])
            for view, found in zip((pictures, pictures.flip(3)), views, strict=True):
                found.append(latents(view).to(torch.bfloat16))
        values = torch.stack([torch.cat(view) for view in views], 1)
        words = [self._captions[index] for index in sorted(self._captions)]
        lines = [line for chunk in words for scene in chunk for view in scene for line in view]
        length = painter.tokenizer.model_max_length
        tokens = _tokens(painter, lines, self.device).view(len(known), 2, VARIANTS, length)
        empty = _tokens(painter, [""], self.device)
        single, near = np.flatnonzero(self.single[known]), np.flatnonzero(self.near[known])
        del self.pixels
        return Latents(values, tokens, empty, single, near, self.covered[rows])


def _tokens(painter: Painter, lines: list[str], device: torch.device) -> torch.Tensor:
    length = painter.tokenizer.model_max_length
    found = painter.tokenizer(lines, padding="max_length", truncation=True, max_length=length)
    return torch.from_numpy(np.array(found["input_ids"], np.int32)).to(device)


class Latents:
    """`values` [N, 2 mirrors, 4, 32, 32], `tokens` [N, 2, variants, length] of their captions, and which latents actors
    cover, `covered` [N, 32, 32] before mirroring."""

    def __init__(
        self,
        values: torch.Tensor,
        tokens: torch.Tensor,
        empty: torch.Tensor,
        single: np.ndarray,
        near: np.ndarray,
        covered: torch.Tensor,
    ) -> None:
        self.values, self.tokens, self._empty = values, tokens, empty
        self._single, self._near, self._covered = single, near, covered

    def batch(self, count: int, progress: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Latents [count, 4, 32, 32], caption tokens [count, length], covered latents [count, 1, 32, 32]: close-ups
        first, then single subjects, then everything."""
        rows = np.random.randint(0, len(self.values), count)
        simple = np.random.rand(count) > progress / 0.35
        easy = self._near if progress < 0.1 and len(self._near) else self._single
        rows[simple] = np.random.choice(easy, int(simple.sum()))
        device = self.values.device
        chosen = torch.from_numpy(rows).to(device)
        mirror = torch.randint(0, 2, chosen.shape, device=device)
        variant = torch.randint(0, VARIANTS, chosen.shape, device=device)
        words = self.tokens[chosen, mirror, variant]
        # One in ten learns without words, for classifier-free guidance.
        silent = torch.rand(count, 1, device=device) < 0.1
        plain = self._covered[chosen][:, None]
        actors = torch.where(mirror.bool().view(-1, 1, 1, 1), plain.flip(3), plain)
        return self.values[chosen, mirror].float(), torch.where(silent, self._empty, words).long(), actors
