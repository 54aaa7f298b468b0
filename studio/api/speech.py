"""``/v1/audio/speech``: OpenAI's way to ask for speech, with what our engines obey besides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request
from fastapi.responses import FileResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from studio.errors import StudioError

if TYPE_CHECKING:
    from studio.container import Container
    from studio.store.records import Speech

MEDIA_TYPES = {"wav": "audio/wav", "mp3": "audio/mpeg", "flac": "audio/flac", "opus": "audio/ogg"}
ANY_MODEL = ("voxtale", "tts-1", "tts-1-hd", "gpt-4o-mini-tts")
"""Names that mean: whichever engine the voice belongs to. OpenAI's clients insist on sending one of theirs."""
_LOOK_AROUND_SECONDS = 1.0
_FAULT_STATUS = {"unexpected": 500, "disk_full": 507, "out_of_memory": 503}
"""Of what went wrong while speaking; anything else a voice could not do lies in the request."""


def _storable(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:  # JSON can spell half a surrogate pair
        raise ValueError("not valid Unicode") from error
    return text


Text = Annotated[str, AfterValidator(_storable)]


class SpeechWish(BaseModel):
    model_config = ConfigDict(extra="forbid")

    model: Text = ANY_MODEL[0]
    voice: Text
    input: Text
    response_format: Literal["wav", "mp3", "flac", "opus"] = "mp3"
    speed: float = Field(1.0, ge=0.25, le=4.0)
    noise_scale: float | None = Field(None, ge=0.0, le=1.0)
    length_scale: float | None = Field(None, ge=0.25, le=4.0)
    seed: int | None = Field(None, ge=0, le=2**31 - 1)

    def controls(self) -> dict[str, float]:
        """Only what was asked for: an engine keeps its own defaults."""
        wished = {}
        if self.noise_scale is not None:
            wished["noise_scale"] = self.noise_scale
        if self.length_scale is not None or self.speed != 1.0:
            wished["length_scale"] = (self.length_scale or 1.0) / self.speed
        return wished


def speech_routes(container: Container, max_waiting: int = 32) -> APIRouter:
    """
    Args:
        max_waiting: callers that may wait at once; they hold threads of their own, so the other routes keep answering.
    """
    router = APIRouter(prefix="/audio", tags=["speech"])
    speaking = container.speaking
    waiting = CapacityLimiter(max_waiting)

    @router.post("/speech", response_class=FileResponse)
    async def create_speech(wish: SpeechWish, request: Request) -> FileResponse:
        """The whole speech as one labelled file."""
        if waiting.available_tokens < 1:
            raise StudioError("speech_waiters_full", 503, limit=max_waiting)
        client = request.client.host if request.client else None
        speech = await to_thread.run_sync(_submit, wish, client)
        speech = await _finished(speech, request)
        path = await to_thread.run_sync(speaking.export, speech.id, wish.response_format)
        headers = {
            "X-VoxTale-Speech": speech.id,
            "X-VoxTale-Seed": str(speech.seed),
            "X-VoxTale-AI-Generated": "true",
        }
        return FileResponse(path, media_type=MEDIA_TYPES[wish.response_format], headers=headers)

    def _submit(wish: SpeechWish, client: str | None) -> Speech:
        voice = container.voices.get(wish.voice)
        engines = {voice.revision.engine} if voice.revision else set()
        if engines and wish.model not in (*ANY_MODEL, *engines):
            known = ", ".join((*sorted(engines), *ANY_MODEL))
            raise StudioError("model_unknown", 422, model=wish.model[:60], known=known)
        return speaking.submit(voice.id, wish.input, wish.controls(), wish.seed, client=client)

    async def _finished(speech: Speech, request: Request) -> Speech:
        """Wait in small steps, so that a caller who hung up frees the lane."""
        while speech.state in ("queued", "running"):
            speech = await to_thread.run_sync(speaking.wait, speech.id, _LOOK_AROUND_SECONDS, limiter=waiting)
            if speech.state in ("queued", "running") and await request.is_disconnected():
                await to_thread.run_sync(speaking.cancel, speech.id)
                raise StudioError("speech_cancelled", 499)
        if speech.state == "failed":
            error = (await to_thread.run_sync(container.jobs.get, speech.job_id)).error
            raise StudioError(error.code, _FAULT_STATUS.get(error.code, 422), **error.facts)
        if speech.state == "cancelled":
            raise StudioError("speech_cancelled", 409)
        return speech

    return router
