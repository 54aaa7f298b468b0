"""Step 1, Tell: the story is typed, dropped or told into the microphone; what was heard is read over first."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape

from pipelines.story.transcribe import POCKETSPHINX
from pipelines.story.transcribers import TranscriberDescription
from studio.jobs.job import Job
from studio.store.records import StoryRecord, VoiceRecord
from studio.ui.handoff import Handoff
from studio.ui.i18n import Reader
from studio.ui.intake import intake_facts
from studio.ui.markup import action, icon, notice, told
from studio.ui.recording_text import transcriber_name
from studio.ui.story.choices import page_choice, style_cards, voice_cards


def tell_form(
    reader: Reader,
    handoff: Handoff,
    record: StoryRecord | None,
    job: Job | None,
    voices: Sequence[VoiceRecord],
    transcriber: TranscriberDescription,
) -> str:
    """
    Args:
        record: None while there is no story yet.
        job: the hearing under way.
        voices: who could read.
        transcriber: who would listen.
    """
    say = reader.say
    if record and record.sample:
        text = "".join(f"<p>{escape(part)}</p>" for part in record.text.splitlines() if part.strip())
        return f'{told(reader, "ui.story.sample")}<div class="vt-story-text vt-own">{text}</div>'
    if record and being_heard(record):
        return hearing(reader, job)
    planned, written = bool(record and record.plan), bool(record and record.text)
    failed = notice(record.error.sentence(reader.language)) if record and record.error and not planned else ""
    choices = "" if planned else _choices(reader, handoff, record, voices)
    aside = "" if written else telling(reader, transcriber)
    sample = warning = ""
    if not written:
        sample = (
            f'<button type="button" class="vt-button is-quiet" data-fill="{escape(say("ui.story.sample_text"))}">{icon("star")}'
            f"<span>{escape(say('ui.story.try_sample'))}</span></button>"
        )
    if planned:
        warning = f'<small class="vt-hint">{escape(say("ui.story.find_again_hint"))}</small>'
        button = action("plan", say("ui.story.find_again"), glyph="book")
    else:
        button = action("plan", say("ui.story.find"), glyph="book", kind="primary")
    return (
        f'{failed}<div class="vt-tell" data-form>{rough(reader, record)}<div class="vt-tell-columns">'
        f"{editor(reader, record)}{aside}</div>{choices}"
        f'<div class="vt-tell-foot">{page_choice(reader, None)}<div class="vt-buttons">{sample}{button}</div></div>{warning}</div>'
    )


def _choices(
    reader: Reader, handoff: Handoff, record: StoryRecord | None, voices: Sequence[VoiceRecord]
) -> str:
    """Style and voice of a story that has no plan yet; somebody's own voice is offered before those that came along."""
    able = sorted((voice for voice in voices if voice.revision), key=lambda voice: voice.sample)
    reads = (record and record.voice_id) or (able[0].id if able else None)
    style = record.style if record else "storybook"
    return (
        f'<div class="vt-tell-choices">{style_cards(reader, handoff, style, "new-style")}'
        f"{voice_cards(reader, voices, reads, 'new-voice')}</div>"
    )


def being_heard(record: StoryRecord) -> bool:
    """Also a story that is to be drawn without being read over has to be written down first."""
    return record.plan is None and record.state in ("hearing", "drawing")


def telling(reader: Reader, transcriber: TranscriberDescription) -> str:
    """Where a recording comes in; ``assets/ui/page.js`` brings it to life."""
    say = reader.say
    listens = "ui.story.rough_english" if transcriber.rough else "ui.story.english_only"
    if not transcriber.english_only:
        listens = "ui.story.any_language"
    hint = say(listens, name=transcriber_name(reader, transcriber.name))
    return (
        f'<div class="vt-telling vt-intake"{intake_facts(reader)}>'
        f"<strong>{escape(say('ui.story.or_tell'))}</strong>"
        f'<div class="vt-recorder"><button type="button" class="vt-button is-record" data-record aria-pressed="false">'
        f'{icon("mic")}<span>{escape(say("ui.intake.record"))}</span></button><div class="vt-meter" aria-hidden="true"><i></i></div>'
        f'<span class="vt-time">0:00</span></div>'
        f'<label class="vt-drop is-low"><input type="file" class="vt-file-input" accept="audio/*,.wav,.flac,.mp3,.ogg,.opus,.m4a,.webm" '
        f'aria-label="{escape(say("ui.story.drop"))}">{icon("upload")}<span>{escape(say("ui.story.drop"))}</span></label>'
        f'<div class="vt-intake-status" role="status"></div>'
        f'<p class="vt-hint">{icon("info")}<span>{escape(hint)}</span></p></div>'
    )


