"""The words and the layout of a page: `[subject], [details], [art style], [colour scheme], [lighting], [composition]`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pipelines.illustration.captions import LIGHTS, SCHEMES, SHOT_WORDS, SNOWFALL
from pipelines.illustration.layout import Look, arrange
from pipelines.story import vocabulary
from pipelines.story.looks import described, draw_lots, with_article
from pipelines.story.setting import scenery
from pipelines.story.story import Hero, PagePlan, Prompt, ScenePlan
from pipelines.story.words import find, tokens
from pipelines.text.segment import split

TOKENS = 75
"""What CLIP reads of a prompt, besides its two marks for beginning and end."""
BUDGET = Prompt(26, 19, 8, 7, 5, 5)
"""Tokens of each part; with the five commas between them 75."""
MOST_LOOKS = 3

STYLES: Mapping[str, str] = {
    "storybook": "flat picture book illustration",
    "watercolour": "soft watercolour storybook illustration",
    "crayon": "wax crayon children's book drawing",
    "papercut": "layered paper cut illustration",
    "ink": "chinese ink wash storybook illustration",
    "gouache": "gouache storybook illustration",
    "clay": "cute clay figures, soft studio",
    "pencil": "coloured pencil storybook drawing",
}
"""Id -> words; ``story.style.<id>`` is its name for people."""

NEGATIVE = (
    "lowres, blurry, bad anatomy, bad hands, extra limbs, missing fingers, deformed, cropped, text, letters, "
    "watermark, signature, frame, photo, nsfw, nude, blood, gore, weapon, horror"
)


@dataclass(frozen=True)
class Mood:
    """How an emotion is painted: words for faces, colours and light, and what the camera does."""

    face: str
    colours: str
    lighting: str
    composition: str
    shot: str | None


MOODS: Mapping[str, Mood] = {
    "joy": Mood("happy", "warm golden tones", "soft backlight", "wide open view", None),
    "sadness": Mood("sad", "muted teal tones", "overcast light", "empty space around", "left"),
    "fear": Mood("frightened", "cold violet tones", "single rim light", "low angle", "right"),
    "anger": Mood("angry", "deep red tones", "hard side light", "tilted view", "centre"),
    "surprise": Mood("surprised", "vivid contrasting tones", "bright light", "dynamic view", "close-up"),
    "wonder": Mood("amazed", "glowing magical tones", "glowing light rays", "seen from behind", "centre"),
    "love": Mood("tender", "soft rosy tones", "gentle warm glow", "close and cosy", "close-up"),
    "calm": Mood("peaceful", "gentle pastel tones", "soft haze", "symmetrical view", "centre"),
}
FELT = 0.25
"""A weaker emotion is not painted."""

PLACES: Mapping[str, str] = {
    "meadow": "in the meadow",
    "forest": "in the forest",
    "sea": "on the sea",
    "underwater": "underwater",
    "shore": "on the shore",
    "snow": "in the snow",
    "village": "in the village",
    "castle": "in the castle",
    "desert": "in the desert",
    "city": "in the city",
    "room": "in the room",
    "moon": "on the moon",
    "mountains": "in the mountains",
    "cave": "in the cave",
}
_LAST_RESORT = ("talking", "thinking", "looking up", "leaving", "coming home")
"""Actions a picture hardly shows; others are taken first."""


def page_seed(book_seed: int, page: str, take: int) -> int:
    """31 bits; ``page`` is the scene's id, which stays when pages are moved."""
    return draw_lots(book_seed, page, take, among=2**31)


def plan_page(
    scene: ScenePlan, heroes: Sequence[Hero], style: str, book_seed: int, take: int = 0
) -> PagePlan:
    """Everything the painter needs for a scene; the same for the same scene, heroes, style, seed and take."""
    seed = page_seed(book_seed, scene.id, take)
    cast = [hero for hero_id in scene.heroes for hero in heroes if hero.id == hero_id]
    drawn = _counted(cast)
    looks = [hero.look for hero in drawn for _ in range(hero.count)]
    nouns = [hero.noun for hero in drawn]
    for thing in scene.things or ([] if cast else [scenery(scene.place)]):
        if thing not in nouns and len(looks) < MOST_LOOKS:
            nouns.append(thing)
            looks.append(Look(vocabulary.subjects()[thing].subject))
    felt = scene.emotion.strength >= FELT
    mood = MOODS[scene.emotion.name]
    layout = arrange(scene.place, scene.palette, looks, seed, mood.shot if felt else None)
    # Every visit to a place finds the same place.
    layout = replace(layout, seed=draw_lots(book_seed, scene.place, "place", among=24))
    prompt = write_prompt(scene, drawn, nouns[len(drawn) :], style, layout.shot)
    return PagePlan(scene.id, prompt, NEGATIVE, layout, seed, take, unknown_words(scene.key_sentence, heroes))


def _counted(cast: Sequence[Hero]) -> list[Hero]:
    """Who fits into the picture: everybody once, then the three pigs as often as there is room."""
    drawn, room = [], MOST_LOOKS - len(cast[:MOST_LOOKS])
    for hero in cast[:MOST_LOOKS]:
        more = min(hero.count - 1, room)
        room -= more
        drawn.append(replace(hero, count=1 + more))
    return drawn


