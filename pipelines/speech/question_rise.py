"""The melody of English questions: who can be answered yes or no rises at the end, by rule.

From the last accent on, F0 is low and climbs to the end of the question: L* H-H% of ToBI (Pierrehumbert 1980, "The phonology
and phonetics of English intonation"). Questions with a question word, and those with a choice, fall as statements do; where
an address or a clause stands before the question itself, a clause that turns its verb around goes before a question word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.speech.register import Register
from pipelines.text.symbols import ENGLISH_STRESS, is_mandarin
from pipelines.text.utterance import Utterance, Word

QUESTION_WORDS = frozenset("what when where which who whom whose why how".split())
BEFORE_THEM = frozenset("and at but by for from hey in now of oh on or so then to well with".split())
"""A question word may come behind these: to whom, but why, now what."""
TURNED_AROUND = frozenset(
    "am is are was were do does did have has had can could will would shall should may might must ca wo sha ai".split()
)
"""Verbs that open what can be answered yes or no, tags as well, without their "n't"."""
CHOICE = "or"
UNACCENTED = frozenset(
    "it me him her us them you i he she we they one of to at in for is are was were be".split()
)
LOW, HIGH = -1.5, 6.0
"""Semitones from the middle of the sentence: where the rise begins, and where it ends."""
TURN = 0.3
"""The share of the way from the last accent to the end after which F0 is lowest."""
_STRESSES = frozenset(ENGLISH_STRESS.values())


@dataclass(frozen=True)
class Rise:
    """Phonemes ``[first, last)`` of an utterance."""

    first: int
    last: int


def rises(utterance: Utterance) -> Iterator[Rise]:
    """Where the utterance has to rise: from the last accented vowel of a question to its end."""
    clauses: list[list[Word]] = [[]]
    after = {word.last: word for word in utterance.words}
    for place, symbol in enumerate(utterance.phonemes):
        if place in after:
            clauses[-1].append(after[place])
        if symbol == "?":
            words = [word for clause in clauses for word in clause]
            english = not any(is_mandarin(utterance.phonemes[word.first]) for word in words)
            if words and english and can_be_denied([[word.text for word in clause] for clause in clauses]):
                yield Rise(last_accent(words, utterance.tones), words[-1].last)
        if symbol == ",":
            clauses.append([])
        elif symbol in (".", "?", "!"):
            clauses = [[]]


def can_be_denied(clauses: Sequence[Sequence[str]]) -> bool:
    """Whether the words of ``clauses``, a question, can be answered yes or no."""
    plain = [[re.sub(r"(n['’]t|['’]\w+)$", "", word.lower()) for word in clause] for clause in clauses]
    opened = [(_opening(clause), len(clause)) for clause in plain]
    asks_whether = any(word in TURNED_AROUND and length > 1 for word, length in opened)  # Will is a name, too
    asks_what = any(word in QUESTION_WORDS for word, _ in opened)
    chooses = any(CHOICE in clause for clause in plain)
    return not chooses and (asks_whether or not asks_what)


def _opening(clause: Sequence[str]) -> str:
    return next((word for word in clause if word not in BEFORE_THEM), "")


def last_accent(words: Sequence[Word], tones: Sequence[int]) -> int:
    """The phoneme, of those with stress, that the melody of ``words`` turns on."""
    for word in [*(w for w in reversed(words) if w.text.lower() not in UNACCENTED), words[-1]]:
        for stress in (1, 2):
            for place in range(word.first, word.last):
                if tones[place] == ENGLISH_STRESS[stress]:
                    return place
    return words[-1].first


def with_rises(
    utterance: Utterance, frames: Sequence[int], heard: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """F0 in Hz that rises where it has to, and where it is another than ``heard``.

    Args:
        frames: how long every phoneme lasts.
        heard: ``[T]`` F0 in Hz as it would be, 0 where unvoiced, T = the sum of ``frames``. Vowels that rise always sound.
    """
    register = Register.of(heard)
    semitones, moved = register.semitones(heard), np.zeros(len(heard), bool)
    is_vowel = np.repeat([tone in _STRESSES for tone in utterance.tones], frames)
    ends = np.cumsum([0, *frames])
    for rise in rises(utterance):
        inside = slice(ends[rise.first], ends[rise.last])
        sounds = (heard > 0)[inside] | is_vowel[inside]
        if (heard[inside] > 0).any():
            begin, end = ends[rise.first] + np.flatnonzero(sounds)[[0, -1]] + (0, 1)
            along = np.arange(1, end - begin + 1) / (end - begin)
            low = min(register.width * LOW, semitones[begin])
            down = low + (semitones[begin] - low) * eased(1 - along / TURN)
            up = (register.width * HIGH - low) * eased((along - TURN) / (1 - TURN))
            semitones[begin:end], moved[inside] = down + up, sounds
    return np.where(moved, register.hertz(semitones), heard), moved


def eased(way: np.ndarray) -> np.ndarray:
    """``[T]`` how far something has come that starts and arrives gently, where it would have come ``way`` of 1."""
    return 0.5 - 0.5 * np.cos(np.pi * way.clip(0, 1))
