"""Scores the storybook painter beside the composer's own layouts and the autoencoder's copies, in one run.

    export OMP_WAIT_POLICY=PASSIVE GOMP_SPINCOUNT=1000
    python -m benchmarks.storybook --out results/storybook

Pictures are asked for held-out subject x place pairs, which neither the painter nor the ruler was taught. The ruler
(``pipelines.training.storybook_ruler``) is trained on the first run, some twenty minutes, and kept in ``--ruler``. Rows:

``layout``  the composer's pictures, what the ruler can read at best
``copy``    the layout through the autoencoder and back: what painting starts from
``page``    painted over the layout as pages of a book are, with the settings a book starts with
``bare``    painted over the layout with the same settings, but all of it alike and without the drawing's lines
``words``   painted from words alone

Figures: share of pictures whose subject, place and palette the ruler names right, with the standard error; mean change
from the layout, of 255, with its spread over the pictures and the least; CPU seconds a picture, the median and the
least (the least is nearest to an idle machine). Every picture is kept in ``--out``; a stopped run goes on there.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from pipelines.illustration.captions import prompt
from pipelines.illustration.illustrator import Illustrator
from pipelines.illustration.layout import Scene, compose
from pipelines.illustration.painter import Painter
from pipelines.illustration.settings import STORYBOOK, PaintingSettings
from pipelines.illustration.storybook import SHIPPED, load_storybook
from pipelines.story.story import PagePlan, Prompt
from pipelines.training.storybook_ruler import Asked, Ruler
from pipelines.training.storybook_scenes import held_out_scenes

SEED = 23
TEXT_STEPS = 20
SHEET_ROWS, SHEET_TILE = ("layout", "copy", "page"), 256
Paint = Callable[[Scene, int], Image.Image]


class Bench:
    """The ways to a picture of a scene, and the pictures that are there already."""

    def __init__(self, painter: Painter, settings: PaintingSettings, out: Path) -> None:
        self.painter, self.settings, self.out = painter, settings, out
        self.illustrator = Illustrator(STORYBOOK, painter.over_layouts())
        self.plain = painter.over_layouts()
        self.ways: dict[str, Paint] = {
            "layout": lambda scene, seed: compose(scene, settings.size),
            "copy": self.copy,
            "page": self.page,
            "bare": self.bare,
            "words": self.words,
        }

    def page(self, scene: Scene, seed: int) -> Image.Image:
        unsaid = Prompt("", "", "", "", "", "")  # storybook is told what the layout shows
        plan = PagePlan("page", unsaid, "", scene, seed)
        return self.illustrator.draw(plan, self.settings, lambda share: None).image

    @torch.inference_mode()
    def copy(self, scene: Scene, seed: int) -> Image.Image:
        return _image(self.painter.vae(_tensor(compose(scene, 256))).sample[0])

    @torch.inference_mode()
    def bare(self, scene: Scene, seed: int) -> Image.Image:
        settings = self.settings
        return self.plain(
            prompt(scene),
            compose(scene, 256),
            strength=settings.strength,
            num_inference_steps=settings.num_inference_steps,
            guidance_scale=settings.guidance_scale,
            generator=torch.Generator().manual_seed(seed),
        ).images[0]

    @torch.inference_mode()
    def words(self, scene: Scene, seed: int) -> Image.Image:
        return _image(self.painter.paint([prompt(scene)], [seed], TEXT_STEPS)[0])

    def row(self, way: str, scenes: list[Scene]) -> tuple[list[Image.Image], list[float]]:
        """Pictures of the scenes and the CPU seconds each took."""
        folder = self.out / way
        folder.mkdir(parents=True, exist_ok=True)
        pictures, seconds = [], []
        for seed, scene in enumerate(scenes):
            path, note = folder / f"{seed:03}.png", folder / f"{seed:03}.json"
            if not note.exists():
                began = time.process_time()
                picture = self.ways[way](scene, seed)
                taken = time.process_time() - began
                picture.save(path)
                note.write_text(json.dumps({"cpu_seconds": round(taken, 3)}))
            pictures.append(Image.open(path).convert("RGB"))
            seconds.append(json.loads(note.read_text())["cpu_seconds"])
        return pictures, seconds


def figures(
    ruler: Ruler,
    scenes: list[Scene],
    pictures: list[Image.Image],
    layouts: list[Image.Image],
    seconds: list[float],
) -> dict:
    count = len(pictures)
    verdicts = ruler.verdicts(
        torch.cat([_tensor(picture.resize((256, 256), Image.Resampling.BOX)) for picture in pictures]),
        Asked.of(scenes[:count]),
    )
    found: dict[str, object] = {"pictures": count}
    for name, right in zip(("subject", "place", "palette"), verdicts, strict=True):
        share = right.float().mean().item()
        found[name] = [round(share, 4), round(math.sqrt(share * (1 - share) / count), 4)]
    change = [
        np.abs(
            np.asarray(picture, np.float32)
            - np.asarray(layout.resize(picture.size, Image.Resampling.BOX), np.float32)
        ).mean()
        for picture, layout in zip(pictures, layouts, strict=False)
    ]
    found["change"] = [round(float(value), 2) for value in (np.mean(change), np.std(change), np.min(change))]
    found["cpu_seconds"] = [round(float(value), 2) for value in (np.median(seconds), np.min(seconds))]
    return found


def write_sheet(rows: list[list[Image.Image]], path: Path, across: int = 6) -> None:
    """Layout, copy and page one under the other, ``across`` scenes a band."""
    count = len(rows[0])
    bands = math.ceil(count / across)
    sheet = Image.new("RGB", (across * SHEET_TILE, bands * len(rows) * SHEET_TILE), "white")
    for index in range(count):
        for place, row in enumerate(rows):
            tile = row[index].resize((SHEET_TILE, SHEET_TILE), Image.Resampling.LANCZOS)
            band, column = divmod(index, across)
            sheet.paste(tile, (column * SHEET_TILE, (band * len(rows) + place) * SHEET_TILE))
    sheet.save(path)


def _tensor(picture: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float() / 127.5 - 1


def _image(picture: torch.Tensor) -> Image.Image:
    pixels = ((picture.clamp(-1, 1) + 1) * 127.5).round().byte()
    return Image.fromarray(pixels.permute(1, 2, 0).cpu().numpy())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for pictures, results.json, sheet.png"
    )
    parser.add_argument(
        "--painter", type=Path, default=SHIPPED, help="a diffusers folder, or the shipped one"
    )
    parser.add_argument("--ruler", type=Path, default=Path("runs/storybook-ruler.safetensors"))
    parser.add_argument("--pictures", type=int, default=128)
    parser.add_argument(
        "--others", type=int, default=128, help="pictures of the rows bare and words, the slow ones"
    )
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    scenes = held_out_scenes(max(arguments.pictures, arguments.others), SEED)
    painter = load_storybook() if arguments.painter == SHIPPED else Painter.load(arguments.painter)
    settings = PaintingSettings()
    bench = Bench(painter, settings, arguments.out)
    counts = dict.fromkeys(bench.ways, arguments.pictures) | dict.fromkeys(
        ("bare", "words"), arguments.others
    )
    painted = {way: bench.row(way, scenes[: counts[way]]) for way in bench.ways}
    ruler = Ruler.ready(arguments.ruler)
    layouts = [compose(scene, settings.size) for scene in scenes]
    results: dict[str, object] = {"settings": settings.to_json()}
    for way, (pictures, seconds) in painted.items():
        results[way] = figures(ruler, scenes, pictures, layouts, seconds)
        print(way, results[way], flush=True)
    write_sheet([painted[way][0][:12] for way in SHEET_ROWS], arguments.out / "sheet.png")
    (arguments.out / "results.json").write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
