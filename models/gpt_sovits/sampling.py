"""From logits to a token, in the order the official models were tuned with."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Sampling:
    """How tokens are drawn.

    Attributes:
        top_k: keep so many of the likeliest tokens; 1 always takes the likeliest.
        top_p: keep the likeliest tokens up to this share of the probability; 1 keeps all.
        temperature: below 1 prefers what is likely.
        repetition_penalty: what was already said, the prompt included, becomes less likely above 1.
        shortest: the end of speech cannot come before so many tokens.
        longest: stop after so many tokens, 25 a second, whatever the network says.
        until_end: stop where the network says so; otherwise always go on to ``longest``.
    """

    top_k: int = 15
    top_p: float = 1.0
    temperature: float = 1.0
    repetition_penalty: float = 1.35
    shortest: int = 11
    longest: int = 1500
    until_end: bool = True


def penalised(logits: Tensor, said: Tensor, penalty: float) -> Tensor:
    """``logits`` ``[B, V]`` with the tokens of ``said`` ``[B, V]`` (Keskar et al. 2019) made less likely, each once."""
    return torch.where(said, torch.where(logits < 0, logits * penalty, logits / penalty), logits)


def draw(logits: Tensor, sampling: Sampling, noise: Tensor) -> Tensor:
    """One token for each row: top_p, temperature, top_k and then a race of exponential clocks.

    Args:
        logits: ``[B, V]``, penalised.
        noise: ``[B or 1, V]`` draws of the exponential distribution; the greatest ratio of probability and draw wins,
            which is a sample of the distribution.

    Returns:
        ``[B]``.
    """
    if sampling.top_k == 1:
        return logits.argmax(dim=-1)
    if sampling.top_p < 1:
        ordered, place = logits.sort(dim=-1, descending=True)
        beyond = ordered.softmax(dim=-1).cumsum(dim=-1) > sampling.top_p
        beyond[:, 0] = False  # the likeliest stays, however likely it is
        logits = logits.masked_fill(beyond.scatter(-1, place, beyond), -math.inf)
    logits = logits / max(sampling.temperature, 1e-5)
    if sampling.top_k < logits.shape[-1]:
        least = logits.topk(sampling.top_k, dim=-1).values[:, -1:]
        logits = logits.masked_fill(logits < least, -math.inf)
    return (logits.softmax(dim=-1) / noise).argmax(dim=-1)
