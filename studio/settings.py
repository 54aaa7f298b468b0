"""Everything that can be set from outside, in one frozen object."""

from __future__ import annotations

import os
from ipaddress import ip_network
from pathlib import Path

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Read from the environment: ``HOST``, ``PORT`` and ``VOXTALE_<FIELD>``. Unknown names are refused, and empty ones
    are as good as unset: an empty ``VOXTALE_HOME`` would be the folder the studio happens to be started in.

    Everything a person makes lives under ``home``; nothing else is ever written.
    """

    model_config = SettingsConfigDict(
        env_prefix="VOXTALE_",
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        validate_by_name=True,
        validate_by_alias=True,
    )

    host: str = Field("127.0.0.1", validation_alias="HOST")
    port: int = Field(7860, ge=0, le=65535, validation_alias="PORT")
    home: Path = Path("library")
    public_demo: bool = False
    """Strangers may come: no training, sample voices only, quotas."""
    trusted_proxies: str = "127.0.0.1"
    """Addresses and networks, by commas, whose ``X-Forwarded-For`` is believed; from anyone else it could be forged."""
    device: str | None = Field(None, pattern=r"^(cpu|cuda(:\d+)?)$")
    """``cpu``, ``cuda`` or, of several, ``cuda:1``; None takes the GPU where there is one."""

    memory_budget_bytes: int = Field(4 * 2**30, gt=0)
    max_text_chars: int = Field(20_000, gt=0)
    max_sentence_chars: int = Field(240, ge=40)
    max_voices: int = Field(200, gt=0)
    max_recordings: int = Field(60, gt=0)
    """A voice's files."""
    max_voice_seconds: float = Field(3600.0, gt=0)
    """A voice's recordings together."""
    max_queued_speeches: int = Field(32, gt=0)
    max_queued_trainings: int = Field(8, gt=0)
    max_stories: int = Field(200, gt=0)
    max_story_seconds: float = Field(900.0, gt=0)
    """Of one recording that tells a story."""
    max_queued_drawings: int = Field(8, gt=0)
    """Stories that wait to be heard or drawn."""
    max_queued_exports: int = Field(16, gt=0)
    max_queued_downloads: int = Field(16, gt=0)
    models_url: str | None = Field(None, pattern=r"^https?://[^\s/@?#]+(/[^\s?#]*)?$")
    """A hub of one's own, laid out as Hugging Face is; people may then choose it beside the public ones."""
    max_adapter_bytes: int = Field(8 * 2**20, gt=0)

    demo_chars_per_client: int = Field(3_000, gt=0)
    """A day, for one visitor of a public demo."""
    demo_chars_per_day: int = Field(200_000, gt=0)
    """A day, for all visitors together."""
    demo_pages_per_client: int = Field(16, gt=0)
    """Painted a day for one visitor of a public demo; a recording written down counts as one."""
    demo_pages_per_day: int = Field(400, gt=0)
    """A day, for all visitors together."""

    @field_validator("trusted_proxies")
    @classmethod
    def _addresses_and_networks(cls, value: str) -> str:
        for part in value.split(","):
            ip_network(part.strip())
        return value

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_environment(cls, values: dict) -> dict:
        known = {f"VOXTALE_{name}".upper() for name in cls.model_fields}
        unknown = sorted(
            name for name in os.environ if name.upper().startswith("VOXTALE_") and name.upper() not in known
        )
        if unknown:
            raise ValueError(
                f"unknown settings in the environment: {', '.join(unknown)}; known: {', '.join(sorted(known))}"
            )
        return values
