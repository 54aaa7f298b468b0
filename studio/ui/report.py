"""The quality report: every check with its value, its limits and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from studio.jobs.job import Job
from studio.store.records import RecordingRecord
from studio.ui.i18n import Reader
from studio.ui.markup import action, icon, pill
from studio.ui.recording_text import said_line

if TYPE_CHECKING:
    from pipelines.audio.quality import Check, QualityReport

GRADES = {"A": "good", "B": "good", "C": "fair", "D": "poor"}


def quality_report(reader: Reader, report: QualityReport) -> str:
    """Grade, headline and one row a check; the worst first."""
    colour = GRADES[report.grade]
    headline = reader.say(f"quality.grade.{report.grade}")
    worst_first = sorted(report.checks, key=lambda check: ("poor", "fair", "good").index(check.verdict))
    rows = "".join(_row(reader, check) for check in worst_first)
    spoken = reader.say("ui.report.speech", duration=reader.duration(report.speech_seconds))
    return (
        f'<div class="vt-report"><div class="vt-grade is-{colour}"><span class="vt-grade-letter" '
        f'aria-label="{escape(reader.say("ui.report.grade", grade=report.grade))}">{report.grade}</span>'
        f"<div><strong>{escape(headline)}</strong><small>{escape(spoken)}</small></div></div>"
        f'<ul class="vt-checks">{rows}</ul></div>'
    )


def _row(reader: Reader, check: Check) -> str:
    target = reader.say("ui.report.target", target=reader.say(f"quality.{check.name}.target", **check.facts))
    return (
        f'<li class="vt-check is-{check.verdict}">{icon(check.verdict)}<div><div class="vt-check-head">'
        f"<strong>{escape(reader.say(f'quality.{check.name}.name'))}</strong>"
        f'<span class="vt-check-value">{escape(reader.say(check.value_key, **check.facts))}</span>'
        f"{pill(reader.say(f'quality.verdict.{check.verdict}'), check.verdict)}</div>"
        f"<p>{escape(reader.say(check.advice_key, **check.facts))}</p><small>{escape(target)}</small></div></li>"
    )


def recording_rows(
    reader: Reader, recordings: Sequence[RecordingRecord], open_id: str | None, transcribing: Job | None
) -> str:
    """One row a file: grade, length, what is said, cleaning on or off, look and listen, remove.

    Args:
        transcribing: the job that writes down what is said.
    """
    rows = []
    for recording in recordings:
        grade = recording.report.sound_grade
        speech = reader.say("ui.report.speech", duration=reader.duration(recording.report.speech_seconds))
        rows.append(
            f'<li class="vt-file{" is-open" if recording.id == open_id else ""}">'
            f'<span class="vt-file-grade is-{GRADES[grade]}" aria-label="{escape(reader.say("ui.report.grade", grade=grade))}">'
            f'{grade}</span><div class="vt-file-text"><strong>{escape(recording.filename)}</strong>'
            f"<small>{escape(reader.duration(recording.seconds))} · {escape(speech)} · "
            f"{recording.sample_rate / 1000:g} kHz</small>{said_line(reader, recording, transcribing)}</div>"
            f'<div class="vt-file-actions">'
            f'<button type="button" class="vt-switch" role="switch" aria-checked="{str(recording.cleaned).lower()}" '
            f'data-act="clean" data-recording="{escape(recording.id)}" data-enabled="{"" if recording.cleaned else "1"}">'
            f"<i></i><span>{escape(reader.say('ui.files.cleaned'))}</span></button>"
            f"{action('look', reader.say('ui.files.look'), glyph='look', recording=recording.id)}"
            f"{action('remove', reader.say('ui.files.remove', name=recording.filename), glyph='trash', kind='icon', recording=recording.id)}"
            "</div></li>"
        )
    return f'<ul class="vt-files">{"".join(rows)}</ul>' if rows else ""
