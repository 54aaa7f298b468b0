from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.store.artifacts import Artifacts
from studio.store.database import Database
from studio.store.records import RevisionRecord
from studio.store.sample_voices import install_sample_voices
from studio.store.voices import VoiceStore


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    folder = tmp_path / "assets" / "linda"
    folder.mkdir(parents=True)
    (folder / "voice.safetensors").write_bytes(b"weights 1")
    facts = {"name": "Linda", "engine": "fake", "card": {"licence": "public domain"}}
    (folder / "voice.json").write_text(json.dumps(facts))
    return folder.parent


@pytest.fixture
def store(tmp_path: Path) -> VoiceStore:
    return VoiceStore(Database(tmp_path / "library" / "studio.db"))


@pytest.fixture
def artifacts(tmp_path: Path) -> Artifacts:
    return Artifacts(tmp_path / "library")


def install(store: VoiceStore, artifacts: Artifacts, shipped: Path) -> RevisionRecord:
    install_sample_voices(store, artifacts, ["fake"], shipped)
    (row,) = store.rows()
    assert (row["name"], row["sample"]) == ("Linda", 1)
    return store.revision(row["revision_id"])


def test_it_arrives_once(store: VoiceStore, artifacts: Artifacts, shipped: Path) -> None:
    first = install(store, artifacts, shipped)
    assert first.number == 1 and first.card["licence"] == "public domain"
    assert artifacts.revision(first.voice_id, first.id).read_bytes() == b"weights 1"
    assert install(store, artifacts, shipped) == first


def test_a_new_release_is_the_next_revision(store: VoiceStore, artifacts: Artifacts, shipped: Path) -> None:
    first = install(store, artifacts, shipped)
    (shipped / "linda" / "voice.safetensors").write_bytes(b"weights 2")
    second = install(store, artifacts, shipped)
    assert (second.voice_id, second.number) == (first.voice_id, 2)
    assert artifacts.revision(second.voice_id, second.id).read_bytes() == b"weights 2"


def test_a_lost_file_is_brought_back(store: VoiceStore, artifacts: Artifacts, shipped: Path) -> None:
    first = install(store, artifacts, shipped)
    path = artifacts.revision(first.voice_id, first.id)
    path.unlink()
    install(store, artifacts, shipped)
    assert path.exists()


def test_voices_of_other_engines_wait_for_them(
    store: VoiceStore, artifacts: Artifacts, shipped: Path
) -> None:
    install_sample_voices(store, artifacts, ["another"], shipped)
    assert store.rows() == []
