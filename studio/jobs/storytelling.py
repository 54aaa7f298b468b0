"""The jobs of a story: write down what was told, draw and narrate the pages, bind the book."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pipelines.failure import Cancelled
from studio.errors import StudioError, from_exception
from studio.jobs.binding import Binding, Outline
from studio.jobs.planning import Planning
from studio.jobs.queue import LeaseLost
from studio.jobs.reading import Reader, VoiceGone
from studio.jobs.runner import Closing, JobRun
from studio.jobs.transcribing import Transcribing
from studio.narration import Narrator
from studio.serving.gpu_lane import DRAWING, GpuLane
from studio.serving.residency import Residency
from studio.store.artifacts import Artifacts
from studio.store.ledger import enter_export
from studio.store.speeches import Sentence
from studio.store.stories import StoryStore, painting_key
from studio.store.voices import VoiceStore

if TYPE_CHECKING:
    from pipelines.illustration.settings import PaintingSettings
    from pipelines.story.story import PagePlan

log = logging.getLogger(__name__)

PAGE_WORK, SENTENCE_WORK = 8.0, 1.0
"""How long a page and a sentence take beside each other, on a CPU; progress counts in these."""


class Storytelling:
    def __init__(
        self,
        stories: StoryStore,
        voices: VoiceStore,
        artifacts: Artifacts,
        planning: Planning,
        binding: Binding,
        reader: Reader,
        transcribing: Transcribing,
        residency: Residency,
        lane: GpuLane,
    ) -> None:
        self._stories = stories
        self._voices = voices
        self._artifacts = artifacts
        self._planning = planning
        self._binding = binding
        self._reader = reader
        self._transcribing = transcribing
        self._residency = residency
        self._lane = lane

    # Hearing

    def hear(self, run: JobRun) -> Mapping[str, object]:
        """The recording as a transcript, to be read over before it is planned."""
        story_id = run.job.subject_id
        self._write_down(run, story_id)
        return {"words": len(self._stories.get(story_id).transcript.words)}

    def _write_down(self, run: JobRun, story_id: str) -> None:
        run.stage("hear", 0.0)
        recording = self._planning.recording(story_id)
        transcript = self._transcribing.hear(recording, lambda share: run.stage("hear", share))
        self._stories.save_transcript(story_id, transcript)

    # Drawing

    def draw(self, run: JobRun) -> Mapping[str, object]:
        """What an earlier run finished is left alone; a page that cannot be painted is noted, and the others go on."""
        story_id = run.job.subject_id
        # 1. A story that was told and is to be drawn without being read over
        story = self._stories.get(story_id)
        if story.plan is None:
            if story.transcript is None:
                self._write_down(run, story_id)
            run.stage("plan", 0.0)
            self._planning.plan_as_heard(story_id)
        # 2. The pictures, then the voice
        painted = self._paint(run, story_id)
        spoken = self._narrate(run, story_id)
        # 3. What no page shows any more
        self._tidy(story_id)
        pages = self._stories.get(story_id).pages
        failed = [page.fault for page in pages if page.fault and not page.painted]
        if failed and len(failed) == len(pages):
            raise StudioError(failed[0].code, 500, **failed[0].facts)
        return {"painted": painted, "spoken": spoken, "failed": len(failed)}

    def _paint(self, run: JobRun, story_id: str) -> int:
        painted = 0
        # looked up anew each time: pages may be edited meanwhile
        while pages := self._stories.unpainted(story_id):
            if painted:
                run.yield_to_others()
            page, painting = pages[0]
            run.stage("paint", self._progress(story_id))
            with self._residency.lease(("illustrator", painting.base)) as illustrator:
                painted += self._paint_page(run, story_id, illustrator, page, painting)
        return painted

    def _paint_page(
        self, run: JobRun, story_id: str, illustrator: object, page: PagePlan, painting: PaintingSettings
    ) -> int:
        done, whole = self._progress(story_id), self._work(story_id)

        def report(share: float) -> None:
            run.stage("paint", done + PAGE_WORK * share / whole)
            self._lane.give_way(DRAWING)

        key = painting_key(page, painting)
        path = self._artifacts.picture(story_id, key)
        try:
            run.check()
            with self._lane.turn(DRAWING):
                illustration = illustrator.draw(page, painting, report)
            self._artifacts.write(path, illustration.png)
            self._stories.insert_picture(story_id, key)
        except sqlite3.IntegrityError as error:  # the story was deleted meanwhile
            self._artifacts.remove(path)
            raise Cancelled from error
        except (Cancelled, Closing, LeaseLost):
            raise
        except Exception as error:
            fault = from_exception(error).fault
            if fault.code == "disk_full":  # the next page would not fit either
                raise
            log.warning("page %s of %s: %s", page.scene_id, story_id, fault, exc_info=error)
            self._stories.set_fault(story_id, key, fault)
            return 0
        return 1

    def _narrate(self, run: JobRun, story_id: str) -> int:
        spoken = 0
        while narrator := self._stories.narrator(story_id):
            lines = [line for page in self._stories.lines(story_id).values() for line in page]
            self._stories.claim_takes(story_id, [line.take_key for line in lines if line.take_key])
            if not self._stories.unspoken(story_id):
                break
            try:
                spoken += self._reader.read(
                    run,
                    self._voices.revision(narrator.revision_id),
                    narrator.controls,
                    lambda narrator=narrator: self._pending(story_id, narrator),
                    lambda left: self._progress(story_id),
                    lambda sentence, error: self._stories.set_fault(
                        story_id, sentence.take_key, from_exception(error).fault
                    ),
                )
            except VoiceGone:  # the book says why it is silent
                break
        return spoken

    def _pending(self, story_id: str, narrator: Narrator) -> list[Sentence]:
        """Nothing once another voice was chosen."""
        if self._stories.narrator(story_id) != narrator:
            return []
        sentences = self._stories.unspoken(story_id)
        self._stories.claim_takes(story_id, [sentence.take_key for sentence in sentences])
        return sentences

    def _progress(self, story_id: str) -> float:
        pages = self._stories.get(story_id).pages
        done = sum(PAGE_WORK * page.painted + SENTENCE_WORK * page.spoken for page in pages)
        return done / self._work(story_id)

    def _work(self, story_id: str) -> float:
        pages = self._stories.get(story_id).pages
        return sum(PAGE_WORK + SENTENCE_WORK * page.sentences for page in pages) or 1.0

    def _tidy(self, story_id: str) -> None:
        pages = self._stories.get(story_id).pages
        unseen = self._stories.pictures(story_id) - {page.picture_key for page in pages}
        self._stories.remove_pictures(story_id, unseen)
        for key in unseen:
            self._artifacts.remove(self._artifacts.picture(story_id, key))

    # The book

    def export(self, run: JobRun) -> Mapping[str, object]:
        """The book as it is now, entered in the ledger and then put in its place; nothing of it is seen before."""
        from pipelines.book.exports import FORMATS, export

        story_id, format = run.job.subject_id, str(run.job.payload["format"])
        outline = self._binding.outline(story_id)
        path = self._artifacts.export(outline.key, format)
        if not path.exists():
            made = run.work_dir / f"book{FORMATS[format].extension}"
            run.stage("export", 0.0)
            book = self._binding.bind(outline)
            export(book, format, made, progress=lambda share: run.stage("export", share))
            self._keep(run, outline, format, made.read_bytes())
            self._artifacts.replace(path, lambda temporary: os.replace(made, temporary))
        for outdated in self._stories.outdate_exports(story_id, format, outline.key):
            self._artifacts.remove(self._artifacts.export(outdated, format))
        return {"format": format, "file_bytes": path.stat().st_size}

    def _keep(self, run: JobRun, outline: Outline, format: str, data: bytes) -> None:
        with self._stories.database.transaction():
            run.check()  # in the same transaction: withdrawn consent cancels the export
            enter_export(
                self._stories.database,
                outline.key,
                format,
                data,
                outline.voice_hash,
                outline.take_keys,
                outline.label,
                story_id=outline.story.id,
            )
