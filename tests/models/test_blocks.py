from __future__ import annotations

import pytest
import torch

from models.blocks.attention import RelativeSelfAttention
from models.blocks.convnext import ConvNeXtBlock


def padded(x: torch.Tensor, extra: int, filler: float) -> tuple[torch.Tensor, torch.Tensor]:
    """``x`` ``[B, T, C]`` with ``extra`` frames of rubbish behind it, and the mask that says so."""
    batch, length, channels = x.shape
    rubbish = torch.full((batch, extra, channels), filler)
    mask = torch.cat([torch.ones(batch, length, 1), torch.zeros(batch, extra, 1)], dim=1)
    return torch.cat([x, rubbish], dim=1), mask


@pytest.mark.parametrize("filler", [0.0, 1e3])
def test_attention_never_looks_at_padding(filler: float) -> None:
    torch.manual_seed(0)
    layer = RelativeSelfAttention(16, heads=4).eval()
    torch.nn.init.normal_(layer.distance_bias)
    x = torch.randn(2, 9, 16)
    alone = layer(x, torch.ones(2, 9, 1))
    together = layer(*padded(x, 30, filler))[:, :9]
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_attention_knows_distances_not_positions() -> None:
    torch.manual_seed(0)
    layer = RelativeSelfAttention(16, heads=4, reach=3).eval()
    torch.nn.init.normal_(layer.distance_bias)
    x = torch.randn(1, 6, 16)
    shifted = torch.cat([torch.zeros(1, 5, 16), x], dim=1)
    mask = torch.cat([torch.zeros(1, 5, 1), torch.ones(1, 6, 1)], dim=1)
    torch.testing.assert_close(
        layer(shifted, mask)[:, 5:], layer(x, torch.ones(1, 6, 1)), atol=1e-5, rtol=1e-5
    )
    backwards = layer(x.flip(1), torch.ones(1, 6, 1)).flip(1)
    assert not torch.allclose(backwards, layer(x, torch.ones(1, 6, 1)), atol=1e-3)


@pytest.mark.parametrize("dilation", [1, 4])
def test_convolution_never_reaches_into_padding(dilation: int) -> None:
    torch.manual_seed(0)
    block = ConvNeXtBlock(8, 16, dilation=dilation).eval()
    x = torch.randn(2, 20, 8)
    torch.testing.assert_close(block(*padded(x, 15, 1e3))[:, :20], block(x), atol=1e-5, rtol=1e-5)


def test_a_fresh_condition_changes_nothing_and_a_learnt_one_does() -> None:
    torch.manual_seed(0)
    block = ConvNeXtBlock(8, 16, condition_channels=4)
    x, one, other = torch.randn(2, 5, 8), torch.zeros(2, 4), torch.ones(2, 4)
    torch.testing.assert_close(block(x, None, one), block(x, None, other))
    torch.nn.init.normal_(block.condition.weight)
    assert not torch.allclose(block(x, None, one), block(x, None, other))
