"""The FastAPI application: every route of the way in, behind one guard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.routing import Match

from studio import __version__
from studio.api.guard import Guard
from studio.api.health import health_routes
from studio.api.jobs import job_routes
from studio.api.problems import install_problems
from studio.api.speech import speech_routes
from studio.api.uploads import UploadLimits
from studio.api.voices import voice_routes

if TYPE_CHECKING:
    from studio.container import Container

MAX_JSON_BYTES = 4 * 2**20
MAX_FILE_BYTES = 200 * 2**20
MAX_UPLOAD_BYTES = 500 * 2**20
_EVERY_METHOD = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def build_api(container: Container) -> FastAPI:
    """The way in for programs. The page may be mounted at ``/`` afterwards; the guard stands in front of both."""
    settings = container.settings
    app = FastAPI(
        title="VoxTale", version=__version__, docs_url=None, redoc_url=None, openapi_url="/v1/openapi.json"
    )
    install_problems(app)
    app.include_router(health_routes(container))
    app.include_router(voice_routes(container, UploadLimits(MAX_FILE_BYTES)))
    app.include_router(job_routes(container))
    app.include_router(speech_routes(container))

    @app.api_route("/v1/{path:path}", methods=_EVERY_METHOD, include_in_schema=False)
    def no_such_route(path: str, request: Request) -> None:
        """Keep unknown paths under /v1 from falling through to the page, whose 404 is not a problem document."""
        others = [r for r in app.routes if r.matches(request.scope)[0] == Match.PARTIAL]
        if others:
            allowed = sorted({method for route in others for method in route.methods})
            raise HTTPException(405, headers={"Allow": ", ".join(allowed)})
        raise HTTPException(404)

    hosts = ("*",) if settings.public_demo else ("127.0.0.1", "localhost", "::1", settings.host)
    app.add_middleware(Guard, hosts=hosts, max_json_bytes=MAX_JSON_BYTES, max_upload_bytes=MAX_UPLOAD_BYTES)
    return app
