from __future__ import annotations

import pytest

from pipelines.book.lines import NEVER_FIRST, NEVER_LAST, break_lines, may_break, paragraphs


def columns(char: str) -> float:
    return 2.0 if ord(char) > 0x2E7F else 1.0


def lines(text: str, width: float) -> list[str]:
    return [text[a:b] for a, b in break_lines(text, width, columns)]


def test_english_breaks_between_words() -> None:
    text = "The quick brown fox jumps over the lazy dog, and nobody minds."
    made = lines(text, 22)
    assert " ".join(made) == text
    assert all(len(line) <= 22 for line in made)


@pytest.mark.parametrize("width", range(6, 40))
def test_kinsoku_holds_at_every_width(width: int) -> None:
    text = "从前，有一只小狐狸。“我们走吧！”他说：（快点……）——然后《月亮》出来了，Tom 也来了。"
    made = lines(text, width)
    assert "".join(made).replace(" ", "") == text.replace(" ", "")
    for line in made:
        assert sum(map(columns, line)) <= width or width < 10
    if width >= 10:
        assert not any(line[0] in NEVER_FIRST for line in made[1:])
        assert not any(line[-1] in NEVER_LAST for line in made[:-1])
        assert not any(
            a[-1] == b[0] == "—" or a[-1] == b[0] == "…" for a, b in zip(made, made[1:], strict=False)
        )


@pytest.mark.parametrize("width", range(10, 40))
def test_what_is_said_in_turns_breaks_between_the_speakers(width: int) -> None:
    made = lines("他说：" + "“好！”" * 20 + "‘走吧。’“嗯！”", width)
    assert not any(line[0] in NEVER_FIRST for line in made[1:])
    assert not any(line[-1] in NEVER_LAST for line in made[:-1])


@pytest.mark.parametrize("width", range(12, 40))
def test_straight_quotation_marks_stay_with_what_is_said(width: int) -> None:
    made = lines('他说："我们走吧！"她问："去哪里？""去海边。"他们就出发了，唱着"啦啦啦"。', width)
    assert not any(line.startswith('"') or line.endswith(('"', "：")) for line in made[:-1])


def test_a_word_wider_than_the_line_is_cut() -> None:
    assert lines("Donaudampfschifffahrt", 8) == ["Donaudam", "pfschiff", "fahrt"]


def test_no_word_is_left_alone_on_the_last_line() -> None:
    assert lines("aaa bbb ccc ddd eee I", 19) == ["aaa bbb ccc ddd", "eee I"]


@pytest.mark.parametrize(
    ("before", "after"),
    [("走", "。"), ("“", "我"), ('"', "我"), ("说", '"'), ("—", "—"), ("a", "b"), ("x", " ")],
)
def test_no_line_ends_here(before: str, after: str) -> None:
    assert not may_break(before, after)


def test_paragraphs_leave_white_space_out() -> None:
    text = "  One. \n\n Two.\nx\n"
    assert [text[a:b] for a, b in paragraphs(text)] == ["One.", "Two.", "x"]


def test_one_line_stays_one_line() -> None:
    assert lines("short", 40) == ["short"]
    assert break_lines("", 40, columns) == []
