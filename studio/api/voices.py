"""``/v1/voices``: a voice from recordings and its owner's consent, its revisions, its end."""

from __future__ import annotations

import shutil
from datetime import date
from typing import TYPE_CHECKING, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool

from studio.api.answers import voice_answer
from studio.api.problems import caller_language
from studio.api.uploads import Form, UploadLimits, received_form
from studio.errors import StudioError
from studio.language import say

if TYPE_CHECKING:
    from studio.container import Container

_FIELDS = ("name", "consent", "consent_name", "consent_scope", "consent_until")
_SCOPES = ("personal", "commercial")


class RevisionWish(BaseModel):
    model_config = ConfigDict(extra="forbid")

    quality: Literal["quick", "good", "best"]


def voice_routes(container: Container, limits: UploadLimits) -> APIRouter:
    router = APIRouter(prefix="/voices", tags=["voices"])
    voices = container.voices
    arrivals = container.settings.home / "tmp" / "arrivals"
    shutil.rmtree(arrivals, ignore_errors=True)  # what a killed studio was still receiving

    @router.post("", status_code=201)
    async def create_voice(request: Request, response: Response) -> dict:
        """Multipart: ``name``, ``consent`` (``true``), ``consent_name``, ``consent_scope``, ``consent_until`` (a date,
        may be left out) and one or more ``files``. All or nothing: one refused file, and no voice exists."""
        if container.settings.public_demo:  # before the files travel
            raise StudioError("demo_closed", 403)
        language = caller_language(request)
        async with received_form(request, arrivals, limits) as form:
            answer = await run_in_threadpool(_create, form, language)
        response.headers["Location"] = f"/v1/voices/{answer['id']}"
        return answer

    def _create(form: Form, language: str) -> dict:
        until = _checked(form, language)
        voice = voices.create(form.fields["name"])
        try:
            for file in form.files:
                voices.add_recording(voice.id, file.path, file.filename)
            fields = form.fields
            voices.consent(voice.id, fields["consent_name"], fields["consent_scope"], until, language)
        except BaseException:
            voices.delete(voice.id)
            raise
        return voice_answer(voices, voices.get(voice.id), language)

    @router.get("")
    def list_voices(request: Request) -> dict:
        language = caller_language(request)
        return {"voices": [voice_answer(voices, voice, language) for voice in voices.list()]}

    @router.get("/{voice_id}")
    def get_voice(voice_id: str, request: Request) -> dict:
        return voice_answer(voices, voices.get(voice_id), caller_language(request))

    @router.delete("/{voice_id}", status_code=204)
    def delete_voice(voice_id: str) -> None:
        """Consent is withdrawn: recordings, revisions and takes go with it."""
        voices.delete(voice_id)

    @router.post("/{voice_id}/revisions", status_code=202)
    def train_revision(voice_id: str, wish: RevisionWish, response: Response) -> dict:
        """Train; a voice that trains already answers with the job that runs."""
        job = voices.train(voice_id, wish.quality)
        response.headers["Location"] = f"/v1/jobs/{job.id}"
        return {"job_id": job.id, "voice_id": voice_id, "state": job.state}

    return router


def _checked(form: Form, language: str) -> date | None:
    """The form's own rules, before anything is stored; returns ``consent_until``."""
    wrong = [say("field.unknown", language, field=name[:60]) for name in form.fields if name not in _FIELDS]
    wrong += [
        say("field.unknown", language, field=file.field[:60]) for file in form.files if file.field != "files"
    ]
    for name in ("name", "consent_name", "consent_scope"):
        if not form.fields.get(name, "").strip():
            wrong.append(say("field.missing", language, field=name))
    if not form.files:
        wrong.append(say("field.missing", language, field="files"))
    if form.fields.get("consent_scope", _SCOPES[0]) not in ("", *_SCOPES):
        wrong.append(say("field.choice", language, field="consent_scope", limit=" | ".join(_SCOPES)))
    until = form.fields.get("consent_until", "").strip() or None
    try:
        day = until and date.fromisoformat(until)
    except ValueError:
        wrong.append(say("field.choice", language, field="consent_until", limit="YYYY-MM-DD"))
    if wrong:
        raise StudioError("request_invalid", 422, fields=" ".join(wrong[:8]))
    if form.fields.get("consent", "").strip().lower() != "true":
        raise StudioError("consent_not_given", 422)
    return day
