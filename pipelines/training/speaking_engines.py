"""Programs that speak and say when each phone is heard: flite and festival (English), espeak-ng (Mandarin)."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipelines.training.espeak import espeak
from pipelines.training.phone_alignment import Heard

ARPABET = {
    "ax": "AH",
    "axr": "ER",
    "ix": "IH",
    "ux": "UW",
    "dx": "D",
    "nx": "N",
    "hv": "HH",
    "em": "M",
    "en": "N",
    "el": "L",
}
"""Engine phones that are not ARPAbet's own names in lower case."""
SILENCES = frozenset(("pau", "sil", "h#", "brth", "ssil"))


@dataclass(frozen=True)
class EngineVoice:
    """A voice of a program; ``pitched`` when it can be told to speak higher or lower."""

    engine: str
    name: str
    language: str = "en"
    pitched: bool = True


VOICES = {
    "slt_hts": EngineVoice("festival", "voice_cmu_us_slt_arctic_hts", pitched=False),
    "awb": EngineVoice("flite", "awb"),
    "rms": EngineVoice("flite", "rms", pitched=False),
    "slt": EngineVoice("flite", "slt"),
    "kal16": EngineVoice("flite", "kal16"),
    "cmn": EngineVoice("espeak", "sit/cmn-Latn-pinyin", "zh"),
    **{
        f"cmn_{variant}": EngineVoice("espeak", f"sit/cmn-Latn-pinyin+{variant}", "zh")
        for variant in ("f2", "f3", "f5", "Annie", "m1", "m3", "m6", "m7")
    },
}


@dataclass(frozen=True)
class Line:
    """What to say and how: ``stretch`` multiplies durations, ``pitch`` multiplies F0. Mandarin comes in pinyin."""

    text: str
    stretch: float = 1.0
    pitch: float = 1.0


@dataclass(frozen=True)
class Spoken:
    """``wave`` is ``[T]`` float32 at ``sample_rate``; ``heard`` covers it but for rounding."""

    wave: np.ndarray
    sample_rate: int
    heard: tuple[Heard, ...]


def speak(voice: EngineVoice, lines: Sequence[Line]) -> Iterator[Spoken | None]:
    """Says the lines in order; None for one that the engine refused."""
    with tempfile.TemporaryDirectory() as folder:
        if voice.engine == "flite":
            for line in lines:
                yield _flite(voice.name, line, Path(folder) / "line.wav")
        elif voice.engine == "espeak":
            for line in lines:
                wave, heard = espeak()(voice.name, line.text, line.stretch, line.pitch)
                yield Spoken(wave, espeak().sample_rate, heard)
        else:
            yield from _festival(voice.name, lines, Path(folder))


def _flite(voice: str, line: Line, path: Path) -> Spoken | None:
    settings = [f"duration_stretch={line.stretch:.4f}"]
    if voice == "kal16":
        settings.append(f"int_f0_target_mean={105 * line.pitch:.1f}")
    else:
        settings.append(f"f0_shift={line.pitch:.4f}")
    command = ["flite", "-voice", voice, "-psdur", "-t", line.text, "-o", str(path)]
    for setting in settings:
        command += ["--setf", setting]
    path.unlink(missing_ok=True)
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode or not path.exists():
        return None
    ends = [token.rpartition(":") for token in done.stdout.split() if ":" in token]
    return _spoken(path, [(phone, float(end)) for phone, _, end in ends])


def _festival(voice: str, lines: Sequence[Line], folder: Path) -> Iterator[Spoken | None]:
    script = [f"({voice})", "(set! base hts_engine_params)"]
    for index, line in enumerate(lines):
        text = line.text.replace("\\", " ").replace('"', " ")
        script += [
            f'(set! hts_engine_params (append base (list (list "-r" {1 / line.stretch:.4f}))))',
            f'(set! utt (utt.synth (Utterance Text "{text}")))',
            f'(utt.save.wave utt "{folder}/{index}.wav" \'riff)',
            f'(utt.save.segs utt "{folder}/{index}.seg")',
        ]
    path = folder / "lines.scm"
    path.write_text("\n".join(script), encoding="ascii", errors="replace")
    subprocess.run(["festival", "-b", str(path)], capture_output=True, check=False)
    for index in range(len(lines)):
        segments = folder / f"{index}.seg"
        if not segments.exists():
            yield None
            continue
        rows = [row.split() for row in segments.read_text().split("#", 1)[1].splitlines()]
        yield _spoken(folder / f"{index}.wav", [(row[-1], float(row[0])) for row in rows if len(row) >= 3])


def _spoken(path: Path, ends: Sequence[tuple[str, float]]) -> Spoken | None:
    import soundfile

    wave, sample_rate = soundfile.read(str(path), dtype="float32")
    seconds, start, heard = len(wave) / sample_rate, 0.0, []
    for phone, end in ends:
        end = min(end, seconds)
        symbol = None if phone in SILENCES else ARPABET.get(phone, phone.upper())
        if end > start:
            heard.append(Heard(symbol, start, end))
        elif symbol is not None:
            return None
        start = max(start, end)
    return Spoken(wave, sample_rate, tuple(heard)) if heard else None
