"""What the painter is told about a page: six parts and what must not be there, to be seen and changed."""

from __future__ import annotations

from dataclasses import fields
from html import escape

from pipelines.illustration.settings import STORYBOOK
from pipelines.story.story import PagePlan, Prompt
from studio.store.records import StoryRecord
from studio.ui.i18n import Reader
from studio.ui.markup import action, icon, pill

PARTS = tuple(field.name for field in fields(Prompt))


def prompt_card(reader: Reader, record: StoryRecord, page: PagePlan, index: int) -> str:
    say, scene_id = reader.say, page.scene_id
    own = pill(say("ui.prompt.own"), "coral") if page.edited else ""
    seed = say("ui.prompt.seed", seed=page.seed)
    if record.sample:
        body = (
            f'<p class="vt-own" lang="en">{escape(page.prompt.text)}</p><small class="vt-hint">{escape(say("ui.prompt.negative"))}</small>'
            f'<p class="vt-own" lang="en">{escape(page.negative_prompt)}</p>'
        )
        foot = f'<small class="vt-hint">{escape(seed)}</small>'
    else:
        inputs = "".join(
            f"<label><span>{escape(say(f'story.prompt.{part}'))}</span>"
            f'<input type="text" data-field="{part}" lang="en" value="{escape(getattr(page.prompt, part))}"></label>'
            for part in PARTS
        )
        negative = page.negative_prompt
        body = (
            f'<div class="vt-prompt" data-edit="prompt" data-scene="{scene_id}"><div class="vt-prompt-parts">{inputs}</div>'
            f'<label><span>{escape(say("ui.prompt.negative"))}</span><textarea data-field="negative" rows="2" lang="en" '
            f'value="{escape(negative)}">{escape(negative)}</textarea></label></div>'
        )
        reset = action(
            "reset", say("ui.prompt.reset"), glyph="reset", disabled=not page.edited, scene=scene_id
        )
        foot = f'<div class="vt-prompt-foot"><small class="vt-hint">{escape(seed)}</small>{reset}</div>'
    if record.painting.base == STORYBOOK:
        foot = f'<small class="vt-hint">{escape(say("ui.prompt.storybook"))}</small>{foot}'
    return (
        f'<details class="vt-more" data-keep="prompt-{scene_id}"><summary>{icon("brush")}<span>{escape(say("ui.prompt.title"))}</span>'
        f'{own}<em class="vt-own" lang="en">{escape(page.prompt.text)}</em></summary>{body}{foot}</details>'
    )
