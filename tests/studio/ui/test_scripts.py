"""The reading scripts: a minute each, and rich in sounds."""

from __future__ import annotations

import re

import pytest

from pipelines.text.english import to_utterance
from pipelines.text.symbols import ARPABET
from studio.ui.intake import SCRIPTS

WORDS_A_MINUTE = (130, 175)
CHARACTERS_A_MINUTE = (200, 280)


def read(language: str) -> str:
    return (SCRIPTS / f"{language}.txt").read_text(encoding="utf-8")


def test_the_english_script_takes_a_minute_and_has_every_sound() -> None:
    text = read("en")
    assert WORDS_A_MINUTE[0] <= len(text.split()) <= WORDS_A_MINUTE[1]
    assert set(ARPABET) - set(to_utterance(text).phonemes) == set()


def test_the_chinese_script_takes_a_minute_and_has_every_initial_and_tone() -> None:
    pypinyin = pytest.importorskip("pypinyin")
    text = "".join(re.findall(r"[\u4e00-\u9fff]", read("zh")))
    assert CHARACTERS_A_MINUTE[0] <= len(text) <= CHARACTERS_A_MINUTE[1]
    initials = {i for (i,) in pypinyin.pinyin(text, style=pypinyin.Style.INITIALS, strict=True)}
    assert initials >= set("b p m f d t n l g k h j q x zh ch sh r z c s".split())
    tones = {tone[-1] for (tone,) in pypinyin.pinyin(text, style=pypinyin.Style.TONE3)}
    assert tones >= set("1234")
