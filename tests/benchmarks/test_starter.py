from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from benchmarks.starter import recording_of, word_errors


def test_a_recording_has_the_text_of_its_line(tmp_path: Path) -> None:
    for number in (0, 1):
        soundfile.write(tmp_path / f"12-34-000{number}.flac", np.zeros(160), 16000)
    assert recording_of(tmp_path / "12-34-0001.flac").text is None
    (tmp_path / "12-34.trans.txt").write_text("12-34-0000 ONE TWO\n12-34-0001 THREE O'CLOCK\n")
    assert recording_of(tmp_path / "12-34-0001.flac").text == "THREE O'CLOCK"


def test_words_are_missed_wrong_or_too_many() -> None:
    assert word_errors(["THREE O'CLOCK."], [["three", "o'clock"]]) == 0.0
    assert word_errors(["One two.", "Three four."], [["one"], ["three", "more", "four", "five"]]) == 0.75
