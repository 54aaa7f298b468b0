"""Stable Diffusion as people keep it, a diffusers folder or one file, opened part by part.

Nothing is fetched and nothing in the folder decides which code runs: every part is opened by the class it must be,
from safetensors alone. A pickle (``.ckpt``, ``.pth``, ``.bin``) can run programs when it is opened; it never is.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    SchedulerMixin,
    StableDiffusionImg2ImgPipeline,
    StableDiffusionXLImg2ImgPipeline,
    UNet2DConditionModel,
    UniPCMultistepScheduler,
)
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from PIL import Image
from safetensors import SafetensorError
from transformers import CLIPImageProcessor, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from pipelines.failure import CraftError
from pipelines.illustration.folder_index import INDEX, family_of, weights_in
from pipelines.illustration.settings import PaintingSettings
from pipelines.illustration.single_file import (
    family,
    predicts_velocity,
    read_header,
    vocabulary_size,
    write_configuration,
)
from pipelines.illustration.wording import Wording
from pipelines.model_folders import read_object

Pipeline = StableDiffusionImg2ImgPipeline | StableDiffusionXLImg2ImgPipeline
SCHEDULERS: Mapping[str, type[SchedulerMixin]] = {
    "ddim": DDIMScheduler,
    "euler": EulerDiscreteScheduler,
    "dpmpp": DPMSolverMultistepScheduler,
    "unipc": UniPCMultistepScheduler,
}
MOST_VOCABULARY_BYTES = 2**22
_BROKEN = (OSError, ValueError, KeyError, TypeError, IndexError, RuntimeError, SafetensorError)


def open_base(path: Path, device: str, tokenizers: tuple[Path, ...] = ()) -> Pipeline:
    """The img2img pipeline of a folder or of a ``.safetensors`` file.

    Args:
        tokenizers: folders to look for CLIP's vocabulary in, which one-file checkpoints leave out.

    Raises:
        CraftError: ``painter_missing``, ``painter_pickle`` (weights that could run programs), ``painter_unknown`` (no
            Stable Diffusion this studio knows), ``painter_tokenizer`` (no vocabulary found), ``painter_broken``.
    """
    dtype = torch.float16 if device.startswith("cuda") else torch.float32
    if not path.exists():
        raise CraftError("painter_missing", base=path.name)
    if path.is_file() and path.suffix != ".safetensors":
        raise CraftError("painter_pickle", base=path.name)
    try:
        pipeline = _folder(path, dtype) if path.is_dir() else _file(path, dtype, tokenizers)
    except _BROKEN as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise CraftError("painter_broken", base=path.name, reason=reason) from error
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to(device)


def paint_over(
    pipeline: Pipeline,
    layout: Image.Image,
    words: Wording,
    settings: PaintingSettings,
    seed: int,
    stepped: Callable,
) -> Image.Image | None:
    """The layout painted over, RGB; None when the base's own safety checker objects."""
    painted = pipeline(
        prompt=words.prompt,
        image=layout,
        negative_prompt=words.negative_prompt,
        strength=settings.strength,
        num_inference_steps=settings.num_inference_steps,
        guidance_scale=settings.guidance_scale,
        generator=torch.Generator("cpu").manual_seed(seed),
        callback_on_step_end=stepped,
    )
    if any(getattr(painted, "nsfw_content_detected", None) or ()):
        return None
    return painted.images[0].convert("RGB")


def _folder(folder: Path, dtype: torch.dtype) -> Pipeline:
    index = read_object(folder / INDEX)
    kind = family_of(index)
    if kind is None:
        raise CraftError("painter_unknown", base=folder.name)

    def part(loader: type, name: str) -> object:
        here = folder / name
        weights, variant = weights_in(here)
        if not weights:
            code = "painter_pickle" if list(here.glob("*.bin")) else "painter_broken"
            raise CraftError(code, base=folder.name, reason=f"{name}: no weights")
        return loader.from_pretrained(
            here, dtype=dtype, use_safetensors=True, local_files_only=True, variant=variant
        )

    def tokenizer(name: str) -> CLIPTokenizer:
        return CLIPTokenizer.from_pretrained(folder / name, local_files_only=True)

    unet = part(UNet2DConditionModel, "unet")
    if unet.config.in_channels != 4:
        raise CraftError("painter_unknown", base=folder.name)
    # Latents are not bounded; the configurations of most samplers, which never clip, do not say so.
    noise = {"clip_sample": False, **read_object(folder / "scheduler" / "scheduler_config.json")}
    parts = {
        "vae": part(AutoencoderKL, "vae"),
        "unet": unet,
        "text_encoder": part(CLIPTextModel, "text_encoder"),
        "tokenizer": tokenizer("tokenizer"),
        "scheduler": DDIMScheduler.from_config(noise),
    }
    if kind == "xl":
        return StableDiffusionXLImg2ImgPipeline(
            **parts,
            text_encoder_2=part(CLIPTextModelWithProjection, "text_encoder_2"),
            tokenizer_2=tokenizer("tokenizer_2"),
            force_zeros_for_empty_prompt=bool(index.get("force_zeros_for_empty_prompt", True)),
            add_watermarker=False,
        )
    checked = (folder / "safety_checker").is_dir()
    return StableDiffusionImg2ImgPipeline(
        **parts,
        safety_checker=part(StableDiffusionSafetyChecker, "safety_checker") if checked else None,
        feature_extractor=CLIPImageProcessor.from_pretrained(folder / "feature_extractor")
        if checked
        else None,
        requires_safety_checker=checked,
    )


def _file(path: Path, dtype: torch.dtype, tokenizers: tuple[Path, ...]) -> Pipeline:
    shapes, said = read_header(path)
    kind = family(shapes)
    if kind is None:
        raise CraftError("painter_unknown", base=path.name)
    known = vocabulary_size(shapes, kind)
    words = next((folder for folder in tokenizers if _knows(folder, known)), None)
    if words is None:
        raise CraftError("painter_tokenizer", base=path.name)
    tokenizer = CLIPTokenizer.from_pretrained(words, local_files_only=True)
    more = {"tokenizer_2": tokenizer, "add_watermarker": False} if kind == "xl" else {"safety_checker": None}
    pipeline = StableDiffusionXLImg2ImgPipeline if kind == "xl" else StableDiffusionImg2ImgPipeline
    with tempfile.TemporaryDirectory() as scratch:
        velocity = predicts_velocity(shapes, said, kind, path.stem)
        write_configuration(Path(scratch), shapes, kind, velocity)
        return pipeline.from_single_file(
            str(path), config=scratch, local_files_only=True, dtype=dtype, tokenizer=tokenizer, **more
        )


def _knows(tokenizer: Path, words: int) -> bool:
    """Whether a folder holds a vocabulary of so many words; a painter with words of its own may lie there as well."""
    vocabulary = tokenizer / "vocab.json"
    return vocabulary.is_file() and len(read_object(vocabulary, MOST_VOCABULARY_BYTES)) == words
