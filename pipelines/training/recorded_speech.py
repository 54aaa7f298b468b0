"""Recorded clips with transcripts, given phoneme times by pocketsphinx's forced alignment.

    python -m pipelines.training.recorded_speech METADATA.jsonl OUT [--listener]

With ``--listener`` the listener that ships aligns them instead: fifty times faster, where there is one already.

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
from pipelines.text.symbols import is_pause
from pipelines.text.utterance import Utterance
from pipelines.training.corpus import Clip, write_clips
from pipelines.training.phone_alignment import Heard, TimedPhonemes, align

if TYPE_CHECKING:
    from pocketsphinx import Decoder

EVALUATION_CORPUS = "librispeech-test-other"
"""Its five speakers stand for the people who will train their voice: no network may know them beforehand."""
ALIGNER_RATE = 16_000
FRAME_SECONDS = 0.01
SILENCE_CHANCES = (0.5, 0.005)
SHIFTS = (0, 31)
"""The phone pass keeps to the word pass's frames and now and then finds no way through; another chance of a silence
between words, frames that start some samples later, or a shorter stretch of speech let it."""
CUT_FRAMES = 10
"""A silence between words must last so long for a clip to be cut there."""
QUIET_SECONDS = 0.1
"""The aligner likes to hide a pause in the word beside it; so long a quiet stretch at a word's edge is one."""
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

        self._decoders: dict[float, Decoder] = {
            chance: Decoder(lm=None, loglevel="FATAL", samprate=ALIGNER_RATE, silprob=chance)
            for chance in SILENCE_CHANCES
        }

    def __call__(self, wave: np.ndarray, utterance: Utterance) -> tuple[Heard, ...] | None:
        """``wave`` is ``[T]`` float32 at 16 kHz. None when the sentence is not what is said in it."""
        for decoder in self._decoders.values():
            names = [self._name(decoder, utterance, index) for index in range(len(utterance.words))]
        words = self._words(names, wave, 0.0)
        return words and tuple(phone for word in with_quiet_edges(words, wave) for phone in word)

    def _words(
        self, names: Sequence[str], wave: np.ndarray, offset_seconds: float
    ) -> list[list[Heard]] | None:
        """The phones of every word and of every silence between words; by halves where the whole finds no way."""
        for decoder in self._decoders.values():
            for shift in SHIFTS:
                found = self._try(decoder, names, wave[shift:], offset_seconds + shift / ALIGNER_RATE)
                if found:
                    return found
        cut = self._cut(names, wave)
        if cut is None:
            return None
        word, sample = cut
        before = self._words(names[:word], wave[:sample], offset_seconds)
        after = before and self._words(names[word:], wave[sample:], offset_seconds + sample / ALIGNER_RATE)
        return before + after if before and after else None

    def _cut(self, names: Sequence[str], wave: np.ndarray) -> tuple[int, int] | None:
        """The silence nearest to the middle: how many words and how many samples come before it."""
        decoder = self._decoders[SILENCE_CHANCES[0]]
        decoder.set_align_text(" ".join(names))
        try:
            self._listen(decoder, _pcm(wave))
        except RuntimeError:
            return None
        words, cuts = 0, []
        for segment in decoder.seg():
            if segment.word[0] not in "<[":
                words += 1
            elif segment.end_frame - segment.start_frame >= CUT_FRAMES and 0 < words < len(names):
                middle = (segment.start_frame + segment.end_frame) / 2 * FRAME_SECONDS
                cuts.append((words, round(middle * ALIGNER_RATE)))
        return min(cuts, key=lambda cut: abs(cut[1] - len(wave) / 2)) if cuts else None

    def _try(
        self, decoder: Decoder, names: Sequence[str], wave: np.ndarray, offset_seconds: float
    ) -> list[list[Heard]] | None:
        samples = _pcm(wave)
        decoder.set_align_text(" ".join(names))
        try:
            self._listen(decoder, samples)
            decoder.set_alignment()
            self._listen(decoder, samples)
        except RuntimeError:
            return None
        words = []
        for word in decoder.get_alignment().words():
            phones = []
            for phone in word:
                start = offset_seconds + phone.start * FRAME_SECONDS
                symbol = None if phone.name == "SIL" or phone.name.startswith("+") else phone.name
                phones.append(Heard(symbol, start, start + phone.duration * FRAME_SECONDS))
            words.append(phones)
        return words

    @staticmethod
    def _name(decoder: Decoder, utterance: Utterance, index: int) -> str:
        """The decoder's name of a word, which is taught to the decoder when it is new."""
        word = utterance.words[index]
        name = word.text.lower().replace("’", "'")
        if decoder.lookup_word(name) is None:
            decoder.add_word(name, " ".join(utterance.phonemes[word.first : word.last]), True)
        return name

    @staticmethod
    def _listen(decoder: Decoder, samples: bytes) -> None:
        decoder.start_utt()
        decoder.process_raw(samples, full_utt=True)
        decoder.end_utt()


