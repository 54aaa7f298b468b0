"""A page's text as HTML: paragraphs, sentences and words in spans that a reader can light up."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from pipelines.book.book import Page
from pipelines.book.lines import paragraphs


def paragraphs_html(
    page: Page,
    sentence_tag: Callable[[int, int], str],
    word_tag: Callable[[float, float], str] | None = None,
) -> str:
    """``<p>`` by paragraph.

    Args:
        sentence_tag: the opening ``<span ...>`` of a sentence, from its index and from which of its parts this is: a
            sentence that runs over two paragraphs has two.
        word_tag: the opening ``<span ...>`` of a word, from its times; without it words stay bare.
    """
    parts = dict.fromkeys(range(len(page.sentences)), 0)
    made = []
    for start, end in paragraphs(page.text):
        place, inner = start, ""
        for index, (first, last) in enumerate(page.spans):
            first, last = max(first, place), min(last, end)
            if first >= last:
                continue
            body = _words(page, index, first, last, word_tag)
            inner += escape(page.text[place:first]) + sentence_tag(index, parts[index]) + body + "</span>"
            parts[index] += 1
            place = last
        made.append(f"<p>{inner}{escape(page.text[place:end])}</p>")
    return "\n".join(made)


def _words(
    page: Page, index: int, first: int, last: int, word_tag: Callable[[float, float], str] | None
) -> str:
    if word_tag is None:
        return escape(page.text[first:last])
    body, place = "", first
    for start, end, begin, finish in page.words(index):
        if start >= place and end <= last:
            body += escape(page.text[place:start]) + word_tag(begin, finish)
            body += escape(page.text[start:end]) + "</span>"
            place = end
    return body + escape(page.text[place:last])
