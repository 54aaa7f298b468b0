"""How faithfully the starter reads: words dropped and repeated, pace, variety, melody.

    python -m benchmarks.starter_reading --sentences LJSpeech-1.1/metadata.csv

The voice that ships reads 200 lines ``<id>|<text>`` (or with a tab) that no network was trained on, and flite beside it
where it is installed. The shipped listener aligns what it hears with what was asked; F0 is YIN's.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
import soundfile
import torch
import torchaudio

from benchmarks.starter import HARVARD
from models.starter.mel import HOP, SAMPLE_RATE
from pipelines.audio.pitch import yin
from pipelines.failure import CraftError
from pipelines.speech.starter import ASSETS, StarterEngine, speakable
from pipelines.speech.voice import Voice
from pipelines.text.symbols import is_pause
from pipelines.text.utterance import Utterance, Word
from pipelines.training.synthetic_speech import is_held_out

LINDA = ASSETS.parent / "voices" / "linda" / "voice.safetensors"
LENGTH_SCALES = (0.5, 0.8, 1.25, 2.0)
NOISE_SCALES = (0.0, 0.25, 0.5, 1.0)
SEEDS = 4
END_SECONDS = 0.35
"""Of the voiced end of a sentence, where its melody is judged."""
QUESTIONS = (
    "You walked home in the rain",
    "The boy was there when the sun rose",
    "She will come back on Monday",
    "They sold the old house",
    "There is a dog in the garden",
    "He has never seen the sea",
    "You would like another cup of tea",
    "The train leaves at nine",
    "Your mother knows about it",
    "We are going to the village",
)
"""Asked with a question mark, and said with a full stop."""
LISTS = (
    "We bought apples, lemons, melons, and wine.",
    "He saw a river, a meadow, a hill, and a road.",
    "She called Mary, Helen, Laura, and Joe.",
    "They had money, animals, land, and a home.",
    "Bring me a hammer, a ladder, a nail, and a rope.",
    "In the garden grow roses, lilies, melons, and beans.",
)


def judged_words(utterance: Utterance) -> list[Word]:
    """Words of two phonemes and more: the listener misses many an ``a`` that was said."""
    return [word for word in utterance.words if word.last - word.first > 1]


def dropped_and_repeated(asked: Utterance, heard: Sequence[str]) -> tuple[int, int]:
    """Words of which no phoneme is heard in its place, and words heard twice in a row that were asked once."""
    matches = SequenceMatcher(None, asked.phonemes, heard, autojunk=False).get_matching_blocks()
    place = {match.a + k: match.b + k for match in matches for k in range(match.size)}
    dropped = repeated = 0
    for word in judged_words(asked):
        inside = range(word.first, word.last)
        dropped += not any(i in place for i in inside)
        if all(i in place for i in inside):
            begin, end = place[word.first], place[word.last - 1] + 1
            known = set(place.values())
            for twin in (range(begin - len(inside), begin), range(end, end + len(inside))):
                new = twin.start >= 0 and twin.stop <= len(heard) and not known & set(twin)
                repeated += new and tuple(heard[i] for i in twin) == asked.phonemes[word.first : word.last]
    return dropped, repeated


class Reader:
    """The voice that ships, with ears."""

    def __init__(self, engine: StarterEngine, voice: Voice) -> None:
        self.engine, self.voice = engine, voice

    def read(self, text: str, seed: int = 0, **controls: float) -> np.ndarray:
        return self.engine.synthesize(text, self.voice, controls, seed).wave

    def heard(self, wave: np.ndarray) -> list[str]:
        timed = self.engine.ear.hear(self.mel(wave))
        return [symbol for symbol in timed.symbols if not is_pause(symbol)] if timed else []

    def mel(self, wave: np.ndarray) -> torch.Tensor:
        return self.engine.mel_of(torch.from_numpy(wave).unsqueeze(0))[0]

    def semitones(self, wave: np.ndarray) -> np.ndarray:
        """``[T]`` F0 around the median of the take, NaN where unvoiced."""
        f0 = yin(torch.from_numpy(wave), SAMPLE_RATE, HOP).numpy()
        f0[f0 == 0] = np.nan
        return 12 * np.log2(f0 / np.nanmedian(f0))

    def end(self, text: str) -> tuple[float, float]:
        """Of the last voiced ``END_SECONDS``: semitones above the median of the take, and from their first third to their
        last."""
        contour = self.semitones(self.read(text))
        last = contour[~np.isnan(contour)][-int(END_SECONDS * SAMPLE_RATE / HOP) :]
        third = len(last) // 3
        return float(last.mean()), float(np.median(last[-third:]) - np.median(last[:third]))

    def items(self, text: str) -> tuple[float, float]:
        """Semitones of the last item of a list and, on average, of those before it."""
        take = self.engine.synthesize(text, self.voice, {}, 0)
        contour = self.semitones(take.wave)
        heights = []
        for word, item in zip(take.words, re.findall(r"\S+", text), strict=True):
            if item[-1] in ",.":
                begin, end = (int(s * SAMPLE_RATE / HOP) for s in (word.start_seconds, word.end_seconds))
                heights.append(float(np.nanmean(contour[begin:end])))
        return heights[-1], float(np.nanmean(heights[:-1]))


def flite(text: str) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "take.wav"
        subprocess.run(["flite", "-voice", "rms", "-t", text, "-o", str(path)], check=True)
        wave, sample_rate = soundfile.read(path, dtype="float32")
    return torchaudio.functional.resample(torch.from_numpy(wave), sample_rate, SAMPLE_RATE).numpy()


def unknown_sentences(path: Path, count: int) -> list[Utterance]:
    lines = (re.split(r"[|\t]", line) for line in path.read_text(encoding="utf-8").splitlines())
    found: list[Utterance] = []
    for name, text, *_ in lines:
        if is_held_out(name) and len(found) < count:
            try:
                found.append(speakable(text))
            except CraftError as error:
                print(f"{name}: {error}")
    return found


def words(reader: Reader, sentences: Sequence[Utterance]) -> None:
    ways = {"starter": reader.read} | ({"flite rms": flite} if shutil.which("flite") else {})
    count = sum(len(judged_words(sentence)) for sentence in sentences)
    for name, read in ways.items():
        found = [dropped_and_repeated(asked, reader.heard(read(asked.text))) for asked in sentences]
        dropped, repeated = (sum(column) for column in zip(*found, strict=True))
        print(
            f"{name}: of {count} words in {len(sentences)} sentences {dropped} dropped, {repeated} repeated"
        )


def pace(reader: Reader) -> None:
    natural = [len(reader.read(text)) for text in HARVARD[:10]]
    for scale in LENGTH_SCALES:
        scaled = [len(reader.read(text, length_scale=scale)) for text in HARVARD[:10]]
        ratios = [after / before / scale - 1 for before, after in zip(natural, scaled, strict=True)]
        print(
            f"length_scale {scale}: off by {np.mean(np.abs(ratios)):.4f}, at most {np.max(np.abs(ratios)):.4f}"
        )


def variety(reader: Reader) -> None:
    for scale in NOISE_SCALES:
        mel_spread, pitch_spread = [], []
        for text in HARVARD[:10]:
            takes = [reader.read(text, seed, noise_scale=scale) for seed in range(SEEDS)]
            mels = torch.stack([reader.mel(wave) for wave in takes])
            contours = np.stack([reader.semitones(wave) for wave in takes])
            mel_spread.append(float(mels.std(0).mean()))
            pitch_spread.append(float(np.nanmean(np.std(contours, axis=0))))
        print(
            f"noise_scale {scale}: takes differ by {np.mean(mel_spread):.3f} (normalised log-mel), "
            f"{np.mean(pitch_spread):.2f} semitones"
        )


def melody(reader: Reader) -> None:
    ends = {mark: np.array([reader.end(text + mark) for text in QUESTIONS]) for mark in "?."}
    for mark, name in (("?", "questions"), (".", "statements")):
        height, rise = ends[mark].T
        print(
            f"{name} end {height.mean():+.2f} semitones, {rise.mean():+.2f} in the last {END_SECONDS} s; "
            f"{(rise > 0).sum()} of {len(rise)} rise"
        )
    print(f"questions end higher in {(ends['?'] > ends['.'])[:, 0].sum()} of {len(QUESTIONS)}")
    last, earlier = zip(*map(reader.items, LISTS), strict=True)
    lower = sum(a < b for a, b in zip(last, earlier, strict=True))
    print(
        f"lists end {np.mean(last):+.2f} semitones, items before {np.mean(earlier):+.2f}; lower in {lower} of {len(last)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sentences", type=Path, required=True)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--voice", type=Path, default=LINDA)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    reader = Reader(StarterEngine.load("cpu"), Voice.load(arguments.voice))
    pace(reader)
    variety(reader)
    melody(reader)
    words(reader, unknown_sentences(arguments.sentences, arguments.count))


if __name__ == "__main__":
    main()
