"""The light a picture stands in: sky, tint, weather."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Palette:
    """`tint` multiplies every colour, then `ambient` is mixed in by `haze` (0..1)."""

    name: str
    sky: tuple[str, str]
    tint: tuple[float, float, float]
    ambient: str
    haze: float
    disc: str | None
    disc_height: float
    cloud: str
    weather: str | None = None
    stars: bool = False

    def apply(self, colour: str, distance: float = 0.0, share: float = 1.0) -> str:
        """A hex colour in this light; `distance` (0..1) fades it into the sky, `share` weakens the effect."""
        channels = zip(_rgb(colour), self.tint, _rgb(self.ambient), _rgb(self.sky[1]), strict=True)
        return _hex(
            mix(mix(value * mix(1.0, tint, share), ambient, self.haze * share), far, distance)
            for value, tint, ambient, far in channels
        )


def mix(start: float, end: float, share: float) -> float:
    return start + (end - start) * share


def _rgb(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))


def _hex(channels) -> str:
    return "#" + "".join(f"{min(255, max(0, round(value))):02x}" for value in channels)


PALETTES: Mapping[str, Palette] = {
    palette.name: palette
    for palette in (
        Palette("day", ("#62b9f0", "#dcf2fd"), (1.0, 1.0, 1.0), "#ffffff", 0.0, "#ffe27a", 0.17, "#ffffff"),
        Palette("dawn", ("#a9b4ea", "#ffd3d6"), (1.0, 0.9, 0.95), "#f6b3cd", 0.2, "#fff3c4", 0.42, "#ffe9ef"),
        Palette(
            "sunset", ("#a2508c", "#ffb25e"), (1.0, 0.8, 0.62), "#f07a33", 0.2, "#ff6f3c", 0.4, "#f7906a"
        ),
        Palette(
            "night",
            ("#101a45", "#3a4d8c"),
            (0.46, 0.52, 0.78),
            "#1a2560",
            0.2,
            "#fdf3c8",
            0.16,
            "#3c4a80",
            stars=True,
        ),
        Palette(
            "rain",
            ("#8796a3", "#c6d0d6"),
            (0.8, 0.86, 0.9),
            "#8a9aa8",
            0.32,
            None,
            0.0,
            "#a3afba",
            weather="rain",
        ),
        Palette(
            "storm",
            ("#2b2b3d", "#6d667c"),
            (0.55, 0.5, 0.62),
            "#3d3450",
            0.32,
            None,
            0.0,
            "#45435a",
            weather="storm",
        ),
    )
}
