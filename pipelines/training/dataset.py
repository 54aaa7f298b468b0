"""A person's recordings as training examples: cut at pauses, phonemes from the transcript or as heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from models.starter.mel import FRAMES_PER_SECOND
from pipelines.speech.listening import Ear, TimedPhonemes
from pipelines.text.symbols import ENGLISH_STRESS, FINALS, MANDARIN_TONE, NO_TONE, is_mandarin, is_pause
from pipelines.text.utterance import Utterance
from pipelines.training.base.speech_set import Example

SHORTEST_SECONDS, LONGEST_SECONDS = 1.5, 9.0
CUT_FRAMES = 13
"""A silence of 150 ms is a place to cut."""
LEAST_CONFIDENCE = 0.25
"""Mean posterior under which a slice's phonemes are not trusted."""
LEAST_WRITTEN_HEARD = 0.3
"""Share of its phonemes that the listener must find in a slice before what was written is taken to be said there: a few
phonemes laid over a long slice may each sound like something in it. Where they are said it finds 0.4 to 1.0 of them,
where they were only laid 0.0 to 0.05."""
FULL_BAND_LEVEL = -2.1
"""Mean normalised log-mel above 8.5 kHz while speaking; a 16 kHz source lies at the floor of -2.6."""

_REDUCED = frozenset(("AH", "IH", "ER"))
_UNSTRESSED, _STRESSED = ENGLISH_STRESS[0], ENGLISH_STRESS[1]
_FINALS = frozenset(f"zh/{final}" for final in FINALS)
_VOWELS = frozenset("AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW".split())


def quiet_spans(silence: Tensor) -> list[tuple[int, int]]:
    """Runs of at least ``CUT_FRAMES`` frames that the listener calls silence, from its ``[T]`` posterior."""
    quiet = torch.cat([torch.zeros(1), (silence > 0.5).float(), torch.zeros(1)]).diff()
    begins, ends = (torch.where(quiet == sign)[0].tolist() for sign in (1, -1))
    return [(a, b) for a, b in zip(begins, ends, strict=True) if b - a >= CUT_FRAMES]


def slices(mel: Tensor, ear: Ear) -> list[tuple[int, int]]:
    """Frame spans of 1.5 to 9 s that begin and end in pauses; what has no pause is cut where it is longest."""
    shortest, longest = (int(s * FRAMES_PER_SECOND) for s in (SHORTEST_SECONDS, LONGEST_SECONDS))
    if len(mel) < shortest:
        return []
    spans = quiet_spans(ear.posteriors(mel)[0][:, 0].exp())
    cuts = [0, *((a + b) // 2 for a, b in spans), len(mel)]
    pieces, begin = [], 0
    for cut, following in zip(cuts[1:], [*cuts[2:], len(mel)], strict=True):
        last = cut == len(mel)
        if cut - begin >= shortest and (last or following - begin > longest):
            pieces.append((begin, cut))
            begin = cut
        elif cut - begin < shortest and following - begin > longest:
            begin = cut
    return [
        (start, min(start + longest, end))
        for begin, end in pieces
        for start in range(begin, end, longest)
        if min(start + longest, end) - start >= shortest
    ]


def guessed_tones(symbols: Sequence[str]) -> tuple[int, ...]:
    """Stress for phonemes that were heard, not read: reduced vowels are unstressed, the others carry the stress. Finals
    get the falling tone, the most frequent one; their real pitch lies in the mel."""
    return tuple(map(_guessed_tone, symbols))


def _guessed_tone(symbol: str) -> int:
    if symbol in _FINALS:
        return MANDARIN_TONE[4]
    if symbol not in _VOWELS:
        return NO_TONE
    return _UNSTRESSED if symbol in _REDUCED else _STRESSED


def language_heard(symbols: Sequence[str]) -> str:
    """The language that most phonemes are of."""
    spoken = [is_mandarin(symbol) for symbol in symbols if not is_pause(symbol)]
    return "zh" if 2 * sum(spoken) > len(spoken) else "en"


def is_full_band(mel: Tensor) -> bool:
    """Whether ``[T, MEL_BANDS]`` holds anything above 8.5 kHz while someone speaks."""
    loudness = mel[:, :60].mean(dim=1)
    return bool(mel[loudness > loudness.median(), 73:].mean() > FULL_BAND_LEVEL)


def examples_of(mel: Tensor, read: Utterance | None, ear: Ear) -> list[Example]:
    """Training examples from one recording of a minute or so.

    Args:
        mel: ``[T, MEL_BANDS]``, levelled.
        read: what is said in it, when that is known. Pieces in which it is not heard are learnt as they sound.
    """
    full_band = is_full_band(mel)
    timed = ear.align(mel, read.phonemes) if read else None
    examples = []
    for begin, end in slices(mel, ear):
        piece = mel[begin:end]
        told = _cut(timed, begin, end) if timed else None
        if told and read and _is_trusted(told) and ear.score(piece, told.symbols) >= LEAST_WRITTEN_HEARD:
            span, language = told, read.language
            tones = tuple(0 if source < 0 else read.tones[source] for source in span.source)
        else:
            span = ear.hear(piece)
            if span is None or not _is_trusted(span):
                continue
            language, tones = language_heard(span.symbols), guessed_tones(span.symbols)
        examples.append(
            Example(
                mel=piece.half(),
                symbols=span.symbols,
                tones=tones,
                starts=span.starts,
                speaker="person",
                language=language,
                full_band=full_band,
                recorded=True,
                trained=True,
            )
        )
    return examples


def _is_trusted(span: TimedPhonemes) -> bool:
    spoken = [c for symbol, c in zip(span.symbols, span.confidence, strict=True) if not is_pause(symbol)]
    return len(spoken) >= 5 and sum(spoken) / len(spoken) >= LEAST_CONFIDENCE


def hold_out(examples: Sequence[Example]) -> list[Example]:
    """``examples`` of which every eighth is not trained on; of fewer than four, the shortest."""
    chosen = set(range(3, len(examples), 8))
    if not chosen and examples:
        chosen = {min(range(len(examples)), key=lambda number: len(examples[number].mel))}
    return [replace(example, trained=number not in chosen) for number, example in enumerate(examples)]


def _cut(timed: TimedPhonemes, begin: int, end: int) -> TimedPhonemes:
    """The part of an alignment that lies between two frames, with a silence at either end."""
    kept = [
        i
        for i in range(len(timed.symbols))
        if timed.starts[i + 1] > begin and timed.starts[i] < end and timed.starts[i + 1] > timed.starts[i]
    ]
    symbols = [timed.symbols[i] for i in kept]
    source = [timed.source[i] for i in kept]
    starts = [max(0, timed.starts[i] - begin) for i in kept]
    confidence = [timed.confidence[i] for i in kept]
    if symbols and not is_pause(symbols[0]):
        symbols, source, starts, confidence = (
            ["sil", *symbols],
            [-1, *source],
            [0, *starts],
            [1.0, *confidence],
        )
    elif symbols:
        symbols[0] = "sil"
    if symbols and (not is_pause(symbols[-1]) or symbols[-1] in ("sil", ",")):
        if is_pause(symbols[-1]):
            symbols[-1] = "."
        else:
            symbols, source, confidence = [*symbols, "."], [*source, -1], [*confidence, 1.0]
            starts = [*starts, end - begin]
    return TimedPhonemes(tuple(symbols), tuple(source), (*starts, end - begin), tuple(confidence))
