from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from models.blocks.simd import BLOCK, TILE, columns_at_a_time, tile_by_vector, weighted_sum
from models.blocks.streamed_matrices import can_stream

HALF = pytest.mark.skipif(not can_stream("fp16"), reason="this processor cannot")


@njit
def sums_of(tile: np.ndarray, vector: np.ndarray) -> tuple:
    return tile_by_vector(tile, vector)


@njit
def add_up(weights: np.ndarray, lines: np.ndarray, out: np.ndarray) -> None:
    weighted_sum(weights, lines, out)


@pytest.mark.parametrize("steps", [1, 2, 7])
@pytest.mark.parametrize(
    ("kind", "bits"),
    [(np.float32, np.float32), pytest.param(np.float16, np.int16, marks=HALF), (np.int8, np.int8)],
)
def test_four_rows_by_a_vector(kind: type[np.generic], bits: type[np.generic], steps: int) -> None:
    """Whole numbers, so every order of summing says the same."""
    random = np.random.default_rng(0)
    columns = columns_at_a_time(bits)
    tile = random.integers(-128, 128, (steps, TILE, columns))
    vector = random.integers(-100, 100, steps * columns)
    rows = tile.swapaxes(0, 1).reshape(TILE, -1)
    met = np.int16 if bits is np.int8 else np.float32
    said = sums_of(tile.astype(kind).view(bits), vector.astype(met))
    assert list(said) == (rows @ vector).tolist()
    assert isinstance(said[0], int if bits is np.int8 else float)


def test_four_rows_of_bf16() -> None:
    """Its bits are the upper half of those of fp32."""
    tile = np.random.default_rng(0).integers(-128, 128, (3, TILE, 16)).astype(np.float32)
    vector = np.arange(48, dtype=np.float32)
    said = sums_of((tile.view(np.uint32) >> 16).astype(np.uint16), vector)
    assert list(said) == (tile.swapaxes(0, 1).reshape(TILE, -1) @ vector).tolist()


@pytest.mark.parametrize("count", [0, 1, 5])
@pytest.mark.parametrize("kind", [np.float32, pytest.param(np.float16, marks=HALF)])
def test_lines_are_added_up(kind: type[np.generic], count: int) -> None:
    random = np.random.default_rng(0)
    weights = random.integers(-9, 9, count).astype(np.float32)
    lines = random.integers(-9, 9, (count, BLOCK)).astype(kind)
    out = np.full(BLOCK + 1, np.nan, np.float32)
    add_up(weights, lines.view(np.int16) if kind is np.float16 else lines, out)
    assert out[:BLOCK].tolist() == (weights @ lines.astype(np.float32)).tolist()
    assert np.isnan(out[BLOCK])
