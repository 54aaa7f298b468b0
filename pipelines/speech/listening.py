"""The listener at work: when each asked phoneme is heard, what is heard when nobody wrote it down, and how much of
what was asked arrived."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torchaudio.functional import forced_align

from models.checkpoints import load_network
from models.listener.network import Listener, ListenerConfig
from pipelines.text.symbols import SYMBOLS, is_pause

PHONEMES: tuple[str, ...] = ("", *(s for s in SYMBOLS if s != "<pad>" and not is_pause(s)))
"""Class 0 is silence (and CTC's blank); the others are the phonemes in the order of the symbol table."""

CLASS_COUNT = len(PHONEMES)
CLASS_OF_SYMBOL: tuple[int, ...] = tuple(PHONEMES.index(s) if s in PHONEMES else 0 for s in SYMBOLS)
_CLASS = {phoneme: index for index, phoneme in enumerate(PHONEMES)}

LISTENER = Path(__file__).resolve().parents[2] / "assets" / "listener" / "listener.safetensors"

PAUSE_FRAMES = 7
"""Silence of 80 ms and more is a pause; less is the closure of a stop and belongs to the phoneme after it."""


@dataclass(frozen=True)
class TimedPhonemes:
    """``P`` symbols from the first frame to the last without gaps.

    Attributes:
        symbols: of ``pipelines.text.symbols``, pauses included.
        source: for each symbol its index in the sequence that was asked, -1 for a pause that was found.
        starts: ``P + 1`` frames.
        confidence: ``P`` mean posteriors of the symbols in their frames, 0..1.
    """

    symbols: tuple[str, ...]
    source: tuple[int, ...]
    starts: tuple[int, ...]
    confidence: tuple[float, ...]


class Ear:
    """The listener network with the two things people want of it: alignment and a score."""

    def __init__(self, network: Listener, device: str) -> None:
        self.network, self.device = network.to(device), device

    @classmethod
    def load(cls, device: str, path: Path = LISTENER) -> Ear:
        return cls(load_network(Listener, ListenerConfig, path)[0], device)

    @torch.inference_mode()
    def posteriors(self, mel: Tensor) -> tuple[Tensor, Tensor]:
        """``mel`` ``[T, MEL_BANDS]`` -> framewise and CTC log-probabilities ``[T, CLASS_COUNT]`` on the CPU."""
        framewise, ctc = self.network(mel.to(self.device).unsqueeze(0))
        return framewise[0].cpu(), ctc[0].cpu()

    def align(self, mel: Tensor, symbols: Sequence[str]) -> TimedPhonemes | None:
        """When each of ``symbols`` is said in ``mel`` ``[T, MEL_BANDS]``; None when there are more than frames.

        Pauses among ``symbols`` may last zero frames; pauses that nobody asked for come out as ``sil``.
        """
        return _aligned(self.posteriors(mel)[0], symbols)

    def hear(self, mel: Tensor) -> TimedPhonemes | None:
        """Phonemes as heard in ``mel`` ``[T, MEL_BANDS]``, without a transcript; None when nothing is heard."""
        framewise, ctc = self.posteriors(mel)
        heard = [PHONEMES[c] for c in _collapse(ctc.argmax(-1).tolist())]
        return _aligned(framewise, ["sil", *heard, "."]) if heard else None

    def score(self, mel: Tensor, symbols: Sequence[str]) -> float:
        """Share of the asked phonemes that arrived, 0..1: 1 - edit distance / asked, near vowels counted as half."""
        heard = [PHONEMES[c] for c in _collapse(self.posteriors(mel)[1].argmax(-1).tolist())]
        asked = [symbol for symbol in symbols if not is_pause(symbol)]
        return max(0.0, 1.0 - edit_distance(asked, heard) / max(1, len(asked)))


def _collapse(path: Sequence[int]) -> list[int]:
    return [c for before, c in zip([0, *path], path, strict=False) if c and c != before]


def _aligned(framewise: Tensor, symbols: Sequence[str]) -> TimedPhonemes | None:
    asked = [(index, symbol) for index, symbol in enumerate(symbols) if not is_pause(symbol)]
    targets = torch.tensor([[_CLASS[symbol] for _, symbol in asked]], dtype=torch.int32)
    repeats = int((targets[0, 1:] == targets[0, :-1]).sum())
    if not asked or len(framewise) < targets.shape[1] + repeats + 2:
        return None
    path = forced_align(framewise.unsqueeze(0).contiguous(), targets, blank=0)[0][0].numpy()
    spoken = path > 0
    begins = np.flatnonzero(spoken & (path != np.concatenate([[0], path[:-1]])))
    ends = np.flatnonzero(spoken & (path != np.concatenate([path[1:], [0]]))) + 1

    out_symbols: list[str] = []
    source: list[int] = []
    starts: list[int] = []

    def put(symbol: str, index: int, start: int) -> None:
        out_symbols.append(symbol)
        source.append(index)
        starts.append(start)

    cursor = 0
    for number in range(len(asked) + 1):
        begin = int(begins[number]) if number < len(asked) else len(path)
        position = asked[number][0] if number < len(asked) else len(symbols)
        earlier = asked[number - 1][0] if number else -1
        between = list(range(earlier + 1, position))  # the asked pauses here
        gap = begin - cursor
        if between:
            put(symbols[between[-1]], between[-1], cursor)
        elif gap >= PAUSE_FRAMES or number in (0, len(asked)):
            put("sil" if number < len(asked) else ".", -1, cursor)
        else:
            begin = cursor
        if number < len(asked):
            put(asked[number][1], asked[number][0], begin)
            cursor = int(ends[number])
    starts.append(len(path))
    posterior = framewise.exp().numpy()
    confidence = tuple(
        float(posterior[a:b, _CLASS.get(symbol, 0)].mean()) if b > a else 1.0
        for symbol, a, b in zip(out_symbols, starts, starts[1:], strict=False)
    )
    return TimedPhonemes(tuple(out_symbols), tuple(source), tuple(starts), confidence)


_NEAR = (
    {"AH", "IH", "EH", "UH", "ER", "AE"},
    {"IY", "IH", "EY", "Y"},
    {"AA", "AO", "AH", "AW", "OW", "L"},
    {"UW", "UH", "OW", "W"},
    {"S", "Z", "SH", "ZH"},
    {"T", "D", "DH", "TH"},
    {"P", "B"},
    {"K", "G"},
    {"F", "V", "TH", "DH"},
    {"M", "N", "NG"},
    {"CH", "JH", "SH", "ZH"},
    {"AY", "AA", "AE"},
    {"R", "ER"},
)


def edit_distance(asked: Sequence[str], heard: Sequence[str]) -> float:
    """Levenshtein distance in which a phoneme heard as a near one costs half."""
    row = np.arange(len(heard) + 1, dtype=np.float64)
    for symbol in asked:
        cost = np.array(
            [
                0.0 if symbol == other else 0.5 if any(symbol in n and other in n for n in _NEAR) else 1.0
                for other in heard
            ]
        )
        above, row = row, np.empty_like(row)
        row[0] = above[0] + 1
        best = np.minimum(above[1:] + 1, above[:-1] + cost)
        for column in range(len(heard)):
            row[column + 1] = min(best[column], row[column] + 1)
    return float(row[-1])
