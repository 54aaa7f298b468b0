"""A sentence becomes sound while its tokens are still being drawn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from models.gpt_sovits.sovits import CONTEXT_FRAMES, Sovits
from models.gpt_sovits.spectra import HOP

FIRST_TOKENS = 20
"""0.8 s are heard first ..."""
NEXT_TOKENS = 45
"""... and while they are, and nothing is drawn faster than it is heard, the next 1.8 s are made."""
AHEAD_TOKENS = 8
"""Tokens known beyond a chunk when it is sounded: an edge that nothing follows would be spoken as the end. Their 16 frames
are all that the generator looks ahead and half of what the flow does; waiting for the rest would cost 0.6 s."""
FADE_FRAMES = 1
"""From one chunk to the next, 20 ms. Both know this frame with the same draws, so they all but agree on it."""


class ChunkedSpeech:
    """One piece of text: chunks ``[T]`` at 32 kHz, one after the other.

    Every chunk looks at all tokens so far (``Sovits.expect`` is cheap), but sounds only its own frames and the context
    that reaches them. Draws belong to frames, not to chunks.

    Args:
        drawn: tokens ``[1]``, as they come.
        phonemes: ``[1, P]``; style: ``[1, style_channels, 1]``.
        generator: of the draws.

    Attributes:
        tokens: those that came so far.
    """

    def __init__(
        self,
        sovits: Sovits,
        drawn: Iterable[Tensor],
        phonemes: Tensor,
        style: Tensor,
        noise_scale: float,
        speed: float,
        generator: torch.Generator,
    ) -> None:
        self.sovits, self.drawn, self.phonemes, self.style = sovits, drawn, phonemes, style
        self.noise_scale, self.speed, self.generator = noise_scale, speed, generator
        self.tokens: list[Tensor] = []
        self._noise = style.new_zeros(1, sovits.config.latent_channels, 0)
        self._sounded = 0
        self._tail: Tensor | None = None

    def __iter__(self) -> Iterator[Tensor]:
        due = FIRST_TOKENS + AHEAD_TOKENS
        for token in self.drawn:
            self.tokens.append(token)
            if len(self.tokens) == due:
                yield self._sound(AHEAD_TOKENS)
                due += NEXT_TOKENS
        if self.tokens:
            yield self._sound(0)

    def _sound(self, ahead: int) -> Tensor:
        """What follows the last chunk, up to ``ahead`` tokens before the end of those known."""
        mean, log_deviation = self.sovits.expect(
            torch.cat(self.tokens)[None, None], self.phonemes, self.style, self.speed
        )
        z = mean + self._draws(mean) * log_deviation.exp() * self.noise_scale
        begin, known = self._sounded, z.shape[-1]
        end = known if ahead == 0 else round(known * (1 - ahead / len(self.tokens)))
        first, last = max(0, begin - CONTEXT_FRAMES), min(known, end + FADE_FRAMES + CONTEXT_FRAMES)
        wave = self.sovits.sound(z[:, :, first:last], self.style)[0, 0, (begin - first) * HOP :]
        wave, tail = wave[: (end - begin) * HOP], wave[(end - begin) * HOP :][: FADE_FRAMES * HOP]
        if self._tail is not None:
            wave = _faded(self._tail, wave)
        self._sounded, self._tail = end, tail
        return wave

    def _draws(self, like: Tensor) -> Tensor:
        """Normal draws ``[1, C, T']``; a frame keeps its own."""
        missing = like.shape[-1] - self._noise.shape[-1]
        if missing > 0:
            more = torch.randn(missing, like.shape[1], generator=self.generator, device=self.generator.device)
            self._noise = torch.cat([self._noise, more.T[None].to(like)], dim=-1)
        return self._noise[:, :, : like.shape[-1]]


def _faded(before: Tensor, wave: Tensor) -> Tensor:
    """``wave`` ``[T]``, its beginning carried over from ``before``."""
    length = min(len(before), len(wave))
    ramp = torch.linspace(0, 1, length + 2, device=wave.device)[1:-1]
    return torch.cat([before[:length] + (wave[:length] - before[:length]) * ramp, wave[length:]])