def _pcm(wave: np.ndarray) -> bytes:
    return (np.clip(wave, -1, 1) * 32767).astype("<i2").tobytes()


class ListenerAligner:
    """The same by the listener that ships."""

    def __init__(self) -> None:
        from models.starter.mel import MelSpectrogram
        from pipelines.speech.listening import Ear

        self._ear, self._mel_of = Ear.load("cpu"), MelSpectrogram()

    def __call__(self, wave: np.ndarray, utterance: Utterance) -> tuple[Heard, ...] | None:
        import torch
        import torchaudio

        from models.starter.mel import FRAMES_PER_SECOND, SAMPLE_RATE
        from pipelines.audio.levelling import levelled

        played = torchaudio.functional.resample(torch.from_numpy(wave), ALIGNER_RATE, SAMPLE_RATE)
        mel = self._mel_of(levelled(played, SAMPLE_RATE).unsqueeze(0))[0]
        timed = self._ear.align(mel, utterance.phonemes)
        return timed and tuple(
            Heard(None if is_pause(symbol) else symbol, start / FRAMES_PER_SECOND, end / FRAMES_PER_SECOND)
            for symbol, start, end in zip(timed.symbols, timed.starts, timed.starts[1:], strict=False)
            if end > start
        )


def with_quiet_edges(words: Sequence[Sequence[Heard]], wave: np.ndarray) -> list[list[Heard]]:
    """Cuts a long quiet stretch off the first and the last phone of each word, as a silence.

    Quiet is what lies within a quarter of the way, in decibels, from the clip's floor to its speech.
    """
    size = int(FRAME_SECONDS * ALIGNER_RATE)
    frames = wave[: len(wave) // size * size].reshape(-1, size)
    level = 10 * np.log10(np.mean(frames**2, axis=1) + 1e-9)
    floor, speech = np.percentile(level, (5, 90))
    quiet = level < floor + (speech - floor) / 4
    shortest = round(QUIET_SECONDS / FRAME_SECONDS)
    cut = []
    for word in words:
        phones = list(word)
        if phones[0].symbol is not None:
            first, last = round(phones[0].start / FRAME_SECONDS), round(phones[0].end / FRAME_SECONDS)
            run = _run(quiet[first:last])
            if shortest <= run < last - first - 2:
                middle = phones[0].start + run * FRAME_SECONDS
                phones[:1] = [Heard(None, phones[0].start, middle), replace(phones[0], start=middle)]
            first, last = round(phones[-1].start / FRAME_SECONDS), round(phones[-1].end / FRAME_SECONDS)
            run = _run(quiet[first:last][::-1])
            if shortest <= run < last - first - 2:
                middle = phones[-1].end - run * FRAME_SECONDS
                phones[-1:] = [replace(phones[-1], end=middle), Heard(None, middle, phones[-1].end)]
        cut.append(phones)
    return cut


def _run(flags: np.ndarray) -> int:
    """How many are true before the first that is not."""
    return len(flags) if flags.all() else int(np.argmin(flags))


def make_clip(
    folder: Path, row: Mapping[str, object], recording: Path, aligner: Aligner | ListenerAligner
) -> Clip | str:
    """Aligns one recording and stores it in ``folder``. Returns the clip, or why there is none."""
    import soundfile
    import soxr

    wave, sample_rate = soundfile.read(str(recording), dtype="float32")
    if sample_rate not in OPUS_COMPRESSION:
        return f"{sample_rate} Hz"
    text = str(row["text"])
    text = text.lower() if text.isupper() else text
    utterance = to_utterance(text)
    heard = aligner(soxr.resample(wave, sample_rate, ALIGNER_RATE, quality="HQ"), utterance)
    if heard is None:
        return "not aligned"
    seconds = round(len(wave) / sample_rate, 4)
    timed = align(without_closures(heard), utterance, seconds)
    if timed.disagreement > MOST_DISAGREEMENT:
        return "pronounced otherwise"
    if not any(mark in text for mark in ",.;:?!"):
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
        text=text,
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


def build(
    metadata: Path, folder: Path, aligner: Aligner | ListenerAligner
) -> tuple[list[Clip], Counter[str]]:
    """Makes the corpus. Returns its clips and how many were left out, by reason."""
    (folder / "audio").mkdir(parents=True, exist_ok=True)
    clips, left_out = [], Counter()
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
    parser.add_argument("--listener", action="store_true", help="align with the listener that ships")
    options = parser.parse_args(arguments)
    aligner = ListenerAligner() if options.listener else Aligner()
    clips, left_out = build(options.metadata, options.out, aligner)
    hours = sum(clip.seconds for clip in clips) / 3600
    print(
        f"{len(clips)} clips, {hours:.2f} h, {len({clip.speaker for clip in clips})} speakers; left out {dict(left_out)}"
    )


if __name__ == "__main__":
    main()
