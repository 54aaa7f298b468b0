"""Story 绘本: four steps on one page, from a told or typed story to a narrated picture book."""

from __future__ import annotations

from html import escape
from pathlib import Path
from time import monotonic_ns
from typing import TYPE_CHECKING

import gradio as gr

from studio.errors import StudioError
from studio.jobs.job import Job
from studio.store.records import StoryRecord
from studio.ui.i18n import Reader
from studio.ui.intake import in_inbox
from studio.ui.markup import goal, icon, notice
from studio.ui.page import canvas, complaint
from studio.ui.story import book, drawing, exports, heroes, painting, scenes, tell
from studio.ui.story import bookshelf as shelves
from studio.ui.story.acts import Acts
from studio.ui.story.choices import style_cards, voice_cards
from studio.ui.story.pictures import Gallery

if TYPE_CHECKING:
    from studio.ui.layout import Studio

STEPS = ("tell", "scenes", "heroes", "book")
LIVE = "window.voxtale.story(element, trigger, watch);"
INTAKE = "window.voxtale.intake(element, trigger, upload, watch);"
WORKING_SECONDS, RESTING_SECONDS = 1.0, 5.0
"""Between two looks at the story, while the studio works on it and while nothing is to be expected."""
IN_PLACE = ("edit", "merge", "split", "move", "reset", "colour", "wear")
"""What changes a story without moving it on: the shelf stays as it is."""
OPENED = {
    "planned": ("scenes", "heroes"),
    "drawing": ("book",),
    "done": ("book",),
    "cancelled": ("heroes", "book"),
    "failed": ("heroes", "book"),
}
"""Which steps stand open when a story in this state is opened; later people open and close them."""


