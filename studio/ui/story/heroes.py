"""Step 3, Heroes: who they are, in colours that are the same on every page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from pipelines.illustration.drawing import Drawing, accessories, subjects
from pipelines.illustration.layout import COLOURS
from pipelines.story.story import Hero
from studio.language import catalogue
from studio.store.records import StoryRecord
from studio.ui.handoff import Handoff
from studio.ui.i18n import Reader
from studio.ui.markup import pill
from studio.ui.story.pictures import hero_portrait, subject_name

MOST_SLOTS = 3
FIRST_COLOUR = "red"


def hero_cards(reader: Reader, handoff: Handoff, record: StoryRecord) -> str:
    if not record.plan.heroes:
        return f'<p class="vt-hint">{escape(reader.say("ui.hero.none"))}</p>'
    cards = "".join(_card(reader, handoff, record, hero) for hero in record.plan.heroes)
    return f'<ul class="vt-heroes">{cards}</ul>'


def _card(reader: Reader, handoff: Handoff, record: StoryRecord, hero: Hero) -> str:
    say, drawing = reader.say, subjects()[hero.subject]
    facts = [pill(subject_name(reader, hero.subject))]
    if hero.count > 1:
        facts.append(pill(say("ui.hero.count", count=hero.count)))
    on = sum(hero.id in scene.heroes for scene in record.plan.scenes)
    facts.append(pill(say("ui.hero.pages", pages=on)))
    told = ""
    if hero.told:
        told = f'<small class="vt-hint">{escape(say("ui.hero.told"))} <q class="vt-own">{escape(", ".join(hero.told))}</q></small>'
    if record.sample:
        name, looks = f'<h3 class="vt-own">{escape(hero.name)}</h3>', ""
    else:
        name = (
            f'<div data-edit="hero" data-hero="{hero.id}"><input type="text" class="vt-hero-name" data-field="name" maxlength="60" '
            f'aria-label="{escape(say("ui.hero.name"))}" value="{escape(hero.name)}"></div>'
        )
        looks = _looks(reader, hero, drawing)
    return (
        f'<li class="vt-hero"><div class="vt-hero-stage">{hero_portrait(handoff, hero.look, hero.name)}</div>'
        f'<div class="vt-hero-body">{name}<div class="vt-chips">{"".join(facts)}</div>{told}{looks}</div></li>'
    )


def _looks(reader: Reader, hero: Hero, drawing: Drawing) -> str:
    say, colours, rows = reader.say, dict(hero.colours), []
    for slot in slots(drawing):
        key = "main" if slot == drawing.main_slot else slot
        label = say(f"ui.hero.slot.{key}")
        swatches = _swatches(
            reader, label, colours.get(slot), "colour", {"hero": hero.id, "slot": slot}, drawing.slots[slot]
        )
        rows.append(f'<div class="vt-look"><span>{escape(label)}</span>{swatches}</div>')
    for place in ("neck", "head"):
        if getattr(drawing, place) is not None:
            rows.append(_worn(reader, hero, place))
    return "".join(rows)


def slots(drawing: Drawing) -> Sequence[str]:
    """The parts whose colour can be chosen: the main one, and those that have a name for people."""
    others = [slot for slot in drawing.slots if f"ui.hero.slot.{slot}" in catalogue()]
    return [drawing.main_slot, *(slot for slot in others if slot != drawing.main_slot)][:MOST_SLOTS]


def pieces(place: str) -> list[str]:
    return [name for name, piece in accessories().items() if piece.kind == place]


def _worn(reader: Reader, hero: Hero, place: str) -> str:
    say, wearing = reader.say, dict(hero.wearing)
    own = next((piece for piece in pieces(place) if piece in wearing), "")
    names = {
        "": say("ui.hero.wear.nothing"),
        **{piece: say(f"ui.hero.wear.{piece}") for piece in pieces(place)},
    }
    choices = "".join(
        f'<button type="button" data-act="wear" data-hero="{hero.id}" data-place="{place}" data-piece="{piece}" '
        f'aria-pressed="{str(piece == own).lower()}">{escape(name)}</button>'
        for piece, name in names.items()
    )
    label = say(f"ui.hero.{place}")
    swatches = ""
    if own:
        named = say("ui.hero.colour_of", piece=names[own])
        swatches = _swatches(
            reader, named, wearing[own], "wear", {"hero": hero.id, "place": place, "piece": own}
        )
    return (
        f'<div class="vt-look"><span>{escape(label)}</span><div class="vt-segments" role="group" aria-label="{escape(label)}">'
        f"{choices}</div>{swatches}</div>"
    )


def _swatches(
    reader: Reader, label: str, chosen: str | None, act: str, facts: dict[str, str], drawn: str | None = None
) -> str:
    """``drawn``: the drawing's own colour, offered first where there is one."""
    own: Iterable[tuple[str, str]] = [("", drawn)] if drawn else []
    data = "".join(f' data-{name}="{escape(value)}"' for name, value in facts.items())
    buttons = []
    for name, colour in (*own, *COLOURS.items()):
        shown = name or "drawn"
        words = reader.say(f"ui.colour.{shown}")
        pressed = str(name == (chosen or "")).lower()
        buttons.append(
            f'<button type="button" class="vt-swatch" data-act="{act}"{data} data-colour="{name}" aria-pressed="{pressed}" '
            f'aria-label="{escape(f"{label}: {words}")}" title="{escape(words)}" style="--swatch:{colour}"></button>'
        )
    return f'<div class="vt-swatches" role="group" aria-label="{escape(label)}">{"".join(buttons)}</div>'


def recoloured(hero: Hero, slot: str, colour: str) -> dict[str, str]:
    """All colours of the hero with one changed; empty: as it is drawn."""
    colours = {**dict(hero.colours), slot: colour}
    return {name: value for name, value in colours.items() if value}


def dressed(hero: Hero, place: str, piece: str, colour: str | None) -> dict[str, str]:
    """All the hero wears with another piece at ``place``, or none."""
    wearing = dict(hero.wearing)
    before = next((wearing[name] for name in pieces(place) if name in wearing), FIRST_COLOUR)
    kept = {name: value for name, value in wearing.items() if name not in pieces(place)}
    return {**kept, piece: colour or before} if piece else kept


def summary(reader: Reader, record: StoryRecord) -> str:
    names = reader.say("ui.story.and").join(hero.name for hero in record.plan.heroes[:4])
    style = reader.say(f"story.style.{record.style}")
    voice = record.voice_name or reader.say("ui.story.no_voice")
    return " · ".join(part for part in (names, style, voice) if part)
