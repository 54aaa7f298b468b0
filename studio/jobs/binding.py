"""A story as a book: its pictures, takes and words put together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from studio.errors import StudioError
from studio.language import say
from studio.narration import Line, Narrator, lines
from studio.store.artifacts import Artifacts
from studio.store.ledger import enter_export
from studio.store.recording_files import read_wav
from studio.store.records import StoryRecord, TakeRecord
from studio.store.speeches import SpeechStore
from studio.store.stories import KeptSound, StoryStore
from studio.store.voices import VoiceStore
from studio.trust.consent import Consents
from studio.trust.labels import book_label, speech_label, voice_hash

if TYPE_CHECKING:
    from pipelines.book.book import Book, Page, Sentence
    from pipelines.story.story import ScenePlan


@dataclass(frozen=True)
class Outline:
    """Everything that shapes a book, by name: two of the same ``produce_id`` are the same book.

    Attributes:
        narrator: whose takes are in it; None where nobody reads or the narration was kept.
        spoken: scene id -> the lines that are read, only for pages that are spoken to their end.
        kept: scene id -> a narration that came with the book.
        silence: what the book says of pages and sentences without sound; empty where there are none.
    """

    story: StoryRecord
    made_on: date
    narrator: Narrator | None
    spoken: Mapping[str, tuple[Line, ...]]
    kept: Mapping[str, KeptSound]
    silence: str

    @property
    def take_keys(self) -> tuple[str, ...]:
        return tuple(line.take_key for page in self.spoken.values() for line in page)

    @property
    def voice_id(self) -> str | None:
        """Whose consent the book needs."""
        return self.narrator.voice_id if self.narrator and self.take_keys else None

    @cached_property
    def produce_id(self) -> str:
        story = self.story
        shape = [
            story.plan.to_json(),
            story.painting.to_json(),
            [page.picture_key if page.painted else None for page in story.pages],
            [
                [scene, [[line.take_key, line.pause_seconds] for line in page]]
                for scene, page in self.spoken.items()
            ],
            [[scene, sound.voice_hash] for scene, sound in self.kept.items()],
            [story.voice_name, self.silence, self.made_on.isoformat()],
        ]
        return hashlib.sha256(json.dumps(shape).encode()).hexdigest()

    @property
    def key(self) -> str:
        """Of the files made from it; another story's, however alike, are its own."""
        return hashlib.sha256(f"{self.story.id} {self.produce_id}".encode()).hexdigest()

    @property
    def voice_hash(self) -> str:
        """Empty when nobody speaks."""
        if self.voice_id:
            return voice_hash(self.voice_id)
        return next((sound.voice_hash for sound in self.kept.values()), "")

    @property
    def label(self) -> dict[str, str]:
        return book_label(self.voice_hash, self.produce_id)


