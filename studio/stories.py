"""Stories from the first word to the finished book."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.audio.decode import AudioLimits
from pipelines.book.exports import FORMATS
from pipelines.illustration.settings import PaintingSettings
from pipelines.speech.engine import EngineDescription
from studio.engines import engine_of
from studio.errors import StudioError, refusals
from studio.jobs.binding import Binding
from studio.jobs.job import Job
from studio.jobs.planning import Planning
from studio.jobs.queue import JobQueue
from studio.jobs.runner import LANES
from studio.narration import Narrator
from studio.settings import Settings
from studio.shelf import Shelf
from studio.speaking import MAX_SEED, checked_controls, checked_seed, not_ready
from studio.store.artifacts import Artifacts
from studio.store.ids import new_id
from studio.store.pronunciations import Pronunciations
from studio.store.records import StoryRecord
from studio.store.stories import StoryStore, painting_key
from studio.store.voices import VoiceStore
from studio.trust.consent import Consents
from studio.trust.quota import DemoQuota
from studio.typed_text import bare_filename, cleaned, one_line

if TYPE_CHECKING:
    from pipelines.book.book import Sentence
    from pipelines.illustration.bases import BaseDescription
    from pipelines.story.story import Prompt, Story

MAX_PROMPT_CHARS = 600
MAX_HERO_CHARS = 60
DEMO_PROJECT_BYTES = 32 * 2**20


class Stories:
    """Every method raises ``StudioError``; unknown ids are 404, refused requests keep nothing.

    Edits save the whole plan; only the pictures and sentences they touch are made again by the next ``draw``.

    Args:
        painters: the bases that pictures can be painted with, by id.
    """

    def __init__(
        self,
        settings: Settings,
        engines: Mapping[str, EngineDescription],
        painters: Callable[[], Mapping[str, BaseDescription]],
        store: StoryStore,
        shelf: Shelf,
        voices: VoiceStore,
        artifacts: Artifacts,
        planning: Planning,
        binding: Binding,
        consents: Consents,
        queue: JobQueue,
        quota: DemoQuota,
        pronunciations: Pronunciations,
    ) -> None:
        self._settings = settings
        self._engines = engines
        self._painters = painters
        self._store = store
        self._shelf = shelf
        self._voices = voices
        self._artifacts = artifacts
        self._planning = planning
        self._binding = binding
        self._consents = consents
        self._queue = queue
        self._quota = quota
        self._pronunciations = pronunciations

    # Telling

    def hear(self, path: Path, filename: str, client: str | None = None) -> StoryRecord:
        """Keep the recording at ``path`` (its bytes are copied) and queue a job that writes it down."""
        return self._receive("hear", path, filename, client)

    def tell(
        self,
        path: Path,
        filename: str,
        *,
        pages: int | None = None,
        style: str = "storybook",
        voice_id: str | None = None,
        seed: int | None = None,
        client: str | None = None,
    ) -> StoryRecord:
        """As ``hear``, and the same job goes on to plan, draw and narrate what it heard, read over by nobody."""
        return self._receive("draw", path, filename, client, pages, style, voice_id, seed)

    def write(
        self,
        text: str,
        *,
        language: str | None = None,
        pages: int | None = None,
        style: str = "storybook",
        voice_id: str | None = None,
        seed: int | None = None,
        client: str | None = None,
        draw: bool = False,
    ) -> StoryRecord:
        """A typed story, planned at once and saved whole.

        Args:
            language: en, zh or mixed; None: by the text.
            pages: how many are asked for; None: as many as the story's turns ask for.
            seed: of looks, layouts, pictures and voice; None draws one.
            draw: as ``draw`` besides; when that is refused, so is the story.
        """
        from pipelines.story.plan import plan_story

        visitor, text = self._quota.visitor(client), cleaned(text)
        seed, narrator = _seed(seed), self._narrator(voice_id)
        with refusals():
            story = plan_story(text, language, pages, style, seed)
        story_id = new_id("story")
        with self._shelf.place():
            self._quota.spend(visitor, len(text))
            self._store.insert(
                story_id,
                style=style,
                seed=seed,
                painting=PaintingSettings(),
                wished_pages=pages,
                narrator=narrator,
                visitor=visitor,
            )
            self._store.save_plan(story_id, story, text)
            if draw:
                self.draw(story_id)
        return self.get(story_id)

    def plan(
        self,
        story_id: str,
        text: str,
        *,
        language: str | None = None,
        pages: int | None = None,
        style: str | None = None,
    ) -> StoryRecord:
        """Plan anew from the corrected transcript or another text; voice, seed and painting stay."""
        from pipelines.story.plan import plan_story

        row, text = self._own(story_id), cleaned(text)
        wished = row["wished_pages"] if pages is None else pages
        with refusals():
            telling = self._planning.telling(story_id)
            story = plan_story(text, language, wished, style or row["style"], row["seed"], telling)
        with self._changing(row):
            self._quota.spend(row["visitor"], len(text))
            self._store.save_plan(story_id, story, text)
        return self.get(story_id)

    # The shelf

    def get(self, story_id: str) -> StoryRecord:
        return self._store.get(story_id)

    def list(self, client: str | None = None) -> list[StoryRecord]:
        """The sample first, then the newest. A public demo shows a ``client`` its own alone."""
        return self._store.list(self._quota.visitor(client))

    def delete(self, story_id: str) -> None:
        """Recording, plan, pictures, narration and exports are gone."""
        self._own(story_id)
        self._shelf.remove(story_id)

    # Edits

    def merge(self, story_id: str, scene_id: str) -> StoryRecord:
        """The scene and the one after it become one."""
        from pipelines.story.scenes import merge

        return self._edit(story_id, lambda story: merge(story, scene_id))

    def split(self, story_id: str, scene_id: str, sentence: int) -> StoryRecord:
        """Sentence number ``sentence`` (the first is 0) and what follows it become a new scene."""
        from pipelines.story.checking import MOST_PAGES
        from pipelines.story.scenes import split_scene

        def cut(story: Story) -> Story:
            if len(story.pages) >= MOST_PAGES:
                raise StudioError("story_pages", 422, pages=len(story.pages) + 1, limit=MOST_PAGES)
            return split_scene(story, scene_id, sentence)

        return self._edit(story_id, cut)

    def move(self, story_id: str, scene_id: str, to: int) -> StoryRecord:
        """The scene to place ``to`` (the first is 0); nothing is painted anew."""
        from pipelines.story.scenes import reorder

        def moved(story: Story) -> Story:
            order = [scene.id for scene in story.scenes]
            order.insert(min(max(to, 0), len(order) - 1), order.pop(story.index(scene_id)))
            return reorder(story, order)

        return self._edit(story_id, moved)

    def rewrite(self, story_id: str, scene_id: str, text: str) -> StoryRecord:
        """Another text for one scene."""
        from pipelines.story.plan import require_drawable, require_length
        from pipelines.story.scenes import edit

        text = cleaned(text)

        def rewritten(story: Story) -> Story:
            changed = edit(story, scene_id, text)
            require_length(changed.text)
            require_drawable(text)
            return changed

        return self._edit(story_id, rewritten, spend=len(text))

    def edit_prompt(
        self, story_id: str, scene_id: str, prompt: Prompt, negative_prompt: str | None = None
    ) -> StoryRecord:
        """The person's own words for a picture."""
        from pipelines.story.plan import require_drawable
        from pipelines.story.scenes import rewrite_prompt

        prompt = type(prompt)(**{name: one_line(part) for name, part in vars(prompt).items()})
        negative_prompt = None if negative_prompt is None else one_line(negative_prompt)
        for words in (prompt.text, negative_prompt or ""):
            if len(words) > MAX_PROMPT_CHARS:
                raise StudioError("prompt_too_long", 422, chars=len(words), limit=MAX_PROMPT_CHARS)
        if not prompt.text:
            raise StudioError("prompt_empty", 422)
        with refusals():
            require_drawable(prompt.text)
        return self._edit(story_id, lambda story: rewrite_prompt(story, scene_id, prompt, negative_prompt))

    def reset_prompt(self, story_id: str, scene_id: str) -> StoryRecord:
        """The words that the scene itself asks for."""
        from pipelines.story.scenes import reset_prompt

        return self._edit(story_id, lambda story: reset_prompt(story, scene_id))

    def retake(self, story_id: str, scene_id: str) -> StoryRecord:
        """Another picture of the same scene."""
        from pipelines.story.scenes import retake

        return self._edit(story_id, lambda story: retake(story, scene_id))

    def change_hero(
        self,
        story_id: str,
        hero_id: str,
        *,
        name: str | None = None,
        colours: Mapping[str, str] | None = None,
        wearing: Mapping[str, str] | None = None,
    ) -> StoryRecord:
        """Another look on every page where the hero is. ``colours``: slot -> colour, ``wearing``: piece -> colour;
        each replaces all there were."""
        from pipelines.story.checking import require_look
        from pipelines.story.scenes import change_hero

        def changed(story: Story) -> Story:
            hero = story.hero(hero_id)
            if name is not None:
                hero = replace(hero, name=_checked_name(name))
            if colours is not None:
                hero = replace(hero, colours=tuple(colours.items()))
            if wearing is not None:
                hero = replace(hero, wearing=tuple(wearing.items()))
            try:
                require_look(hero.look)
            except ValueError as error:
                raise StudioError("hero_look", 422, hero=hero.name) from error
            return change_hero(story, hero)

        return self._edit(story_id, changed)

    def restyle(self, story_id: str, style: str) -> StoryRecord:
        """Another art style for every page whose prompt was not edited."""
        from pipelines.story.scenes import restyle

        return self._edit(story_id, lambda story: restyle(story, style))

    def set_voice(self, story_id: str, voice_id: str | None) -> StoryRecord:
        """The voice as it is now reads the story; the same voice again takes its current revision."""
        self._own(story_id)
        narrator = self._narrator(voice_id)
        with self._store.database.transaction():
            self._store.set_narrator(story_id, narrator)
            dropped = self._store.drop_kept_sounds(story_id)
        for scene_id in dropped:
            self._artifacts.remove(self._artifacts.sound(story_id, scene_id))
        return self.get(story_id)

    def set_painting(self, story_id: str, painting: PaintingSettings) -> StoryRecord:
        """How every page is painted from now on."""
        row, painting = self._own(story_id), self._checked_painting(painting)
        with self._changing(row):
            self._store.set_painting(story_id, painting)
        return self.get(story_id)

    # Drawing

    def draw(self, story_id: str) -> Job:
        """Paint the pages whose pictures are missing, then speak the sentences whose takes are missing.

        One drawing a story: while one is active, it is the answer.
        """
        row = self._own(story_id)
        with self._store.database.transaction():
            active = self._queue.active(story_id, ("draw",))
            if active is not None:
                return active
            if row["plan"] is None:
                raise StudioError("story_not_planned", 409)
            self._refresh(story_id)
            self._store.clear_faults(story_id)
            self._quota.spend_pages(row["visitor"], len(self._store.unpainted(story_id)))
            return self._enqueue("draw", story_id, {})

    def cancel(self, story_id: str) -> StoryRecord:
        """Stop hearing or drawing; pages and takes that are finished stay."""
        self._store.row(story_id)
        while job := self._queue.active(story_id, ("hear", "draw")):
            if self._queue.cancel(job.id).state == "running":
                break
        return self.get(story_id)

    def placeholder(self, story_id: str, scene_id: str) -> bytes:
        """The page's layout as a PNG, at once."""
        from pipelines.illustration.illustration import placeholder

        record = self.get(story_id)
        return placeholder(self._planned(record).page(self._scene(record, scene_id)), record.painting.size)

    def picture(self, story_id: str, scene_id: str) -> Path | None:
        """The painted PNG; None while it is not painted."""
        record = self.get(story_id)
        page = record.page(self._scene(record, scene_id))
        return self._artifacts.picture(story_id, page.picture_key) if page.painted else None

    def sound(self, story_id: str, scene_id: str) -> Path | None:
        """The page read aloud, a labelled WAV; None while not all of it is spoken, or none of it ever will be."""
        return self._binding.sound(story_id, self._scene(self.get(story_id), scene_id))

    def sentences(self, story_id: str, scene_id: str) -> tuple[Sentence, ...]:
        """The sentences of a page; those that are read aloud with their times in ``sound``."""
        return self._binding.sentences(story_id, self._scene(self.get(story_id), scene_id))

    # The book

    def export(self, story_id: str, format: str) -> Job:
        """Make the book as a file; ``format`` is a key of ``pipelines.book.exports.FORMATS``. One job a format."""
        _check_format(format)
        self._binding.outline(story_id)
        with self._store.database.transaction():
            for job in self._queue.list(active_only=True, subject_id=story_id):
                if job.kind == "export" and job.payload["format"] == format:
                    return job
            return self._enqueue("export", story_id, {"format": format})

    def exported(self, story_id: str, format: str) -> Path | None:
        """The file of the book as it is now; None while it was not exported since the last change."""
        _check_format(format)
        path = self._artifacts.export(self._binding.outline(story_id).key, format)
        return path if path.exists() else None

    def open_project(self, path: Path, filename: str, client: str | None = None) -> StoryRecord:
        """A project file becomes a story again: plan, pictures and narration are kept.

        The narration of a voice whose consent was withdrawn here is not.
        """
        from pipelines.book.exports.project import ProjectLimits, open_project

        visitor = self._quota.visitor(client)
        limits = ProjectLimits(max_bytes=DEMO_PROJECT_BYTES) if visitor else ProjectLimits()
        with refusals():
            book = open_project(path, limits)
        return self._shelf.keep(book, new_id("story"), visitor=visitor)

    # What all of these rest on

    def _receive(
        self,
        kind: str,
        path: Path,
        filename: str,
        client: str | None,
        pages: int | None = None,
        style: str = "storybook",
        voice_id: str | None = None,
        seed: int | None = None,
    ) -> StoryRecord:
        """Keep a recording and queue a job of the kind on its story."""
        from pipelines.story.plan import require_wishes

        visitor = self._quota.visitor(client)
        seed, narrator = _seed(seed), self._narrator(voice_id)
        with refusals():
            require_wishes(pages, style)
        size, limit = path.stat().st_size, AudioLimits().max_bytes
        if size == 0:
            raise StudioError("audio_empty", 422)
        if size > limit:
            raise StudioError("audio_too_big", 422, megabytes=size / 2**20, limit_megabytes=limit / 2**20)
        story_id = new_id("story")
        try:
            self._artifacts.copy(path, self._artifacts.told(story_id))
            with self._shelf.place():
                self._quota.spend_pages(visitor, 1)  # listening takes about as long as painting
                self._store.insert(
                    story_id,
                    style=style,
                    seed=seed,
                    painting=PaintingSettings(),
                    recording=bare_filename(filename),
                    wished_pages=pages,
                    narrator=narrator,
                    visitor=visitor,
                )
                self._enqueue(kind, story_id, {})
        except BaseException:
            self._artifacts.remove(self._artifacts.story(story_id))
            raise
        return self.get(story_id)

    def _edit(self, story_id: str, change: Callable[[Story], Story], spend: int = 0) -> StoryRecord:
        """Save what ``change`` makes of the plan; two edits at once are made one after the other."""
        row = self._own(story_id)
        with self._changing(row):
            story = self._planned(self.get(story_id))
            try:
                with refusals():
                    changed = change(story)
            except KeyError as error:
                raise StudioError("scene_unknown", 404) from error
            self._quota.spend(row["visitor"], spend)
            self._store.save_plan(story_id, changed, changed.text.strip())
        return self.get(story_id)

    @contextmanager
    def _changing(self, row: sqlite3.Row) -> Iterator[None]:
        """One transaction. A drawing under way paints what it finds, so what it finds more than before is paid now."""
        with self._store.database.transaction():
            drawing, before = self._queue.active(row["id"], ("draw",)), self._unpainted(row["id"])
            yield
            if drawing:
                self._quota.spend_pages(row["visitor"], len(self._unpainted(row["id"]) - before))

    def _unpainted(self, story_id: str) -> set[str]:
        return {painting_key(*wanted) for wanted in self._store.unpainted(story_id)}

    def _own(self, story_id: str) -> sqlite3.Row:
        """
        Raises:
            StudioError: ``story_unknown``, ``sample_story_fixed``.
        """
        row = self._store.row(story_id)
        if row["sample"]:
            raise StudioError("sample_story_fixed", 403)
        return row

    def _planned(self, record: StoryRecord) -> Story:
        if record.plan is None:
            raise StudioError("story_not_planned", 409)
        return record.plan

    def _scene(self, record: StoryRecord, scene_id: str) -> str:
        if scene_id not in {scene.id for scene in self._planned(record).scenes}:
            raise StudioError("scene_unknown", 404)
        return scene_id

    def _enqueue(self, kind: str, story_id: str, payload: Mapping[str, object]) -> Job:
        return self._queue.enqueue(LANES[kind], kind, story_id, payload)

    def _narrator(self, voice_id: str | None) -> Narrator | None:
        """
        Raises:
            StudioError: ``voice_unknown``, ``consent_none``, ``consent_expired``, as ``not_ready``.
        """
        if voice_id is None:
            return None
        row = self._voices.row(voice_id)
        if row["revision_id"] is None:
            raise not_ready(self._consents, self._queue, voice_id)
        if not row["sample"]:
            self._consents.require(voice_id)
        engine = engine_of(self._engines, self._voices.revision(row["revision_id"]).engine)
        return Narrator(
            voice_id,
            row["revision_id"],
            checked_controls(engine, {}),
            engine.languages,
            self._settings.max_sentence_chars,
            replace(self._pronunciations.lexicon(), bad_lines=()),
        )

    def _refresh(self, story_id: str) -> None:
        """A voice that meanwhile speaks the story's language reads it, with the pronunciations as they are now; what
        it read before stays."""
        narrator = self._store.narrator(story_id)
        if narrator is None:
            return
        now = self._narrator(narrator.voice_id)
        refreshed = replace(narrator, languages=now.languages, lexicon=now.lexicon)
        if refreshed != narrator:
            self._store.set_narrator(story_id, refreshed)

    def _checked_painting(self, painting: PaintingSettings) -> PaintingSettings:
        with refusals():
            painting = painting.checked()
        known = self._painters()
        if painting.base not in known:
            raise StudioError("painter_not_installed", 422, base=painting.base[:60], choices=", ".join(known))
        return painting


def _seed(seed: int | None) -> int:
    return secrets.randbelow(MAX_SEED + 1) if seed is None else checked_seed(seed)


def _checked_name(name: str) -> str:
    name = one_line(name)
    if not name or len(name) > MAX_HERO_CHARS:
        raise StudioError("hero_name", 422, chars=len(name), limit=MAX_HERO_CHARS)
    return name


def _check_format(format: str) -> None:
    if format not in FORMATS:
        raise StudioError("format_unknown", 422, format=format[:40], choices=", ".join(FORMATS))
