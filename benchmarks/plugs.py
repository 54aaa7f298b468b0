"""The networks of official files as plain functions, so that one harness can check and time any implementation.

    from benchmarks.plugs import sovits, text2semantic
    decode = sovits("s2_v2_small_half.pth")
    audio = decode(codes, text, [reference])

On the CPU, in fp32.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors.torch import load_file
from torch import Tensor

from models.foreign_checkpoints import ForeignCheckpoint
from models.gpt_sovits.sampling import Sampling
from models.gpt_sovits.sovits import Sovits
from models.gpt_sovits.text2semantic import Text2Semantic


class Generate(Protocol):
    def __call__(self, x: Tensor, prompt: Tensor, bert: Tensor, n: int) -> Tensor:
        """``x`` ``[1, P]``, ``prompt`` ``[1, L]``, ``bert`` ``[1, 1024, P]`` -> ``n`` semantic tokens ``[n]``."""


class Decode(Protocol):
    def __call__(
        self,
        codes: Tensor,
        text: Tensor,
        refers: Sequence[Tensor],
        noise_scale: float = 0.0,
        speed: float = 1.0,
        sv_embs: Sequence[Tensor] | None = None,
        noise: Tensor | None = None,
    ) -> Tensor:
        """``codes`` ``[1, 1, T]``, ``text`` ``[1, P]``, ``refers`` ``[1, 1025, R]`` each -> audio ``[1, 1, N]``."""


def text2semantic(ckpt_path: str | Path) -> Generate:
    """Greedy, repetition penalty 1.35, no end within 11 steps, and never a stop before ``n``."""
    network = Text2Semantic.of_official(*opened(ckpt_path))

    def generate(x: Tensor, prompt: Tensor, bert: Tensor, n: int) -> Tensor:
        sampling = Sampling(top_k=1, longest=n, until_end=False)
        return network.generate([x[0]], [bert[0]], prompt[0], sampling)[0]

    return generate


def sovits(ckpt_path: str | Path) -> Decode:
    """Ready for speaking: weight norm folded, without the posterior encoder."""
    network = Sovits.of_official(*opened(ckpt_path)).for_speaking()

    @torch.inference_mode()
    def decode(
        codes: Tensor,
        text: Tensor,
        refers: Sequence[Tensor],
        noise_scale: float = 0.0,
        speed: float = 1.0,
        sv_embs: Sequence[Tensor] | None = None,
        noise: Tensor | None = None,
    ) -> Tensor:
        return network.decode(codes, text, refers, sv_embs, noise_scale=noise_scale, speed=speed, noise=noise)

    return decode


def opened(path: str | Path) -> tuple[Mapping[str, Any], dict[str, Tensor]]:
    """The ``config`` and the weights of an official container, read without running anything in it."""
    with tempfile.TemporaryDirectory() as folder, ForeignCheckpoint(Path(path)) as file:
        weights = Path(folder) / "weights.safetensors"
        file.write_safetensors(weights)
        loaded = {name: weight.clone() for name, weight in load_file(weights).items()}
        return file.contents.facts["config"], loaded
