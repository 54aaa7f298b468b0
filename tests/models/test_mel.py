from __future__ import annotations

import math

import pytest
import torch

from models.starter.mel import FFT_SIZE, HOP, MEL_BANDS, SAMPLE_RATE, MelSpectrogram, mel_filters


def tone(hz: float, seconds: float = 1.0, amplitude: float = 0.5) -> torch.Tensor:
    return amplitude * torch.sin(2 * math.pi * hz * torch.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE)


def test_filters_are_triangles_of_unit_area_in_order() -> None:
    filters = mel_filters(SAMPLE_RATE, 16 * FFT_SIZE, MEL_BANDS).double()
    bin_hz = SAMPLE_RATE / (16 * FFT_SIZE)
    assert filters.shape == (8 * FFT_SIZE + 1, MEL_BANDS) and bool((filters >= 0).all())
    torch.testing.assert_close(filters.sum(0) * bin_hz, torch.ones(MEL_BANDS).double(), atol=0.01, rtol=0.0)
    peaks = filters.argmax(0)
    assert bool((peaks.diff() > 0).all())
    for band in range(MEL_BANDS):
        rises = filters[:, band].diff()
        up, down = rises[: peaks[band]], rises[peaks[band] :]
        assert bool((up >= 0).all()) and bool((down <= 0).all())


def test_every_band_hears_something() -> None:
    assert bool((mel_filters(SAMPLE_RATE, FFT_SIZE, MEL_BANDS).sum(0) > 0).all())


@pytest.mark.parametrize("hz", [200.0, 1000.0, 4000.0, 9000.0])
def test_a_tone_is_loudest_in_its_own_band(hz: float) -> None:
    mel = MelSpectrogram()(tone(hz)[None])[0, 20:-20].mean(0)
    centres = mel_filters(SAMPLE_RATE, FFT_SIZE, MEL_BANDS).argmax(0) * SAMPLE_RATE / FFT_SIZE
    nearest = int((centres - hz).abs().argmin())
    assert abs(int(mel.argmax()) - nearest) <= 1


@pytest.mark.parametrize("samples", [1, HOP - 1, HOP, 10 * HOP + 3])
def test_one_frame_a_hop(samples: int) -> None:
    mel = MelSpectrogram()(torch.zeros(2, samples))
    assert mel.shape == (2, samples // HOP, MEL_BANDS) and bool(mel.isfinite().all())


def test_twice_as_loud_is_log_two_higher() -> None:
    mel_of = MelSpectrogram()
    noise = torch.randn(1, SAMPLE_RATE, generator=torch.Generator().manual_seed(0)) * 0.1
    rise = mel_of(2 * noise) - mel_of(noise)
    torch.testing.assert_close(rise, torch.full_like(rise, math.log(2) / 2.5), atol=1e-4, rtol=0.0)


def test_a_click_is_in_the_frame_at_its_sample() -> None:
    wave = torch.zeros(1, 40 * HOP)
    wave[0, 17 * HOP] = 1.0
    assert int(MelSpectrogram()(wave)[0].mean(1).argmax()) == 17
