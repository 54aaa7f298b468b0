from __future__ import annotations

import numpy as np
import pytest
import torch

from models.starter.discriminators import Critics
from models.starter.mel import HOP, MEL_BANDS, SAMPLE_RATE
from models.starter.vocoder import (
    HARMONIC_BANDS,
    VOICED_FROM,
    Vocoder,
    VocoderConfig,
    comb,
    without_harmonics,
)

SMALL = VocoderConfig(channels=16, hidden_channels=32, blocks=2, pitch_channels=16, pitch_blocks=2)


@pytest.fixture(scope="module")
def vocoder() -> Vocoder:
    torch.manual_seed(0)
    return Vocoder(SMALL).eval()


def line_spectrum(wave: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies in Hz and magnitudes, Hann-windowed."""
    samples = wave.double().numpy() * np.hanning(len(wave))
    return np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE), np.abs(np.fft.rfft(samples))


@pytest.mark.parametrize("hz", [60.0, 123.0, 300.0, 590.0])
def test_the_comb_has_all_harmonics_and_nothing_between(hz: float) -> None:
    frames = 172
    pulses = comb(torch.full((1, frames), hz), frames * HOP)[0]
    frequencies, magnitude = line_spectrum(pulses)

    def level(where: float) -> float:
        return float(magnitude[np.abs(frequencies - where) < 3].max())

    harmonics = [level(k * hz) for k in range(1, int(9000 / hz))]
    between = [level((k + 0.5) * hz) for k in range(1, int(9000 / hz))]
    assert max(harmonics) / min(harmonics) < 1.3
    assert max(between) < 0.05 * min(harmonics)


def test_the_comb_follows_a_glide_to_the_sample() -> None:
    frames = 60
    track = torch.linspace(100.0, 400.0, frames)
    pulses = comb(track[None], frames * HOP)[0]
    peaks = torch.where((pulses[1:-1] > pulses[:-2]) & (pulses[1:-1] > pulses[2:]) & (pulses[1:-1] > 0.5))[0]
    peaks = peaks[peaks.diff(prepend=torch.tensor([-100])) > 20].double() + 1
    heard, middle = SAMPLE_RATE / peaks.diff(), (peaks[:-1] + peaks[1:]) / 2
    told = np.interp(middle.numpy(), np.arange(frames) * HOP, track.numpy())  # frame i is at sample i * HOP
    error = (heard.numpy() / told - 1)[3:-3]
    assert abs(error.mean()) < 0.003 and np.abs(error).max() < 0.03


def test_the_comb_is_silent_where_nobody_voices() -> None:
    f0 = torch.full((1, 30), 200.0)
    f0[0, 10:20] = 0.0
    pulses = comb(f0, 30 * HOP)[0]
    assert float(pulses[10 * HOP : 19 * HOP].abs().max()) == 0.0
    assert float(pulses[: 9 * HOP].abs().max()) > 0.5 and float(pulses[20 * HOP :].abs().max()) > 0.5


@pytest.mark.parametrize("frames", [1, 2, 37])
def test_a_frame_becomes_a_hop_of_samples(vocoder: Vocoder, frames: int) -> None:
    with torch.no_grad():
        wave, octave, voiced = vocoder(torch.randn(2, frames, MEL_BANDS))
    assert wave.shape == (2, frames * HOP) and octave.shape == voiced.shape == (2, frames)
    assert bool(wave.isfinite().all())


def test_the_generator_decides_the_noise(vocoder: Vocoder) -> None:
    mel = torch.randn(1, 30, MEL_BANDS, generator=torch.Generator().manual_seed(3))

    def waves(seed: int) -> torch.Tensor:
        with torch.no_grad():
            return vocoder(mel, generator=torch.Generator().manual_seed(seed))[0]

    assert torch.equal(waves(1), waves(1))
    assert not torch.equal(waves(1), waves(2))


def test_the_given_pitch_is_heard(vocoder: Vocoder) -> None:
    mel, frames = torch.zeros(1, 172, MEL_BANDS), 172
    with torch.no_grad():
        for hz in (110.0, 220.0):
            wave = vocoder(mel, torch.full((1, frames), hz), torch.Generator().manual_seed(0))[0][0]
            frequencies, magnitude = line_spectrum(wave)
            near = [magnitude[np.abs(frequencies - k * hz) < 3].max() for k in range(1, 9)]
            off = [magnitude[np.abs(frequencies - (k + 0.5) * hz) < 3].max() for k in range(1, 9)]
            assert np.mean(near) > 5 * np.mean(off)


def test_harmonics_of_another_pitch_are_smoothed_away_and_the_rest_stays() -> None:
    band = torch.arange(MEL_BANDS).float()
    ripple = torch.where(band < 40, (band * torch.pi * 2 / 5).cos(), 0.0)
    mel = (-band / 40 + ripple).expand(1, 7, MEL_BANDS)
    smooth = without_harmonics(mel)
    inner = slice(2, HARMONIC_BANDS)
    torch.testing.assert_close(smooth[..., inner], (-band / 40).expand_as(mel)[..., inner], atol=1e-5, rtol=0)
    assert torch.equal(smooth[..., HARMONIC_BANDS:], mel[..., HARMONIC_BANDS:])


def test_only_repitched_frames_change(vocoder: Vocoder) -> None:
    mel = torch.randn(1, 60, MEL_BANDS, generator=torch.Generator().manual_seed(3))
    f0, none = torch.full((1, 60), 200.0), torch.zeros(1, 60, dtype=torch.bool)

    def wave(repitched: torch.Tensor | None) -> torch.Tensor:
        with torch.no_grad():
            return vocoder(mel, f0, torch.Generator().manual_seed(0), repitched)[0][0]

    some = none.clone()
    some[:, 45:] = True
    assert torch.equal(wave(none), wave(None))
    torch.testing.assert_close(wave(some)[: 25 * HOP], wave(None)[: 25 * HOP])
    assert not torch.allclose(wave(some)[50 * HOP :], wave(None)[50 * HOP :], atol=1e-4)


def test_the_noise_of_voiced_frames_is_held_down(vocoder: Vocoder) -> None:
    mel = torch.randn(1, 60, MEL_BANDS, generator=torch.Generator().manual_seed(3))

    def wave(hz: float, voiced_noise: float) -> torch.Tensor:
        with torch.no_grad():
            f0 = torch.full((1, 60), hz)
            return vocoder(mel, f0, torch.Generator().manual_seed(0), voiced_noise=voiced_noise)[0][0]

    assert torch.equal(wave(0.0, 0.0), wave(0.0, 1.0))
    all_of_it, half, none = (wave(200.0, share) for share in (1.0, 0.5, 0.0))
    torch.testing.assert_close(all_of_it - half, half - none, atol=1e-5, rtol=1e-3)
    assert float((all_of_it - none).abs().max()) > 1e-4


@pytest.mark.parametrize(("above", "sounds"), [(-0.5, False), (0.5, True)])
def test_what_may_be_voiced_is(above: float, sounds: bool) -> None:
    torch.manual_seed(0)
    vocoder = Vocoder(SMALL).eval()
    with torch.no_grad():
        vocoder.pitch.out.weight.zero_()
        vocoder.pitch.out.bias.copy_(torch.tensor([0.0, VOICED_FROM + above]))
        f0 = vocoder.f0_of(torch.randn(1, 9, MEL_BANDS))
    assert bool((f0 > 0).all()) == bool((f0 > 0).any()) == sounds


def test_critics_score_any_length_and_show_what_they_saw() -> None:
    torch.manual_seed(0)
    critics = Critics(periods=(2, 7), fft_sizes=(512,))
    wave = torch.randn(2, 3001, requires_grad=True)
    opinions = critics(wave)
    assert len(opinions) == 3 and all(features for _, features in opinions)
    sum(scores.mean() for scores, _ in opinions).backward()
    assert bool(wave.grad.isfinite().all()) and float(wave.grad.abs().sum()) > 0
