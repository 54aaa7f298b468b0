"""``/v1/jobs``: how far a training, a speech or a book is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request

from studio.api.answers import job_answer
from studio.api.problems import caller_language

if TYPE_CHECKING:
    from studio.container import Container


def job_routes(container: Container) -> APIRouter:
    router = APIRouter(prefix="/jobs", tags=["jobs"])
    jobs = container.jobs

    @router.get("/{job_id}")
    def get_job(job_id: str, request: Request) -> dict:
        return job_answer(jobs.get(job_id), caller_language(request))

    @router.delete("/{job_id}", status_code=202)
    def cancel_job(job_id: str, request: Request) -> dict:
        """Ask for the job to stop; what it had finished stays."""
        jobs.cancel(job_id)
        return job_answer(jobs.get(job_id), caller_language(request))

    return router
