"""The look of a hero: what the story says is kept, what it does not say is chosen once and for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256

from pipelines.illustration.drawing import Drawing, subjects
from pipelines.story.mentions import Clothing
from pipelines.story.story import Hero
from pipelines.story.wordlists import plural

CLOTHED = frozenset("girl boy mother father grandmother grandfather princess fairy farmer".split())
"""Whose main colour is that of their clothes and may be any; a knight stays in steel."""
CLOTH_COLOURS = ("red", "blue", "yellow", "green", "purple", "pink", "orange")
NECKWEAR, HEADWEAR = ("scarf", "bow"), ("hat", "crown")
OUTFITS = (("neck", "scarf"), ("neck", "scarf"), ("neck", "bow"), ("head", "hat"))


def draw_lots(*facts: object, among: int) -> int:
    """A number below ``among``, always the same for the same facts."""
    return int.from_bytes(sha256("/".join(map(str, facts)).encode()).digest()[:8], "big") % among


def dressed(
    hero: Hero,
    belongs: Sequence[tuple[str, str]],
    colour: str | None,
    clothes: Sequence[Clothing],
    seed: int,
    others: Sequence[Hero],
    alive: bool = True,
) -> Hero:
    """The hero in colours: ``belongs`` (a prince's crown), then what the story says, then what lots decide."""
    drawing = subjects()[hero.subject]
    slots, wearing, details, chosen = {}, dict(belongs), list(hero.details), []
    if colour and hero.subject not in CLOTHED:
        slots[drawing.main_slot] = colour
    for piece in clothes:
        if piece.slot in NECKWEAR + HEADWEAR:
            if not _fits(drawing, piece.slot):
                details.append(with_article(f"{piece.colour or ''} {piece.slot}".strip()))
            else:
                wearing[piece.slot] = (
                    piece.colour or wearing.get(piece.slot) or _colour(hero, seed, others, slots)
                )
        elif piece.slot == "fur" and hero.subject not in CLOTHED:
            slots[drawing.main_slot] = piece.colour
        elif piece.slot == "hair" and "hair" in drawing.slots:
            slots["hair"] = piece.colour
        elif piece.slot in ("dress", "shirt", "coat") and hero.subject in CLOTHED:
            slots[drawing.main_slot] = piece.colour
        elif piece.slot in drawing.slots:
            slots[piece.slot] = piece.colour
        else:
            details.append(f"{piece.colour} {piece.slot}")
    if hero.subject in CLOTHED and drawing.main_slot not in slots:
        slots[drawing.main_slot] = _colour(hero, seed, others, slots)
        chosen.append(f"{slots[drawing.main_slot]} clothes")
    if (
        hero.subject not in CLOTHED
        and alive
        and not (wearing or clothes)
        and (outfit := _outfit(hero, drawing, seed))
    ):
        wearing[outfit] = _colour(hero, seed, others, slots)
        chosen.append(f"{wearing[outfit]} {outfit}")
    return replace(
        hero,
        colours=tuple(slots.items()),
        wearing=tuple(wearing.items()),
        details=tuple(dict.fromkeys(details)),
        told=tuple(dict.fromkeys(hero.told)),
        chosen=tuple(chosen),
    )


def _fits(drawing: Drawing, accessory: str) -> bool:
    return (drawing.neck if accessory in NECKWEAR else drawing.head) is not None


def _outfit(hero: Hero, drawing: Drawing, seed: int) -> str | None:
    fitting = [name for _, name in OUTFITS if _fits(drawing, name)]
    return fitting[draw_lots(seed, hero.name, "outfit", among=len(fitting))] if fitting else None


def _colour(hero: Hero, seed: int, others: Sequence[Hero], own_slots: Mapping[str, str]) -> str:
    """Any cloth colour that neither they nor anybody else has; the first drawn when all are taken."""
    taken = {colour for other in others for _, colour in (*other.colours, *other.wearing)}
    taken |= set(own_slots.values())
    own = subjects()[hero.subject].english[0]
    start = draw_lots(seed, hero.name, own, "colour", among=len(CLOTH_COLOURS))
    order = [CLOTH_COLOURS[(start + step) % len(CLOTH_COLOURS)] for step in range(len(CLOTH_COLOURS))]
    return next((colour for colour in order if colour not in taken), order[0])


def described(hero: Hero) -> str:
    """The hero in English words: a little red fox with a blue scarf."""
    drawing, colours = subjects()[hero.subject], dict(hero.colours)
    main = colours.pop(drawing.main_slot, None)
    qualities = [word for word in hero.details if " " not in word][:2]
    if main and hero.subject not in CLOTHED:
        qualities.append(main)
    noun = f"{hero.kin} {hero.noun}".strip()
    if hero.count > 1:
        return _several(hero, qualities)
    words = " ".join((*qualities, noun))
    extras = [f"{main} clothes"] if main and hero.subject in CLOTHED else []
    extras += [f"{colour} {slot}" for slot, colour in colours.items()]
    extras += [with_article(f"{colour} {accessory}") for accessory, colour in hero.wearing]
    extras += [word for word in hero.details if " " in word]
    return with_article(words) + (f" with {' and '.join(extras)}" if extras else "")


def _several(hero: Hero, qualities: Sequence[str]) -> str:
    """Three little pigs with pink bows."""
    number = {2: "two"}.get(hero.count, "three")
    extras = [f"{colour} {accessory}s" for accessory, colour in hero.wearing]
    words = " ".join((number, *qualities, plural(hero.noun)))
    return words + (f" with {' and '.join(extras)}" if extras else "")


def with_article(words: str) -> str:
    vowel = words[0] in "aeiou" and not words.startswith(("uni", "one"))
    return f"an {words}" if vowel else f"a {words}"