class Story:
    def __init__(self, page: Studio) -> None:
        self.page = page
        self.acts = Acts(page.container)
        self.wanted = gr.State(())  # (story id, format): downloads to hand over once they are made
        self.says = canvas(elem_classes="vt-says", elem_id="story-says")
        self.shelf = canvas(elem_id="bookshelf", js_on_load=LIVE + INTAKE)
        self.folds: dict[str, gr.Accordion] = {}
        self.bodies: dict[str, gr.HTML] = {}
        for step in STEPS:
            with gr.Accordion(
                "",
                open=step == "tell",
                visible=False,
                elem_id=f"story-{step}",
                elem_classes="vt-panel vt-fold",
            ) as self.folds[step]:
                if step == "book":
                    self.progress = canvas(elem_id="story-progress", js_on_load=LIVE)
                self.bodies[step] = canvas(
                    elem_id=f"story-{step}-body", js_on_load=LIVE + (INTAKE if step == "tell" else "")
                )
                if step == "book":
                    self.exports = canvas(elem_id="story-exports", js_on_load=LIVE)
            if step == "heroes":
                self.draw_bar = canvas(elem_id="story-draw", js_on_load=LIVE)
        self.farewell = canvas(elem_id="story-farewell", js_on_load=LIVE)
        self.goal = canvas(elem_classes="vt-courier", js_on_load="window.voxtale.goal(element, watch);")
        self.courier = canvas(elem_classes="vt-courier", js_on_load="window.voxtale.courier(element, watch);")
        self.seen = gr.State(None)  # what the page shows, as far as the studio can change it by itself
        self.pulse = gr.Timer(RESTING_SECONDS)

    @property
    def outputs(self) -> list:
        return [
            self.says, self.shelf, *self.folds.values(), *self.bodies.values(), self.progress, self.exports,
            self.draw_bar, self.farewell, self.seen, self.pulse,
        ]  # fmt: skip

    @property
    def _everything(self) -> list:
        return [self.page.story_id, self.wanted, self.goal, self.courier, *self.outputs]

    def wire(self) -> None:
        page, inputs = self.page, [self.page.story_id, self.wanted]
        drawn = (self.shelf, *self.bodies.values(), self.progress, self.exports, self.draw_bar, self.farewell)
        for component in drawn:
            page.on(component.click, self.act, inputs, self._everything, self.says)
        for component in (self.shelf, self.bodies["tell"]):
            page.on(component.upload, self.take_in, inputs, self._everything, self.says)
        page.on(self.pulse.tick, self.look, [*inputs, self.seen], self._everything, self.says)

    # --- what is to be seen -------------------------------------------------------------------------------------

    def record(self, story_id: str | None) -> StoryRecord | None:
        """The story, or None when none is open or it is gone."""
        if not story_id:
            return None
        try:
            return self.page.container.stories.get(story_id)
        except StudioError:
            return None

    def show(self, reader: Reader, record: StoryRecord | None, client: str | None = None) -> dict:
        """Everything of this tab for ``record``; None is a story yet to be told."""
        return {**self.steps(reader, record), self.shelf: self._shelf(reader, record, client)}

    def steps(self, reader: Reader, record: StoryRecord | None) -> dict:
        """The same without the shelf."""
        plan = record.plan if record else None
        drawn = bool(plan) and (record.state != "planned" or any(page.painted for page in record.pages))
        gallery = Gallery(reader, self.page.handoff, self.page.container.stories, record) if plan else None
        seen = {"tell": True, "scenes": bool(plan), "heroes": bool(plan), "book": drawn}
        summaries = {"tell": tell, "scenes": scenes, "heroes": heroes, "book": book}
        labels = {
            step: f"{reader.say(f'ui.story.step.{step}')}\n{summaries[step].summary(reader, record)}"
            for step in STEPS
            if seen[step]
        }
        return {
            **{self.folds[step]: gr.update(visible=seen[step], label=labels.get(step, "")) for step in STEPS},
            self.bodies["tell"]: self._tell(reader, record),
            self.bodies["scenes"]: scenes.scene_cards(reader, gallery, record) if plan else "",
            self.bodies["heroes"]: self._heroes(reader, record) if plan else "",
            **self._book(reader, gallery, record if drawn else None),
            self.draw_bar: self._draw_bar(reader, record) if plan and record.state != "drawing" else "",
            self.farewell: shelves.farewell(reader, record) if record and not record.sample else "",
            self.seen: self._mark(record),
            self.pulse: gr.update(value=WORKING_SECONDS if self._busy(record) else RESTING_SECONDS),
        }

    def opened(self, record: StoryRecord | None) -> dict:
        """The steps that stand open when this story is opened."""
        standing = OPENED[record.state] if record and record.plan else ("tell",)
        return {self.folds[step]: {"open": step in standing} for step in STEPS}

    def arrive(self, reader: Reader, story_id: str | None, request: gr.Request) -> dict:
        """A visit begins or the page was loaded again: back to the same story."""
        record = self.record(story_id)
        return {
            self.page.story_id: record.id if record else None,
            **_joined(self.show(reader, record, self.client(request)), self.opened(record)),
        }

    def _shelf(self, reader: Reader, record: StoryRecord | None, client: str | None) -> str:
        stories = self.page.container.stories
        return shelves.bookshelf(
            reader, self.page.handoff, stories, stories.list(client), record.id if record else None
        )

    def _tell(self, reader: Reader, record: StoryRecord | None) -> str:
        voices = self.page.container.voices.list()
        job = self._job(record) if record and tell.being_heard(record) else None
        listens = self.page.container.transcribing.best()
        return tell.tell_form(reader, self.page.handoff, record, job, voices, listens)

    def _heroes(self, reader: Reader, record: StoryRecord) -> str:
        cards = heroes.hero_cards(reader, self.page.handoff, record)
        if record.sample:
            return cards
        voices = self.page.container.voices.list()
        silent = ""
        if record.silence and record.voice_id:
            silent = f'<p class="vt-hint">{icon("quiet")}<span>{escape(reader.say(f"book.{record.silence}"))}</span></p>'
        return (
            f'{cards}<div class="vt-book-choices" data-sync><div data-edit="style">'
            f"{style_cards(reader, self.page.handoff, record.style, 'style')}</div>"
            f'<div data-edit="voice">{voice_cards(reader, voices, record.voice_id, "voice")}{silent}</div>'
            f"{painting.painting_form(reader, record.painting, list(self.page.container.painters()), record.plan.seed)}</div>"
        )

    def _draw_bar(self, reader: Reader, record: StoryRecord) -> str:
        return drawing.drawing_bar(reader, record, self._job(record))

    def _book(self, reader: Reader, gallery: Gallery | None, record: StoryRecord | None) -> dict:
        if record is None:
            return {self.progress: "", self.bodies["book"]: "", self.exports: ""}
        stories, handoff = self.page.container.stories, self.page.handoff
        working, files = record.state == "drawing", ""
        try:
            if not working:
                files = exports.export_bar(reader, handoff, stories, record, self._exports(record))
        except StudioError as error:  # the voice may not be heard any more
            files = notice(error.sentence(reader.language))
        return {
            self.progress: self._draw_bar(reader, record) if working else "",
            self.bodies["book"]: book.book_reader(reader, handoff, stories, gallery, record),
            self.exports: files,
        }

    def _job(self, record: StoryRecord) -> Job | None:
        return self.page.container.jobs.get(record.job_id) if record.job_id else None

    def _exports(self, record: StoryRecord) -> dict[str, Job]:
        """format -> its latest export."""
        latest: dict[str, Job] = {}
        for job in self.page.container.jobs.list(subject_id=record.id):
            if job.kind == "export":
                latest.setdefault(str(job.payload["format"]), job)
        return latest

    def _mark(self, record: StoryRecord | None) -> tuple | None:
        """Equal for two looks at a story between which the studio did nothing."""
        if record is None:
            return None
        jobs = [job for job in (self._job(record), *self._exports(record).values()) if job]
        pages = (
            (page.picture_key, page.painted, page.fault and page.fault.code, page.spoken)
            for page in record.pages
        )
        return (
            record.id,
            record.state,
            record.text,
            record.voice_name,
            tuple(pages),
            tuple((job.id, job.state, round(job.progress, 3), job.seconds_left) for job in jobs),
        )

    def _busy(self, record: StoryRecord | None) -> bool:
        """Whether something is under way that the page should keep looking at."""
        if record is None:
            return False
        return record.state in ("hearing", "drawing") or any(
            job.active for job in self._exports(record).values()
        )

    # --- what people do -----------------------------------------------------------------------------------------

    def act(
        self,
        reader: Reader,
        story_id: str | None,
        wanted: tuple,
        event: gr.EventData,
        request: gr.Request,
    ) -> dict:
        """Changes typed before the click come first, then what was clicked."""
        client, asked, before = self.client(request), dict(event._data), self.record(story_id)
        act = str(asked.get("act"))
        after = self.acts.edited(before, asked.get("edits") or [])
        if act != "edit":
            after = self.acts.done(after, asked, client)
        if act in IN_PLACE:
            return self.steps(reader, after)
        shown = self.show(reader, after, client)
        if act == "plan" or _standing(before) != _standing(after):
            shown = _joined(shown, self.opened(after))
        if act in ("plan", "draw"):
            shown[self.goal] = self._goal(after)
        if act == "export" and after:
            wanted = (*wanted, (after.id, str(asked["format"])))
            shown[self.pulse] = gr.update(
                value=WORKING_SECONDS
            )  # however fast the file is made, a look hands it over
        return {**shown, self.page.story_id: after.id if after else None, self.wanted: wanted}

    def take_in(
        self,
        reader: Reader,
        story_id: str | None,
        wanted: tuple,
        event: gr.EventData,
        request: gr.Request,
    ) -> dict:
        """A recording of a story, or a project file."""
        client = self.client(request)
        file = event.files[0]
        path, filename = Path(str(file["path"])), str(file["name"])
        if not in_inbox(path):
            raise StudioError("recording_unknown", 404)
        stories = self.page.container.stories
        try:
            take = stories.open_project if filename.lower().endswith(".zip") else stories.hear
            record = take(path, filename, client=client)
        except Exception as error:
            return {self.says: complaint(error, reader, about=filename)}
        finally:
            path.unlink(missing_ok=True)  # a voice is never left lying in the inbox
        shown = _joined(self.show(reader, record, client), self.opened(record))
        return {**shown, self.page.story_id: record.id, self.goal: self._goal(record)}

    def look(
        self, reader: Reader, story_id: str | None, wanted: tuple, seen: tuple | None, request: gr.Request
    ) -> dict:
        """What the studio changed by itself since the page was drawn: its own work, or another page's."""
        record = self.record(story_id)
        mark = self._mark(record)
        shown = {self.seen: mark}  # Gradio wants to be told of one component at least
        if record is None:
            return shown
        if mark != seen:
            if self._busy(record):
                shown = self.steps(reader, record)
            else:
                shown = self.show(reader, record, self.client(request))
            if record.state == "heard" and seen and seen[1] == "hearing":
                shown = _joined(shown, self.opened(record))
        return {**shown, **self._hand_over(record, wanted)}

    def _hand_over(self, record: StoryRecord, wanted: tuple) -> dict:
        """Files that were asked for on this page and are made by now."""
        jobs, stories = self._exports(record), self.page.container.stories
        for wish in wanted:
            story_id, format = wish
            job = jobs.get(format)
            if story_id != record.id or (job and job.active):
                continue
            left = {self.wanted: tuple(other for other in wanted if other != wish)}
            if job is None or job.state != "done" or (path := stories.exported(record.id, format)) is None:
                return left
            name = exports.filename(record, format)
            address = f"{self.page.handoff.address(path, name)}?n={monotonic_ns()}"
            link = f'<a href="{escape(address)}" download="{escape(name)}">{escape(name)}</a>'
            return {**left, self.courier: link}
        return {}

    def _goal(self, record: StoryRecord) -> str:
        """Where the page goes next, once."""
        opened = self.opened(record)
        first = next(step for step in STEPS if opened[self.folds[step]]["open"])
        return goal(f"story-{first}")

    def client(self, request: gr.Request | None) -> str | None:
        return request.client.host if self.page.demo and request and request.client else None


def _standing(record: StoryRecord | None) -> tuple[str, str] | None:
    return record and (record.id, record.state)


def _joined(shown: dict, more: dict) -> dict:
    """Updates with further properties for some components."""
    return {
        **shown,
        **{component: {**shown.get(component, gr.update()), **update} for component, update in more.items()},
    }
