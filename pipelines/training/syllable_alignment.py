"""Finds the initials and finals of pinyin in what espeak-ng says it spoke."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pipelines.text.pinyin import parse_syllable
from pipelines.text.symbols import NO_TONE, is_pause
from pipelines.training.phone_alignment import Heard, TimedPhonemes

LONGEST_CLOSURE_SECONDS = 0.08
"""A silence up to this length before a syllable is the closure of its initial, not a pause."""


def align_syllables(
    heard: Sequence[Heard], reading: str, alone: Callable[[str], tuple[str, ...]], seconds: float
) -> TimedPhonemes | None:
    """Times of the phonemes of a reading.

    Args:
        heard: espeak's phonemes and silences in time order.
        reading: syllables and marks apart, as ``ni3 hao3 , wo3 men5 .``.
        alone: a syllable to the espeak phonemes it has when said alone.
        seconds: length of the clip.

    Returns:
        None when espeak said another sequence of phonemes than those of the syllables alone.
    """
    tokens = reading.split()
    sounds = [phone for phone in heard if phone.symbol is not None]
    gaps = _gaps(heard)
    rows: list[tuple[str, int, float]] = [("sil", NO_TONE, 0.0)]
    position, mark = 0, None
    for token in tokens[:-1]:
        if is_pause(token):
            mark = token
            continue
        syllable, expected = parse_syllable(token), alone(token)
        said = sounds[position : position + len(expected)]
        if syllable is None or tuple(phone.symbol for phone in said) != expected:
            return None
        if len(said) < len(syllable.phonemes):
            return None
        start = said[0].start
        if position and (position in gaps or mark):
            gap = gaps.get(position, start)
            if mark or start - gap > LONGEST_CLOSURE_SECONDS:
                rows.append((mark or "sil", NO_TONE, gap))
            else:
                start = gap
        mark = None
        starts = (start, said[1].start) if len(syllable.phonemes) == 2 else (start,)
        rows += zip(syllable.phonemes, syllable.tones, starts, strict=True)
        position += len(expected)
    if position != len(sounds):
        return None
    rows.append((tokens[-1], NO_TONE, min(seconds, sounds[-1].end)))
    starts = tuple(round(start, 4) for _, _, start in rows)
    return TimedPhonemes(
        phonemes=tuple(symbol for symbol, _, _ in rows),
        tones=tuple(tone for _, tone, _ in rows),
        starts=starts,
        ends=(*starts[1:], round(seconds, 4)),
        disagreement=0.0,
    )


def _gaps(heard: Sequence[Heard]) -> dict[int, float]:
    """Number of sounds before a silence -> when the silence begins."""
    gaps: dict[int, float] = {}
    count = 0
    for phone in heard:
        if phone.symbol is not None:
            count += 1
        else:
            gaps.setdefault(count, phone.start)
    return gaps
