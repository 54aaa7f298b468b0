"""Readers of the corpus that the base learnt from. It is at its clearest among them; whoever stands apart is moved towards the
nearest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

NEAREST = 16


@dataclass(frozen=True)
class KnownReaders:
    """
    Attributes:
        vectors: ``[R, speaker_channels]``, one a reader.
        base: the acoustic network that they belong to.
    """

    vectors: Tensor
    base: str

    @classmethod
    def load(cls, path: Path, device: str) -> KnownReaders:
        with safe_open(path, "pt", device) as file:
            return cls(file.get_tensor("speaker").float(), file.metadata()["base"])

    def save(self, path: Path) -> None:
        save_file({"speaker": self.vectors.half().cpu().contiguous()}, path, {"base": self.base})

    def near(self, speaker: Tensor) -> Tensor:
        """``[speaker_channels]``: the mean of the ``NEAREST`` readers, by cosine, of ``speaker`` ``[speaker_channels]``."""
        alike = F.cosine_similarity(self.vectors, speaker.to(self.vectors).unsqueeze(0))
        return self.vectors[alike.topk(min(NEAREST, len(alike))).indices].mean(dim=0)
