"""The engines that exist, described without loading any."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipelines.speech.engine import Control, EngineDescription, SpeechEngine


def _load_starter(device: str) -> SpeechEngine:
    from pipelines.speech.starter import StarterEngine

    return StarterEngine.load(device)


def installed_engines(models: Path) -> Mapping[str, EngineDescription]:
    """What ships, and the public bases that somebody put into the folder ``models`` (``gpt_sovits`` in it)."""
    from pipelines.speech.gpt_sovits.descriptions import descriptions

    return {**ENGINES, **descriptions(models / "gpt_sovits")}


ENGINES: Mapping[str, EngineDescription] = {
    "starter": EngineDescription(
        name="starter",
        languages=("en", "zh"),
        sample_rate=22050,
        controls=(
            Control("noise_scale", 0.0, 1.0, 0.5, 0.05),
            Control("length_scale", 0.5, 2.0, 1.0, 0.05),
            Control("num_inference_steps", 2, 32, 4, 1, advanced=True),
            # Measured on one Quick voice: 0.38 of the words missed with 2, 0.54 unguided (assets/starter/MODEL_CARD.md).
            Control("guidance_scale", 1.0, 3.0, 2.0, 0.1, advanced=True),
        ),
        resident_bytes=145 * 2**20,
        load=_load_starter,
    )
}
