"""A text as words, English and Chinese, and the search for listed words in it."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from pipelines.story import vocabulary
from pipelines.story.wordlists import IS_HAN

LONGEST = 4
"""Words in the longest phrase of a list."""

HAN = "\u3400-\u4dbf\u4e00-\u9fff\u3007"
_WORD = re.compile(rf"(?P<han>[{HAN}]+)|(?P<latin>[^\W\d_{HAN}]+(?:['\u2019][^\W\d_{HAN}]+)*)")


@dataclass(frozen=True)
class Token:
    """A word of a text: ``text[start:end]``, and ``key``, as the lists spell it."""

    key: str
    start: int
    end: int
    han: bool


@dataclass(frozen=True)
class Found:
    """A list's word in a text: tokens ``first`` to ``last`` (exclusive) and what the list says about it."""

    key: str
    value: object
    first: int
    last: int


@lru_cache(maxsize=4096)
def tokens(text: str) -> tuple[Token, ...]:
    """The words of a text in their order; Chinese ones as the lists and jieba's dictionary cut them."""
    found = []
    for match in _WORD.finditer(text):
        if match.lastgroup == "latin":
            key = match.group().lower().replace("\u2019", "'")
            found.append(Token(key, match.start(), match.end(), False))
            continue
        start = match.start()
        for word in _cutter().cut(match.group()):
            found.append(Token(word, start, start + len(word), True))
            start += len(word)
    return tuple(found)


def find(table: Mapping[str, object], words: Sequence[Token]) -> list[Found]:
    """Words of a table among the tokens, longest first, none overlapping another."""
    found, first = [], 0
    while first < len(words):
        for last in range(min(len(words), first + LONGEST), first, -1):
            key = _joined(words[first:last])
            if key in table:
                found.append(Found(key, table[key], first, last))
                first = last
                break
        else:
            if ending := _ending(table, words[first]):
                found.append(Found(ending, table[ending], first, first + 1))
            first += 1
    return found


def _ending(table: Mapping[str, object], word: Token) -> str | None:
    """What a longer Chinese word ends in: its main part (大海边 is 海边, 一天早上 is 早上)."""
    if word.han:
        for start in range(1, len(word.key) - 1):
            if word.key[start:] in table:
                return word.key[start:]
    return None


def touch(before: Token, after: Token) -> bool:
    """Nothing but a space (between Chinese words not even that) stands between them."""
    return after.start - before.end <= (0 if before.han and after.han else 1)


def _joined(words: Sequence[Token]) -> str:
    """The phrase as a list would spell it; words with punctuation between them are no phrase."""
    if any(not touch(before, after) for before, after in zip(words, words[1:], strict=False)):
        return ""
    return ("" if words[0].han else " ").join(word.key for word in words)


def is_common(word: str) -> bool:
    """Whether the Chinese dictionary, or one of our lists, has it."""
    return _cutter().FREQ.get(word, 0) > 0


@cache
def _cutter():
    """A tokenizer of our own: words added to jieba's shared one would change how the rest of the house reads."""
    import jieba

    jieba.setLogLevel(logging.WARNING)
    cutter = jieba.Tokenizer()
    for word in sorted(vocabulary.everything()):
        if len(word) > 1 and IS_HAN.match(word):
            cutter.add_word(word)
    return cutter
