"""Phonemes to semantic tokens: a decoder-only transformer that goes on where the prompt's tokens end.

After SoundStorm-style AR modelling in VALL-E (Wang et al. 2023, https://arxiv.org/abs/2301.02111). The text looks at all of
itself; a token looks at the text and at the tokens before it. Normalisation comes after the residual.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.blocks.packed_linear import give_back_freed_memory
from models.blocks.simd import TILE
from models.blocks.streamed_matrices import Precision
from models.checkpoints import built, numbered
from models.gpt_sovits.incremental import IncrementalDecoder, reading_order, sinusoids
from models.gpt_sovits.sampling import Sampling, draw, penalised
from models.gpt_sovits.static import StaticDecoder
from models.gpt_sovits.streamed import StreamedDecoder

MOST_HEADS = 128
"""That the compiled step can share out; the published network has 16."""
_DPO_BETA = 0.2


@dataclass(frozen=True)
class Text2SemanticConfig:
    """The published sizes; ``end`` is the token that closes an utterance and the last of ``tokens``."""

    phonemes: int = 732
    tokens: int = 1025
    channels: int = 512
    heads: int = 16
    layers: int = 24
    hidden_channels: int = 2048
    bert_channels: int = 1024

    @property
    def end(self) -> int:
        return self.tokens - 1

    @classmethod
    def official(cls, config: Mapping[str, Any], shapes: Mapping[str, Sequence[int]]) -> Text2SemanticConfig:
        """What an official file holds.

        Args:
            config: the file's ``config``. It is asked only for the heads, which the shapes cannot tell.
            shapes: of the file's weights.

        Raises:
            ValueError: the file is no such network; names what is missing or wrong.
        """
        try:
            heads = config["model"]["head"]
            tokens, channels = shapes["model.ar_predict_layer.weight"]
            if not 1 <= heads <= channels or channels % heads:
                raise ValueError(f"{channels} channels cannot be shared by {heads} heads")
            if heads > MOST_HEADS or channels // heads % TILE:
                raise ValueError(f"{heads} heads of {channels // heads} channels are not what is published")
            blocks = numbered("model.h.layers.{}.linear1.weight", shapes)
            return cls(
                phonemes=shapes["model.ar_text_embedding.word_embeddings.weight"][0],
                tokens=tokens,
                channels=channels,
                heads=heads,
                layers=len(blocks),
                hidden_channels=blocks[0][0],
                bert_channels=shapes["model.bert_proj.weight"][1],
            )
        except (KeyError, IndexError, TypeError) as error:
            raise ValueError(f"not a text-to-semantic network: {error!r}") from error


class _NamedEmbedding(nn.Module):
    def __init__(self, count: int, channels: int) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(count, channels)


class _ScaledPosition(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(1))


class _SelfAttention(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.in_proj_weight = nn.Parameter(torch.empty(3 * channels, channels))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * channels))
        self.out_proj = nn.Linear(channels, channels)
        nn.init.xavier_uniform_(self.in_proj_weight)


class Block(nn.Module):
    def __init__(self, config: Text2SemanticConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.self_attn = _SelfAttention(config.channels)
        self.linear1 = nn.Linear(config.channels, config.hidden_channels)
        self.linear2 = nn.Linear(config.hidden_channels, config.channels)
        self.norm1 = nn.LayerNorm(config.channels)
        self.norm2 = nn.LayerNorm(config.channels)

    def heads_of(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """``[B, T, C]`` -> queries, keys and values ``[B, H, T, D]``."""
        batch, length, _ = x.shape
        attention = self.self_attn
        qkv = F.linear(x, attention.in_proj_weight, attention.in_proj_bias)
        return qkv.view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)

    def attend(self, x: Tensor, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
        """``x`` ``[B, T, C]`` and its queries; keys and values ``[B, H, S, D]`` -> ``[B, T, C]``."""
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        x = self.norm1(x + self.self_attn.out_proj(y.transpose(1, 2).flatten(2)))
        return self.norm2(x + self.linear2(self.linear1(x).relu()))


class _Blocks(nn.Module):
    def __init__(self, config: Text2SemanticConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Block(config) for _ in range(config.layers))


class Decoder(nn.Module):
    """The network itself: embeddings, layers and logits. What is drawn from the logits is ``Text2Semantic``'s affair."""

    def __init__(self, config: Text2SemanticConfig) -> None:
        super().__init__()
        self.bert_proj = nn.Linear(config.bert_channels, config.channels)
        self.ar_text_embedding = _NamedEmbedding(config.phonemes, config.channels)
        self.ar_text_position = _ScaledPosition()
        self.ar_audio_embedding = _NamedEmbedding(config.tokens, config.channels)
        self.ar_audio_position = _ScaledPosition()
        self.h = _Blocks(config)
        self.ar_predict_layer = nn.Linear(config.channels, config.tokens, bias=False)

    def text(self, phonemes: Tensor, bert: Tensor) -> Tensor:
        """``phonemes`` ``[B, P]``, ``bert`` ``[B, bert_channels, P]`` -> ``[B, P, C]``."""
        x = self.ar_text_embedding.word_embeddings(phonemes) + self.bert_proj(bert.transpose(1, 2))
        return x + self.ar_text_position.alpha * sinusoids(x.shape[1], x)

    def audio(self, tokens: Tensor) -> Tensor:
        """``tokens`` ``[B, T]`` -> ``[B, T, C]``."""
        x = self.ar_audio_embedding.word_embeddings(tokens)
        return x + self.ar_audio_position.alpha * sinusoids(x.shape[1], x)

    def forward(self, text: Tensor, audio: Tensor, padding: Tensor) -> Tensor:
        """All at once, for training.

        Args:
            text: ``[B, P, C]``; audio: ``[B, T, C]``.
            padding: ``[B, P + T]`` true where there is nothing.

        Returns:
            logits ``[B, T + 1, tokens]``, the first from the last phoneme.
        """
        x = torch.cat([text, audio], dim=1)
        mask = reading_order(text.shape[1], audio.shape[1], x.device) & ~padding[:, None, None]
        for block in self.h.layers:
            x = block.attend(x, *block.heads_of(x), mask)
        return self.ar_predict_layer(x[:, text.shape[1] - 1 :])


