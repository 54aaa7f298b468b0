"""The book as files: one card a format, made on demand and kept until the book changes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape

from pipelines.book.exports import FORMATS
from studio.jobs.job import Job
from studio.store.records import StoryRecord
from studio.stories import Stories
from studio.ui.handoff import Handoff
from studio.ui.i18n import Reader
from studio.ui.markup import heading, icon, notice

GLYPHS = {"html": "globe", "pdf": "page", "epub": "book", "cbz": "comic", "mp4": "film", "project": "folder"}


def export_bar(
    reader: Reader, handoff: Handoff, stories: Stories, record: StoryRecord, jobs: Mapping[str, Job]
) -> str:
    """
    Args:
        jobs: format -> its latest export.
    """
    say, head = reader.say, heading(reader.say("ui.export.title"), reader.say("ui.export.hint"))
    if any(not page.painted and page.fault is None for page in record.pages):
        return f'{head}<p class="vt-hint">{icon("info")}<span>{escape(say("ui.export.not_yet"))}</span></p>'
    cards = "".join(_card(reader, handoff, stories, record, format, jobs.get(format)) for format in FORMATS)
    failed = "".join(
        notice(job.error.sentence(reader.language), prefix=say(f"ui.export.{format}.name"))
        for format, job in jobs.items()
        if job.state == "failed" and job.error and stories.exported(record.id, format) is None
    )
    return f'{head}<div class="vt-exports">{cards}</div>{failed}'


def _card(
    reader: Reader, handoff: Handoff, stories: Stories, record: StoryRecord, format: str, job: Job | None
) -> str:
    say = reader.say
    words = (
        f"<strong>{escape(say(f'ui.export.{format}.name'))}</strong>"
        f"<small>{escape(say(f'ui.export.{format}.info'))}</small>"
    )
    if job and job.active:
        percent = round(100 * job.progress)
        making = say("ui.export.making", percent=percent)
        return (
            f'<div class="vt-export is-making" data-format="{format}">{icon(GLYPHS[format])}<span>{words}</span><em>{percent}%</em><div class="vt-bar" role="progressbar" '
            f'aria-valuemin="0" aria-valuemax="100" aria-valuenow="{percent}" aria-label="{escape(making)}">'
            f'<i style="width:{percent}%"></i></div></div>'
        )
    if path := stories.exported(record.id, format):
        name = filename(record, format)
        return (
            f'<a class="vt-export is-ready" data-format="{format}" href="{escape(handoff.address(path, name))}" '
            f'download="{escape(name)}">{icon("download")}<span>{words}</span><em>{escape(_size(path.stat().st_size))}</em></a>'
        )
    return f'<button type="button" class="vt-export" data-act="export" data-format="{format}">{icon(GLYPHS[format])}<span>{words}</span></button>'


def filename(record: StoryRecord, format: str) -> str:
    """What the file is called: the title as far as every system can write it."""
    title = re.sub(r'[\x00-\x1f<>:"/\\|?*]+', " ", record.title).strip(" .")[:80]
    return f"{title or 'book'}{FORMATS[format].extension}"


def _size(count: int) -> str:
    return f"{count / 2**20:.1f} MB" if count >= 2**20 else f"{max(1, round(count / 1024))} KB"
