from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from models.blocks.encoder import AttentionEncoder, WindowAttention
from models.blocks.flow import CouplingFlow
from models.blocks.quantizer import Quantizer
from models.blocks.weight_norm import (
    WeightNormConv1d,
    WeightNormConv2d,
    WeightNormConvTranspose1d,
    fold_weight_norm,
)


@pytest.mark.parametrize(
    ("ours", "plain", "shape"),
    [
        (
            WeightNormConv1d(4, 6, 3, 2, padding=1, groups=2),
            nn.Conv1d(4, 6, 3, 2, padding=1, groups=2),
            (2, 4, 9),
        ),
        (WeightNormConv2d(4, 6, (3, 1), (2, 1)), nn.Conv2d(4, 6, (3, 1), (2, 1)), (2, 4, 9, 5)),
        (
            WeightNormConvTranspose1d(4, 6, 8, 4, padding=2),
            nn.ConvTranspose1d(4, 6, 8, 4, padding=2),
            (2, 4, 9),
        ),
    ],
)
def test_weight_norm_is_torchs_under_the_old_names(
    ours: nn.Module, plain: nn.Module, shape: tuple[int, ...]
) -> None:
    assert list(ours.state_dict()) == ["bias", "weight_g", "weight_v"]
    with torch.no_grad():
        ours.weight_g.mul_(torch.rand_like(ours.weight_g) + 0.5)
    theirs = weight_norm(plain)
    theirs.load_state_dict(
        {
            "bias": ours.bias,
            "parametrizations.weight.original0": ours.weight_g,
            "parametrizations.weight.original1": ours.weight_v,
        }
    )
    x = torch.randn(shape)
    with torch.no_grad():
        before = ours(x)
        torch.testing.assert_close(before, theirs(x), atol=1e-6, rtol=1e-6)
        fold_weight_norm(nn.Sequential(ours))
        assert set(ours.state_dict()) == {"bias", "weight"}
        assert torch.equal(ours(x), before)
        ours.fold()
        assert torch.equal(ours(x), before)


def test_a_fresh_weight_norm_changes_nothing() -> None:
    torch.manual_seed(0)
    layer = WeightNormConv1d(4, 6, 3)
    torch.testing.assert_close(layer.normed_weight(), layer.weight_v)


def test_window_attention_against_its_definition() -> None:
    """Shaw et al. (2018), one query at a time; distances beyond the window have no embedding at all."""
    torch.manual_seed(0)
    heads, window, length, channels = 2, 2, 7, 8
    layer = WindowAttention(channels, heads, window).eval()
    x = torch.randn(1, channels, length)
    width = channels // heads
    with torch.no_grad():
        q, k, v = (
            conv(x)[0].view(heads, width, length) for conv in (layer.conv_q, layer.conv_k, layer.conv_v)
        )
        y = torch.zeros(heads, width, length)
        for head in range(heads):
            for i in range(length):
                keys, values = k[head].clone(), v[head].clone()
                for j in range(length):
                    if abs(j - i) <= window:
                        keys[:, j] += layer.emb_rel_k[0, j - i + window]
                        values[:, j] += layer.emb_rel_v[0, j - i + window]
                weights = (q[head, :, i] @ keys / math.sqrt(width)).softmax(dim=0)
                y[head, :, i] = values @ weights
        expected = layer.conv_o(y.reshape(1, channels, length))
        torch.testing.assert_close(layer(x, x, torch.ones(1, 1, length)), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("length", [1, 3, 40])
def test_the_encoder_never_looks_at_padding(length: int) -> None:
    torch.manual_seed(0)
    encoder = AttentionEncoder(8, 16, heads=2, layers=2, kernel_size=3, dropout=0.1).eval()
    x = torch.randn(2, 8, length)
    padded = torch.cat([x, torch.full((2, 8, 11), 1e3)], dim=2)
    mask = torch.cat([torch.ones(2, 1, length), torch.zeros(2, 1, 11)], dim=2)
    with torch.no_grad():
        alone = encoder(x, torch.ones(2, 1, length))
        together = encoder(padded, mask)
    torch.testing.assert_close(together[..., :length], alone, atol=1e-5, rtol=1e-5)
    assert float(together[..., length:].abs().max()) == 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_rows_without_anything_are_no_nan(dtype: torch.dtype) -> None:
    encoder = AttentionEncoder(8, 16, heads=2, layers=1, kernel_size=3, dropout=0.0).eval().to(dtype)
    with torch.no_grad():
        assert bool(
            encoder(torch.randn(1, 8, 5, dtype=dtype), torch.zeros(1, 1, 5, dtype=dtype)).isfinite().all()
        )


def test_the_flow_goes_both_ways() -> None:
    torch.manual_seed(0)
    flow = CouplingFlow(8, 12, condition_channels=5).eval()
    for coupling in flow.flows[::2]:
        nn.init.normal_(coupling.post.weight, std=0.5)
    mask = torch.cat([torch.ones(2, 1, 9), torch.zeros(2, 1, 2)], dim=2)
    z, condition = torch.randn(2, 8, 11) * mask, torch.randn(2, 5, 1)
    with torch.no_grad():
        carried = flow(z, mask, condition)
        back = flow(carried, mask, condition, reverse=True)
    assert float((carried - z).abs().max()) > 0.5
    torch.testing.assert_close(back, z, atol=1e-5, rtol=1e-5)
    assert float(carried[..., 9:].abs().max()) == 0


def test_codes_are_the_nearest_rows() -> None:
    torch.manual_seed(0)
    quantizer = Quantizer(20, 6)
    quantizer.codebook.copy_(torch.randn(20, 6))
    x = torch.randn(2, 6, 9)
    distance = torch.cdist(x.transpose(1, 2), quantizer.codebook.expand(2, -1, -1))
    assert torch.equal(quantizer.encode(x), distance.argmin(dim=-1))
    codes = torch.randint(0, 20, (2, 9))
    assert torch.equal(quantizer.encode(quantizer.decode(codes)), codes)
