"""The stories that are here: how they find a place, come in as finished books, and go."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from pipelines.illustration.settings import PaintingSettings
from studio.carried import carried_plan, carried_sound
from studio.errors import StudioError, refusals
from studio.jobs.queue import JobQueue
from studio.settings import Settings
from studio.store.artifacts import Artifacts
from studio.store.records import StoryRecord
from studio.store.sample_books import SampleBook
from studio.store.stories import KeptSound, StoryRemains, StoryStore, painting_key
from studio.store.voices import VoiceStore
from studio.trust.labels import VOICE_TAG
from studio.trust.quota import DemoQuota

if TYPE_CHECKING:
    from pipelines.book.book import Book
    from pipelines.illustration.bases import BaseDescription

STOP_SECONDS = 15.0
"""How long a deletion waits for work on the story to notice that it was stopped."""


class Shelf:
    """
    Args:
        painters: the bases that pictures can be painted with, by id.
    """

    def __init__(
        self,
        settings: Settings,
        painters: Callable[[], Mapping[str, BaseDescription]],
        store: StoryStore,
        voices: VoiceStore,
        artifacts: Artifacts,
        queue: JobQueue,
        quota: DemoQuota,
    ) -> None:
        self._settings = settings
        self._painters = painters
        self._store = store
        self._voices = voices
        self._artifacts = artifacts
        self._queue = queue
        self._quota = quota

    @contextmanager
    def place(self) -> Iterator[None]:
        """One transaction for all rows of a new story. If none of them is refused, the oldest story of a full public demo
        goes; elsewhere the person chooses."""
        with self._store.database.transaction():
            count, limit = self._store.count(), self._settings.max_stories
            makes_room = count >= limit and self._settings.public_demo
            oldest = self._store.oldest_idle() if makes_room else None
            if count >= limit and oldest is None:
                raise StudioError("stories_too_many", 409, count=count, limit=limit)
            yield
            remains = self._store.bury(oldest) if oldest else None
        if remains:
            self._clear_away(oldest, remains)

    def keep(
        self, book: Book, story_id: str, *, visitor: str | None = None, sample: bool = False
    ) -> StoryRecord:
        """The book as a story of that id."""
        with refusals():
            plan, painting = carried_plan(book)
        painting = self._painting_here(painting)
        heard = book.tags.get(VOICE_TAG, "")
        voice = self._voices.by_hash(heard) if book.is_narrated else None
        withdrawn = voice is not None and voice["deleted_at"] is not None
        try:
            # 1. The files, which nobody knows yet
            for planned, page in zip(plan.pages, book.pages, strict=True):
                if page.picture is not None:
                    path = self._artifacts.picture(story_id, painting_key(planned, painting))
                    self._artifacts.write(path, page.picture.png)
                if page.narration is not None and not withdrawn:
                    self._artifacts.write(
                        self._artifacts.sound(story_id, planned.scene_id), carried_sound(book, page)
                    )
            # 2. All rows at once
            with self._store.database.transaction() if sample else self.place():
                self._quota.spend(visitor, len(plan.text))
                self._quota.spend_pages(visitor, 1)  # for its place on the shelf
                self._store.insert(
                    story_id,
                    style=plan.style,
                    seed=plan.seed,
                    painting=painting,
                    reader=None if withdrawn else book.voice,
                    withdrawn=withdrawn,
                    visitor=visitor,
                    sample=sample,
                    made_on=book.made_on and book.made_on.isoformat(),
                )
                self._store.save_plan(story_id, plan, plan.text.strip())
                for planned, page in zip(plan.pages, book.pages, strict=True):
                    if page.picture is not None:
                        self._store.insert_picture(story_id, painting_key(planned, painting))
                    if page.narration is not None and not withdrawn:
                        sound = KeptSound(planned.scene_id, page.text, page.sentences, heard)
                        self._store.insert_kept_sound(story_id, sound)
        except BaseException:
            self._artifacts.remove(self._artifacts.story(story_id))
            raise
        return self._store.get(story_id)

    def keep_samples(self, books: Sequence[SampleBook]) -> None:
        """Exactly those of the books are here whose voice is; what was here already is left alone."""
        wanted = {book.story_id: book for book in books if self._voices.by_hash(book.voice_hash)}
        for story_id in self._store.samples():
            if story_id not in wanted:
                self.remove(story_id)
        for story_id, book in wanted.items():
            if not self._store.exists(story_id):
                self.keep(book.read(), story_id, sample=True)

    def remove(self, story_id: str) -> None:
        # 1. In one transaction nobody knows the story any more
        remains = self._store.bury(story_id)
        # 2. The files; what a crash leaves here is swept at the next start
        self._clear_away(story_id, remains)

    def _clear_away(self, story_id: str, remains: StoryRemains) -> None:
        self._queue.changes.announce()
        self._queue.wait_until_idle(remains.job_ids, STOP_SECONDS)
        self._artifacts.remove(self._artifacts.story(story_id))
        for job_id in remains.job_ids:
            self._artifacts.remove(self._artifacts.job(job_id))
        for key in remains.take_keys:
            with self._store.database.transaction():
                if not self._store.spoken([key]):  # nor has anybody said the same meanwhile
                    self._artifacts.remove(self._artifacts.take(key))
        for key, format in remains.exports:
            self._artifacts.remove(self._artifacts.export(key, format))

    def _painting_here(self, painting: PaintingSettings) -> PaintingSettings:
        """A book may have been painted with a base that is not installed here; its pictures stay all the same."""
        return (
            painting if painting.base in self._painters() else replace(painting, base=PaintingSettings().base)
        )
