from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.audio.recording import Recording
from pipelines.speech.starter import StarterEngine
from pipelines.speech.voice import Voice
from pipelines.training.sample_voice import make_sample_voice


@pytest.mark.slow
def test_a_sample_voice_is_made_and_scored(starter: StarterEngine, reader: Voice, tmp_path: Path) -> None:
    sentences = ("The river was quiet that morning.", "Nobody had seen the boat come in.")
    takes = [starter.synthesize(text, reader, {}, seed) for seed, text in enumerate(sentences)]
    recordings = [Recording(take.wave, take.sample_rate) for take in takes]
    make_sample_voice(starter, recordings, tmp_path / "new", "Reader", "public domain")
    described = json.loads((tmp_path / "new" / "voice.json").read_text(encoding="utf-8"))
    assert described["name"] == "Reader" and described["card"]["held_out_seconds"] > 1.0
    assert described["card"]["similarity"] > 0.5 and described["card"]["intelligibility"] > 0.5
    assert Voice.load(tmp_path / "new" / "voice.safetensors").facts["base"] == starter.base
