"""Whether a take can be what was asked, by its length alone: for the languages that the listener does not know, and for
voices that lose their way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from pipelines.text.gpt_sovits.symbols import PUNCTUATION, ids_of

LONGEST_TOKENS = 1500
SLOWEST_TOKENS = 12
"""Semantic tokens that a phoneme can take, half a second; a voice that goes on has lost its way."""
SPARE_TOKENS = 50
USUAL_TOKENS = 2.2
"""A phoneme's at 11 to 12 phonemes a second, the middle of the 3 to 25 that the networks were trained on."""
SLOW_VOICE_TOKENS, FAST_VOICE_TOKENS = 4.0, 1.4
"""Beyond these a reference has long pauses, or its text is not its own."""
REFERENCE_TAIL_TOKENS = 15
"""Of the silence that a reference ends with, 0.6 s."""
HURRY, DAWDLE = 0.7, 1.25
"""A take may have so much less, or more, of the tokens that its voice usually takes before its score suffers. With the
score at which the studio makes a take again (0.7) that is half, and 1.8 times."""
AROUND_TOKENS = 15
"""Pauses before, after and within a sentence."""
_SILENT = frozenset(ids_of(tuple(PUNCTUATION)))


@dataclass(frozen=True)
class Pace:
    """``tokens`` that the voice takes for a phoneme."""

    tokens: float = USUAL_TOKENS

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> Pace:
        """As a voice's prompt was spoken; the usual one where it has none."""
        if "prompt_tokens" not in tensors:
            return cls()
        phonemes = spoken(tensors["prompt_phonemes"].tolist())
        tokens = len(tensors["prompt_tokens"]) - REFERENCE_TAIL_TOKENS
        return cls(min(max(tokens / max(1, phonemes), FAST_VOICE_TOKENS), SLOW_VOICE_TOKENS))

    def score(self, ids: Sequence[int], tokens: int) -> float:
        """0..1: 1 for a piece of a plausible length; 0 for one that had to be stopped."""
        if tokens >= longest(ids):
            return 0.0
        usual = self.tokens * spoken(ids)
        return min(1.0, tokens / (HURRY * usual), (DAWDLE * usual + AROUND_TOKENS) / max(1, tokens))


def longest(ids: Sequence[int]) -> int:
    """Tokens after which a piece with these phonemes is stopped."""
    return min(LONGEST_TOKENS, SPARE_TOKENS + SLOWEST_TOKENS * len(ids))


def spoken(ids: Sequence[int]) -> int:
    """How many of the phonemes are sounds; the others are punctuation."""
    return sum(phoneme not in _SILENT for phoneme in ids)
