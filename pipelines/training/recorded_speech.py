"""Recorded clips with transcripts, given phoneme times by pocketsphinx's forced alignment.

    python -m pipelines.training.recorded_speech METADATA.jsonl OUT

Every line of the metadata names ``path`` (beside the metadata), ``id``, ``speaker``, ``corpus``, ``text`` and
``bandwidth_hz``. Audio is stored as Ogg Opus.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipelines.text.english import to_utterance
from pipelines.text.utterance import Utterance
from pipelines.training.corpus import Clip, write_clips
from pipelines.training.phone_alignment import Heard, TimedPhonemes, align

if TYPE_CHECKING:
    from pocketsphinx import Decoder

EVALUATION_CORPUS = "librispeech-test-other"
"""Its five speakers stand for the people who will train their voice: no network may know them beforehand."""
ALIGNER_RATE = 16_000
FRAME_SECONDS = 0.01
SHIFT, SHIFTS = 31, 12
"""The phone pass keeps to the word pass's frames and now and then finds no way through; other frames let it."""
SHORTEST_PAUSE_SECONDS = 0.05
"""A shorter silence without a mark is the closure of the stop before it."""
COMMA_SECONDS = 0.12
"""In transcripts without any punctuation a silence of this length counts as a comma."""
MOST_DISAGREEMENT = 0.12
OPUS_COMPRESSION = {16_000: 0.75, 24_000: 0.6}
"""Per sample rate, of those Opus has: about 69 kb/s (2 dB log-spectral distance) and 108 kb/s (2.2 dB)."""


class Aligner:
    """Finds when the phones of a known sentence are said."""

    def __init__(self) -> None:
        from pocketsphinx import Decoder

        self._decoder: Decoder = Decoder(lm=None, loglevel="FATAL", samprate=ALIGNER_RATE)

    def __call__(self, wave: np.ndarray, utterance: Utterance) -> tuple[Heard, ...] | None:
        """``wave`` is ``[T]`` float32 at 16 kHz. None when the sentence is not what is said in it."""
        names = [self._name(utterance, index) for index in range(len(utterance.words))]
        for skipped in range(0, SHIFTS * SHIFT, SHIFT):
            heard = self._phones(wave[skipped:], " ".join(names), skipped / ALIGNER_RATE)
            if heard:
                return heard
        return None

    def _phones(self, wave: np.ndarray, names: str, offset_seconds: float) -> tuple[Heard, ...] | None:
        samples = (np.clip(wave, -1, 1) * 32767).astype("<i2").tobytes()
        self._decoder.set_align_text(names)
        try:
            self._listen(samples)
            self._decoder.set_alignment()
            self._listen(samples)
        except RuntimeError:
            return None
        heard = []
        for word in self._decoder.get_alignment().words():
            for phone in word:
                start = offset_seconds + phone.start * FRAME_SECONDS
                symbol = None if phone.name == "SIL" or phone.name.startswith("+") else phone.name
                heard.append(Heard(symbol, start, start + phone.duration * FRAME_SECONDS))
        return tuple(heard)

    def _name(self, utterance: Utterance, index: int) -> str:
        """The decoder's name of a word, which is taught to the decoder when it is new."""
        word = utterance.words[index]
        name = word.text.lower().replace("’", "'")
        if self._decoder.lookup_word(name) is None:
            self._decoder.add_word(name, " ".join(utterance.phonemes[word.first : word.last]), True)
        return name

    def _listen(self, samples: bytes) -> None:
        self._decoder.start_utt()
        self._decoder.process_raw(samples, full_utt=True)
        self._decoder.end_utt()


def make_clip(folder: Path, row: Mapping[str, object], recording: Path, aligner: Aligner) -> Clip | str:
    """Aligns one recording and stores it in ``folder``. Returns the clip, or why there is none."""
    import soundfile
    import soxr

    wave, sample_rate = soundfile.read(str(recording), dtype="float32")
    if sample_rate not in OPUS_COMPRESSION:
        return f"{sample_rate} Hz"
    utterance = to_utterance(str(row["text"]))
    heard = aligner(soxr.resample(wave, sample_rate, ALIGNER_RATE, quality="HQ"), utterance)
    if heard is None:
        return "not aligned"
    seconds = round(len(wave) / sample_rate, 4)
    timed = align(without_closures(heard), utterance, seconds)
    if timed.disagreement > MOST_DISAGREEMENT:
        return "pronounced otherwise"
    if not any(mark in str(row["text"]) for mark in ",.;:?!"):
        timed = with_commas(timed)
    audio = f"audio/{row['id']}.opus"
    compression = OPUS_COMPRESSION[sample_rate]
    soundfile.write(
        str(folder / audio), wave, sample_rate, format="OGG", subtype="OPUS", compression_level=compression
    )
    clip = Clip(
        id=str(row["id"]),
        audio=audio,
        speaker=str(row["speaker"]),
        language="en",
        source="recorded",
        sample_rate=sample_rate,
        seconds=seconds,
        bandwidth_hz=int(float(str(row["bandwidth_hz"]))),
        phonemes=timed.phonemes,
        tones=timed.tones,
        starts=timed.starts,
        ends=timed.ends,
        text=str(row["text"]),
    )
    faults = clip.faults()
    return "; ".join(faults) if faults else clip


def without_closures(heard: Sequence[Heard]) -> tuple[Heard, ...]:
    """Gives silences too short to be pauses to the phone before them."""
    kept: list[Heard] = []
    for index, phone in enumerate(heard):
        inside = 0 < index < len(heard) - 1
        if inside and phone.symbol is None and phone.end - phone.start < SHORTEST_PAUSE_SECONDS:
            kept[-1] = Heard(kept[-1].symbol, kept[-1].start, phone.end)
        else:
            kept.append(phone)
    return tuple(kept)


def with_commas(timed: TimedPhonemes) -> TimedPhonemes:
    """Puts a comma at every longer inner silence of a transcript that has no marks."""
    spans = enumerate(zip(timed.phonemes, timed.starts, timed.ends, strict=True))
    phonemes = tuple(
        "," if index and symbol == "sil" and end - start >= COMMA_SECONDS else symbol
        for index, (symbol, start, end) in spans
    )
    return replace(timed, phonemes=phonemes)


def build(metadata: Path, folder: Path) -> tuple[list[Clip], Counter[str]]:
    """Makes the corpus. Returns its clips and how many were left out, by reason."""
    (folder / "audio").mkdir(parents=True, exist_ok=True)
    aligner, clips, left_out = Aligner(), [], Counter()
    for line in metadata.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["corpus"] == EVALUATION_CORPUS:
            left_out["evaluation speaker"] += 1
            continue
        made = make_clip(folder, row, metadata.parent / row["path"], aligner)
        if isinstance(made, str):
            left_out[made] += 1
        else:
            clips.append(made)
    write_clips(folder, clips)
    return clips, left_out


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("metadata", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args(arguments)
    clips, left_out = build(options.metadata, options.out)
    hours = sum(clip.seconds for clip in clips) / 3600
    print(
        f"{len(clips)} clips, {hours:.2f} h, {len({clip.speaker for clip in clips})} speakers; left out {dict(left_out)}"
    )


if __name__ == "__main__":
    main()
