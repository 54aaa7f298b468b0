"""Who speaks, as one vector: ERes2NetV2 (Chen et al. 2024, https://arxiv.org/abs/2406.02167), width 24, scale 4, expansion 4.

SoVITS takes the fused map of the two deepest stages, averaged over time; the pooling and the embedding that follow in the
verification network are not used.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.checkpoints import built

BANDS = 80
EMBEDDING_CHANNELS = 20_480
_CHANNELS, _BASE_WIDTH, _SCALE, _EXPANSION = 64, 24, 4, 4
_BLOCKS = (3, 4, 6, 3)
_CEILING = 20.0


class AttentiveFusion(nn.Module):
    """Two maps weighed against each other, point by point."""

    def __init__(self, channels: int, reduction: int = 4) -> None:
        super().__init__()
        hidden = channels // reduction
        self.local_att = nn.Sequential(
            nn.Conv2d(2 * channels, hidden, 1),
            nn.BatchNorm2d(hidden),
            nn.SiLU(),
            nn.Conv2d(hidden, channels, 1),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        weight = 1 + self.local_att(torch.cat([x, y], dim=1)).tanh()
        return x * weight + y * (2 - weight)


class Bottleneck(nn.Module):
    """Slices of the channels, each of which also hears the slice before it (Res2Net, Gao et al. 2019)."""

    def __init__(self, inputs: int, channels: int, stride: int, fused: bool) -> None:
        super().__init__()
        outputs = channels * _EXPANSION
        self.width = channels * _BASE_WIDTH // 64
        self.conv1 = nn.Conv2d(inputs, self.width * _SCALE, 1, stride, bias=False)
        self.bn1 = nn.BatchNorm2d(self.width * _SCALE)
        self.convs = nn.ModuleList(
            nn.Conv2d(self.width, self.width, 3, padding=1, bias=False) for _ in range(_SCALE)
        )
        self.bns = nn.ModuleList(nn.BatchNorm2d(self.width) for _ in range(_SCALE))
        if fused:
            self.fuse_models = nn.ModuleList(AttentiveFusion(self.width) for _ in range(_SCALE - 1))
        self.conv3 = nn.Conv2d(self.width * _SCALE, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )
        self.fused = fused

    def forward(self, x: Tensor) -> Tensor:
        slices = _clipped(self.bn1(self.conv1(x))).split(self.width, dim=1)
        heard: list[Tensor] = []
        for i, (conv, norm) in enumerate(zip(self.convs, self.bns, strict=True)):
            y = slices[i]
            if i:
                y = self.fuse_models[i - 1](heard[-1], y) if self.fused else heard[-1] + y
            heard.append(_clipped(norm(conv(y))))
        return _clipped(self.bn3(self.conv3(torch.cat(heard, dim=1))) + self.shortcut(x))


class SpeakerVerification(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, _CHANNELS, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(_CHANNELS)
        inputs = _CHANNELS
        for number, blocks in enumerate(_BLOCKS, start=1):
            channels = _CHANNELS * 2 ** (number - 1)
            stage = nn.Sequential()
            for i in range(blocks):
                stride = 2 if number > 1 and i == 0 else 1
                stage.append(Bottleneck(inputs, channels, stride, fused=number > 2))
                inputs = channels * _EXPANSION
            setattr(self, f"layer{number}", stage)
        self.layer3_ds = nn.Conv2d(inputs // 2, inputs, 3, 2, padding=1, bias=False)
        self.fuse34 = AttentiveFusion(inputs)
        # The official file holds the unused embedding too; it loads with every name in its place.
        self.seg_1 = nn.Linear(2 * EMBEDDING_CHANNELS, 192)

    @classmethod
    def of_official(cls, weights: Mapping[str, Tensor]) -> SpeakerVerification:
        """The network of the official file, in fp32 and eval mode.

        Raises:
            RuntimeError: keys or shapes do not fit the network; names them.
        """
        return built(cls, weights)

    def forward(self, filterbank: Tensor) -> Tensor:
        """``[B, T, 80]`` of ``kaldi_filterbank``, as it is, without its mean taken away -> ``[B, 20480]``."""
        x = filterbank.transpose(1, 2).unsqueeze(1)  # [B, 1, 80, T]
        x = self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x)))))
        third = self.layer3(x)
        fused = self.fuse34(self.layer4(third), self.layer3_ds(third))  # [B, 2048, 10, T / 8]
        return fused.flatten(1, 2).mean(dim=-1)


def _clipped(x: Tensor) -> Tensor:
    return x.clamp(0.0, _CEILING)
