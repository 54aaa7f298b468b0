"""``/v1/voices/import`` and ``/v1/voices/{id}/files/{name}``: voices as the files of other programs."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool

from studio.api.answers import file_answer, voice_answer
from studio.api.problems import caller_language
from studio.api.uploads import Form, UploadLimits, form_body, received_form
from studio.api.voices import CONSENT_OPTIONAL, CONSENT_REQUIRED, checked_form
from studio.errors import StudioError
from studio.voice_exchange import Agreement, Reference

if TYPE_CHECKING:
    from studio.container import Container

_FILES = {"weights": "the .ckpt and the .pth of a GPT-SoVITS voice", "files": "recordings of it"}
_BODY = form_body(_FILES, CONSENT_REQUIRED, CONSENT_OPTIONAL)


def exchange_routes(container: Container, limits: UploadLimits) -> APIRouter:
    router = APIRouter(prefix="/voices", tags=["voices"])
    voices, exchange = container.voices, container.exchange
    arrivals = container.settings.home / "tmp" / "arrivals"

    @router.post("/import", status_code=201, openapi_extra=_BODY)
    async def import_voice(request: Request, response: Response) -> dict:
        """Multipart: the consent fields of ``POST /v1/voices``, the voice's ``weights`` (its ``.ckpt`` and its ``.pth``)
        and one or more recordings of it as ``files``; ``reference_text`` says what is said in the first of them."""
        if container.settings.public_demo:  # before the files travel
            raise StudioError("demo_closed", 403)
        language = caller_language(request)
        async with received_form(request, arrivals, limits) as form:
            answer = await run_in_threadpool(_take_in, form, language)
        response.headers["Location"] = f"/v1/voices/{answer['id']}"
        return answer

    def _take_in(form: Form, language: str) -> dict:
        until = checked_form(form, language, {*CONSENT_REQUIRED, *CONSENT_OPTIONAL}, _FILES)
        fields = form.fields
        weights = [file.path for file in form.files if file.field == "weights"]
        recordings = [file for file in form.files if file.field == "files"]
        texts = [fields.get("reference_text"), *[None] * len(recordings)]
        voice = exchange.take_in(
            fields["name"],
            weights,
            [
                Reference(file.path, file.filename, text)
                for file, text in zip(recordings, texts, strict=False)
            ],
            Agreement(fields["consent_name"], fields["consent_scope"], until, language),
        )
        return voice_answer(voices, voice, language)

    @router.get(
        "/{voice_id}/files/{name}",
        response_class=FileResponse,
        responses=file_answer("application/octet-stream"),
    )
    def get_voice_file(voice_id: str, name: str) -> FileResponse:
        """``voice.ckpt`` or ``voice.pth``, as GPT-SoVITS reads them."""
        with ExitStack() as stack:
            paths = stack.enter_context(exchange.given_out(voice_id))
            path = next((path for path in paths if path.name == name), None)  # compared, never opened
            if path is None:
                raise StudioError("voice_file_unknown", 404, names=", ".join(path.name for path in paths))
            closing = stack.pop_all()
        return FileResponse(
            path,
            media_type="application/octet-stream",
            filename=f"{voice_id}{path.suffix}",
            background=BackgroundTask(closing.close),
        )

    return router
