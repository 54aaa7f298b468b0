"""From a mel spectrogram to a waveform: a source-filter model in the short-time Fourier domain.

The source is a comb of harmonics at the predicted F0 plus white noise (Wang et al. 2019, neural source-filter,
https://arxiv.org/abs/1904.12088); ConvNeXt filters shape both, frame by frame, and an inverse STFT gives the waveform
(Vocos, Siuzdak 2023, https://arxiv.org/abs/2306.00814). Periodicity comes from the source, so few steps of training
give clean pitch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.blocks.convnext import ConvNeXtBlock
from models.starter.mel import FFT_SIZE, HOP, MEL_BANDS, SAMPLE_RATE, spectrum_of

HIGHEST_HZ = 600.0
VOICED_FROM = -3.0
"""The logit of being voiced from which a frame is. The labels were strict: many a soft end of a vowel was none of them, and
whispered is worse than a faint hum (assets/starter/MODEL_CARD.md)."""
HARMONIC_BANDS, SMOOTHED_OVER = 30, 5
"""Mel bands that tell one harmonic from the next, and over how many their ripple is gone."""
VOICED_NOISE, REPITCHED_NOISE, NOISE_HZ = 0.4, 0.2, 4000.0
"""What is left of the noise below so many Hz in voiced frames, and where the mel was made with another pitch, and so looks
hoarse."""
_BINS = FFT_SIZE // 2 + 1
_NOISE_BINS = round(NOISE_HZ / SAMPLE_RATE * FFT_SIZE)


@dataclass(frozen=True)
class VocoderConfig:
    channels: int = 256
    hidden_channels: int = 768
    blocks: int = 8
    pitch_channels: int = 128
    pitch_blocks: int = 4


class PitchPredictor(nn.Module):
    """log2 F0 and voicing of every frame, heard from the mel spectrogram alone."""

    def __init__(self, config: VocoderConfig) -> None:
        super().__init__()
        width = config.pitch_channels
        self.stem = nn.Linear(MEL_BANDS, width)
        self.blocks = nn.ModuleList(
            ConvNeXtBlock(width, 3 * width, dilation=2 ** (i % 2)) for i in range(config.pitch_blocks)
        )
        self.out = nn.Linear(width, 2)

    def forward(self, mel: Tensor) -> tuple[Tensor, Tensor]:
        """``[B, T, MEL_BANDS]`` -> log2 of F0 in Hz ``[B, T]`` and the logit of being voiced ``[B, T]``."""
        x = self.stem(mel)
        for block in self.blocks:
            x = block(x)
        octave, voiced = self.out(x).unbind(-1)
        return octave + math.log2(150.0), voiced


def _f0_of(octave: Tensor, voiced: Tensor) -> Tensor:
    return torch.where(voiced > VOICED_FROM, 2.0**octave, torch.zeros_like(octave)).clamp(max=HIGHEST_HZ)


def comb(f0: Tensor, length: int) -> Tensor:
    """Band-limited pulses at F0.

    Args:
        f0: ``[B, T]`` in Hz for every frame, 0 where unvoiced.
        length: samples, at most ``T * HOP``.

    Returns:
        ``[B, length]``: all harmonics below Nyquist with equal weight, zero where unvoiced.
    """
    voiced = f0 > 0
    held = torch.where(voiced, f0, torch.full_like(f0, 150.0))
    track = F.interpolate(held.unsqueeze(1).float(), scale_factor=HOP, mode="linear", align_corners=False)
    # Frame i is centred on sample i * HOP; interpolate() puts it half a hop later.
    track = F.pad(track, (0, HOP // 2), mode="replicate")[:, 0, HOP // 2 : HOP // 2 + length].double()
    gate = voiced.repeat_interleave(HOP, dim=1)
    gate = F.pad(gate, (0, HOP // 2))[:, HOP // 2 : HOP // 2 + length]
    phase = (track / SAMPLE_RATE).cumsum(dim=1)
    phase = (phase - phase.round()).float()  # one sawtooth a period, zero at the pulse
    # A sinc of the time since the pulse, in samples, is a pulse without aliases.
    samples = phase * (SAMPLE_RATE / track.float())
    return torch.sinc(samples) * gate * (SAMPLE_RATE / track.float()).sqrt() / 8


def without_harmonics(mel: Tensor) -> Tensor:
    """``[B, T, MEL_BANDS]`` with a smooth envelope in its lower bands."""
    wide = F.pad(mel, (SMOOTHED_OVER // 2, SMOOTHED_OVER // 2), mode="replicate")
    smooth = F.avg_pool1d(wide, SMOOTHED_OVER, stride=1)
    return torch.cat([smooth[..., :HARMONIC_BANDS], mel[..., HARMONIC_BANDS:]], dim=-1)


class Vocoder(nn.Module):
    def __init__(self, config: VocoderConfig) -> None:
        super().__init__()
        self.config = config
        self.pitch = PitchPredictor(config)
        self.stem = nn.Linear(MEL_BANDS + 2, config.channels)
        self.blocks = nn.ModuleList(
            ConvNeXtBlock(config.channels, config.hidden_channels) for _ in range(config.blocks)
        )
        self.norm = nn.LayerNorm(config.channels)
        self.out = nn.Linear(
            config.channels, 3 * _BINS
        )  # harmonic magnitude, harmonic phase, noise magnitude
        with torch.no_grad():
            self.out.weight.mul_(0.2)
            self.out.bias.copy_(torch.cat([torch.full((_BINS,), b) for b in (-2.0, 0.0, -5.0)]))
        self.register_buffer("window", torch.hann_window(FFT_SIZE), persistent=False)

    def f0_of(self, mel: Tensor) -> Tensor:
        """``[B, T, MEL_BANDS]`` -> the predicted F0 in Hz, 0 where unvoiced ``[B, T]``."""
        return _f0_of(*self.pitch(mel))

    def forward(
        self,
        mel: Tensor,
        f0: Tensor | None = None,
        generator: torch.Generator | None = None,
        repitched: Tensor | None = None,
        voiced_noise: float = VOICED_NOISE,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """
        Args:
            mel: ``[B, T, MEL_BANDS]``.
            f0: ``[B, T]`` in Hz, 0 where unvoiced; predicted from the mel when absent.
            generator: where the noise comes from.
            repitched: ``[B, T]`` true where ``f0`` is another than the mel was made with: harmonics of the old one are
                smoothed away, and the noise that takes their place is held down.
            voiced_noise: what is left of the noise of voiced frames; in training it is left alone.

        Returns:
            wave ``[B, T * HOP]``, predicted log2 F0 ``[B, T]`` and voicing logits ``[B, T]``.
        """
        octave, voiced = self.pitch(mel)
        if f0 is None:
            f0 = _f0_of(octave, voiced).detach()
        told = torch.stack(
            [(f0.clamp(min=1.0).log2() - math.log2(150.0)) * (f0 > 0), (f0 > 0).to(mel)], dim=-1
        )
        if repitched is not None:
            mel = torch.where(repitched.unsqueeze(-1), without_harmonics(mel), mel)
        x = self.stem(torch.cat([mel, told.to(mel)], dim=-1))
        for block in self.blocks:
            x = block(x)
        harmonic, phase, noise = self.out(self.norm(x)).float().chunk(3, dim=-1)

        length = mel.shape[1] * HOP
        pulses = spectrum_of(comb(f0, length), self.window)
        source = generator.device if generator else mel.device
        white = torch.randn(mel.shape[0], length, generator=generator, device=source).to(mel.device)
        hiss = spectrum_of(white, self.window)
        filtered = pulses * torch.polar(harmonic.clamp(max=6.0).exp(), math.pi * phase)
        left = torch.where(f0 > 0, voiced_noise, 1.0)
        if repitched is not None:
            left = torch.where(repitched, REPITCHED_NOISE, left)
        noise = noise.clamp(max=6.0).exp()
        low, high = noise[..., :_NOISE_BINS], noise[..., _NOISE_BINS:]
        filtered = filtered + hiss * torch.cat([low * left.unsqueeze(-1), high], dim=-1)
        # [B, F, T + 1]: istft wants the frame after the end.
        filtered = F.pad(filtered.transpose(1, 2), (0, 1))
        wave = torch.istft(filtered, FFT_SIZE, HOP, window=self.window, center=True, length=length)
        return wave, octave, voiced
