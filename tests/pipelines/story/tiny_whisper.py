"""A Whisper in the official format that recites: whatever it hears, it says the same tokens at the same times.

Its one layer on either side is written by hand. Every token leads to the next one through the decoder's feed-forward
part, and looks at the frames in which that one is said through the cross-attention.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

LANGUAGES = ("en", "zh", "fr")
END, START = "<|endoftext|>", "<|startoftranscript|>"
SPECIAL = (
    END, START, *(f"<|{language}|>" for language in LANGUAGES), "<|translate|>", "<|transcribe|>", "<|startoflm|>",
    "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>",
)  # fmt: skip
FRAME_SECONDS = 0.02


def tiny_whisper(
    folder: Path,
    says: Sequence[str | bytes],
    seconds: Sequence[float] | None = None,
    language: str = "en",
    doubts: Sequence[int] = (),
    again: int | None = None,
    window_seconds: int = 6,
    changed: Mapping[str, object] | None = None,
) -> Path:
    """
    Args:
        says: its tokens; no two may be the same. Bytes that are no text on their own are half a character.
        seconds: where each token begins, and the last one ends; None spreads them over the window.
        language: what it takes every speech for.
        doubts: the tokens of which it is not sure.
        again: the token it goes back to when it should end.
        changed: entries of ``config.json``.
    """
    from tokenizers import pre_tokenizers
    from transformers import (
        GenerationConfig,
        WhisperConfig,
        WhisperFeatureExtractor,
        WhisperForConditionalGeneration,
        WhisperTokenizer,
    )

    # 1. The words: every byte, then what it says, then the special tokens
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    spelled = [_spelled(token) for token in says]
    words = [*dict.fromkeys([*letters, *spelled]), *SPECIAL]
    numbers = {word: number for number, word in enumerate(words)}
    tokenizer = WhisperTokenizer(vocab=numbers, merges=[], extra_special_tokens=list(SPECIAL[1:]))
    assert tokenizer.convert_tokens_to_ids("<|notimestamps|>") == numbers["<|notimestamps|>"]
    # 2. The network
    width, frames = len(words) + len(words) % 2, round(window_seconds / FRAME_SECONDS)
    config = WhisperConfig(
        vocab_size=len(words),
        d_model=width,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=1,
        decoder_attention_heads=1,
        encoder_ffn_dim=4,
        decoder_ffn_dim=width,
        num_mel_bins=8,
        max_source_positions=frames,
        max_target_positions=64,
        bos_token_id=numbers[END],
        eos_token_id=numbers[END],
        pad_token_id=numbers[END],
        decoder_start_token_id=numbers[START],
    )
    network = WhisperForConditionalGeneration(config)
    chain = [numbers["<|notimestamps|>"], *(numbers[word] for word in spelled)]
    following = dict(
        zip(chain, [*chain[1:], numbers[END] if again is None else chain[again + 1]], strict=True)
    )
    following[numbers[START]] = numbers[f"<|{language}|>"]
    edges = seconds or torch.linspace(0, window_seconds, len(says) + 1).tolist()
    with torch.no_grad():
        for weight in network.parameters():
            weight.zero_()
        for name, norm in network.named_parameters():
            if "layer_norm.weight" in name:
                norm.fill_(1.0)
        decoder, encoder = network.model.decoder, network.model.encoder
        decoder.embed_tokens.weight.copy_(torch.eye(len(words), width))
        layer = decoder.layers[0]
        layer.fc1.weight.copy_(torch.eye(width))
        for token, then in following.items():
            layer.fc2.weight[then, token] = 1.0
        for doubt in doubts:  # another word is nearly as likely
            layer.fc2.weight[numbers["a"], chain[doubt]] = 0.99
        layer.encoder_attn.k_proj.weight.copy_(torch.eye(width))
        for row, token in enumerate(chain):
            layer.encoder_attn.q_proj.weight[row, token] = 1.0
        for frame in range(frames):
            row = sum(edge <= frame * FRAME_SECONDS for edge in edges) - 1
            encoder.embed_positions.weight[frame, min(max(row, 0), len(says))] = 1.0
    network.save_pretrained(folder)
    # 3. What is published beside it
    tokenizer.save_pretrained(folder)
    WhisperFeatureExtractor(feature_size=8, chunk_length=window_seconds).save_pretrained(folder)
    GenerationConfig(
        decoder_start_token_id=numbers[START],
        eos_token_id=numbers[END],
        pad_token_id=numbers[END],
        bos_token_id=numbers[END],
        no_timestamps_token_id=numbers["<|notimestamps|>"],
        is_multilingual=True,
        lang_to_id={f"<|{language}|>": numbers[f"<|{language}|>"] for language in LANGUAGES},
        task_to_id={"transcribe": numbers["<|transcribe|>"], "translate": numbers["<|translate|>"]},
        suppress_tokens=[],
        begin_suppress_tokens=[numbers[END]],
        alignment_heads=[[0, 0]],
    ).save_pretrained(folder)
    if changed:
        WhisperConfig(**{**config.to_dict(), **changed}).save_pretrained(folder)
    return folder


def _spelled(token: str | bytes) -> str:
    """As byte-level vocabularies write it."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    letters = bytes_to_unicode()
    return "".join(letters[byte] for byte in (token.encode() if isinstance(token, str) else token))
