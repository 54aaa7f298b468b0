"""Writing to words: every number, date, sum, unit, abbreviation and symbol as an English reader says it.

Rules are tried in the order of ``RULES``; each claims the stretches of text it knows how to read, and what nobody
claims stays as it is. So every spoken word can be traced to the characters it stands for.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from pipelines.text.written_forms import RULES

_BEFORE_NFKC = {
    "\u00b2": " squared",
    "\u00b3": " cubed",
    "\u2116": "No. ",
    "\u2122": "",
    "\u00ae": "",
    "\u00a9": "",
    "\u2120": "",
    "\u00aa": "a",
    "\u00ba": "\u00b0",
    "\u2026": "...",
    "\u3002": ". ",
    "\u00b5": "\u03bc",
    "\u2126": "\u03a9",
}
_QUOTES = {
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u02bb\u02bc\u02bd\u02be\u02bf\u0060\u00b4", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb\u300c\u300d\u300e\u300f", '"'),
}
_KEPT_SYMBOLS = frozenset("\u00b0")
_CLITIC = re.compile(r"'(?:s|d|ll|ve)\b", re.I)
"""Said in one word with what stands before it: the eighth's wives."""
_SUPERSCRIPT = re.compile(r"(?![²³](?![²³¹⁰⁴-⁹]))(?<=[^\W_])[⁺⁻]?[²³¹⁰⁴-⁹]+")
"""Powers, but for a lone square or cube, which is part of a unit."""
_VULGAR_FRACTION = re.compile(r"(\d?)([\u00bc-\u00be\u2150-\u215e])")


@dataclass(frozen=True)
class Piece:
    """``written``, a stretch of the cleaned text, and how it is read; ``spoken`` is ``written`` where nothing changes."""

    written: str
    spoken: str


def normalise_english(text: str) -> str:
    """The text in words and punctuation only: no digit, no symbol, no emoji; ASCII quotes; single spaces."""
    parts: list[str] = []
    for piece in read_pieces(text):
        if parts and parts[-1] and piece.spoken and parts[-1][-1].isalnum() and piece.spoken[0].isalnum():
            parts.append(" ")
        parts.append(piece.spoken)
    spoken = re.sub(r"\s+([,.;:!?])", r"\1", " ".join("".join(parts).split()))
    return re.sub(r",(?=[,.;:!?])", "", spoken).lstrip(" ,")


def read_pieces(text: str) -> list[Piece]:
    """The cleaned text cut where its reading differs from its writing; joined, ``written`` is ``clean(text)``."""
    cleaned = clean(text)
    claims: dict[int, tuple[int, str]] = {}
    claimed = bytearray(len(cleaned))
    for rule in RULES:
        at = 0
        while match := rule.pattern.search(cleaned, at):
            start, end = match.span()
            spoken = None if any(claimed[start:end]) else rule.read(match)
            if spoken is None:
                at = start + 1
                continue
            claims[start] = (end, spoken)
            claimed[start:end] = b"\x01" * (end - start)
            at = end
    pieces, at = [], 0
    for start, (end, spoken) in sorted(claims.items()):
        clitic = _CLITIC.match(cleaned, end)
        if clitic and not any(claimed[end : clitic.end()]) and spoken[-1:].isalpha():
            end, spoken = clitic.end(), spoken + clitic.group()
        if at < start:
            pieces.append(Piece(cleaned[at:start], cleaned[at:start]))
        pieces.append(Piece(cleaned[start:end], spoken))
        at = end
    if at < len(cleaned):
        pieces.append(Piece(cleaned[at:], cleaned[at:]))
    return pieces


def clean(text: str) -> str:
    """NFKC, straight quotes, no emoji, no control or invisible characters; line breaks become spaces."""
    text = _VULGAR_FRACTION.sub(_spaced_fraction, text)
    text = _SUPERSCRIPT.sub(lambda power: "^" + unicodedata.normalize("NFKC", power.group()), text)
    text = "".join(_BEFORE_NFKC.get(c, c) for c in text)
    text = "".join(_QUOTES.get(c, c) for c in unicodedata.normalize("NFKC", text)).replace("\u2044", "/")
    return "".join(_visible(c) for c in text)


def _spaced_fraction(match: re.Match[str]) -> str:
    whole, fraction = match.groups()
    written = unicodedata.normalize("NFKC", fraction).replace("\u2044", "/")
    return f"{whole} {written}" if whole else written


def _visible(character: str) -> str:
    if character.isspace():
        return " "
    category = unicodedata.category(character)
    if category in ("So", "Sk") and character not in _KEPT_SYMBOLS | {"^", "`"}:
        return " "
    if category[0] == "C" or category == "Me" or "\ufe00" <= character <= "\ufe0f":
        return ""
    return character
