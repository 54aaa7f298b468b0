"""How a sentence is planned: each language by its own network, a trained voice beside a plain one.

A voice learns from a minute of speech whose words nobody wrote down. What training changes in the plan of a phoneme on
average is the person; what it changes here and there is also the haze of that minute, in which words get lost. So a trained
voice is planned as somebody plain, the readers near to the person (``known_readers``), moved by the first and by a share of
the second.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from models.starter.acoustic import STACK, Acoustic, Sentence, starts_of
from pipelines.text.symbols import LANGUAGES

OWN_SHARE = 0.5
"""How much of what training changes here and there, beyond the average of a phoneme, is kept
(assets/starter/MODEL_CARD.md)."""
KNOWN_FROM = 20
"""Pairs of frames of a phoneme whose average counts half, the average over all phonemes the other half."""


@dataclass(frozen=True)
class Planner:
    """Who plans, and for whom.

    Attributes:
        english, mandarin: each plans the phonemes of its language.
        speaker: ``[1, speaker_channels]``, the bandwidth added.
    """

    english: Acoustic
    mandarin: Acoustic
    speaker: Tensor

    def read(self, sentence: Sentence) -> Reading:
        """``sentence`` by the networks that it needs: English alone never asks the one for Mandarin."""
        both = self.mandarin is not self.english and bool(_chinese(sentence).any())
        networks = (self.english, self.mandarin) if both else (self.english,)
        texts = tuple((network, network.read(sentence, self.speaker)) for network in networks)
        return Reading(sentence, self.speaker, texts)


@dataclass(frozen=True)
class Reading:
    """A sentence as a planner has read it.

    Attributes:
        texts: the network for English, where one is needed also that for Mandarin, and what each has ``read``.
    """

    sentence: Sentence
    speaker: Tensor
    texts: tuple[tuple[Acoustic, Tensor], ...]

    def lasting(self) -> Tensor:
        """As ``Acoustic.lasting``."""
        found = [network.lasting(text, self.sentence, self.speaker) for network, text in self.texts]
        return found[0] if len(found) == 1 else torch.where(_chinese(self.sentence), found[1], found[0])

    def plan(self, starts: Tensor) -> Tensor:
        """As ``Acoustic.plan``."""
        found = [network.plan(text, self.speaker, starts) for network, text in self.texts]
        chinese = of_pairs(_chinese(self.sentence), starts).unsqueeze(-1)
        return found[0] if len(found) == 1 else torch.where(chinese, found[1], found[0])


def _chinese(sentence: Sentence) -> Tensor:
    return sentence.language == LANGUAGES.index("zh")


def of_pairs(values: Tensor, starts: Tensor) -> Tensor:
    """What ``[1, P]`` says of the phonemes, for every pair of frames, ``[1, S]``: that of the phoneme it begins in."""
    return values.repeat_interleave(starts.diff(dim=1)[0], dim=1)[:, ::STACK]


@torch.inference_mode()
def learnt_shift(plain: Planner, trained: Planner, sentences: Iterable[Sentence]) -> Tensor:
    """What tells a trained voice's plan of every phoneme from that of a plain one on average, ``[symbols, 2 * MEL_BANDS + H]``.

    Rarely heard phonemes come near to the average over all of them, unheard ones have just that.
    """
    symbols, changes = [], []
    for sentence in sentences:
        before, after = plain.read(sentence), trained.read(sentence)
        starts = starts_of(before.lasting(), 1.0)
        symbols.append(of_pairs(sentence.symbols, starts)[0])
        changes.append((after.plan(starts) - before.plan(starts))[0])
    symbol, change = torch.cat(symbols), torch.cat(changes)
    count = torch.bincount(symbol, minlength=plain.english.config.symbols).unsqueeze(1)
    sums = change.new_zeros(len(count), change.shape[1]).index_add_(0, symbol, change)
    return (sums + KNOWN_FROM * change.mean(dim=0)) / (count + KNOWN_FROM)


def as_trained(plain: Tensor, trained: Tensor, shift: Tensor) -> Tensor:
    """``[1, S, C]`` plans of a plain voice and of the trained one, and the learnt shift of their phonemes, to one plan."""
    return plain + torch.lerp(shift, trained - plain, OWN_SHARE)
