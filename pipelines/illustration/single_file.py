"""One-file Stable Diffusion checkpoints: what their parts are, read off the shapes of their tensors.

diffusers turns the official keys of such a file into its own, but wants each part's configuration and would fetch it
from a hub. Everything in it follows from the shapes and from the family, so it is written here instead.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from safetensors import safe_open

Shapes = Mapping[str, tuple[int, ...]]
UNET = "model.diffusion_model."
VAE = "first_stage_model."
WORDS = {
    "xl": "conditioner.embedders.1.model.token_embedding.weight",
    "v2": "cond_stage_model.model.token_embedding.weight",
    "v1": "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight",
}
"""The embedding of the words, by family; only that family has it."""
NOISE = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "clip_sample": False,
    "set_alpha_to_one": False,
    "steps_offset": 1,
}


def read_header(path: Path) -> tuple[dict[str, tuple[int, ...]], dict[str, str]]:
    """Name -> shape of every tensor, and what the file says of itself beside them."""
    with safe_open(path, framework="pt") as file:
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}
        return shapes, file.metadata() or {}


def family(shapes: Shapes) -> str | None:
    """``v1`` (1.4, 1.5), ``v2`` (2.0, 2.1), ``xl``; None for anything else, inpainting and refiners too."""
    first = shapes.get(UNET + "input_blocks.0.0.weight")
    if first is None or first[1] != 4:
        return None
    return next((kind for kind, words in WORDS.items() if words in shapes), None)


def vocabulary_size(shapes: Shapes, kind: str) -> int:
    return shapes[WORDS[kind]][0]


def predicts_velocity(shapes: Shapes, said: Mapping[str, str], kind: str, name: str) -> bool:
    """Whether the model predicts velocity, and not the noise.

    Some files are marked, and those of many trainers say it by ModelSpec. Of 2.x, two models share all shapes: the
    smaller one, which predicts noise, has ``base`` or its 512 pixels in its ``name``.
    """
    if "v_pred" in shapes:
        return True
    if stated := said.get("modelspec.prediction_type"):
        return stated.lower().startswith("v")
    return kind == "v2" and not any(mark in name.lower() for mark in ("base", "512"))


def write_configuration(folder: Path, shapes: Shapes, kind: str, velocity: bool) -> None:
    """Fill ``folder`` with what ``from_single_file(config=folder)`` asks for.

    Raises:
        KeyError: a tensor that belongs to the family is missing.
    """
    xl = kind == "xl"
    parts = {
        "unet": _unet(shapes, kind),
        "vae": _vae(shapes, 0.13025 if xl else 0.18215),
        "scheduler": {
            "_class_name": "DDIMScheduler",
            **NOISE,
            "prediction_type": "v_prediction" if velocity else "epsilon",
            "rescale_betas_zero_snr": "ztsnr" in shapes,
        },
        "text_encoder": _clip(shapes, "conditioner.embedders.0.transformer.text_model.")
        if xl
        else _clip(shapes, "cond_stage_model.transformer.text_model.")
        if kind == "v1"
        else _open_clip(shapes, "cond_stage_model.model.", drop=1),
    }
    index = {
        "_class_name": "StableDiffusionXLPipeline" if xl else "StableDiffusionPipeline",
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
        "scheduler": ["diffusers", "DDIMScheduler"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "text_encoder": ["transformers", "CLIPTextModel"],
    }
    if xl:
        parts["text_encoder_2"] = _open_clip(shapes, "conditioner.embedders.1.model.", drop=0)
        index["text_encoder_2"] = ["transformers", "CLIPTextModelWithProjection"]
        index["tokenizer_2"] = ["transformers", "CLIPTokenizer"]
    (folder / "model_index.json").write_text(json.dumps(index))
    for part, config in parts.items():
        (folder / part).mkdir()
        file = "scheduler_config.json" if part == "scheduler" else "config.json"
        (folder / part / file).write_text(json.dumps(config))


def _unet(shapes: Shapes, kind: str) -> dict:
    first = shapes[UNET + "input_blocks.0.0.weight"]
    levels: list[list[tuple[int, int]]] = [
        []
    ]  # of every level the (channels, depth of attention) of its blocks
    for block in range(1, _count(shapes, UNET + r"input_blocks\.(\d+)\.")):
        here = f"{UNET}input_blocks.{block}."
        if here + "0.op.weight" in shapes:
            levels.append([])
            continue
        depth = _count(shapes, re.escape(here) + r"1\.transformer_blocks\.(\d+)\.")
        levels[-1].append((shapes[here + "0.out_layers.3.weight"][0], depth))
    widths = [level[0][0] for level in levels]
    depths = [level[0][1] for level in levels]
    middle = UNET + "middle_block.1."
    config = {
        "_class_name": "UNet2DConditionModel",
        "sample_size": {"v1": 64, "v2": 96, "xl": 128}[kind],
        "in_channels": first[1],
        "out_channels": shapes[UNET + "out.2.weight"][0],
        "block_out_channels": widths,
        "layers_per_block": len(levels[0]),
        "down_block_types": ["CrossAttnDownBlock2D" if depth else "DownBlock2D" for depth in depths],
        "up_block_types": ["CrossAttnUpBlock2D" if depth else "UpBlock2D" for depth in reversed(depths)],
        "transformer_layers_per_block": [max(1, depth) for depth in depths],
        "cross_attention_dim": shapes[middle + "transformer_blocks.0.attn2.to_k.weight"][1],
        "use_linear_projection": len(shapes[middle + "proj_in.weight"]) == 2,
        # The number of heads, whatever its name says; from 2.0 on heads are 64 wide.
        "attention_head_dim": 8 if kind == "v1" else [max(1, width // 64) for width in widths],
    }
    extra = shapes.get(UNET + "label_emb.0.0.weight")
    if extra:
        config |= {
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 256,
            "projection_class_embeddings_input_dim": extra[1],
        }
    return config


def _vae(shapes: Shapes, scaling: float) -> dict:
    levels = _count(shapes, VAE + r"encoder\.down\.(\d+)\.")
    return {
        "_class_name": "AutoencoderKL",
        "latent_channels": shapes[VAE + "post_quant_conv.weight"][0],
        "block_out_channels": [
            shapes[f"{VAE}encoder.down.{level}.block.0.conv2.weight"][0] for level in range(levels)
        ],
        "layers_per_block": _count(shapes, VAE + r"encoder\.down\.0\.block\.(\d+)\."),
        "down_block_types": ["DownEncoderBlock2D"] * levels,
        "up_block_types": ["UpDecoderBlock2D"] * levels,
        "scaling_factor": scaling,
    }


def _clip(shapes: Shapes, prefix: str) -> dict:
    words = shapes[prefix + "embeddings.token_embedding.weight"]
    return _text(
        words,
        layers=_count(shapes, re.escape(prefix) + r"encoder\.layers\.(\d+)\."),
        length=shapes[prefix + "embeddings.position_embedding.weight"][0],
        inner=shapes[prefix + "encoder.layers.0.mlp.fc1.weight"][0],
        activation="quick_gelu",
        projection=words[1],
    )


def _open_clip(shapes: Shapes, prefix: str, drop: int) -> dict:
    """``drop``: 2.x leaves the last layer out."""
    words = shapes[prefix + "token_embedding.weight"]
    return _text(
        words,
        layers=_count(shapes, re.escape(prefix) + r"transformer\.resblocks\.(\d+)\.") - drop,
        length=shapes[prefix + "positional_embedding"][0],
        inner=shapes[prefix + "transformer.resblocks.0.mlp.c_fc.weight"][0],
        activation="gelu",
        projection=shapes.get(prefix + "text_projection", words)[1],
    )


def _text(
    words: tuple[int, ...], *, layers: int, length: int, inner: int, activation: str, projection: int
) -> dict:
    vocabulary, width = words
    return {
        "vocab_size": vocabulary,
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": max(1, width // 64),
        "max_position_embeddings": length,
        "intermediate_size": inner,
        "hidden_act": activation,
        "projection_dim": projection,
        "bos_token_id": vocabulary - 2,
        "eos_token_id": vocabulary - 1,
        "pad_token_id": vocabulary - 1,
    }


def _count(shapes: Shapes, pattern: str) -> int:
    """One more than the highest number that ``pattern`` finds at the start of a name."""
    found = [int(match[1]) for name in shapes if (match := re.match(pattern, name))]
    return max(found, default=-1) + 1
