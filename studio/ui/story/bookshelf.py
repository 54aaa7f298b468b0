"""The shelf of stories: covers to open, a new one, and a project file from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from studio.store.records import StoryRecord
from studio.stories import Stories
from studio.ui.handoff import Handoff
from studio.ui.i18n import Reader
from studio.ui.intake import intake_facts
from studio.ui.markup import action, icon, pill
from studio.ui.story.pictures import Gallery

MAX_PROJECT_BYTES = 200 * 2**20
COLOURS = {"done": "good", "drawing": "coral", "hearing": "coral", "failed": "poor", "heard": "fair"}


def bookshelf(
    reader: Reader, handoff: Handoff, stories: Stories, records: Sequence[StoryRecord], chosen: str | None
) -> str:
    say = reader.say
    cards = [
        f'<button type="button" class="vt-story is-new" role="radio" aria-checked="{str(chosen is None).lower()}" data-act="blank">'
        f'<span class="vt-story-cover">{icon("plus")}</span><span class="vt-story-text"><strong>{escape(say("ui.story.new"))}</strong>'
        f"<small>{escape(say('ui.story.new_hint'))}</small></span></button>"
    ]
    cards += [_card(reader, handoff, stories, record, record.id == chosen) for record in records]
    project = (
        f'<div class="vt-intake vt-open-project"{intake_facts(reader, MAX_PROJECT_BYTES)}><div class="vt-intake-status" role="status"></div>'
        f'<label class="vt-button is-quiet"><input type="file" class="vt-file-input" accept=".zip,application/zip" '
        f'aria-label="{escape(say("ui.story.open_project"))}">{icon("folder")}<span>{escape(say("ui.story.open_project"))}</span></label></div>'
    )
    row = f'<div class="vt-bookshelf" role="radiogroup" aria-label="{escape(say("ui.story.shelf"))}">{"".join(cards)}</div>'
    return f'<div class="vt-bookshelf-head"><h2>{escape(say("ui.story.shelf"))}</h2>{project}</div>{row if records else ""}'


def _card(reader: Reader, handoff: Handoff, stories: Stories, record: StoryRecord, chosen: bool) -> str:
    cover = icon("mic" if record.transcript or record.state == "hearing" else "pen")
    if record.pages:
        cover = Gallery(reader, handoff, stories, record).image(record.pages[0].scene_id)
    title = record.title or reader.say("ui.story.untitled")
    state = "sample" if record.sample else record.state
    return (
        f'<button type="button" class="vt-story" role="radio" aria-checked="{str(chosen).lower()}" data-act="reopen" '
        f'data-story="{escape(record.id)}"><span class="vt-story-cover">{cover}</span><span class="vt-story-text">'
        f'<strong class="vt-own">{escape(title)}</strong>{pill(reader.say(f"ui.story.state.{state}"), COLOURS.get(state, ""))}</span></button>'
    )


def farewell(reader: Reader, record: StoryRecord) -> str:
    """Deleting asks once more."""
    say = reader.say
    sure = say("ui.story.delete_sure", title=record.title or say("ui.story.untitled"))
    return (
        f'<details class="vt-farewell" data-keep="farewell-{escape(record.id)}"><summary>{icon("trash")}<span>{escape(say("ui.story.delete"))}</span>'
        f'</summary><p>{escape(sure)}</p><div class="vt-buttons">'
        f"{action('delete', say('ui.story.delete_yes'), glyph='trash', kind='danger', story=record.id)}</div></details>"
    )
