"""Draw my book: the button, and how far the painting and reading are."""

from __future__ import annotations

from html import escape

from studio.jobs.job import Job
from studio.store.records import StoryRecord
from studio.ui.i18n import Reader
from studio.ui.markup import action, icon, notice, told


def drawing_bar(reader: Reader, record: StoryRecord, job: Job | None) -> str:
    """What can be done next with a planned story, or what is being done.

    Args:
        job: the latest drawing.
    """
    if record.sample:
        return ""
    if record.state == "drawing":
        return _under_way(reader, record, job)
    say = reader.say
    unpainted = sum(not page.painted for page in record.pages)
    unspoken = sum(page.sentences - page.spoken for page in record.pages) if record.voice_id else 0
    said = ""
    if record.state == "failed" and record.error:
        said = notice(record.error.sentence(reader.language))
    elif record.state == "cancelled":
        said = told(reader, "ui.draw.cancelled", "info")
    if not unpainted and (not unspoken or record.silence):
        return said
    fresh = unpainted == len(record.pages)
    key = "start" if fresh else "pages" if unpainted else "speak"
    spoken_of = "silent" if fresh and record.silence else key
    hint = say(f"ui.draw.{spoken_of}_hint", pages=unpainted, sentences=unspoken)
    return (
        f'{said}<div class="vt-draw" data-story-state="{record.state}">'
        f"{action('draw', say(f'ui.draw.{key}'), glyph='brush', kind='primary')}<p>{escape(hint)}</p></div>"
    )


def _under_way(reader: Reader, record: StoryRecord, job: Job | None) -> str:
    say = reader.say
    painted, pages = sum(page.painted for page in record.pages), len(record.pages)
    spoken, sentences = (
        sum(page.spoken for page in record.pages),
        sum(page.sentences for page in record.pages),
    )
    percent = round(100 * job.progress) if job else 0
    if job is None or job.state == "queued":
        left = say("ui.progress.queued")
    elif job.seconds_left is None:
        left = say("ui.progress.estimating")
    else:
        left = say("ui.progress.left", duration=reader.duration(job.seconds_left))
    settled = painted + sum(page.fault is not None for page in record.pages)
    if settled < pages:
        title = say("ui.draw.painting", page=painted + 1, pages=pages)
    else:
        title = say("ui.draw.speaking", sentence=min(spoken + 1, sentences), sentences=sentences)
    resumed = ""
    if job and job.attempt > 1:
        resumed = f'<p class="vt-hint">{escape(say("ui.draw.resumed", attempt=job.attempt))}</p>'
    return (
        f'<div class="vt-progress" data-story-state="drawing"><div class="vt-progress-head"><h3>{escape(title)}</h3>'
        f'<span class="vt-percent">{percent}%</span></div><div class="vt-bar" role="progressbar" aria-valuemin="0" '
        f'aria-valuemax="100" aria-valuenow="{percent}" aria-label="{escape(title)}"><i style="width:{percent}%"></i></div>'
        f'<div class="vt-progress-foot"><span class="vt-left">{icon("clock")}{escape(left)}</span>'
        f"<span>{escape(say('ui.progress.close'))}</span>{action('cancel', say('ui.progress.cancel'), glyph='stop')}</div>{resumed}</div>"
    )
