"""From phonemes to a mel spectrogram: explicit durations, then conditional flow matching.

Flow matching: Lipman et al. 2022 (https://arxiv.org/abs/2210.02747); for speech with durations, Matcha-TTS
(Mehta et al. 2023, https://arxiv.org/abs/2309.03199). Here the flow is a stack of ConvNeXt blocks, and works on
pairs of frames.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.blocks.attention import RelativeSelfAttention
from models.blocks.convnext import ConvNeXtBlock
from models.starter.mel import MEL_BANDS

STACK = 2
"""Mel frames in one step of prior and flow."""


@dataclass(frozen=True)
class AcousticConfig:
    symbols: int
    tones: int
    languages: int
    text_channels: int = 192
    text_blocks: int = 4
    text_heads: int = 4
    speaker_channels: int = 192
    reference_bands: int = (
        64  # the low bands alone: a telephone-band clip and a studio clip of one person look alike
    )
    prior_channels: int = 256
    prior_blocks: int = 4
    flow_channels: int = 320
    flow_blocks: int = 8
    flow_dilations: tuple[int, ...] = (1, 2, 4, 1, 2, 4, 1, 1)
    condition_channels: int = 256


@dataclass(frozen=True)
class Sentence:
    """One sentence to read, ``[1, P]`` each; ``silent`` is true for pauses, which alone may last zero frames."""

    symbols: Tensor
    tones: Tensor
    language: Tensor
    silent: Tensor

    @property
    def present(self) -> Tensor:
        """The mask of a sentence that lies beside no longer one, ``[1, P, 1]``."""
        return torch.ones_like(self.symbols, dtype=torch.float32).unsqueeze(-1)


class TextEncoder(nn.Module):
    def __init__(self, config: AcousticConfig) -> None:
        super().__init__()
        width = config.text_channels
        self.symbol = nn.Embedding(config.symbols, width)
        self.tone = nn.Embedding(config.tones, width)
        self.language = nn.Embedding(config.languages, width)
        self.attention = nn.ModuleList(
            RelativeSelfAttention(width, config.text_heads) for _ in range(config.text_blocks)
        )
        self.convolution = nn.ModuleList(
            ConvNeXtBlock(width, 4 * width, kernel_size=5, condition_channels=config.speaker_channels)
            for _ in range(config.text_blocks)
        )
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(0.1)

    def forward(
        self, symbols: Tensor, tones: Tensor, language: Tensor, mask: Tensor, speaker: Tensor
    ) -> Tensor:
        """``symbols``, ``tones`` ``[B, P]``, ``language`` the same or ``[B, 1]``, ``mask`` ``[B, P, 1]`` -> ``[B, P, C]``."""
        x = self.symbol(symbols) + self.tone(tones) + self.language(language)
        x = self.dropout(x) * mask
        for attention, convolution in zip(self.attention, self.convolution, strict=True):
            x = attention(x, mask)
            x = convolution(self.dropout(x), mask, speaker)
        return self.norm(x) * mask


class ReferenceEncoder(nn.Module):
    """A clip's mel spectrogram to one speaker vector, by attentive statistics pooling (Okabe et al. 2018)."""

    def __init__(self, config: AcousticConfig, width: int = 192) -> None:
        super().__init__()
        self.bands = config.reference_bands
        self.stem = nn.Conv1d(self.bands, width, kernel_size=5, stride=2, padding=2)
        self.blocks = nn.ModuleList(ConvNeXtBlock(width, 3 * width) for _ in range(4))
        self.attention = nn.Linear(width, width)
        self.project = nn.Linear(2 * width, config.speaker_channels)
        self.norm = nn.LayerNorm(config.speaker_channels)

    def forward(self, mel: Tensor, mask: Tensor | None = None) -> Tensor:
        """``mel`` ``[B, T, MEL_BANDS]``, ``mask`` ``[B, T, 1]`` -> ``[B, speaker_channels]``."""
        if mask is None:
            mask = torch.ones_like(mel[..., :1])
        x = (mel[..., : self.bands] * mask).transpose(1, 2)
        x = self.stem(x).transpose(1, 2)
        mask = mask[:, ::2][:, : x.shape[1]]
        for block in self.blocks:
            x = block(x, mask)
        weight = self.attention(x).masked_fill(mask == 0, -1e4).softmax(dim=1)
        mean = (weight * x).sum(dim=1)
        deviation = ((weight * x.square()).sum(dim=1) - mean.square()).clamp(min=1e-4).sqrt()
        return self.norm(self.project(torch.cat([mean, deviation], dim=-1)))


