"""Japanese for GPT-SoVITS: phonemes and pitch marks out of Open JTalk's labels (pyopenjtalk-plus, optional)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipelines.text.gpt_sovits.extras import extra
from pipelines.text.gpt_sovits.symbols import UNKNOWN, symbol_ids
from pipelines.text.gpt_sovits.utterance import Span
from pipelines.text.normalise import clean

_SPOKEN = re.compile(
    "[A-Za-z0-9\u3005\u3041-\u30ff\u3400-\u9fff][A-Za-z0-9\u3005\u3041-\u30ff\u3400-\u9fff.,%]*"
)
_MARKS = {
    ",": ",",
    "\u3001": ",",
    ";": ",",
    ":": ",",
    ".": ".",
    "!": "!",
    "?": "?",
    "\u2026": "\u2026",
    "~": "\u2026",
}
_PITCH = re.compile(
    r"-(?P<phone>[^+]+)\+.*/A:(?P<a1>-?\d+|xx)\+(?P<a2>\d+|xx)\+(?P<a3>\d+|xx)/.*/F:(?P<f1>\d+|xx)_"
)
_ENDS_MORA = frozenset("a i u e o N cl".split())
BORDER = UNKNOWN
"""Between accent phrases: the checkpoints were taught the symbol for unknown sounds there."""


def span_of(text: str) -> Span:
    """The Japanese span of a text; ``[`` is where the pitch rises, ``]`` where it falls.

    Raises:
        CraftError: ``language_extra_missing`` without pyopenjtalk.
    """
    openjtalk = extra("pyopenjtalk", "ja")
    # the English full stop that ``clean`` makes of 。 is the same mark of the table
    spoken = re.sub(r"\.{3,}", "\u2026", clean(text))
    spoken = re.sub(r"(?<!\w)[-\u2212](?=\d)", "\u30de\u30a4\u30ca\u30b9", spoken)
    phonemes: list[str] = []
    kept: list[str] = []
    at = 0
    while at < len(spoken):
        match = _SPOKEN.match(spoken, at)
        if match:
            stretch = match.group().rstrip(".,")
            phonemes += _pitched(openjtalk.extract_fullcontext(stretch))
            kept.append(stretch)
            at += len(stretch)
            continue
        mark = _MARKS.get(spoken[at])
        if mark and not (phonemes and phonemes[-1] in _MARKS):
            phonemes.append(mark)
            kept.append(mark)
        at += 1
    return Span("ja", "".join(kept), tuple(phonemes))


def _pitched(labels: list[str]) -> Iterator[str]:
    """The phonemes of one breath, marks between them."""
    found = [match for label in labels[1:-1] if (match := _PITCH.search(label))]
    for match, after in zip(found, [*found[1:], None], strict=True):
        if match["phone"] == "pau":  # a silence inside
            yield "_"
            continue
        phone = match["phone"].lower() if match["phone"] in "AIUEO" else match["phone"]
        yield phone if phone in symbol_ids() else UNKNOWN
        if after is None or after["phone"] == "pau" or phone not in _ENDS_MORA:
            continue
        mora, from_end, next_mora = int(match["a2"]), int(match["a3"]), int(after["a2"])
        if from_end == 1 and next_mora == 1:
            yield BORDER
        elif match["a1"] == "0" and next_mora == mora + 1 and match["a2"] != match["f1"]:
            yield "]"
        elif mora == 1 and next_mora == 2:
            yield "["
