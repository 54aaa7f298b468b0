from __future__ import annotations

import pytest
import torch
from torch import nn

from models.blocks.packed_linear import PackedLinear, can_pack, pack_linears

pytestmark = pytest.mark.skipif(not can_pack(), reason="torch has no kernels for this processor")


def test_fp16_loses_nothing_of_a_file_that_holds_fp16() -> None:
    torch.manual_seed(0)
    linear, x = nn.Linear(512, 33, bias=False), torch.randn(3, 512)
    linear.weight.data = torch.randn(33, 512).half().float()
    torch.testing.assert_close(PackedLinear(linear)(x), x @ linear.weight.T, atol=5e-5, rtol=1e-5)


def test_every_linear_layer_of_a_network_is_packed() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Linear(8, 16), nn.ModuleList([nn.Linear(8, 8, bias=False)]), nn.Conv1d(8, 8, 1)
    )
    first, second = network[0], network[1][0]
    x = torch.randn(2, 8)
    with torch.no_grad():
        expected = first(x), second(x)
        pack_linears(network)
        assert not any(isinstance(layer, nn.Linear) for layer in network.modules())
        torch.testing.assert_close(network[0](x), expected[0], atol=2e-3, rtol=2e-3)
        torch.testing.assert_close(network[1][0](x), expected[1], atol=2e-3, rtol=2e-3)
    assert [name for name, _ in network.named_parameters()] == ["2.weight", "2.bias"]
