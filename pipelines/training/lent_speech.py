"""Mandarin for the people of a corpus who never spoke it: espeak-ng lends them its tongue, they lend it their sound.

    python -m pipelines.training.lent_speech OUT --text mandarin.tsv --people RECORDED ENGLISH --clips 2

Only espeak-ng speaks Mandarin here, so a network could take its timbre for the language and be lost when a person's
voice is to speak Mandarin. Each of these clips is espeak-ng at the pitch of somebody else, with the average spectrum,
the noise and the bandwidth of their clips, and goes by their name: a network hears "one speaker" in both languages.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import soundfile
import torch
import torchaudio
from torch import Tensor

from models.starter.mel import FFT_SIZE, HOP, SAMPLE_RATE, MelSpectrogram
from pipelines.audio.levelling import levelled
from pipelines.audio.pitch import yin
from pipelines.training.base.speech_set import RECORDED_WARPS
from pipelines.training.corpus import Clip, read_clips, write_clips
from pipelines.training.speaking_engines import VOICES, Line, speak
from pipelines.training.synthetic_speech import BATCH, PACE, WARPS, Task, make_clips, read_sentences

LOOKED_AT_SECONDS = 6.0
FURTHEST_SEMITONES = 5.0
"""How far espeak-ng is asked to move the pitch of one of its voices."""
LARGEST_GAIN, SMALLEST_GAIN = 12.0, 0.01
SPEECH_QUANTILE, NOISE_QUANTILE = 0.4, 0.05
"""Frames louder than the first are speech, those quieter than the second are what a room sounds like alone."""


@dataclass(frozen=True)
class Sound:
    """What somebody sounds like, whatever they say.

    Attributes:
        bands: ``[MEL_BANDS]`` mean log-mel of their speech, levelled.
        noise: ``[F]`` magnitudes of their pauses.
        hz: median F0.
        bandwidth_hz: above this their clips hold nothing.
    """

    bands: Tensor
    noise: Tensor
    hz: float
    bandwidth_hz: int


@cache
def _mel_of() -> MelSpectrogram:
    return MelSpectrogram()


def _spectrum(wave: Tensor) -> Tensor:
    """``[T]`` -> complex ``[F, N]``."""
    return torch.stft(wave, FFT_SIZE, HOP, window=_mel_of().window, return_complex=True)


def _speech_bands(wave: Tensor) -> Tensor:
    mel = _mel_of()(wave[None])[0]
    loudness = mel.mean(dim=1)
    return mel[loudness > loudness.quantile(SPEECH_QUANTILE)].mean(dim=0)


def sound_of(wave: Tensor, bandwidth_hz: int) -> Sound | None:
    """``wave`` is ``[T]`` at ``SAMPLE_RATE``. None where no voice is in it."""
    wave = levelled(wave, SAMPLE_RATE)
    f0 = yin(wave, SAMPLE_RATE, HOP)
    if not (f0 > 0).any():
        return None
    magnitude = _spectrum(wave).abs()
    loudness = magnitude.sum(dim=0)
    quiet = magnitude[:, loudness <= loudness.quantile(NOISE_QUANTILE)]
    return Sound(_speech_bands(wave), quiet.mean(dim=1), float(f0[f0 > 0].median()), bandwidth_hz)


def lent(wave: Tensor, sound: Sound, generator: torch.Generator) -> Tensor:
    """``wave`` ``[T]`` at ``SAMPLE_RATE`` with the average spectrum and the noise of ``sound``."""
    wave = levelled(wave, SAMPLE_RATE)
    # 1. From mel bands to the gain of every frequency; (log-mel + 5) / 2.5 is what a mel spectrogram holds.
    filters = _mel_of().filters  # [F, MEL_BANDS]
    shares = filters / filters.sum(dim=1, keepdim=True).clamp(min=1e-9)
    gain = torch.exp(2.5 * (shares @ (sound.bands - _speech_bands(wave)))).clamp(SMALLEST_GAIN, LARGEST_GAIN)
    # 2. The speech with it, and their room behind.
    spectrum = _spectrum(wave) * gain[:, None]
    noise = _spectrum(torch.randn(wave.shape, generator=generator))
    noise = noise / noise.abs().mean() * sound.noise[:, None]
    return torch.istft(spectrum + noise, FFT_SIZE, HOP, window=_mel_of().window, length=len(wave))


def sounds(folders: Sequence[Path]) -> Iterator[tuple[str, Sound]]:
    """The speakers of corpora by the names that training knows them by, recorded ones in every other warp."""
    heard: dict[str, list[tuple[Path, Clip]]] = {}
    for folder in folders:
        for clip in read_clips(folder):
            heard.setdefault(clip.speaker, []).append((folder, clip))
    for name, clips in heard.items():
        folder, clip = max(clips, key=lambda item: item[1].seconds)
        wave, sample_rate = soundfile.read(folder / clip.audio, dtype="float32")
        recorded = clip.source == "recorded"
        for warp in RECORDED_WARPS[::2] if recorded else (1.0,):
            played = torchaudio.functional.resample(
                torch.from_numpy(wave), round(sample_rate * warp), SAMPLE_RATE
            )
            sound = sound_of(played[: int(LOOKED_AT_SECONDS * SAMPLE_RATE)], round(clip.bandwidth_hz * warp))
            if sound:
                yield (f"{name}@{warp}" if recorded else name), sound


def natural_hz(voice: str) -> float:
    """Median F0 of an engine's voice that is asked for no pitch of its own."""
    (spoken,) = speak(VOICES[voice], [Line("jin1 tian1 tian1 qi4 hen2 hao3 .")])
    f0 = yin(torch.from_numpy(spoken.wave), spoken.sample_rate, HOP)
    return float(f0[f0 > 0].median())


