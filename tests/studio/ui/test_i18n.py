from __future__ import annotations

import re
from pathlib import Path

import gradio as gr
import pytest

from studio.language import catalogue
from studio.ui.i18n import Reader, Words

SOURCES = sorted((Path(__file__).resolve().parents[3] / "studio" / "ui").rglob("*.py"))


@pytest.mark.parametrize(
    ("wish", "reader"),
    [
        ('{"language": "zh-Hant-TW", "dark": true, "tab": "train"}', Reader("zh", True, "train")),
        ('{"language": "fr"}', Reader("en", False)),
        ('{"language": 3, "tab": {}}', Reader("en", False)),
        ("[]", Reader()),
        ("not json", Reader()),
        (None, Reader()),
    ],
)
def test_a_browser_may_wish_for_anything(wish: str | None, reader: Reader) -> None:
    assert Reader.from_wish(wish) == reader


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        (4.24, "4.2 s", "4.2 秒"),
        (42.4, "42 s", "42 秒"),
        (60, "1 min", "1 分钟"),
        (100, "1 min 40 s", "1 分 40 秒"),
        (1260, "21 min", "21 分钟"),
    ],
)
def test_durations(seconds: float, english: str, chinese: str) -> None:
    assert Reader("en").duration(seconds) == english
    assert Reader("zh").duration(seconds) == chinese


def test_words_follow_the_reader() -> None:
    words = Words()
    with gr.Blocks():
        button = words(gr.Button, {"value": "ui.train.start"})
        radio = words(gr.Radio, {"choices": [("ui.consent.personal", "personal")]}, value="personal")
    assert button.value == "Train"
    chinese = words.in_language("zh")
    assert chinese[button]["value"] == "开始训练"
    assert chinese[radio]["choices"] == [("个人使用", "personal")]


def test_every_key_the_page_names_has_a_sentence() -> None:
    named = {
        key
        for path in SOURCES
        for key in re.findall(r'"(ui\.[a-z0-9_.]+)"', path.read_text(encoding="utf-8"))
    }
    assert len(named) > 80
    whole = set(catalogue())
    missing = {key for key in named if key not in whole and f"{key}.title" not in whole}
    assert not missing


def test_no_sentence_of_the_page_is_left_over() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in SOURCES)
    patterns = [
        re.sub(r"\\\{[^}]*\\\}", "[a-z0-9_]+", re.escape(p))
        for p in re.findall(r'f?["\'](ui\.[^"\']+)["\']', text)
    ]
    unused = [
        key
        for key in catalogue()
        if key.startswith("ui.")
        and not any(re.fullmatch(pattern + r"(\.(title|what|next))?", key) for pattern in patterns)
    ]
    assert not unused
