"""Hours of speech whose phonemes and times are known, spoken by free engines through many virtual speakers.

    python -m pipelines.training.synthetic_speech OUT --text sentences.tsv --hours 12 --jobs 16
    python -m pipelines.training.synthetic_speech OUT --language zh --text mandarin.tsv --hours 4 --jobs 16

A virtual speaker is a voice whose vocal tract is made longer or shorter: the engine speaks slower or faster by the
warp factor, and resampling brings the pace back while pitch and formants move. Some are moved in pitch as well.
"""

from __future__ import annotations

import argparse
import random
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path

from pipelines.text.english import to_utterance
from pipelines.text.normalise import normalise_english
from pipelines.text.symbols import LANGUAGES
from pipelines.training.corpus import Clip, write_clips
from pipelines.training.phone_alignment import align
from pipelines.training.speaking_engines import VOICES, Line, Spoken, speak
from pipelines.training.syllable_alignment import align_syllables

WARPS = (0.8, 0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.16, 1.22)
PITCH_STEPS = (0, -2, 2)
"""Semitones beside those of the warp, for voices that can."""
PACE = (0.9, 1.12)
SAMPLE_RATE = 22_050
MOST_DISAGREEMENT = 0.12
SECONDS_A_CHARACTER = {"en": 0.061, "zh": 0.23}
BATCH = 24
ABBREVIATION = re.compile(r"\b[A-Za-z]\.(?!$)|\.(?=\s*[a-z,;])")
"""What the normaliser leaves of these, engines read each in its own way."""


@dataclass(frozen=True)
class Task:
    """One sentence for one virtual speaker; a Mandarin one comes with its ``reading`` in pinyin."""

    id: str
    text: str
    reading: str
    voice: str
    warp: float
    pitch_step: float
    pace: float

    @property
    def speaker(self) -> str:
        return f"{self.voice}@{self.warp:g}" + (f"{self.pitch_step:+g}" if self.pitch_step else "")


def is_held_out(sentence_id: str) -> bool:
    """Sentences that no network is trained on: about 200 of the 13,094 of LJ Speech."""
    return zlib.crc32(sentence_id.encode()) % 65 == 0


def read_sentences(path: Path) -> list[tuple[str, str, str]]:
    """Lines of id, sentence and (in Mandarin) reading that may be trained on."""
    lines = ((*line.split("\t"), "")[:3] for line in path.read_text(encoding="utf-8").splitlines())
    return [(name, text, reading) for name, text, reading in lines if not is_held_out(name)]


def as_words(text: str) -> str | None:
    """The sentence in nothing but words and marks that all engines read alike; None where they might not."""
    words = normalise_english(text).replace("--", ", ").replace('"', " ")
    words = re.sub(r"\s+", " ", words).strip()
    return words if words.isascii() and not ABBREVIATION.search(words) else None


def plan(
    sentences: Sequence[tuple[str, str, str]], voices: Sequence[str], hours: float, seed: int
) -> list[Task]:
    """Shares the hours among the voices and their warps; the same arguments give the same plan."""
    tasks = []
    for voice in voices:
        chance = random.Random(f"{seed}/{voice}")
        order = list(sentences)
        chance.shuffle(order)
        steps = PITCH_STEPS if VOICES[voice].pitched else (0,)
        speakers = [(warp, step) for step in steps for warp in WARPS]
        seconds, number = 0.0, 0
        while seconds < hours * 3600 / len(voices):
            sentence_id, text, reading = order[number % len(order)]
            warp, step = speakers[number % len(speakers)]
            pace = round(chance.uniform(*PACE), 3)
            name = f"{voice}-{number:05d}-{sentence_id}"
            tasks.append(Task(name, text, reading, voice, warp, step, pace))
            seconds += len(text) * SECONDS_A_CHARACTER[VOICES[voice].language] / pace
            number += 1
    return tasks


