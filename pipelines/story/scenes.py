"""The scenes of a story: found, described, merged, split, put in another order, rewritten. Stories are values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pipelines.failure import CraftError
from pipelines.story.appearances import who
from pipelines.story.boundaries import find_scenes, length
from pipelines.story.emotion import Prosody, feel
from pipelines.story.heroes import cast
from pipelines.story.mentions import mentions
from pipelines.story.prompts import STYLES, key_sentence, plan_page
from pipelines.story.setting import light, where
from pipelines.story.story import Hero, PagePlan, Prompt, ScenePlan, Story
from pipelines.text.segment import CLAUSE_PAUSE_SECONDS, Segment, split

WHOLE = 10**6
"""No sentence is cut at its clauses here."""
RUN_ON_WORDS = 40
"""After so many a sentence is cut at "and then" or 然后, after twice as many at any "and" or comma."""
_LINK = re.compile(
    r"(?P<then>\b(?:and |so )?then\b|然后|后来|接着)|\b(?:and|so|but)\b|(?<=，)(?=.)|(?<=, )(?=.)",
    re.IGNORECASE,
)

__all__ = [
    "change_hero",
    "describe",
    "edit",
    "find_scenes",
    "merge",
    "pieces",
    "remove",
    "reorder",
    "reset_prompt",
    "restyle",
    "retake",
    "rewrite_prompt",
    "sentences_of",
    "split_scene",
]


def sentences_of(text: str) -> list[Segment]:
    """The sentences of a text, one that runs on and on cut where it says "and then"."""
    return [part for sentence in split(text, WHOLE) for part in _cut(sentence)]


def _cut(sentence: Segment) -> Iterator[Segment]:
    """What begins at a cut is cut at the same places again, so that a scene keeps its sentences."""
    text, first = sentence.text, 0
    for link in _LINK.finditer(text):
        said = length(text[first : link.start()])
        if said >= (RUN_ON_WORDS if link.lastgroup == "then" else 2 * RUN_ON_WORDS):
            head = text[first : link.start()].rstrip()
            start = sentence.start + first
            yield Segment(head, start, start + len(head), CLAUSE_PAUSE_SECONDS)
            first = link.start()
    yield replace(sentence, text=text[first:], start=sentence.start + first)


def pieces(text: str, sentences: Sequence[Segment], scenes: Sequence[tuple[int, int]]) -> list[str]:
    """The exact text of every scene with the white space after it; together they are the text."""
    starts = [0, *(sentences[first].start for first, _ in scenes[1:]), len(text)]
    return [text[start:end] for start, end in zip(starts[:-1], starts[1:], strict=True)]


def describe(
    scene_id: str,
    text: str,
    heroes: Sequence[Hero],
    before: Sequence[ScenePlan] = (),
    voice: Sequence[Prosody | None] = (),
) -> ScenePlan:
    """What a text says as a scene; the scenes before it lend it their place, their light and their heroes."""
    sentences = [segment.text for segment in sentences_of(text)]
    emotion = feel(sentences, voice)
    last = before[-1] if before else None
    present, _ = who(sentences, heroes, _last_spoken_of(before, heroes))
    own = [hero for hero in heroes if hero.id in present]
    place = where(sentences, own, last.place if last else None)
    palette, told = light(sentences, emotion, place, last.palette if last and last.light_told else None)
    drawn, names = {hero.noun for hero in own}, {hero.name for hero in heroes}
    things = [
        mention.word.noun
        for sentence in sentences
        for mention in mentions(sentence)
        if not mention.word.alive and mention.text not in names
    ]
    return ScenePlan(
        id=scene_id,
        text=text,
        emotion=emotion,
        place=place,
        palette=palette,
        light_told=told,
        heroes=present,
        things=tuple(thing for thing in dict.fromkeys(things) if thing not in drawn),
        key_sentence=key_sentence(text, own),
        voice=tuple(voice),
    )


def _last_spoken_of(before: Sequence[ScenePlan], heroes: Sequence[Hero]) -> tuple[str, ...]:
    recent: tuple[str, ...] = ()
    for scene in before:
        _, recent = who([segment.text for segment in sentences_of(scene.text)], heroes, recent)
    return recent


def merge(story: Story, scene_id: str) -> Story:
    """The scene and the one after it become one, under the first one's id.

    Raises:
        KeyError: no such scene.
        CraftError: ``story_last_scene`` when nothing comes after it.
    """
    index = story.index(scene_id)
    if index + 1 == len(story.scenes):
        raise CraftError("story_last_scene", number=index + 1)
    one, other = story.scenes[index : index + 2]
    text = _ending_in_space(one.text, story.language) + other.text
    voice = (*one.voice, *other.voice) if one.voice and other.voice else ()
    merged = describe(scene_id, text, story.heroes, story.scenes[:index], voice)
    return _with(story, index, index + 2, [merged])


def split_scene(story: Story, scene_id: str, sentence: int) -> Story:
    """Sentence number ``sentence`` (the first is 0) and what follows it become a new scene.

    Raises:
        KeyError: no such scene.
        CraftError: ``story_cannot_split`` before the first or after the last sentence.
    """
    index = story.index(scene_id)
    scene = story.scenes[index]
    sentences = sentences_of(scene.text)
    if not 0 < sentence < len(sentences):
        raise CraftError("story_cannot_split", sentence=sentence, sentences=len(sentences))
    at = sentences[sentence].start
    before = story.scenes[:index]
    voices = (scene.voice[:sentence], scene.voice[sentence:])
    first = describe(scene.id, scene.text[:at], story.heroes, before, voices[0])
    second = describe(f"s{story.next_scene}", scene.text[at:], story.heroes, (*before, first), voices[1])
    return replace(_with(story, index, index + 1, [first, second]), next_scene=story.next_scene + 1)


def reorder(story: Story, order: Sequence[str]) -> Story:
    """The same scenes and pages in another order; nothing is painted anew.

    Raises:
        CraftError: ``story_bad_order`` unless ``order`` names every scene once.
    """
    if sorted(order) != sorted(scene.id for scene in story.scenes):
        raise CraftError("story_bad_order", scenes=len(story.scenes))
    scenes = [story.scene(scene_id) for scene_id in order]
    if tuple(scenes) != story.scenes:
        scenes[:-1] = [replace(one, text=_ending_in_space(one.text, story.language)) for one in scenes[:-1]]
    return replace(story, scenes=tuple(scenes), pages=tuple(story.page(scene_id) for scene_id in order))


def edit(story: Story, scene_id: str, text: str) -> Story:
    """Another text for one scene. Known heroes keep their looks, new ones are added; other scenes stay as they are.

    Raises:
        KeyError: no such scene.
        CraftError: ``story_empty``.
    """
    index = story.index(scene_id)
    scene = story.scenes[index]
    if text == scene.text or text.strip() == scene.text.strip():
        return story
    sentences = sentences_of(text)
    if not sentences:
        raise CraftError("story_empty")
    text = text.strip() + scene.text[len(scene.text.rstrip()) :]
    whole = [*story.scenes[:index], replace(scene, text=text), *story.scenes[index + 1 :]]
    everything = [segment.text for one in whole for segment in sentences_of(one.text)]
    heroes = cast(everything, story.seed, story.heroes)
    voice = scene.voice if len(scene.voice) == len(sentences) else ()
    changed = describe(scene_id, text, heroes, story.scenes[:index], voice)
    return _with(replace(story, heroes=heroes), index, index + 1, [changed])


def remove(story: Story, scene_id: str) -> Story:
    """The story without one scene.

    Raises:
        KeyError: no such scene.
        CraftError: ``story_empty`` when it is the only one.
    """
    index = story.index(scene_id)
    if len(story.scenes) == 1:
        raise CraftError("story_empty")
    return _with(story, index, index + 1, [])


def rewrite_prompt(story: Story, scene_id: str, prompt: Prompt, negative_prompt: str | None = None) -> Story:
    """The person's own words for a picture; they stay when the heroes change."""
    page = story.page(scene_id)
    negative = page.negative_prompt if negative_prompt is None else negative_prompt
    return _with_page(story, replace(page, prompt=prompt, negative_prompt=negative, edited=True))


