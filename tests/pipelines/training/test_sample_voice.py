from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.audio.recording import Recording
from pipelines.speech.starter import StarterEngine
from pipelines.speech.voice import Voice
from pipelines.training import fine_tune
from pipelines.training.sample_voice import QUALITY, make_sample_voice


@pytest.mark.slow
def test_a_sample_voice_is_trained_and_scored(
    starter: StarterEngine, clips: dict[str, Recording], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = replace(fine_tune.PLANS[QUALITY], steps=2, batch=2, check_every=2)
    monkeypatch.setattr(fine_tune, "PLANS", {QUALITY: short})
    make_sample_voice(starter, list(clips.values()), tmp_path / "new", "Reader", "public domain")
    described = json.loads((tmp_path / "new" / "voice.json").read_text(encoding="utf-8"))
    assert described["name"] == "Reader" and described["quality"] == QUALITY
    card = described["card"]
    assert card["licence"] == "public domain" and card["steps"] == 2 and card["held_out_seconds"] > 1.0
    assert card["similarity"] > 0.5 and card["intelligibility"] > 0.5
    voice = Voice.load(tmp_path / "new" / "voice.safetensors")
    assert voice.facts["base"] == starter.base and any("lora_" in name for name in voice.tensors)
