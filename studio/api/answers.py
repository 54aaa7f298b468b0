"""What the way in says of voices, reports and jobs: plain JSON data, sentences in the caller's language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.api.problems import described
from studio.language import say

if TYPE_CHECKING:
    from pipelines.audio.quality import QualityReport
    from studio.jobs.job import Job
    from studio.store.records import RecordingRecord, RevisionRecord, VoiceRecord
    from studio.voices import Voices


def voice_answer(voices: Voices, voice: VoiceRecord, language: str) -> dict:
    consent = voice.consent
    return {
        "id": voice.id,
        "name": voice.name,
        "state": voice.state,
        "sample": voice.sample,
        "languages": list(voice.languages),
        "created_at": voice.created_at,
        "active_job_id": voice.active_job_id,
        "consent": consent
        and {"owner_name": consent.owner_name, "scope": consent.scope, "until": consent.until},
        "revision": voice.revision and revision_answer(voice.revision),
        "revisions": [revision_answer(revision) for revision in voices.revisions(voice.id)],
        "recordings": [recording_answer(recording, language) for recording in voices.recordings(voice.id)],
        "quality_report": report_answer(voices.report(voice.id), language),
    }


def revision_answer(revision: RevisionRecord) -> dict:
    return {
        "number": revision.number,
        "kind": revision.kind,
        "engine": revision.engine,
        "quality": revision.quality,
        "created_at": revision.created_at,
        "card": dict(revision.card),
    }


def recording_answer(recording: RecordingRecord, language: str) -> dict:
    return {
        "id": recording.id,
        "filename": recording.filename,
        "seconds": recording.seconds,
        "sample_rate": recording.sample_rate,
        "cleaned": recording.cleaned,
        "sha256": recording.sha256,
        "quality_report": report_answer(recording.report, language),
    }


def report_answer(report: QualityReport | None, language: str) -> dict | None:
    if report is None:
        return None
    return {
        "grade": report.grade,
        "headline": say(f"quality.grade.{report.grade}", language),
        "speech_seconds": report.speech_seconds,
        "checks": [
            {
                "name": check.name,
                "title": say(f"quality.{check.name}.name", language),
                "value": check.value,
                "unit": check.unit,
                "threshold": dict(check.threshold),
                "verdict": check.verdict,
                "advice": say(check.advice_key, language, **check.facts),
            }
            for check in report.checks
        ],
    }


def job_answer(job: Job, language: str) -> dict:
    return {
        "id": job.id,
        "kind": job.kind,
        "subject_id": job.subject_id,
        "state": job.state,
        "stage": job.stage,
        "progress": job.progress,
        "seconds_left": job.seconds_left,
        "attempt": job.attempt,
        "created_at": job.created_at,
        "error": job.error and described(job.error, language),
        "result": job.result,
    }
