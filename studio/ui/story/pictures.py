"""Pictures of a story on the page: the painted one where there is one, its layout until then, and its heroes."""

from __future__ import annotations

from html import escape

from pipelines.illustration.drawing import subjects
from pipelines.illustration.layout import Look, portrait
from studio.store.records import StoryRecord
from studio.stories import Stories
from studio.ui.handoff import Handoff
from studio.ui.i18n import Reader


class Gallery:
    """The pictures of one story as the page shows them now; each is looked up once."""

    def __init__(self, reader: Reader, handoff: Handoff, stories: Stories, record: StoryRecord) -> None:
        self._reader, self._handoff, self._stories, self._record = reader, handoff, stories, record
        self._images: dict[str, str] = {}

    def image(self, scene_id: str) -> str:
        """An ``img`` of the page as far as it is."""
        if scene_id not in self._images:
            painted = None
            if self._record.page(scene_id).painted:
                painted = self._stories.picture(self._record.id, scene_id)
            address = self._handoff.address(painted, f"{scene_id}.png") if painted else self.layout(scene_id)
            kind = "painted" if painted else "layout"
            alt = alt_text(self._reader, self._record, scene_id)
            self._images[scene_id] = (
                f'<img class="is-{kind}" src="{escape(address)}" alt="{escape(alt)}" draggable="false">'
            )
        return self._images[scene_id]

    def layout(self, scene_id: str) -> str:
        """The address of the layout; it is drawn when the browser asks for it."""
        stories, story_id = self._stories, self._record.id
        what = (story_id, scene_id, self._record.plan.page(scene_id).layout)
        return self._handoff.made(what, f"{scene_id}.png", lambda: stories.placeholder(story_id, scene_id))


def alt_text(reader: Reader, record: StoryRecord, scene_id: str) -> str:
    """Who is where and in which light, in the reader's language."""
    scene = record.plan.scene(scene_id)
    return reader.say(
        "ui.story.picture",
        who=who(reader, record, scene_id),
        place=reader.say(f"story.place.{scene.place}"),
        light=reader.say(f"story.palette.{scene.palette}"),
    )


def who(reader: Reader, record: StoryRecord, scene_id: str) -> str:
    """The heroes of a scene by name; its things where nobody is."""
    scene = record.plan.scene(scene_id)
    named = {hero.id: hero.name for hero in record.plan.heroes}
    names = [named[hero_id] for hero_id in scene.heroes if hero_id in named]
    names = names or [subject_name(reader, thing) for thing in scene.things[:2]]
    return reader.say("ui.story.and").join(names) or reader.say(f"story.place.{scene.place}")


def subject_name(reader: Reader, name: str) -> str:
    """What is drawn, in the reader's language."""
    drawing = subjects().get(name)
    if drawing is None:
        return name
    return drawing.chinese[0] if reader.language == "zh" else drawing.english[0]


def hero_portrait(handoff: Handoff, look: Look, name: str) -> str:
    """An ``img`` of the hero alone."""
    address = handoff.made(look, "hero.svg", lambda: portrait(look).encode())
    return f'<img class="vt-hero-picture" src="{escape(address)}" alt="{escape(name)}" draggable="false">'
