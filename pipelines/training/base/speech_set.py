"""A corpus as tensors that lie where the training runs, so that a step never waits for a disk."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import soundfile
import torch
import torchaudio
from torch import Tensor

from models.starter.mel import HOP, SAMPLE_RATE, MelSpectrogram
from pipelines.audio.levelling import levelled
from pipelines.audio.pitch import yin
from pipelines.text.symbols import LANGUAGES, SYMBOL_ID
from pipelines.training.corpus import read_clips

FULL_BAND_HZ = 9_500
RECORDED_SHARE = 0.4
"""Share of a batch that real people speak, however little of the corpus they are."""
RECORDED_WARPS = (0.875, 0.9375, 1.0, 1.0625, 1.125)
"""A recording played slower or faster is another speaker: pitch, formants and pace move together."""
HELD_OUT_SHARE = 40
"""One clip in so many is never trained on."""


@dataclass
class SpeechSet:
    """``C`` clips laid end to end; ``F`` mel frames in all, ``HOP`` samples each.

    Attributes:
        wave: ``[F * HOP]`` int16 at 22.05 kHz.
        mel: ``[F, MEL_BANDS]`` half.
        f0: ``[F]`` half, Hz, 0 where unvoiced.
        first_frame, frames: ``[C]`` where a clip begins and how long it is.
        symbols, tones: ``[C, P]``, padded with 0.
        starts: ``[C, P + 1]`` first frame of each phoneme, padded with the end.
        phonemes: ``[C]`` how many are real.
        speaker, language, full_band: ``[C]``.
        weight: ``[C]`` how often a clip is drawn.
        trained: ``[C]`` false for the held-out clips.
    """

    wave: Tensor
    mel: Tensor
    f0: Tensor
    first_frame: Tensor
    frames: Tensor
    symbols: Tensor
    tones: Tensor
    starts: Tensor
    phonemes: Tensor
    speaker: Tensor
    language: Tensor
    full_band: Tensor
    weight: Tensor
    trained: Tensor
    same_speaker: Tensor  # [C, 8] clips by the same speaker, itself when there is no other

    @property
    def device(self) -> torch.device:
        return self.mel.device

    def draw(self, count: int, generator: torch.Generator, trained: bool = True) -> Tensor:
        """``[count]`` clip numbers."""
        weight = self.weight * (self.trained == trained)
        return torch.multinomial(weight, count, replacement=True, generator=generator)

    def crop(
        self, clips: Tensor, length: int, generator: torch.Generator, multiple: int = 1
    ) -> tuple[Tensor, Tensor]:
        """A window of ``length`` frames somewhere in each clip.

        Returns:
            frame numbers within the clip ``[B, length]`` and whether the clip reaches that far ``[B, length]``.
        """
        room = (self.frames[clips] - length).clamp(min=0)
        place = torch.rand(len(clips), device=self.device, generator=generator)
        begin = (place * (room + 1)).long() // multiple * multiple
        frame = begin[:, None] + torch.arange(length, device=self.device)
        return frame, frame < self.frames[clips][:, None]

    def at(self, track: Tensor, clips: Tensor, frame: Tensor) -> Tensor:
        """``track`` (``mel`` or ``f0``) at the given frames of the given clips, ``[B, length, ...]`` float."""
        inside = torch.minimum(frame, self.frames[clips][:, None] - 1)
        return track[self.first_frame[clips][:, None] + inside].float()

    def samples(self, clips: Tensor, first: Tensor, count: int) -> Tensor:
        """``[B, count]`` samples in [-1, 1] from frame ``first`` ``[B]`` of each clip; silence beyond its ends."""
        sample = first[:, None] * HOP + torch.arange(count, device=self.device)
        inside = (sample >= 0) & (sample < self.frames[clips][:, None] * HOP)
        index = (self.first_frame[clips][:, None] * HOP + sample).clamp(0, len(self.wave) - 1)
        return self.wave[index].float() / 32768 * inside


@dataclass(frozen=True)
class Example:
    """One clip before it is laid beside the others; shapes as in ``SpeechSet``, ``wave`` and ``f0`` where needed."""

    mel: Tensor
    symbols: Sequence[str]
    tones: Sequence[int]
    starts: Sequence[int]
    speaker: str
    language: str
    full_band: bool
    recorded: bool
    trained: bool
    wave: Tensor | None = None
    f0: Tensor | None = None


def load_speech(folders: Sequence[Path], device: str, pitch: bool = True) -> SpeechSet:
    """Decode, resample, level and analyse every clip of the given corpus folders; without ``pitch`` there is no F0."""
    clips = [(folder, clip) for folder in folders for clip in read_clips(folder)]
    mel_of = MelSpectrogram().to(device)
    examples = []
    with ThreadPoolExecutor() as pool:
        audio = pool.map(lambda item: soundfile.read(item[0] / item[1].audio, dtype="float32"), clips)
        for (_, clip), (samples, sample_rate) in zip(clips, audio, strict=True):
            recorded = clip.source == "recorded"
            trained = zlib.crc32(clip.id.encode()) % HELD_OUT_SHARE != 0
            for warp in RECORDED_WARPS if recorded and trained else (1.0,):
                wave = torchaudio.functional.resample(
                    torch.from_numpy(samples).to(device), round(sample_rate * warp), SAMPLE_RATE
                )
                wave = levelled(wave[: len(wave) // HOP * HOP], SAMPLE_RATE)
                examples.append(
                    Example(
                        mel=mel_of(wave[None])[0].half(),
                        symbols=clip.phonemes,
                        tones=clip.tones,
                        starts=[round(start / warp * SAMPLE_RATE / HOP) for start in clip.starts],
                        speaker=f"{clip.speaker}@{warp}" if recorded else clip.speaker,
                        language=clip.language,
                        full_band=clip.bandwidth_hz * warp >= FULL_BAND_HZ,
                        recorded=recorded,
                        trained=trained,
                        wave=(wave * 32767).to(torch.int16),
                        f0=yin(wave, SAMPLE_RATE, HOP).half() if pitch else None,
                    )
                )
    if examples and all(example.trained for example in examples):  # a corpus of a few clips
        examples[-1] = replace(examples[-1], trained=False)
    return lay_out(examples, device)


def lay_out(examples: Sequence[Example], device: str) -> SpeechSet:
    """``examples`` end to end on ``device``."""
    frames = torch.tensor([len(example.mel) for example in examples])
    width = max(len(example.symbols) for example in examples)
    symbols = torch.zeros(len(examples), width, dtype=torch.long)
    tones = torch.zeros_like(symbols)
    starts = frames[:, None].repeat(1, width + 1)
    for row, example in enumerate(examples):
        count = len(example.symbols)
        symbols[row, :count] = torch.tensor([SYMBOL_ID[symbol] for symbol in example.symbols])
        tones[row, :count] = torch.tensor(example.tones)
        starts[row, :count] = torch.tensor(example.starts[:count]).clamp(max=frames[row])
    names = {name: number for number, name in enumerate(sorted({example.speaker for example in examples}))}
    speaker = torch.tensor([names[example.speaker] for example in examples])
    recorded = torch.tensor([example.recorded for example in examples])
    weight = frames.float()
    if recorded.any() and not recorded.all():
        share = weight[recorded].sum() / weight.sum()
        weight = torch.where(
            recorded, weight * RECORDED_SHARE / share, weight * (1 - RECORDED_SHARE) / (1 - share)
        )
    by_speaker = [torch.where(speaker == number)[0] for number in range(len(names))]
    generator = torch.Generator().manual_seed(0)
    same = torch.stack(
        [
            clips[torch.randint(len(clips), (8,), generator=generator)]
            for clips in (by_speaker[int(number)] for number in speaker)
        ]
    )

    def each(value: Callable[[Example], int]) -> Tensor:
        return torch.tensor([value(example) for example in examples], device=device)

    def joined(tracks: list[Tensor | None]) -> Tensor:
        return torch.cat([track for track in tracks if track is not None] or [torch.empty(0)]).to(device)

    return SpeechSet(
        wave=joined([example.wave for example in examples]),
        mel=joined([example.mel for example in examples]),
        f0=joined([example.f0 for example in examples]),
        first_frame=(frames.cumsum(0) - frames).to(device),
        frames=frames.to(device),
        symbols=symbols.to(device),
        tones=tones.to(device),
        starts=starts.to(device),
        phonemes=each(lambda example: len(example.symbols)),
        speaker=speaker.to(device),
        language=each(lambda example: LANGUAGES.index(example.language)),
        full_band=each(lambda example: int(example.full_band)),
        weight=weight.to(device),
        trained=each(lambda example: example.trained),
        same_speaker=same.to(device),
    )
