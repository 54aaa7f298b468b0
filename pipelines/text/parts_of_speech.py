"""What kind of word a Chinese word is, by jieba's dictionary."""

from __future__ import annotations

import logging

UNKNOWN = ""


def tag_of(word: str) -> str:
    """jieba's tag (``n``, ``v``, ``uv`` for a lone 地 ...), ``UNKNOWN`` for a word that its dictionary does not have."""
    import jieba.posseg

    jieba.setLogLevel(logging.WARNING)
    return jieba.posseg.dt.word_tag_tab.get(word, UNKNOWN)
