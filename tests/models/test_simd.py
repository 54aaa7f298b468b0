from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from models.blocks.simd import BLOCK, TILE, columns_at_a_time, tile_by_vector, weighted_sum
from models.blocks.streamed_matrices import can_stream

HALF = pytest.mark.skipif(not can_stream("fp16"), reason="this processor cannot")


@njit
def into(
    tile: np.ndarray, vector: np.ndarray, scales: np.ndarray, biases: np.ndarray, relu: bool, out: np.ndarray
) -> None:
    tile_by_vector(tile, vector, scales, np.float32(2), biases, relu, out)


def said_of(tile: np.ndarray, vector: np.ndarray, relu: bool) -> list[float]:
    scales, biases = np.arange(TILE, dtype=np.float32), np.full(TILE, 5, np.float32)
    out = np.full(TILE + 1, np.nan, np.float32)
    into(tile, vector, scales, biases, relu, out[:TILE])
    assert np.isnan(out[TILE])
    return out[:TILE].tolist()


def expected(tile: np.ndarray, vector: np.ndarray, relu: bool) -> list[float]:
    y = 2 * np.arange(TILE) * (tile.swapaxes(0, 1).reshape(TILE, -1) @ vector) + 5
    return np.maximum(y, 0 if relu else -np.inf).tolist()


@njit
def add_up(weights: np.ndarray, lines: np.ndarray, out: np.ndarray) -> None:
    weighted_sum(weights, lines, out)


@pytest.mark.parametrize("steps", [1, 2, 7])
@pytest.mark.parametrize(
    ("kind", "bits"),
    [(np.float32, np.float32), pytest.param(np.float16, np.int16, marks=HALF), (np.int8, np.int8)],
)
@pytest.mark.parametrize("relu", [True, False])
def test_four_rows_by_a_vector(
    kind: type[np.generic], bits: type[np.generic], steps: int, relu: bool
) -> None:
    """Whole numbers, so every order of summing says the same."""
    random = np.random.default_rng(0)
    columns = columns_at_a_time(bits)
    tile = random.integers(-128, 128, (steps, TILE, columns))
    vector = random.integers(-100, 100, steps * columns)
    met = vector.astype(np.int16 if bits is np.int8 else np.float32)
    assert said_of(tile.astype(kind).view(bits), met, relu) == expected(tile, vector, relu)


def test_four_rows_of_bf16() -> None:
    """Its bits are the upper half of those of fp32."""
    tile = np.random.default_rng(0).integers(-128, 128, (3, TILE, 16)).astype(np.float32)
    vector = np.arange(48, dtype=np.float32)
    bits = (tile.view(np.uint32) >> 16).astype(np.uint16)
    assert said_of(bits, vector, False) == expected(tile, vector, False)


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
