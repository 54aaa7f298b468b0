"""Chunks of a sentence are the sentence."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from models.gpt_sovits.sovits import CONTEXT_FRAMES, FRAMES_PER_TOKEN, HOP, Sovits, SovitsConfig
from pipelines.speech.gpt_sovits import chunks as module
from pipelines.speech.gpt_sovits.chunks import (
    AHEAD_TOKENS,
    FADE_FRAMES,
    FIRST_TOKENS,
    NEXT_TOKENS,
    ChunkedSpeech,
)

TOKENS = 150
SMALL = SovitsConfig(
    latent_channels=8,
    hidden_channels=12,
    filter_channels=16,
    layers=2,
    upsample_initial_channels=32,
    style_channels=16,
    style_hidden_channels=8,
    reference_channels=16,
    semantic_channels=6,
    codebook_size=20,
    phonemes=30,
)


@pytest.fixture(scope="module")
def network() -> Sovits:
    torch.manual_seed(5)
    network = Sovits(SMALL, posterior=False).double().eval()
    network.quantizer.vq.layers[0]._codebook.embed.normal_()
    return network


def speech(network: Sovits, count: int, noise_scale: float = 0.5, speed: float = 1.0) -> ChunkedSpeech:
    draws = torch.Generator().manual_seed(1)
    tokens = torch.randint(20, (count, 1), generator=draws)
    phonemes, style = torch.arange(25)[None], torch.randn(1, 16, 1, generator=draws).double()
    return ChunkedSpeech(network, iter(tokens), phonemes, style, noise_scale, speed, draws)


@torch.inference_mode()
def test_what_is_cut_and_joined_is_the_whole(network: Sovits, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a first half that says of a frame what it will say of it in the end, and with all of the context that reaches
    a frame, nothing is lost at the joins."""
    monkeypatch.setattr(module, "AHEAD_TOKENS", -(-(CONTEXT_FRAMES + FADE_FRAMES) // FRAMES_PER_TOKEN))
    settled = torch.randn(2, 1, 8, FRAMES_PER_TOKEN * TOKENS).double()

    def expect(codes: Tensor, *_: object) -> tuple[Tensor, ...]:
        return tuple(half[:, :, : FRAMES_PER_TOKEN * codes.shape[-1]] for half in settled)

    monkeypatch.setattr(network, "expect", expect)
    asked = speech(network, TOKENS, noise_scale=0.5)
    chunks = list(asked)
    assert [len(chunk) // (HOP * FRAMES_PER_TOKEN) for chunk in chunks] == [
        FIRST_TOKENS, NEXT_TOKENS, NEXT_TOKENS, TOKENS - FIRST_TOKENS - 2 * NEXT_TOKENS,
    ]  # fmt: skip
    z = settled[0] + 0.5 * asked._noise * settled[1].exp()
    whole = network.sound(z, asked.style)[0, 0]
    assert torch.allclose(torch.cat(chunks), whole, rtol=0, atol=1e-12)


@torch.inference_mode()
def test_no_join_clicks(network: Sovits, monkeypatch: pytest.MonkeyPatch) -> None:
    """However differently a chunk would have gone on, the next one takes over little by little."""
    levels = iter((0.0, 1.0, 0.0, 1.0))
    monkeypatch.setattr(
        network, "sound", lambda z, style: torch.full((1, 1, z.shape[-1] * HOP), next(levels))
    )
    wave = torch.cat(list(speech(network, TOKENS)))
    assert wave.unique().numel() > HOP / 2 and wave.diff().abs().max() < 1.01 / HOP


@pytest.mark.parametrize(
    "count", [1, FIRST_TOKENS, FIRST_TOKENS + AHEAD_TOKENS, FIRST_TOKENS + AHEAD_TOKENS + 1]
)
@torch.inference_mode()
def test_short_sentences(network: Sovits, count: int) -> None:
    chunks = list(speech(network, count))
    assert sum(map(len, chunks)) == count * FRAMES_PER_TOKEN * HOP and all(map(len, chunks))
    assert len(chunks) == 1 + (count >= FIRST_TOKENS + AHEAD_TOKENS)


@torch.inference_mode()
def test_only_a_chunk_and_what_reaches_it_is_sounded(
    network: Sovits, monkeypatch: pytest.MonkeyPatch
) -> None:
    sounded, sound = [], network.sound

    def note(z: Tensor, style: Tensor) -> Tensor:
        sounded.append(z.shape[-1])
        return sound(z, style)

    monkeypatch.setattr(network, "sound", note)
    list(speech(network, 4 * TOKENS))
    chunk, ahead = FRAMES_PER_TOKEN * NEXT_TOKENS, FRAMES_PER_TOKEN * AHEAD_TOKENS
    assert set(sounded[2:-1]) == {CONTEXT_FRAMES + chunk + ahead} and len(sounded) > 10


@torch.inference_mode()
def test_the_draws_say_it_all(network: Sovits) -> None:
    first, again = (torch.cat(list(speech(network, TOKENS, speed=1.3))) for _ in range(2))
    assert torch.equal(first, again)
