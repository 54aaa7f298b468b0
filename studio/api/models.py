"""``/v1/bases``: the public checkpoints, which of them are here, and how they get here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from studio.api.answers import base_answer
from studio.api.problems import caller_language

if TYPE_CHECKING:
    from studio.container import Container


class DownloadWish(BaseModel):
    model_config = ConfigDict(extra="forbid")

    mirror: str = Field("huggingface", max_length=40)
    agreed_licences: list[str] = Field(default_factory=list, max_length=20)
    """Names of the licences that the caller read and agrees to."""


def model_routes(container: Container) -> APIRouter:
    router = APIRouter(prefix="/bases", tags=["bases"])
    models = container.models

    @router.get("")
    def list_bases(request: Request) -> dict:
        language = caller_language(request)
        bases = [base_answer(view, models.hubs, language) for view in models.list()]
        return {"bases": bases, "mirrors": list(models.hubs), "free_bytes": models.free_bytes}

    @router.post("/look", status_code=202)
    def look_for_bases(response: Response) -> dict:
        """Take over the files that the owner of the machine put into ``models/incoming`` of the library."""
        job = models.look()
        response.headers["Location"] = f"/v1/jobs/{job.id}"
        return {"job_id": job.id, "state": job.state}

    @router.get("/{base_id}")
    def get_base(base_id: str, request: Request) -> dict:
        return base_answer(models.get(base_id), models.hubs, caller_language(request))

    @router.post("/{base_id}/download", status_code=202)
    def download_base(base_id: str, wish: DownloadWish, response: Response) -> dict:
        """Fetch it with all that it needs, or go on where that broke off; one that runs answers with its job."""
        job = models.download(base_id, wish.mirror, wish.agreed_licences)
        response.headers["Location"] = f"/v1/jobs/{job.id}"
        return {"job_id": job.id, "base_id": base_id, "state": job.state}

    @router.delete("/{base_id}", status_code=204)
    def delete_base(base_id: str) -> None:
        """Its download stops, and its files are removed."""
        models.delete(base_id)

    return router
