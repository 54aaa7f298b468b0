from __future__ import annotations

import pytest

from pipelines.book.bidi import as_seen


def seen(line: str) -> str:
    return "".join(char for char, _ in as_seen(line, lambda form: False))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("nothing to turn (here) 12%", "nothing to turn (here) 12%"),
        ("Noa said שלום עולם to him", "Noa said םלוע םולש to him"),
        ("עם 12 חברים!", "םירבח 12 םע!"),
        ("she (נועה) laughed", "she (העונ) laughed"),
        ("a (כן) עולם", "a (ןכ) םלוע"),
        ("שלום (abc) עולם", "םולש (abc) םלוע"),
        ("שלום (כן) עולם", "םלוע (ןכ) םולש"),
        ("כן[]", "ןכ[]"),
        ("ש 3.14 50% ד", "ד 50% 3.14 ש"),
        ("س 12-3 50 x", "50 3-12 س x"),
    ],
)
def test_signs_stand_where_a_browser_puts_them(line: str, expected: str) -> None:
    assert seen(line) == expected


def test_every_sign_knows_its_place() -> None:
    line = "ab שלום 12 cd"
    placed = as_seen(line, lambda form: True)
    assert sorted(place for _, place in placed) == list(range(len(line)))
    assert all(line[place] == char for char, place in placed)


def test_arabic_letters_join() -> None:
    joined = [char for char, _ in as_seen("محمد علي", lambda form: True)]
    assert joined == list("\ufef2\ufee0\ufecb \ufeaa\ufee4\ufea4\ufee3")
    assert as_seen("سلام", lambda form: True)[1] == ("\ufefc", 1), "lam and alef are one sign"
    assert as_seen("سلام", lambda form: False)[1] == ("ا", 2)
