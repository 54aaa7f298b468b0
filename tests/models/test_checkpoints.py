from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import nn

from models.checkpoints import load_network, save_network, started
from models.listener.network import Listener, ListenerConfig
from models.starter.mel import MEL_BANDS

CONFIG = ListenerConfig(classes=10, channels=96, blocks=2, dilations=(1, 3))


@pytest.fixture(scope="module")
def network() -> Listener:
    torch.manual_seed(0)
    return Listener(CONFIG).eval()


@pytest.mark.parametrize("bits", [8, 16])
def test_weights_come_back_within_their_rounding(tmp_path: Path, network: Listener, bits: int) -> None:
    path = tmp_path / "network.safetensors"
    save_network(network, path, {"steps": 3}, bits=bits)
    loaded, facts = load_network(Listener, ListenerConfig, path)
    assert facts == {"steps": 3} and loaded.config == CONFIG and not loaded.training
    for name, weight in network.state_dict().items():
        back = loaded.state_dict()[name]
        assert back.dtype == torch.float32
        if bits == 8 and weight.dim() >= 2 and weight.numel() >= 16_384:
            step = weight.flatten(1).abs().amax(1) / 127  # one scale for every output channel
            assert bool(((back - weight).abs().flatten(1) <= 0.51 * step[:, None]).all()), name
            assert not torch.equal(back, weight)
        else:
            torch.testing.assert_close(back, weight, atol=1e-6, rtol=2**-11)


@pytest.mark.parametrize(("bits", "bound"), [(16, 2e-3), (8, 0.1)])
def test_the_network_still_says_the_same(tmp_path: Path, network: Listener, bits: int, bound: float) -> None:
    save_network(network, tmp_path / "n.safetensors", bits=bits)
    loaded, _ = load_network(Listener, ListenerConfig, tmp_path / "n.safetensors")
    mel = torch.randn(1, 40, MEL_BANDS)
    with torch.no_grad():
        assert float((loaded(mel)[0] - network(mel)[0]).abs().max()) < bound


def test_eight_bits_take_about_half(tmp_path: Path, network: Listener) -> None:
    for bits in (8, 16):
        save_network(network, tmp_path / f"{bits}", bits=bits)
    assert (tmp_path / "8").stat().st_size < 0.62 * (tmp_path / "16").stat().st_size


def test_a_dead_channel_stays_dead(tmp_path: Path, network: Listener) -> None:
    dead = Listener(CONFIG)
    dead.load_state_dict(network.state_dict())
    with torch.no_grad():
        dead.blocks[0].expand.weight[5] = 0.0
    save_network(dead, tmp_path / "n", bits=8)
    back = load_network(Listener, ListenerConfig, tmp_path / "n")[0].blocks[0].expand.weight.detach()
    assert bool(back.isfinite().all()) and float(back[5].abs().max()) == 0.0


def test_a_training_goes_on_from_stored_weights(tmp_path: Path, network: Listener) -> None:
    save_network(network, tmp_path / "n", bits=16)
    fresh = started(Listener(CONFIG), tmp_path / "n")
    torch.testing.assert_close(fresh.stem.weight, network.stem.weight, atol=1e-6, rtol=2**-11)
    untouched = Listener(CONFIG)
    assert started(untouched, None) is untouched


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Width:
        width: int

    class Small(nn.Module):
        def __init__(self, config: Width) -> None:
            super().__init__()
            self.config, self.layer = config, nn.Linear(config.width, 2)

    save_network(Small(Width(4)), tmp_path / "four")
    with pytest.raises(RuntimeError, match="size mismatch"):
        started(Small(Width(5)), tmp_path / "four")
    with pytest.raises(RuntimeError, match="Missing key"):
        started(nn.Sequential(Small(Width(4))), tmp_path / "four")
