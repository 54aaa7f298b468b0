from __future__ import annotations

import numpy as np
import pytest
import torch
from numba import njit
from torch.nn import functional as F

from models.blocks.streamed_matrices import (
    Matrices,
    Precision,
    add_and_norm,
    can_stream,
    multiply,
    prepare,
    roomy,
    softmax,
)

PRECISIONS = [
    pytest.param(name, marks=pytest.mark.skipif(not can_stream(name), reason="this processor cannot"))
    for name in ("fp32", "fp16", "bf16", "int8")
]
LOSS = {"fp32": 1e-6, "fp16": 5e-4, "bf16": 5e-3, "int8": 1e-2}
"""Of the result's length, with weights and vectors drawn from the normal distribution."""


@njit
def prepared(x: np.ndarray, vectors: np.ndarray, levels: np.ndarray) -> None:
    prepare(x, vectors, levels)


def product(
    matrices: Matrices, index: int, x: torch.Tensor, relu: bool, tiles: tuple[int, ...]
) -> np.ndarray:
    """All rows, in as many goes as ``tiles`` names the ends of."""
    vectors, levels = matrices.vectors(len(x)), np.zeros(len(x), np.float32)
    out = np.full((len(x), matrices.outputs), np.nan, np.float32)
    prepared(x.numpy(), vectors, levels)
    for first, last in zip((0, *tiles), tiles, strict=False):
        multiply(matrices, index, vectors, levels, relu, first, last, out)
    return out[:, : matrices.shape[0]]


@pytest.mark.parametrize("precision", PRECISIONS)
def test_rows_by_vectors_are_what_a_linear_layer_says(precision: Precision) -> None:
    """With rows and columns that do not fill a tile."""
    torch.manual_seed(0)
    weights, biases = [torch.randn(33, 48) for _ in range(2)], [torch.randn(33) for _ in range(2)]
    matrices, plain = Matrices.of(weights, biases, precision), Matrices.of(weights, None, precision)
    linear = matrices.linear()
    for count, relu, tiles in ((1, False, (9,)), (4, True, (4, 9)), (6, True, (9,))):
        x = torch.randn(count, 48)
        for index, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            exact = F.linear(x.double(), weight.double(), bias.double())
            assert 0 < (linear(index, x) - exact).norm() < LOSS[precision] * exact.norm()
            exact = exact.relu() if relu else exact
            error = (torch.from_numpy(product(matrices, index, x, relu, tiles)) - exact).norm()
            assert error < LOSS[precision] * exact.norm()
            if precision != "fp32":
                assert error > LOSS["fp32"] * exact.norm()
        without = F.linear(x.double(), weights[0].double())
        error = torch.from_numpy(product(plain, 0, x, False, tiles)) - without
        assert error.norm() < LOSS[precision] * without.norm()


@pytest.mark.skipif(not can_stream("fp16"), reason="this processor cannot")
def test_fp16_loses_nothing_of_a_file_that_holds_fp16() -> None:
    torch.manual_seed(0)
    weight, x = torch.randn(33, 512).half().float(), torch.randn(3, 512)
    y = product(Matrices.of([weight], None, "fp16"), 0, x, False, (9,))
    torch.testing.assert_close(torch.from_numpy(y), x @ weight.T, atol=5e-5, rtol=1e-5)


def test_only_the_tiles_that_are_asked_for_are_written() -> None:
    matrices = Matrices.of([torch.ones(12, 4)], None, "fp32")
    out = np.zeros((1, 12), np.float32)
    vectors = matrices.vectors(1)
    vectors[:, :4] = 1
    multiply(matrices, 0, vectors, np.ones(1, np.float32), False, 1, 2, out)
    assert out.tolist() == [[0, 0, 0, 0, 4, 4, 4, 4, 0, 0, 0, 0]]


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_vector_is_summed_alike_in_any_company(precision: Precision) -> None:
    torch.manual_seed(0)
    matrices, x = Matrices.of([torch.randn(33, 512)], None, precision), torch.randn(5, 512)
    together = product(matrices, 0, x, False, (9,))
    for row in range(len(x)):
        assert (product(matrices, 0, x[row : row + 1], False, (3, 9))[0] == together[row]).all()


def test_the_largest_sums_of_int8_fit() -> None:
    """2,048 products of the largest numbers on both sides."""
    matrices = Matrices.of([torch.ones(2, 2048)], None, "int8")
    y = product(matrices, 0, torch.full((1, 2048), 3.0), False, (1,))
    assert y.tolist() == [[pytest.approx(3 * 2048)] * 2]


def test_softmax_and_layer_norm() -> None:
    torch.manual_seed(0)
    scores = 5 * torch.randn(1000)
    held = scores.numpy().copy()
    total = softmax(held, np.float32(0.5))
    torch.testing.assert_close(
        torch.from_numpy(held / total), (0.5 * scores).softmax(0), atol=1e-8, rtol=1e-5
    )
    x, y, weight, bias = torch.randn(3, 48), torch.randn(3, 48), torch.randn(48), torch.randn(48)
    exact = F.layer_norm(x + y, (48,), weight, bias, 1e-5)
    held = x.numpy().copy()
    add_and_norm(held, y.numpy(), weight.numpy(), bias.numpy(), np.float32(1e-5))
    torch.testing.assert_close(torch.from_numpy(held), exact, atol=1e-5, rtol=1e-5)


def test_room_begins_with_a_cache_line_and_is_empty() -> None:
    room = roomy((3, 5, 7), np.int16)
    assert room.shape == (3, 5, 7) and room.flags.c_contiguous and room.flags.writeable
    assert room.ctypes.data % 64 == 0 and not room.any()
