import random
import re

import pytest

from pipelines.failure import CraftError
from pipelines.text.english import to_utterance
from pipelines.text.language import detect_language
from pipelines.text.segment import PARAGRAPH_PAUSE_SECONDS, SENTENCE_PAUSE_SECONDS, split


def texts(text: str, **options: int) -> list[str]:
    return [segment.text for segment in split(text, **options)]


@pytest.mark.parametrize(
    "sentences",
    [
        ["Dr. Smith met Mr. Jones at 3 p.m. in St. Louis.", "They talked."],
        ['"Really?" she asked.', "“Yes!” he said.", "Then he left."],
        ["He lives in the U.S.", "The weather is nice.", "U.S. policy changed."],
        ["See No. 5 and fig. 3, e.g. this.", "Is it no.", "No!", "He said so."],
        [
            "The next day... well, it rained.",
            "Wait...",
            "What?",
            "J. K. Rowling wrote it.",
            "Plan B.",
            "The end.",
        ],
        ["Acme Inc. announced it.", "He paid $4.50.", "It was 3.5."],
        ["He stopped at Main St.", "The car waited.", "We had fun, etc.", "The end."],
        ["It happened on Dec. 5 in Washington, D.C. of all places.", "OK?"],
        ["Version 2.0 is out.", "Visit www.example.com.", "Now!"],
        ["He asked (twice!) for it.", "(Really.)", "Yes."],
        [
            "No.",
            "I will not.",
            "He said no.",
            "I left.",
            "Just a sec.",
            "I'm coming.",
            "I love art.",
            "I do.",
        ],
        ["It has vitamin C.", "I like it.", "See Vol. II and No. V of it.", "C. S. Lewis did."],
        ["It was… strange.", "“Well…” she said.", "“Well…”", "He left.", "Wait…", "What?", "Oh…", "No…"],
        ["On Mar. 5 he came.", "Sun. Aug. 5 was hot.", "They lay in the sun.", "In May.", "5 of us sat."],
        ["她走了……", "“我……”他说。", "Tom…", "走了。", "“嗯…？”", "好…"],
        ["你好。", "今天天气很好！", "“真的吗？”他问。", "我们走吧……", "好。"],
    ],
)
def test_sentences(sentences):
    gap = "" if "\u4e00" <= sentences[0][0] <= "\u9fff" else " "
    assert texts(gap.join(sentences)) == sentences


def test_titles_lists_and_wrapped_lines():
    assert texts("Chapter One\nIt was dark.") == ["Chapter One", "It was dark."]
    assert texts("1. Buy milk.\n2. Go home.\n- and rest") == ["1. Buy milk.", "2. Go home.", "- and rest"]
    wrapped = "This line was wrapped by an editor of the last century, so that\nit goes on here."
    assert texts(wrapped) == [wrapped]


def test_pauses_grow_with_paragraphs():
    first, second, third = split("One. Two.\n\nThree.")
    assert first.pause_seconds == SENTENCE_PAUSE_SECONDS
    assert second.pause_seconds == PARAGRAPH_PAUSE_SECONDS > SENTENCE_PAUSE_SECONDS
    assert third.text == "Three."


def test_what_cannot_be_spoken_joins_its_neighbour():
    assert texts("😀😀 Hello. 😀 *** World! 😀") == ["😀😀 Hello.", "😀 *** World! 😀"]
    assert texts("***\n\nHello.\n\n***\n\nBye.") == ["***\n\nHello.\n\n***", "Bye."]
    assert texts("😀 *** ?!") == [] == texts("")


def test_a_long_sentence_is_cut_at_its_clauses():
    long = "it was the age of wisdom, it was the age of foolishness, " * 10 + "and so on."
    pieces = texts(long)
    assert len(pieces) > 2
    assert all(len(piece) <= 220 for piece in pieces)
    assert all(piece.endswith(",") for piece in pieces[:-1])
    assert max(map(len, texts("word " * 200))) <= 220
    assert max(map(len, texts("a" * 1000))) <= 220
    assert max(map(len, texts("长" * 1000))) <= 74


def test_an_edit_changes_only_its_sentence():
    before = "The first one is here. The second one, too! Is the third? Yes. 4 of them.\n\nA new paragraph. The end."
    after = before.replace("second one, too", "second one has changed, Mr. Smith")
    unchanged = [text for text in texts(before) if "second" not in text]
    assert [text for text in texts(after) if "second" not in text] == unchanged
    assert len(texts(after)) == len(texts(before))


ATOMS = [
    "Hello",
    "Dr.",
    "e.g.",
    "3.5",
    "U.S.",
    "world",
    "你好",
    "。",
    "！",
    ". ",
    "! ",
    "? ",
    ", ",
    "\n",
    "\n\n",
    " ",
    "😀",
]
ATOMS += ['"', "”", "(", ")", "...", "—", "It", "no.", "5", "\t", "a" * 60, "$4.50", "*", "_", "é", "\u200b"]


@pytest.mark.parametrize("seed", range(400))
def test_segments_hold_every_letter_once_and_in_order(seed):
    dice = random.Random(seed)
    text = "".join(dice.choice(ATOMS) for _ in range(dice.randint(0, 80)))
    segments = split(text, max_chars=dice.choice([40, 220]))
    place = 0
    for segment in segments:
        assert text[segment.start : segment.end] == segment.text == segment.text.strip()
        assert segment.start >= place and not re.search(r"[^\W_]", text[place : segment.start])
        assert re.search(r"[^\W_]", segment.text)
        assert segment.pause_seconds > 0
        place = segment.end
    assert not re.search(r"[^\W_]", text[place:])


@pytest.mark.parametrize("seed", range(60))
def test_every_english_segment_can_be_spoken(seed):
    dice = random.Random(seed)
    text = "".join(dice.choice(ATOMS) for _ in range(dice.randint(1, 40)))
    for segment in split(text):
        if detect_language(segment.text) == "en":
            assert len(to_utterance(segment.text).words) > 0
        else:
            with pytest.raises(CraftError):
                to_utterance(segment.text)
