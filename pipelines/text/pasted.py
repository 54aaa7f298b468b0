"""Text as people paste it: what a PDF or Markdown puts around the words goes, the words stay."""

from __future__ import annotations

import re

from pipelines.text.lexicon import lexicon

_LINE_BREAK = re.compile("\r\n?|[\x0b\x0c\x85\u2028]")
_HYPHENATED = re.compile(r"(?<![A-Za-z])([A-Za-z]+)[-\u2010\u00ad][ \t]*\n[ \t]*([a-z]+)")
_FENCE = re.compile(r"^[ \t]*```[^\n`]*(?:\n|\Z)", re.M)
_HEADING = re.compile(r"^[ \t]*#{1,6}[ \t]+(?=\S)", re.M)
_QUOTE = re.compile(r"^[ \t]*(?>(?:>[ \t]*)+)(?!\d)", re.M)
_LINK = re.compile(r"!?\[([^\[\]\n]*)\]\((?=[^\s()]*[/.#:])[^\s()]*(?:\([^\s()]*\)[^\s()]*)*\)")


def plain(text: str) -> str:
    """The text with plain line breaks, words whole that were divided at the end of a line, and without Markdown's
    headings, quotes, links and fences; its emphasis and lists are silent anyway."""
    text = _LINE_BREAK.sub("\n", text).replace("\u2029", "\n\n")
    text = _HYPHENATED.sub(lambda match: _whole(*match.groups()), text)
    text = _HEADING.sub("", _FENCE.sub("", text))
    return _LINK.sub(r"\1", _QUOTE.sub("", text))


def _whole(first: str, second: str) -> str:
    """``labora``, ``tory`` -> laboratory; ``well``, ``known`` -> well-known."""
    known = lexicon()
    compound = first.lower() in known and second in known and (first + second).lower() not in known
    return f"{first}-{second}" if compound else first + second
