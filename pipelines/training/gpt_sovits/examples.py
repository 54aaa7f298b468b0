"""Clips as GPT-SoVITS learns from them: samples, content, semantic tokens, phonemes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from models.gpt_sovits.sovits import FRAMES_PER_TOKEN
from models.gpt_sovits.spectra import HOP, kaldi_filterbank
from pipelines.audio.recording import Recording
from pipelines.speech.engine import Monitor
from pipelines.speech.gpt_sovits.content_features import SAMPLE_RATE as CONTENT_RATE
from pipelines.speech.gpt_sovits.descriptions import SAMPLE_RATE
from pipelines.speech.gpt_sovits.engine import GptSovitsEngine, spoken_in
from pipelines.speech.gpt_sovits.weights import Networks
from pipelines.speech.voice import Voice
from pipelines.text.gpt_sovits.symbols import ids_of

PEAK, PEAK_SHARE = 0.95, 0.5
"""Half of a clip is brought to one peak, as it was for what the networks were trained on."""
PHONEMES_PER_SECOND = (3.0, 25.0)
"""A text that would be said slower or faster is not what was said."""
PLACEHOLDER = ids_of((".",))


@dataclass(frozen=True)
class Example:
    """Everything lies on the CPU.

    Attributes:
        wave: ``[T * HOP]`` at 32 kHz.
        content: ``[C, T]`` half, T even.
        tokens: ``[T / 2]`` semantic tokens.
        phonemes: ``[P]``, a placeholder where nobody knows what is said.
        bert: ``[bert_channels, P]`` half.
        speaker: ``[speaker_channels]`` where the version asks for it.
        told: whether the phonemes are known.
        trained: false for what is held out.
    """

    wave: Tensor
    content: Tensor
    tokens: Tensor
    phonemes: Tensor
    bert: Tensor
    speaker: Tensor | None
    told: bool
    trained: bool = True

    @property
    def frames(self) -> int:
        return self.content.shape[1]

    @property
    def seconds(self) -> float:
        return len(self.wave) / SAMPLE_RATE


def examples_of(
    clips: Sequence[Recording], engine: GptSovitsEngine, brought: Voice, monitor: Monitor
) -> list[Example]:
    """One a clip, each a turn.

    Args:
        brought: whose semantic tokens they are; the base's where it has no weights of its own.

    Raises:
        CraftError: as ``FrontEnd.read`` for a text that cannot be read.
    """
    with monitor.turn():
        networks = engine.networks_of(brought)
    examples = []
    for number, clip in enumerate(clips):
        monitor.stage("features", 0.06 + 0.06 * number / len(clips))
        with monitor.turn():
            examples.append(_example(clip, engine, networks))
    return examples


@torch.inference_mode()
def _example(clip: Recording, engine: GptSovitsEngine, networks: Networks) -> Example:
    # 1. The sound, and what is said in it as features 50 times a second.
    low, wave = (_mixed(engine.wave(clip, rate)) for rate in (CONTENT_RATE, SAMPLE_RATE))
    content = engine.content(low)
    tokens = networks.sovits.extract_latent(content)[0, 0]
    frames = len(wave) // HOP // FRAMES_PER_TOKEN * FRAMES_PER_TOKEN
    # HuBERT's last window ends before the recording does.
    content = F.pad(content, (0, max(0, frames - content.shape[-1])), mode="replicate")[0, :, :frames]
    speaker = None
    if networks.sovits.config.speaker_channels:
        speaker = engine.speaker(kaldi_filterbank(low.unsqueeze(0)))[0].cpu()
    # 2. The text, unless nobody would say it in this time.
    phonemes = torch.tensor(PLACEHOLDER)
    bert = torch.zeros(networks.text2semantic.config.bert_channels, len(phonemes))
    told = False
    if clip.text:
        utterances = engine.read(clip.text, spoken_in(clip.language))
        read = torch.cat([engine.ids(utterance) for utterance in utterances])
        slowest, fastest = PHONEMES_PER_SECOND
        if slowest <= len(read) / clip.seconds <= fastest:
            told, phonemes = True, read
            bert = torch.cat([engine.features(utterance, networks) for utterance in utterances], dim=1)
    return Example(
        wave[: frames * HOP].cpu(),
        content.half().cpu(),
        tokens.cpu(),
        phonemes.cpu(),
        bert.half().cpu(),
        speaker,
        told,
    )


def _mixed(wave: Tensor) -> Tensor:
    peak = wave.abs().max().clamp(min=1e-5)
    return PEAK_SHARE * PEAK * wave / peak + (1 - PEAK_SHARE) * wave


def padded(rows: Sequence[Tensor], *, left: bool = False) -> Tensor:
    """``[..., N]`` rows of different lengths -> ``[B, ..., longest]``, zeros behind them or before them."""
    longest = max(row.shape[-1] for row in rows)
    return torch.stack(
        [F.pad(row, (longest - row.shape[-1], 0) if left else (0, longest - row.shape[-1])) for row in rows]
    )


def lengths(rows: Sequence[Tensor], device: str) -> Tensor:
    """``[B]``."""
    return torch.tensor([row.shape[-1] for row in rows], device=device)


def drawn(examples: Sequence[Example], count: int, generator: torch.Generator) -> list[Example]:
    """``count`` of them, none twice while there are others."""
    order = torch.cat(
        [
            torch.randperm(len(examples), generator=generator, device=generator.device)
            for _ in range(-(-count // len(examples)))
        ]
    )
    return [examples[number] for number in order[:count].tolist()]


def hold_out(examples: Sequence[Example]) -> list[Example]:
    """``examples`` of which one in eight is not trained on: of those whose text is known, where there are two."""
    told = [number for number, example in enumerate(examples) if example.told]
    candidates = told if len(told) >= 2 else range(len(examples))
    chosen = set(candidates[3::8] or [min(candidates, key=lambda number: examples[number].frames)])
    return [replace(example, trained=number not in chosen) for number, example in enumerate(examples)]
