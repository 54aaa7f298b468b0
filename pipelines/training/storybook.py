"""Train the storybook painter: a tiny Stable Diffusion that paints our own picture-book world.

`python -m pipelines.training.storybook --out runs/storybook --minutes 120 --device cpu` renders scenes with the
layout composer, trains the autoencoder, then text encoder and UNet, and writes a folder that `StableDiffusionPipeline.from_pretrained` opens, `log.tsv`, `samples.png` and `report.json`.
With `--resume` it goes on from `state.pt` in the same folder, or from the finished `storybook` folder alone; then
`--focus` turns it to what stands in the pictures, and `--processes` shares the work among cores.
"""

from __future__ import annotations

import argparse
import math
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from pipelines.illustration.captions import prompt
from pipelines.illustration.painter import Painter
from pipelines.training import storybook_compile
from pipelines.training.storybook_autoencoder import judge_autoencoder, train_autoencoder
from pipelines.training.storybook_compile import fast_math, mixed_precision
from pipelines.training.storybook_diffusion import DiffusionTraining
from pipelines.training.storybook_pool import Latents, Pool
from pipelines.training.storybook_results import Results
from pipelines.training.storybook_ruler import Ruler, Score
from pipelines.training.storybook_scenes import CHUNK, SceneFactory, captions, held_out_scenes
from pipelines.training.together import as_the_first, processes, rank, train_together

STRENGTHS = (0.4, 0.55, 0.7)
PART = 64
WARM_START = 0.35


@dataclass(frozen=True)
class Recipe:
    """`minutes` bounds the whole run, `vae_until` and `reserve` are shares of it; the `ruler` is trained before it
    when it is not there yet."""

    out: Path
    minutes: float
    bundle: Path | None = None
    device: str = "cpu"
    scenes: int = 24_576
    workers: int = 2
    batch: int = 32
    vae_batch: int = 16
    steps: int = 20
    tests: int = 256
    evaluations: int = 4
    seed: int = 7
    vae_until: float = 0.34
    reserve: float = 0.07
    compile: bool = False
    resume: bool = False
    ruler: Path = Path("runs/storybook-ruler.safetensors")
    vae_rate: float = 1e-3
    rate: float = 8e-4
    average: float = 0.998
    gamma: float = 5.0
    focus: float = 1.0


