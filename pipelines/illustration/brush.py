"""The brush backgrounds are painted with: SVG shapes on a 256 x 256 canvas, coloured by the light."""

from __future__ import annotations

import math
from random import Random

from pipelines.illustration.palette import Palette

SIZE = 256


class Brush:
    """Collects SVG elements, colours tinted by the palette."""

    def __init__(self, palette: Palette, seed: int) -> None:
        self.palette = palette
        self.rng = Random(seed)
        self.parts: list[str] = []
        self._gradients = 0

    def path(self, d: str, colour: str, distance: float = 0.0, opacity: float = 1.0) -> None:
        self._add(f'<path d="{d}"', colour, distance, opacity)

    def ellipse(
        self,
        x: float,
        y: float,
        rx: float,
        ry: float,
        colour: str,
        distance: float = 0.0,
        opacity: float = 1.0,
    ) -> None:
        self._add(
            f'<ellipse cx="{x:.1f}" cy="{y:.1f}" rx="{rx:.1f}" ry="{ry:.1f}"', colour, distance, opacity
        )

    def rect(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        colour: str,
        distance: float = 0.0,
        opacity: float = 1.0,
        radius: float = 0.0,
    ) -> None:
        shape = f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{radius}"'
        self._add(shape, colour, distance, opacity)

    def line(self, d: str, colour: str, width: float, distance: float = 0.0, opacity: float = 1.0) -> None:
        fill = self.palette.apply(colour, distance)
        self.parts.append(
            f'<path d="{d}" fill="none" stroke="{fill}" stroke-width="{width}" stroke-linecap="round" opacity="{opacity}"/>'
        )

    def gradient(self, top: str, bottom: str, y: float = 0.0, height: float = SIZE) -> None:
        """A vertical gradient in colours taken as they are."""
        self._gradients += 1
        name = f"g{self._gradients}"
        self.parts.append(
            f'<linearGradient id="{name}" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="{top}"/>'
            f'<stop offset="1" stop-color="{bottom}"/></linearGradient>'
            f'<rect x="0" y="{y}" width="{SIZE}" height="{height}" fill="url(#{name})"/>'
        )

    def plain(self, shape: str) -> None:
        """An element in its own colours: what shines does not take the tint."""
        self.parts.append(shape)

    def _add(self, shape: str, colour: str, distance: float, opacity: float) -> None:
        see = "" if opacity == 1.0 else f' opacity="{opacity}"'
        self.parts.append(f'{shape} fill="{self.palette.apply(colour, distance)}"{see}/>')

    def hill(self, y: float, height: float, colour: str, distance: float = 0.0, waves: float = 1.2) -> None:
        """Rolling ground from `y` down to the lower edge."""
        phase, turns = self.rng.uniform(0, 6.28), waves * self.rng.uniform(0.8, 1.25)
        line = " ".join(
            f"L{x} {y - height * math.sin(phase + turns * 6.28 * x / SIZE):.1f}"
            for x in range(0, SIZE + 1, 16)
        )
        self.path(f"M0 {SIZE} {line} L{SIZE} {SIZE} Z", colour, distance)

    def sky(self, horizon: float = 170) -> None:
        palette, rng = self.palette, self.rng
        self.gradient(*palette.sky, 0, horizon + 20)
        if palette.stars:
            for _ in range(26):
                x, y, r = rng.uniform(0, SIZE), rng.uniform(0, horizon * 0.75), rng.uniform(0.7, 1.7)
                self.plain(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{r:.1f}" fill="#fdf6d8"/>')
        if palette.disc:
            x, y = rng.choice((0.16, 0.3, 0.7, 0.84)) * SIZE, palette.disc_height * SIZE + rng.uniform(-8, 8)
            if palette.stars:
                self.plain(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="24" fill="{palette.disc}" opacity="0.14"/>')
                self.plain(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="16" fill="{palette.disc}"/>')
                self.plain(f'<circle cx="{x - 5:.0f}" cy="{y - 3:.0f}" r="3.4" fill="#e9dba6"/>')
                self.plain(f'<circle cx="{x + 5:.0f}" cy="{y + 5:.0f}" r="2.6" fill="#e9dba6"/>')
            else:
                self.plain(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="30" fill="{palette.disc}" opacity="0.3"/>')
                self.plain(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="20" fill="{palette.disc}"/>')
        heavy = palette.weather is not None
        for _ in range(6 if heavy else rng.randint(1, 3)):
            self.cloud(
                rng.uniform(0, SIZE), rng.uniform(4, 34 if heavy else horizon * 0.4), rng.uniform(15, 26)
            )
        if palette.weather == "storm":
            x = rng.uniform(40, SIZE - 40)
            self.plain(
                f'<path d="M{x:.0f} 34 L{x - 16:.0f} 72 L{x - 4:.0f} 72 L{x - 18:.0f} 112 L{x + 14:.0f} 62 L{x + 2:.0f} 62 L{x + 16:.0f} 34 Z" fill="#fff0a0"/>'
            )

    def cloud(self, x: float, y: float, r: float) -> None:
        fill = self.palette.cloud
        circles = ((-1.1, 0.25, 0.6), (-0.35, -0.15, 0.85), (0.5, 0.0, 0.7), (1.15, 0.3, 0.5))
        body = "".join(
            f'<circle cx="{x + dx * r:.1f}" cy="{y + dy * r:.1f}" r="{size * r:.1f}"/>'
            for dx, dy, size in circles
        )
        base = f'<rect x="{x - 1.6 * r:.1f}" y="{y + 0.2 * r:.1f}" width="{3.2 * r:.1f}" height="{0.6 * r:.1f}" rx="{0.3 * r:.1f}"/>'
        self.plain(f'<g fill="{fill}" opacity="0.92">{body}{base}</g>')

    def waves(self, y: float, colour: str, distance: float = 0.0, step: float = 32) -> None:
        shift = self.rng.uniform(-step, 0)
        crests = " ".join(f"q{step / 2} -7 {step} 0" for _ in range(int(SIZE / step) + 3))
        self.path(f"M{shift:.1f} {y} {crests} V{SIZE} H{shift:.1f} Z", colour, distance)

    def document(self) -> str:
        body = "".join(self.parts)
        return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}">{body}</svg>'
