"""The voices that come with the studio."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from pathlib import Path

from studio.store.artifacts import Artifacts
from studio.store.ids import PREFIXES
from studio.store.voices import VoiceStore

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "voices"
"""One folder a voice: ``voice.safetensors`` and ``voice.json`` with ``name``, ``engine`` and ``card``; ``quality`` for a trained one."""


def install_sample_voices(
    store: VoiceStore, artifacts: Artifacts, engines: Collection[str], folder: Path = FOLDER
) -> None:
    """Bring the library up to date with what ships; a changed file becomes the next revision."""
    for description in sorted(folder.glob("*/voice.json")):
        facts = json.loads(description.read_text(encoding="utf-8"))
        if facts["engine"] not in engines:
            continue
        source = description.with_name("voice.safetensors")
        voice_id = _stable_id("voice", description.parent.name.encode())
        revision_id = _stable_id("revision", description.parent.name.encode() + source.read_bytes())
        with store.database.transaction():
            if store.database.row("SELECT 1 FROM voices WHERE id = ?", voice_id) is None:
                store.insert(voice_id, facts["name"], facts["engine"], sample=True)
            store.rename(voice_id, facts["name"])
            quality = facts.get("quality")
            kind = "trained" if quality else "instant"
            store.insert_revision(revision_id, voice_id, kind, quality, facts["card"])
        path = artifacts.revision(voice_id, revision_id)
        if not path.exists():
            artifacts.copy(source, path)


def _stable_id(kind: str, seed: bytes) -> str:
    return f"{PREFIXES[kind]}_{hashlib.sha256(seed).hexdigest()[:20]}"
