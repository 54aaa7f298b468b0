"""Weights on disk: safetensors with the network's own configuration beside them.

Large matrices are stored as 8-bit integers with one scale for every output channel; that halves a shipped base
and costs less than the training noise (measured in benchmarks/).
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

_SCALE = "::scale"
_SMALLEST_QUANTISED = 16_384


def packed(state: Mapping[str, Tensor], bits: int) -> dict[str, Tensor]:
    """``state`` as fp16, or with ``bits`` 8 its large matrices as int8 beside their fp32 scales."""
    tensors: dict[str, Tensor] = {}
    for name, tensor in state.items():
        tensor = tensor.detach().float().cpu()
        if bits == 8 and tensor.dim() >= 2 and tensor.numel() >= _SMALLEST_QUANTISED:
            flat = tensor.flatten(1)
            scale = (flat.abs().amax(dim=1) / 127).clamp(min=1e-8)
            tensors[name] = (flat / scale[:, None]).round().to(torch.int8).view(tensor.shape)
            tensors[name + _SCALE] = scale
        else:
            tensors[name] = tensor.half()
    return tensors


def unpacked(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """fp32 tensors of what ``packed`` made."""
    state = {}
    for name, tensor in stored.items():
        if name.endswith(_SCALE):
            continue
        value = tensor.float()
        if name + _SCALE in stored:
            scale = stored[name + _SCALE].float()
            value = value * scale.view(-1, *[1] * (value.dim() - 1))
        state[name] = value
    return state


def save_network(
    network: nn.Module, path: Path, facts: Mapping[str, Any] | None = None, *, bits: int = 16
) -> None:
    """Write ``network`` (its ``config`` must be a dataclass) as fp16, or int8 where that pays when ``bits`` is 8."""
    metadata = {"config": json.dumps(asdict(network.config)), "facts": json.dumps(dict(facts or {}))}
    save_file(packed(network.state_dict(), bits), path, metadata)


def load_network(kind: type[nn.Module], config: type, path: Path) -> tuple[nn.Module, dict[str, Any]]:
    """Build ``kind`` from the stored configuration and load its weights as fp32.

    Returns:
        the network in eval mode, and the facts stored with it.

    Raises:
        RuntimeError: keys or shapes do not fit the network.
    """
    state, metadata = _read(path)
    fields = {
        key: tuple(v) if isinstance(v, list) else v for key, v in json.loads(metadata["config"]).items()
    }
    network = kind(config(**fields))
    network.load_state_dict(state)
    return network.eval(), json.loads(metadata["facts"])


def started(network: nn.Module, path: Path | None) -> nn.Module:
    """``network`` with the weights of an earlier training of the same shape, when there is one."""
    if path:
        network.load_state_dict(_read(path)[0])
    return network


def outlined(make: Callable[[], nn.Module]) -> nn.Module:
    """The network that ``make`` makes, with the names and shapes of its weights but no numbers behind them."""
    with torch.device("meta"), _Undrawn():
        return make()


def built(make: Callable[[], nn.Module], weights: Mapping[str, Tensor]) -> nn.Module:
    """The network that ``make`` makes with ``weights`` as fp32, in eval mode; no weight is drawn at random first.

    Raises:
        RuntimeError: keys or shapes do not fit the network; names them.
    """
    network = outlined(make)
    network.load_state_dict(
        {name: w.float() if w.is_floating_point() else w for name, w in weights.items()}, assign=True
    )
    return network.eval()


class _Undrawn(TorchFunctionMode):
    """Initial weights are left as they are. Drawing them on the meta device would import half of torch's compiler."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        room = getattr(function, "__module__", "")  # some of them have none
        if room == "torch.nn.init" or function in (Tensor.normal_, Tensor.uniform_):
            return args[0] if args else kwargs["tensor"]
        return function(*args, **(kwargs or {}))


def numbered(pattern: str, shapes: Mapping[str, Sequence[int]]) -> list[Sequence[int]]:
    """The shapes of ``pattern`` with 0, 1 ... in its braces, as far as there are any."""
    names = itertools.takewhile(shapes.__contains__, map(pattern.format, itertools.count()))
    return [shapes[name] for name in names]


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """fp32 tensors and metadata of a file that ``save_network`` wrote."""
    with safe_open(path, framework="pt") as file:
        return unpacked({name: file.get_tensor(name) for name in file.keys()}), file.metadata()
