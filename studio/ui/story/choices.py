"""What is chosen for a whole book: its style, who reads it and how many pages it has."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from pipelines.illustration.layout import Look, arrange, compose
from pipelines.story.plan import STYLES
from studio.store.records import VoiceRecord
from studio.ui.handoff import Handoff
from studio.ui.i18n import Reader
from studio.ui.markup import drawing, icon
from studio.ui.shelf import portrait

MOST_PAGES = 24


def style_cards(reader: Reader, handoff: Handoff, chosen: str, name: str) -> str:
    """One card a style. ``name`` tells this group of radio buttons from others on the page."""
    sample = escape(handoff.made("style", "style.png", _sample))
    cards = "".join(
        f'<label class="vt-style"><input type="radio" name="{name}" value="{style}" data-field="style"'
        f'{" checked" if style == chosen else ""}><span class="vt-style-picture is-{style}"><i style="background-image:url(\'{sample}\')"></i></span>'
        f"<strong>{escape(reader.say(f'story.style.{style}'))}</strong></label>"
        for style in STYLES
    )
    return (
        f'<fieldset class="vt-choice"><legend>{escape(reader.say("ui.story.style"))}</legend>'
        f'{drawing("styles")}<div class="vt-styles">{cards}</div><small class="vt-hint">{escape(reader.say("ui.story.style_hint"))}</small></fieldset>'
    )


def _sample() -> bytes:
    """The scene that every style card shows; the page's filters give it their looks."""
    from io import BytesIO

    scene = arrange("meadow", "day", [Look("fox", wearing=(("scarf", "blue"),))], 5, "centre")
    buffer = BytesIO()
    compose(scene, 192).save(buffer, "PNG")
    return buffer.getvalue()


def voice_cards(reader: Reader, voices: Sequence[VoiceRecord], chosen: str | None, name: str) -> str:
    """Every voice that can speak, and nobody."""
    cards = [
        _voice_card(
            name,
            voice.id,
            voice.id == chosen,
            portrait(voice.id, name),
            voice.name,
            " · ".join(reader.say(f"ui.language.{language}") for language in voice.languages),
        )
        for voice in voices
        if voice.revision is not None
    ]
    silent = f'<span class="vt-portrait is-quiet">{icon("quiet")}</span>'
    cards.append(
        _voice_card(
            name,
            "",
            chosen is None,
            silent,
            reader.say("ui.story.no_voice"),
            reader.say("ui.story.no_voice_hint"),
        )
    )
    return (
        f'<fieldset class="vt-choice"><legend>{escape(reader.say("ui.story.voice"))}</legend>'
        f'<div class="vt-readers">{"".join(cards)}</div></fieldset>'
    )


def _voice_card(name: str, value: str, chosen: bool, face: str, title: str, below: str) -> str:
    return (
        f'<label class="vt-reader"><input type="radio" name="{name}" value="{escape(value)}" data-field="voice"'
        f'{" checked" if chosen else ""}>{face}<span><strong class="vt-own">{escape(title)}</strong><small>{escape(below)}</small></span></label>'
    )


def page_choice(reader: Reader, pages: int | None) -> str:
    options = [("", reader.say("ui.story.pages_auto"))]
    options += [(str(n), page_count(reader, n)) for n in range(1, MOST_PAGES + 1)]
    listed = "".join(
        f'<option value="{value}"{" selected" if value == str(pages or "") else ""}>{escape(words)}</option>'
        for value, words in options
    )
    return (
        f'<label class="vt-choice vt-pages"><span>{escape(reader.say("ui.story.pages"))}</span>'
        f'<select class="vt-select" data-field="pages">{listed}</select></label>'
    )


def page_count(reader: Reader, pages: int) -> str:
    """1 page, 5 pages."""
    return reader.say("ui.story.pages_one") if pages == 1 else reader.say("ui.story.pages_n", pages=pages)
