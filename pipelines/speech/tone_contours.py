"""The melody of Mandarin: F0 for every frame, from the tones, by rule.

Every syllable has a target in the speaker's register, level or a line, and F0 approaches it without ever jumping, so each
tone bends the next as it does in speech. Targets follow Chao's tone letters (55, 35, 21, 51), narrowed to what is read aloud.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.starter.mel import FRAMES_PER_SECOND
from pipelines.speech.register import Register, approached
from pipelines.text.symbols import FINALS, MANDARIN_TONE, is_mandarin, is_pause

TARGETS = {1: (3.2, 3.2), 2: (-4.5, 4.5), 3: (-3.5, -5.5), 4: (5.5, -5.5)}
"""Tone -> semitones from the middle of the register, where the syllable begins and where it ends."""
RISING_END = -0.5
"""Where a third tone ends that a pause follows."""
NEUTRAL = {0: -1.0, 1: -1.5, 2: -0.5, 3: 0.5, 4: -3.5, 5: -2.0}
"""A neutral tone, by the tone before it; 0 is none."""
DECLINATION = 1.5
"""Semitones that a breath group falls by."""
LAST_FALL, ASKING_RISE = 1.0, 2.0
"""Semitones by which the last syllable of a sentence lies lower, and the last two of a question higher."""
JOIN_SECONDS = 0.08
"""An English word behind a Chinese one comes to its own pitch at this rate."""
VOICED = frozenset(f"zh/{part}" for part in (*FINALS, "m", "n", "l", "r"))
_TONE = {identity: tone for tone, identity in MANDARIN_TONE.items()}


@dataclass(frozen=True)
class Syllable:
    """Initial and final last from frame ``begin`` to ``end``."""

    begin: int
    end: int
    tone: int


def with_tones(
    phonemes: Sequence[str],
    tones: Sequence[int],
    frames: Sequence[int],
    register: Register,
    heard: np.ndarray,
) -> np.ndarray:
    """The F0 in Hz of a sentence whose Mandarin syllables have their tones.

    Args:
        phonemes, tones: ``P``, as an utterance has them; frames: how long each lasts.
        heard: ``[T]`` F0 in Hz without tones, 0 where unvoiced, T = the sum of ``frames``. English words keep it;
            Mandarin vowels and m, n, l, r always sound.
    """
    own = register.semitones(heard)
    target, spoken = own.copy(), np.zeros(len(own), bool)
    for group, mark in breath_groups(phonemes, tones, frames):
        before = 0
        for place, syllable in enumerate(group):
            last = place == len(group) - 1
            line = target_of(syllable.tone, before, last, syllable.end - syllable.begin)
            along = place / max(1, len(group) - 1)
            fall = DECLINATION * (0.5 - along) - LAST_FALL * (last and mark == ".")
            rise = ASKING_RISE * (mark == "?" and place >= len(group) - 2)
            target[syllable.begin : syllable.end] = register.width * (line + fall + rise)
            spoken[syllable.begin : syllable.end] = True
            before = syllable.tone
    # In a pause the voice gets ready for what comes next.
    end = len(own)
    for symbol, count in zip(reversed(phonemes), reversed(frames), strict=True):
        if is_pause(symbol) and 0 < end < len(own):
            target[end - count : end] = target[end]
        end -= count
    followed = approached(target)
    # English words leave the pitch of the word before them for their own.
    since = np.arange(len(own)) - np.maximum.accumulate(np.where(spoken, np.arange(len(own)), -len(own)))
    kept = np.exp(-since / (JOIN_SECONDS * FRAMES_PER_SECOND))
    semitones = own + kept * (followed - own)
    sounds = np.repeat([symbol in VOICED for symbol in phonemes], frames)
    mandarin = np.repeat([is_mandarin(symbol) for symbol in phonemes], frames)
    return np.where(np.where(mandarin, sounds, heard > 0), register.hertz(semitones), 0.0)


def breath_groups(
    phonemes: Sequence[str], tones: Sequence[int], frames: Sequence[int]
) -> list[tuple[list[Syllable], str]]:
    """The Mandarin syllables between two marks, with the mark that ends them."""
    groups: list[tuple[list[Syllable], str]] = []
    group: list[Syllable] = []
    begin = end = 0
    for symbol, tone, count in zip(phonemes, tones, frames, strict=True):
        end += count
        if tone in _TONE:
            group.append(Syllable(begin, end, _TONE[tone]))
        if is_pause(symbol) and group:
            groups.append((group, symbol))
            group = []
        if tone in _TONE or not is_mandarin(symbol):  # an initial belongs to the final behind it
            begin = end
    return groups


def target_of(tone: int, before: int, last: bool, count: int) -> np.ndarray:
    """``[count]`` semitones from the middle of the register: what a syllable of ``tone`` aims at."""
    if tone == 5:
        return np.full(count, NEUTRAL[before])
    first, final = TARGETS[tone]
    if tone == 3 and last:
        return np.interp(np.linspace(0, 1, count), (0, 0.55, 1), (first, final, RISING_END))
    return np.linspace(first, final, count)