class Text2Semantic(nn.Module):
    """Speaking calls ``generate`` (or ``steps``, token by token); training calls ``loss`` and ``preference_loss``."""

    def __init__(self, config: Text2SemanticConfig) -> None:
        super().__init__()
        self.config = config
        self.model = Decoder(config)
        self._decoder: IncrementalDecoder | StreamedDecoder | None = None

    @classmethod
    def of_official(cls, config: Mapping[str, Any], weights: Mapping[str, Tensor]) -> Text2Semantic:
        """The network of an official file, in fp32 and eval mode.

        Args:
            config, weights: what the file holds.

        Raises:
            ValueError: as ``Text2SemanticConfig.official``.
            RuntimeError: keys or shapes do not fit the network; names them.
        """
        shapes = {name: tuple(weight.shape) for name, weight in weights.items()}
        return built(lambda: cls(Text2SemanticConfig.official(config, shapes)), weights)

    def for_speaking(self, precision: Precision) -> Text2Semantic:
        """In eval mode, with its large matrices rounded to ``precision`` and a step that is compiled for the processor. There
        is no way back, and no way to another device."""
        self._decoder = StreamedDecoder(self.model, precision)
        del self.model.h, self.model.ar_predict_layer
        give_back_freed_memory()
        return self.eval()

    def with_graphs(self) -> Text2Semantic:
        """Its steps go over slots of fixed size from now on, on a CUDA device as captured graphs. To be called where it
        stays: no way leads to another device or type from there."""
        self._decoder = StaticDecoder(self.model)
        return self

    @torch.no_grad()
    def adopt(self, other: Text2Semantic) -> bool:
        """Speak with the weights of ``other``, copied over one's own, so that what was captured stays valid.

        Returns:
            False, and nothing is changed, where nothing was captured, the two are of different sizes or somebody is
            still speaking.
        """
        captured = isinstance(self._decoder, StaticDecoder) and not self._decoder.busy
        if not captured or self.config != other.config:
            return False
        for own, weight in zip(self.parameters(), other.parameters(), strict=True):
            own.copy_(weight)
        return True

    def generate(
        self,
        phonemes: Sequence[Tensor],
        bert: Sequence[Tensor],
        prompt: Tensor | None = None,
        sampling: Sampling | None = None,
        *,
        generator: torch.Generator | Sequence[torch.Generator] | None = None,
        noise: Tensor | None = None,
    ) -> list[Tensor]:
        """Semantic tokens of several utterances at once, without the prompt and without the end.

        Args: as of ``steps``.

        Returns:
            for each utterance ``[N]``.
        """
        said: list[list[Tensor]] = [[] for _ in phonemes]
        for rows, tokens in self.steps(phonemes, bert, prompt, sampling, generator=generator, noise=noise):
            for row, token in zip(rows, tokens, strict=True):
                said[row].append(token)
        empty = torch.zeros(0, dtype=torch.long, device=self.model.bert_proj.weight.device)
        return [torch.stack(tokens) if tokens else empty for tokens in said]

    @torch.inference_mode()
    def steps(
        self,
        phonemes: Sequence[Tensor],
        bert: Sequence[Tensor],
        prompt: Tensor | None = None,
        sampling: Sampling | None = None,
        *,
        generator: torch.Generator | Sequence[torch.Generator] | None = None,
        noise: Tensor | None = None,
    ) -> Iterator[tuple[list[int], Tensor]]:
        """Semantic tokens, 25 a second, as they are drawn.

        Args:
            phonemes: for each utterance ``[P]``, those of the prompt before its own.
            bert: for each utterance ``[bert_channels, P]``, zeros where the language has no BERT.
            prompt: ``[L]`` semantic tokens of the reference recording, which all utterances go on from.
            generator: of the draws of all utterances, or one for each: then what an utterance says does not depend on
                those it is spoken with.
            noise: ``[steps, tokens]`` exponential draws to use instead of the generator's, the same for every utterance.

        Yields:
            at every step the utterances that go on, by their numbers, and one token ``[N]`` for each.
        """
        sampling = sampling or Sampling()
        end = self.config.end
        # 1. Read. A row ends with its prompt, so shorter texts are padded at their start.
        longest = max(len(row) for row in phonemes)
        text = torch.stack(
            [
                F.pad(self.model.text(p[None], b[None])[0], (0, 0, longest - len(p), 0))
                for p, b in zip(phonemes, bert, strict=True)
            ]
        )
        prompt = phonemes[0].new_zeros(0) if prompt is None else prompt
        prompt = prompt.expand(len(phonemes), -1)
        decoder = self._decoder or IncrementalDecoder(self.model)
        logits, memory = decoder.read(
            text, self.model.audio(prompt), _left_padding([len(p) for p in phonemes], longest, prompt)
        )
        said = torch.zeros_like(logits, dtype=torch.bool).scatter(1, prompt, True)  # [B, tokens]
        rows = list(range(len(phonemes)))
        try:
            for step in range(sampling.longest):
                # 2. Draw, in full precision whatever the network computes in.
                logits = logits.float()
                if step < sampling.shortest:
                    logits[:, end] = -math.inf
                logits = penalised(logits, said, sampling.repetition_penalty)
                clocks = _clocks(logits, rows, generator) if noise is None else noise[step : step + 1]
                tokens = draw(logits, sampling, clocks)
                # 3. Who is through? Also a row whose likeliest token was the end, whatever it drew.
                if sampling.until_end:
                    through = ((tokens == end) | (logits.argmax(dim=-1) == end)).tolist()
                    if any(through):
                        kept = [i for i, ended in enumerate(through) if not ended]
                        rows = [rows[i] for i in kept]
                        if not rows:
                            return
                        index = torch.tensor(kept, device=tokens.device)
                        tokens, said, memory = tokens[index], said[index], memory.rows(index)
                yield rows, tokens
                # 4. Say it, and hear what may follow.
                said = said.scatter(1, tokens.unsqueeze(1), True)
                if step + 1 < sampling.longest:
                    logits, memory = decoder.step(tokens, memory)
        finally:
            decoder.release(memory)

    def forward(
        self,
        phonemes: Tensor,
        phoneme_lengths: Tensor,
        bert: Tensor,
        tokens: Tensor,
        token_lengths: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Teacher forcing.

        Args:
            phonemes: ``[B, P]``, padded at the start to the longest: the first ``P - phoneme_lengths`` say nothing.
            bert: ``[B, bert_channels, P]``, padded likewise.
            tokens: ``[B, T]``, their first ``token_lengths`` ``[B]``.

        Returns:
            logits ``[B, T + 1, tokens]`` and what they should say ``[B, T + 1]``: the tokens, and ends to the end.
        """
        end = self.config.end
        beyond = torch.arange(tokens.shape[1], device=tokens.device) >= token_lengths[:, None]
        tokens = tokens.masked_fill(beyond, end)
        before = torch.arange(phonemes.shape[1], device=tokens.device) < (
            phonemes.shape[1] - phoneme_lengths[:, None]
        )
        logits = self.model(
            self.model.text(phonemes, bert), self.model.audio(tokens), torch.cat([before, beyond], dim=1)
        )
        return logits, F.pad(tokens, (0, 1), value=end)

    def loss(
        self,
        phonemes: Tensor,
        phoneme_lengths: Tensor,
        bert: Tensor,
        tokens: Tensor,
        token_lengths: Tensor,
    ) -> Tensor:
        """The cross entropy of teacher forcing, summed over tokens and batch. Arguments as of ``forward``."""
        logits, targets = self(phonemes, phoneme_lengths, bert, tokens, token_lengths)
        return F.cross_entropy(logits.transpose(1, 2), targets, reduction="sum")

    def preference_loss(
        self,
        phonemes: Tensor,
        phoneme_lengths: Tensor,
        bert: Tensor,
        tokens: Tensor,
        token_lengths: Tensor,
        rejected: Tensor,
        rejected_lengths: Tensor,
    ) -> Tensor:
        """``loss`` plus direct preference optimisation without a reference model (Rafailov et al. 2023).

        ``rejected`` ``[B, T']`` are tokens with the faults to unlearn, such as repeated or dropped spans.
        """
        logits, targets = self(phonemes, phoneme_lengths, bert, tokens, token_lengths)
        worse = self(phonemes, phoneme_lengths, bert, rejected, rejected_lengths)
        margin = _log_probability(logits, targets) - _log_probability(*worse)
        fidelity = F.cross_entropy(logits.transpose(1, 2), targets, reduction="sum")
        return fidelity - F.logsigmoid(_DPO_BETA * margin).mean()


def _left_padding(lengths: Sequence[int], longest: int, prompt: Tensor) -> Tensor | None:
    """``[B, longest + L]`` true before the start of a shorter row; None when there is none."""
    if min(lengths) == longest:
        return None
    starts = longest - torch.tensor(lengths, device=prompt.device)
    place = torch.arange(longest + prompt.shape[1], device=prompt.device)
    return place < starts[:, None]


def _clocks(
    logits: Tensor, rows: Sequence[int], generator: torch.Generator | Sequence[torch.Generator] | None
) -> Tensor:
    """Draws of the exponential distribution for ``logits`` ``[N, tokens]`` of the utterances ``rows``."""
    clocks = torch.empty_like(logits)
    if not isinstance(generator, Sequence):
        return clocks.exponential_(generator=generator)
    for row, own in zip(clocks, rows, strict=True):
        row.exponential_(generator=generator[own])
    return clocks


def _log_probability(logits: Tensor, targets: Tensor) -> Tensor:
    """``[B]`` of whole sequences, ends included."""
    return logits.log_softmax(-1).gather(2, targets.unsqueeze(2)).squeeze(2).sum(dim=1)
