"""The English front end: a sentence as written -> what a voice is to say."""

from __future__ import annotations

import re

from pipelines.failure import CraftError
from pipelines.text.pronunciation import words_to_phonemes
from pipelines.text.symbols import NO_TONE
from pipelines.text.utterance import Utterance, Word

_TOKEN = re.compile(
    r"(?P<word>['\u2019]?[^\W\d_]+(?:['\u2019][^\W\d_]+)*['\u2019]?)"
    r"|(?P<end>[.!?\u2026]+)"
    r"|(?P<comma>[,;:()\[\]{}\u2013\u2014]|(?<=\s)-+(?=\s)|--+)"
)
_STRENGTH = {",": 0, ".": 1, "!": 2, "?": 3}


def to_utterance(text: str) -> Utterance:
    """The phonemes, stresses and pauses of one English sentence.

    Raises:
        CraftError: ``text_unspeakable`` when it holds no word.
    """
    words: list[str] = []
    pauses: dict[int, str] = {}
    for token in _TOKEN.finditer(text):
        if token.lastgroup == "word":
            words.append(token.group())
        elif words:
            mark = _mark(token.group())
            before = pauses.get(len(words), ",")
            pauses[len(words)] = max(before, mark, key=_STRENGTH.__getitem__)
    if not words:
        raise CraftError("text_unspeakable", text=text[:80])
    if pauses.get(len(words), ",") == ",":
        pauses[len(words)] = "."

    phonemes, tones, placed = ["sil"], [NO_TONE], []
    for count, (word, spoken) in enumerate(zip(words, words_to_phonemes(words), strict=True), start=1):
        first = len(phonemes)
        phonemes += spoken.phonemes
        tones += spoken.tones
        placed.append(Word(word, first, len(phonemes)))
        if count in pauses:
            phonemes.append(pauses[count])
            tones.append(NO_TONE)
    return Utterance(text, "en", tuple(phonemes), tuple(tones), tuple(placed))


def _mark(punctuation: str) -> str:
    if "?" in punctuation:
        return "?"
    if "!" in punctuation:
        return "!"
    return "." if punctuation == "." else ","
