"""The FastAPI application: every route of the way in, behind one guard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from pipelines.audio.decode import AudioLimits
from studio import __version__
from studio.api.engines import engine_routes
from studio.api.exchange import exchange_routes
from studio.api.guard import Guard
from studio.api.health import health_routes
from studio.api.jobs import job_routes
from studio.api.models import model_routes
from studio.api.openai import openai_routes
from studio.api.problems import PROBLEM, install_problems
from studio.api.speech import speech_routes
from studio.api.stories import story_routes
from studio.api.uploads import UploadLimits
from studio.api.voices import voice_routes

if TYPE_CHECKING:
    from studio.container import Container

MAX_JSON_BYTES = 4 * 2**20
MAX_UPLOAD_BYTES = 500 * 2**20
UPLOAD_PATHS = ("/v1/voices", "/v1/voices/import", "/v1/stories", "/gradio_api/upload")
MAX_WEIGHTS_BYTES = 400 * 2**20
"""One file of an imported voice. The largest that is traded, a v2ProPlus in fp32, has 350 MB; in fp16, 175 MB."""


class HeadAsGet:
    """ASGI middleware: FastAPI's routes know no HEAD. The server keeps the body back, as HTTP wants it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = scope["type"] == "http" and scope["method"] == "HEAD"
        await self.app({**scope, "method": "GET"} if head else scope, receive, send)


def build_api(container: Container) -> FastAPI:
    """The way in for programs. The page may be mounted at ``/`` afterwards; the guard stands in front of both."""
    # An application of its own: a path unknown under /v1 must not fall through to the page.
    v1 = FastAPI(
        title="VoxTale",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        responses={"default": PROBLEM},
        generate_unique_id_function=lambda route: route.name,  # what generated clients call it
    )
    v1.add_middleware(HeadAsGet)
    install_problems(v1)
    v1.include_router(exchange_routes(container, UploadLimits(MAX_WEIGHTS_BYTES, max_files=8)))
    v1.include_router(voice_routes(container, UploadLimits(AudioLimits().max_bytes)))
    v1.include_router(engine_routes(container))
    v1.include_router(job_routes(container))
    v1.include_router(speech_routes(container))
    v1.include_router(openai_routes(container))
    v1.include_router(story_routes(container, UploadLimits(AudioLimits().max_bytes, max_files=1)))
    v1.include_router(model_routes(container))

    app = FastAPI(title="VoxTale", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(health_routes(container))
    app.mount("/v1", v1)
    settings = container.settings
    hosts = ("*",) if settings.public_demo else ("127.0.0.1", "localhost", "::1", settings.host)
    app.add_middleware(
        Guard,
        hosts=hosts,
        max_json_bytes=MAX_JSON_BYTES,
        max_upload_bytes=MAX_UPLOAD_BYTES,
        upload_paths=UPLOAD_PATHS,
    )
    return app
