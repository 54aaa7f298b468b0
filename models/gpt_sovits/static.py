"""Token by token on a CUDA device: slots of fixed size, so that a step can be captured once and replayed.

Launching the kernels of a step one by one takes longer than running them. A CUDA graph launches all of them at once, but is
bound to the addresses and the sizes that it was captured with. So the slots come in buckets, a step finds its place by numbers
that lie on the device, and what the slots behind it hold is kept out by a mask. Without a device nothing is captured and the
same steps run one by one.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from models.gpt_sovits.incremental import IncrementalDecoder, Memory, sinusoids

SMALLEST_SLOTS = 256
_WARM_UPS = 3
_log = logging.getLogger(__name__)


class Room:
    """Slots for one batch, and the step over them.

    Attributes:
        keys: ``[layers, B, H, D, slots]``; values: ``[layers, B, H, slots, D]``.
        bias: ``[B, 1, 1, slots]`` minus infinity where a row has nothing.
        tokens: ``[B]`` that the next step says; here, spoken: ``[1]`` where it puts them.
        logits: ``[B, tokens]`` that it answers with.
    """

    def __init__(self, decoder: IncrementalDecoder, like: Memory, batch: int, slots: int) -> None:
        layers, _, heads, width, _ = like.keys.shape
        new, device = like.keys.new_zeros, like.keys.device
        self.decoder, self.batch, self.slots = decoder, batch, slots
        self.keys, self.values = (
            new(layers, batch, heads, width, slots),
            new(layers, batch, heads, slots, width),
        )
        self.bias = new(batch, 1, 1, slots)
        self.tokens = torch.zeros(batch, dtype=torch.long, device=device)
        self.here, self.spoken = (torch.zeros(1, dtype=torch.long, device=device) for _ in range(2))
        self.logits = new(batch, decoder.tokens.num_embeddings)
        self._slot = torch.arange(slots, device=device)
        self._places = sinusoids(slots, decoder.tokens.weight)
        self.run = _captured(self._step) if device.type == "cuda" else self._step

    def fill(self, memory: Memory) -> None:
        """Go on from ``memory`` of at most ``slots``, whose rows are the first of the batch."""
        rows, length = memory.keys.shape[1], memory.length
        self.keys[:, :rows, ..., :length] = memory.keys[..., :length]
        self.values[:, :rows, :, :length] = memory.values[..., :length, :]
        self.bias.zero_()
        if memory.bias is not None:
            self.bias[:rows, ..., :length] = memory.bias[:, :1, :, :length]
        self.here.fill_(length)
        self.spoken.fill_(memory.spoken)

    def keep(self, index: Tensor) -> None:
        """The rows ``index`` ``[N]`` become the first; what the others hold is of no interest any more."""
        count = len(index)
        self.keys[:, :count], self.values[:, :count] = self.keys[:, index], self.values[:, index]
        self.bias[:count] = self.bias[index]

    def _step(self) -> None:
        decoder = self.decoder
        x = decoder.tokens(self.tokens) + decoder.alpha * self._places.index_select(0, self.spoken)
        keys, values = self.keys.flatten(1, 2), self.values.flatten(1, 2)
        heads = len(keys[0]) // self.batch
        bias = (
            self.bias.masked_fill(self._slot > self.here, -math.inf).expand(-1, heads, -1, -1).flatten(0, 1)
        )
        for number, layer in enumerate(decoder.layers):
            q, k, v = layer.heads_of(x)
            self.keys[number].index_copy_(-1, self.here, k.unsqueeze(-1))
            self.values[number].index_copy_(-2, self.here, v.unsqueeze(-2))
            x = layer.attend(x, q, keys[number], values[number], bias)
        self.logits.copy_(decoder.head(x))
        self.here += 1
        self.spoken += 1


@dataclass(frozen=True)
class StaticMemory:
    """As ``Memory``, but there is one only: a step changes what it was given.

    Attributes:
        count: rows of the room that are in use, the first.
        length, spoken: as the device knows them, too.
    """

    room: Room
    count: int
    length: int
    spoken: int

    def rows(self, index: Tensor) -> StaticMemory:
        self.room.keep(index)
        return replace(self, count=len(index))

    def moved(self) -> Memory:
        """A ``Memory`` over the same slots, to fill another room with."""
        room, count = self.room, self.count
        bias = room.bias[:count]
        return Memory(
            room.keys[:, :count], room.values[:, :count], self.length, self.spoken, bias, room.logits
        )


class StaticDecoder(IncrementalDecoder):
    """Goes on in rooms, which are kept for the next utterance; two utterances at a time have one each.

    Attributes:
        busy: rooms in use.
    """

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)
        self.busy = 0
        self._free: dict[tuple[int, int], list[Room]] = {}

    def read(self, text: Tensor, prompt: Tensor, padding: Tensor | None) -> tuple[Tensor, StaticMemory]:
        logits, memory = super().read(text, prompt, padding)
        room = self._room(memory, len(logits), memory.length + 1)
        room.fill(memory)
        return logits, StaticMemory(room, len(logits), memory.length, memory.spoken)

    def step(self, tokens: Tensor, memory: StaticMemory) -> tuple[Tensor, StaticMemory]:
        if memory.length == memory.room.slots:
            old, beginning = memory, memory.moved()
            room = self._room(beginning, memory.count, memory.length + 1)
            room.fill(beginning)
            self.release(old)
            memory = replace(memory, room=room)
        room = memory.room
        room.tokens[: memory.count] = tokens
        room.run()
        memory = replace(memory, length=memory.length + 1, spoken=memory.spoken + 1)
        return room.logits[: memory.count].clone(), memory

    def release(self, memory: StaticMemory) -> None:
        room = memory.room
        self.busy -= 1
        self._free.setdefault((room.batch, room.slots), []).append(room)

    def _room(self, like: Memory, rows: int, slots: int) -> Room:
        size = _power_of_two(rows), max(SMALLEST_SLOTS, _power_of_two(slots))
        free = self._free.get(size)
        room = free.pop() if free else Room(self, like, *size)
        self.busy += 1
        return room


def _captured(step: Callable[[], None]) -> Callable[[], None]:
    """``step`` as one launch; as it is where it cannot be captured."""
    try:
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(_WARM_UPS):  # libraries make room for themselves at their first calls
                step()
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            step()
    except RuntimeError as error:
        _log.warning("a step could not be captured and runs kernel by kernel: %s", error)
        return step
    return graph.replay


def _power_of_two(least: int) -> int:
    return 1 << (least - 1).bit_length()
