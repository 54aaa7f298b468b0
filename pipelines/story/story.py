"""A story on its way to a book, as one value: everything that is decided before the first page is painted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from hashlib import sha256

from pipelines.illustration.layout import Actor, Look, Scene
from pipelines.story.emotion import Emotion, Prosody

FORMAT = 1


@dataclass(frozen=True)
class Hero:
    """Somebody of the story, who looks the same on every page.

    Attributes:
        name: as the story calls them (Pip, the fox, 小狐狸).
        subject: the drawing.
        noun: the English word for prompts; differs from ``subject`` where the drawing stands in for another.
        kin: mother, father, grandmother or grandfather of animals; else empty.
        pronoun: he, she, it, any; ``i`` for who tells the story.
        colours, wearing: see ``pipelines.illustration.layout.Look``.
        details: further English words of the prompt (little, brave, brown hair).
        told: what the story says about the looks, word for word.
        chosen: what it does not say and was chosen, in English.
        count: how many they are: the three little pigs are one hero and drawn three times; 1 to 3.
        aliases: what else the story calls them: King Lion is the king, and who was given another name has the old one.
    """

    id: str
    name: str
    subject: str
    noun: str
    pronoun: str
    kin: str = ""
    colours: tuple[tuple[str, str], ...] = ()
    wearing: tuple[tuple[str, str], ...] = ()
    details: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    chosen: tuple[str, ...] = ()
    mentions: int = 0
    count: int = 1
    aliases: tuple[str, ...] = ()

    @property
    def look(self) -> Look:
        return Look(self.subject, self.colours, self.wearing)


@dataclass(frozen=True)
class ScenePlan:
    """A stretch of the story that becomes one page.

    Attributes:
        id: stays with the scene whatever happens to its neighbours.
        text: exact, with the white space after it.
        palette: the light, of ``pipelines.illustration.palette``; ``light_told``: the story says so.
        heroes: ids, who matters most first.
        things: English words for what is not alive and can be drawn, in the order of the text.
        key_sentence: the one the picture shows.
        voice: how each sentence was told; empty for a typed story.
    """

    id: str
    text: str
    emotion: Emotion
    place: str
    palette: str
    light_told: bool
    heroes: tuple[str, ...]
    things: tuple[str, ...] = ()
    key_sentence: str = ""
    voice: tuple[Prosody | None, ...] = ()


@dataclass(frozen=True)
class Prompt:
    """The wording of a picture in its six parts."""

    subject: str
    details: str
    style: str
    colours: str
    lighting: str
    composition: str

    @property
    def text(self) -> str:
        return ", ".join(part for part in asdict(self).values() if part)


@dataclass(frozen=True)
class PagePlan:
    """What is painted for a scene.

    Attributes:
        layout: who stands where in which light; what the painter starts from.
        take: counts re-rolls; every take has its own seed.
        unknown_words: words of the key sentence that found no place in the prompt because nobody translated them.
        edited: the prompt is the person's own and is not made anew.
    """

    scene_id: str
    prompt: Prompt
    negative_prompt: str
    layout: Scene
    seed: int
    take: int = 0
    unknown_words: tuple[str, ...] = ()
    edited: bool = False

    @property
    def picture_key(self) -> str:
        """Equal for two pages if and only if the same picture is to be painted."""
        decisive = (self.prompt.text, self.negative_prompt, self.layout, self.seed)
        return sha256(repr(decisive).encode()).hexdigest()[:24]


@dataclass(frozen=True)
class Note:
    """Something people should know about their story; its sentence is ``story.note.<code>``."""

    code: str
    facts: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True)
class Story:
    """``heading`` and the scenes' texts, one after the other, are the story exactly.

    Attributes:
        heading: a title line at the start of the text with its white space; empty when ``title`` was made up.
        language: en, zh or mixed.
        pages: one a scene, in the same order.
        next_scene: the number of the next new scene; ids are never used twice.
        cast: who reads whom, as (``narrator`` or hero id, voice id).
    """

    title: str
    heading: str
    language: str
    style: str
    seed: int
    heroes: tuple[Hero, ...]
    scenes: tuple[ScenePlan, ...]
    pages: tuple[PagePlan, ...]
    next_scene: int
    notes: tuple[Note, ...] = ()
    cast: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        return self.heading + "".join(scene.text for scene in self.scenes)

    def scene(self, scene_id: str) -> ScenePlan:
        return self.scenes[self.index(scene_id)]

    def page(self, scene_id: str) -> PagePlan:
        return self.pages[self.index(scene_id)]

    def hero(self, hero_id: str) -> Hero:
        """Raises KeyError for an id the story does not have."""
        for hero in self.heroes:
            if hero.id == hero_id:
                return hero
        raise KeyError(hero_id)

    def index(self, scene_id: str) -> int:
        """Raises KeyError for an id the story does not have."""
        for index, scene in enumerate(self.scenes):
            if scene.id == scene_id:
                return index
        raise KeyError(scene_id)

    def to_json(self) -> dict:
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def from_json(cls, data: Mapping) -> Story:
        """Raises ValueError for a plan of another format."""
        if data.get("format") != FORMAT:
            raise ValueError(f"a story plan of format {data.get('format')}, not {FORMAT}")
        known = {field.name: data[field.name] for field in fields(cls)}
        known["heroes"] = tuple(Hero(**_frozen(hero)) for hero in data["heroes"])
        known["scenes"] = tuple(_scene(scene) for scene in data["scenes"])
        known["pages"] = tuple(_page(page) for page in data["pages"])
        known["notes"] = tuple(Note(note["code"], _tuples(note["facts"])) for note in data["notes"])
        known["cast"] = _tuples(data["cast"])
        return cls(**known)


def _tuples(value: object) -> tuple:
    return tuple(tuple(one) if isinstance(one, (list, tuple)) else one for one in value)


def _frozen(data: Mapping) -> dict:
    return {key: _tuples(value) if isinstance(value, (list, tuple)) else value for key, value in data.items()}


def _scene(data: Mapping) -> ScenePlan:
    voice = tuple(one and Prosody(**one) for one in data["voice"])
    return ScenePlan(**{**_frozen(data), "emotion": Emotion.from_json(data["emotion"]), "voice": voice})


def _page(data: Mapping) -> PagePlan:
    drawn = data["layout"]
    actors = tuple(Actor(**{**one, "look": Look(**_frozen(one["look"]))}) for one in drawn["actors"])
    layout = Scene(**{**drawn, "actors": actors})
    return PagePlan(**{**_frozen(data), "prompt": Prompt(**data["prompt"]), "layout": layout})
