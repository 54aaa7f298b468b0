"""How the page looks: one warm palette, pinned for light and for dark."""

from __future__ import annotations

from functools import cache
from pathlib import Path

ASSETS = Path(__file__).resolve().parent.parent.parent / "assets" / "ui"
SHEETS, SCRIPTS = ("page.css", "story.css"), ("page.js", "story.js")

SANS = (
    "system-ui",
    "-apple-system",
    "Segoe UI",
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "sans-serif",
)
MONO = ("ui-monospace", "SFMono-Regular", "Consolas", "Noto Sans Mono CJK SC", "monospace")

PALETTE = {
    "light": {
        "paper": "#FAF6EF",
        "card": "#FFFFFF",
        "sunk": "#F4EDE2",
        "line": "#E7DDCE",
        "edge": "#8F8273",
        "ink": "#2A2420",
        "muted": "#675C53",
        "coral": "#C4432A",
        "coral_deep": "#A93720",
        "on_coral": "#FFFFFF",
        "coral_soft": "#FCE9E2",
        "coral_ink": "#A5361D",
        "good": "#2A6639",
        "good_soft": "#E4F1E5",
        "fair": "#754D00",
        "fair_soft": "#FBF0D6",
        "poor": "#A02A22",
        "poor_soft": "#FBE5E1",
    },
    "dark": {
        "paper": "#14161C",
        "card": "#1D2029",
        "sunk": "#171A22",
        "line": "#323845",
        "edge": "#7C8190",
        "ink": "#F3EDE3",
        "muted": "#B4ADA1",
        "coral": "#FF8769",
        "coral_deep": "#FF9D84",
        "on_coral": "#2A0F07",
        "coral_soft": "#39241F",
        "coral_ink": "#FFA48C",
        "good": "#93D3A2",
        "good_soft": "#1C3224",
        "fair": "#F1C878",
        "fair_soft": "#382E17",
        "poor": "#FFA195",
        "poor_soft": "#42211E",
    },
}


def _variables(palette: dict[str, str]) -> str:
    return "".join(f"--vt-{name.replace('_', '-')}:{colour};" for name, colour in palette.items())


@cache
def stylesheet() -> str:
    """The palette as CSS variables, then ``assets/ui/page.css`` and ``story.css``."""
    palette = f":root{{{_variables(PALETTE['light'])}color-scheme:light}}.dark{{{_variables(PALETTE['dark'])}color-scheme:dark}}"
    return palette + "".join((ASSETS / name).read_text(encoding="utf-8") for name in SHEETS)


@cache
def script() -> str:
    """``assets/ui/page.js``: language and light, players, dropping and recording; ``story.js``: the Story tab."""
    return "".join((ASSETS / name).read_text(encoding="utf-8") for name in SCRIPTS)


def theme():
    """A Gradio theme of the palette; no web fonts."""
    import gradio as gr

    light, dark = PALETTE["light"], PALETTE["dark"]

    def pinned(**colours: str) -> dict[str, str]:
        both = {}
        for token, name in colours.items():
            both[token] = light[name]
            both[f"{token}_dark"] = dark[name]
        return both

    return gr.themes.Base(font=SANS, font_mono=MONO, radius_size="lg", text_size="md").set(
        **pinned(
            body_background_fill="paper",
            body_text_color="ink",
            body_text_color_subdued="muted",
            background_fill_primary="card",
            background_fill_secondary="sunk",
            border_color_primary="line",
            border_color_accent="coral",
            color_accent_soft="coral_soft",
            link_text_color="coral_ink",
            link_text_color_hover="coral_ink",
            link_text_color_visited="coral_ink",
            link_text_color_active="coral_ink",
            block_background_fill="card",
            block_border_color="line",
            block_info_text_color="muted",
            block_label_background_fill="card",
            block_label_text_color="muted",
            block_title_text_color="ink",
            panel_background_fill="card",
            panel_border_color="line",
            accordion_text_color="ink",
            input_background_fill="card",
            input_background_fill_focus="card",
            input_border_color="edge",
            input_border_color_focus="coral",
            input_border_color_hover="edge",
            input_placeholder_color="muted",
            checkbox_background_color="card",
            checkbox_background_color_selected="coral",
            checkbox_border_color="edge",
            checkbox_border_color_focus="coral",
            checkbox_border_color_selected="coral",
            checkbox_label_background_fill="card",
            checkbox_label_background_fill_hover="sunk",
            checkbox_label_background_fill_selected="coral_soft",
            checkbox_label_border_color="line",
            checkbox_label_border_color_selected="coral",
            checkbox_label_text_color="ink",
            checkbox_label_text_color_selected="ink",
            slider_color="coral",
            button_primary_background_fill="coral",
            button_primary_background_fill_hover="coral_deep",
            button_primary_border_color="coral",
            button_primary_text_color="on_coral",
            button_primary_text_color_hover="on_coral",
            button_secondary_background_fill="card",
            button_secondary_background_fill_hover="sunk",
            button_secondary_border_color="line",
            button_secondary_text_color="ink",
            button_secondary_text_color_hover="ink",
            button_cancel_background_fill="card",
            button_cancel_background_fill_hover="poor_soft",
            button_cancel_border_color="line",
            button_cancel_text_color="poor",
            button_cancel_text_color_hover="poor",
            loader_color="coral",
        ),
        color_accent=light["coral"],
        block_radius="16px",
        input_radius="12px",
        button_large_radius="14px",
        button_medium_radius="12px",
        button_small_radius="10px",
        block_border_width="0px",
        input_border_width="1px",
        input_border_width_dark="1px",
        input_padding="11px 14px",
        block_shadow="none",
        block_shadow_dark="none",
        block_padding="0px",
        block_title_text_weight="600",
        layout_gap="18px",
        button_large_text_weight="650",
    )
