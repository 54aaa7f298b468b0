from __future__ import annotations

import pytest
import torch
from torch import nn

from models.blocks.matrix import Plain, Precision, can_hold, pack_linears, packed

PRECISIONS: tuple[Precision, ...] = ("fp32", "fp16", "bf16", "int8")
LOSS = {"fp32": 1e-6, "fp16": 5e-4, "bf16": 1e-2, "int8": 3e-2}
"""Of the result's length, with weights and vectors drawn from the normal distribution."""


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("shape", [(1, 48), (5, 48), (2, 7, 48)])
def test_a_packed_matrix_against_its_definition(
    precision: Precision, relu: bool, shape: tuple[int, ...]
) -> None:
    if not can_hold(precision):
        pytest.skip(f"this processor has no kernels for {precision}")
    torch.manual_seed(0)
    weight, bias, x = torch.randn(33, 48), torch.randn(33), torch.randn(shape)
    for held in (bias, None):
        exact = torch.nn.functional.linear(
            x.double(), weight.double(), None if held is None else held.double()
        )
        exact = exact.relu() if relu else exact
        y = packed(weight, held, precision, relu=relu)(x)
        assert y.dtype == torch.float32 and y.shape == exact.shape
        assert (y - exact).norm() < LOSS[precision] * exact.norm()
        if precision != "fp32":
            assert (y - exact).norm() > LOSS["fp32"] * exact.norm()


@pytest.mark.skipif(not can_hold("fp16"), reason="this processor has no kernels for fp16")
def test_fp16_loses_nothing_of_a_file_that_holds_fp16() -> None:
    torch.manual_seed(0)
    weight, x = torch.randn(33, 512).half().float(), torch.randn(3, 512)
    y = packed(weight, None, "fp16")(x)
    torch.testing.assert_close(y, x @ weight.T, atol=5e-5, rtol=1e-5)


@pytest.mark.skipif(not can_hold("fp16"), reason="this processor has no kernels for fp16")
def test_every_linear_layer_of_a_network_is_packed() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Linear(8, 16), nn.ModuleList([nn.Linear(8, 8, bias=False)]), nn.Conv1d(8, 8, 1)
    )
    first, second = network[0], network[1][0]
    x = torch.randn(2, 8)
    with torch.no_grad():
        expected = first(x), second(x)
        pack_linears(network, "fp16")
        assert not any(isinstance(layer, nn.Linear) for layer in network.modules())
        torch.testing.assert_close(network[0](x), expected[0], atol=2e-3, rtol=2e-3)
        torch.testing.assert_close(network[1][0](x), expected[1], atol=2e-3, rtol=2e-3)
    assert [name for name, _ in network.named_parameters()] == ["2.weight", "2.bias"]


def test_a_plain_matrix_is_what_its_weight_is_now() -> None:
    weight = torch.ones(2, 3)
    matrix = Plain(weight, torch.tensor([0.0, -10.0]), relu=True)
    assert matrix(torch.ones(1, 3)).tolist() == [[3.0, 0.0]]
    weight.fill_(5.0)
    assert matrix(torch.ones(1, 3)).tolist() == [[15.0, 5.0]]
