"""``/v1/stories``: a text or a recording in, a narrated picture book out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipelines.book.exports import FORMATS
from studio.api.answers import file_answer, story_answer
from studio.api.problems import caller_language
from studio.api.speech import Text
from studio.api.uploads import Form, UploadLimits, received_form
from studio.errors import StudioError

if TYPE_CHECKING:
    from studio.container import Container
    from studio.jobs.job import Job
    from studio.store.records import StoryRecord

EXTENSIONS = {name: "project.zip" if name == "project" else name for name in FORMATS}
"""Format -> what follows ``book.`` in its address."""
_LOOK_AROUND_SECONDS = 1.0
_UNTRUSTED = {
    "Content-Security-Policy": "sandbox",
    "X-Content-Type-Options": "nosniff",
    "X-VoxTale-AI-Generated": "true",
}


class TellingWish(BaseModel):
    """What may come with a recording."""

    model_config = ConfigDict(extra="forbid")

    voice: Text | None = None
    style: Text = "storybook"
    pages: int | None = None
    seed: int | None = Field(None, ge=0, le=2**31 - 1)


class StoryWish(TellingWish):
    text: Text


_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": StoryWish.model_json_schema()},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        **TellingWish.model_json_schema()["properties"],
                    },
                }
            },
        },
    }
}


def story_routes(container: Container, limits: UploadLimits, max_waiting: int = 16) -> APIRouter:
    """
    Args:
        max_waiting: callers that may wait for a book at once, in threads of their own.
    """
    router = APIRouter(prefix="/stories", tags=["stories"])
    stories, jobs = container.stories, container.jobs
    arrivals = container.settings.home / "tmp" / "arrivals"
    waiting = CapacityLimiter(max_waiting)

    @router.post("", status_code=202, openapi_extra=_BODY)
    async def create_story(request: Request, response: Response) -> dict:
        """A ``text`` as JSON, or a recording as multipart ``file`` with the other fields beside it. One job plans, paints
        and narrates; of a recording it first writes down what was told, which nobody reads over: in rough English, or
        with the best Whisper that is installed."""
        client = request.client.host if request.client else None
        if request.headers.get("content-type", "").lower().startswith("multipart/"):
            async with received_form(request, arrivals, limits) as form:
                story = await to_thread.run_sync(_tell, form, client)
        else:
            story = await to_thread.run_sync(_write, await request.body(), client)
        response.headers["Location"] = f"/v1/stories/{story.id}"
        return {"story_id": story.id, "job_id": story.job_id, "state": story.state}

    def _write(body: bytes, client: str | None) -> StoryRecord:
        wish = _read(StoryWish.model_validate_json, body)
        return stories.write(
            wish.text,
            pages=wish.pages,
            style=wish.style,
            voice_id=wish.voice,
            seed=wish.seed,
            client=client,
            draw=True,
        )

    def _tell(form: Form, client: str | None) -> StoryRecord:
        strange = [
            {"type": "extra_forbidden", "loc": ("body", file.field)}
            for file in form.files
            if file.field != "file"
        ]
        if strange:
            raise RequestValidationError([{**one, "msg": ""} for one in strange])
        if len(form.files) != 1:
            raise StudioError("story_wish_missing", 422)
        wish = _read(TellingWish.model_validate, {name: text for name, text in form.fields.items() if text})
        (file,) = form.files
        return stories.tell(
            file.path,
            file.filename,
            pages=wish.pages,
            style=wish.style,
            voice_id=wish.voice,
            seed=wish.seed,
            client=client,
        )

    @router.get("")
    def list_stories(request: Request) -> dict:
        language = caller_language(request)
        client = request.client.host if request.client else None
        return {"stories": [story_answer(story, language) for story in stories.list(client)]}

    @router.get("/{story_id}")
    def get_story(story_id: str, request: Request) -> dict:
        return story_answer(stories.get(story_id), caller_language(request))

    @router.delete("/{story_id}", status_code=204)
    def delete_story(story_id: str) -> None:
        """The recording, the plan, the pictures, the narration and every book made of it are gone."""
        stories.delete(story_id)

    @router.get(
        "/{story_id}/pages/{scene_id}.png", response_class=FileResponse, responses=file_answer("image/png")
    )
    def get_picture(story_id: str, scene_id: str) -> FileResponse:
        """The painted page; its PNG texts name prompt, seed and base."""
        path = stories.picture(story_id, scene_id)
        if path is None:
            raise StudioError("page_not_painted", 404)
        return FileResponse(path, media_type="image/png", headers=_UNTRUSTED)

    @router.get(
        "/{story_id}/pages/{scene_id}.wav", response_class=FileResponse, responses=file_answer("audio/wav")
    )
    def get_sound(story_id: str, scene_id: str) -> FileResponse:
        """The page read aloud."""
        path = stories.sound(story_id, scene_id)
        if path is None:
            raise StudioError("page_not_spoken", 404)
        return FileResponse(path, media_type="audio/wav", headers=_UNTRUSTED)

    @router.get(
        "/{story_id}/book.{extension}",
        response_class=FileResponse,
        responses=file_answer(*(format.media_type for format in FORMATS.values())),
    )
    async def get_book(story_id: str, extension: str, request: Request) -> FileResponse:
        """The book as ``html``, ``pdf``, ``epub``, ``cbz``, ``mp4`` or ``project.zip``, made when it is first asked for."""
        format = next((name for name, known in EXTENSIONS.items() if known == extension), None)
        if format is None:
            choices = ", ".join(EXTENSIONS.values())
            raise StudioError("format_unknown", 422, format=extension[:40], choices=choices)
        path = await to_thread.run_sync(stories.exported, story_id, format)
        while path is None:
            if waiting.available_tokens < 1:
                raise StudioError("book_waiters_full", 503, limit=max_waiting)
            job = await to_thread.run_sync(stories.export, story_id, format)
            await _finished(job, request)
            path = await to_thread.run_sync(stories.exported, story_id, format)
        story = await to_thread.run_sync(stories.get, story_id)
        return FileResponse(
            path,
            media_type=FORMATS[format].media_type,
            filename=f"{story.title}{FORMATS[format].extension}",
            headers=_UNTRUSTED,
        )

    async def _finished(job: Job, request: Request) -> None:
        """Wait in small steps; whoever hangs up leaves the book to be made for the next who asks."""
        while job.active:
            job = await to_thread.run_sync(jobs.wait, job.id, _LOOK_AROUND_SECONDS, limiter=waiting)
            if job.active and await request.is_disconnected():
                raise StudioError("export_cancelled", 499)
        if job.error is not None:
            raise job.error.error()
        if job.state == "cancelled":
            raise StudioError("export_cancelled", 409)

    return router


def _read(validate: Callable[[object], TellingWish], data: object) -> TellingWish:
    try:
        return validate(data)
    except ValidationError as error:
        found = [{**one, "loc": ("body", *one["loc"])} for one in error.errors(include_url=False)]
        raise RequestValidationError(found) from error
