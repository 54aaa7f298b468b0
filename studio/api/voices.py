"""``/v1/voices``: a voice from recordings and its owner's consent, its revisions, its end."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from datetime import date
from typing import TYPE_CHECKING, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool

from studio.api.answers import recording_answer, voice_answer
from studio.api.problems import caller_language
from studio.api.speech import Text
from studio.api.uploads import Form, UploadedFile, UploadLimits, form_body, received_form
from studio.errors import StudioError
from studio.language import say
from studio.store.ids import unknown

if TYPE_CHECKING:
    from studio.container import Container

_SCOPES = ("personal", "commercial")
_TEXT = {"type": "string"}
CONSENT_REQUIRED = {
    "name": {**_TEXT, "description": "of the voice"},
    "consent": {"const": "true"},
    "consent_name": {**_TEXT, "description": "whose voice it is"},
    "consent_scope": {"enum": list(_SCOPES)},
}
CONSENT_OPTIONAL = {
    "consent_until": {**_TEXT, "format": "date", "description": "left out: until it is withdrawn"},
    "reference_text": {**_TEXT, "description": "what is said in the first of the files"},
}
_OPTIONAL = {**CONSENT_OPTIONAL, "engine": {**_TEXT, "description": "one of /v1/engines"}}
_BODY = form_body({"files": "recordings"}, CONSENT_REQUIRED, _OPTIONAL)


class RevisionWish(BaseModel):
    model_config = ConfigDict(extra="forbid")

    quality: Literal["quick", "good", "best"]
    method: Literal["lora", "full"] = "lora"
    """``full`` trains all of the weights, where the engine offers it (``/v1/engines``)."""


class TextWish(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: Text


def voice_routes(container: Container, limits: UploadLimits) -> APIRouter:
    router = APIRouter(prefix="/voices", tags=["voices"])
    voices = container.voices
    arrivals = container.settings.home / "tmp" / "arrivals"
    shutil.rmtree(arrivals, ignore_errors=True)  # what a killed studio was still receiving

    @router.post("", status_code=201, openapi_extra=_BODY)
    async def create_voice(request: Request, response: Response) -> dict:
        """Multipart: ``name``, ``consent`` (``true``), ``consent_name``, ``consent_scope``, ``consent_until`` (a date,
        may be left out), ``engine`` (one of ``/v1/engines``, may be left out), one or more ``files`` and
        ``reference_text``, what is said in the first of them (may be left out). All or nothing: one refused file, and
        no voice exists."""
        if container.settings.public_demo:  # before the files travel
            raise StudioError("demo_closed", 403)
        language = caller_language(request)
        async with received_form(request, arrivals, limits) as form:
            answer = await run_in_threadpool(_create, form, language)
        response.headers["Location"] = f"/v1/voices/{answer['id']}"
        return answer

    def _create(form: Form, language: str) -> dict:
        until = checked_form(form, language, {*CONSENT_REQUIRED, *_OPTIONAL}, ("files",))
        voice = voices.create(form.fields["name"], form.fields.get("engine", "").strip() or None)
        try:
            fields = form.fields
            for number, file in enumerate(form.files):
                _add(voice.id, file, fields.get("reference_text") if number == 0 else None)
            voices.consent(voice.id, fields["consent_name"], fields["consent_scope"], until, language)
        except BaseException:
            voices.delete(voice.id)
            raise
        return voice_answer(voices, voices.get(voice.id), language)

    def _add(voice_id: str, file: UploadedFile, text: str | None) -> None:
        try:
            voices.add_recording(voice_id, file.path, file.filename, text)
        except StudioError as error:  # of many files, which one
            named = {"filename": file.filename[:80], **error.facts}
            raise StudioError(error.code, error.status, **named) from error

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
        job = voices.train(voice_id, wish.quality, wish.method)
        response.headers["Location"] = f"/v1/jobs/{job.id}"
        return {"job_id": job.id, "voice_id": voice_id, "state": job.state}

    @router.put("/{voice_id}/recordings/{recording_id}/text")
    def put_recording_text(voice_id: str, recording_id: str, wish: TextWish, request: Request) -> dict:
        """What is said in the recording, as a person wrote it; an empty ``text`` takes it out."""
        _require_recording(voice_id, recording_id)
        return recording_answer(voices.set_text(recording_id, wish.text), caller_language(request))

    @router.post("/{voice_id}/recordings/{recording_id}/text", status_code=202)
    def write_down_recording(voice_id: str, recording_id: str, response: Response) -> dict:
        """Whisper listens what is said in the recording; ``text`` and ``heard_by`` of the voice's recordings tell it
        once the job is done."""
        _require_recording(voice_id, recording_id)
        job = voices.write_down(recording_id)
        response.headers["Location"] = f"/v1/jobs/{job.id}"
        return {"job_id": job.id, "voice_id": voice_id, "state": job.state}

    def _require_recording(voice_id: str, recording_id: str) -> None:
        if all(record.id != recording_id for record in voices.recordings(voice_id)):
            raise unknown("recording")

    return router


def checked_form(form: Form, language: str, fields: Collection[str], files: Collection[str]) -> date | None:
    """The form's own rules, before anything is stored; returns ``consent_until``.

    Args:
        fields: that it may have.
        files: each of which it must have at least once.
    """
    wrong = [say("field.unknown", language, field=name[:60]) for name in form.fields if name not in fields]
    wrong += [
        say("field.unknown", language, field=file.field[:60])
        for file in form.files
        if file.field not in files
    ]
    for name in ("name", "consent_name", "consent_scope"):
        if not form.fields.get(name, "").strip():
            wrong.append(say("field.missing", language, field=name))
    came = {file.field for file in form.files}
    wrong += [say("field.missing", language, field=name) for name in files if name not in came]
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
