"""A told or typed story -> the whole plan of its book, made before the first page is painted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from pipelines.failure import CraftError
from pipelines.story import vocabulary
from pipelines.story.boundaries import MOST_SCENES, find_scenes
from pipelines.story.heroes import cast
from pipelines.story.mentions import PEOPLE, mentions
from pipelines.story.names import known_names
from pipelines.story.prompts import STYLES, plan_page
from pipelines.story.prosody import Telling, measure
from pipelines.story.scenes import describe, pieces, sentences_of
from pipelines.story.story import Hero, Note, PagePlan, Prompt, ScenePlan, Story
from pipelines.story.words import find, tokens
from pipelines.text.language import detect_language

__all__ = [
    "LIMIT_WORDS",
    "STYLES",
    "Hero",
    "Note",
    "PagePlan",
    "Prompt",
    "ScenePlan",
    "Story",
    "Telling",
    "plan_story",
]

LIMIT_WORDS = 20_000
"""A story has fewer; a Chinese character counts as a word."""
MOST_TITLE_WORDS = 12
_ITEM = re.compile(r"\s*(?:[-*\u2022\u2013]|\d+[.)\u3001])\s*\S")
SENTENCE_SHARE = 0.25
"""So many of a text's words hold its sentences together, or say what somebody does; of a list's words hardly any."""


def plan_story(
    text: str,
    language: str | None = None,
    pages: int | None = None,
    style: str = "storybook",
    seed: int = 0,
    telling: Telling | None = None,
) -> Story:
    """Title, heroes, scenes, prompts, layouts and seeds of a story; the same for the same arguments.

    Args:
        language: en, zh or mixed; None: by the text.
        pages: how many are asked for, 1 to 24; None: as many as the story's turns ask for.
        style: a key of ``STYLES``.
        telling: the recording and its transcript, where the story was told.

    Raises:
        CraftError: ``story_empty``, ``story_too_long``, ``story_language``, ``story_not_a_story``,
            ``story_forbidden_subject``, ``story_pages``, ``story_style``.
    """
    # 1. What cannot become a book is refused with its reason.
    language = _check(text, language, pages, style)
    # 2. A title line is set apart; the rest is cut into sentences.
    heading = _heading(text)
    body = text[len(heading) :]
    sentences = sentences_of(body)
    told = [sentence.text for sentence in sentences]
    # 3. A list or a row of names makes one picture, or none.
    notes = list(_what_it_is(told, body))
    listed = bool(notes)
    # 4. The voice that told it, measured against itself.
    voice = measure(telling, sentences) if telling else ()
    # 5. Where one scene ends and the next begins.
    spans = find_scenes(sentences, 1 if listed else pages, voice)
    notes += _fewer_pages(len(spans), pages, listed)
    # 6. Who it is about, with one look for the whole book.
    heroes = cast(told, seed)
    # 7. Each scene: its feeling, place, light and heroes, handed on from scene to scene.
    scenes: list[ScenePlan] = []
    for index, (piece, (first, last)) in enumerate(zip(pieces(body, sentences, spans), spans, strict=True)):
        scenes.append(describe(f"s{index + 1}", piece, heroes, scenes, voice[first:last]))
    # 8. Each page: its words, layout and seed.
    planned = tuple(plan_page(scene, heroes, style, seed) for scene in scenes)
    return Story(
        title=_title(heading, heroes, language),
        heading=heading,
        language=language,
        style=style,
        seed=seed,
        heroes=heroes,
        scenes=tuple(scenes),
        pages=planned,
        next_scene=len(scenes) + 1,
        notes=tuple(notes),
    )


def _check(text: str, language: str | None, pages: int | None, style: str) -> str:
    require_wishes(pages, style)
    require_length(text)
    found = detect_language(text)
    if found == "none":
        raise CraftError("story_empty")
    if _says_one_thing(text):
        raise CraftError("story_not_a_story", text=text.strip()[:60])
    if found not in ("en", "zh", "mixed"):
        raise CraftError("story_language", text=text.strip()[:40])
    require_drawable(text)
    return language or found


def require_wishes(pages: int | None, style: str) -> None:
    """
    Raises:
        CraftError: ``story_pages``, ``story_style``.
    """
    if style not in STYLES:
        raise CraftError("story_style", style=style[:40], styles=", ".join(STYLES))
    if pages is not None and not 1 <= pages <= MOST_SCENES:
        raise CraftError("story_pages", pages=pages, limit=MOST_SCENES)


def require_length(text: str) -> None:
    """
    Raises:
        CraftError: ``story_too_long``.
    """
    words = len(re.findall(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+", text))
    if words >= LIMIT_WORDS:
        raise CraftError("story_too_long", words=words, limit=LIMIT_WORDS)


def require_drawable(text: str) -> None:
    """
    Raises:
        CraftError: ``story_forbidden_subject``.
    """
    forbidden = find(dict.fromkeys(vocabulary.forbidden(), True), tokens(text))
    if forbidden:
        raise CraftError("story_forbidden_subject", word=forbidden[0].key)


def _heading(text: str) -> str:
    """The title line at the start of a text with the white space after it; empty when there is none."""
    match = re.match(r"\s*(?:#+\s*)?(?P<title>[^\n]+?)[ \t]*\n\s*(?=\S)", text)
    if not match:
        return ""
    title, following = match["title"], text[match.end() : match.end() + 1]
    said = (
        len(tokens(title)) > MOST_TITLE_WORDS
        or title[-1] in '.!?,;:\u3002\uff01\uff1f\uff0c\uff1b\uff1a\u3001\u201d"\u2026'
    )
    one_of_many = (
        all(len(line) < 40 for line in text.strip().splitlines()[:4]) and "\n\n" not in match.group()
    )
    if said or one_of_many or following.islower() or not sentences_of(text[match.end() :]):
        return ""
    return match.group()


def _what_it_is(sentences: Sequence[str], text: str) -> Iterator[Note]:
    """Notes on what is no story but can still be drawn.

    Raises:
        CraftError: ``story_not_a_story``.
    """
    words = [word.key for sentence in sentences for word in tokens(sentence)]
    binding = vocabulary.function_words()
    doing = (vocabulary.words("action"), vocabulary.words("other"))
    held = sum(word in binding or any(word in table for table in doing) for word in words)
    lines = [line for line in text.splitlines() if line.strip()]
    itemised = len(lines) >= 3 and all(_ITEM.match(line) for line in lines)
    if words and held >= SENTENCE_SHARE * len(words) and not itemised:
        return
    names = known_names(sentences)
    drawable = [mention.word for sentence in sentences for mention in mentions(sentence)]
    if not (drawable or names):
        raise CraftError("story_not_a_story", text=text.strip()[:60])
    items = max(len(re.findall("[,\uff0c\u3001;\uff1b\n]", text.strip())) + 1, len(sentences))
    if names and all(word.subject in PEOPLE for word in drawable):
        yield Note("names_only", (("names", ", ".join(names[:6])),))
    elif items >= 3:
        yield Note("list", (("items", items),))


def _says_one_thing(text: str) -> bool:
    """La la la."""
    words = Counter(word.key for word in tokens(text))
    return words.total() >= 4 and max(words.values()) >= 0.6 * words.total()


def _fewer_pages(found: int, asked: int | None, listed: bool) -> Iterator[Note]:
    if not listed and asked is not None and found < asked:
        yield Note("fewer_pages", (("asked", asked), ("pages", found)))


def _title(heading: str, heroes: Sequence[Hero], language: str) -> str:
    if re.search(r"[^\W_]", heading):
        return heading.strip().lstrip("#").strip("*_ \u300a\u300b")
    main = sorted(heroes[:3], key=lambda hero: bool(hero.kin) - 0.5 * (hero.mentions > 2))[:2]
    names = [hero.name for hero in main if hero.pronoun != "i"]
    if language == "zh":
        return "\u548c".join(names) + "\u7684\u6545\u4e8b" if names else "\u6211\u7684\u6545\u4e8b"
    titled = [name if name[0].isupper() else f"the {name}" for name in names]
    title = " and ".join(titled) or "my story"
    return title[0].upper() + title[1:]
