"""``/v1/models`` and ``/v1/audio/voices``: what programs that speak OpenAI's audio API ask before they let one choose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

from studio.api.speech import ANY_MODEL

if TYPE_CHECKING:
    from studio.container import Container


def openai_routes(container: Container) -> APIRouter:
    router = APIRouter(tags=["speech"])

    @router.get("/models")
    def list_models() -> dict:
        """What ``model`` of ``/v1/audio/speech`` may be; an engine's name is taken for its own voices alone."""
        names = (*ANY_MODEL, *container.engines)
        return {
            "object": "list",
            "data": [{"id": name, "object": "model", "created": 0, "owned_by": "voxtale"} for name in names],
        }

    @router.get("/audio/voices")
    def list_speakers() -> dict:
        """The voices that can speak, by id and name; ``/v1/voices`` tells more of them, and of the others."""
        speakers = [voice for voice in container.voices.list() if voice.revision]
        return {"voices": [{"id": voice.id, "name": voice.name} for voice in speakers]}

    return router
