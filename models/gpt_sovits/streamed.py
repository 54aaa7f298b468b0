"""Token by token on a processor: a whole step is one compiled piece, nearly as fast as the weights arrive."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numba import njit, typeof, types
from torch import Tensor
from torch.nn import functional as F

from models.blocks import simd, streamed_matrices, team
from models.blocks.simd import BLOCK, TILE, weighted_sum
from models.blocks.streamed_matrices import (
    REORDERED,
    Matrices,
    Precision,
    add_and_norm,
    multiply,
    narrowed,
    prepare,
    roomy,
    softmax,
)
from models.blocks.team import (
    MOST_PARTS,
    Team,
    dismissed,
    is_last,
    open_phase,
    rest,
    seen,
    share_of,
    share_with_work,
    take,
    uncounted,
)
from models.gpt_sovits.incremental import ROOM, reading_order, sinusoids

if TYPE_CHECKING:
    from torch import nn

    from models.gpt_sovits.text2semantic import Decoder

_PART = 32_768
"""Bytes in a part of a phase, about: some millionths of a second."""
_MOST_HELPERS = 3
"""Memory is busy by then."""


class _Network(NamedTuple):
    tokens: np.ndarray  # [tokens, C] what each of them adds to its place
    heads: int
    eps: float
    norms: (
        np.ndarray
    )  # [layers, 4, C]: weight and bias after the attention, weight and bias after the feed-forward
    qkv: Matrices  # head after head, its queries, keys and values
    out: Matrices
    widen: Matrices
    narrow: Matrices
    head: Matrices  # one, for the logits


class _Desk(NamedTuple):
    keys: np.ndarray  # [layers, B, H, slots / BLOCK, D, BLOCK] float32 or the bits of fp16
    values: np.ndarray  # [layers, B, H, D / BLOCK, slots, BLOCK]
    starts: np.ndarray  # [B] the first slot that holds something
    rows: np.ndarray  # [B] where each row that is still spoken has its keys and values
    state: np.ndarray  # [3] how many rows are spoken, the slot of the token, and how many were said before it
    tokens: np.ndarray  # [B]
    places: np.ndarray  # [slots, C] the first, second ... place of an utterance
    x: np.ndarray  # [B, C]
    y: np.ndarray  # [B, C] what is added to x
    qkv: np.ndarray  # [B, 3 C]
    wide: np.ndarray  # [B, hidden]
    vectors: np.ndarray  # [B, C] and their levels [B]: what the matrices multiply
    levels: np.ndarray
    wide_vectors: np.ndarray  # [B, hidden] and their levels [B]
    wide_levels: np.ndarray
    logits: np.ndarray  # [B, tokens]


@njit(nogil=True, inline="always")
def _tiles_a_part(matrices):
    return max(1, _PART // matrices.weights.strides[1], -(-matrices.weights.shape[1] // MOST_PARTS))


@njit(nogil=True, inline="always")
def _parts_of(matrices):
    return -(-matrices.weights.shape[1] // _tiles_a_part(matrices))


@njit(nogil=True, inline="always")
def _parts(network, phase):
    """Four phases a layer, then the logits, then a rest."""
    layer, kind = phase // 4, phase % 4
    if layer == len(network.norms):
        return _parts_of(network.head) if kind == 0 else 0
    if kind == 0:
        return network.heads
    if kind == 1:
        return _parts_of(network.out)
    return _parts_of(network.widen) if kind == 2 else _parts_of(network.narrow)


@njit(nogil=True, forceinline=True)
def _multiply(matrices, index, part, vectors, levels, relu, out):
    tiles = _tiles_a_part(matrices)
    last = min((part + 1) * tiles, matrices.weights.shape[1])
    multiply(matrices, index, vectors, levels, relu, part * tiles, last, out)


@njit(nogil=True, fastmath=REORDERED)
def _attend(qkv, keys, values, start, here, room, heard):
    """What one head hears.

    Args:
        qkv: ``[3 D]`` its query, and the key and the value that come to slot ``here``.
        keys, values: ``[slots / BLOCK, D, BLOCK]``, ``[D / BLOCK, slots, BLOCK]``; slots from ``start`` on hold something.
        room: ``[slots + BLOCK]``; heard: ``[D]``.
    """
    width = len(heard)
    for d in range(width):
        keys[here // BLOCK, d, here % BLOCK] = narrowed(qkv[width + d], keys)
        values[d // BLOCK, here, d % BLOCK] = narrowed(qkv[2 * width + d], values)
    for block in range(start // BLOCK, here // BLOCK + 1):
        weighted_sum(qkv[:width], keys[block], room[block * BLOCK : (block + 1) * BLOCK])
    scores, sums = room[start : here + 1], room[len(room) - BLOCK :]
    total = softmax(scores, np.float32(1 / np.sqrt(width)))
    for block in range(len(values)):
        weighted_sum(scores, values[block, start : here + 1], sums)
        for d in range(block * BLOCK, min(width, (block + 1) * BLOCK)):
            heard[d] = sums[d - block * BLOCK] / total


@njit(nogil=True, fastmath=REORDERED, inline="always")
def _do_part(network, desk, phase, part, room):
    layer, kind, count = phase // 4, phase % 4, desk.state[0]
    vectors, levels = desk.vectors[:count], desk.levels
    if layer == len(network.norms):
        _multiply(network.head, 0, part, vectors, levels, False, desk.logits)
    elif kind == 0:
        width = network.norms.shape[2] // network.heads
        first, last = 3 * width * part, 3 * width * (part + 1)
        multiply(network.qkv, layer, vectors, levels, False, first // TILE, last // TILE, desk.qkv)
        for row in range(count):
            place = desk.rows[row]
            _attend(
                desk.qkv[row, first:last],
                desk.keys[layer, place, part],
                desk.values[layer, place, part],
                desk.starts[place],
                desk.state[1],
                room,
                desk.y[row, part * width : (part + 1) * width],
            )
    elif kind == 1:
        _multiply(network.out, layer, part, vectors, levels, False, desk.y)
    elif kind == 2:
        _multiply(network.widen, layer, part, vectors, levels, True, desk.wide)
    else:
        _multiply(network.narrow, layer, part, desk.wide_vectors[:count], desk.wide_levels, False, desk.y)


@njit(nogil=True, fastmath=REORDERED, inline="always")
def _end_phase(network, desk, phase):
    """What the next phase multiplies."""
    layer, kind, count = phase // 4, phase % 4, desk.state[0]
    x, y = desk.x[:count], desk.y[:count]
    if layer == len(network.norms):
        return
    if kind == 0:
        prepare(y, desk.vectors, desk.levels)
    elif kind == 2:
        prepare(desk.wide[:count], desk.wide_vectors, desk.wide_levels)
    else:
        weight, bias = network.norms[layer, kind - 1], network.norms[layer, kind]
        add_and_norm(x, y, weight, bias, np.float32(network.eps))
        prepare(x, desk.vectors, desk.levels)


def _compiled(sources: int) -> Callable[..., None]:
    """The step, kept on disk once it is compiled. Numba compiles it anew when this file changes or something that the function
    encloses: a checksum of the other files that are compiled into it."""

    @njit(nogil=True, cache=True)
    def work(network, desk, board, member, members):
        """Member 0 begins a step and returns after it; the others help with every step until they are dismissed."""
        network, desk, board = uncounted(network), uncounted(desk), uncounted(board)
        phases = 4 * len(network.norms) + 2
        room = np.empty(desk.values.shape[4] + BLOCK, np.float32)
        if member == 0:
            for row in range(desk.state[0]):
                desk.x[row] = network.tokens[desk.tokens[row]] + desk.places[desk.state[2]]
            prepare(desk.x[: desk.state[0]], desk.vectors, desk.levels)
            number, _ = seen(board)
            open_phase(board, number + 1)
        waited = 0
        while sources:
            number, asked = seen(board)
            share = share_with_work(asked, _parts(network, number % phases), member, members)
            if share >= 0:
                number, part = take(board, share)
                phase = number % phases
                parts = _parts(network, phase)
                first, last = share_of(parts, share, members)
                if first + part < last:
                    _do_part(network, desk, phase, first + part, room)
                    if is_last(board, parts):
                        _end_phase(network, desk, phase)
                        open_phase(board, number + 1)
                    waited = 0
                    continue
            elif number % phases == phases - 1 and (member == 0 or dismissed(board)):
                return
            rest(waited)
            waited += 1

    return work


_SOURCES = (streamed_matrices, simd, team)
_work = _compiled(zlib.crc32(b"".join(Path(one.__file__).read_bytes() for one in _SOURCES)))


@dataclass
class StreamedMemory:
    """What the network has read and said so far. There is one only: a step changes it.

    Attributes:
        length: slots in use.
        spoken: how many of them are tokens.
        logits: ``[N, tokens]`` of the last step, for every row that is left.
    """

    desk: _Desk
    crew: Team
    work: Callable[[_Network, _Desk, np.ndarray, int, int], None]
    length: int
    spoken: int
    logits: Tensor

    @property
    def slots(self) -> int:
        return len(self.desk.places)

    def rows(self, index: Tensor) -> StreamedMemory:
        """The memory of some rows ``[N]`` of those that are left."""
        kept = self.desk.rows[index.numpy()]
        self.desk.rows[: len(kept)] = kept
        self.desk.state[0] = len(kept)
        self.logits = self.logits[: len(kept)]
        return self


class StreamedDecoder:
    """As ``IncrementalDecoder``, with weights of its own and more than one thread where torch has more.

    Args:
        precision: of the matrices. Keys and values are kept in fp32 beside fp32, in fp16 otherwise.
    """

    def __init__(self, decoder: Decoder, precision: Precision) -> None:
        blocks = decoder.h.layers

        def by_head(joint: Tensor) -> Tensor:
            return joint.unflatten(0, (3, blocks[0].heads, -1)).transpose(0, 1).flatten(0, 2)

        def matrices(layers: list[nn.Linear]) -> Matrices:
            return Matrices.of([one.weight for one in layers], [one.bias for one in layers], precision)

        attentions = [block.self_attn for block in blocks]
        joint = [(by_head(one.in_proj_weight), by_head(one.in_proj_bias)) for one in attentions]
        norms = [(b.norm1.weight, b.norm1.bias, b.norm2.weight, b.norm2.bias) for b in blocks]
        self.tokens = decoder.ar_audio_embedding.word_embeddings
        self.alpha = decoder.ar_audio_position.alpha
        self.network = _Network(
            tokens=self.tokens.weight.float().numpy(force=True),
            heads=blocks[0].heads,
            eps=blocks[0].norm1.eps,
            norms=torch.stack([torch.stack(four) for four in norms]).detach().float().numpy(),
            qkv=Matrices.of(*map(list, zip(*joint, strict=True)), precision),
            out=matrices([one.out_proj for one in attentions]),
            widen=matrices([block.linear1 for block in blocks]),
            narrow=matrices([block.linear2 for block in blocks]),
            head=Matrices.of([decoder.ar_predict_layer.weight], None, precision),
        )
        self._kept = np.float32 if precision == "fp32" else np.float16

    def read(self, text: Tensor, prompt: Tensor, padding: Tensor | None) -> tuple[Tensor, StreamedMemory]:
        """As ``IncrementalDecoder.read``."""
        network = self.network
        x = torch.cat([text, prompt], dim=1)
        batch, length, channels = x.shape
        mask = reading_order(text.shape[1], prompt.shape[1], x.device)
        if padding is not None:
            mask = mask & ~padding[:, None, None]
        keys, values = self._slots(batch, length + ROOM)
        qkv, out, widen, narrow = (
            kind.linear() for kind in (network.qkv, network.out, network.widen, network.narrow)
        )
        for layer in range(len(network.norms)):
            first, second = torch.from_numpy(network.norms[layer]).view(2, 2, channels)
            q, k, v = qkv(layer, x).view(batch, length, network.heads, 3, -1).permute(3, 0, 2, 1, 4)
            read = _in_blocks(k.mT)
            keys[layer, :, :, : read.shape[2]] = read
            values[layer, ..., :length, :] = _in_blocks(v)
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).reshape(x.shape)
            x = F.layer_norm(x + out(layer, y), (channels,), *first, network.eps)
            x = F.layer_norm(x + narrow(layer, widen(layer, x).relu_()), (channels,), *second, network.eps)
        starts = np.zeros(batch, np.int64) if padding is None else padding.sum(dim=1).numpy()
        logits = network.head.linear()(0, x[:, -1])
        return logits, self._memory(keys, values, starts, np.arange(batch), length, prompt.shape[1])

    def step(self, tokens: Tensor, memory: StreamedMemory) -> tuple[Tensor, StreamedMemory]:
        """As ``IncrementalDecoder.step``; the logits are overwritten by the next step."""
        if memory.length == memory.slots:
            memory = self._grown(memory)
        desk = memory.desk
        desk.tokens[: len(tokens)] = tokens.numpy()
        desk.state[1:] = memory.length, memory.spoken
        memory.work(self.network, desk, memory.crew.board, 0, memory.crew.members)
        memory.length += 1
        memory.spoken += 1
        return memory.logits, memory

    def release(self, memory: StreamedMemory) -> None:
        """Nothing will go on from ``memory``."""
        memory.crew.dismiss()

    def _slots(self, batch: int, slots: int) -> tuple[np.ndarray, np.ndarray]:
        """Room for the keys and for the values."""
        layers, _, channels = self.network.norms.shape
        width, blocks = channels // self.network.heads, -(-slots // BLOCK)
        each = layers, batch, self.network.heads
        keys = roomy((*each, blocks, width, BLOCK), self._kept)
        return keys, roomy((*each, -(-width // BLOCK), blocks * BLOCK, BLOCK), self._kept)

    def _grown(self, memory: StreamedMemory) -> StreamedMemory:
        memory.crew.dismiss()
        desk, slots = memory.desk, memory.slots + max(ROOM, memory.slots // 2)
        rows = desk.rows[: desk.state[0]]
        keys, values = self._slots(len(rows), slots)
        keys[:, :, :, : desk.keys.shape[3]] = desk.keys.view(self._kept)[:, rows]
        values[..., : desk.values.shape[4], :] = desk.values.view(self._kept)[:, rows]
        starts = desk.starts[rows]
        return self._memory(keys, values, starts, np.arange(len(rows)), memory.length, memory.spoken)

    def _memory(
        self,
        keys: np.ndarray,
        values: np.ndarray,
        starts: np.ndarray,
        rows: np.ndarray,
        length: int,
        spoken: int,
    ) -> StreamedMemory:
        network, batch = self.network, len(rows)
        layers, _, channels = network.norms.shape
        hidden = network.widen.outputs
        bits = np.float32 if self._kept is np.float32 else np.int16

        def empty(size: int) -> np.ndarray:
            return np.zeros((batch, size), np.float32)

        desk = _Desk(
            keys=keys.view(bits),
            values=values.view(bits),
            starts=starts,
            rows=rows,
            state=np.array([batch, length, spoken]),
            tokens=np.zeros(batch, np.int64),
            places=(self.alpha * sinusoids(values.shape[4], self.tokens.weight)).float().numpy(force=True),
            x=empty(channels),
            y=empty(network.out.outputs),
            qkv=empty(network.qkv.outputs),
            wide=empty(hidden),
            vectors=network.qkv.vectors(batch),
            levels=np.ones(batch, np.float32),
            wide_vectors=network.narrow.vectors(batch),
            wide_levels=np.ones(batch, np.float32),
            logits=empty(network.head.outputs),
        )
        helpers = min(torch.get_num_threads() - 1, _MOST_HELPERS)
        kinds = (typeof(network), typeof(desk), types.int64[::1], types.int64, types.int64)
        _work.compile(kinds)
        work = _work.get_overload(kinds)  # chosen once: to look at the arguments takes as long as a phase
        crew = Team(
            helpers, 4 * layers + 1, lambda board, member: work(network, desk, board, member, helpers + 1)
        )
        logits = torch.from_numpy(desk.logits)[:, : network.head.shape[0]]
        return StreamedMemory(desk, crew, work, length, spoken, logits)


def _in_blocks(x: Tensor) -> np.ndarray:
    """``[B, H, N, M]`` -> ``[B, H, M / BLOCK, N, BLOCK]``, zeros behind what does not fill a block."""
    padded = F.pad(x, (0, -x.shape[3] % BLOCK))
    return padded.unflatten(3, (-1, BLOCK)).transpose(2, 3).numpy()
