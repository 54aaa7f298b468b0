"""The English front end: a sentence as written -> what a voice is to say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

from pipelines.failure import CraftError
from pipelines.text.lexicon import lexicon
from pipelines.text.normalise import read_pieces
from pipelines.text.overrides import MARK, mark
from pipelines.text.personal_lexicon import NO_LEXICON, PersonalLexicon
from pipelines.text.pronunciation import Pronunciation, fold, words_to_phonemes
from pipelines.text.symbols import NO_TONE
from pipelines.text.utterance import Utterance, Word

_TOKEN = re.compile(
    r"(?P<word>'?[^\W\d_]+(?:['\u2010\u2011-][^\W\d_]+)*'?)"
    r"|(?P<end>[.!?]+)"
    r"|(?P<comma>[,;:()\[\]{}\u2013\u2014]|(?<=\s)-+(?=\s)|--+)"
    r'|(?P<quote>")'
)
_STRENGTH = {",": 0, ".": 1, "!": 2, "?": 3}
_SHORT_QUOTE = 2
"""So many quoted words are said without a pause around them: scare quotes, titles of one word."""


def to_utterance(text: str, own: PersonalLexicon = NO_LEXICON) -> Utterance:
    """The phonemes, stresses and pauses of one English sentence.

    A word of the utterance is a stretch of the text as written: ``$4.50`` is one word, spoken as five. Where a pause
    falls inside such a stretch (a telephone number), the spoken words stand for themselves. Sounds written behind a
    word (``read{R EH1 D}``) and the person's lexicon go before the dictionary.

    Raises:
        CraftError: ``text_unspeakable`` when it holds no word, ``language_unsupported`` when it holds letters that
            English does not know, ``pronunciation_misfit`` for braces that do not fit their word.
    """
    marked = mark(text)
    given: dict[int, str] = {}
    words: list[str] = []
    written: list[tuple[int, str]] = []
    pauses: dict[int, str] = {}
    for kind, spoken, place, source in tokens(marked.text):
        if kind == "word":
            if MARK in spoken and len(given) < len(marked.sounds):
                given[len(words)] = marked.sounds[len(given)]
            words.append(spoken.replace(MARK, ""))
            written.append((place, source.replace(MARK, "")))
        elif words:
            before = pauses.get(len(words), ",")
            pauses[len(words)] = max(before, _mark(spoken), key=_STRENGTH.__getitem__)
    if not words:
        raise CraftError("text_unspeakable", text=text.strip()[:80])
    foreign = [word for word in words if not re.fullmatch("[a-z'-]+", fold(word))]
    if foreign:
        raise CraftError("language_unsupported", text=" ".join(foreign)[:80])
    if pauses.get(len(words), ",") == ",":
        pauses[len(words)] = "."

    phonemes, tones, placed = ["sil"], [NO_TONE], []
    for count, (word, sound) in enumerate(
        zip(words, words_to_phonemes(words, own.words), strict=True), start=1
    ):
        if count - 1 in given:
            sound = Pronunciation.from_arpabet(given[count - 1])
        first = len(phonemes)
        phonemes += sound.phonemes
        tones += sound.tones
        placed.append(Word(word, first, len(phonemes)))
        if count in pauses:
            phonemes.append(pauses[count])
            tones.append(NO_TONE)
    return Utterance(text, "en", tuple(phonemes), tuple(tones), tuple(_as_written(placed, written)))


def tokens(text: str) -> Iterator[tuple[str, str, int, str]]:
    """(word or pause, as spoken, number of its stretch of text, that stretch as written), in spoken order."""
    place = 0
    quoted: list[tuple[str, str, int, str]] | None = None
    for piece in read_pieces(text):
        same = piece.spoken == piece.written
        for match in _TOKEN.finditer(piece.spoken):
            place += same
            spoken = match.group() if match.lastgroup != "word" else _unquoted(match.group())
            source = spoken if same else piece.written.strip(" .,;:!?\"'")
            token = ("word" if match.lastgroup == "word" else "pause", spoken, place, source)
            if match.lastgroup != "quote":
                (yield token) if quoted is None else quoted.append(token)
            elif quoted is None:
                quoted = []
            else:
                yield from _quotation(quoted, place)
                quoted = None
        place += 1
    yield from quoted or ()


def _unquoted(word: str) -> str:
    """Without the quotation marks that only look like apostrophes."""
    if word.endswith("'") and not word.endswith("s'"):
        word = word[:-1]
    return word[1:] if word[0] == "'" and fold(word) not in lexicon() else word


def _quotation(tokens: list[tuple[str, str, int, str]], place: int) -> Iterator[tuple[str, str, int, str]]:
    pause = ("pause", ",", place, "")
    long = sum(kind == "word" for kind, *_ in tokens) > _SHORT_QUOTE
    yield from (pause, *tokens, pause) if long else tokens


def _as_written(spoken: list[Word], written: list[tuple[int, str]]) -> Iterator[Word]:
    """Spoken words joined to the written word they come from, unless a pause keeps them apart."""
    for (_, source), pairs in groupby(zip(spoken, written, strict=True), key=lambda pair: pair[1]):
        group = [word for word, _ in pairs]
        unbroken = all(first.last == second.first for first, second in zip(group, group[1:], strict=False))
        if unbroken:
            yield Word(source, group[0].first, group[-1].last)
        else:
            yield from group


def _mark(punctuation: str) -> str:
    if "?" in punctuation:
        return "?"
    if "!" in punctuation:
        return "!"
    return "." if punctuation == "." else ","
