from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from pipelines.text.personal_lexicon import BadLine
from studio.store.pronunciations import FILE_NAME, Pronunciations


def write(path: Path, text: str, seconds: int) -> None:
    """With a time of its own: two writes in one tick of the clock look like one."""
    path.write_text(text, encoding="utf-8")
    os.utime(path, (seconds, seconds))


def test_a_commented_example_is_put_there_once(tmp_path: Path) -> None:
    first = Pronunciations(tmp_path)
    assert (tmp_path / FILE_NAME).read_text(encoding="utf-8").startswith("# ")
    assert not first.lexicon().words and not first.lexicon().phrases and not first.lexicon().bad_lines
    (tmp_path / FILE_NAME).write_text("VoxTale V AA1 K S", encoding="utf-8")
    assert Pronunciations(tmp_path).lexicon().words == {"voxtale": "V AA1 K S"}


def test_the_example_holds_when_its_hashes_go(tmp_path: Path) -> None:
    path = Pronunciations(tmp_path).path
    lines = [line.removeprefix("# ") for line in path.read_text(encoding="utf-8").splitlines()]
    write(path, "\n".join(line for line in lines if line.startswith(("VoxTale", "重庆"))), 10)
    lexicon = Pronunciations(tmp_path).lexicon()
    assert lexicon.words.keys() == {"voxtale"} and lexicon.phrases.keys() == {"重庆"}


def test_it_is_read_again_when_it_changes(tmp_path: Path) -> None:
    pronunciations = Pronunciations(tmp_path)
    write(pronunciations.path, "cat K AA1 T", 10)
    assert pronunciations.lexicon().words == {"cat": "K AA1 T"}
    assert pronunciations.lexicon() is pronunciations.lexicon()
    write(pronunciations.path, "cat K IH1 T", 20)
    assert pronunciations.lexicon().words == {"cat": "K IH1 T"}
    pronunciations.path.unlink()
    assert not pronunciations.lexicon().words


def test_bad_lines_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pronunciations = Pronunciations(tmp_path)
    write(pronunciations.path, "# mine\ncat K AA9 T\ndog D AO1 G\n", 10)
    with caplog.at_level(logging.WARNING):
        lexicon = pronunciations.lexicon()
    assert lexicon.words == {"dog": "D AO1 G"}
    assert lexicon.bad_lines == (BadLine(2, "cat K AA9 T", "arpabet"),)
    assert "line 2" in caplog.text


def test_no_file_is_too_odd(tmp_path: Path) -> None:
    pronunciations = Pronunciations(tmp_path)
    pronunciations.path.write_bytes(b"\xff\xfe\x00junk\n" * 100_000 + b"cat K AA1 T")
    assert pronunciations.lexicon().words == {}
    assert pronunciations.lexicon().bad_lines
