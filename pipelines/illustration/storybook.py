"""The painter that ships: kept small in ``assets/storybook``, a standard diffusers folder once it is unpacked."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import load_file, save_file

from models.checkpoints import packed, unpacked
from pipelines.illustration.painter import Painter

SHIPPED = Path(__file__).resolve().parents[2] / "assets" / "storybook"
UNET = Path("unet", "diffusion_pytorch_model.safetensors")


def pack_storybook(folder: Path, target: Path = SHIPPED) -> None:
    """Copy a diffusers ``folder`` to ``target`` with the UNet's large matrices as int8."""
    shutil.copytree(folder, target, dirs_exist_ok=True)
    save_file(packed(load_file(folder / UNET), bits=8), target / UNET)


def unpack_storybook(folder: Path, source: Path = SHIPPED) -> Path:
    """Make ``folder`` the shipped painter in half precision, whole or not at all; returns ``folder``."""
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        whole = Path(scratch, "whole")
        shutil.copytree(source, whole)
        state = {
            name: tensor.to(torch.float16) for name, tensor in unpacked(load_file(source / UNET)).items()
        }
        save_file(state, whole / UNET, {"format": "pt"})
        os.replace(whole, folder)
    return folder


def load_storybook(source: Path = SHIPPED) -> Painter:
    """The shipped painter in single precision, without a folder in between."""
    unet = UNet2DConditionModel.from_config(UNet2DConditionModel.load_config(source / "unet"))
    unet.load_state_dict(unpacked(load_file(source / UNET)))
    return Painter.load(source, unet.eval())
