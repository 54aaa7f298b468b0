"""The melody of Mandarin: F0 for every frame, from the tones, by rule.

Every syllable has a target in the speaker's register, level or a line, and F0 approaches it without ever jumping, as a
critically damped system of third order: qTA (Prom-on, Xu & Thipakorn 2009, doi:10.1121/1.3037222). So each tone
bends the next as it does in speech. Targets follow Chao's tone letters (55, 35, 21, 51), narrowed to what is read aloud.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.starter.mel import FRAMES_PER_SECOND
from pipelines.text.symbols import FINALS, MANDARIN_TONE, is_mandarin, is_pause

APPROACH = 42.0
"""Rate of the approach in 1/s; qTA finds 20 to 80 in people."""
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
USUAL_HZ = 160.0
USUAL_SPREAD, WIDTHS = 2.8, (0.75, 1.25)
"""The F0 of somebody who reads aloud deviates so many semitones; a livelier voice has wider tones, within limits."""
JOIN_SECONDS = 0.08
"""An English word behind a Chinese one comes to its own pitch at this rate."""
VOICED = frozenset(f"zh/{part}" for part in (*FINALS, "m", "n", "l", "r"))
LIMITS_HZ = (55.0, 550.0)
_TONE = {identity: tone for tone, identity in MANDARIN_TONE.items()}


@dataclass(frozen=True)
class Register:
    """Where somebody's voice lies: median F0 in Hz, and the standard deviation around it in semitones."""

    hz: float
    spread: float

    @classmethod
    def of(cls, f0: np.ndarray) -> Register:
        """``f0`` in Hz, 0 where unvoiced; where all of it is, as in a whisper, a register between those of women and men."""
        voiced = f0[f0 > 0]
        if not len(voiced):
            return cls(USUAL_HZ, USUAL_SPREAD)
        middle = float(np.median(voiced))
        semitones = 12 * np.log2(voiced / middle)
        return cls(middle, float(semitones[np.abs(semitones) < 10].std()))  # octaves are misheard


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
    voiced = np.flatnonzero(heard > 0)
    if len(voiced):
        own = np.interp(np.arange(len(heard)), voiced, 12 * np.log2(heard[voiced] / register.hz))
    else:
        own = np.zeros(len(heard))
    target, spoken = own.copy(), np.zeros(len(own), bool)
    width = min(max(register.spread / USUAL_SPREAD, WIDTHS[0]), WIDTHS[1])
    for group, mark in breath_groups(phonemes, tones, frames):
        before = 0
        for place, syllable in enumerate(group):
            last = place == len(group) - 1
            line = target_of(syllable.tone, before, last, syllable.end - syllable.begin)
            along = place / max(1, len(group) - 1)
            fall = DECLINATION * (0.5 - along) - LAST_FALL * (last and mark == ".")
            rise = ASKING_RISE * (mark == "?" and place >= len(group) - 2)
            target[syllable.begin : syllable.end] = width * (line + fall + rise)
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
    f0 = (register.hz * 2 ** (semitones / 12)).clip(*LIMITS_HZ)
    return np.where(np.where(mandarin, sounds, heard > 0), f0, 0.0)


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


def approached(target: np.ndarray) -> np.ndarray:
    """``[T]`` F0 that follows ``target`` ``[T]``: three equal low passes of first order in a row."""
    keep = np.exp(-APPROACH / FRAMES_PER_SECOND)
    track = target
    for _ in range(3):
        state, followed = track[0], np.empty_like(track)
        for frame, aim in enumerate(track):
            state = aim + keep * (state - aim)
            followed[frame] = state
        track = followed
    return track