def hearing(reader: Reader, job: Job | None) -> str:
    """The recording is being written down."""
    say = reader.say
    percent = round(100 * job.progress) if job else 0
    if job and job.seconds_left is not None:
        left = say("ui.progress.left", duration=reader.duration(job.seconds_left))
    else:
        left = say("ui.progress.queued" if job and job.state == "queued" else "ui.progress.estimating")
    title = say("ui.story.hearing")
    return (
        f'<div class="vt-progress" data-story-state="hearing"><div class="vt-progress-head"><h3>{escape(title)}</h3>'
        f'<span class="vt-percent">{percent}%</span></div><div class="vt-bar" role="progressbar" aria-valuemin="0" '
        f'aria-valuemax="100" aria-valuenow="{percent}" aria-label="{escape(title)}"><i style="width:{percent}%"></i></div>'
        f'<div class="vt-progress-foot"><span class="vt-left">{icon("clock")}{escape(left)}</span>'
        f"<span>{escape(say('ui.progress.close'))}</span>{action('cancel', say('ui.progress.cancel'), glyph='stop')}</div></div>"
    )


def rough(reader: Reader, record: StoryRecord | None) -> str:
    """How far a transcript can be trusted, and the way from one uncertain word to the next."""
    if not record or not record.transcript or record.plan:
        return ""
    say, spans, by = reader.say, record.transcript.uncertain_spans, record.transcript.transcriber
    rough = "story.transcript.rough" if by == POCKETSPHINX else "story.transcript.heard"
    count = ""
    if spans:
        count = (
            f'<div class="vt-unsure"><span data-unsure="{escape(say("ui.story.unsure", count="{count}"))}" '
            f'data-sure="{escape(say("ui.story.all_read"))}">{escape(say("ui.story.unsure", count=len(spans)))}</span>'
            f'<button type="button" class="vt-button is-quiet" data-next-unsure>{icon("next")}'
            f"<span>{escape(say('ui.story.next_unsure'))}</span></button></div>"
        )
    return (
        f'<div class="vt-notice is-fair" role="status">{icon("fair")}<div><h4>{escape(say("ui.story.read_over"))}</h4>'
        f"<p>{escape(say(rough, name=transcriber_name(reader, by)))}</p></div></div>{count}"
    )


def editor(reader: Reader, record: StoryRecord | None) -> str:
    """The story's text to write in, over marks that show which words were uncertain."""
    text, spans = (record.text if record else ""), ()
    if record and record.transcript and record.text == record.transcript.text:
        spans = record.transcript.uncertain_spans
    label = reader.say("ui.story.text")
    return (
        f'<div class="vt-paper" data-spans="{escape(json.dumps(spans))}"><div class="vt-paper-marks" aria-hidden="true"></div>'
        f'<textarea id="story-text" data-field="text" data-draft="{escape(record.id if record else "new")}" '
        f'aria-label="{escape(label)}" placeholder="{escape(reader.say("ui.story.text_hint"))}" spellcheck="true" '
        f'value="{escape(text)}">{escape(text)}</textarea></div>'
    )


def shortened(text: str, width: int) -> str:
    """At most so many letters wide; a Chinese character is as wide as two."""
    for at, _ in enumerate(text):
        width -= 2 if text[at] >= "\u2e80" else 1
        if width < 0:
            return f"{text[:at]}…"
    return text


def summary(reader: Reader, record: StoryRecord | None) -> str:
    """The line under the step's title."""
    if record is None or not record.text:
        return reader.say("ui.story.tell_hint")
    if record.state == "heard":
        return reader.say("ui.story.tell_heard")
    title = f"{record.title} · " if record.title else ""
    heading = record.plan.heading if record.plan else ""
    text = " ".join(record.text[len(heading) :].split())
    return title + shortened(text, 80)
