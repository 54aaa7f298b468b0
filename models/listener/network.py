"""Mel spectrogram to phoneme posteriors, twice: what every frame is, and what was said in order (CTC).

The framewise head gives boundaries (its silence class doubles as the blank of ``torchaudio.functional.forced_align``);
the CTC head (Graves et al. 2006) gives phonemes as heard, without a transcript.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from models.blocks.convnext import ConvNeXtBlock


@dataclass(frozen=True)
class ListenerConfig:
    classes: int  # 0 is silence (framewise) and blank (CTC)
    bands: int = 64  # the low mel bands: telephone-band and studio speech look alike
    channels: int = 192
    blocks: int = 7
    dilations: tuple[int, ...] = (1, 2, 1, 4, 1, 2, 1)


class Listener(nn.Module):
    def __init__(self, config: ListenerConfig) -> None:
        super().__init__()
        self.config = config
        self.stem = nn.Conv1d(config.bands, config.channels, kernel_size=7, padding=3)
        self.blocks = nn.ModuleList(
            ConvNeXtBlock(
                config.channels, 3 * config.channels, dilation=config.dilations[i % len(config.dilations)]
            )
            for i in range(config.blocks)
        )
        self.norm = nn.LayerNorm(config.channels)
        self.dropout = nn.Dropout(0.1)
        self.framewise = nn.Linear(config.channels, config.classes)
        self.ctc = nn.Linear(config.channels, config.classes)

    def content(self, mel: Tensor, mask: Tensor | None = None) -> Tensor:
        """``[B, T, MEL_BANDS]`` -> ``[B, T, channels]``, what is said with little of who says it.

        Each clip's mean spectrum is taken away first, and with it the microphone.
        """
        low = mel[..., : self.config.bands]
        if mask is None:
            low = low - low.mean(dim=1, keepdim=True)
        else:
            low = (low - (low * mask).sum(1, keepdim=True) / mask.sum(1, keepdim=True).clamp(min=1)) * mask
        x = self.stem(low.transpose(1, 2)).transpose(1, 2)
        for block in self.blocks:
            x = block(self.dropout(x), mask)
        return self.norm(x)

    def forward(self, mel: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """``[B, T, MEL_BANDS]`` -> framewise and CTC log-probabilities, each ``[B, T, classes]``."""
        content = self.dropout(self.content(mel, mask))
        return self.framewise(content).float().log_softmax(-1), self.ctc(content).float().log_softmax(-1)
