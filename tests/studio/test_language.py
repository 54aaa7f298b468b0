from __future__ import annotations

import ast
import string
from pathlib import Path

import pytest

from studio.errors import Fault
from studio.language import catalogue, languages, nearest_language, say

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [path for folder in ("studio", "pipelines") for path in (ROOT / folder).rglob("*.py")]


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


@pytest.mark.parametrize("key", sorted(catalogue()))
def test_both_languages_say_the_same(key: str) -> None:
    sentences = catalogue()[key]
    assert set(sentences) == set(languages)
    assert all(sentence.strip() for sentence in sentences.values())
    assert placeholders(sentences["en"]) == placeholders(sentences["zh"])


def raised() -> list[tuple[str, set[str], str]]:
    """Every ``CraftError("code", ...)`` and ``StudioError("code", ...)`` in the sources: code, facts, place."""
    found = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            if node.func.id not in ("CraftError", "StudioError") or not node.args:
                continue
            facts = {keyword.arg for keyword in node.keywords}
            if isinstance(node.args[0], ast.Constant) and None not in facts:
                place = f"{path.relative_to(ROOT)}:{node.lineno}"
                found.append((node.args[0].value, facts, place))
    return found


def test_every_error_that_is_raised_can_be_said_with_its_facts() -> None:
    wrong = []
    for code, facts, place in raised():
        for part in ("title", "what", "next"):
            sentences = catalogue().get(f"error.{code}.{part}")
            if sentences is None:
                wrong.append(f"{place}: error.{code}.{part} has no sentence")
            elif not placeholders(sentences["en"]) <= facts:
                wrong.append(f"{place}: error.{code}.{part} quotes {placeholders(sentences['en']) - facts}")
    assert not wrong, "\n".join(wrong)


def test_the_walk_finds_errors() -> None:
    assert {"text_too_long", "disk_full"} <= {code for code, _, _ in raised()}


def test_sentences_are_filled() -> None:
    sentence = Fault("text_too_long", {"chars": 100_000, "limit": 20_000}).sentence("en")
    assert "100000" in sentence.what and "20000" in sentence.what
    assert say("error.text_empty.title", "zh") == "没有文字"


@pytest.mark.parametrize(
    ("tag", "language"), [("zh-Hans-CN", "zh"), ("ZH", "zh"), ("en-GB", "en"), ("fr", "en"), (None, "en")]
)
def test_nearest_language(tag: str | None, language: str) -> None:
    assert nearest_language(tag) == language
