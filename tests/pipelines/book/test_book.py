from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipelines.book.book import Book, Page, Sentence, narrated_page
from pipelines.speech.engine import Take
from tests.pipelines.book.samples import RATE, sample_book, take


def test_a_narrated_page_knows_when_each_sentence_is_read() -> None:
    text = "One two. Three four."
    first, second = take("One two.", 1.0), take("Three four.", 0.5)
    page = narrated_page(text, [("One two.", first, 0.4), ("Three four.", second, 0.8)])
    assert page.narration is not None
    assert page.narration.seconds == pytest.approx(1.9)
    times = [(s.start_seconds, s.end_seconds) for s in page.sentences]
    assert times == [(0.0, pytest.approx(1.0)), (pytest.approx(1.4), pytest.approx(1.9))]
    quiet = page.narration.wave[round(1.05 * RATE) : round(1.35 * RATE)]
    assert np.abs(quiet).max() == 0
    assert [text[a:b] for a, b, _, _ in page.words(1)] == ["Three", "four"]
    assert page.words(1)[1][2] == pytest.approx(1.65)


def test_voices_of_different_rates_share_a_page() -> None:
    low = Take(np.zeros(8000, np.float32), 8000, (), 1.0)
    page = narrated_page("A. B.", [("A.", low, 0.0), ("B.", take("B.", 1.0), 0.0)])
    assert page.narration is not None
    assert page.narration.sample_rate == RATE and page.narration.seconds == pytest.approx(2.0, abs=0.01)


def test_a_sentence_that_is_not_in_the_text_is_refused() -> None:
    with pytest.raises(ValueError, match="does not contain"):
        Page("One two.", (Sentence("Two one."),))


def test_a_book_without_label_or_pages_is_refused() -> None:
    with pytest.raises(ValueError, match="label"):
        replace(sample_book(), label=" ")
    with pytest.raises(ValueError, match="page"):
        Book("t", "a", "en", (), "made by a machine")


def test_captions_follow_the_narration() -> None:
    page = sample_book("zh").pages[1]
    captions = page.captions(10.0)
    assert "".join(c.text for c in captions).replace("\n", "") == "".join(s.text for s in page.sentences)
    assert captions[0].start_seconds == 10.0
    assert captions[-1].end_seconds == pytest.approx(10.0 + page.narration.seconds, abs=0.01)


def test_the_fingerprint_changes_with_the_book_alone() -> None:
    book = sample_book()
    assert book.fingerprint == sample_book().fingerprint
    louder = replace(
        book.pages[0], narration=replace(book.pages[0].narration, wave=book.pages[0].narration.wave * 0.9)
    )
    changed = [
        replace(book, title="Another"),
        replace(book, pages=(louder, *book.pages[1:])),
        replace(book, plan={"seed": 8}),
    ]
    assert len({book.fingerprint, *(other.fingerprint for other in changed)}) == 4
