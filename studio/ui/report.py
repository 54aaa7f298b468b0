"""The quality report: every check with its value, its limits and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from studio.store.records import RecordingRecord
from studio.ui.i18n import Reader
from studio.ui.markup import action, icon, pill

if TYPE_CHECKING:
    from pipelines.audio.quality import Check, QualityReport

GRADES = {"A": "good", "B": "good", "C": "fair", "D": "poor"}


def quality_report(reader: Reader, report: QualityReport) -> str:
    """Grade, headline and one row a check; the worst first."""
    colour = GRADES[report.grade]
    headline = reader.say(f"quality.grade.{report.grade}", speech_seconds=report.speech_seconds)
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
    facts = {"value": check.value, "unit": check.unit, **check.threshold, **check.facts}
    return (
        f'<li class="vt-check is-{check.verdict}">{icon(check.verdict)}<div><div class="vt-check-head">'
        f"<strong>{escape(reader.say(f'quality.{check.name}.name'))}</strong>"
        f'<span class="vt-check-value">{escape(_number(check.value, check.unit))}</span>'
        f"{pill(reader.say(f'ui.verdict.{check.verdict}'), check.verdict)}</div>"
        f"<p>{escape(reader.say(f'quality.{check.name}.{check.verdict}', **facts))}</p>"
        f"<small>{escape(_limits(reader, check))}</small></div></li>"
    )


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    digits = f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 1 else f"{value:.3g}"
    return f"{digits} {unit}".strip()


def _limits(reader: Reader, check: Check) -> str:
    good, fair = check.threshold.get("good"), check.threshold.get("fair")
    if not isinstance(good, (int, float)) or not isinstance(fair, (int, float)):
        return ""
    side = "at_least" if good >= fair else "at_most"
    return reader.say(f"ui.report.{side}", good=_number(good, check.unit), fair=_number(fair, check.unit))


def recording_rows(reader: Reader, recordings: Sequence[RecordingRecord], open_id: str | None) -> str:
    """One row a file: grade, length, cleaning on or off, look and listen, remove."""
    rows = []
    for recording in recordings:
        grade = recording.report.grade
        speech = reader.say("ui.report.speech", duration=reader.duration(recording.report.speech_seconds))
        rows.append(
            f'<li class="vt-file{" is-open" if recording.id == open_id else ""}">'
            f'<span class="vt-file-grade is-{GRADES[grade]}" aria-label="{escape(reader.say("ui.report.grade", grade=grade))}">'
            f'{grade}</span><div class="vt-file-text"><strong>{escape(recording.filename)}</strong>'
            f"<small>{escape(reader.duration(recording.seconds))} · {escape(speech)} · "
            f'{recording.sample_rate / 1000:g} kHz</small></div><div class="vt-file-actions">'
            f'<button type="button" class="vt-switch" role="switch" aria-checked="{str(recording.cleaned).lower()}" '
            f'data-act="clean" data-recording="{escape(recording.id)}" data-enabled="{"" if recording.cleaned else "1"}">'
            f"<i></i><span>{escape(reader.say('ui.files.cleaned'))}</span></button>"
            f"{action('look', reader.say('ui.files.look'), glyph='look', recording=recording.id)}"
            f"{action('remove', reader.say('ui.files.remove', name=recording.filename), glyph='trash', kind='icon', recording=recording.id)}"
            "</div></li>"
        )
    return f'<ul class="vt-files">{"".join(rows)}</ul>' if rows else ""