class Storybook:
    """One training run."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.ruler = Ruler.ready(recipe.ruler)
        self.results = Results(recipe.out, recipe.bundle, silent=rank() > 0)
        self.device = torch.device(recipe.device)
        self.autocast = mixed_precision(self.device)
        self.resumed = recipe.resume and (recipe.out / "storybook").exists()
        self.test_scenes = held_out_scenes(recipe.tests, recipe.seed)
        # Workers are forked before CUDA wakes up: a CUDA context does not survive a fork.
        count = math.ceil(recipe.scenes / CHUNK) * CHUNK
        seed = recipe.seed + rank()
        self.factory = SceneFactory(count, recipe.workers, seed, self.test_scenes)
        torch.manual_seed(seed)
        fast_math()
        self.compiler = storybook_compile.start(recipe.device, recipe.batch) if recipe.compile else None

    def run(self) -> None:
        try:
            # 1. Parts, new or from a stopped run
            training = self._prepare()
            # 2. Pictures, rendered on while the rest begins
            pool = Pool(self.factory, self.device)
            pool.wait_for(max(1, self.factory.chunks // 10))
            self.results.log("scenes", count=int(pool.done.sum()))
            # 3. Autoencoder
            if not self.resumed:
                self._train_autoencoder(pool)
            # 4. Latents of every picture and its mirror image
            latents = pool.encode(self.painter, self.autocast, fold=not self.resumed)
            self.results.log("latents", count=len(latents.values))
            # 5. Text encoder and UNet, compiled if the compiler is done
            if self.compiler is not None and self.compiler.poll() == 0:
                self._compile(training)
            self._train_diffusion(training, latents, pool)
            # 6. What it can do
            if not rank():
                self._finish(training, pool)
        finally:
            if self.compiler is not None:
                self.compiler.kill()
            self.factory.close()

    def _prepare(self) -> DiffusionTraining:
        recipe = self.recipe
        if self.resumed:
            self.painter = Painter.load(recipe.out / "storybook")
        else:
            self.painter = Painter.new(captions(20_000, recipe.seed))
        painter = self.painter
        self.painter.text.to(self.device)
        for part in (painter.vae, painter.unet, self.ruler):
            part.to(self.device, memory_format=torch.channels_last)
        painter.vae.train(not self.resumed).requires_grad_(not self.resumed)
        for part in (painter.text, painter.vae, painter.unet):
            name = f"{type(part).__name__}_parameters"
            self.results.report[name] = sum(value.numel() for value in part.parameters())
        training = DiffusionTraining(
            painter,
            batch=recipe.batch,
            rate=recipe.rate,
            average=recipe.average,
            gamma=recipe.gamma,
            focus=recipe.focus,
            autocast=self.autocast,
            log=self.results.log,
        )
        if self.resumed and (recipe.out / "state.pt").exists():
            state = torch.load(recipe.out / "state.pt", map_location=self.device, weights_only=True)
            training.load_state(state)
        elif self.resumed:
            # Weights without an optimizer, as in the shipped folder: past the curriculum, before the rate falls.
            training.progress = WARM_START
        return training

    def _compile(self, training: DiffusionTraining) -> None:
        try:
            training.compile()
        except RuntimeError as error:
            self.results.log("not compiled", reason=str(error).splitlines()[0][:200])

    def _train_autoencoder(self, pool: Pool) -> None:
        recipe, results = self.recipe, self.results
        begin, end = results.seconds, recipe.minutes * 60 * recipe.vae_until
        train_autoencoder(
            self.painter.vae,
            pool,
            batch=recipe.vae_batch,
            rate=recipe.vae_rate,
            progress=lambda: (results.seconds - begin) / max(end - begin, 1.0),
            autocast=self.autocast,
            log=results.log,
        )
        results.report.update(judge_autoencoder(self.painter.vae, self.ruler, pool, self.autocast))
        results.log(
            "autoencoder done", psnr=results.report["vae_psnr_db"], **results.report["ruler_on_renders"]
        )

    def _train_diffusion(self, training: DiffusionTraining, latents: Latents, pool: Pool) -> None:
        recipe, results = self.recipe, self.results
        first, begin = training.progress, results.seconds
        span = max(recipe.minutes * 60 * (1 - recipe.reserve) - begin, 1.0)
        marks = [(mark + 1) / (recipe.evaluations + 1) for mark in range(recipe.evaluations)]
        marks = [mark for mark in marks if mark > first and not rank()]
        losses: list[torch.Tensor] = []
        reported = begin
        while (progress := as_the_first(first + (1 - first) * (results.seconds - begin) / span)) < 1:
            losses.append(training.train_step(latents, progress))
            due = bool(marks) and progress >= marks[0]
            if not due and results.seconds - reported < max(10.0, span / 24):
                continue
            loss = torch.stack(losses).mean().item()
            speed = round(len(losses) * recipe.batch * processes() / (results.seconds - reported))
            results.log(
                "diffusion", step=training.step, progress=progress, loss=loss, samples_per_second=speed
            )
            if due:
                marks.pop(0)
                pictures = self._paint(training.smooth, min(128, recipe.tests))
                results.log("text only", **asdict(self._score(pictures, pool)))
                self._save(training, pictures, pool)
            losses, reported = [], results.seconds
        training.progress = 1.0
        results.report |= {"steps": training.step, "samples": training.step * recipe.batch * processes()}

    def _score(self, pictures: torch.Tensor, pool: Pool) -> Score:
        return self.ruler.measure(pictures, pool.test_asked[slice(0, len(pictures))])

    def _paint(self, painter: Painter, count: int) -> torch.Tensor:
        """Text-only pictures of the first held-out scenes."""
        pictures = []
        for start in range(0, count, PART):
            seeds = list(range(start, min(start + PART, count)))
            prompts = [prompt(self.test_scenes[seed]) for seed in seeds]
            with torch.no_grad(), self.autocast:
                pictures.append(painter.paint(prompts, seeds, self.recipe.steps))
        return torch.cat(pictures)

    def _paint_over(self, painter: Painter, layouts: torch.Tensor, strength: float) -> torch.Tensor:
        pictures = []
        for start in range(0, len(layouts), PART):
            seeds = list(range(start, min(start + PART, len(layouts))))
            prompts = [prompt(self.test_scenes[seed]) for seed in seeds]
            part = layouts[start : start + PART]
            with torch.no_grad(), self.autocast:
                pictures.append(painter.paint_over(part, prompts, seeds, self.recipe.steps, strength))
        return torch.cat(pictures)

    def _save(self, training: DiffusionTraining, pictures: torch.Tensor, pool: Pool) -> None:
        """The folder in half precision, what a resumed run needs, and a look at it."""
        out = self.recipe.out
        shutil.rmtree(out / "storybook.new", ignore_errors=True)
        training.smooth.save(out / "storybook.new")
        shutil.rmtree(out / "storybook", ignore_errors=True)
        (out / "storybook.new").rename(out / "storybook")
        torch.save(training.state(), out / "state.new")
        (out / "state.new").rename(out / "state.pt")
        files = [file for file in (out / "storybook").rglob("*") if file.is_file()]
        self.results.report["folder_bytes"] = sum(file.stat().st_size for file in files)
        rows = [pictures[start : start + 8] for start in range(0, min(40, len(pictures)), 8)]
        self.results.write_sheet([*rows, pool.test_pictures[:8]])
        self.results.write_report()
        self.results.pack("storybook")

    def _finish(self, training: DiffusionTraining, pool: Pool) -> None:
        results = self.results
        pictures = self._paint(training.smooth, self.recipe.tests)
        results.report["text_only"] = asdict(self._score(pictures, pool))
        results.log("text only", pictures=len(pictures), **results.report["text_only"])
        self._save(training, pictures, pool)
        layouts = pool.test_pictures[:128]
        rows = [pictures[start : start + 8] for start in range(0, min(40, len(pictures)), 8)] + [layouts[:8]]
        for strength in STRENGTHS:
            painted = self._paint_over(training.smooth, layouts, strength)
            change = (painted.clamp(-1, 1) - layouts).abs().mean().item() * 127.5
            found = {**asdict(self._score(painted, pool)), "mean_change_of_255": round(change, 2)}
            results.report[f"guided_{strength}"] = found
            results.log(f"guided {strength}", **found)
            rows.append(painted[:8])
        results.write_sheet(rows)
        results.write_report()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument(
        "--bundle", type=Path, help="a second folder for the results, in files of at most 14 MB"
    )
    parser.add_argument("--device", default="cpu")
    defaults = Recipe(Path(), 0)
    parser.add_argument("--ruler", type=Path, default=defaults.ruler)
    for name in ("scenes", "workers", "batch", "vae_batch", "tests", "steps", "evaluations", "seed"):
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=getattr(defaults, name))
    for name in ("vae_until", "reserve", "rate", "focus"):
        parser.add_argument(f"--{name.replace('_', '-')}", type=float, default=getattr(defaults, name))
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--processes", type=int, default=1, help="train together over gloo; for the CPU")
    arguments = vars(parser.parse_args())
    count = arguments.pop("processes")
    if count > 1 and not arguments["resume"]:
        parser.error("--processes needs --resume: the autoencoder is trained by one process")
    Ruler.ready(arguments["ruler"])
    train_together(train, Recipe(**arguments), count)


def train(recipe: Recipe) -> None:
    if processes() > 1:
        torch.set_num_threads(1)
    Storybook(recipe).run()


if __name__ == "__main__":
    main()