def make_clips(folder: Path, tasks: Sequence[Task]) -> list[Clip]:
    """Speaks tasks of one voice into ``folder`` and returns the clips worth keeping."""
    voice = VOICES[tasks[0].voice]
    if voice.language == "en":
        spelled_out = [(task, as_words(task.text)) for task in tasks]
        tasks = [replace(task, text=words) for task, words in spelled_out if words]
    lines = [
        Line(task.reading or task.text, task.warp / task.pace, 2 ** (task.pitch_step / 12)) for task in tasks
    ]
    clips = []
    for task, spoken in zip(tasks, speak(voice, lines), strict=True):
        clip = _make_clip(folder, task, spoken) if spoken else None
        if clip:
            clips.append(clip)
    return clips


def _make_clip(folder: Path, task: Task, spoken: Spoken) -> Clip | None:
    import numpy as np
    import soundfile
    import soxr

    seconds = len(spoken.wave) / spoken.sample_rate
    if task.reading:
        timed = align_syllables(spoken.heard, task.reading, _said_alone, seconds)
    else:
        timed = align(spoken.heard, to_utterance(task.text), seconds)
    if timed is None or timed.disagreement > MOST_DISAGREEMENT:
        return None
    wave = soxr.resample(spoken.wave, spoken.sample_rate * task.warp, SAMPLE_RATE, quality="HQ")
    wave /= max(1.0, float(np.abs(wave).max()) / 0.99)
    audio = f"{task.voice}/{task.id}.flac"
    soundfile.write(str(folder / audio), wave, SAMPLE_RATE, subtype="PCM_16", compression_level=0.2)
    real_seconds = round(len(wave) / SAMPLE_RATE, 4)
    starts = tuple(min(round(start / task.warp, 4), real_seconds) for start in timed.starts)
    clip = Clip(
        id=task.id,
        audio=audio,
        speaker=task.speaker,
        language=VOICES[task.voice].language,
        source=VOICES[task.voice].engine,
        sample_rate=SAMPLE_RATE,
        seconds=real_seconds,
        bandwidth_hz=min(SAMPLE_RATE // 2, int(spoken.sample_rate / 2 * task.warp)),
        phonemes=timed.phonemes,
        tones=timed.tones,
        starts=starts,
        ends=(*starts[1:], real_seconds),
        text=task.text,
    )
    return None if clip.faults() else clip


@cache
def _said_alone(syllable: str) -> tuple[str, ...]:
    (spoken,) = speak(VOICES["cmn"], [Line(syllable)])
    return tuple(phone.symbol for phone in spoken.heard if phone.symbol is not None) if spoken else ()


def _make_batch(argument: tuple[Path, list[Task]]) -> list[Clip]:
    return make_clips(*argument)


def build(folder: Path, tasks: Sequence[Task], jobs: int) -> list[Clip]:
    """Speaks every task with ``jobs`` processes and writes the corpus."""
    by_voice: dict[str, list[Task]] = {}
    for task in tasks:
        by_voice.setdefault(task.voice, []).append(task)
    batches = []
    for voice, mine in by_voice.items():
        (folder / voice).mkdir(parents=True, exist_ok=True)
        batches += [(folder, mine[start : start + BATCH]) for start in range(0, len(mine), BATCH)]
    with get_context("spawn").Pool(jobs) as pool:
        clips = [clip for made in pool.imap_unordered(_make_batch, batches) for clip in made]
    clips.sort(key=lambda clip: clip.id)
    write_clips(folder, clips)
    return clips


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--text", type=Path, required=True, help="lines of id<TAB>sentence[<TAB>pinyin]")
    parser.add_argument("--language", choices=LANGUAGES, default="en")
    parser.add_argument(
        "--voice", action="append", choices=sorted(VOICES), help="repeatable; all of the language without it"
    )
    parser.add_argument("--hours", type=float, default=1.0, help="of speech, all voices together")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    sentences = read_sentences(options.text)
    voices = options.voice or [name for name, voice in VOICES.items() if voice.language == options.language]
    tasks = plan(sentences, voices, options.hours, options.seed)
    clips = build(options.out, tasks, options.jobs)
    hours = sum(clip.seconds for clip in clips) / 3600
    spoken_by = Counter(clip.speaker for clip in clips)
    print(
        f"{len(clips)} of {len(tasks)} clips kept, {hours:.2f} h, {len(spoken_by)} speakers, {len(sentences)} sentences"
    )


if __name__ == "__main__":
    main()
