from __future__ import annotations

import pytest

from pipelines.speech.catalogue import ENGINES
from pipelines.speech.engine import SpeechEngine
from pipelines.speech.starter import StarterEngine


def test_controls_can_be_set_as_drawn() -> None:
    for engine in ENGINES.values():
        for control in engine.controls:
            assert control.minimum <= control.default <= control.maximum and control.step > 0
            assert (control.default - control.minimum) / control.step == pytest.approx(
                round((control.default - control.minimum) / control.step)
            )


def test_the_page_shows_two_sliders_of_the_starter() -> None:
    shown = [control.name for control in ENGINES["starter"].controls if not control.advanced]
    assert shown == ["noise_scale", "length_scale"]


def test_the_starter_can_be_loaded() -> None:
    starter = ENGINES["starter"].load("cpu")
    assert isinstance(starter, StarterEngine)
    for method in ("prepare", "synthesize", "fine_tune"):
        assert callable(getattr(SpeechEngine, method)) and callable(getattr(starter, method))
    networks = (starter.acoustic, starter.vocoder, starter.ear.network)
    weights = sum(p.numel() * p.element_size() for network in networks for p in network.parameters())
    assert weights < ENGINES["starter"].resident_bytes
