"""``/v1/audio/speech``: OpenAI's way to ask for speech, with what our engines obey besides."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated, Literal

from anyio import CancelScope, CapacityLimiter, to_thread
from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response, StreamingResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from studio.api.answers import file_answer
from studio.errors import StudioError

if TYPE_CHECKING:
    from studio.container import Container
    from studio.store.records import Speech

MEDIA_TYPES = {"wav": "audio/wav", "mp3": "audio/mpeg", "flac": "audio/flac", "opus": "audio/ogg"}
ANY_MODEL = ("voxtale", "tts-1", "tts-1-hd", "gpt-4o-mini-tts")
"""Names that mean: whichever engine the voice belongs to. OpenAI's clients insist on sending one of theirs."""
MIN_LENGTH_SCALE, MAX_LENGTH_SCALE = 0.5, 2.0
"""What the engines obey between them; OpenAI allows a speed of 0.25 to 4, which no voice can follow."""
_LOOK_AROUND_SECONDS = 1.0


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
    voice: Text = Field(description="a voice's id, or a name that only one voice has")
    input: Text
    response_format: Literal["wav", "mp3", "flac", "opus"] = "mp3"
    stream_format: Literal["audio"] | None = Field(
        None,
        description="audio: the file is sent while later sentences are still being spoken, in any response_format; "
        "left out: once it is complete",
    )
    speed: float = Field(
        1.0, ge=1 / MAX_LENGTH_SCALE, le=1 / MIN_LENGTH_SCALE, description="multiplies 1 / length_scale"
    )
    noise_scale: float | None = Field(None, ge=0.0, le=1.0, description="expressiveness")
    length_scale: float | None = Field(
        None,
        ge=MIN_LENGTH_SCALE,
        le=MAX_LENGTH_SCALE,
        description="pace: 2 is half as fast; length_scale / speed must stay within the same limits",
    )
    seed: int | None = Field(None, ge=0, le=2**31 - 1, description="left out: a new reading each time")
    instructions: Text | None = Field(
        None, description="taken because clients send it; no engine here can be told in words how to speak"
    )
    more_controls: dict[Text, float] = Field(
        {},
        alias="controls",
        max_length=20,
        description="what else the voice's engine obeys, by name; see /v1/engines",
    )

    def controls(self) -> dict[str, float]:
        """Only what was asked for: an engine keeps its own defaults."""
        wished = dict(self.more_controls)
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

    @router.post("/speech", response_class=FileResponse, responses=file_answer(*MEDIA_TYPES.values()))
    async def create_speech(wish: SpeechWish, request: Request) -> Response:
        """The whole speech as one labelled file, once it is complete or while it is being spoken."""
        if waiting.available_tokens < 1:
            raise StudioError("speech_waiters_full", 503, limit=max_waiting)
        client = request.client.host if request.client else None
        speech = await to_thread.run_sync(_submit, wish, client)
        media_type = MEDIA_TYPES[wish.response_format]
        headers = {
            "X-VoxTale-Speech": speech.id,
            "X-VoxTale-Seed": str(speech.seed),
            "X-VoxTale-AI-Generated": "true",
        }
        if wish.stream_format == "audio":
            pieces = _pieces(speech, wish.response_format, request)
            first = await anext(pieces)  # what goes wrong before anything is heard is still a refusal
            return StreamingResponse(_after(first, pieces), media_type=media_type, headers=headers)
        speech = await _finished(speech, request)
        path = await to_thread.run_sync(speaking.export, speech.id, wish.response_format)
        return FileResponse(path, media_type=media_type, headers=headers)

    async def _pieces(speech: Speech, format: str, request: Request) -> AsyncIterator[bytes]:
        """What is ready of the file, never empty; a caller who hung up frees the lane."""
        pieces, complete = speaking.stream(speech.id, format), False
        try:
            while (piece := await to_thread.run_sync(next, pieces, None, limiter=waiting)) is not None:
                if piece:
                    yield piece
                elif await request.is_disconnected():
                    raise StudioError("speech_cancelled", 499)
            complete = True
        except StudioError as error:
            if error.code == "speech_not_finished":
                raise await _refusal(await to_thread.run_sync(speaking.get, speech.id)) from error
            raise
        finally:
            with CancelScope(shield=True):
                if not complete:
                    await to_thread.run_sync(speaking.cancel, speech.id)
                await to_thread.run_sync(pieces.close)

    def _submit(wish: SpeechWish, client: str | None) -> Speech:
        voice = container.voices.called(wish.voice)
        engines = {voice.revision.engine} if voice.revision else set()
        if engines and wish.model not in (*ANY_MODEL, *engines):
            known = ", ".join((*sorted(engines), *ANY_MODEL))
            raise StudioError("model_unknown", 422, model=wish.model[:60], known=known)
        try:
            return speaking.submit(
                voice.id,
                wish.input,
                wish.controls(),
                wish.seed,
                client=client,
                aloud=wish.stream_format == "audio",
            )
        except StudioError as error:
            if error.code == "control_out_of_range" and error.facts["name"] == "length_scale":
                raise _in_asked_words(wish, error) from error
            raise

    async def _finished(speech: Speech, request: Request) -> Speech:
        """Wait in small steps, so that a caller who hung up frees the lane."""
        while speech.state in ("queued", "running"):
            speech = await to_thread.run_sync(speaking.wait, speech.id, _LOOK_AROUND_SECONDS, limiter=waiting)
            if speech.state in ("queued", "running") and await request.is_disconnected():
                await to_thread.run_sync(speaking.cancel, speech.id)
                raise StudioError("speech_cancelled", 499)
        if speech.state in ("failed", "cancelled"):
            raise await _refusal(speech)
        return speech

    async def _refusal(speech: Speech) -> StudioError:
        """Why a speech that ended is not there."""
        if speech.state == "failed":
            return (await to_thread.run_sync(container.jobs.get, speech.job_id)).error.error()
        return StudioError("speech_cancelled", 409)

    return router


async def _after(first: bytes, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async with aclosing(pieces):
        async for piece in pieces:
            yield piece


def _in_asked_words(wish: SpeechWish, error: StudioError) -> StudioError:
    """A pace that the engine refuses, said of ``speed`` when that is what was asked for."""
    if wish.speed == 1.0:
        return error
    length_scale = wish.length_scale or 1.0
    return StudioError(
        "speed_out_of_range",
        422,
        speed=wish.speed,
        length_scale=length_scale,
        minimum=length_scale / float(error.facts["maximum"]),
        maximum=length_scale / float(error.facts["minimum"]),
    )
