"""Scores the starter voice beside its baselines in one run.

    export OMP_WAIT_POLICY=PASSIVE GOMP_SPINCOUNT=1000  # as the studio sets them for itself
    pip install -r benchmarks/requirements.txt       # and, for the baselines: apt install flite
    python -m benchmarks.starter --speech LibriSpeech/test-other --quality good --out results

``--speech`` is searched for ``<speaker>-<chapter>-<number>.flac``. Of every speaker in ``EVALUATION_SPEAKERS`` about
45 s train a voice, without their text, and the rest scores it. Where ``<speaker>-<chapter>.trans.txt`` lie beside the
recordings, the words that the recogniser loses of the speakers themselves are counted too. Figures: word error rate
(pocketsphinx), speaker cosine (Resemblyzer), DNSMOS P.835 overall (speechmos), real-time factor, training seconds.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile
import torch
import torchaudio

from models.starter.mel import SAMPLE_RATE
from pipelines.audio.recording import Recording
from pipelines.speech.starter import StarterEngine
from pipelines.speech.voice import Voice

EVALUATION_SPEAKERS = ("1998", "2033", "2609", "3331", "533")
TRAINING_SECONDS = 45.0
HARVARD = (
    "The birch canoe slid on the smooth planks.",
    "Glue the sheet to the dark blue background.",
    "It's easy to tell the depth of a well.",
    "These days a chicken leg is a rare dish.",
    "Rice is often served in round bowls.",
    "The juice of lemons makes fine punch.",
    "The box was thrown beside the parked truck.",
    "The hogs were fed chopped corn and garbage.",
    "Four hours of steady work faced us.",
    "A large size in stockings is hard to sell.",
    "The boy was there when the sun rose.",
    "A rod is used to catch pink salmon.",
    "The source of the huge river is the clear spring.",
    "Kick the ball straight and follow through.",
    "Help the woman get back to her feet.",
    "A pot of tea helps to pass the evening.",
    "Smoky fires lack flame and heat.",
    "The soft cushion broke the man's fall.",
    "The salt breeze came across from the sea.",
    "The girl at the booth sold fifty bonds.",
)
"""IEEE Recommended Practice for Speech Quality Measurements, 1969, lists 1 and 2."""


class Rulers:
    """The three outside judges, each loaded once. All hear 16 kHz."""

    def __init__(self) -> None:
        from pocketsphinx import Decoder
        from resemblyzer import VoiceEncoder
        from speechmos import dnsmos

        self.decoder = Decoder(samprate=16000, loglevel="FATAL")
        self.encoder = VoiceEncoder("cpu", verbose=False)
        self.dnsmos = dnsmos

    def words(self, wave: np.ndarray) -> list[str]:
        self.decoder.start_utt()
        self.decoder.process_raw((wave.clip(-1, 1) * 32767).astype(np.int16).tobytes(), full_utt=True)
        self.decoder.end_utt()
        heard = self.decoder.hyp()
        return heard.hypstr.split() if heard else []

    def speaker(self, waves: Sequence[np.ndarray]) -> np.ndarray:
        from resemblyzer import preprocess_wav

        vector = np.mean(
            [self.encoder.embed_utterance(preprocess_wav(wave, 16000)) for wave in waves], axis=0
        )
        return vector / np.linalg.norm(vector)

    def quality(self, waves: Sequence[np.ndarray]) -> float:
        return float(np.mean([self.dnsmos.run(wave.clip(-1, 1), 16000)["ovrl_mos"] for wave in waves]))


def at_16k(wave: np.ndarray, sample_rate: int) -> np.ndarray:
    return torchaudio.functional.resample(
        torch.from_numpy(wave.astype(np.float32)), sample_rate, 16000
    ).numpy()


def word_errors(asked: Sequence[str], heard: Sequence[Sequence[str]]) -> float:
    """Word error rate over all sentences."""
    errors = words = 0
    for text, hypothesis in zip(asked, heard, strict=True):
        reference = re.findall(r"[a-z']+", text.lower())
        row = list(range(len(hypothesis) + 1))
        for i, word in enumerate(reference, 1):
            above, row = row, [i]
            for j, other in enumerate(hypothesis, 1):
                row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (word != other)))
        errors += row[-1]
        words += len(reference)
    return errors / words


def flite(voice: str) -> list[np.ndarray]:
    with tempfile.TemporaryDirectory() as folder:
        waves = []
        for text in HARVARD:
            path = Path(folder) / "take.wav"
            subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(path)], check=True)
            waves.append(at_16k(*soundfile.read(path)))
        return waves


def peak_memory_mib() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class Bench:
    """A training monitor that only prints."""

    def __init__(self, work_dir: Path) -> None:
        self.work_dir = work_dir

    def stage(self, name: str, progress: float) -> None:
        print(f"\r{name} {progress:.0%}   ", end="", flush=True)

    def loss(self, step: int, train: float, held_out: float | None) -> None: ...

    def turn(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()


def split(clips: Sequence[Recording]) -> tuple[list[Recording], list[Recording]]:
    """About ``TRAINING_SECONDS`` to train and the rest to score."""
    train: list[Recording] = []
    for clip in clips:
        if sum(c.seconds for c in train) + clip.seconds / 2 < TRAINING_SECONDS:
            train.append(clip)
    return train, [clip for clip in clips if all(clip is not c for c in train)]


def recording_of(path: Path) -> Recording:
    """With its text, where LibriSpeech's list of the chapter lies beside it."""
    chapter = path.with_name(path.stem.rpartition("-")[0] + ".trans.txt")
    lines = chapter.read_text(encoding="utf-8").splitlines() if chapter.exists() else ()
    texts = dict(line.split(" ", 1) for line in lines)
    return Recording(*soundfile.read(path, dtype="float32"), text=texts.get(path.stem))