class DurationPredictor(nn.Module):
    """log(1 + frames) of every phoneme. Strong dropout: on little data this head memorises sentences."""

    def __init__(self, config: AcousticConfig) -> None:
        super().__init__()
        width = config.text_channels
        self.blocks = nn.ModuleList(
            ConvNeXtBlock(width, 2 * width, kernel_size=5, condition_channels=config.speaker_channels)
            for _ in range(2)
        )
        self.dropout = nn.Dropout(0.3)
        self.out = nn.Linear(width, 1)

    def forward(self, text: Tensor, mask: Tensor, speaker: Tensor) -> Tensor:
        x = self.dropout(text)
        for block in self.blocks:
            x = self.dropout(block(x, mask, speaker))
        return self.out(x).squeeze(-1)  # [B, P]


class Flow(nn.Module):
    """The velocity that carries noise to a mel spectrogram."""

    def __init__(self, config: AcousticConfig, frame_channels: int) -> None:
        super().__init__()
        width, bins = config.flow_channels, STACK * MEL_BANDS
        self.stem = nn.Linear(2 * bins + frame_channels, width)
        self.time = nn.Sequential(
            nn.Linear(128, config.condition_channels),
            nn.SiLU(),
            nn.Linear(config.condition_channels, config.condition_channels),
        )
        self.speaker = nn.Linear(config.speaker_channels, config.condition_channels)
        self.blocks = nn.ModuleList(
            ConvNeXtBlock(
                width,
                3 * width,
                dilation=config.flow_dilations[i % len(config.flow_dilations)],
                condition_channels=config.condition_channels,
            )
            for i in range(config.flow_blocks)
        )
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, bins)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(
        self, x: Tensor, time: Tensor, prior: Tensor, frames: Tensor, speaker: Tensor, mask: Tensor
    ) -> Tensor:
        """``x``, ``prior`` ``[B, S, 160]``, ``frames`` ``[B, S, C]``, ``time`` ``[B]`` in 0..1, ``mask`` ``[B, S, 1]``."""
        condition = F.silu(self.time(time_features(time)) + self.speaker(speaker))
        y = self.stem(torch.cat([x, prior, frames], dim=-1))
        for block in self.blocks:
            y = block(y, mask, condition)
        return self.out(self.norm(y))


