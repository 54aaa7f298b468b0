"""What is said in a recording: a line in its row, and a field to read it over while the recording is open."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import gradio as gr

from studio.jobs.job import Job
from studio.language import catalogue
from studio.store.records import RecordingRecord
from studio.ui.i18n import Reader

if TYPE_CHECKING:
    from studio.ui.layout import Studio


class RecordingText:
    def __init__(self, page: Studio) -> None:
        self.page = page
        self.seen = gr.State(None)  # what the field shows, so that nothing is taken away from who types in it
        with gr.Column(visible=False, elem_id="recording-said") as self.box:
            self.field = page.words(
                gr.Textbox, {"label": "ui.text.label"}, lines=2, max_lines=8, elem_id="recording-text"
            )
            self.listen = page.words(
                gr.Button, {"value": "ui.text.listen"}, size="sm", elem_id="recording-listen"
            )

    @property
    def outputs(self) -> list:
        return [self.box, self.field, self.listen, self.seen]

    def show(self, reader: Reader, record: RecordingRecord | None, seen: tuple | None = None) -> dict:
        """
        Args:
            record: the open one.
            seen: leave the field alone if it shows this already.
        """
        if record is None:
            return {self.box: gr.update(visible=False), self.seen: None}
        job = self.page.container.voices.transcribing(record.voice_id)
        waits = is_awaited(record, job)
        now = (record.id, record.text, record.heard_by, waits)
        typed = bool(record.text) and record.heard_by is None  # not to be lost by a slip
        able = not self.page.container.transcribing.best().rough and not typed
        shown = {
            self.box: gr.update(visible=True),
            self.listen: gr.update(visible=able and not waits),
            self.seen: now,
        }
        if now != seen:
            info = reader.say("ui.text.waits") if waits else _info(reader, record)
            shown[self.field] = gr.update(value=record.text or "", info=info, interactive=not waits)
        return shown


def _info(reader: Reader, record: RecordingRecord) -> str:
    """Who wrote it, or what it is good for."""
    if record.heard_by:
        key = "ui.text.heard" if record.text else "ui.text.nothing_heard"
        return reader.say(key, name=transcriber_name(reader, record.heard_by))
    return "" if record.text else reader.say("ui.text.hint")


def is_awaited(record: RecordingRecord, job: Job | None) -> bool:
    """Whether somebody listens what is said in it, or will."""
    return record.text is None and record.heard_by is None and job is not None and job.active


def said_line(reader: Reader, record: RecordingRecord, job: Job | None) -> str:
    """What is said in a recording, for its row; nothing where nobody knows."""
    if is_awaited(record, job):
        return f'<small class="vt-file-said">{escape(reader.say("ui.text.waits"))}</small>'
    if not record.text:
        return ""
    return (
        f'<small class="vt-file-said vt-own">{escape(reader.say("ui.text.said", text=record.text))}</small>'
    )


def transcriber_name(reader: Reader, name: str) -> str:
    """What people call it; of a folder that somebody brought, the folder's name."""
    key = f"base.{name}.name"
    return reader.say(key) if key in catalogue() else name
