"""Critics that SoVITS is trained against: by scale (MelGAN, Kumar et al. 2019) and by period (HiFi-GAN, Kong et al. 2020)."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional as F

from models.blocks.weight_norm import WeightNormConv1d, WeightNormConv2d
from models.checkpoints import built, numbered

V2_PERIODS = (2, 3, 5, 7, 11)
V2PRO_PERIODS = (*V2_PERIODS, 17, 23)
_SLOPE = 0.1


class ScaleDiscriminator(nn.Module):
    def __init__(self, width: int = 16) -> None:
        super().__init__()
        channels = (1, width, 4 * width, 16 * width, 64 * width, 64 * width)
        sizes = (  # kernel, stride, groups
            (15, 1, 1),
            (41, 4, width // 4),
            (41, 4, width),
            (41, 4, 4 * width),
            (41, 4, 16 * width),
        )
        self.convs = nn.ModuleList(
            WeightNormConv1d(i, o, kernel, stride, padding=kernel // 2, groups=groups)
            for i, o, (kernel, stride, groups) in zip(channels, channels[1:], sizes, strict=False)
        )
        self.convs.append(WeightNormConv1d(channels[-1], channels[-1], 5, padding=2))
        self.conv_post = WeightNormConv1d(channels[-1], 1, 3, padding=1)

    def forward(self, wave: Tensor) -> tuple[Tensor, list[Tensor]]:
        """``[B, 1, N]`` -> scores ``[B, N']`` and the feature maps on the way."""
        return _judged(wave, self.convs, self.conv_post)


class PeriodDiscriminator(nn.Module):
    """Looks at every ``period``-th sample."""

    def __init__(self, period: int, width: int = 16) -> None:
        super().__init__()
        self.period = period
        channels = (1, 2 * width, 8 * width, 32 * width, 64 * width, 64 * width)
        self.convs = nn.ModuleList(
            WeightNormConv2d(i, o, (5, 1), (stride, 1), padding=(2, 0))
            for i, o, stride in zip(channels, channels[1:], (3, 3, 3, 3, 1), strict=False)
        )
        self.conv_post = WeightNormConv2d(channels[-1], 1, (3, 1), padding=(1, 0))

    def forward(self, wave: Tensor) -> tuple[Tensor, list[Tensor]]:
        """``[B, 1, N]`` -> scores ``[B, N']`` and the feature maps on the way."""
        wave = F.pad(wave, (0, -wave.shape[-1] % self.period), mode="reflect")
        rows = wave.view(*wave.shape[:2], -1, self.period)  # [B, 1, N / period, period]
        return _judged(rows, self.convs, self.conv_post)


class Discriminators(nn.Module):
    """
    Args:
        width: channels of the first layer by scale, at least 4; the others follow from it.
    """

    def __init__(self, periods: tuple[int, ...] = V2_PERIODS, width: int = 16) -> None:
        super().__init__()
        self.discriminators = nn.ModuleList(
            [ScaleDiscriminator(width), *(PeriodDiscriminator(period, width) for period in periods)]
        )

    @classmethod
    def of_official(cls, weights: Mapping[str, Tensor]) -> Discriminators:
        """The critics of an official file, in fp32.

        Raises:
            ValueError: there are not as many as any version has.
            RuntimeError: keys or shapes do not fit; names them.
        """
        shapes = {name: tuple(weight.shape) for name, weight in weights.items()}
        critics = numbered("discriminators.{}.convs.0.weight_v", shapes)
        periods = next((p for p in (V2_PERIODS, V2PRO_PERIODS) if len(p) + 1 == len(critics)), None)
        if periods is None:
            raise ValueError(f"{len(critics)} critics; no version has so many")
        return built(lambda: cls(periods, critics[0][0]), weights)

    def forward(self, wave: Tensor) -> list[tuple[Tensor, list[Tensor]]]:
        """``[B, 1, N]`` -> one (scores, feature maps) for every critic."""
        return [critic(wave) for critic in self.discriminators]


def _judged(x: Tensor, layers: nn.ModuleList, last: nn.Module) -> tuple[Tensor, list[Tensor]]:
    features = []
    for layer in layers:
        x = F.leaky_relu(layer(x), _SLOPE)
        features.append(x)
    features.append(last(x))
    return features[-1].flatten(1), features
