"""Token by token: what is read at once and kept, and what a further token costs.

With torch alone, on any device and in the network's own type. The slots of keys and values are there before they are needed,
keys lie so that one query reads them in lines, and rows of a batch share the matrices.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

if TYPE_CHECKING:
    from models.gpt_sovits.text2semantic import Block, Decoder

ROOM = 256
"""Slots that a memory grows by."""


@dataclass(frozen=True)
class Memory:
    """What the network has read and said so far: keys and values, and where it stands.

    A memory is continued by ``IncrementalDecoder.step``, which answers with the next one. Both share their slots, of which
    the older knows the first ``length`` alone; to continue one memory twice, take a ``copy`` first.

    Attributes:
        keys: ``[layers, B, H, D, slots]``.
        values: ``[layers, B, H, slots, D]``.
        length: slots in use.
        spoken: how many of them are tokens.
        bias: ``[B, H, 1, slots]`` what is added to the scores: minus infinity where a row has nothing, otherwise 0; None
            when all rows are full.
        places: ``[slots, C]`` what is added to the first, second ... token of an utterance.
    """

    keys: Tensor
    values: Tensor
    length: int
    spoken: int
    bias: Tensor | None
    places: Tensor

    @property
    def slots(self) -> int:
        return self.keys.shape[-1]

    def rows(self, index: Tensor) -> Memory:
        """The memory of some rows ``[N]`` of the batch."""
        bias = None if self.bias is None else self.bias[index]
        return replace(self, keys=self.keys[:, index], values=self.values[:, index], bias=bias)

    def copy(self) -> Memory:
        return replace(self, keys=self.keys.clone(), values=self.values.clone())

    def grown(self, slots: int) -> Memory:
        more = slots - self.slots
        return replace(
            self,
            keys=F.pad(self.keys, (0, more)),
            values=F.pad(self.values, (0, 0, 0, more)),
            bias=None if self.bias is None else F.pad(self.bias, (0, more)),
            places=sinusoids(slots, self.places),
        )


class _Layer:
    """One block, as a step meets it: when its weights are overwritten, so is the step."""

    def __init__(self, block: Block) -> None:
        attention = block.self_attn
        self.heads = block.heads
        self.qkv = partial(F.linear, weight=attention.in_proj_weight, bias=attention.in_proj_bias)
        self.out, self.widen, self.narrow = attention.out_proj, block.linear1, block.linear2
        self.norm1, self.norm2 = block.norm1, block.norm2

    def heads_of(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """``[B, C]`` -> queries, keys and values ``[B, H, D]``."""
        return self.qkv(x).view(len(x), 3, self.heads, -1).unbind(1)

    def attend(self, x: Tensor, q: Tensor, keys: Tensor, values: Tensor, bias: Tensor | None) -> Tensor:
        """``x`` ``[B, C]``, ``q`` ``[B, H, D]``, ``keys`` ``[B * H, D, S]``, ``values`` ``[B * H, S, D]`` -> ``[B, C]``."""
        q = q.reshape(len(keys), 1, -1)
        scores = torch.bmm(q * q.shape[-1] ** -0.5, keys)
        if bias is not None:
            scores += bias
        return self.feed(x, torch.bmm(scores.softmax(dim=-1), values).view(x.shape))

    def read(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """``x`` ``[B, T, C]`` -> the same after the layer, keys and values ``[B, H, T, D]``."""
        q, k, v = self.qkv(x).view(*x.shape[:2], 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.feed(x, y.transpose(1, 2).reshape(x.shape)), k, v

    def feed(self, x: Tensor, heard: Tensor) -> Tensor:
        x = self.norm1(x + self.out(heard))
        return self.norm2(x + self.narrow(self.widen(x).relu()))


class IncrementalDecoder:
    """Reads a beginning at once and goes on from it, with the weights of ``decoder`` where they are."""

    def __init__(self, decoder: Decoder) -> None:
        self.tokens = decoder.ar_audio_embedding.word_embeddings
        self.alpha = decoder.ar_audio_position.alpha
        self.layers = [_Layer(block) for block in decoder.h.layers]
        self.head = decoder.ar_predict_layer

    def read(self, text: Tensor, prompt: Tensor, padding: Tensor | None) -> tuple[Tensor, Memory]:
        """Everything before the first new token.

        Args:
            text: ``[B, P, C]``; prompt: ``[B, L, C]``, L may be 0.
            padding: ``[B, P + L]`` true where there is nothing; None when all rows are full.

        Returns:
            logits of the first new token ``[B, tokens]`` and the memory to go on from.
        """
        x = torch.cat([text, prompt], dim=1)
        batch, length, _ = x.shape
        mask = reading_order(text.shape[1], prompt.shape[1], x.device)
        if padding is not None:
            mask = mask & ~padding[:, None, None]
        keys, values = [], []
        for layer in self.layers:
            x, k, v = layer.read(x, mask)
            keys.append(k)
            values.append(v)
        bias = None
        if padding is not None:
            bias = torch.zeros_like(padding, dtype=x.dtype).masked_fill(padding, -math.inf)
            bias = bias[:, None, None].expand(-1, self.layers[0].heads, -1, -1)
        memory = Memory(
            torch.stack(keys).transpose(-1, -2),
            torch.stack(values),
            length,
            prompt.shape[1],
            bias,
            x.new_empty(0, x.shape[2]),
        )
        return self.head(x[:, -1]), memory.grown(length + ROOM)

    def step(self, tokens: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
        """Say ``tokens`` ``[B]`` -> logits of the next ones ``[B, tokens]`` and the memory after them."""
        if memory.length == memory.slots:
            memory = memory.grown(memory.slots + max(ROOM, memory.slots // 2))
        return self._step(tokens, memory), replace(memory, length=memory.length + 1, spoken=memory.spoken + 1)

    def _step(self, tokens: Tensor, memory: Memory) -> Tensor:
        here, end = memory.length, memory.length + 1
        x = self.tokens(tokens) + self.alpha * memory.places[memory.spoken]  # [B, C]
        # One view for each layer, all made at once: 24 times three slices cost more than a layer's arithmetic.
        new_keys, new_values = (
            memory.keys.select(-1, here).unbind(0),
            memory.values.select(-2, here).unbind(0),
        )
        keys = memory.keys.narrow(-1, 0, end).flatten(1, 2).unbind(0)
        values = memory.values.narrow(-2, 0, end).flatten(1, 2).unbind(0)
        bias = None if memory.bias is None else memory.bias.narrow(-1, 0, end).flatten(0, 1)
        for number, layer in enumerate(self.layers):
            q, k, v = layer.heads_of(x)
            new_keys[number].copy_(k)
            new_values[number].copy_(v)
            x = layer.attend(x, q, keys[number], values[number], bias)
        return self.head(x)

    def release(self, memory: Memory) -> None:
        """Nothing will go on from ``memory``."""


def sinusoids(count: int, like: Tensor) -> Tensor:
    """``[count, C]`` sines and cosines by turns (Vaswani et al. 2017) of places 0 ..., for ``like`` ``[..., C]``."""
    channels = like.shape[-1]
    place = torch.arange(count, dtype=torch.float32, device=like.device)
    rate = torch.exp(
        torch.arange(0, channels, 2, dtype=torch.float32, device=like.device)
        * -(math.log(10_000.0) / channels)
    )
    angle = place[:, None] * rate
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1).to(like.dtype)


def reading_order(text: int, audio: int, device: torch.device) -> Tensor:
    """``[text + audio, text + audio]`` true where a row may look: text at all text, audio also at what came before."""
    may = torch.ones(text + audio, text + audio, dtype=torch.bool, device=device).tril()
    may[:text, :text] = True
    return may
