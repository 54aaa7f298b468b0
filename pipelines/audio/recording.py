"""A piece of recorded speech as a value."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Recording:
    """Mono audio as it was decoded.

    Attributes:
        wave: ``[T]`` float32, nominally in [-1, 1] (clipped sources touch the ends).
        sample_rate: in Hz, the source's own.
        text: what is said in it, when someone wrote it down.
        start_seconds: where it starts in the file it was cut from.
        language: that is said in it, where somebody heard it; no letter of ``text`` tells Cantonese (``yue``) from
            Mandarin.
    """

    wave: np.ndarray
    sample_rate: int
    text: str | None = None
    start_seconds: float = 0.0
    language: str | None = None

    @property
    def seconds(self) -> float:
        return len(self.wave) / self.sample_rate

    def parts(self, longest_seconds: float) -> list[Recording]:
        """Itself, or pieces of at most ``longest_seconds``, each cut where its second half is quietest.

        Nobody knows where a cut falls in the text, so pieces have none. They share the samples.
        """
        longest, block = int(longest_seconds * self.sample_rate), max(1, self.sample_rate // 10)
        cuts = [0]
        while len(self.wave) - cuts[-1] > longest:
            begin = cuts[-1] + longest // 2
            later = self.wave[begin : cuts[-1] + longest]
            blocks = later[: len(later) // block * block].reshape(-1, block)
            quietest = int(np.square(blocks).mean(axis=1).argmin())
            cuts.append(begin + quietest * block + block // 2)
        if len(cuts) == 1:
            return [self]
        return [
            replace(
                self, wave=self.wave[a:b], text=None, start_seconds=self.start_seconds + a / self.sample_rate
            )
            for a, b in zip(cuts, [*cuts[1:], len(self.wave)], strict=True)
        ]
