from __future__ import annotations

import re

import pytest

from studio.ui.theme import ASSETS, PALETTE, SHEETS

TEXT_ON = [
    ("ink", "paper"),
    ("ink", "card"),
    ("ink", "sunk"),
    ("muted", "paper"),
    ("muted", "card"),
    ("muted", "sunk"),
    ("on_coral", "coral"),
    ("on_coral", "coral_deep"),
    ("ink", "coral_soft"),
    ("coral_ink", "coral_soft"),
    ("coral_ink", "card"),
    ("coral_ink", "paper"),
    *((verdict, ground) for verdict in ("good", "fair", "poor") for ground in (f"{verdict}_soft", "card")),
    *(("ink", f"{verdict}_soft") for verdict in ("good", "fair", "poor")),
]
EDGES = [("edge", "card"), ("edge", "sunk"), ("coral", "card"), ("coral", "paper")]


def luminance(colour: str) -> float:
    """WCAG 2.2 relative luminance of #RRGGBB."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("light", PALETTE)
@pytest.mark.parametrize(("text", "ground"), TEXT_ON)
def test_text_can_be_read(light: str, text: str, ground: str) -> None:
    assert contrast(PALETTE[light][text], PALETTE[light][ground]) >= 4.5


@pytest.mark.parametrize("light", PALETTE)
@pytest.mark.parametrize(("edge", "ground"), EDGES)
def test_edges_of_controls_can_be_seen(light: str, edge: str, ground: str) -> None:
    assert contrast(PALETTE[light][edge], PALETTE[light][ground]) >= 3.0


def test_both_lights_name_the_same_colours() -> None:
    assert set(PALETTE["light"]) == set(PALETTE["dark"])


@pytest.mark.parametrize("sheet", SHEETS)
def test_the_stylesheet_uses_only_colours_of_the_palette(sheet: str) -> None:
    css = (ASSETS / sheet).read_text(encoding="utf-8")
    used = set(re.findall(r"var\(--vt-([a-z-]+)", css))
    known = {name.replace("_", "-") for name in PALETTE["light"]} | {"serif", "radius", "shadow"}
    assert used <= known
    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b(?![^{]*\{)", re.sub(r"#[a-z-]+", "", css))
