"""The voices that ship."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.speech.starter import StarterEngine
from pipelines.speech.voice import Voice

SHIPPED = sorted((Path(__file__).resolve().parents[3] / "assets" / "voices").glob("*/voice.safetensors"))


@pytest.fixture(scope="module")
def engine() -> StarterEngine:
    return StarterEngine.load("cpu")


def test_there_is_a_voice_on_the_first_start() -> None:
    assert SHIPPED


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.parent.name)
def test_a_shipped_voice_speaks_with_the_shipped_base(path: Path, engine: StarterEngine) -> None:
    take = engine.synthesize("The sun rose over the quiet village.", Voice.load(path), {}, seed=1)
    assert take.score > 0.6
    assert json.loads(path.with_name("voice.json").read_text(encoding="utf-8"))["card"]["licence"]
