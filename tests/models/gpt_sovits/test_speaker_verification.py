from __future__ import annotations

import pytest
import torch
from torch import Tensor

from models.checkpoints import built
from models.gpt_sovits.speaker_verification import EMBEDDING_CHANNELS, SpeakerVerification
from models.gpt_sovits.spectra import kaldi_filterbank, magnitude_spectrum
from tests.goldens import (
    TOLERANCE,
    farthest,
    golden_input,
    golden_keys,
    golden_network,
    golden_tensors,
    shapes_of,
)


@pytest.fixture(scope="module")
def golden() -> dict[str, Tensor]:
    return golden_tensors("sv_full_io")


def test_every_official_weight_is_there() -> None:
    assert shapes_of(SpeakerVerification) == golden_keys("keys_sv")


def test_the_filterbank_is_kaldis(golden: dict[str, Tensor]) -> None:
    assert farthest(kaldi_filterbank(golden["wav"]), golden["fbank"]) < TOLERANCE


def test_the_filterbank_of_torchaudio_is_the_same() -> None:
    kaldi = pytest.importorskip("torchaudio.compliance.kaldi")
    wave = 0.3 * torch.randn(1, 7777, generator=torch.Generator().manual_seed(0))
    theirs = kaldi.fbank(wave, num_mel_bins=80, sample_frequency=16000, dither=0)
    assert farthest(kaldi_filterbank(wave)[0], theirs) < TOLERANCE


def test_the_spectrum_of_a_reference(golden: dict[str, Tensor]) -> None:
    wave = golden["wav"].repeat_interleave(2, dim=1) * 0.9
    spectrum = magnitude_spectrum(wave)
    assert spectrum.shape == (1, 1025, wave.shape[1] // 640)
    assert farthest(spectrum[..., :20], golden["spec"]) < TOLERANCE


@pytest.mark.parametrize(
    ("listen", "samples"), [(magnitude_spectrum, 704), (kaldi_filterbank, 399), (magnitude_spectrum, 0)]
)
def test_what_is_too_short_is_refused(listen: object, samples: int) -> None:
    with pytest.raises(ValueError, match=f"{samples} samples"):
        listen(torch.zeros(1, samples))


def test_weights_of_something_else_are_refused() -> None:
    with pytest.raises(RuntimeError, match="layer4.2.conv3.weight"):
        SpeakerVerification.of_official({"conv1.weight": torch.zeros(64, 1, 3, 3)})


@pytest.mark.slow
def test_the_speakers_vector_at_full_size(golden: dict[str, Tensor]) -> None:
    """Values go up to 37, where the recorded ones lie 3e-5 from what double precision gives."""
    network = golden_network(SpeakerVerification)
    again = SpeakerVerification.of_official(network.state_dict())
    with torch.inference_mode():
        for features, name in (
            (golden["fbank"], "emb_fbank"),
            (kaldi_filterbank(golden["wav"]), "emb_fbank"),
            (golden_input("svfeat", (1, 61, 80)), "emb_randfeat"),
        ):
            vector = again(features)
            assert vector.shape == (1, EMBEDDING_CHANNELS)
            size = float(golden[name].abs().max())
            assert farthest(vector, golden[name]) < TOLERANCE * size
        double = built(SpeakerVerification, network.state_dict()).double()
        exact = double(golden["fbank"].double()).float()
        assert farthest(again(golden["fbank"]), exact) < 3 * farthest(golden["emb_fbank"], exact)
