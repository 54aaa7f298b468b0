"""The six ways of GPT-SoVITS to cut a text into pieces that are spoken one by one.

``cut0`` not at all, ``cut1`` every four pieces of punctuation, ``cut2`` every fifty characters, ``cut3`` at the Chinese
full stop, ``cut4`` at the English one, ``cut5`` at every mark. Line breaks cut always, a number is never cut.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from pipelines.failure import CraftError
from pipelines.text.segment import INLINE_PAUSE, inline_pause_seconds

MAX_PIECE_CHARS = 510
"""What BERT takes, without its two frame tokens."""
SHORT_PIECE_CHARS = 5
"""Shorter pieces join the next one."""
_ENDS = "\uff0c\u3002\uff1f\uff01,.?!~:\uff1a\u2014\u2026"
_EVERY_MARK = ",.;?!\u3001\uff0c\u3002\uff1f\uff01\uff1b\uff1a\u2026"
_REPEATED = re.compile(r"([!?,\uff01\uff1f\uff0c\u3002])[!?,\uff01\uff1f\uff0c\u3002]+")
_IN_NUMBER = re.compile(r"\d[.:,]\d")


@dataclass(frozen=True)
class Piece:
    """``pause_seconds`` is the silence behind it that the text asks for; None where it asks for none."""

    text: str
    pause_seconds: float | None = None


def split(text: str, rule: str = "cut0", language: str = "auto") -> list[Piece]:
    """The pieces of a text, each with a mark at its end, none longer than ``MAX_PIECE_CHARS``.

    ``[0.5s]`` ends a piece and asks for that silence. A silence before the first word is not kept.

    Raises:
        CraftError: ``text_split_unknown`` for a rule that is not there, ``text_unspeakable`` where no word is left.
    """
    if rule not in RULES:
        raise CraftError("text_split_unknown", rule=rule, rules=", ".join(RULES))
    pieces: list[Piece] = []
    parts = INLINE_PAUSE.split(text)
    for place in range(0, len(parts), 2):
        found = [Piece(one) for one in _pieces(parts[place], rule, language)]
        pieces += found
        if pieces and place + 1 < len(parts):
            asked = (0.0 if found else pieces[-1].pause_seconds or 0.0) + inline_pause_seconds(
                parts[place + 1]
            )
            pieces[-1] = Piece(pieces[-1].text, asked)
    if not pieces:
        raise CraftError("text_unspeakable", text=text.strip()[:80])
    return pieces


def _pieces(text: str, rule: str, language: str) -> list[str]:
    full_stop = "." if language == "en" else "\u3002"
    text = _REPEATED.sub(r"\1", text.strip("\n"))
    cut = [line for piece in RULES[rule](text) for line in piece.split("\n")]
    done = []
    for piece in _merged(cut):
        if re.search(r"[^\W_]", piece):
            piece = piece if piece[-1] in _ENDS else piece + full_stop
            done += _halved(piece) if len(piece) > MAX_PIECE_CHARS else [piece]
    return done


def _merged(pieces: list[str]) -> list[str]:
    """Pieces of at least ``SHORT_PIECE_CHARS``; what is left at the end joins the last one."""
    done, text = [], ""
    for piece in pieces:
        text += piece
        if len(text) >= SHORT_PIECE_CHARS:
            done.append(text)
            text = ""
    if text and done:
        done[-1] += text
    elif text:
        done.append(text)
    return done


def _marked(text: str, marks: str = _ENDS) -> list[str]:
    """The text cut behind every mark, inside numbers too."""
    return [
        piece
        for piece in re.findall(rf"[^{re.escape(marks)}]*[{re.escape(marks)}]|[^{re.escape(marks)}]+$", text)
    ]


def _whole_numbers(groups: list[str]) -> list[str]:
    """Groups that a number straddles, joined."""
    done: list[str] = []
    for group in groups:
        if done and _IN_NUMBER.fullmatch(done[-1][-2:] + group[:1]):
            done[-1] += group
        else:
            done.append(group)
    return done


def _halved(piece: str) -> list[str]:
    """A long piece cut at its marks, or between characters where it has none."""
    groups: list[str] = []
    for part in _whole_numbers(_marked(piece)):
        if groups and len(groups[-1]) + len(part) <= MAX_PIECE_CHARS:
            groups[-1] += part
        else:
            groups += [part[at : at + MAX_PIECE_CHARS] for at in range(0, len(part), MAX_PIECE_CHARS)]
    return groups


def _whole(text: str) -> list[str]:
    return [text]


def _by_four(text: str) -> list[str]:
    """The rest behind the last four joins them."""
    marked = _marked(text)
    starts = list(range(0, len(marked), 4))[:-1] or [0]
    ends = [*starts[1:], len(marked)]
    return _whole_numbers(["".join(marked[a:b]) for a, b in zip(starts, ends, strict=True)])


def _by_fifty(text: str) -> list[str]:
    groups: list[str] = [""]
    for part in _whole_numbers(_marked(text)):
        if len(groups[-1]) > 50:
            groups.append("")
        groups[-1] += part
    if len(groups) > 1 and len(groups[-1]) < 50:
        groups[-2:] = [groups[-2] + groups[-1]]
    return groups


def _at_chinese_stop(text: str) -> list[str]:
    return [
        sentence if sentence.endswith(tuple(_ENDS)) or not sentence else f"{sentence}\u3002"
        for sentence in text.strip("\u3002").split("\u3002")
    ]


def _at_english_stop(text: str) -> list[str]:
    return re.split(r"(?<!\d)\.(?!\d)", text.strip("."))


def _at_every_mark(text: str) -> list[str]:
    marked = _whole_numbers(_marked(text, _EVERY_MARK))
    return [piece for piece in marked if piece.strip(_EVERY_MARK)]


RULES: dict[str, Callable[[str], list[str]]] = {
    "cut0": _whole,
    "cut1": _by_four,
    "cut2": _by_fifty,
    "cut3": _at_chinese_stop,
    "cut4": _at_english_stop,
    "cut5": _at_every_mark,
}
