"""What Whisper wrote, and what the pauses say."""

from __future__ import annotations

import pytest

from pipelines.story.transcribe import Heard, composed
from pipelines.story.whisper_words import Piece, pieces_of, punctuated, words_of


def written(*words: tuple[str, str, float]) -> str:
    """Of (word, what stands behind it, the pause after it), each word half a second long."""
    heard, now = [], 0.0
    for text, after, pause in words:
        heard.append(Heard(text, now, now + 0.5, 1.0, after))
        now += 0.5 + pause
    return composed(punctuated(heard), now).text


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (
            [("it", " ", 0), ("rained", ".", 2.0), ("Then", " ", 0), ("sun", "", 0)],
            "It rained.\n\nThen sun.",
        ),
        ([("we", " ", 0), ("ran", " ", 2.0), ("home", "", 0)], "We ran.\n\nHome."),
        ([("We", " ", 0.9), ("ran", ", ", 2.0), ("home", "!", 0)], "We ran, home!"),
        ([("Go", "!” “", 2.0), ("Why", "?”", 0)], "Go!”\n\n“Why?”"),
        (
            [("下雨", "", 0.1), ("了", " ", 0.1), ("我", "", 0.3), ("走", "", 0.6), ("好", "", 0)],
            "下雨了，我，走。好。",
        ),
        ([("下雨", "", 0.1), ("了", ",", 0.1), ("走", "? ", 0.6), ("好", ".", 0)], "下雨了，走？好。"),
        ([("他", "", 0.1), ("说", " ", 0), ("hello", " ", 0), ("了", "。", 0)], "他说 hello 了。"),
        ([("下雨", "。", 2.0), ("走", "", 0)], "下雨。\n\n走。"),
    ],
)
def test_marks_stay_and_pauses_add_what_is_missing(words: list[tuple[str, str, float]], text: str) -> None:
    assert written(*words) == text


def test_half_a_character_waits_for_the_other_half() -> None:
    tokens = ["小".encode(), b"\xe7\x8b", b"\x90", b" a"]

    def decode(ids: list[int]) -> str:
        return b"".join(tokens[number] for number in ids).decode("utf-8", "replace")

    pieces = pieces_of([0, 1, 2, 3], [0.9, 0.8, 0.3, 0.7], [0.0, 0.1, 0.2, 0.3, 0.4], decode)
    assert pieces == [Piece("小", 0.0, 0.1, 0.9), Piece("狐", 0.1, 0.3, 0.3), Piece(" a", 0.3, 0.4, 0.7)]
    assert pieces_of([0, 1], [0.9, 0.8], [0.0, 0.1, 0.2], decode) == [Piece("小", 0.0, 0.1, 0.9)]


def test_a_word_reaches_no_further_than_its_speech() -> None:
    pieces = [Piece(" One", 0.0, 1.2, 1.0), Piece(" two", 1.2, 4.1, 1.0), Piece(" 3,5", 4.1, 4.6, 1.0)]
    heard = words_of(pieces, ((0.4, 1.6), (4.0, 5.0)))
    assert [(word.text, word.start_seconds, word.end_seconds) for word in heard] == [
        ("One", 0.4, 1.2),
        ("two", 1.2, 1.6),
        ("3,5", 4.1, 4.6),
    ]


def test_words_far_from_speech_are_no_words() -> None:
    pieces = [Piece(" So", 0.0, 0.5, 1.0), Piece(" near", 0.6, 0.8, 1.0), Piece(" far", 2.0, 2.4, 1.0)]
    assert [word.text for word in words_of(pieces, ((0.1, 0.5),))] == ["So", "near"]
