"""The ruler: a small classifier that says which subjects, place and palette a picture shows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F

from pipelines.training.storybook_scenes import PALETTE_NAMES, PLACE_NAMES, SUBJECTS

WIDTHS = (32, 64, 96, 144, 192)
HEADS = (len(SUBJECTS), len(PLACE_NAMES), len(PALETTE_NAMES))


@dataclass(frozen=True)
class Asked:
    """What pictures should show: `who` [B, 3] with -1 for nobody, `place` [B], `palette` [B]."""

    who: torch.Tensor
    place: torch.Tensor
    palette: torch.Tensor

    def __getitem__(self, rows: torch.Tensor | slice) -> Asked:
        return Asked(self.who[rows], self.place[rows], self.palette[rows])

    @classmethod
    def nothing(cls, count: int, device: torch.device) -> Asked:
        place, palette = (torch.zeros(count, dtype=torch.long, device=device) for _ in range(2))
        return cls(torch.full((count, 3), -1, device=device), place, palette)

    @classmethod
    def of(cls, who: list[int], place: list[int], palette: list[int], device: torch.device) -> Asked:
        alone = torch.tensor([[one, -1, -1] for one in who], device=device)
        return cls(alone, torch.tensor(place, device=device), torch.tensor(palette, device=device))


@dataclass(frozen=True)
class Score:
    """Shares of pictures where the asked subjects, place, palette were found."""

    subject: float
    place: float
    palette: float


class Ruler(nn.Module):
    """pictures [B, 3, 256, 256] in -1..1 -> logits of subjects [B, S], places [B, 14], palettes [B, 6]."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        last = 3
        for width in WIDTHS:
            stride = 1 if width == WIDTHS[-1] else 2
            layers += [nn.Conv2d(last, width, 3, stride, 1), nn.GroupNorm(8, width), nn.SiLU()]
            layers += [nn.Conv2d(width, width, 3, 1, 1), nn.GroupNorm(8, width), nn.SiLU()]
            last = width
        self.body = nn.Sequential(*layers)
        self.subjects = nn.Conv2d(last, HEADS[0], 1)
        nn.init.constant_(self.subjects.bias, -7.0)  # nearly nobody is in a picture
        self.scene = nn.Linear(2 * last, HEADS[1] + HEADS[2])

    def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        features = self.body(F.avg_pool2d(pictures, 2))
        # A subject stands somewhere: its best spot speaks for it. The place is everywhere.
        subjects = torch.logsumexp(self.subjects(features).flatten(2) * 2, 2) / 2
        pooled = torch.cat((features.mean((2, 3)), features.amax((2, 3))), 1)
        places, palettes = self.scene(pooled).split(HEADS[1:], 1)
        return subjects, places, palettes

    def save(self, path: Path) -> None:
        save_file({name: value.half().contiguous().cpu() for name, value in self.state_dict().items()}, path)

    @classmethod
    def load(cls, path: Path) -> Ruler:
        ruler = cls()
        ruler.load_state_dict({name: value.float() for name, value in load_file(path).items()})
        return ruler.eval()

    @torch.no_grad()
    def measure(self, pictures: torch.Tensor, asked: Asked) -> Score:
        """All asked subjects must be the most likely ones: top 1 of one, top 2 of two, top 3 of three."""
        right = [0, 0, 0]
        for start in range(0, len(pictures), 64):
            cut = slice(start, min(start + 64, len(pictures)))
            wanted = asked[cut]
            subjects, places, palettes = self(pictures[cut])
            present = wanted.who >= 0
            best = subjects.topk(3, 1).indices
            ranks = torch.arange(3, device=best.device)
            best = best.masked_fill(ranks >= present.sum(1, keepdim=True), -2)
            found = (wanted.who.unsqueeze(2) == best.unsqueeze(1)).any(2)
            right[0] += int((found | ~present).all(1).sum())
            right[1] += int((places.argmax(1) == wanted.place).sum())
            right[2] += int((palettes.argmax(1) == wanted.palette).sum())
        return Score(*(count / len(pictures) for count in right))


def ruler_loss(ruler: nn.Module, pictures: torch.Tensor, asked: Asked) -> torch.Tensor:
    subjects, places, palettes = ruler(pictures)
    present = torch.zeros_like(subjects, dtype=torch.float32)
    present.scatter_add_(1, asked.who.clamp(min=0), (asked.who >= 0).float())
    who = F.binary_cross_entropy_with_logits(subjects.float(), present, reduction="sum") / len(pictures)
    return (
        who + F.cross_entropy(places.float(), asked.place) + F.cross_entropy(palettes.float(), asked.palette)
    )
