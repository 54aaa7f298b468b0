from __future__ import annotations

import pytest
import torch

from pipelines.audio.levelling import PEAK, RMS, Leveller, levelled

RATE = 22050


def noise(seconds: float = 1.0, gain: float = 1.0) -> torch.Tensor:
    return gain * torch.randn(int(seconds * RATE), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("gain", [1e-3, 0.05, 0.3])
def test_near_and_far_microphones_sound_alike(gain: float) -> None:
    wave = levelled(noise(gain=gain), RATE)
    assert float(wave.square().mean().sqrt()) == pytest.approx(RMS, rel=0.03)
    torch.testing.assert_close(wave, levelled(noise(gain=0.1), RATE), rtol=1e-3, atol=1e-5)


def test_pauses_do_not_make_the_speech_louder() -> None:
    speech = noise(2.0, 0.1)
    with_pauses = torch.cat([torch.zeros(RATE // 2), speech, torch.zeros(RATE // 2)])
    loud = levelled(with_pauses, RATE)[RATE // 2 : -RATE // 2]
    assert float(loud.square().mean().sqrt()) == pytest.approx(RMS, rel=0.05)


def test_nothing_leaves_the_range() -> None:
    spiky = noise(gain=0.01)
    spiky[1000] = 1.0
    assert float(levelled(spiky, RATE).abs().max()) == pytest.approx(PEAK, rel=1e-4)


@pytest.mark.parametrize("samples", [0, 1, RATE // 50 - 1, RATE // 50, RATE])
def test_silence_stays_silent_and_short_waves_pass(samples: int) -> None:
    wave = levelled(torch.zeros(samples), RATE)
    assert wave.shape == (samples,) and float(wave.abs().sum()) == 0.0


def test_a_whisper_of_noise_is_not_blown_up_without_end() -> None:
    assert float(levelled(noise(gain=1e-6), RATE).abs().max()) < 1e-3


def test_chunks_are_levelled_as_they_come_without_a_step() -> None:
    loud, quiet = noise(2.0, 0.5), noise(2.0, 0.05)
    leveller = Leveller(RATE)
    heard = torch.cat([leveller(chunk) for chunk in (quiet[:RATE], loud[:RATE], quiet[RATE:], loud[RATE:])])
    assert float(heard.abs().max()) <= 1.0
    factors = heard / torch.cat([quiet[:RATE], loud[:RATE], quiet[RATE:], loud[RATE:]])
    inside = heard.abs() < 1.0
    assert float(factors[inside].diff().abs().max()) < 0.05 * float(factors[inside].max())
    steady, whole = Leveller(RATE), noise(4.0, 0.02)
    spoken = torch.cat([steady(chunk) for chunk in whole.split(RATE // 2)])
    assert float(spoken.square().mean().sqrt()) == pytest.approx(RMS, rel=0.05)
    torch.testing.assert_close(Leveller(RATE)(whole), levelled(whole, RATE))
