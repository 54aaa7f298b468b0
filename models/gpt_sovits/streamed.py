"""Token by token on a processor: a whole step in one compiled piece, as fast as the weights arrive."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numba import njit
from torch import Tensor
from torch.nn import functional as F

from models.blocks.rows import (
    REORDERED,
    Matrices,
    Precision,
    add_and_norm,
    multiply,
    keep,
    rescale,
    prepare,
    roomy,
    softmax,
    widened,
)
from models.blocks.team import Team, await_mark, dismissed, is_last, mark, open_phase, rest, seen, take, uncounted
from models.gpt_sovits.incremental import ROOM, reading_order, sinusoids

if TYPE_CHECKING:
    from models.gpt_sovits.text2semantic import Decoder

_PART = 131_072
"""Weights in a part of a phase."""
_BLOCK = 64
"""Slots that lie together: what a query meets of them is read in one go."""
_MARK = 16
"""Marks apart, for the sake of cache lines."""
_NOTHING = np.float32(-1e30)


class _Network(NamedTuple):
    heads: int
    eps: float
    norms: np.ndarray  # [layers, 4, C]: weight and bias after the attention, weight and bias after the feed-forward
    qkv: Matrices  # rows of head after head: queries, keys, values
    out: Matrices
    widen: Matrices
    narrow: Matrices
    head: Matrices  # one


class _Desk(NamedTuple):
    keys: np.ndarray  # [layers, B, H, blocks, D, _BLOCK]
    values: np.ndarray  # [layers, B, H, blocks, D, _BLOCK]
    key_scales: np.ndarray  # [layers, B, H, slots] of int8
    value_scales: np.ndarray  # [layers, B, H, slots]
    starts: np.ndarray  # [B] the first slot that holds something
    rows: np.ndarray  # [B] where each row that is still spoken has its keys and values
    state: np.ndarray  # [2] how many rows are spoken, and the slot of the token
    x: np.ndarray  # [B, C]
    y: np.ndarray  # [B, C]
    qkv: np.ndarray  # [B, 3 C] head after head
    wide: np.ndarray  # [B, hidden]
    vectors: np.ndarray  # [B, C]
    levels: np.ndarray  # [B]
    wide_vectors: np.ndarray  # [B, hidden]
    wide_levels: np.ndarray  # [B]
    logits: np.ndarray  # [B, tokens]
    marks: np.ndarray  # [heads * _MARK] the phase in which a head's queries, keys and values were last computed


@njit(nogil=True, cache=True, forceinline=True)
def _rows_a_part(matrices):
    return max(1, _PART // matrices.weights.shape[2])


@njit(nogil=True, cache=True, forceinline=True)
def _parts_of(matrices):
    return -(-matrices.weights.shape[1] // _rows_a_part(matrices))


@njit(nogil=True, cache=True, forceinline=True)
def _parts(network, phase):
    """Four phases a layer, then the logits, then a rest."""
    layer, kind = phase // 4, phase % 4
    if layer == len(network.norms):
        return _parts_of(network.head) if kind == 0 else 0
    if kind == 0:
        return 2 * network.heads
    if kind == 1:
        return _parts_of(network.out)
    return _parts_of(network.widen) if kind == 2 else _parts_of(network.narrow)


@njit(nogil=True, fastmath=REORDERED, cache=True, forceinline=True)
def _multiply(matrices, index, part, vectors, levels, relu, out):
    rows = _rows_a_part(matrices)
    last = min((part + 1) * rows, matrices.weights.shape[1])
    multiply(matrices, index, vectors, levels, relu, part * rows, last, out)


@njit(nogil=True, fastmath=REORDERED, cache=True, forceinline=True)
def _attend(network, desk, layer, head, room):
    """What one head hears."""
    width = network.norms.shape[2] // network.heads
    count, here = desk.state[0], desk.state[1]
    q, k, v = 3 * head * width, (3 * head + 1) * width, (3 * head + 2) * width
    scale = np.float32(1 / np.sqrt(width))
    for row in range(count):
        qkv, place = desk.qkv[row], desk.rows[row]
        keys, values = desk.keys[layer, place, head], desk.values[layer, place, head]
        block, lane = here // _BLOCK, here % _BLOCK
        key_scales, value_scales = desk.key_scales[layer, place, head], desk.value_scales[layer, place, head]
        keep(qkv[k : k + width], keys[block], lane, key_scales, here)
        keep(qkv[v : v + width], values[block], lane, value_scales, here)
        scores = room[: (block + 1) * _BLOCK]
        scores[:] = 0
        for number in range(block + 1):
            mine, lines = scores[number * _BLOCK : (number + 1) * _BLOCK], keys[number]
            for d in range(0, width, 4):
                qa, qb, qc, qd = qkv[q + d] * scale, qkv[q + d + 1] * scale, qkv[q + d + 2] * scale, qkv[q + d + 3] * scale
                for slot in range(_BLOCK):
                    mine[slot] += (
                        qa * widened(lines[d, slot])
                        + qb * widened(lines[d + 1, slot])
                        + qc * widened(lines[d + 2, slot])
                        + qd * widened(lines[d + 3, slot])
                    )
        rescale(scores, key_scales, keys)
        scores[: desk.starts[place]] = _NOTHING
        scores[here + 1 :] = _NOTHING
        total = softmax(scores)
        rescale(scores, value_scales, values)
        heard = room[len(scores) : len(scores) + width * 16]
        heard[:] = 0
        for number in range(block + 1):
            mine, lines = scores[number * _BLOCK : (number + 1) * _BLOCK], values[number]
            for d in range(width):
                for slot in range(16):
                    heard[d * 16 + slot] += (
                        mine[slot] * widened(lines[d, slot])
                        + mine[slot + 16] * widened(lines[d, slot + 16])
                        + mine[slot + 32] * widened(lines[d, slot + 32])
                        + mine[slot + 48] * widened(lines[d, slot + 48])
                    )
        for d in range(width):
            part = np.float32(0)
            for slot in range(16):
                part += heard[d * 16 + slot]
            desk.y[row, head * width + d] = part / total


@njit(nogil=True, fastmath=REORDERED, cache=True, forceinline=True)
def _do_part(network, desk, number, phase, part, scores):
    width = network.norms.shape[2] // network.heads
    layer, kind, count = phase // 4, phase % 4, desk.state[0]
    vectors, levels = desk.vectors[:count], desk.levels
    if layer == len(network.norms):
        _multiply(network.head, 0, part, vectors, levels, False, desk.logits)
    elif kind == 0:
        # By turns the numbers of a head, which wait for memory, and what the head before hears, which takes arithmetic.
        head, attends = (part + 1) // 2, part % 2 == 0
        if part == 0 or (not attends and head < network.heads):
            first = 3 * head * width
            multiply(network.qkv, layer, vectors, levels, False, first, first + 3 * width, desk.qkv)
            mark(desk.marks, _MARK * head, number)
        else:
            await_mark(desk.marks, _MARK * (head - 1), number)
            _attend(network, desk, layer, head - 1, scores)
    elif kind == 1:
        _multiply(network.out, layer, part, vectors, levels, False, desk.y)
    elif kind == 2:
        _multiply(network.widen, layer, part, vectors, levels, True, desk.wide)
    else:
        _multiply(network.narrow, layer, part, desk.wide_vectors[:count], desk.wide_levels, False, desk.y)


@njit(nogil=True, fastmath=REORDERED, cache=True, forceinline=True)
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


@njit(nogil=True, cache=True)
def _take_part(network, desk, board, leads):
    """Do what there is to do. Who leads returns after the step, the others when they are dismissed."""
    network, desk, board = uncounted(network), uncounted(desk), uncounted(board)
    phases = 4 * len(network.norms) + 2
    scores = np.empty(desk.keys.shape[3] * _BLOCK + 16 * desk.keys.shape[4], np.float32)
    waited = 0
    while True:
        number, asked = seen(board)
        if asked < _parts(network, number % phases):
            number, part = take(board)
            phase = number % phases
            parts = _parts(network, phase)
            if part < parts:
                _do_part(network, desk, number, phase, part, scores)
                if is_last(board, parts):
                    _end_phase(network, desk, phase)
                    open_phase(board, number + 1)
                waited = 0
                continue
        elif number % phases == phases - 1 and (leads or dismissed(board)):
            return
        rest(waited)
        waited += 1


@njit(nogil=True, cache=True)
def _step(network, desk, board):
    count = desk.state[0]
    prepare(desk.x[:count], desk.vectors, desk.levels)
    number, _ = seen(board)
    open_phase(board, number + 1)
    _take_part(network, desk, board, True)


@njit(nogil=True, cache=True)
def _help(network, desk, board):
    _take_part(network, desk, board, False)


@dataclass(frozen=True)
class Memory:
    """What the network has read and said so far. There is one only: a step changes what it was given.

    Attributes:
        length: slots in use.
        spoken: how many of them are tokens.
    """

    desk: _Desk
    team: Team
    length: int
    spoken: int
    places: Tensor

    def rows(self, index: Tensor) -> Memory:
        """The memory of some rows ``[N]`` of those that are left."""
        kept = self.desk.rows[index.numpy()]
        self.desk.rows[: len(kept)] = kept
        self.desk.state[0] = len(kept)
        return self


class StreamedDecoder:
    """As ``IncrementalDecoder``, with weights of its own, rounded to ``precision``."""

    def __init__(self, decoder: Decoder, precision: Precision) -> None:
        blocks = decoder.h.layers
        attentions = [block.self_attn for block in blocks]

        def by_head(joint: Tensor) -> Tensor:
            """Queries, keys and values ``[3 C, ...]``, those of a head together."""
            return joint.unflatten(0, (3, blocks[0].heads, -1)).transpose(0, 1).flatten(0, 2)

        def of(parts: list, name: str = "") -> Matrices:
            return Matrices.of([p.weight for p in parts], [p.bias for p in parts], precision)

        self.tokens = decoder.ar_audio_embedding.word_embeddings
        self.alpha = decoder.ar_audio_position.alpha
        norms = [(b.norm1.weight, b.norm1.bias, b.norm2.weight, b.norm2.bias) for b in blocks]
        self.network = _Network(
            heads=blocks[0].heads,
            eps=blocks[0].norm1.eps,
            norms=torch.stack([torch.stack(four) for four in norms]).detach().float().numpy(),
            qkv=Matrices.of(
                [by_head(a.in_proj_weight) for a in attentions], [by_head(a.in_proj_bias) for a in attentions], precision
            ),
            out=of([a.out_proj for a in attentions]),
            widen=of([block.linear1 for block in blocks]),
            narrow=of([block.linear2 for block in blocks]),
            head=Matrices.of([decoder.ar_predict_layer.weight], None, precision),
        )
        self.precision = precision

    def read(self, text: Tensor, prompt: Tensor, padding: Tensor | None) -> tuple[Tensor, Memory]:
        """As ``IncrementalDecoder.read``."""
        network = self.network
        x = torch.cat([text, prompt], dim=1)
        batch, length, channels = x.shape
        mask = reading_order(text.shape[1], prompt.shape[1], x.device)
        if padding is not None:
            mask = mask & ~padding[:, None, None]
        width = channels // network.heads
        memory = self._memory(batch, length, prompt.shape[1], padding)
        desk = memory.desk
        for layer in range(len(network.norms)):
            first, second = torch.from_numpy(network.norms[layer]).view(2, 2, channels)
            q, k, v = network.qkv.linear(layer, x).view(batch, length, network.heads, 3, width).permute(3, 0, 2, 1, 4)
            self._keep(k, desk.keys[layer], desk.key_scales[layer])
            self._keep(v, desk.values[layer], desk.value_scales[layer])
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).reshape(x.shape)
            x = F.layer_norm(x + network.out.linear(layer, y), (channels,), *first, network.eps)
            y = network.narrow.linear(layer, network.widen.linear(layer, x).relu_())
            x = F.layer_norm(x + y, (channels,), *second, network.eps)
        return network.head.linear(0, x[:, -1]), memory

    def _keep(self, heard: Tensor, lines: np.ndarray, scales: np.ndarray) -> None:
        """Keys or values ``[B, H, T, D]`` of one layer."""
        blocks, length = lines.shape[2], heard.shape[2]
        if self.precision == "int8":
            scale = heard.abs().amax(dim=3).clamp(min=1e-12) / 127
            scales[..., :length] = scale.numpy()
            heard = (heard / scale[..., None]).round()
        elif self.precision != "fp32":
            heard = heard.half().view(torch.int16)
        heard = F.pad(heard, (0, 0, 0, blocks * _BLOCK - length)).unflatten(2, (blocks, _BLOCK))
        lines[:] = heard.mT.numpy()

    def _memory(self, batch: int, length: int, spoken: int, padding: Tensor | None) -> Memory:
        network = self.network
        layers, _, channels = network.norms.shape
        hidden, heads = network.widen.weights.shape[1], network.heads
        blocks = -(-(length + ROOM) // _BLOCK)
        kept = {"fp32": np.float32, "int8": np.int8}.get(self.precision, np.int16)
        starts = torch.zeros(batch, dtype=torch.long) if padding is None else padding.sum(dim=1)

        def empty(size: int) -> np.ndarray:
            return np.zeros((batch, size), np.float32)

        desk = _Desk(
            keys=roomy((layers, batch, heads, blocks, channels // heads, _BLOCK), kept),
            values=roomy((layers, batch, heads, blocks, channels // heads, _BLOCK), kept),
            key_scales=roomy((layers, batch, heads, blocks * _BLOCK), np.float32),
            value_scales=roomy((layers, batch, heads, blocks * _BLOCK), np.float32),
            starts=starts.numpy(),
            rows=np.arange(batch),
            state=np.array([batch, length]),
            x=empty(channels),
            y=empty(channels),
            qkv=empty(3 * channels),
            wide=empty(hidden),
            vectors=network.qkv.vectors(batch),
            levels=np.ones(batch, np.float32),
            wide_vectors=network.narrow.vectors(batch),
            wide_levels=np.ones(batch, np.float32),
            logits=empty(network.head.weights.shape[1]),
            marks=np.full(heads * _MARK, -1),
        )
        team = Team(torch.get_num_threads() - 1, 4 * layers + 1, lambda board: _help(network, desk, board))
        return Memory(desk, team, length, spoken, sinusoids(blocks * _BLOCK, self.tokens.weight))

    @torch.inference_mode()
    def step(self, tokens: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
        desk, count = memory.desk, len(tokens)
        desk.x[:count] = (self.tokens(tokens) + self.alpha * memory.places[memory.spoken]).numpy()
        desk.state[1] = memory.length
        _step(self.network, desk, memory.team.board)
        logits = torch.from_numpy(desk.logits[:count])
        return logits, replace(memory, length=memory.length + 1, spoken=memory.spoken + 1)

    def release(self, memory: Memory) -> None:
        memory.team.dismiss()
