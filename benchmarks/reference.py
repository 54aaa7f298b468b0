"""The public implementation behind the same functions as ``benchmarks.plugs``, from a checkout that a person has.

    git clone https://github.com/RVC-Boss/GPT-SoVITS && pip install torchmetrics einops x-transformers
    python -m benchmarks.gpt_sovits --reference GPT-SoVITS ...

Its code is imported from that folder and runs as it is, on the CPU, in fp32; none of it is kept here.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor

from benchmarks.plugs import Decode, Generate, opened
from models.gpt_sovits.sovits import SovitsConfig


def reference_text2semantic(checkout: Path, ckpt_path: str | Path) -> Generate:
    """As ``benchmarks.plugs.text2semantic``."""
    config, weights = opened(ckpt_path)
    kind = _imported(checkout, "AR.models.t2s_model").Text2SemanticDecoder
    network = kind({"model": {"dropout": 0.0, **config["model"]}}, top_k=3)
    network.load_state_dict({name.removeprefix("model."): w.float() for name, w in weights.items()})
    network.eval()

    @torch.inference_mode()
    def generate(x: Tensor, prompt: Tensor, bert: Tensor, n: int) -> Tensor:
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):  # it counts aloud
            said, _ = network.infer_panel(
                x, torch.tensor([x.shape[1]]), prompt, bert, top_k=1, early_stop_num=n - 1
            )
        return said[0, prompt.shape[1] :]

    return generate


def reference_sovits(checkout: Path, pth_path: str | Path, version: str) -> Decode:
    """As ``benchmarks.plugs.sovits``; noise comes from torch's own generator alone."""
    config, weights = opened(pth_path)
    sizes = SovitsConfig.official(config, {name: tuple(weight.shape) for name, weight in weights.items()})
    network = _imported(checkout, "module.models").SynthesizerTrn(
        spec_channels=sizes.spectrum_bins,
        segment_size=sizes.segment_frames,
        inter_channels=sizes.latent_channels,
        hidden_channels=sizes.hidden_channels,
        filter_channels=sizes.filter_channels,
        n_heads=sizes.heads,
        n_layers=sizes.layers,
        kernel_size=sizes.kernel_size,
        p_dropout=sizes.dropout,
        resblock="1",
        resblock_kernel_sizes=sizes.resblock_kernel_sizes,
        resblock_dilation_sizes=sizes.resblock_dilations,
        upsample_rates=sizes.upsample_rates,
        upsample_initial_channel=sizes.upsample_initial_channels,
        upsample_kernel_sizes=sizes.upsample_kernel_sizes,
        gin_channels=sizes.style_channels,
        semantic_frame_rate="25hz",
        version=version,
    )
    del network.enc_q
    missing = network.load_state_dict({n: w.float() for n, w in weights.items()}, strict=False).missing_keys
    if missing:
        raise ValueError(f"the checkout is of another network: {missing[0]} is not in the file")
    network.eval()

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
        return network.decode(
            codes,
            text,
            list(refers),
            noise_scale=noise_scale,
            speed=speed,
            sv_emb=None if sv_embs is None else list(sv_embs),
        )

    return decode


def _imported(checkout: Path, name: str) -> ModuleType:
    rooms = [str(checkout), str(checkout / "GPT_SoVITS")]
    sys.path[:0] = rooms
    try:
        return importlib.import_module(name)
    finally:
        for room in rooms:
            sys.path.remove(room)
