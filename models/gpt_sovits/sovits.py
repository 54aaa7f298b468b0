"""Semantic tokens, phonemes and a reference recording to a waveform: SoVITS v2, v2Pro and v2ProPlus.

A VITS (Kim et al. 2021, https://arxiv.org/abs/2106.06103) whose text side also hears quantised HuBERT features. v2Pro adds
the vector of a speaker verification network to the style; v2ProPlus is v2Pro with a wider generator.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from models.blocks.flow import CouplingFlow
from models.blocks.generator import Generator
from models.blocks.quantizer import Quantizer
from models.blocks.wavenet import PosteriorEncoder
from models.blocks.weight_norm import fold_weight_norm
from models.checkpoints import built, numbered
from models.gpt_sovits.prior import PriorEncoder, mask_of
from models.gpt_sovits.spectra import FFT_SIZE, HOP
from models.gpt_sovits.style import StyleEncoder

FRAMES_PER_TOKEN = 2
CONTEXT_FRAMES = 43
"""How far ``Sovits.sound`` looks to either side: 32 frames in the flow, 11 in the generator, as published."""


@dataclass(frozen=True)
class SovitsConfig:
    """The published v2; ``v2pro`` and ``v2proplus`` are the others.

    ``speaker_channels`` is 0 where no speaker verification vector is asked for.
    """

    spectrum_bins: int = 1025
    style_bins: int = 704
    segment_frames: int = 32
    latent_channels: int = 192
    hidden_channels: int = 192
    filter_channels: int = 768
    heads: int = 2
    layers: int = 6
    kernel_size: int = 3
    dropout: float = 0.1
    resblock_kernel_sizes: tuple[int, ...] = (3, 7, 11)
    resblock_dilations: tuple[tuple[int, ...], ...] = ((1, 3, 5), (1, 3, 5), (1, 3, 5))
    upsample_rates: tuple[int, ...] = (10, 8, 2, 2, 2)
    upsample_kernel_sizes: tuple[int, ...] = (16, 16, 8, 2, 2)
    upsample_initial_channels: int = 512
    style_channels: int = 512
    style_hidden_channels: int = 128
    reference_channels: int = 512
    semantic_channels: int = 768
    codebook_size: int = 1024
    phonemes: int = 732
    speaker_channels: int = 0

    @classmethod
    def v2pro(cls) -> SovitsConfig:
        return cls(dropout=0.0, style_channels=1024, speaker_channels=20_480)

    @classmethod
    def v2proplus(cls) -> SovitsConfig:
        return replace(cls.v2pro(), upsample_initial_channels=768, upsample_kernel_sizes=(20, 16, 8, 2, 2))

    @classmethod
    def official(cls, config: Mapping[str, Any], shapes: Mapping[str, Sequence[int]]) -> SovitsConfig:
        """What an official file holds.

        Args:
            config: the file's ``config``. It is asked only for what the shapes cannot tell: rates, dilations, dropout,
                the length of a segment.
            shapes: of the file's weights.

        Raises:
            ValueError: the file is no SoVITS v2, v2Pro or v2ProPlus; names what is missing or wrong.
        """
        try:
            model, rates = config["model"], tuple(config["model"]["upsample_rates"])
            kernels = numbered("dec.ups.{}.weight_v", shapes)
            branches = numbered("dec.resblocks.{}.convs1.0.weight_v", shapes)
            dilations = tuple(tuple(d) for d in model["resblock_dilation_sizes"])
            text = numbered("enc_p.encoder_text.ffn_layers.{}.conv_1.weight", shapes)
            filter_channels, hidden_channels, kernel_size = text[0]
            codebook_size, semantic_channels = shapes["quantizer.vq.layers.0._codebook.embed"]
            style_channels, style_hidden_channels = shapes["ref_enc.fc.fc.weight"]
            frame = config["data"]["hop_length"], config["data"]["filter_length"]
            if frame != (HOP, FFT_SIZE) or math.prod(rates) != HOP or not _are_counts(rates):
                raise ValueError(f"not a SoVITS of 32 kHz with frames of {HOP} samples: {frame}, {rates}")
            kernel_sizes = tuple(shape[2] for shape in kernels)
            if len(rates) != len(kernels) or any(
                size < rate or (size - rate) % 2 for size, rate in zip(kernel_sizes, rates, strict=True)
            ):
                raise ValueError(f"not a SoVITS whose rates {rates} go with its kernels {kernel_sizes}")
            if model["resblock"] != "1" or not all(map(_are_counts, dilations)):
                raise ValueError(f"unknown residual blocks: {model['resblock']}, {dilations}")
            return cls(
                style_bins=shapes["ref_enc.spectral.0.fc.weight"][1],
                segment_frames=config["train"]["segment_size"] // HOP,
                latent_channels=shapes["dec.conv_pre.weight"][1],
                hidden_channels=hidden_channels,
                filter_channels=filter_channels,
                heads=hidden_channels // shapes["enc_p.encoder_text.attn_layers.0.emb_rel_k"][2],
                layers=len(text),
                kernel_size=kernel_size,
                dropout=model["p_dropout"],
                resblock_kernel_sizes=tuple(shape[2] for shape in branches[: len(branches) // len(rates)]),
                resblock_dilations=dilations,
                upsample_rates=rates,
                upsample_kernel_sizes=kernel_sizes,
                upsample_initial_channels=shapes["dec.conv_pre.weight"][0],
                style_channels=style_channels,
                style_hidden_channels=style_hidden_channels,
                reference_channels=shapes["enc_p.mrte.c_pre.weight"][0],
                semantic_channels=semantic_channels,
                codebook_size=codebook_size,
                phonemes=shapes["enc_p.text_embedding.weight"][0],
                speaker_channels=shapes["sv_emb.weight"][1] if "sv_emb.weight" in shapes else 0,
            )
        except (KeyError, IndexError, TypeError) as error:
            raise ValueError(f"not a SoVITS v2, v2Pro or v2ProPlus: {error!r}") from error


@dataclass(frozen=True)
class Rehearsal:
    """What a training step's losses are made of; T frames, S samples of a segment.

    Attributes:
        wave: ``[B, 1, S]``, to be compared with the recording's samples from ``starts * HOP`` on.
        starts: ``[B]`` first frame of every segment.
        mask: ``[B, 1, T]``.
        z, z_prior: ``[B, C, T]`` the posterior's sample, and the same carried to the prior's side of the flow.
        prior_mean, prior_log_deviation, posterior_mean, posterior_log_deviation: ``[B, C, T]``.
    """

    wave: Tensor
    starts: Tensor
    mask: Tensor
    z: Tensor
    z_prior: Tensor
    prior_mean: Tensor
    prior_log_deviation: Tensor
    posterior_mean: Tensor
    posterior_log_deviation: Tensor


class Sovits(nn.Module):
    """Training calls ``forward``; speaking calls ``style_of`` once a voice and ``speak`` once a sentence.

    Args:
        config: the sizes.
        posterior: whether to hold ``enc_q``, which training alone needs and files made for speaking leave out.
    """

    def __init__(self, config: SovitsConfig, *, posterior: bool = True) -> None:
        super().__init__()
        self.config = c = config
        self.enc_p = PriorEncoder(
            c.semantic_channels,
            c.latent_channels,
            c.hidden_channels,
            c.filter_channels,
            c.heads,
            c.layers,
            c.kernel_size,
            c.dropout,
            c.phonemes,
            c.reference_channels,
        )
        self.dec = Generator(
            c.latent_channels,
            c.upsample_initial_channels,
            c.upsample_rates,
            c.upsample_kernel_sizes,
            c.resblock_kernel_sizes,
            c.resblock_dilations,
            c.style_channels,
        )
        if posterior:
            self.enc_q = PosteriorEncoder(
                c.spectrum_bins, c.latent_channels, c.hidden_channels, c.style_channels
            )
        self.flow = CouplingFlow(c.latent_channels, c.hidden_channels, c.style_channels)
        self.ref_enc = StyleEncoder(c.style_bins, c.style_hidden_channels, c.style_channels)
        self.ssl_proj = nn.Conv1d(
            c.semantic_channels, c.semantic_channels, FRAMES_PER_TOKEN, stride=FRAMES_PER_TOKEN
        )
        self.quantizer = Quantizer(c.codebook_size, c.semantic_channels)
        if c.speaker_channels:
            self.sv_emb = nn.Linear(c.speaker_channels, c.style_channels)
            self.ge_to512 = nn.Linear(c.style_channels, c.reference_channels)
            self.prelu = nn.PReLU(c.style_channels)

    @classmethod
    def of_official(
        cls, config: Mapping[str, Any], weights: Mapping[str, Tensor], *, posterior: bool = False
    ) -> Sovits:
        """The network of an official file, in fp32 and eval mode.

        Args:
            config, weights: what the file holds.
            posterior: keep ``enc_q`` for training; files made for speaking have none.

        Raises:
            ValueError: as ``SovitsConfig.official``.
            RuntimeError: keys or shapes do not fit the network; names them.
        """
        shapes = {name: tuple(weight.shape) for name, weight in weights.items()}
        if not posterior:
            weights = {name: w for name, w in weights.items() if not name.startswith("enc_q.")}
        return built(lambda: cls(SovitsConfig.official(config, shapes), posterior=posterior), weights)

    def for_speaking(self, dtype: torch.dtype = torch.float32) -> Sovits:
        """In eval mode, every weight made once, without what training alone needs. There is no way back.

        Args:
            dtype: what nearly all the arithmetic is done in, that of the generator; the rest stays in fp32.
        """
        if hasattr(self, "enc_q"):
            del self.enc_q
        fold_weight_norm(self)
        self.dec.compute_in(dtype)
        return self.eval()

    @torch.no_grad()
    def extract_latent(self, content: Tensor) -> Tensor:
        """HuBERT features ``[B, semantic_channels, T]`` at 50 Hz -> semantic tokens ``[B, 1, T // 2]``."""
        return self.quantizer.encode(self.ssl_proj(content)).unsqueeze(1)

    def style_of(self, references: Sequence[Tensor], speakers: Sequence[Tensor] | None = None) -> Tensor:
        """The mean style of several recordings.

        Args:
            references: magnitude spectra ``[1, spectrum_bins, T]`` of any lengths.
            speakers: the speaker verification vector ``[1, speaker_channels]`` of each; v2Pro and v2ProPlus need them.

        Returns:
            ``[1, style_channels, 1]``, all that the network wants to know of a voice.

        Raises:
            ValueError: ``speakers`` are missing, or there are not as many as references.
        """
        speakers = self._checked(speakers, len(references))
        styles = [
            self._style(spectrum, torch.ones_like(spectrum[:, :1]), speaker)
            for spectrum, speaker in zip(references, speakers, strict=True)
        ]
        return torch.stack(styles).mean(dim=0)

    def speak(
        self,
        codes: Tensor,
        phonemes: Tensor,
        style: Tensor,
        *,
        noise_scale: float = 0.5,
        speed: float = 1.0,
        noise: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """One sentence.

        Args:
            codes: semantic tokens ``[1, 1, T]``.
            phonemes: ``[1, P]`` of this sentence alone, without those of the prompt.
            style: ``[1, style_channels, 1]`` of ``style_of``.
            noise_scale: 0 speaks the mean, the same every time.
            speed: 2 is twice as fast.
            noise: ``[1, C, T']`` normal draws to use instead of the generator's.

        Returns:
            ``[1, 1, N]`` at 32 kHz, in [-1, 1].
        """
        mean, log_deviation = self.expect(codes, phonemes, style, speed)
        if noise is None:
            device = generator.device if generator else mean.device
            noise = torch.randn(mean.shape, generator=generator, device=device)
        return self.sound(mean + noise.to(mean) * log_deviation.exp() * noise_scale, style)

    def expect(
        self, codes: Tensor, phonemes: Tensor, style: Tensor, speed: float = 1.0
    ) -> tuple[Tensor, Tensor]:
        """The first half of ``speak``, which looks at the whole sentence: mean and log deviation ``[1, C, T']``."""
        semantic = self.quantizer.decode(codes[:, 0]).repeat_interleave(FRAMES_PER_TOKEN, dim=-1)
        mean, log_deviation, _ = self.enc_p(
            semantic,
            torch.ones_like(semantic[:, :1]),
            phonemes,
            style.new_ones(phonemes.shape[0], 1, phonemes.shape[1]),
            self._reference_style(style),
            speed,
        )
        return mean, log_deviation

    def sound(self, z: Tensor, style: Tensor) -> Tensor:
        """The second half: a draw of the latent ``[1, C, T']`` -> ``[1, 1, T' * HOP]``.

        It is convolutions alone: what lies further than ``CONTEXT_FRAMES`` from a frame does not reach it, so a part of a
        sentence can be sounded for itself.
        """
        mask = torch.ones_like(z[:, :1])
        z = self.flow(z, mask, style, reverse=True)
        return self.dec(z, style)

    def decode(
        self,
        codes: Tensor,
        phonemes: Tensor,
        references: Sequence[Tensor],
        speakers: Sequence[Tensor] | None = None,
        *,
        noise_scale: float = 0.5,
        speed: float = 1.0,
        noise: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """``speak`` in the style of ``references``."""
        style = self.style_of(references, speakers)
        return self.speak(
            codes, phonemes, style, noise_scale=noise_scale, speed=speed, noise=noise, generator=generator
        )

    def forward(
        self,
        content: Tensor,
        spectrum: Tensor,
        lengths: Tensor,
        phonemes: Tensor,
        phoneme_lengths: Tensor,
        speakers: Tensor | None = None,
    ) -> Rehearsal:
        """One step of training; draws come from torch's own generator.

        Args:
            content: HuBERT features ``[B, semantic_channels, T]`` at 50 Hz, T even.
            spectrum: ``[B, spectrum_bins, T]`` of the recordings, their first ``lengths`` ``[B]`` frames.
            phonemes: ``[B, P]``, their first ``phoneme_lengths`` ``[B]``.
            speakers: ``[B, speaker_channels]`` for v2Pro and v2ProPlus.

        Raises:
            ValueError: ``speakers`` are missing, or a recording is shorter than a segment.
        """
        segment = self.config.segment_frames
        if int(lengths.min()) < segment:
            raise ValueError(f"a recording of {int(lengths.min())} frames; training needs {segment}")
        (speakers,) = self._checked(None if speakers is None else [speakers], 1)
        mask = mask_of(lengths, spectrum.shape[-1], spectrum)
        # 1. Style and semantic frames. The codebook and the projection before it stay as they are.
        style = self._style(spectrum, mask, speakers)
        with torch.no_grad():
            codes = self.extract_latent(content)[:, 0]
            semantic = self.quantizer.decode(codes).repeat_interleave(FRAMES_PER_TOKEN, dim=-1)
        # 2. Prior, posterior and the flow between them.
        phoneme_mask = mask_of(phoneme_lengths, phonemes.shape[-1], spectrum)
        prior_mean, prior_log_deviation, _ = self.enc_p(
            semantic, mask, phonemes, phoneme_mask, self._reference_style(style)
        )
        # The posterior hears the style, but does not shape it: it would pass the recording through.
        z, posterior_mean, posterior_log_deviation = self.enc_q(spectrum, mask, style.detach())
        z_prior = self.flow(z, mask, style)
        # 3. A segment of each as sound.
        starts = (torch.rand(len(lengths), device=lengths.device) * (lengths - segment + 1)).long()
        frames = starts[:, None] + torch.arange(segment, device=starts.device)  # [B, segment]
        cut = z.gather(2, frames.unsqueeze(1).expand(-1, z.shape[1], -1))
        return Rehearsal(
            self.dec(cut, style),
            starts,
            mask,
            z,
            z_prior,
            prior_mean,
            prior_log_deviation,
            posterior_mean,
            posterior_log_deviation,
        )

    def _style(self, spectrum: Tensor, mask: Tensor, speaker: Tensor | None) -> Tensor:
        style = self.ref_enc(spectrum[:, : self.config.style_bins], mask)
        if speaker is None:
            return style
        return self.prelu(style + self.sv_emb(speaker).unsqueeze(-1))

    def _reference_style(self, style: Tensor) -> Tensor:
        """The style as the prior wants it, ``[B, reference_channels, 1]``."""
        if not self.config.speaker_channels:
            return style
        return self.ge_to512(style.transpose(1, 2)).transpose(1, 2)

    def _checked(self, speakers: Sequence[Tensor] | None, count: int) -> Sequence[Tensor | None]:
        if not self.config.speaker_channels:
            return [None] * count
        if speakers is None or len(speakers) != count:
            raise ValueError(f"{count} speaker vectors are needed, {len(speakers or ())} came")
        return speakers


def _are_counts(numbers: Sequence[object]) -> bool:
    return all(type(number) is int and 1 <= number <= HOP for number in numbers)