def reset_prompt(story: Story, scene_id: str) -> Story:
    """The words that the scene itself asks for, in the place of the person's own."""
    page = story.page(scene_id)
    return _with_page(
        story, plan_page(story.scene(scene_id), story.heroes, story.style, story.seed, page.take)
    )


def restyle(story: Story, style: str) -> Story:
    """Another art style on every page; a prompt that the person wrote stays.

    Raises:
        CraftError: ``story_style``.
    """
    if style not in STYLES:
        raise CraftError("story_style", style=style[:40], styles=", ".join(STYLES))
    pages = tuple(
        _keeping_words(plan_page(scene, story.heroes, style, story.seed, page.take), page)
        for scene, page in zip(story.scenes, story.pages, strict=True)
    )
    return replace(story, style=style, pages=pages)


def retake(story: Story, scene_id: str) -> Story:
    """The same scene with another seed, and everybody standing elsewhere."""
    page = story.page(scene_id)
    fresh = plan_page(story.scene(scene_id), story.heroes, story.style, story.seed, page.take + 1)
    return _with_page(story, _keeping_words(fresh, page))


def change_hero(story: Story, hero: Hero) -> Story:
    """Another name, drawing or look for the hero of the same id, on every page where they are.

    A name that they had stays one by which the text may call them.
    """
    had = next((one for one in story.heroes if one.id == hero.id), hero)
    former = dict.fromkeys((*had.aliases, had.name))
    hero = replace(hero, aliases=tuple(name for name in former if name != hero.name))
    heroes = tuple(hero if one.id == hero.id else one for one in story.heroes)
    pages = []
    for scene, page in zip(story.scenes, story.pages, strict=True):
        if hero.id in scene.heroes:
            page = _keeping_words(plan_page(scene, heroes, story.style, story.seed, page.take), page)
        pages.append(page)
    return replace(story, heroes=heroes, pages=tuple(pages))


def _keeping_words(fresh: PagePlan, page: PagePlan) -> PagePlan:
    if not page.edited:
        return fresh
    return replace(fresh, prompt=page.prompt, negative_prompt=page.negative_prompt, edited=True)


def _with(story: Story, first: int, last: int, scenes: Sequence[ScenePlan]) -> Story:
    """Scenes in the place of others, with pages of their own."""
    takes = {page.scene_id: page.take for page in story.pages}
    pages = [
        plan_page(scene, story.heroes, story.style, story.seed, takes.get(scene.id, 0)) for scene in scenes
    ]
    return replace(
        story,
        scenes=(*story.scenes[:first], *scenes, *story.scenes[last:]),
        pages=(*story.pages[:first], *pages, *story.pages[last:]),
    )


def _with_page(story: Story, page: PagePlan) -> Story:
    index = story.index(page.scene_id)
    return replace(story, pages=(*story.pages[:index], page, *story.pages[index + 1 :]))


def _ending_in_space(text: str, language: str) -> str:
    if text != text.rstrip():
        return text
    return text + ("\n" if language == "zh" else "\n\n")
