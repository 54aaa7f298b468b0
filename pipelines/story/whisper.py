"""Whisper (Radford et al. 2022): what is said in a recording, in 99 languages, from a folder as OpenAI publishes it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from pipelines.audio.recording import Recording
from pipelines.audio.voice_activity import RATE, Spans
from pipelines.failure import CraftError
from pipelines.foreign_weights import convert
from pipelines.story.transcribe import (
    MARGIN_SECONDS,
    Transcript,
    composed,
    cut,
    require_words,
    told_speech,
    windows,
)
from pipelines.story.transcribers import WHISPER_WEIGHTS, weights_in
from pipelines.story.whisper_words import Piece, pieces_of, punctuated, words_of
from pipelines.transformers_networks import transformers_network

if TYPE_CHECKING:
    from transformers import (
        GenerationConfig,
        WhisperConfig,
        WhisperFeatureExtractor,
        WhisperForConditionalGeneration,
        WhisperTokenizer,
    )

LONGEST_PAUSE_SECONDS = 3.0
"""Over longer ones Whisper tends to make up words."""
TOKENS_A_SECOND = 16
"""Nobody speaks faster."""
LONGEST_LOOP, LOOPS = 30, 6
"""What says the same up to 30 tokens six times in a row listens no longer."""
MEDIAN_FRAMES = 7
PROMPTS = {"zh": "\u4ee5\u4e0b\u662f\u666e\u901a\u8bdd\u7684\u53e5\u5b50\u3002"}
"""Language -> a text that seems to precede: this one makes Whisper write simplified characters and punctuation."""
_BROKEN = (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, RuntimeError)


class Whisper:
    """A ``Transcriber``: one Whisper in memory.

    Args:
        name: written into every transcript.
        network: with a decoder whose attention can be looked at.
    """

    def __init__(
        self,
        name: str,
        network: WhisperForConditionalGeneration,
        tokenizer: WhisperTokenizer,
        extractor: WhisperFeatureExtractor,
        generation: GenerationConfig,
    ) -> None:
        self.name = name
        self._network = network.eval()
        self._tokenizer = tokenizer
        self._extractor = extractor
        self._generation = generation
        self._languages: dict[str, int] = {
            token.strip("<|>"): number for token, number in getattr(generation, "lang_to_id", {}).items()
        }

    @classmethod
    def load(cls, folder: Path, device: str = "cpu", dtype: torch.dtype | None = None) -> Whisper:
        """From a folder with ``config.json``, ``generation_config.json``, ``preprocessor_config.json``,
        ``tokenizer.json`` and weights (``WHISPER_WEIGHTS``).

        Args:
            dtype: None takes what the device is quick with.

        Raises:
            CraftError: ``transcriber_broken``; ``checkpoint_...`` where the weights are a pickle that has to be converted.
            OSError: there is no room for the converted weights.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file
        from transformers import (
            GenerationConfig,
            WhisperConfig,
            WhisperFeatureExtractor,
            WhisperForConditionalGeneration,
            WhisperTokenizer,
        )

        source = safetensors_of(folder)
        try:
            config = WhisperConfig.from_pretrained(folder, local_files_only=True)
            weights = load_file(source)
            _check(config, weights)
            network = transformers_network(
                WhisperForConditionalGeneration, config, weights, dtype or quick_dtype(device)
            )
            # Attention can be looked at only where it is computed step by step; the encoder is faster without.
            eager = WhisperConfig.from_pretrained(folder, local_files_only=True, attn_implementation="eager")
            for module in network.model.decoder.modules():
                if hasattr(module, "config"):
                    module.config = eager
            tokenizer = WhisperTokenizer.from_pretrained(folder, local_files_only=True)
            extractor = WhisperFeatureExtractor.from_pretrained(folder, local_files_only=True)
            generation = GenerationConfig.from_pretrained(folder, local_files_only=True)
        except (*_BROKEN, SafetensorError) as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
            raise CraftError("transcriber_broken", name=folder.name, reason=reason) from error
        return cls(folder.name, network.to(device), tokenizer, extractor, generation)

    @property
    def nbytes(self) -> int:
        return sum(weight.numel() * weight.element_size() for weight in self._network.parameters())

    @torch.inference_mode()
    def __call__(
        self,
        recording: Recording,
        report: Callable[[float], None] | None = None,
        language: str | None = None,
    ) -> Transcript:
        """
        Args:
            report: is asked before every token.
            language: one that Whisper knows; None: the one of the window with the most speech.

        Raises:
            CraftError: besides, ``story_not_understood``.
        """
        # 1. Where someone speaks, in windows that the encoder can take
        wave, spans = told_speech(recording)
        longest = self._extractor.n_samples / RATE - 2 * MARGIN_SECONDS
        heard_together = windows(spans, longest, LONGEST_PAUSE_SECONDS)
        # 2. The language
        fullest = max(heard_together, key=lambda window: sum(end - start for start, end in window))
        known = {}
        if language is None:
            known = {fullest: self._encoded(cut(wave, fullest)[0])}
            language = self._language(known[fullest])
        # 3. What is said in each window
        pieces: list[Piece] = []
        for number, window in enumerate(heard_together):

            def step(number: int = number) -> None:
                if report:
                    report(number / len(heard_together))

            pieces += self._hear(wave, window, language, step, known.pop(window, None))
        if report:
            report(1.0)
        # 4. Words and sentences
        heard = words_of(pieces, spans)
        require_words(heard, "story_not_understood")
        return composed(punctuated(heard), recording.seconds, language, self.name)

    def _hear(
        self,
        wave: np.ndarray,
        window: Spans,
        language: str,
        step: Callable[[], None],
        encoded: Tensor | None = None,
    ) -> list[Piece]:
        """A window that sets the network to say the same over and over is heard again in two halves."""
        piece, start = cut(wave, window)
        if encoded is None:
            encoded = self._encoded(piece)
        said = self._said(encoded, self._prompt(language), round(TOKENS_A_SECOND * len(piece) / RATE), step)
        if said.loop and len(window) > 1:
            pauses = [after[0] - before[1] for before, after in zip(window, window[1:], strict=False)]
            half = int(np.argmax(pauses)) + 1
            return [
                *self._hear(wave, window[:half], language, step),
                *self._hear(wave, window[half:], language, step),
            ]
        # of what the network was made to stop at, nobody knows where it ends
        count = min(len(said.tokens) - said.loop, len(said.looked) - 1)
        if not count:
            return []
        seconds = [start + moment for moment in self._times(said.looked[: count + 1], len(piece) / RATE)]
        return pieces_of(said.tokens[:count], said.confidence, seconds, self._tokenizer.decode)

    def _encoded(self, piece: np.ndarray) -> Tensor:
        """``[N]`` samples -> ``[1, S, C]``; the rest of the encoder's time is silence."""
        features = self._extractor(piece, sampling_rate=RATE, return_tensors="pt").input_features
        network = self._network
        return network.model.encoder(features.to(network.device, network.dtype)).last_hidden_state

    def _language(self, encoded: Tensor) -> str:
        if not self._languages:
            return "en"  # a checkpoint for English alone
        start = torch.tensor([[self._generation.decoder_start_token_id]], device=encoded.device)
        logits = self._network(encoder_outputs=(encoded,), decoder_input_ids=start).logits[0, -1]
        return max(self._languages, key=lambda language: float(logits[self._languages[language]]))

    def _prompt(self, language: str) -> list[int]:
        """What the decoder goes on from.

        Raises:
            ValueError: the checkpoint does not know the language.
        """
        generation, before = self._generation, []
        if language in PROMPTS:
            text = self._tokenizer(PROMPTS[language], add_special_tokens=False).input_ids
            before = [self._tokenizer.convert_tokens_to_ids("<|startofprev|>"), *text]
        spoken = []
        if self._languages:
            if language not in self._languages:
                raise ValueError(f"{self.name} does not know the language {language}")
            spoken = [self._languages[language], generation.task_to_id["transcribe"]]
        return [*before, generation.decoder_start_token_id, *spoken, generation.no_timestamps_token_id]

    def _said(self, encoded: Tensor, prompt: Sequence[int], most: int, step: Callable[[], None]) -> _Said:
        """The likeliest tokens one after the other."""
        generation, network = self._generation, self._network
        most = min(most, network.config.max_target_positions - len(prompt) - 1)
        heads = getattr(generation, "alignment_heads", None) or _upper_half(network.config)
        end = network.config.eos_token_id  # what has a higher number is no text
        silenced = [token for token in generation.suppress_tokens or () if token != end]
        given, past = list(prompt), None
        tokens, confidence, looked, loop = [], [], [], 0
        while len(tokens) < most and not loop:
            step()
            answer = network(
                encoder_outputs=(encoded,),
                decoder_input_ids=torch.tensor([given], device=encoded.device),
                past_key_values=past,
                use_cache=True,
                output_attentions=True,
            )
            past, looks = answer.past_key_values, answer.cross_attentions
            looked.append(torch.stack([looks[layer][0, head, -1] for layer, head in heads]))
            logits = answer.logits[0, -1].float()
            logits[end + 1 :] = -torch.inf
            logits[
                silenced if tokens else [*silenced, *(generation.begin_suppress_tokens or ())]
            ] = -torch.inf
            chances = logits.softmax(dim=0)
            token = int(chances.argmax())
            if token == end:
                break
            tokens.append(token)
            confidence.append(float(chances[token]))
            given, loop = [token], repeated(tokens)
        return _Said(tokens, confidence, torch.stack(looked), loop)

    def _times(self, looked: Tensor, seconds: float) -> list[float]:
        """When each token begins, and the last one ends, by where the decoder looked: ``[N + 1, H, S]``."""
        frame_seconds = self._extractor.n_samples / RATE / looked.shape[2]
        frames = max(len(looked), min(looked.shape[2], round(seconds / frame_seconds)))
        scores = _sharpened(looked[..., :frames].transpose(0, 1).float()).mean(dim=0)
        return [round(start * frame_seconds, 3) for start in aligned(scores.cpu().numpy())]


