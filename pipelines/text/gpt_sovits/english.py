"""English for GPT-SoVITS: CMUdict's phonemes with their stress, and the network that ships for words outside it."""

from __future__ import annotations

import re

from pipelines.failure import CraftError
from pipelines.text.english import tokens
from pipelines.text.gpt_sovits.utterance import Span
from pipelines.text.overrides import MARK
from pipelines.text.personal_lexicon import NO_LEXICON, PersonalLexicon
from pipelines.text.pronunciation import arpabets, fold


def span_of(
    text: str, sounds: tuple[str, ...] = (), own: PersonalLexicon = NO_LEXICON, context: bool = True
) -> Span:
    """The English span of a text.

    Args:
        text: as written, ``MARK`` behind the words whose ARPAbet ``sounds`` gives.
        own: the person's lexicon, before the dictionary.
        context: whether neighbours decide between the sounds of a word (wind, read); without, the dictionary alone.

    Raises:
        CraftError: ``language_unsupported`` when it holds letters that English does not know.
    """
    words: list[str] = []
    pauses: dict[int, str] = {}
    given: dict[int, str] = {}
    for kind, spoken, _, _ in tokens(text):
        if kind == "word":
            if MARK in spoken and len(given) < len(sounds):
                given[len(words)] = sounds[len(given)]
            words.append(spoken.replace(MARK, ""))
        elif not spoken.startswith('"'):
            pauses.setdefault(len(words), _mark(spoken))
    foreign = [word for word in words if not re.fullmatch("[a-z'-]+", fold(word))]
    if foreign:
        raise CraftError("language_unsupported", text=" ".join(foreign)[:80])
    phonemes = [pauses[0]] if 0 in pauses else []
    said = pauses.get(0, "")
    for place, (word, sound) in enumerate(zip(words, arpabets(words, own.words, context), strict=True)):
        mark = pauses.get(place + 1, "")
        phonemes += given.get(place, sound).split()
        phonemes += [mark] if mark else []
        said += f"{' ' if place else ''}{word}{mark}"
    return Span("en", said, tuple(phonemes))


def _mark(punctuation: str) -> str:
    """The mark of the table that a run of punctuation stands for."""
    if punctuation.startswith(".."):
        return "\u2026"
    return punctuation[0] if punctuation[0] in ".!?" else ","
