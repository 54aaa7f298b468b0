"""What a front end hands to a voice."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Word:
    """A written word and the phonemes it is spoken with: ``phonemes[first:last]`` of its utterance."""

    text: str
    first: int
    last: int


@dataclass(frozen=True)
class Utterance:
    """One sentence ready to be spoken.

    Attributes:
        text: the sentence as written.
        language: ``en`` or ``zh``; mixed sentences carry the language of most of their words.
        phonemes: ``P`` symbols of ``pipelines.text.symbols``; starts with ``sil`` and ends with ``.``, ``?`` or ``!``.
        tones: ``P`` tone ids, ``NO_TONE`` for pauses and consonants.
        words: in order; pauses belong to no word.
    """

    text: str
    language: str
    phonemes: tuple[str, ...]
    tones: tuple[int, ...]
    words: tuple[Word, ...]