@dataclass(frozen=True)
class _Said:
    """
    Attributes:
        confidence: how likely each of the tokens was.
        looked: ``[N, H, S]`` where the alignment heads looked in the speech when it was about to say each token, and what
            would have come after the last one unless it was made to stop.
        loop: how many tokens at the end only repeat.
    """

    tokens: list[int]
    confidence: list[float]
    looked: Tensor
    loop: int


def safetensors_of(folder: Path) -> Path:
    """The weights in the folder as safetensors; a pickle is converted behind the wall, once.

    Raises:
        CraftError: ``checkpoint_...``; ``transcriber_broken``: there are no weights.
        OSError: there is no room.
    """
    source = weights_in(folder)
    if source is None:
        raise CraftError("transcriber_broken", name=folder.name, reason=", ".join(WHISPER_WEIGHTS))
    with source.open("rb") as file:
        if file.read(9)[8:] == b"{":
            return source
    target = folder / "converted" / "model.safetensors"
    if not target.is_file() or target.stat().st_mtime < source.stat().st_mtime:
        target.parent.mkdir(exist_ok=True)
        temporary = target.with_suffix(".tmp")
        convert(source, temporary)
        os.replace(temporary, target)
    return target


def quick_dtype(device: str) -> torch.dtype:
    """Half the bytes where the device computes with them; a word costs the reading of every weight."""
    if device.startswith("cuda"):
        return torch.float16
    able = torch.cpu.get_capabilities()
    return torch.bfloat16 if able.get("avx512_bf16") or able.get("amx_bf16") else torch.float32


