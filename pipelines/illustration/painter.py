"""The storybook painter: a tiny Stable Diffusion, its parts before training and its folder in diffusers format."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    StableDiffusionImg2ImgPipeline,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

TEXT_WIDTH = 192
TEXT_LENGTH = 48
VOCABULARY = 1600
GUIDANCE, RESCALE = 4.0, 0.3
START, END = "<|startoftext|>", "<|endoftext|>"


@dataclass(frozen=True)
class Painter:
    """Everything a StableDiffusionPipeline is made of."""

    tokenizer: CLIPTokenizer
    text: CLIPTextModel
    vae: AutoencoderKL
    unet: UNet2DConditionModel

    def pipeline(self) -> StableDiffusionPipeline:
        pipeline = StableDiffusionPipeline(
            vae=self.vae,
            text_encoder=self.text,
            tokenizer=self.tokenizer,
            unet=self.unet,
            scheduler=scheduler(),
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
        pipeline.set_progress_bar_config(disable=True)
        return pipeline

    def over_layouts(self) -> StableDiffusionImg2ImgPipeline:
        pipeline = StableDiffusionImg2ImgPipeline(**self.pipeline().components, requires_safety_checker=False)
        pipeline.set_progress_bar_config(disable=True)
        return pipeline

    def paint(self, prompts: list[str], seeds: list[int], steps: int) -> torch.Tensor:
        """Pictures [B, 3, 256, 256] in -1..1 from words alone."""
        images = self.pipeline()(
            prompts,
            num_inference_steps=steps,
            guidance_scale=GUIDANCE,
            guidance_rescale=RESCALE,
            generator=_generators(seeds),
            output_type="pt",
        ).images
        return images.float() * 2 - 1

    def paint_over(
        self, layouts: torch.Tensor, prompts: list[str], seeds: list[int], steps: int, strength: float
    ) -> torch.Tensor:
        """Layouts [B, 3, H, W] in -1..1 painted over; `strength` is the share of steps taken."""
        images = self.over_layouts()(
            prompts,
            layouts / 2 + 0.5,
            strength=strength,
            num_inference_steps=steps,
            guidance_scale=GUIDANCE,
            generator=_generators(seeds),
            output_type="pt",
        ).images
        return images.float() * 2 - 1

    def save(self, folder: Path) -> None:
        """Write the folder in half precision; the tokenizer also as vocab.json and merges.txt for older readers."""
        parts = (copy.deepcopy(part).to("cpu", torch.float16) for part in (self.text, self.vae, self.unet))
        Painter(self.tokenizer, *parts).pipeline().save_pretrained(folder, safe_serialization=True)
        self.tokenizer.backend_tokenizer.model.save(str(folder / "tokenizer"))

    @classmethod
    def load(cls, folder: Path, unet: UNet2DConditionModel | None = None) -> Painter:
        """From a diffusers folder; ``unet`` takes the place of the folder's."""
        return cls(
            CLIPTokenizer.from_pretrained(folder / "tokenizer"),
            CLIPTextModel.from_pretrained(folder / "text_encoder", dtype=torch.float32),
            AutoencoderKL.from_pretrained(folder / "vae", dtype=torch.float32),
            unet or UNet2DConditionModel.from_pretrained(folder / "unet", dtype=torch.float32),
        )

    @classmethod
    def new(cls, captions: Iterable[str]) -> Painter:
        tokenizer = train_tokenizer(captions)
        return cls(tokenizer, new_text_encoder(tokenizer), new_vae(), new_unet())


def _generators(seeds: list[int]) -> list[torch.Generator]:
    return [torch.Generator("cpu").manual_seed(seed) for seed in seeds]


def scheduler() -> DDIMScheduler:
    """v-prediction down to pure noise; trailing steps make few steps count."""
    return DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        clip_sample=False,
        steps_offset=1,
        set_alpha_to_one=True,
    )


def train_tokenizer(captions: Iterable[str]) -> CLIPTokenizer:
    """CLIP's byte-level BPE over the captions' words; any other word falls into bytes."""
    clip = CLIPTokenizer().backend_tokenizer
    learner = Tokenizer(models.BPE(continuing_subword_prefix="", end_of_word_suffix="</w>"))
    learner.normalizer, learner.pre_tokenizer = clip.normalizer, clip.pre_tokenizer
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - 2,
        initial_alphabet=letters,
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    learner.train_from_iterator(captions, trainer)
    merges = [tuple(pair) for pair in json.loads(learner.to_str())["model"]["merges"]]
    words = dict.fromkeys([*letters, *(f"{letter}</w>" for letter in letters), *("".join(m) for m in merges)])
    vocabulary = {word: index for index, word in enumerate([*words, START, END])}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=TEXT_LENGTH)


def new_text_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=TEXT_WIDTH,
            intermediate_size=4 * TEXT_WIDTH,
            num_hidden_layers=2,
            num_attention_heads=6,
            max_position_embeddings=TEXT_LENGTH,
            projection_dim=TEXT_WIDTH,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def new_vae() -> AutoencoderKL:
    """256 px to 4 x 32 x 32; no attention, so that other sizes behave the same."""
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(32, 48, 64, 96),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=16,
        sample_size=256,
        scaling_factor=1.0,
        mid_block_add_attention=False,
    )


def new_unet() -> UNet2DConditionModel:
    """`attention_head_dim` means the number of heads in this class."""
    return UNet2DConditionModel(
        sample_size=32,
        in_channels=4,
        out_channels=4,
        down_block_types=("CrossAttnDownBlock2D",) * 3,
        up_block_types=("CrossAttnUpBlock2D",) * 3,
        block_out_channels=(64, 112, 144),
        layers_per_block=1,
        cross_attention_dim=TEXT_WIDTH,
        attention_head_dim=(4, 7, 6),
        only_cross_attention=(True, False, False),
        norm_num_groups=16,
    )


@torch.no_grad()
def standardise(vae: AutoencoderKL, latents: torch.Tensor) -> None:
    """Fold mean and spread of `latents` [B, 4, H, W] into the 1 x 1 convolutions, so they become 0 and 1."""
    mean, spread = latents.mean((0, 2, 3)).float(), latents.float().std((0, 2, 3))
    channels = mean.numel()
    out, back = vae.quant_conv, vae.post_quant_conv
    back.bias += back.weight[:, :, 0, 0] @ mean
    back.weight *= spread.view(1, -1, 1, 1)
    out.bias[:channels] = (out.bias[:channels] - mean) / spread
    out.weight[:channels] /= spread.view(-1, 1, 1, 1)
    out.bias[channels:] -= 2 * spread.log()
