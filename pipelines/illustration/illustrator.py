"""The illustrator: a loaded painter that turns a page's plan into a picture."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.failure import CraftError
from pipelines.illustration import wording
from pipelines.illustration.illustration import Illustration, labelled_png, placeholder
from pipelines.illustration.layout import boxes, compose
from pipelines.illustration.settings import STORYBOOK, PaintingSettings
from pipelines.story.story import PagePlan

if TYPE_CHECKING:
    from pipelines.illustration.stable_diffusion import Pipeline

__all__ = ["Illustration", "Illustrator", "PaintingSettings", "placeholder"]
WASH = "a wash by storybook, laid over the drawn layout; subjects painted with less strength than the rest"


class Illustrator:
    """One painter in memory. Pictures are painted one at a time.

    Args:
        base: its id; written into every picture.
    """

    def __init__(self, base: str, pipeline: Pipeline) -> None:
        self.base, self._pipeline = base, pipeline

    @classmethod
    def load(cls, base: str | Path, device: str, tokenizers: tuple[Path, ...] = ()) -> Illustrator:
        """``base``: ``storybook``, or the path of a Stable Diffusion folder or ``.safetensors`` file.

        Raises:
            CraftError: see ``pipelines.illustration.stable_diffusion.open_base``.
        """
        if base == STORYBOOK:
            from pipelines.illustration.storybook import load_storybook

            return cls(STORYBOOK, load_storybook().over_layouts().to(device))
        from pipelines.illustration.stable_diffusion import open_base

        path = Path(base)
        return cls(path.stem if path.is_file() else path.name, open_base(path, device, tokenizers))

    def draw(
        self, page: PagePlan, settings: PaintingSettings, report: Callable[[float], None]
    ) -> Illustration:
        """Paint the page over its layout. Same page, settings and base, same picture (on the same kind of device).

        Args:
            report: told the share that is done, 0..1, after every step; may raise ``Cancelled``.

        Raises:
            CraftError: those of ``PaintingSettings.checked``; ``picture_withheld`` when the base's own safety checker
                objects.
        """
        from pipelines.illustration.repaint import repaint
        from pipelines.illustration.stable_diffusion import SCHEDULERS, paint_over

        settings = settings.checked()
        # 1. Where everybody stands, and the words for it
        layout = compose(page.layout, settings.size)
        own = self.base == STORYBOOK
        words = wording.storybook(page) if own else wording.plain(page)
        # 2. Paint
        pipeline = self._pipeline
        pipeline.scheduler = SCHEDULERS[settings.sampler].from_config(pipeline.scheduler.config)

        def stepped(running: Pipeline, index: int, _: object, tensors: dict) -> dict:
            report((index + 1) / (running.num_timesteps + 1))
            return tensors

        report(0.0)
        if own:
            subjects = boxes(page.layout, settings.size)
            image = repaint(pipeline, layout, subjects, words, settings, page.seed, stepped)
        else:
            image = paint_over(pipeline, layout, words, settings, page.seed, stepped)
            if image is None:
                raise CraftError("picture_withheld", scene=page.scene_id)
        # 3. Say in the file what it is
        texts = {
            "prompt": words.prompt,
            "negative_prompt": words.negative_prompt,
            "seed": str(page.seed),
            "base": self.base,
            "settings": json.dumps(settings.to_json()),
            "process": WASH if own else "painted over the layout",
        }
        png = labelled_png(image, texts, page.picture_key, painted=True)
        report(1.0)
        return Illustration(png, image)
