"""``/v1/engines``: who can speak here, and what each obeys."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from fastapi import APIRouter

if TYPE_CHECKING:
    from studio.container import Container


def engine_routes(container: Container) -> APIRouter:
    router = APIRouter(prefix="/engines", tags=["voices"])

    @router.get("")
    def list_engines() -> dict:
        return {
            "engines": [
                {
                    "name": engine.name,
                    "languages": list(engine.languages),
                    "sample_rate": engine.sample_rate,
                    "trainable": engine.trainable,
                    "methods": [
                        {
                            "name": method.name,
                            "seconds": container.voices.training_estimates(engine.name, method.name),
                            "memory_bytes": method.memory_bytes,
                            "disk_bytes": method.disk_bytes,
                        }
                        for method in engine.methods
                    ],
                    "imports": engine.exchange is not None,
                    "controls": [asdict(control) for control in engine.controls],
                }
                for engine in container.engines.values()
            ]
        }

    return router
