import random
import re

import pytest

from pipelines.speech.engine import SpokenWord
from pipelines.text.captions import LINE_CHARS, LINES, Caption, cues, to_srt, to_vtt


def spoken(text: str, seconds: float = 0.3) -> list[SpokenWord]:
    words = re.findall(r"[\w$.']*\w", text)
    return [SpokenWord(word, 0.1 + i * seconds, 0.1 + (i + 1) * seconds) for i, word in enumerate(words)]


def test_a_short_sentence_is_one_caption():
    text = "“Well,” she said, “$4.50 it is!”"
    assert cues(text, spoken(text), 2.0, 5.0) == [Caption(text, 2.0, 5.0)]


def test_a_long_sentence_is_cut_where_its_words_are_heard():
    text = (
        "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of "
        "foolishness, it was the epoch of belief."
    )
    words = spoken(text)
    found = cues(text, words, 10.0, 10.0 + words[-1].end_seconds + 0.2)
    assert " ".join(" ".join(caption.text.split()) for caption in found) == text
    assert found[0].start_seconds == 10.0 and found[-1].end_seconds == pytest.approx(10.3 + 0.3 * len(words))
    for caption, following in zip(found, found[1:], strict=False):
        assert caption.end_seconds == following.start_seconds
        first = len(" ".join(c.text for c in found[: found.index(following)]).split())
        assert following.start_seconds == pytest.approx(10 + words[first].start_seconds)


def test_words_that_are_not_on_the_page_are_bridged():
    text = "Call 555-1234 before noon, please, my dear old friend, or after midnight if you have to do it."
    words = [
        SpokenWord(w, 0.3 * i, 0.3 * i + 0.3) for i, w in enumerate("Call five five five one two".split())
    ]
    found = cues(text, words, 0.0, 9.0)
    assert [c.end_seconds for c in found[:-1]] == [c.start_seconds for c in found[1:]]
    assert found[-1].end_seconds == 9.0


@pytest.mark.parametrize("seed", range(200))
def test_captions_are_ordered_complete_and_fit(seed):
    dice = random.Random(seed)
    written = [
        "".join(dice.choice("abcdefg,.é") for _ in range(dice.randint(1, 14)))
        for _ in range(dice.randint(1, 60))
    ]
    text = " ".join(written)
    words = [
        SpokenWord(w.strip(".,"), dice.uniform(0, 20), dice.uniform(0, 20))
        for w in written
        if dice.random() < 0.8
    ]
    found = cues(text, words, 1.0, 21.0)
    assert " ".join(" ".join(c.text.split()) for c in found) == text
    assert found[0].start_seconds == 1.0 and found[-1].end_seconds == 21.0
    for caption in found:
        assert caption.start_seconds <= caption.end_seconds
        lines = caption.text.split("\n")
        assert len(lines) <= LINES and all(len(line) <= LINE_CHARS + 14 for line in lines)
    assert [c.start_seconds for c in found] == sorted(c.start_seconds for c in found)


def test_srt():
    captions = [Caption("Hello,\nworld.", 0.0, 1.2345), Caption("a --> b\n\nc", 3661.9996, 3662.9)]
    assert to_srt(captions) == (
        "1\n00:00:00,000 --> 00:00:01,234\nHello,\nworld.\n\n2\n01:01:02,000 --> 01:01:02,900\na → b\nc\n"
    )


def test_vtt():
    assert (
        to_vtt([Caption("R&B <3", 59.9999, 61.0)])
        == "WEBVTT\n\n00:01:00.000 --> 00:01:01.000\nR&amp;B &lt;3\n"
    )
    assert to_vtt([]).startswith("WEBVTT")


def test_a_short_caption_stays_until_it_can_be_read():
    shown = to_srt([Caption("No.", 0.0, 0.2), Caption("Yes.", 0.5, 0.6)])
    assert "00:00:00,000 --> 00:00:00,500" in shown and "00:00:00,500 --> 00:00:01,300" in shown


def test_chinese_lines_are_cut_between_characters():
    text = "今天天气很好，我们一起去公园散步，看见了许多人，也看见了许多花，" * 3 + "后来下雨了。"
    found = cues(text, [], 0.0, 20.0)
    assert "".join(c.text.replace("\n", "") for c in found) == text
    assert all(len(line) <= LINE_CHARS // 2 + 1 for c in found for line in c.text.split("\n"))
    assert not any(line[0] in "，。" for c in found for line in c.text.split("\n"))
