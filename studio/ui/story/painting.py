"""Advanced: how the pictures are painted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING

from pipelines.illustration.settings import (
    LIMITS,
    SAMPLERS,
    SIZES,
    STORYBOOK,
    PaintingLimit,
    PaintingSettings,
)
from studio.ui.i18n import Reader

if TYPE_CHECKING:
    from pipelines.illustration.bases import BaseDescription

WHOLE = ("num_inference_steps", "size")


def painting_form(
    reader: Reader,
    painting: PaintingSettings,
    bases: Sequence[str],
    seed: int,
) -> str:
    """
    Args:
        bases: ids of what can paint here.
        seed: of the whole book; shown, so that a book can be made again.
    """
    say = reader.say
    sliders = "".join(_slider(reader, painting, limit) for limit in LIMITS)
    named = [(base, say("ui.painting.storybook") if base == STORYBOOK else base) for base in bases]
    selects = (
        _select(reader, "base", named, painting.base)
        + _select(reader, "sampler", [(name, name) for name in SAMPLERS], painting.sampler)
        + _select(reader, "size", [(str(size), f"{size} × {size}") for size in SIZES], str(painting.size))
    )
    return (
        f'<details class="vt-more vt-painting" data-keep="painting"><summary><span>{escape(say("ui.speak.advanced"))}</span></summary>'
        f'<div class="vt-painting-form" data-edit="painting">{selects}{sliders}'
        f'<p class="vt-hint">{escape(say("ui.painting.seed", seed=seed))}</p></div></details>'
    )


def _slider(reader: Reader, painting: PaintingSettings, limit: PaintingLimit) -> str:
    name, value = limit.name, getattr(painting, limit.name)
    label, hint = reader.say(f"ui.painting.{name}.name"), reader.say(f"ui.painting.{name}.info")
    return (
        f'<div class="vt-range"><span>{escape(label)}<output>{value:g}</output></span><input type="range" aria-label="{escape(label)}" min="{limit.minimum:g}" max="{limit.maximum:g}" '
        f'step="{limit.step:g}" value="{value:g}" data-field="{name}"><small class="vt-hint">{escape(hint)}</small></div>'
    )


def _select(reader: Reader, name: str, choices: Sequence[tuple[str, str]], chosen: str) -> str:
    options = "".join(
        f'<option value="{escape(value)}"{" selected" if value == chosen else ""}>{escape(words)}</option>'
        for value, words in choices
    )
    return (
        f"<label><span>{escape(reader.say(f'ui.painting.{name}.name'))}</span>"
        f'<select class="vt-select" data-field="{name}">{options}</select></label>'
    )


def painted_with(
    fields: Mapping[str, object], before: PaintingSettings, bases: Mapping[str, BaseDescription]
) -> PaintingSettings:
    """The form's fields as settings; another base begins with what it paints best with."""
    base = str(fields["base"])
    if base != before.base and base in bases:
        return bases[base].defaults
    names = ("sampler", *WHOLE, *(limit.name for limit in LIMITS))
    return replace(before, base=base, **{name: _read(name, str(fields[name])) for name in names})


def _read(name: str, written: str) -> str | float:
    if name == "sampler":
        return written
    return int(float(written)) if name in WHOLE else float(written)
