"""Train the storybook painter: a tiny Stable Diffusion that paints our own picture-book world.

`python -m pipelines.training.storybook --out runs/storybook --minutes 120 --device cpu` renders scenes with the
layout composer, trains the autoencoder beside the ruler (a classifier), then text encoder and UNet, and writes a
folder that `StableDiffusionPipeline.from_pretrained` opens, `log.tsv`, `samples.png` and `report.json`.
With `--resume` it goes on from `state.pt` in the same folder.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import shutil
import subprocess
import tarfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import StableDiffusionImg2ImgPipeline
from PIL import Image
from torch.nn import functional as F

from pipelines.illustration.captions import prompt
from pipelines.training.storybook_parts import Painter, scheduler, standardise
from pipelines.training.storybook_ruler import Ruler, Score, measure, ruler_loss
from pipelines.training.storybook_scenes import (
    CHUNK,
    PALETTE_NAMES,
    PLACE_NAMES,
    SUBJECTS,
    VARIANTS,
    SceneFactory,
    captions,
    held_out_scenes,
)

GUIDANCE, RESCALE = 4.0, 0.3
PART_BYTES = 14_000_000


@dataclass(frozen=True)
class Recipe:
    """`minutes` bounds the whole run; shares say how far into it each stage ends."""

    out: Path
    minutes: float
    device: str = "cpu"
    scenes: int = 24_576
    workers: int = 2
    batch: int = 32
    vae_batch: int = 16
    steps: int = 20
    tests: int = 256
    evaluations: int = 4
    compile: bool = False
    resume: bool = False
    bundle: Path | None = None
    seed: int = 7
    vae_until: float = 0.34
    reserve: float = 0.07
    vae_rate: float = 1e-3
    unet_rate: float = 8e-4
    ema: float = 0.998
    gamma: float = 5.0


class Storybook:
    """One training run."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.started = time.monotonic()
        self.budget = recipe.minutes * 60
        recipe.out.mkdir(parents=True, exist_ok=True)
        self.device = torch.device(recipe.device)
        self.rows: list[dict] = []
        self.report: dict = {}
        self.test_scenes = held_out_scenes(recipe.tests, recipe.seed)
        # Workers are forked before CUDA wakes up: a CUDA context does not survive a fork.
        count = math.ceil(recipe.scenes / CHUNK) * CHUNK
        self.factory = SceneFactory(count, recipe.workers, recipe.seed, self.test_scenes)
        torch.manual_seed(recipe.seed)
        torch.backends.cuda.matmul.allow_tf32 = True
        torch.backends.cudnn.allow_tf32 = True
        torch.backends.cudnn.benchmark = True

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    def autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16)

    def run(self) -> None:
        try:
            # 1. Parts, new or from a stopped run
            self._prepare_parts()
            # 2. Pictures into memory while the networks compile
            self._prepare_pool()
            # 3. Autoencoder and ruler
            if not self.resumed:
                self._train_vae()
            # 4. Latents of every picture and its mirror image
            self._encode()
            # 5. Text encoder and UNet
            self._train_unet()
            # 6. What it can do
            self._finish()
        finally:
            self.factory.close()

    # Preparation

    def _prepare_parts(self) -> None:
        state = self.recipe.out / "state.pt"
        self.resumed = self.recipe.resume and state.exists()
        if self.resumed:
            painter = Painter.load(self.recipe.out / "storybook")
            self.state = torch.load(state, map_location=self.device, weights_only=True)
            ruler = Ruler.load(self.recipe.out / "ruler.safetensors")
        else:
            painter, ruler = Painter.new(captions(20_000, self.recipe.seed)), Ruler()
        for part in (painter.text, painter.vae, painter.unet, ruler):
            part.to(self.device)
        for part in (painter.vae, painter.unet, ruler):
            part.to(memory_format=torch.channels_last)
        self.painter, self.ruler = painter, ruler
        if self.resumed:
            painter.unet.load_state_dict(self.state["unet"])
            painter.text.load_state_dict(self.state["text"])
        for name, part in (
            ("unet", painter.unet),
            ("text", painter.text),
            ("vae", painter.vae),
            ("ruler", ruler),
        ):
            self.report[f"{name}_parameters"] = sum(value.numel() for value in part.parameters())
        self.unet_forward = painter.unet
        painter.unet.train()
        painter.text.train()
        if self.recipe.compile:
            threading.Thread(target=self._compile_unet, daemon=True).start()

    def _compile_unet(self) -> None:
        """Compile beside the autoencoder's training; until it is ready, and if it fails, steps run uncompiled."""
        painter, size = self.painter, self.recipe.batch
        empty = painter.tokenizer(
            [""] * size, padding="max_length", max_length=painter.tokenizer.model_max_length
        )
        tokens = torch.tensor(empty["input_ids"], device=self.device)
        noisy = torch.randn(size, 4, 32, 32, device=self.device).contiguous(memory_format=torch.channels_last)
        moment = torch.randint(0, 1000, (size,), device=self.device)
        compiled = torch.compile(painter.unet)
        try:
            with self.autocast():
                meaning = painter.text(tokens).last_hidden_state
                guess = compiled(noisy, moment, meaning).sample
                torch.autograd.grad(
                    guess.float().square().mean(), list(painter.unet.parameters()), allow_unused=True
                )
        except (
            RuntimeError,
            torch._dynamo.exc.TorchDynamoException,
            subprocess.SubprocessError,
            OSError,
        ) as error:
            self._log(
                "compile failed",
                reason=str(error).splitlines()[0][:200] if str(error) else type(error).__name__,
            )
            return
        self.unet_forward = compiled
        self._log("compiled")

    def _prepare_pool(self) -> None:
        count = len(self.factory.pixels)
        on_cpu = self.device.type == "cpu"
        self.pixels = (
            torch.from_numpy(self.factory.pixels)
            if on_cpu
            else torch.empty(self.factory.pixels.shape, dtype=torch.uint8, device=self.device)
        )
        self.who = torch.full((count, 3), -1, device=self.device)
        self.place = torch.zeros(count, dtype=torch.long, device=self.device)
        self.palette = torch.zeros(count, dtype=torch.long, device=self.device)
        self.near = np.zeros(count, bool)
        self.single = np.zeros(count, bool)
        self.done = np.zeros(count, bool)
        self.words: dict[int, list] = {}
        tests = torch.from_numpy(self.factory.tests()).to(self.device)
        self.test_pictures = self._floats(tests)
        names = [scene.actors[0].look.subject for scene in self.test_scenes]
        self.test_who = torch.tensor([[SUBJECTS.index(name), -1, -1] for name in names], device=self.device)
        places = [PLACE_NAMES.index(scene.place) for scene in self.test_scenes]
        palettes = [PALETTE_NAMES.index(scene.palette) for scene in self.test_scenes]
        self.test_place = torch.tensor(places, device=self.device)
        self.test_palette = torch.tensor(palettes, device=self.device)
        enough = max(1, self.factory.chunks // 8)
        while self.factory.finished < enough:
            self._collect(1.0)
        self._log("scenes", count=int(self.done.sum()))

    def _collect(self, timeout_seconds: float) -> bool:
        chunk = self.factory.ready(timeout_seconds)
        if chunk is None:
            return False
        rows = slice(chunk.index * CHUNK, (chunk.index + 1) * CHUNK)
        if self.device.type != "cpu":
            self.pixels[rows].copy_(torch.from_numpy(self.factory.pixels[rows]))
        self.who[rows] = torch.from_numpy(chunk.who).to(self.device)
        self.place[rows] = chunk.place
        self.palette[rows] = torch.from_numpy(chunk.palette).to(self.device)
        self.near[rows], self.single[rows], self.done[rows] = chunk.near, chunk.who[:, 1] < 0, True
        self.words[chunk.index] = chunk.captions
        return True

    def _floats(self, pictures: torch.Tensor) -> torch.Tensor:
        """uint8 [B, H, W, 3] -> float [B, 3, H, W] in -1..1, channels last."""
        return (pictures.float() / 127.5 - 1).permute(0, 3, 1, 2)

    # Autoencoder and ruler

    def _reconstruct(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        posterior = self.painter.vae.encode(pictures).latent_dist
        mean, logvar = posterior.mean.float(), posterior.logvar.float()
        latents = mean + torch.randn_like(mean) * (0.5 * logvar).exp()
        kl = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean()
        return self.painter.vae.decode(latents).sample, kl

    def _train_vae(self) -> None:
        recipe, vae, ruler = self.recipe, self.painter.vae, self.ruler
        fused = self.device.type == "cuda"
        vae_optimizer = torch.optim.AdamW(
            vae.parameters(), recipe.vae_rate, (0.9, 0.98), weight_decay=0, fused=fused
        )
        ruler_optimizer = torch.optim.AdamW(
            ruler.parameters(), 2e-3, (0.9, 0.98), weight_decay=0.02, fused=fused
        )
        begin, end = self.seconds, self.budget * recipe.vae_until
        step, reported = 0, begin
        while True:
            progress = (self.seconds - begin) / max(end - begin, 1.0)
            if progress >= 1:
                break
            self._collect(0.0005)
            rate = min(1.0, (step + 1) / 100) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))
            for optimizer, top in ((vae_optimizer, recipe.vae_rate), (ruler_optimizer, 2e-3)):
                optimizer.param_groups[0]["lr"] = top * rate
            known = np.flatnonzero(self.done)
            rows = torch.from_numpy(np.random.choice(known, recipe.vae_batch)).to(self.device)
            pictures = self._floats(self.pixels[rows])
            if step % 2:
                pictures = pictures.flip(3).contiguous(memory_format=torch.channels_last)
            with self.autocast():
                restored, kl = self._reconstruct(pictures)
            restored = restored.float()
            pixel = F.l1_loss(restored, pictures)
            edges = sum(F.l1_loss(restored.diff(dim=axis), pictures.diff(dim=axis)) for axis in (2, 3))
            loss = pixel + edges + 1e-4 * kl
            loss.backward()
            torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
            vae_optimizer.step()
            vae_optimizer.zero_grad(set_to_none=True)
            # The ruler must read painted pictures too, so it also learns from restored ones.
            seen = restored.detach() if progress > 0.4 and step % 4 < 2 else pictures
            seen = seen + torch.randn_like(seen) * 0.06 * torch.rand(len(seen), 1, 1, 1, device=self.device)
            with self.autocast():
                judged = ruler_loss(ruler, seen, self.who[rows], self.place[rows], self.palette[rows])
            judged.backward()
            ruler_optimizer.step()
            ruler_optimizer.zero_grad(set_to_none=True)
            step += 1
            if self.seconds - reported > max(5.0, (end - begin) / 8):
                reported = self.seconds
                self._log(
                    "vae",
                    step=step,
                    progress=round(progress, 3),
                    l1=round(pixel.item(), 4),
                    kl=round(kl.item(), 2),
                    ruler_loss=round(judged.item(), 3),
                    scenes=int(self.done.sum()),
                )
        ruler.eval()
        ruler.save(recipe.out / "ruler.safetensors")
        with torch.no_grad(), self.autocast():
            restored = torch.cat([vae(part).sample.float() for part in self.test_pictures.split(32)]).clamp(
                -1, 1
            )
        error = (restored - self.test_pictures).square().mean((1, 2, 3)) / 4
        self.report["vae_psnr_db"] = round((-10 * error.log10()).mean().item(), 2)
        self.report["ruler_on_renders"] = asdict(self._measure(self.test_pictures))
        self.report["ruler_on_restored"] = asdict(self._measure(restored))
        self._log("vae done", step=step, psnr=self.report["vae_psnr_db"], **self.report["ruler_on_renders"])

    def _measure(self, pictures: torch.Tensor) -> Score:
        count = len(pictures)
        with self.autocast():
            return measure(
                self.ruler,
                pictures,
                self.test_who[:count],
                self.test_place[:count],
                self.test_palette[:count],
            )

    # Latents

    @torch.no_grad()
    def _encode(self) -> None:
        vae, tokenizer = self.painter.vae, self.painter.tokenizer
        vae.eval().requires_grad_(False)
        while self._collect(0.001):
            pass
        known = np.flatnonzero(self.done)
        rows = torch.from_numpy(known).to(self.device)
        part = 512 if self.device.type == "cuda" else 16

        def latents(pictures: torch.Tensor) -> torch.Tensor:
            with self.autocast():
                return vae.encode(pictures).latent_dist.mean

        if not self.resumed:
            sample = rows[torch.randperm(len(rows), device=self.device)[: 8 * part]]
            standardise(
                vae, torch.cat([latents(self._floats(self.pixels[cut])) for cut in sample.split(part)])
            )
        views = [[], []]
        for cut in rows.split(part):
            pictures = self._floats(self.pixels[cut])
            for mirror, view in enumerate((pictures, pictures.flip(3))):
                views[mirror].append(latents(view).to(torch.bfloat16))
        self.latents = torch.stack([torch.cat(view) for view in views], 1)
        spread = self.latents.float().std((0, 1, 3, 4))
        self.single, self.near = np.flatnonzero(self.single[known]), np.flatnonzero(self.near[known])
        lines = [
            line
            for index in sorted(self.words)
            for scene in self.words[index]
            for view in scene
            for line in view
        ]
        tokens = tokenizer(
            lines, padding="max_length", truncation=True, max_length=tokenizer.model_max_length
        )
        shape = (len(known), 2, VARIANTS, tokenizer.model_max_length)
        self.tokens = torch.tensor(np.array(tokens["input_ids"], np.int32)).view(shape).to(self.device)
        empty = tokenizer([""], padding="max_length", max_length=tokenizer.model_max_length)["input_ids"]
        self.empty = torch.tensor(empty, device=self.device, dtype=torch.int32)
        del self.pixels
        self._log("latents", count=len(known), spread=[round(value, 2) for value in spread.tolist()])

    # Text encoder and UNet

    def _draw(self, progress: float) -> np.ndarray:
        """Rows of a batch: close-ups first, then single subjects, then everything."""
        count = self.recipe.batch
        rows = np.random.randint(0, len(self.latents), count)
        simple = np.random.rand(count) > min(1.0, progress / 0.35)
        pool = self.near if progress < 0.1 and len(self.near) else self.single
        rows[simple] = np.random.choice(pool, int(simple.sum()))
        return rows

    def _train_unet(self) -> None:
        recipe, unet, text = self.recipe, self.painter.unet, self.painter.text
        weights = [*unet.parameters(), *text.parameters()]
        fused = self.device.type == "cuda"
        optimizer = torch.optim.AdamW(weights, recipe.unet_rate, (0.9, 0.99), weight_decay=0.01, fused=fused)
        self.smooth = Painter(
            self.painter.tokenizer, copy.deepcopy(text), self.painter.vae, copy.deepcopy(unet)
        )
        self.smooth.unet.eval().requires_grad_(False)
        self.smooth.text.eval().requires_grad_(False)
        first, step = 0.0, 0
        if self.resumed:
            optimizer.load_state_dict(self.state["optimizer"])
            self.smooth.unet.load_state_dict(self.state["smooth_unet"])
            self.smooth.text.load_state_dict(self.state["smooth_text"])
            first, step = self.state["progress"], self.state["step"]
        smooth = [*self.smooth.unet.parameters(), *self.smooth.text.parameters()]
        keep = scheduler().alphas_cumprod.to(self.device)
        begin, end = self.seconds, self.budget * (1 - recipe.reserve)
        marks = [(mark + 1) / (recipe.evaluations + 1) for mark in range(recipe.evaluations)]
        marks = [mark for mark in marks if mark > first]
        seen, total, losses = 0, torch.zeros((), device=self.device), 0
        reported = begin
        while True:
            progress = first + (1 - first) * (self.seconds - begin) / max(end - begin, 1.0)
            if progress >= 1:
                break
            rate = min(1.0, (step + 1) / 200) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))
            optimizer.param_groups[0]["lr"] = recipe.unet_rate * rate
            rows = torch.from_numpy(self._draw(progress)).to(self.device)
            mirror = torch.randint(0, 2, rows.shape, device=self.device)
            variant = torch.randint(0, VARIANTS, rows.shape, device=self.device)
            clean = self.latents[rows, mirror].float()
            words = self.tokens[rows, mirror, variant]
            words = torch.where(torch.rand(len(rows), 1, device=self.device) < 0.1, self.empty, words)
            moment = torch.randint(0, len(keep), rows.shape, device=self.device)
            share = keep[moment].view(-1, 1, 1, 1)
            noise = torch.randn_like(clean)
            noisy = share.sqrt() * clean + (1 - share).sqrt() * noise
            asked = share.sqrt() * noise - (1 - share).sqrt() * clean
            # min-SNR, but whole where nothing is left of the picture: plain min-SNR weighs pure noise zero.
            ratio = (keep / (1 - keep).clamp(min=1e-8))[moment]
            weight = (recipe.gamma + 1) / (ratio + 1).clamp(min=recipe.gamma + 1)
            with self.autocast():
                meaning = text(words.long()).last_hidden_state
                guess = self.unet_forward(
                    noisy.contiguous(memory_format=torch.channels_last), moment, meaning
                ).sample
            loss = ((guess.float() - asked).square().mean((1, 2, 3)) * weight).mean()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            step += 1
            decay = min(recipe.ema, (1 + step) / (10 + step))
            with torch.no_grad():
                torch._foreach_lerp_(smooth, [weight.detach() for weight in weights], 1 - decay)
            seen, total, losses = seen + len(rows), total + loss.detach(), losses + 1
            due = bool(marks) and progress >= marks[0]
            if due or self.seconds - reported > max(10.0, (end - begin) / 24):
                row = {
                    "step": step,
                    "progress": round(progress, 3),
                    "loss": round(total.item() / losses, 4),
                    "samples_per_second": round(seen / (self.seconds - reported)),
                    "rate": round(rate, 3),
                }
                if due:
                    marks.pop(0)
                    row.update(asdict(self._measure(self._paint(min(128, recipe.tests)))))
                    self._save(optimizer, step, progress)
                self._log("unet", **row)
                seen, total, losses, reported = 0, torch.zeros((), device=self.device), 0, self.seconds
        self.report["unet_steps"], self.report["unet_samples"] = step, step * recipe.batch
        self._save(optimizer, step, 1.0)

    @torch.no_grad()
    def _paint(self, count: int) -> torch.Tensor:
        """Text-only pictures of the first test scenes, -1..1."""
        pipeline, pictures = self.smooth.pipeline(), []
        for part in range(0, count, 64):
            prompts = [prompt(scene) for scene in self.test_scenes[part : min(part + 64, count)]]
            generators = [torch.Generator("cpu").manual_seed(part + index) for index in range(len(prompts))]
            with self.autocast():
                pictures.append(
                    pipeline(
                        prompts,
                        num_inference_steps=self.recipe.steps,
                        guidance_scale=GUIDANCE,
                        guidance_rescale=RESCALE,
                        generator=generators,
                        output_type="pt",
                    ).images.float()
                    * 2
                    - 1
                )
        return torch.cat(pictures)

    @torch.no_grad()
    def _paint_over(self, count: int, strength: float) -> torch.Tensor:
        """The layouts of the first test scenes painted over, -1..1."""
        pipeline, pictures = (
            StableDiffusionImg2ImgPipeline(
                **self.smooth.pipeline().components, requires_safety_checker=False
            ),
            [],
        )
        pipeline.set_progress_bar_config(disable=True)
        for part in range(0, count, 64):
            cut = slice(part, min(part + 64, count))
            prompts = [prompt(scene) for scene in self.test_scenes[cut]]
            generators = [torch.Generator("cpu").manual_seed(part + index) for index in range(len(prompts))]
            with self.autocast():
                pictures.append(
                    pipeline(
                        prompts,
                        self.test_pictures[cut] / 2 + 0.5,
                        strength=strength,
                        num_inference_steps=self.recipe.steps,
                        guidance_scale=GUIDANCE,
                        generator=generators,
                        output_type="pt",
                    ).images.float()
                    * 2
                    - 1
                )
        return torch.cat(pictures)

    # Results

    def _finish(self) -> None:
        count = self.recipe.tests
        text_only = self._paint(count)
        self.report["text_only"] = asdict(self._measure(text_only))
        self._log("text only", **self.report["text_only"])
        self._save_report(text_only, [])
        guided, few = [], min(128, count)
        for strength in (0.4, 0.55, 0.7):
            pictures = self._paint_over(few, strength)
            change = (pictures.clamp(-1, 1) - self.test_pictures[:few]).abs().mean().item() * 127.5
            found = {**asdict(self._measure(pictures)), "mean_change_of_255": round(change, 2)}
            self.report[f"guided_{strength}"] = found
            self._log(f"guided {strength}", **found)
            guided.append(pictures[:8])
        self._save_report(text_only, guided)

    def _save_report(self, text_only: torch.Tensor, guided: list[torch.Tensor]) -> None:
        self.report["seconds"] = round(self.seconds, 1)
        (self.recipe.out / "report.json").write_text(json.dumps(self.report, indent=1))
        rows = [text_only[start : start + 8] for start in range(0, min(40, len(text_only)), 8)]
        self._contact_sheet([*rows, self.test_pictures[:8], *guided])
        self._bundle()

    def _contact_sheet(self, rows: list[torch.Tensor]) -> None:
        size = 192
        sheet = Image.new("RGB", (8 * size, len(rows) * size), "white")
        for y, row in enumerate(rows):
            for x, picture in enumerate(
                ((row.clamp(-1, 1) + 1) * 127.5).byte().permute(0, 2, 3, 1).cpu().numpy()
            ):
                sheet.paste(
                    Image.fromarray(picture).resize((size, size), Image.Resampling.LANCZOS),
                    (x * size, y * size),
                )
        sheet.save(self.recipe.out / "samples.png")

    def _save(self, optimizer: torch.optim.Optimizer, step: int, progress: float) -> None:
        """The folder in half precision, and what a resumed run needs."""
        folder, fresh = self.recipe.out / "storybook", self.recipe.out / "storybook.new"
        shutil.rmtree(fresh, ignore_errors=True)
        self.smooth.save(fresh)
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)
        state = {
            "unet": self.painter.unet.state_dict(),
            "text": self.painter.text.state_dict(),
            "smooth_unet": self.smooth.unet.state_dict(),
            "smooth_text": self.smooth.text.state_dict(),
            "optimizer": optimizer.state_dict(),
            "step": step,
            "progress": progress,
        }
        torch.save(state, self.recipe.out / "state.new")
        (self.recipe.out / "state.new").rename(self.recipe.out / "state.pt")
        self.report["folder_bytes"] = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        self._bundle()

    def _bundle(self) -> None:
        """The results once more as a few small files, for ways out that allow no large ones."""
        if self.recipe.bundle is None:
            return
        self.recipe.bundle.mkdir(parents=True, exist_ok=True)
        packed = self.recipe.out / "storybook.tar"
        with tarfile.open(packed, "w") as archive:
            for name in ("storybook", "ruler.safetensors"):
                archive.add(self.recipe.out / name, name)
        data = packed.read_bytes()
        for index, start in enumerate(range(0, len(data), PART_BYTES)):
            part = self.recipe.bundle / f"storybook.tar.{index}"
            part.with_suffix(".new").write_bytes(data[start : start + PART_BYTES])
            part.with_suffix(".new").rename(part)
        for name in ("log.tsv", "report.json", "samples.png"):
            if (self.recipe.out / name).exists():
                shutil.copyfile(self.recipe.out / name, self.recipe.bundle / name)

    def _log(self, stage: str, **facts) -> None:
        words = "\t".join(
            f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}"
            for name, value in facts.items()
        )
        line = f"{self.seconds:.1f}\t{stage}\t{words}"
        print(line, flush=True)
        with (self.recipe.out / "log.tsv").open("a") as log:
            log.write(line + "\n")
        if self.recipe.bundle is not None and self.recipe.bundle.exists():
            shutil.copyfile(self.recipe.out / "log.tsv", self.recipe.bundle / "log.tsv")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--device", default="cpu")
    defaults = Recipe(Path(), 0)
    for name in ("scenes", "workers", "batch", "vae_batch", "tests", "steps", "evaluations", "seed"):
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=getattr(defaults, name))
    parser.add_argument("--vae-until", type=float, default=defaults.vae_until)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--resume", action="store_true")
    Storybook(Recipe(**vars(parser.parse_args()))).run()


if __name__ == "__main__":
    main()