class Table:
    """Rows of figures, printed as they come."""

    def __init__(self, rulers: Rulers) -> None:
        self.rulers, self.rows = rulers, []

    def add(self, name: str, asked: Sequence[str] | None, waves: Sequence[np.ndarray], **more: float) -> None:
        figures: dict[str, object] = {"voice": name}
        if asked:
            figures["wer"] = word_errors(asked, [self.rulers.words(wave) for wave in waves])
        figures |= {"dnsmos": self.rulers.quality(waves), **more}
        self.rows.append(figures)
        print(
            "\r"
            + "  ".join(f"{k} {v:.3f}" if isinstance(v, float) else f"{k} {v}" for k, v in figures.items())
        )

    def means(self, kinds: Sequence[str]) -> dict[str, dict[str, float]]:
        """The mean of every figure over the speakers, by kind of voice."""
        means = {}
        for kind in kinds:
            rows = [row for row in self.rows if str(row["voice"]).endswith(f" {kind}")]
            names = sorted({name for row in rows for name, value in row.items() if isinstance(value, float)})
            means[kind] = {name: float(np.mean([row[name] for row in rows])) for name in names}
        return means


@dataclass(frozen=True)
class Bout:
    """One speaker against the rulers."""

    engine: StarterEngine
    table: Table
    speaker: str
    train: Sequence[Recording]
    score: Sequence[Recording]
    controls: Mapping[str, float]
    work: Path
    out: Path | None

    def run(self, quality: str) -> None:
        real = [at_16k(clip.wave, clip.sample_rate) for clip in self.score]
        target = self.table.rulers.speaker(real)
        taught = self.table.rulers.speaker([at_16k(clip.wave, clip.sample_rate) for clip in self.train])
        said = [clip.text for clip in self.score if clip.text]
        asked = said if len(said) == len(self.score) else None
        self.table.add(f"{self.speaker} real", asked, real, similarity=float(taught @ target))
        copies = [self.copy(clip) for clip in self.score]
        similarity = float(self.table.rulers.speaker(copies) @ target)
        self.table.add(f"{self.speaker} copy-synthesis", asked, copies, similarity=similarity)
        self.speak(self.engine.prepare(self.train), "zero-shot", target)
        if quality == "zero-shot":
            return
        self.work.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        trained = self.engine.fine_tune(self.train, quality, Bench(self.work))
        card = {"own_similarity": trained.card["similarity"], "best_step": trained.card["best_step"]}
        seconds = time.monotonic() - began
        self.speak(trained.voice, quality, target, seconds=seconds, **{k: float(v) for k, v in card.items()})

    @torch.inference_mode()
    def copy(self, clip: Recording) -> np.ndarray:
        """The clip's own mel through the vocoder."""
        generator = torch.Generator().manual_seed(0)
        wave = self.engine.vocoder(self.engine.mel(clip).unsqueeze(0), generator=generator)[0][0]
        return at_16k(wave.numpy(), SAMPLE_RATE)

    def speak(self, voice: Voice, name: str, target: np.ndarray, **more: float) -> None:
        began = time.monotonic()
        takes = [
            self.engine.synthesize(text, voice, self.controls, seed) for seed, text in enumerate(HARVARD)
        ]
        more["rtf"] = (time.monotonic() - began) / sum(take.seconds for take in takes)
        waves = [at_16k(take.wave, take.sample_rate) for take in takes]
        more["similarity"] = float(self.table.rulers.speaker(waves) @ target)
        more["listener"] = float(np.mean([take.score for take in takes]))
        self.table.add(f"{self.speaker} {name}", HARVARD, waves, **more)
        if self.out:
            for number, take in enumerate(takes[:4]):
                path = self.out / f"{self.speaker}-{name}-{number}.wav"
                soundfile.write(path, take.wave, take.sample_rate)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--speech", type=Path, required=True)
    parser.add_argument("--quality", choices=("zero-shot", "quick", "good", "best"), default="good")
    parser.add_argument("--speakers", nargs="+", default=list(EVALUATION_SPEAKERS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--controls", type=json.loads, default={}, help='as JSON, e.g. {"noise_scale": 0.3}')
    parser.add_argument("--out", type=Path, help="folder for results.json and some takes")
    parser.add_argument(
        "--work",
        type=Path,
        help="folder that keeps what is learnt; a second run with it does not train again",
    )
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.out:
        arguments.out.mkdir(parents=True, exist_ok=True)
    engine, table = StarterEngine.load(arguments.device), Table(Rulers())
    if shutil.which("flite"):
        for voice in ("slt", "rms"):
            table.add(f"flite {voice}", HARVARD, flite(voice))
    with tempfile.TemporaryDirectory() as temporary:
        for speaker in arguments.speakers:
            files = sorted(arguments.speech.rglob(f"{speaker}-*.flac"))
            known, score = split([recording_of(path) for path in files])
            train = [replace(clip, text=None) for clip in known]
            work = (arguments.work or Path(temporary)) / speaker
            bout = Bout(engine, table, speaker, train, score, arguments.controls, work, arguments.out)
            bout.run(arguments.quality)
    means = table.means(list(dict.fromkeys(("real", "copy-synthesis", "zero-shot", arguments.quality))))
    for kind, figures in means.items():
        print(kind, {name: round(value, 3) for name, value in figures.items()})
    print(f"peak memory {peak_memory_mib():.0f} MiB, judges included")
    if arguments.out:
        (arguments.out / "results.json").write_text(json.dumps({"rows": table.rows, "mean": means}, indent=1))


if __name__ == "__main__":
    main()
