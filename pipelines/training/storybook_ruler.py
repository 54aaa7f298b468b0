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


class Ruler(nn.Module):
    """pictures [B, 3, 256, 256] in -1..1 -> logits of subjects [B, S], places [B, 14], palettes [B, 6]."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        last = 3
        for width in WIDTHS:
            layers += [
                nn.Conv2d(last, width, 3, 1 if width == WIDTHS[-1] else 2, 1),
                nn.GroupNorm(8, width),
                nn.SiLU(),
            ]
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
        save_file({name: value.half().contiguous() for name, value in self.state_dict().items()}, path)

    @classmethod
    def load(cls, path: Path) -> Ruler:
        ruler = cls()
        ruler.load_state_dict({name: value.float() for name, value in load_file(path).items()})
        return ruler.eval()


def ruler_loss(
    ruler: nn.Module, pictures: torch.Tensor, who: torch.Tensor, place: torch.Tensor, palette: torch.Tensor
) -> torch.Tensor:
    """`who` [B, 3] with -1 for nobody; `place`, `palette` [B]."""
    subjects, places, palettes = ruler(pictures)
    asked = torch.zeros_like(subjects, dtype=torch.float32)
    asked.scatter_add_(1, who.clamp(min=0), (who >= 0).float())
    presence = F.binary_cross_entropy_with_logits(subjects.float(), asked, reduction="sum") / len(who)
    return presence + F.cross_entropy(places.float(), place) + F.cross_entropy(palettes.float(), palette)


@dataclass(frozen=True)
class Score:
    """Shares of pictures where the asked subjects, place, palette were found."""

    subject: float
    place: float
    palette: float


@torch.no_grad()
def measure(
    ruler: Ruler, pictures: torch.Tensor, who: torch.Tensor, place: torch.Tensor, palette: torch.Tensor
) -> Score:
    """All asked subjects must be the most likely ones: top 1 of one, top 2 of two, top 3 of three."""
    right = [0.0, 0.0, 0.0]
    for part in range(0, len(pictures), 64):
        cut = slice(part, part + 64)
        subjects, places, palettes = ruler(pictures[cut])
        asked = who[cut] >= 0
        best = subjects.topk(3, 1).indices
        best = best.masked_fill(torch.arange(3, device=best.device) >= asked.sum(1, keepdim=True), -2)
        found = (who[cut].unsqueeze(2) == best.unsqueeze(1)).any(2)
        right[0] += (found | ~asked).all(1).sum().item()
        right[1] += (places.argmax(1) == place[cut]).sum().item()
        right[2] += (palettes.argmax(1) == palette[cut]).sum().item()
    return Score(*(count / len(pictures) for count in right))
