"""Tiny Stable Diffusions of random weights in the official formats: diffusers folders, and one file of the 1.5 keys."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, StableDiffusionXLPipeline
from diffusers import UNet2DConditionModel as UNet
from safetensors.torch import save_file
from tokenizers import pre_tokenizers
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from pipelines.illustration.layout import Look, arrange
from pipelines.story.story import PagePlan, Prompt


def page(**changes: object) -> PagePlan:
    prompt = Prompt(
        "a red fox", "in the forest", "flat picture book illustration", "bright", "sunny", "centred"
    )
    scene = arrange("forest", "day", [Look("fox")], seed=3)
    return PagePlan(
        **{"scene_id": "s1", "prompt": prompt, "negative_prompt": "blurry", "layout": scene, "seed": 5}
        | changes
    )


def tokenizer() -> CLIPTokenizer:
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(vocab={word: i for i, word in enumerate(words)}, merges=[], model_max_length=77)


def _text(kind: type, width: int = 64) -> torch.nn.Module:
    return kind(
        CLIPTextConfig(
            vocab_size=514,
            hidden_size=width,
            intermediate_size=96,
            num_hidden_layers=2,
            num_attention_heads=max(1, width // 64),
            max_position_embeddings=77,
            projection_dim=width,
            bos_token_id=512,
            eos_token_id=513,
            pad_token_id=513,
        )
    )


def _vae(scaling: float) -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(32, 32, 32, 64),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        scaling_factor=scaling,
    )


def _parts(seed: int) -> dict:
    torch.manual_seed(seed)
    noise = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
    return {
        "tokenizer": tokenizer(),
        "text_encoder": _text(CLIPTextModel),
        "scheduler": DDIMScheduler(**noise, clip_sample=False, set_alpha_to_one=False, steps_offset=1),
    }


def stable_diffusion(folder: Path, seed: int = 0) -> StableDiffusionPipeline:
    """Write a folder in the layout of 1.5 and return what is in it."""
    parts = _parts(seed)
    unet = UNet(
        sample_size=64,
        block_out_channels=(32, 64),
        layers_per_block=2,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=64,
        attention_head_dim=8,
    )
    pipeline = StableDiffusionPipeline(
        **parts,
        vae=_vae(0.18215),
        unet=unet,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    return _saved(pipeline, folder)


def stable_diffusion_xl(folder: Path, seed: int = 0) -> StableDiffusionXLPipeline:
    parts = _parts(seed)
    unet = UNet(
        sample_size=64,
        block_out_channels=(32, 64),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=128,
        attention_head_dim=(2, 4),
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=6 * 8 + 64,
    )
    second = {"tokenizer_2": tokenizer(), "text_encoder_2": _text(CLIPTextModelWithProjection)}
    return _saved(StableDiffusionXLPipeline(**parts, **second, vae=_vae(0.13025), unet=unet), folder)


def _saved(pipeline, folder: Path):
    pipeline.set_progress_bar_config(disable=True)
    pipeline.save_pretrained(folder, safe_serialization=True)
    for part in sorted(folder.glob("tokenizer*")):
        pipeline.tokenizer.backend_tokenizer.model.save(str(part))
    return pipeline


def write_single_file(pipeline: StableDiffusionPipeline, path: Path) -> None:
    """The pipeline's tensors under the names of the original 1.5 checkpoints."""
    tensors = {}
    for name, value in pipeline.unet.state_dict().items():
        tensors["model.diffusion_model." + _unet_key(name, pipeline.unet.config)] = value
    levels = len(pipeline.vae.config.block_out_channels)
    for name, value in pipeline.vae.state_dict().items():
        if ".attentions." in name and value.dim() == 2:
            value = value[:, :, None, None]
        tensors["first_stage_model." + _vae_key(name, levels)] = value
    for name, value in pipeline.text_encoder.state_dict().items():
        tensors["cond_stage_model.transformer.text_model." + name.removeprefix("text_model.")] = value
    save_file({name: value.clone().contiguous() for name, value in tensors.items()}, path)


def _unet_key(name: str, config) -> str:
    each = config.layers_per_block + 1

    def down(match: re.Match) -> str:
        level, kind, index = int(match[1]), match[2], int(match[3])
        if kind == "downsamplers":
            return f"input_blocks.{(level + 1) * each}.0.op"
        return f"input_blocks.{1 + level * each + index}.{int(kind == 'attentions')}"

    def up(match: re.Match) -> str:
        level, kind, index = int(match[1]), match[2], int(match[3])
        if kind == "upsamplers":
            attended = config.up_block_types[level].startswith("Cross")
            return f"output_blocks.{(level + 1) * each - 1}.{1 + attended}.conv"
        return f"output_blocks.{level * each + index}.{int(kind == 'attentions')}"

    name = re.sub(r"^down_blocks\.(\d+)\.(\w+)\.(\d+)(\.conv\b(?<=samplers\.0\.conv))?", down, name)
    name = re.sub(r"^up_blocks\.(\d+)\.(\w+)\.(\d+)(\.conv\b(?<=samplers\.0\.conv))?", up, name)
    name = re.sub(r"^mid_block\.resnets\.(\d)", lambda m: f"middle_block.{2 * int(m[1])}", name)
    name = name.replace("mid_block.attentions.0", "middle_block.1")
    for ours, theirs in (
        ("time_embedding.linear_1", "time_embed.0"),
        ("time_embedding.linear_2", "time_embed.2"),
        ("conv_in.", "input_blocks.0.0."),
        ("conv_norm_out", "out.0"),
        ("conv_out", "out.2"),
    ):
        name = name.replace(ours, theirs)
    if "blocks" in name or "block." in name:
        for ours, theirs in (
            (".norm1.", ".in_layers.0."),
            (".conv1.", ".in_layers.2."),
            (".time_emb_proj.", ".emb_layers.1."),
            (".norm2.", ".out_layers.0."),
            (".conv2.", ".out_layers.3."),
            (".conv_shortcut.", ".skip_connection."),
        ):
            if "transformer_blocks" not in name:
                name = name.replace(ours, theirs)
    return name


def _vae_key(name: str, levels: int) -> str:
    name = re.sub(r"down_blocks\.(\d+)\.resnets\.(\d+)", r"down.\1.block.\2", name)
    name = re.sub(r"down_blocks\.(\d+)\.downsamplers\.0", r"down.\1.downsample", name)
    name = re.sub(
        r"up_blocks\.(\d+)\.resnets\.(\d+)", lambda m: f"up.{levels - 1 - int(m[1])}.block.{m[2]}", name
    )
    name = re.sub(r"up_blocks\.(\d+)\.upsamplers\.0", lambda m: f"up.{levels - 1 - int(m[1])}.upsample", name)
    name = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", name)
    for ours, theirs in (
        ("mid_block.attentions.0.", "mid.attn_1."),
        ("group_norm", "norm"),
        ("to_q", "q"),
        ("to_k", "k"),
        ("to_v", "v"),
        ("to_out.0", "proj_out"),
        ("conv_shortcut", "nin_shortcut"),
        ("conv_norm_out", "norm_out"),
    ):
        name = name.replace(ours, theirs)
    return name
