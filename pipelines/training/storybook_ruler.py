"""The ruler: a small classifier that says which subjects, place and palette a picture shows.

It looks at a picture through a window that slides over it at many sizes, and at the whole for place and palette. So it
is taught on windows cut around the subjects of composed scenes, 48 x 48 pixels whatever the subject's size; and its
first layer is not learned: edges by direction and mean colours in cells of 4 x 4 pixels (Dalal and Triggs 2005). That
takes some twenty minutes on one core, where learning from whole pictures took a GPU. It never sees a held-out pair.

`python -m pipelines.training.storybook_ruler --out runs/ruler.safetensors` trains it and prints what it reads in true
renders of held-out pairs.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F

from pipelines.illustration.layout import Scene, boxes, compose
from pipelines.training.storybook_scenes import (
    PALETTE_NAMES,
    PLACE_NAMES,
    SUBJECTS,
    held_out_scenes,
    random_scene,
)

WINDOW = 48
CANVAS = 128
"""Pixels of the scenes that windows are cut from."""
Window = tuple[float, float, float]
"""Left, top and size of a square, in pixels of the canvas."""
SHARES = (1.0, 0.84, 0.7, 0.58, 0.48, 0.4, 0.33, 0.28)
"""Width of the window as a share of the picture."""
SPOTS = 33
CELL, DIRECTIONS = 4, 8
WIDTHS = (96, 160, 288)
NOBODY = len(SUBJECTS)
POOL = 2048
STEPS = 8000
BATCH = 64
RATE = 2e-3


@dataclass(frozen=True)
class Asked:
    """What pictures should show: `who` [B, 3] with -1 for nobody, `place` [B], `palette` [B]."""

    who: torch.Tensor
    place: torch.Tensor
    palette: torch.Tensor

    def __getitem__(self, rows: torch.Tensor | slice) -> Asked:
        return Asked(self.who[rows], self.place[rows], self.palette[rows])

    @classmethod
    def of(cls, scenes: list[Scene], device: torch.device | str = "cpu") -> Asked:
        who = torch.full((len(scenes), 3), -1, device=device)
        for row, scene in enumerate(scenes):
            for column, actor in enumerate(scene.actors):
                who[row, column] = SUBJECTS.index(actor.look.subject)
        place = torch.tensor([PLACE_NAMES.index(scene.place) for scene in scenes], device=device)
        palette = torch.tensor([PALETTE_NAMES.index(scene.palette) for scene in scenes], device=device)
        return cls(who, place, palette)


@dataclass(frozen=True)
class Score:
    """Shares of pictures where the asked subjects, place, palette were found."""

    subject: float
    place: float
    palette: float


class Ruler(nn.Module):
    """Pictures [B, 3, H, W] in -1..1 -> logarithms of how surely each subject is there [B, S], logits of places [B, 14], palettes [B, 6]."""

    def __init__(self) -> None:
        super().__init__()
        angles = torch.arange(DIRECTIONS) * (2 * math.pi / DIRECTIONS)
        slope = torch.tensor([[-1.0, 0.0, 1.0]]).expand(3, 3) / 3
        turned = [a.cos() * slope + a.sin() * slope.T for a in angles]
        self.register_buffer("edges", torch.stack(turned)[:, None], persistent=False)
        first, second, last = WIDTHS
        # Without padding, so that a window in the middle of a picture is read like one alone: 12, 10, 5, 3, 1 cells.
        self.body = nn.Sequential(
            nn.BatchNorm2d(DIRECTIONS + 3),
            nn.Conv2d(DIRECTIONS + 3, first, 3, bias=False),
            nn.BatchNorm2d(first),
            nn.ReLU(),
            nn.AvgPool2d(2),
            nn.Conv2d(first, second, 3, bias=False),
            nn.BatchNorm2d(second),
            nn.ReLU(),
            nn.Conv2d(second, last, 3, bias=False),
            nn.BatchNorm2d(last),
            nn.ReLU(),
        )
        self.subjects = nn.Conv2d(last, len(SUBJECTS) + 1, 1)
        self.scene = nn.Conv2d(last, len(PLACE_NAMES) + len(PALETTE_NAMES), 1)

    def read(self, views: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Views [B, 3, H, W] -> logits of subjects and nobody [B, S + 1, h, w] and of places and palettes [B, 20, h, w],
        one cell for every place of the window, 8 pixels apart."""
        grey = F.pad(views.mean(1, keepdim=True), (1, 1, 1, 1), mode="replicate")
        edges = 4 * F.conv2d(grey, self.edges).relu()
        seen = self.body(F.avg_pool2d(torch.cat((edges, views), 1), CELL))
        return self.subjects(seen), self.scene(seen)

    def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        seen = []
        for share in SHARES:
            size = round(WINDOW / share / 8) * 8
            subjects, scene = self.read(_resized(pictures, size))
            seen.append(_spread(subjects.softmax(1)[:, :NOBODY], size))
            if share == 1.0:
                places, palettes = scene[:, :, 0, 0].split((len(PLACE_NAMES), len(PALETTE_NAMES)), 1)
        # A subject shows at two neighbouring sizes of the window; what looks like one at a single size is chance.
        both = torch.stack([(one + other).amax((2, 3)) / 2 for one, other in pairwise(seen)])
        return both.amax(0).clamp(min=1e-9).log(), places, palettes

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({name: value.contiguous().cpu() for name, value in self.state_dict().items()}, path)

    @classmethod
    def load(cls, path: Path) -> Ruler:
        """Raises RuntimeError for a ruler of other subjects or another shape."""
        ruler = cls()
        ruler.load_state_dict(load_file(path))
        return ruler.eval()

    @classmethod
    def ready(cls, path: Path, log: Callable = print) -> Ruler:
        """The ruler kept at ``path``; trained and kept there when it is not yet, or was made for other drawings."""
        try:
            return cls.load(path)
        except (OSError, RuntimeError, SafetensorError):
            ruler = train_ruler(log=log)
            ruler.save(path)
            return ruler

    @torch.no_grad()
    def measure(self, pictures: torch.Tensor, asked: Asked) -> Score:
        """All asked subjects must be the most likely ones: top 1 of one, top 2 of two, top 3 of three."""
        return Score(*(right.float().mean().item() for right in self.verdicts(pictures, asked)))

    @torch.no_grad()
    def verdicts(
        self, pictures: torch.Tensor, asked: Asked
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """For every picture whether subject, place and palette are right, each [B]."""
        parts = []
        for start in range(0, len(pictures), 32):
            cut = slice(start, start + 32)
            wanted = asked[cut]
            subjects, places, palettes = self(pictures[cut].float())
            present = wanted.who >= 0
            best = subjects.topk(3, 1).indices
            ranks = torch.arange(3, device=best.device)
            best = best.masked_fill(ranks >= present.sum(1, keepdim=True), -2)
            found = (wanted.who.unsqueeze(2) == best.unsqueeze(1)).any(2)
            parts.append(
                (
                    (found | ~present).all(1),
                    places.argmax(1) == wanted.place,
                    palettes.argmax(1) == wanted.palette,
                )
            )
        return tuple(torch.cat(column) for column in zip(*parts, strict=True))


def _spread(cells: torch.Tensor, size: int) -> torch.Tensor:
    """Windows [B, S, h, h] of a picture of `size` pixels, put where their middles are on a grid [B, S, SPOTS, SPOTS]."""
    last = cells.shape[2] - 1
    if not last:
        return cells.expand(-1, -1, SPOTS, SPOTS)
    middles = (torch.arange(SPOTS, device=cells.device) + 0.5) / SPOTS
    at = (((middles * size - WINDOW / 2) / 8) / last * 2 - 1).clamp(-1, 1)
    grid = torch.stack(torch.meshgrid(at, at, indexing="xy"), -1)
    return F.grid_sample(cells, grid[None].expand(len(cells), -1, -1, -1), align_corners=True)


def _resized(pictures: torch.Tensor, size: int) -> torch.Tensor:
    return F.interpolate(pictures, (size, size), mode="bilinear", antialias=True, align_corners=False)


def shown_in(window: Window, scene: Scene) -> int:
    """Whom a window shows: a subject that fills it, nobody (a part of somebody, or somebody small, is nobody), or -1
    when it is neither the one nor the other."""
    left, top, size = window
    doubtful = False
    for box in boxes(scene, CANVAS):
        room = size / max(box.right - box.left, box.bottom - box.top, 1)
        across = abs((box.left + box.right) / 2 - left - size / 2) / size
        down = abs((box.top + box.bottom) / 2 - top - size / 2) / size
        beside = max(across, down)
        if 0.95 < room < 1.45 and beside < 0.16:
            return SUBJECTS.index(box.subject)
        doubtful |= 0.7 < room < 2.0 and beside < 0.32
    return -1 if doubtful else NOBODY


class Windows:
    """Scenes composed as training goes on, and windows cut from them."""

    def __init__(self, seed: int, pool: int = POOL) -> None:
        self.rng = Random(seed)
        self.noise = torch.Generator().manual_seed(seed)
        self.scenes: list[Scene] = []
        self.pixels = np.zeros((pool, CANVAS, CANVAS, 3), np.uint8)
        self._next = 0

    def render(self, count: int) -> None:
        """Compose `count` more scenes; the oldest make room."""
        for _ in range(count):
            scene = random_scene(self.rng.choice(PLACE_NAMES), self.rng)
            row = self._next % len(self.pixels)
            self.scenes[row : row + 1] = [scene]
            self.pixels[row] = np.asarray(compose(scene, CANVAS))
            self._next += 1

    def batch(self, count: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Windows [B, 3, 48, 48], who [B], place [B], palette [B]; -1 where a window teaches nothing of it."""
        rng = self.rng
        rows = [rng.randrange(len(self.scenes)) for _ in range(count)]
        corners, who, place, palette = [], [], [], []
        for row in rows:
            scene, kind = self.scenes[row], rng.random()
            whole = kind < 0.12
            window = (
                (0.0, 0.0, float(CANVAS))
                if whole
                else self._around(scene)
                if kind < 0.6
                else self._anywhere()
            )
            corners.append(window)
            who.append(shown_in(window, scene))
            place.append(PLACE_NAMES.index(scene.place) if whole else -1)
            palette.append(PALETTE_NAMES.index(scene.palette) if whole else -1)
        pictures = torch.from_numpy(self.pixels[rows]).permute(0, 3, 1, 2).float() / 127.5 - 1
        views = self._worn(self._cut(pictures, torch.tensor(corners)))
        return views, *(torch.tensor(one) for one in (who, place, palette))

    def _cut(self, pictures: torch.Tensor, corners: torch.Tensor) -> torch.Tensor:
        """Square windows `corners` [B, 3] (left, top, size in pixels), half of them mirrored, at 48 x 48."""
        left, top, size = corners.T / CANVAS
        turn = torch.where(torch.rand(len(size), generator=self.noise) < 0.5, -1.0, 1.0)
        zero = torch.zeros_like(size)
        across = torch.stack((size * turn, zero, 2 * left + size - 1), 1)
        down = torch.stack((zero, size, 2 * top + size - 1), 1)
        grid = F.affine_grid(
            torch.stack((across, down), 1), [len(size), 3, WINDOW, WINDOW], align_corners=False
        )
        return F.grid_sample(pictures, grid, align_corners=False, padding_mode="border")

    def _around(self, scene: Scene) -> Window:
        """A square window about one of the actors, not quite in the middle."""
        box = self.rng.choice(boxes(scene, CANVAS))
        long = max(box.right - box.left, box.bottom - box.top, 12)
        size = min(CANVAS, long * self.rng.uniform(1.0, 1.35))
        slack = 0.1 * size
        middle = ((box.left + box.right) / 2, (box.top + box.bottom) / 2)
        left, top = (
            min(max(at + self.rng.uniform(-slack, slack) - size / 2, 0), CANVAS - size) for at in middle
        )
        return left, top, size

    def _anywhere(self) -> Window:
        size = CANVAS * self.rng.uniform(0.22, 0.9)
        return self.rng.uniform(0, CANVAS - size), self.rng.uniform(0, CANVAS - size), size

    def _worn(self, views: torch.Tensor) -> torch.Tensor:
        """Painted pictures are softer and noisier than renders, and washes of other colours lie over them; the ruler
        must read them too."""
        if self.rng.random() < 0.3:
            small = self.rng.choice((20, 26, 34))
            views = _resized(_resized(views, small), WINDOW)
        count = len(views)
        gain = 1 + 0.1 * self._normal(count, 3, 1, 1)
        grain = self._share(count, 0.1) * self._normal(*views.shape)
        drops = self.rng.choice((3, 5, 8))
        wash = F.interpolate(self._normal(count, 3, drops, drops), (WINDOW, WINDOW), mode="bicubic")
        return views * gain + grain + self._share(count, 0.25) * wash

    def _normal(self, *shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=self.noise)

    def _share(self, count: int, most: float) -> torch.Tensor:
        return most * torch.rand(count, 1, 1, 1, generator=self.noise)


def ruler_loss(
    ruler: Ruler, views: torch.Tensor, who: torch.Tensor, place: torch.Tensor, palette: torch.Tensor
) -> torch.Tensor:
    subjects, scene = (logits[:, :, 0, 0] for logits in ruler.read(views))
    places, palettes = scene.split((len(PLACE_NAMES), len(PALETTE_NAMES)), 1)
    return (
        F.cross_entropy(subjects, who, ignore_index=-1, label_smoothing=0.05)
        + 0.5 * F.cross_entropy(places, place, ignore_index=-1)
        + 0.5 * F.cross_entropy(palettes, palette, ignore_index=-1)
    )


def train_ruler(steps: int = STEPS, seed: int = 7, log: Callable = print) -> Ruler:
    """A ruler taught on `steps` batches of 64 windows, rendered meanwhile."""
    torch.manual_seed(seed)
    ruler = Ruler().train()
    windows = Windows(seed)
    windows.render(min(384, len(windows.pixels)))
    optimizer = torch.optim.AdamW(ruler.parameters(), RATE, (0.9, 0.98), weight_decay=0.02)
    began, losses = time.monotonic(), []
    for step in range(steps):
        windows.render(4)
        share = min(1.0, (step + 1) / (1 + steps / 20)) * (
            0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / steps))
        )
        optimizer.param_groups[0]["lr"] = RATE * share
        views, *shown = windows.batch(BATCH)
        loss = ruler_loss(ruler, views, *shown)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
        if (step + 1) % 100 == 0:
            log(f"ruler step {step + 1} loss {np.mean(losses):.3f} after {time.monotonic() - began:.0f} s")
            losses = []
    return ruler.eval()


def true_renders(scenes: list[Scene], size: int = 256) -> torch.Tensor:
    """[B, 3, size, size] in -1..1."""
    pixels = np.stack([np.asarray(compose(scene, size)) for scene in scenes])
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=STEPS)
    arguments = parser.parse_args()
    ruler = train_ruler(arguments.steps)
    ruler.save(arguments.out)
    scenes = held_out_scenes(256, 11)
    print(ruler.measure(true_renders(scenes), Asked.of(scenes)))


if __name__ == "__main__":
    main()