def plan(
    people: Sequence[tuple[str, Sound]],
    sentences: Sequence[tuple[str, str, str]],
    hz: dict[str, float],
    clips: int,
    seed: int,
) -> list[tuple[Task, str, Sound]]:
    """``clips`` sentences for everybody whose pitch the voices (``hz``: name -> natural F0) can reach."""
    chance = random.Random(seed)
    order = list(sentences)
    chance.shuffle(order)
    planned = []
    for name, sound in people:
        ways = [
            (voice, warp, 12 * float(np.log2(sound.hz / (own * warp))))
            for voice, own in hz.items()
            for warp in WARPS
        ]
        ways = [way for way in ways if abs(way[2]) <= FURTHEST_SEMITONES]
        for _ in range(clips if ways else 0):
            voice, warp, semitones = chance.choice(ways)
            sentence_id, text, reading = order[len(planned) % len(order)]
            task_id = f"{voice}-lent-{len(planned):05d}-{sentence_id}"
            pace = round(chance.uniform(*PACE), 3)
            planned.append((Task(task_id, text, reading, voice, warp, semitones, pace), name, sound))
    return planned


def build(folder: Path, planned: Sequence[tuple[Task, str, Sound]], seed: int) -> list[Clip]:
    """Speaks, lends and writes the corpus."""
    generator = torch.Generator().manual_seed(seed)
    owners = {task.id: (name, sound) for task, name, sound in planned}
    by_voice: dict[str, list[Task]] = {}
    for task, _, _ in planned:
        by_voice.setdefault(task.voice, []).append(task)
    clips = []
    for voice, tasks in by_voice.items():
        (folder / voice).mkdir(parents=True, exist_ok=True)
        for start in range(0, len(tasks), BATCH):
            for clip in make_clips(folder, tasks[start : start + BATCH]):
                name, sound = owners[clip.id]
                wave, sample_rate = soundfile.read(folder / clip.audio, dtype="float32")
                wave = levelled(lent(torch.from_numpy(wave), sound, generator), SAMPLE_RATE)
                soundfile.write(folder / clip.audio, wave.numpy(), sample_rate, subtype="PCM_16")
                clips.append(replace(clip, speaker=name, bandwidth_hz=sound.bandwidth_hz))
    write_clips(folder, clips)
    return clips


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--text", type=Path, required=True, help="lines of id<TAB>sentence<TAB>pinyin")
    parser.add_argument("--people", type=Path, nargs="+", required=True, help="corpora whose speakers borrow")
    parser.add_argument("--clips", type=int, default=2, help="for each of them")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    hz = {name: natural_hz(name) for name, voice in VOICES.items() if voice.language == "zh"}
    planned = plan(
        list(sounds(options.people)), read_sentences(options.text), hz, options.clips, options.seed
    )
    clips = build(options.out, planned, options.seed)
    hours = sum(clip.seconds for clip in clips) / 3600
    print(
        f"{len(clips)} of {len(planned)} clips kept, {hours:.2f} h, {len({clip.speaker for clip in clips})} people"
    )


if __name__ == "__main__":
    main()
