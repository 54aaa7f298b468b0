"""A corpus as tensors that lie where the training runs, so that a step never waits for a disk."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import soundfile
import torch
import torchaudio
from torch import Tensor

from models.starter.mel import HOP, SAMPLE_RATE, MelSpectrogram
from pipelines.audio.pitch import yin
from pipelines.text.symbols import LANGUAGES, SYMBOL_ID, is_pause
from pipelines.training.corpus import read_clips

FULL_BAND_HZ = 9_500
RECORDED_SHARE = 0.5
"""Share of a batch that real people speak, however little of the corpus they are."""
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


def load_speech(folders: Sequence[Path], device: str) -> SpeechSet:
    """Decode, resample and analyse every clip of the given corpus folders."""
    clips = [(folder, clip) for folder in folders for clip in read_clips(folder)]
    mel_of = MelSpectrogram().to(device)
    waves, mels, pitches = [], [], []
    with ThreadPoolExecutor() as pool:
        audio = pool.map(lambda item: soundfile.read(item[0] / item[1].audio, dtype="float32"), clips)
        for samples, sample_rate in audio:
            wave = torchaudio.functional.resample(
                torch.from_numpy(samples).to(device), sample_rate, SAMPLE_RATE
            )
            wave = wave[: len(wave) // HOP * HOP]
            waves.append((wave.clamp(-1, 1) * 32767).to(torch.int16))
            mels.append(mel_of(wave[None])[0].half())
            pitches.append(yin(wave, SAMPLE_RATE, HOP).half())
    frames = torch.tensor([len(mel) for mel in mels])
    width = max(len(clip.phonemes) for _, clip in clips)
    symbols = torch.zeros(len(clips), width, dtype=torch.long)
    tones = torch.zeros_like(symbols)
    starts = frames[:, None].repeat(1, width + 1)
    for row, (_, clip) in enumerate(clips):
        count = len(clip.phonemes)
        symbols[row, :count] = torch.tensor([SYMBOL_ID[symbol] for symbol in clip.phonemes])
        tones[row, :count] = torch.tensor(clip.tones)
        at = (torch.tensor(clip.starts) * SAMPLE_RATE / HOP).round().long()
        starts[row, :count] = torch.minimum(at, frames[row])
    speakers = {name: number for number, name in enumerate(sorted({clip.speaker for _, clip in clips}))}
    speaker = torch.tensor([speakers[clip.speaker] for _, clip in clips])
    recorded = torch.tensor([clip.source == "recorded" for _, clip in clips])
    weight = frames.float()
    if recorded.any() and not recorded.all():
        share = weight[recorded].sum() / weight.sum()
        weight = torch.where(
            recorded, weight * RECORDED_SHARE / share, weight * (1 - RECORDED_SHARE) / (1 - share)
        )
    by_speaker = [torch.where(speaker == number)[0] for number in range(len(speakers))]
    generator = torch.Generator().manual_seed(0)
    same = torch.stack(
        [
            others[torch.randint(len(others), (8,), generator=generator)]
            for others in (by_speaker[int(number)] for number in speaker)
        ]
    )

    def move(tensor: Tensor) -> Tensor:
        return tensor.to(device)

    return SpeechSet(
        wave=torch.cat(waves),
        mel=torch.cat(mels),
        f0=torch.cat(pitches),
        first_frame=move(frames.cumsum(0) - frames),
        frames=move(frames),
        symbols=move(symbols),
        tones=move(tones),
        starts=move(starts),
        phonemes=move(torch.tensor([len(clip.phonemes) for _, clip in clips])),
        speaker=move(speaker),
        language=move(torch.tensor([LANGUAGES.index(clip.language) for _, clip in clips])),
        full_band=move(torch.tensor([int(clip.bandwidth_hz >= FULL_BAND_HZ) for _, clip in clips])),
        weight=move(weight),
        trained=move(torch.tensor([zlib.crc32(clip.id.encode()) % HELD_OUT_SHARE != 0 for _, clip in clips])),
        same_speaker=move(same),
    )


def pause_table(device: torch.device) -> Tensor:
    """``[symbols]`` true for the symbols that are silence."""
    return torch.tensor([is_pause(symbol) for symbol in SYMBOL_ID], device=device)