def repeated(said: Sequence[int]) -> int:
    """How many tokens at the end only say again, ``LOOPS`` times over, what stands before them."""
    for length in range(1, min(LONGEST_LOOP, len(said) // LOOPS) + 1):
        if list(said[-length * LOOPS :]) == list(said[-length:]) * LOOPS:
            return length * (LOOPS - 1)
    return 0


def aligned(scores: np.ndarray) -> list[int]:
    """``[N, F]`` -> the frame at which each of the rows begins, when they follow each other without a gap or an
    overlap, each with one frame at least, and the sum of their scores is the highest (Kim et al. 2020).

    Raises:
        ValueError: there are more rows than frames.
    """
    rows, frames = scores.shape
    if rows > frames:
        raise ValueError(f"{rows} rows for {frames} frames")
    sums = np.concatenate([np.zeros((rows, 1)), scores.cumsum(axis=1, dtype=np.float64)], axis=1)
    begun = np.zeros((rows, frames), np.int64)  # the best first frame of a row that lasts to a frame
    best = sums[0, 1:]
    for row in range(1, rows):
        # of a row that begins at a frame: the best of the rows before it, less what it has no part in
        gain = np.concatenate([[-np.inf], best[:-1]]) - sums[row, :-1]
        gain[:row] = -np.inf
        highest = np.maximum.accumulate(gain)
        begun[row] = np.maximum.accumulate(np.where(gain == highest, np.arange(frames), 0))
        best = highest + sums[row, 1:]
    starts, last = [], frames - 1
    for row in range(rows - 1, -1, -1):
        starts.append(int(begun[row, last]))
        last = starts[-1] - 1
    return starts[::-1]


def _sharpened(weights: Tensor) -> Tensor:
    """Attention ``[H, N, F]`` as deviations from each frame's mean over the tokens, outliers smoothed away."""
    spread, mean = torch.std_mean(weights, dim=1, keepdim=True, unbiased=False)
    weights = (weights - mean) / spread.clamp_min(1e-6)
    side = MEDIAN_FRAMES // 2
    if weights.shape[2] <= side:
        return weights
    padded = torch.nn.functional.pad(weights, (side, side), mode="reflect")
    return padded.unfold(2, MEDIAN_FRAMES, 1).median(dim=-1).values


def _upper_half(config: WhisperConfig) -> list[tuple[int, int]]:
    """The heads to look at in a checkpoint that does not say which of them follow the speech."""
    layers = range(config.decoder_layers // 2, config.decoder_layers)
    return [(layer, head) for layer in layers for head in range(config.decoder_attention_heads)]


def _check(config: WhisperConfig, weights: dict[str, Tensor]) -> None:
    """That the configuration is of these weights: a network of another size might not even fit into memory.

    Raises:
        ValueError
    """
    words = weights["model.decoder.embed_tokens.weight"].shape
    layers = {name.split(".layers.")[1].split(".")[0] for name in weights if ".layers." in name}
    if tuple(words) != (config.vocab_size, config.d_model) or (
        len(layers) != max(config.encoder_layers, config.decoder_layers)
    ):
        raise ValueError("config.json belongs to other weights")
