"""The corpus that the shipped networks learn from: a folder of audio files and one ``clips.jsonl``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from pipelines.text.symbols import LANGUAGES, SYMBOL_ID, TONE_COUNT, is_pause

CLIPS = "clips.jsonl"
SENTENCE_ENDS = (".", "?", "!")
TOLERANCE_SECONDS = 0.002


@dataclass(frozen=True)
class Clip:
    """One spoken sentence and when each of its phonemes is heard.

    Attributes:
        audio: path of a FLAC or Ogg file, relative to the corpus folder.
        source: the engine that spoke it, or ``recorded``.
        bandwidth_hz: above this frequency the file holds nothing that was spoken.
        phonemes: ``P`` symbols of ``pipelines.text.symbols`` from the start of the file to its end without gaps;
            ``sil`` first, the sentence's final mark last. A mark at which nobody paused lasts zero seconds.
        tones: ``P`` tone ids.
        starts, ends: ``P`` seconds each; ``starts[i + 1] == ends[i]``.
    """

    id: str
    audio: str
    speaker: str
    language: str
    source: str
    sample_rate: int
    seconds: float
    bandwidth_hz: int
    phonemes: tuple[str, ...]
    tones: tuple[int, ...]
    starts: tuple[float, ...]
    ends: tuple[float, ...]
    text: str

    def faults(self) -> list[str]:
        """What keeps this clip out of a corpus, in words; empty for a sound one."""
        faults = []
        if self.language not in LANGUAGES:
            faults.append(f"language {self.language!r}")
        if not len(self.phonemes) == len(self.tones) == len(self.starts) == len(self.ends) > 2:
            return [*faults, "columns of different or too small length"]
        if unknown := {symbol for symbol in self.phonemes if symbol not in SYMBOL_ID}:
            faults.append(f"unknown phonemes {sorted(unknown)}")
        if any(not 0 <= tone < TONE_COUNT for tone in self.tones):
            faults.append("tone out of range")
        if self.phonemes[0] != "sil" or self.phonemes[-1] not in SENTENCE_ENDS:
            faults.append(f"begins with {self.phonemes[0]!r} and ends with {self.phonemes[-1]!r}")
        if all(is_pause(symbol) for symbol in self.phonemes):
            faults.append("only pauses")
        if abs(self.starts[0]) > TOLERANCE_SECONDS or abs(self.ends[-1] - self.seconds) > TOLERANCE_SECONDS:
            faults.append("phonemes do not cover the whole clip")
        if any(abs(s - e) > TOLERANCE_SECONDS for s, e in zip(self.starts[1:], self.ends[:-1], strict=True)):
            faults.append("gap between phonemes")
        spans = zip(self.phonemes, self.starts, self.ends, strict=True)
        if any(end < start or (end == start and not is_pause(symbol)) for symbol, start, end in spans):
            faults.append("phoneme without duration")
        return faults


def write_clips(folder: Path, clips: Iterable[Clip]) -> int:
    """Writes ``clips.jsonl`` anew, one clip a line. Returns how many."""
    count = 0
    with (folder / CLIPS).open("w", encoding="utf-8") as file:
        for clip in clips:
            file.write(json.dumps(asdict(clip), ensure_ascii=False) + "\n")
            count += 1
    return count


def read_clips(folder: Path) -> Iterator[Clip]:
    with (folder / CLIPS).open(encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            yield Clip(
                **{key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
            )


def merge(folder: Path, parts: Iterable[Path]) -> int:
    """Writes one ``clips.jsonl`` over corpora that lie inside ``folder``. Returns the number of clips."""

    def moved() -> Iterator[Clip]:
        for part in parts:
            prefix = part.resolve().relative_to(folder.resolve())
            for clip in read_clips(part):
                yield Clip(**{**asdict(clip), "audio": str(prefix / clip.audio)})

    return write_clips(folder, moved())


def check(folder: Path) -> dict[str, list[str]]:
    """Faults by clip id, unreadable or missing audio included; empty for a sound corpus."""
    import soundfile

    faults: dict[str, list[str]] = {}
    seen: set[str] = set()
    for clip in read_clips(folder):
        found = clip.faults()
        if clip.id in seen:
            found.append("id appears twice")
        seen.add(clip.id)
        try:
            info = soundfile.info(str(folder / clip.audio))
        except (OSError, RuntimeError) as error:
            found.append(f"audio unreadable: {error}")
        else:
            if info.samplerate != clip.sample_rate or abs(info.duration - clip.seconds) > 0.01:
                found.append(f"audio is {info.duration:.3f} s at {info.samplerate} Hz")
        if found:
            faults[clip.id] = found
    return faults
