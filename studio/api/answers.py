"""What the way in says of voices, reports, stories and jobs: plain JSON data, sentences in the caller's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from studio.api.problems import described
from studio.language import say

if TYPE_CHECKING:
    from pipelines.audio.quality import QualityReport
    from pipelines.story.story import Hero, PagePlan, ScenePlan
    from studio.jobs.job import Job
    from studio.models import BaseView
    from studio.store.hubs import Hub
    from studio.store.records import RecordingRecord, RevisionRecord, StoryPage, StoryRecord, VoiceRecord
    from studio.voices import Voices


def file_answer(*media_types: str) -> dict:
    """How OpenAPI describes a route that answers with a file."""
    content = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in media_types}
    return {200: {"description": "The file.", "content": content}}


def voice_answer(voices: Voices, voice: VoiceRecord, language: str) -> dict:
    consent = voice.consent
    return {
        "id": voice.id,
        "name": voice.name,
        "state": voice.state,
        "sample": voice.sample,
        "engine": voice.engine,
        "imported": voice.imported,
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
        "text": recording.text,
        "heard_by": recording.heard_by,
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


def story_answer(story: StoryRecord, language: str) -> dict:
    plan, transcript = story.plan, story.transcript
    return {
        "id": story.id,
        "title": story.title,
        "state": story.state,
        "job_id": story.job_id,
        "error": story.error and described(story.error, language),
        "sample": story.sample,
        "created_at": story.created_at,
        "language": story.language,
        "style": story.style,
        "text": story.text,
        "transcript": transcript
        and {
            "text": transcript.text,
            "uncertain_spans": transcript.uncertain_spans,
            "confidence": transcript.confidence,
            "seconds": transcript.seconds,
            "language": transcript.language,
            "transcriber": transcript.transcriber,
        },
        "voice": story.voice_name and {"id": story.voice_id, "name": story.voice_name},
        "silence": story.silence
        and {"code": story.silence, "detail": say(f"book.{story.silence}", language)},
        "painting": story.painting.to_json(),
        "seed": plan and plan.seed,
        "heroes": [_hero_answer(hero) for hero in plan.heroes] if plan else [],
        "scenes": [_scene_answer(*pair) for pair in zip(plan.scenes, plan.pages, strict=True)]
        if plan
        else [],
        "pages": [_page_answer(story.id, page, language) for page in story.pages],
        "notes": [
            {"code": note.code, "detail": say(f"story.note.{note.code}", language, **dict(note.facts))}
            for note in (plan.notes if plan else ())
        ],
    }


def _hero_answer(hero: Hero) -> dict:
    return {
        "id": hero.id,
        "name": hero.name,
        "subject": hero.subject,
        "count": hero.count,
        "colours": dict(hero.colours),
        "wearing": dict(hero.wearing),
        "told": hero.told,
        "chosen": hero.chosen,
    }


def _scene_answer(scene: ScenePlan, page: PagePlan) -> dict:
    return {
        "id": scene.id,
        "text": scene.text.strip(),
        "emotion": {"name": scene.emotion.name, "strength": scene.emotion.strength},
        "place": scene.place,
        "palette": scene.palette,
        "heroes": scene.heroes,
        "key_sentence": scene.key_sentence,
        "prompt": page.prompt.text,
        "prompt_parts": vars(page.prompt),
        "negative_prompt": page.negative_prompt,
        "edited": page.edited,
        "unknown_words": page.unknown_words,
        "seed": page.seed,
    }


def _page_answer(story_id: str, page: StoryPage, language: str) -> dict:
    address = f"/v1/stories/{story_id}/pages/{page.scene_id}"
    return {
        "scene_id": page.scene_id,
        "state": "painted" if page.painted else "failed" if page.fault else "waiting",
        "error": page.fault and not page.painted and described(page.fault, language) or None,
        "picture": f"{address}.png" if page.painted else None,
        "sentences": page.sentences,
        "spoken": page.spoken,
        "sound": f"{address}.wav" if page.spoken else None,
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


def base_answer(view: BaseView, hubs: Mapping[str, Hub], language: str) -> dict:
    base, job = view.base, view.job
    return {
        "id": base.id,
        "name": say(f"base.{base.id}.name", language),
        "about": say(f"base.{base.id}.about", language),
        "craft": base.craft,
        "used": base.used,
        "repository": base.repository,
        "licence": {"name": base.licence.name, "url": base.licence.url},
        "needs": list(base.needs),
        "mirrors": [hub.name for hub in hubs.values() if hub.offers(base)],
        "bytes": base.bytes,
        "bytes_here": view.state.bytes_here,
        "bytes_missing": view.bytes_missing,
        "memory_bytes": base.memory_bytes,
        "fits": view.verdict,
        "installed": view.state.installed,
        "ready": view.ready,
        "needs_restart": view.needs_restart,
        "checked": dict(view.state.checks),
        "licences_to_agree": [licence.name for licence in view.licences],
        "job_id": job and job.id,
    }
