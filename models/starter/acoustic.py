"""From phonemes to a mel spectrogram: explicit durations, then conditional flow matching.

Flow matching: Lipman et al. 2022 (https://arxiv.org/abs/2210.02747); for speech with durations, Matcha-TTS
(Mehta et al. 2023, https://arxiv.org/abs/2309.03199). Here the flow is a stack of ConvNeXt blocks, and works on
pairs of frames.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

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

    Training calls the pieces (``text``, ``duration``, ``frames_of``, ``prior_of``, ``flow``); speaking calls ``speak``.
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

    @torch.inference_mode()
    def speak(
        self,
        symbols: Tensor,
        tones: Tensor,
        language: Tensor,
        speaker: Tensor,
        *,
        length_scale: float,
        noise_scale: float,
        num_inference_steps: int,
        guidance_scale: float,
        generator: torch.Generator,
        silent: Tensor,
        beside: tuple[Acoustic, Tensor, Tensor] | None = None,
    ) -> tuple[Tensor, Tensor]:
        """One sentence.

        Args:
            beside: a network that plans some of the phonemes, which ``[1, P]``, and the speaker that it plans for
                ``[1, speaker_channels]``; on average over the sentence its plan is moved to what it would be for
                ``speaker``. The flow is always this one's.
            symbols, tones, language: ``[1, P]``; speaker: ``[1, speaker_channels]``.
            silent: ``[1, P]`` true for pauses, which alone may last zero frames.

        Returns:
            mel ``[1, T, MEL_BANDS]`` and the frames of every phoneme ``[1, P]``.
        """
        # 1. Durations.
        present = torch.ones_like(symbols, dtype=speaker.dtype).unsqueeze(-1)
        planners = [(self, speaker), *([(beside[0], beside[2])] if beside else [])]
        texts = [planner.text(symbols, tones, language, present, voice) for planner, voice in planners]
        lasting = [
            planner.duration(text, present, voice)
            for (planner, voice), text in zip(planners, texts, strict=True)
        ]
        natural = (torch.where(beside[1], *reversed(lasting)) if beside else lasting[0]).exp() - 1
        natural = torch.where(silent, natural.clamp(min=0.0), natural.clamp(min=2.0))
        ends = (
            (natural * length_scale).cumsum(dim=1).round().long()
        )  # rounding the sum, not the parts, keeps the pace exact
        ends[:, -1] += ends[:, -1] % STACK
        starts = F.pad(ends, (1, 0))
        # 2. Prior.
        frame = torch.arange(int(ends[0, -1]), device=symbols.device).unsqueeze(0)
        mask = torch.ones(1, frame.shape[1] // STACK, 1, device=symbols.device, dtype=speaker.dtype)
        priors = [
            planner.prior_of(planner.frames_of(text, starts, frame), voice, mask)
            for (planner, voice), text in zip(planners, texts, strict=True)
        ]
        prior, hidden = priors[0]
        if beside:
            own = beside[0].prior_of(beside[0].frames_of(texts[1], starts, frame), speaker, mask)
            priors[1] = tuple(
                plan + (other - plan).mean(dim=1, keepdim=True)
                for plan, other in zip(priors[1], own, strict=True)
            )
            theirs = beside[1].repeat_interleave(starts.diff(dim=1)[0], dim=1)[:, ::STACK].unsqueeze(-1)
            prior, hidden = (torch.where(theirs, b, a) for a, b in zip(*priors, strict=True))
        # 3. Flow from noise to mel by Euler steps; guided, the second row of the batch is told nothing.
        noise = torch.randn(prior.shape, generator=generator, dtype=torch.float32)
        x = noise.to(prior) * noise_scale
        guided = guidance_scale != 1.0
        told = [prior, hidden, speaker]
        if guided:
            told = [torch.cat([value, torch.zeros_like(value)]) for value in told]
            mask = torch.cat([mask, mask])
        times = torch.linspace(0.0, 1.0, num_inference_steps + 1).tolist()
        for now, then in zip(times, times[1:], strict=False):
            rows = torch.cat([x, x]) if guided else x
            velocity = self.flow(rows, torch.full_like(rows[:, 0, 0], now), *told, mask)
            if guided:
                seeing, blind = velocity.chunk(2)
                velocity = blind + guidance_scale * (seeing - blind)
            x = x + (then - now) * velocity
        return x.reshape(1, -1, MEL_BANDS), starts.diff(dim=1)
