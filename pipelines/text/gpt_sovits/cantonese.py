"""Cantonese for GPT-SoVITS: jyutping by ToJyutping (an optional package), two symbols a character."""

from __future__ import annotations

import re

from pipelines.failure import CraftError
from pipelines.text.gpt_sovits.extras import extra
from pipelines.text.gpt_sovits.mandarin import HAN, normalised
from pipelines.text.gpt_sovits.symbols import UNKNOWN, symbol_ids
from pipelines.text.gpt_sovits.utterance import Span
from pipelines.text.overrides import taken

_HEADS = (
    "aa ai au ap at ak a p b e ts t dz d kw k gw g f h l m ng n s y w c z j ong on ou oi ok o uk ung".split()
)
"""What the checkpoints were taught as the first of a syllable's two symbols, the first that fits. A syllable that is
only its head (``m4``, ``ng5``) repeats the head's last letter."""


def span_of(text: str, sounds: tuple[str, ...] = ()) -> Span:
    """The Cantonese span of a text; numbers and dates are read as in Mandarin, character by character.

    Args:
        text: as written, ``MARK`` behind the characters whose jyutping ``sounds`` gives.

    Raises:
        CraftError: ``language_extra_missing`` without ToJyutping; ``pronunciation_misfit`` for a given sound that is
            no Cantonese syllable.
    """
    jyutping = extra("ToJyutping", "yue")
    spoken, given = taken(normalised(text), sounds)
    phonemes: list[str] = []
    word2ph: list[int] = []
    for place, (character, sound) in enumerate(jyutping.get_jyutping_list(spoken)):
        if re.match(f"[{HAN}]", character):
            parts = _parts(given.get(place) or sound or "")
            if place in given and UNKNOWN in parts:
                raise CraftError("pronunciation_misfit", written=given[place])
        else:
            parts = (character,)
        phonemes += parts
        word2ph.append(len(parts))
    return Span("yue", spoken, tuple(phonemes), tuple(word2ph))


def _parts(jyutping: str) -> tuple[str, str]:
    """``jyut6`` -> Yj, Yyut6; two UNK for what is no syllable."""
    letters, tone = jyutping[:-1], jyutping[-1:]
    head = next((head for head in _HEADS if letters.startswith(head)), "")
    if not head or not tone.isdigit():
        return UNKNOWN, UNKNOWN
    rest = letters[len(head) :] or head[-1]
    pair = (f"Y{head}", f"Y{rest}{tone}")
    return pair if all(symbol in symbol_ids() for symbol in pair) else (UNKNOWN, UNKNOWN)