class Binding:
    def __init__(
        self,
        stories: StoryStore,
        speeches: SpeechStore,
        voices: VoiceStore,
        artifacts: Artifacts,
        consents: Consents,
    ) -> None:
        self._stories = stories
        self._speeches = speeches
        self._voices = voices
        self._artifacts = artifacts
        self._consents = consents

    def outline(self, story_id: str) -> Outline:
        """
        Raises:
            StudioError: ``story_not_planned``, ``story_not_drawn``; ``consent_none``, ``consent_expired`` of the voice.
        """
        story = self._stories.get(story_id)
        if story.plan is None:
            raise StudioError("story_not_planned", 409)
        missing = sum(not page.painted and page.fault is None for page in story.pages)
        if missing:
            raise StudioError("story_not_drawn", 409, missing=missing, count=len(story.pages))
        made_on = date.fromisoformat(self._stories.row(story_id)["made_on"])
        return self._outline(story, made_on)

    def bind(self, outline: Outline) -> Book:
        """
        Raises:
            StudioError: ``book_changed``: what is no longer needed is gone already.
        """
        from pipelines.book.book import Book

        story, language = outline.story, book_language(outline.story)
        read = bool(outline.spoken or outline.kept)
        return Book(
            title=story.title,
            author="",
            language=language,
            pages=self._pages(outline),
            label=say("book.label" if read else "book.label_silent", language),
            tags=outline.label,
            voice=story.voice_name if read else None,
            silence=outline.silence,
            made_on=outline.made_on,
            plan={"story": story.plan.to_json(), "painting": story.painting.to_json()},
        )

    def sound(self, story_id: str, scene_id: str) -> Path | None:
        """A page read aloud, a labelled WAV; None while not all of it is spoken.

        Raises:
            StudioError: ``consent_none``, ``consent_expired`` of the voice; ``book_changed``: it no longer reads this.
        """
        from pipelines.audio.formats import encode

        story = self._stories.get(story_id)
        if story.plan is None:
            return None
        outline = self._outline(story, story.created_at.date())
        if scene_id in outline.kept:
            return self._artifacts.sound(story_id, scene_id)
        if scene_id not in outline.spoken:
            return None
        said = [[line.take_key, line.pause_seconds] for line in outline.spoken[scene_id]]
        key = hashlib.sha256(json.dumps([story_id, scene_id, said]).encode()).hexdigest()
        path = self._artifacts.export(key, "wav")
        if not path.exists():
            takes = self._speeches.takes(outline.take_keys)
            with _all_there():
                sound = self._page(outline, story.plan.scene(scene_id), takes).narration
            label = speech_label(outline.voice_id, key)
            data = encode(sound.wave, sound.sample_rate, "wav", label)
            keys = [take_key for take_key, _ in said]
            with self._stories.database.transaction():
                now = self._outline(self._stories.get(story_id), outline.made_on)
                if now.spoken.get(scene_id) != outline.spoken[scene_id]:
                    raise StudioError("book_changed", 409)
                enter_export(
                    self._stories.database,
                    key,
                    "wav",
                    data,
                    outline.voice_hash,
                    keys,
                    label,
                    story_id=story_id,
                )
                self._artifacts.write(path, data)
        return path

    def sentences(self, story_id: str, scene_id: str) -> tuple[Sentence, ...]:
        """The sentences of a page, with their times in ``sound``; of a silent page without times.

        Raises:
            StudioError: ``consent_none``, ``consent_expired`` of the voice.
        """
        from pipelines.book.book import Sentence

        story = self._stories.get(story_id)
        outline = self._outline(story, story.created_at.date())
        if scene_id in outline.kept:
            return outline.kept[scene_id].sentences
        said = outline.spoken.get(scene_id)
        if said is None:
            silent = lines(story.plan.scene(scene_id), outline.narrator, story.plan.seed)
            return tuple(Sentence(line.text) for line in silent)
        takes, timed, start = self._speeches.takes(outline.take_keys), [], 0.0
        for line in said:
            take = takes[line.take_key]
            timed.append(Sentence(line.text, start, start + take.seconds, take.words))
            start += take.seconds + line.pause_seconds
        return tuple(timed)

    def _outline(self, story: StoryRecord, made_on: date) -> Outline:
        kept = self._stories.kept_sounds(story.id)
        kept = {
            scene.id: kept[scene.id]
            for scene in story.plan.scenes
            if scene.id in kept and kept[scene.id].is_of(scene.text)
        }
        narrator = self._stories.narrator(story.id)
        said = {
            scene.id: lines(scene, narrator, story.plan.seed)
            for scene in story.plan.scenes
            if scene.id not in kept
        }
        spoken = self._spoken(story.id, said)
        outline = Outline(story, made_on, narrator, spoken, kept, self._silence(story, said, spoken))
        if outline.voice_id and not self._voices.row(outline.voice_id)["sample"]:
            self._consents.require(outline.voice_id)
        return outline

    def _spoken(self, story_id: str, said: Mapping[str, tuple[Line, ...]]) -> dict[str, tuple[Line, ...]]:
        """The pages of which nothing is missing that can be spoken."""
        refused = self._stories.faults(story_id).keys()
        wanted = {
            scene: tuple(line for line in page if line.take_key and line.take_key not in refused)
            for scene, page in said.items()
        }
        there = self._stories.spoken(line.take_key for page in wanted.values() for line in page)
        return {
            scene: page
            for scene, page in wanted.items()
            if page and all(line.take_key in there for line in page)
        }

    def _silence(
        self,
        story: StoryRecord,
        said: Mapping[str, tuple[Line, ...]],
        spoken: Mapping[str, tuple[Line, ...]],
    ) -> str:
        language = book_language(story)
        if story.silence:
            return say(f"book.{story.silence}", language)
        if said.keys() - spoken.keys():
            return say("book.silent_pages", language)
        if any(len(spoken[scene]) < len(page) for scene, page in said.items()):
            return say("book.silent_sentences", language)
        return ""

    def _pages(self, outline: Outline) -> tuple[Page, ...]:
        takes = self._speeches.takes(outline.take_keys)
        with _all_there():
            return tuple(self._page(outline, scene, takes) for scene in outline.story.plan.scenes)

    def _page(self, outline: Outline, scene: ScenePlan, takes: Mapping[str, TakeRecord]) -> Page:
        from pipelines.book.book import Page, Picture, narrated_page
        from pipelines.speech.engine import Take

        page, text = outline.story.page(scene.id), scene.text.strip()
        picture = None
        if page.painted:
            path = self._artifacts.picture(outline.story.id, page.picture_key)
            picture = Picture(path.read_bytes(), scene.key_sentence or text)
        if scene.id in outline.kept:
            sound = read_wav(self._artifacts.sound(outline.story.id, scene.id))
            return Page(text, outline.kept[scene.id].sentences, picture, sound)
        spoken = []
        for line in outline.spoken.get(scene.id, ()):
            take, recording = takes[line.take_key], read_wav(self._artifacts.take(line.take_key))
            said = Take(recording.wave, recording.sample_rate, take.words, take.score)
            spoken.append((line.text, said, line.pause_seconds))
        return narrated_page(text, spoken, picture)


@contextmanager
def _all_there() -> Iterator[None]:
    """
    Raises:
        StudioError: ``book_changed``: a picture or a take is gone.
    """
    try:
        yield
    except (KeyError, OSError) as error:
        raise StudioError("book_changed", 409) from error


def book_language(story: StoryRecord) -> str:
    """Of the book's own few words: a mixed story counts as what most of it is."""
    if story.language != "mixed":
        return story.language
    han = sum("\u3400" <= char <= "\u9fff" for char in story.text)
    return "zh" if han >= len(story.text.split()) else "en"
