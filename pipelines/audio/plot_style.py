"""One look for all plots: the page's colours, see-through paper, letters that can be read on a phone."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_INCHES, HEIGHT_INCHES, DPI = 5.2, 2.5, 200
"""1040 pixels; letters of 10 points are 28 pixels then and still 10 on a screen of 390."""
LETTER_POINTS = 10.0
ENGLISH: Mapping[str, str] = {
    "time": "seconds",
    "kept": "kept",
    "cut": "cut",
    "speech": "speech",
    "pause": "pause",
    "hertz": "Hz",
    "pitch": "pitch (F0)",
    "before": "before",
    "after": "after cleaning",
    "target": "target range",
}
"""What is written when no font has the letters of the labels that were asked for."""
_LATIN = ("Segoe UI", "Helvetica Neue", "Noto Sans", "Inter", "DejaVu Sans")
_CHINESE = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "PingFang SC",
    "Microsoft YaHei",
    "Hiragino Sans GB",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "SimHei",
    "Heiti SC",
    "Noto Sans CJK JP",
    "Droid Sans Fallback",
)


@dataclass(frozen=True)
class Colours:
    ink: str
    muted: str
    line: str
    accent: str
    second: str
    faded: str
    band: str
    halo: str
    heat: tuple[str, ...]
    """From silence to loud; silence is see-through."""


LIGHT = Colours(
    ink="#2A2420",
    muted="#675C53",
    line="#E0D5C4",
    accent="#C4432A",
    second="#0B7285",
    faded="#BCB0A2",
    band="#2A66391F",
    halo="#FFFFFF",
    heat=("#FAF6EF00", "#F6DCC6", "#EDA27F", "#C4432A", "#6B1F2E", "#2A1420"),
)
DARK = Colours(
    ink="#F3EDE3",
    muted="#B4ADA1",
    line="#353B49",
    accent="#FF8769",
    second="#7FDDE9",
    faded="#5B6272",
    band="#93D3A21F",
    halo="#14161C",
    heat=("#14161C00", "#2B2A4A", "#6E3566", "#C9505A", "#FF9A6B", "#FFF0CF"),
)


class Sheet:
    """An empty plot in the house's look; draw on ``axes``, take ``png()``."""

    def __init__(self, dark: bool, labels: Mapping[str, str]) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.font_manager import FontProperties

        self.colours = DARK if dark else LIGHT
        foreign = any(ord(letter) > 0x2E7F for label in labels.values() for letter in label)
        chinese = _first_installed(_CHINESE) if foreign else None
        self.labels = {**ENGLISH, **labels} if chinese or not foreign else dict(ENGLISH)
        families = [name for name in (chinese, _first_installed(_LATIN), "DejaVu Sans") if name]
        self.font = FontProperties(family=list(dict.fromkeys(families)), size=LETTER_POINTS)
        self.figure: Figure = Figure(figsize=(WIDTH_INCHES, HEIGHT_INCHES), dpi=DPI, layout="constrained")
        FigureCanvasAgg(self.figure)
        self.figure.patch.set_alpha(0)
        self.axes: Axes = self.figure.add_subplot()
        self.axes.patch.set_alpha(0)
        for side in ("top", "right", "left"):
            self.axes.spines[side].set_visible(False)
        self.axes.spines["bottom"].set_color(self.colours.line)
        self.axes.set_axisbelow(True)

    def name_axes(self, x: str, y: str | None = None) -> None:
        # At the ends of the axes, where they take no room from the plot.
        self.axes.set_xlabel(x, fontproperties=self.font, color=self.colours.muted, loc="right", labelpad=1)
        if y:
            self.axes.set_title(y, fontproperties=self.font, color=self.colours.muted, loc="left", pad=7)

    def legend(self) -> None:
        handles, names = self.axes.get_legend_handles_labels()
        if handles:
            self.axes.legend(
                handles,
                names,
                loc="lower right",
                bbox_to_anchor=(1, 1),
                ncols=len(handles),
                frameon=False,
                prop=self.font,
                labelcolor=self.colours.ink,
                borderpad=0,
                borderaxespad=0.3,
                handlelength=1.1,
                handletextpad=0.5,
                columnspacing=1.2,
            )

    def png(self) -> bytes:
        self.axes.tick_params(colors=self.colours.muted, length=0, pad=4)
        for text in (*self.axes.get_xticklabels(), *self.axes.get_yticklabels()):
            text.set_fontproperties(self.font)
        file = io.BytesIO()
        self.figure.savefig(file, format="png", transparent=True)
        return file.getvalue()


@cache
def _first_installed(names: tuple[str, ...]) -> str | None:
    from matplotlib.font_manager import fontManager

    installed = {font.name for font in fontManager.ttflist}
    return next((name for name in names if name in installed), None)
