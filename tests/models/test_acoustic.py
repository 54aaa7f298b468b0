from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from models.starter.acoustic import (
    Acoustic,
    AcousticConfig,
    Sentence,
    flow_times,
    starts_of,
    time_features,
)
from models.starter.mel import MEL_BANDS

CONFIG = AcousticConfig(
    symbols=12,
    tones=4,
    languages=2,
    text_channels=16,
    text_blocks=2,
    text_heads=2,
    speaker_channels=16,
    prior_channels=16,
    prior_blocks=2,
    flow_channels=16,
    flow_blocks=2,
    condition_channels=16,
)


@pytest.fixture
def network() -> Acoustic:
    """Random in every weight: fresh conditions and a fresh flow are zero, and would hide a leak."""
    torch.manual_seed(0)
    network = Acoustic(CONFIG).eval()
    for parameter in network.parameters():
        if parameter.abs().sum() == 0:
            torch.nn.init.normal_(parameter, std=0.3)
    return network


def sentence(length: int = 7) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    symbols = torch.randint(1, CONFIG.symbols, (1, length), generator=generator)
    tones = torch.randint(0, CONFIG.tones, (1, length), generator=generator)
    return symbols, tones, torch.zeros(1, 1, dtype=torch.long)


def test_a_sentence_reads_the_same_beside_a_longer_one(network: Acoustic) -> None:
    symbols, tones, language = sentence()
    speaker = torch.randn(1, 16)
    with torch.no_grad():
        alone = network.text(symbols, tones, language, torch.ones(1, 7, 1), speaker)
        length_alone = network.duration(alone, torch.ones(1, 7, 1), speaker)
        filler = torch.full((1, 9), 5)
        mask = torch.cat([torch.ones(1, 7, 1), torch.zeros(1, 9, 1)], dim=1)
        together = network.text(
            torch.cat([symbols, filler], 1), torch.cat([tones, filler % 4], 1), language, mask, speaker
        )
        length_together = network.duration(together, mask, speaker)
    torch.testing.assert_close(together[:, :7], alone, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(length_together[:, :7], length_alone, atol=1e-5, rtol=1e-4)
    assert float(together[:, 7:].abs().max()) == 0.0


def test_a_clip_sounds_like_its_speaker_whatever_lies_behind_it(network: Acoustic) -> None:
    mel = torch.randn(1, 61, MEL_BANDS)  # odd: the encoder halves the frames
    mask = torch.cat([torch.ones(1, 61, 1), torch.zeros(1, 40, 1)], dim=1)
    rubbish = torch.cat([mel, torch.full((1, 40, MEL_BANDS), 50.0)], dim=1)
    with torch.no_grad():
        torch.testing.assert_close(
            network.speaker_of(rubbish, mask), network.speaker_of(mel), atol=1e-4, rtol=1e-3
        )


def test_speakers_are_heard_in_the_low_bands_alone(network: Acoustic) -> None:
    mel = torch.randn(1, 60, MEL_BANDS)
    dull = mel.clone()
    dull[..., CONFIG.reference_bands :] = -2.6
    with torch.no_grad():
        assert torch.equal(network.speaker_of(mel), network.speaker_of(dull))


def test_prior_and_flow_ignore_what_is_masked(network: Acoustic) -> None:
    generator = torch.Generator().manual_seed(2)
    frames = torch.randn(1, 40, CONFIG.text_channels + 4, generator=generator)
    rubbish = torch.cat([frames, torch.full((1, 20, frames.shape[2]), 30.0)], dim=1)
    mask = torch.cat([torch.ones(1, 20, 1), torch.zeros(1, 10, 1)], dim=1)
    speaker, time = torch.randn(1, 16, generator=generator), torch.tensor([0.3])
    with torch.no_grad():
        prior, hidden = network.prior_of(frames, speaker, torch.ones(1, 20, 1))
        wide_prior, wide_hidden = network.prior_of(rubbish, speaker, mask)
        torch.testing.assert_close(wide_prior[:, :20], prior, atol=1e-5, rtol=1e-4)
        x = torch.randn(1, 20, 2 * MEL_BANDS, generator=generator)
        velocity = network.flow(x, time, prior, hidden, speaker, torch.ones(1, 20, 1))
        wide = network.flow(
            torch.nn.functional.pad(x, (0, 0, 0, 10), value=9.0), time, wide_prior, wide_hidden, speaker, mask
        )
    assert float(velocity.abs().mean()) > 1e-3
    torch.testing.assert_close(wide[:, :20], velocity, atol=1e-5, rtol=1e-4)


def test_frames_know_their_phoneme_and_their_place_in_it(network: Acoustic) -> None:
    text = torch.eye(3)[None]
    starts = torch.tensor([[0, 2, 2, 6]])  # the second phoneme lasts no time at all
    known = network.frames_of(text, starts, torch.arange(6)[None])
    assert known.shape == (1, 6, 3 + Acoustic.POSITION_CHANNELS)
    assert known[0, :, :3].argmax(1).tolist() == [0, 0, 2, 2, 2, 2]
    torch.testing.assert_close(known[0, :, 3], torch.tensor([0.25, 0.75, 0.125, 0.375, 0.625, 0.875]))
    torch.testing.assert_close(known[0, :, 3] + known[0, :, 4], torch.ones(6))


SILENT = torch.tensor([[True, False, False, False, True, False, True]])


def speak(
    network: Acoustic, seed: int = 0, length_scale: float = 1.0, **changes: object
) -> tuple[torch.Tensor, torch.Tensor]:
    settings = {"noise_scale": 0.5, "num_inference_steps": 4, "guidance_scale": 1.0}
    read, speaker = Sentence(*sentence(), SILENT), torch.ones(1, 16)
    with torch.inference_mode():
        text = network.read(read, speaker)
        starts = starts_of(network.lasting(text, read, speaker), length_scale)
        mel = network.realise(
            network.plan(text, speaker, starts),
            speaker,
            **(settings | changes),
            generator=torch.Generator().manual_seed(seed),
        )
    return mel, starts.diff(dim=1)


def test_speaking_gives_frames_for_every_phoneme(network: Acoustic) -> None:
    mel, frames = speak(network)
    assert mel.shape == (1, int(frames.sum()), MEL_BANDS) and mel.shape[1] % 2 == 0
    assert bool(mel.isfinite().all())
    spoken = torch.tensor([1, 2, 3, 5])
    assert bool((frames[0, spoken] >= 1).all())


def test_the_generator_decides_the_take(network: Acoustic) -> None:
    assert torch.equal(speak(network, seed=4)[0], speak(network, seed=4)[0])
    assert not torch.equal(speak(network, seed=4)[0], speak(network, seed=5)[0])
    assert torch.equal(speak(network, 4, noise_scale=0.0)[0], speak(network, 5, noise_scale=0.0)[0])


def test_pauses_alone_may_last_no_time(network: Acoustic) -> None:
    with torch.no_grad():
        network.duration.out.bias -= 20
        read, speaker = Sentence(*sentence(), SILENT), torch.ones(1, 16)
        lasting = network.lasting(network.read(read, speaker), read, speaker)
    assert torch.equal(lasting, torch.where(SILENT, 0.0, 2.0))


def test_frames_are_whole_and_in_pairs() -> None:
    assert starts_of(torch.tensor([[1.4, 2.4, 3.1]]), 1.0).tolist() == [[0, 1, 4, 8]]
    assert starts_of(torch.tensor([[1.4, 2.4, 3.1]]), 2.0).tolist() == [[0, 3, 8, 14]]


@pytest.mark.parametrize("steps", [1, 4, 20])
def test_the_flow_takes_its_shortest_steps_first(steps: int) -> None:
    times = flow_times(steps)
    taken = [then - now for now, then in pairwise(times)]
    assert (times[0], times[-1], len(taken)) == (0.0, 1.0, steps) and taken == sorted(taken) and taken[0] > 0


@pytest.mark.parametrize("scale", [0.5, 0.8, 1.5, 2.0])
def test_pace_scales_the_whole_sentence(network: Acoustic, scale: float) -> None:
    with torch.no_grad():
        network.duration.out.bias += 2.5
    plain, scaled = speak(network)[0].shape[1], speak(network, length_scale=scale)[0].shape[1]
    assert scaled == pytest.approx(plain * scale, abs=3)


def test_guidance_moves_away_from_the_blind_flow(network: Acoustic) -> None:
    assert not torch.allclose(speak(network)[0], speak(network, guidance_scale=2.0)[0])


def test_times_are_told_apart() -> None:
    told = time_features(torch.linspace(0, 1, 33))
    nearest = torch.cdist(told, told) + 100 * torch.eye(33)
    assert told.shape == (33, 128) and float(nearest.min()) > 0.1