def time_features(time: Tensor, channels: int = 128) -> Tensor:
    """Sinusoids of ``[B]`` times in 0..1 (Ho et al. 2020), ``[B, channels]``."""
    rates = torch.exp(torch.linspace(0.0, math.log(1000.0), channels // 2, device=time.device))
    angles = time[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


class Acoustic(nn.Module):
    """Phonemes and a speaker vector to a mel spectrogram.

    Training calls the pieces (``text``, ``duration``, ``frames_of``, ``prior_of``, ``flow``); speaking reads a
    sentence (``read``), asks how long its phonemes last (``lasting``), plans them (``plan``), and has the flow make speech of the plan
    (``realise``).
    """

    POSITION_CHANNELS = 4

    def __init__(self, config: AcousticConfig) -> None:
        super().__init__()
        self.config = config
        frame_channels = config.text_channels + self.POSITION_CHANNELS
        self.reference = ReferenceEncoder(config)
        self.bandwidth = nn.Embedding(2, config.speaker_channels)
        self.text = TextEncoder(config)
        self.duration = DurationPredictor(config)
        self.prior_stem = nn.Linear(STACK * frame_channels, config.prior_channels)
        self.prior_blocks = nn.ModuleList(
            ConvNeXtBlock(
                config.prior_channels, 3 * config.prior_channels, condition_channels=config.speaker_channels
            )
            for _ in range(config.prior_blocks)
        )
        self.prior_out = nn.Linear(config.prior_channels, STACK * MEL_BANDS)
        self.flow = Flow(config, config.prior_channels)

    def speaker_of(self, mel: Tensor, mask: Tensor | None = None) -> Tensor:
        """``[B, T, MEL_BANDS]`` of reference speech -> ``[B, speaker_channels]``."""
        return self.reference(mel, mask)

    def frames_of(self, text: Tensor, starts: Tensor, frame: Tensor) -> Tensor:
        """What each mel frame knows of its phoneme.

        Args:
            text: ``[B, P, C]``.
            starts: ``[B, P + 1]`` first frame of every phoneme and the end of the last; padding repeats the end.
            frame: ``[B, T]`` frame numbers.

        Returns:
            ``[B, T, C + POSITION_CHANNELS]``: the phoneme's encoding, the place within it, its length.
        """
        index = (frame.unsqueeze(-1) >= starts[:, None, 1:]).sum(-1).clamp(max=text.shape[1] - 1)  # [B, T]
        begin, end = starts.gather(1, index), starts.gather(1, index + 1)
        length = (end - begin).clamp(min=1)
        place = (frame - begin + 0.5) / length
        position = torch.stack(
            [place, 1 - place, length.log() / 4, (frame - begin).clamp(max=40) / 20], dim=-1
        )
        spread = text.gather(1, index.unsqueeze(-1).expand(-1, -1, text.shape[-1]))
        return torch.cat([spread, position.to(text.dtype)], dim=-1)

    def prior_of(self, frames: Tensor, speaker: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """``frames`` ``[B, T, C]`` with even T -> the prior mel ``[B, S, 160]`` and the hidden ``[B, S, H]``, S = T / 2."""
        batch, length, channels = frames.shape
        x = self.prior_stem(frames.reshape(batch, length // STACK, STACK * channels))
        for block in self.prior_blocks:
            x = block(x, mask, speaker)
        return self.prior_out(x), x

    def read(self, sentence: Sentence, speaker: Tensor) -> Tensor:
        """``speaker`` ``[1, speaker_channels]`` -> ``[1, P, C]``, what durations and plan start from."""
        return self.text(sentence.symbols, sentence.tones, sentence.language, sentence.present, speaker)

    def lasting(self, text: Tensor, sentence: Sentence, speaker: Tensor) -> Tensor:
        """Frames of every phoneme of what was ``read`` at its natural pace, ``[1, P]``, not rounded."""
        natural = self.duration(text, sentence.present, speaker).exp() - 1
        return torch.where(sentence.silent, natural.clamp(min=0.0), natural.clamp(min=2.0))

    def plan(self, text: Tensor, speaker: Tensor, starts: Tensor) -> Tensor:
        """What the flow is told of what was ``read``: the prior mel of every pair of frames, and the hidden beside it.

        Args:
            starts: ``[1, P + 1]`` first frame of every phoneme and the end of the last, which is even.

        Returns:
            ``[1, S, 2 * MEL_BANDS + H]``.
        """
        frame = torch.arange(int(starts[0, -1]), device=starts.device).unsqueeze(0)
        mask = torch.ones(1, frame.shape[1] // STACK, 1, device=starts.device, dtype=speaker.dtype)
        return torch.cat(self.prior_of(self.frames_of(text, starts, frame), speaker, mask), dim=-1)

    def realise(
        self,
        plan: Tensor,
        speaker: Tensor,
        *,
        noise_scale: float,
        num_inference_steps: int,
        guidance_scale: float,
        generator: torch.Generator,
    ) -> Tensor:
        """From noise to the mel of a plan, ``[1, T, MEL_BANDS]``, by Euler steps; guided, the second row of the batch is
        told nothing (Ho and Salimans 2022, https://arxiv.org/abs/2207.12598)."""
        prior, hidden = plan.split([STACK * MEL_BANDS, plan.shape[-1] - STACK * MEL_BANDS], dim=-1)
        mask = torch.ones_like(plan[..., :1])
        x = torch.randn(prior.shape, generator=generator, dtype=torch.float32).to(prior) * noise_scale
        guided = guidance_scale != 1.0
        told = [prior, hidden, speaker]
        if guided:
            told = [torch.cat([value, torch.zeros_like(value)]) for value in told]
            mask = torch.cat([mask, mask])
        for now, then in pairwise(flow_times(num_inference_steps)):
            rows = torch.cat([x, x]) if guided else x
            velocity = self.flow(rows, torch.full_like(rows[:, 0, 0], now), *told, mask)
            if guided:
                seeing, blind = velocity.chunk(2)
                velocity = blind + guidance_scale * (seeing - blind)
            x = x + (then - now) * velocity
        return x.reshape(1, -1, MEL_BANDS)


def starts_of(lasting: Tensor, length_scale: float) -> Tensor:
    """``[1, P]`` natural frames to the first frame of every phoneme and the end of the last, ``[1, P + 1]``: whole frames, and
    an even number of them. The sum is rounded, not its parts, which keeps the pace exact."""
    ends = (lasting * length_scale).cumsum(dim=1).round().long()
    ends[:, -1] += ends[:, -1] % STACK
    return F.pad(ends, (1, 0))


def flow_times(steps: int) -> list[float]:
    """From 0 to 1, closest at the beginning, where words are decided: sway sampling with coefficient -1 (F5-TTS, Chen et
    al. 2024, https://arxiv.org/abs/2410.06885)."""
    return [1 - math.cos(math.pi / 2 * step / steps) for step in range(steps)] + [1.0]