def write_prompt(
    scene: ScenePlan, heroes: Sequence[Hero], things: Sequence[str], style: str, shot: str
) -> Prompt:
    """The wording of a scene with these heroes and things in the picture; ``shot`` is the layout's."""
    felt = scene.emotion.strength >= FELT
    mood = MOODS[scene.emotion.name]
    sentence = scene.key_sentence
    for hero in heroes:  # a fish called Bubbles brings no bubbles
        sentence = sentence.replace(hero.name, " ")
    who = [*map(described, heroes), *map(with_article, things)]
    details = [PLACES[scene.place], *_doing(sentence)]
    if felt and heroes:
        details.append(mood.face)
    details += _props(sentence, things)
    lights = SNOWFALL.get(scene.palette) if scene.place == "snow" else None
    parts = Prompt(
        subject=_joined(who),
        details=", ".join(dict.fromkeys(details)),
        style=STYLES[style],
        colours=", ".join((SCHEMES[scene.palette][0], *([mood.colours] if felt else []))),
        lighting=", ".join(((lights or LIGHTS[scene.palette])[0], *([mood.lighting] if felt else []))),
        composition=", ".join((SHOT_WORDS[shot][0], *([mood.composition] if felt else []))),
    )
    return fitted(parts)


def _joined(who: Sequence[str]) -> str:
    return " and ".join((", ".join(who[:-1]), who[-1])) if len(who) > 1 else who[0]


def fitted(prompt: Prompt) -> Prompt:
    """The prompt within CLIP's tokens: each part gives up its last words until it keeps to its share."""
    if count_tokens(prompt.text) <= TOKENS:
        return prompt
    return Prompt(**{name: _shortened(text, getattr(BUDGET, name)) for name, text in vars(prompt).items()})


def _shortened(text: str, budget: int) -> str:
    while count_tokens(text) > budget:
        cut = max(text.rfind(", "), text.rfind(" and "), text.rfind(" with "))
        if cut <= 0:
            words = text.split()
            return " ".join(words[: max(1, budget // 2)])
        text = text[:cut]
    return text


def count_tokens(text: str) -> int:
    """About as many tokens as CLIP's byte pairs, rather too many than too few: a word of our lists is one or two,
    an unknown one takes one for every four letters, and so does every mark and digit."""
    total = 0
    for piece in re.findall(r"[^\W\d_]+|\d|[^\w\s]", text.lower()):
        known = piece in vocabulary.english_words() or len(piece) <= 4
        if not piece.isascii():
            total += 2 * len(piece)
        else:
            total += 1 if known and len(piece) <= 9 else 2 if known else -(-len(piece) // 4)
    return total


def _doing(sentence: str) -> list[str]:
    """At most two actions of a sentence, the visible ones first."""
    actions = [str(hit.value) for hit in find(vocabulary.words("action"), tokens(sentence))]
    actions = list(dict.fromkeys(actions))
    visible = [action for action in actions if action not in _LAST_RESORT]
    return (visible or actions)[: 2 if visible else 1]


def _props(sentence: str, drawn: Sequence[str]) -> list[str]:
    words = [str(hit.value) for hit in find(vocabulary.words("thing"), tokens(sentence))]
    return [word for word in dict.fromkeys(words) if word not in drawn and word not in _BODY][:2]


_BODY = ("tail", "wings", "ears", "eyes", "food", "hills")


def unknown_words(sentence: str, heroes: Sequence[Hero]) -> tuple[str, ...]:
    """Chinese words no list knows, so that no picture shows them; names are left out."""
    names = "".join(hero.name for hero in heroes)
    found = [
        word.key for word in tokens(sentence) if word.han and word.key not in names and not _known(word.key)
    ]
    return tuple(dict.fromkeys(found))


def _known(word: str) -> bool:
    listed = vocabulary.all_words()
    # 小+树枝, 跑+了: two known words that the dictionary writes as one
    return word in listed or any(word[:cut] in listed and word[cut:] in listed for cut in range(1, len(word)))


def key_sentence(text: str, heroes: Sequence[Hero]) -> str:
    """The sentence of a scene that makes the best picture: somebody does something visible somewhere, with feeling."""
    sentences = [segment.text for segment in split(text, 10_000)]
    names = [hero.name for hero in heroes]

    def worth(index: int) -> tuple[float, int]:
        words = tokens(sentences[index])
        subjects = {hit.value.noun for hit in find(vocabulary.subjects(), words)}
        visible = [action for action in _doing(sentences[index]) if action not in _LAST_RESORT]
        named = sum(name in sentences[index] for name in names)
        places = find(vocabulary.places(), words)
        feelings = find(vocabulary.feelings(), words)
        score = 1.0 * len(subjects) + named + 1.5 * len(visible) + 0.7 * len(places) + 0.3 * len(feelings)
        return score / (1 + max(0, len(words) - 25) / 25), -index

    return sentences[max(range(len(sentences)), key=worth)] if sentences else ""
