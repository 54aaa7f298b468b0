"""``/healthz``: may work be sent here?"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from fastapi import APIRouter, Response

from studio import __version__

if TYPE_CHECKING:
    from studio.container import Container

MIN_FREE_BYTES = 200 * 2**20
"""Less, and the next recording may not fit."""


def health_routes(container: Container) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.api_route("/healthz", methods=["GET", "HEAD"])
    def healthz(response: Response) -> dict:
        """200 ``ready``, or 503 ``unready`` with the check that failed. Answers only once everything is built."""
        checks = {"database": _database_answers(), "disk": _disk_has_room()}
        ready = all(checks.values())
        response.status_code = 200 if ready else 503
        response.headers["Cache-Control"] = "no-store"
        return {"status": "ready" if ready else "unready", "version": __version__, "checks": checks}

    def _database_answers() -> bool:
        try:
            container.jobs.list(active_only=True, limit=1)
        except Exception:  # whatever the reason: not ready, and the probe must not fail itself
            return False
        return True

    def _disk_has_room() -> bool:
        try:
            return shutil.disk_usage(container.settings.home).free >= MIN_FREE_BYTES
        except OSError:
            return False

    return router
