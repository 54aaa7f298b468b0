"""What people do to a story, by the name of the button or field that asks for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pipelines.story.story import Prompt
from studio.container import Container
from studio.store.records import StoryRecord
from studio.ui.story.heroes import dressed, recoloured
from studio.ui.story.painting import painted_with
from studio.ui.story.prompt import PARTS

Asked = Mapping[str, object]


class Acts:
    """Every method raises ``StudioError``; what came before it in the same click is kept."""

    def __init__(self, container: Container) -> None:
        self._container = container

    def edited(self, record: StoryRecord | None, edits: Iterable[Asked]) -> StoryRecord | None:
        """The story after what was typed or chosen in its cards."""
        for edit in edits:
            if record is not None:
                record = self._edit(record, edit)
        return record

    def done(self, record: StoryRecord | None, asked: Asked, client: str | None) -> StoryRecord | None:
        """The story that is open after a click; None is one yet to be told."""
        act, stories = str(asked.get("act")), self._container.stories
        if act == "blank":
            return None
        if act == "reopen":
            return stories.get(str(asked["story"]))
        if act == "delete":
            stories.delete(str(asked["story"]))
            return None
        if act == "plan":
            return self._plan(record, asked.get("fields") or {}, client)
        return record and self._change(record, act, asked)

    def _plan(self, record: StoryRecord | None, fields: Asked, client: str | None) -> StoryRecord:
        stories = self._container.stories
        text, pages = str(fields.get("text") or ""), str(fields.get("pages") or "")
        count = int(pages) if pages.isdigit() else None
        style, voice = str(fields.get("style") or "") or None, fields.get("voice")
        if record is None:
            reads = str(voice) if voice else None
            return stories.write(text, pages=count, style=style or "storybook", voice_id=reads, client=client)
        planned = stories.plan(record.id, text, pages=count, style=style)
        if voice is not None and (str(voice) or None) != planned.voice_id:
            planned = stories.set_voice(planned.id, str(voice) or None)
        return planned

    def _change(self, record: StoryRecord, act: str, asked: Asked) -> StoryRecord:
        stories, scene_id = self._container.stories, str(asked.get("scene", ""))
        match act:
            case "cancel":
                if record.job_id:
                    stories.cancel(record.id)
                    self._container.jobs.wait(record.job_id, 2.0)
            case "draw":
                stories.draw(record.id)
            case "merge":
                return stories.merge(record.id, scene_id)
            case "split":
                return stories.split(record.id, scene_id, int(str(asked["sentence"])))
            case "move":
                return stories.move(record.id, scene_id, int(str(asked["to"])))
            case "reset":
                return stories.reset_prompt(record.id, scene_id)
            case "retake":
                stories.retake(record.id, scene_id)
                stories.draw(record.id)
            case "colour":
                hero = record.plan.hero(str(asked["hero"]))
                colours = recoloured(hero, str(asked["slot"]), str(asked["colour"]))
                return stories.change_hero(record.id, hero.id, colours=colours)
            case "wear":
                hero = record.plan.hero(str(asked["hero"]))
                wearing = dressed(
                    hero, str(asked["place"]), str(asked["piece"]), str(asked.get("colour") or "") or None
                )
                return stories.change_hero(record.id, hero.id, wearing=wearing)
            case "export":
                stories.export(record.id, str(asked["format"]))
        return stories.get(record.id)

    def _edit(self, record: StoryRecord, edit: Asked) -> StoryRecord:
        stories, scene_id = self._container.stories, str(edit.get("scene", ""))
        match edit.get("edit"):
            case "rewrite":
                return stories.rewrite(record.id, scene_id, str(edit["text"]))
            case "prompt":
                prompt = Prompt(*(str(edit[part]).strip() for part in PARTS))
                return stories.edit_prompt(record.id, scene_id, prompt, str(edit["negative"]).strip())
            case "hero":
                return stories.change_hero(record.id, str(edit["hero"]), name=str(edit["name"]).strip())
            case "style":
                return stories.restyle(record.id, str(edit["style"]))
            case "voice":
                return stories.set_voice(record.id, str(edit["voice"]) or None)
            case "painting":
                painting = painted_with(edit, record.painting, self._container.painters())
                return stories.set_painting(record.id, painting)
        return record
