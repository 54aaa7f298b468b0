"""Words for a scene, in the order `[subject], [details], [art style], [colour scheme], [lighting], [composition]`."""

from __future__ import annotations

from random import Random

from pipelines.illustration.drawing import Drawing, accessories, subjects
from pipelines.illustration.layout import Actor, Scene
from pipelines.illustration.places import PLACES

STYLES = (
    "flat picture book illustration",
    "storybook illustration",
    "children's book drawing",
    "simple vector art",
    "cute flat drawing",
)
SCHEMES = {
    "day": ("bright fresh colours", "cheerful colours", "bright colours"),
    "dawn": ("soft pink colours", "pastel pink colours", "gentle pastel colours"),
    "sunset": ("warm orange colours", "glowing warm colours", "orange and red colours"),
    "night": ("deep blue colours", "dark blue colours", "cool night colours"),
    "rain": ("muted grey colours", "pale grey colours", "cool grey colours"),
    "storm": ("dark purple colours", "gloomy dark colours", "dark stormy colours"),
}
LIGHTS = {
    "day": ("sunny daylight", "on a sunny day", "bright sunshine"),
    "dawn": ("at dawn", "early morning light", "sunrise"),
    "sunset": ("at sunset", "evening light", "golden evening"),
    "night": ("at night", "moonlight", "starry night"),
    "rain": ("in the rain", "rainy day", "cloudy and raining"),
    "storm": ("in a storm", "thunder and lightning", "stormy weather"),
}
SNOWFALL = {"rain": ("falling snow", "snowfall"), "storm": ("in a snowstorm", "blizzard")}
SHOT_WORDS = {
    "close-up": ("close-up", "seen from near", "large in the picture"),
    "centre": ("in the middle", "centred"),
    "left": ("on the left",),
    "right": ("on the right",),
    "together": ("together", "side by side"),
}
WITHOUT_ARTICLE = {"underwater", "outer space", "at home", "inside the house", "ice", "waves", "open water"}
PEOPLE = {
    "girl",
    "boy",
    "mother",
    "father",
    "grandmother",
    "grandfather",
    "princess",
    "king",
    "farmer",
    "fairy",
}


def prompt(scene: Scene) -> str:
    """The plain wording of a scene, always the same."""
    return ", ".join(_parts(scene, None))


def caption(scene: Scene, rng: Random) -> str:
    """A varied wording with synonyms; sometimes short, so that short prompts are understood too."""
    parts = _parts(scene, rng)
    draw = rng.random()
    if draw < 0.12:
        return parts[0]
    if draw < 0.3:
        return ", ".join((parts[0], parts[1]))
    if draw < 0.5:
        return ", ".join((parts[0], parts[1], parts[4]))
    return ", ".join(part for part in parts if rng.random() < 0.93 or part is parts[0])


def _parts(scene: Scene, rng: Random | None) -> tuple[str, ...]:
    def one(choices: tuple[str, ...]) -> str:
        return choices[0] if rng is None or rng.random() < 0.6 else rng.choice(choices)

    lights = LIGHTS[scene.palette]
    if scene.place == "snow":
        lights = SNOWFALL.get(scene.palette, lights)
    names = [_describe(actor, one) for actor in scene.actors]
    if rng is not None:
        rng.shuffle(names)
    who = " and ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else names[0]
    return (
        who,
        _where(one(PLACES[scene.place].english)),
        one(STYLES),
        one(SCHEMES[scene.palette]),
        one(lights),
        one(SHOT_WORDS[scene.shot]),
    )


def _where(place: str) -> str:
    if place in WITHOUT_ARTICLE:
        return place if place.startswith(("under", "at", "inside")) else f"in {place}"
    preposition = (
        "on" if place in ("moon", "shore", "beach", "island", "snowy hills", "street", "sea") else "in"
    )
    return f"{preposition} the {place}"


def _describe(actor: Actor, one) -> str:
    drawing, look = subjects()[actor.look.subject], actor.look
    colours = {slot: colour for slot, colour in look.colours if not colour.startswith("#")}
    main = colours.pop(drawing.main_slot, None)
    # A synonym may name a colour ("blue whale"), which a recoloured one no longer has.
    name = drawing.english[0] if main else one(drawing.english)
    details = [f"{colour} {slot}" for slot, colour in colours.items() if "_" not in slot]
    if main and drawing.name in PEOPLE:
        details.insert(0, f"{main} clothes")
    elif main:
        name = f"{main} {name}"
    details += [f"a {colour} {one(accessories()[worn].english)}" for worn, colour in look.wearing]
    return f"{_article(name)} {name}" + (f" with {' and '.join(details)}" if details else "")


def _article(name: str) -> str:
    return "an" if name[0] in "aeiou" and not name.startswith(("uni", "one")) else "a"


def vocabulary() -> tuple[str, ...]:
    """One string for every way the captions can name something; what a tokenizer must know."""
    names = [word for drawing in (*subjects().values(), *accessories().values()) for word in _words(drawing)]
    places = [_where(word) for place in PLACES.values() for word in place.english]
    tables = (SCHEMES, LIGHTS, SNOWFALL, SHOT_WORDS)
    phrases = [phrase for table in tables for choices in table.values() for phrase in choices]
    return (*names, *places, *STYLES, *phrases)


def _words(drawing: Drawing) -> tuple[str, ...]:
    return tuple(f"{_article(word)} {word}" for word in drawing.english)
