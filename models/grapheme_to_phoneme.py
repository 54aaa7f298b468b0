"""Spelling to sound: a small transformer that reads letters and writes ARPAbet phonemes with stress."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

PAD, BEGIN, END = 0, 1, 2
LETTERS = ("<pad>", "<begin>", "<end>", *"abcdefghijklmnopqrstuvwxyz")
_VOWELS = "AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW".split()
_CONSONANTS = "B CH D DH F G HH JH K L M N NG P R S SH T TH V W Y Z ZH".split()
SOUNDS = (
    "<pad>",
    "<begin>",
    "<end>",
    *_CONSONANTS,
    *(f"{vowel}{stress}" for vowel in _VOWELS for stress in "012"),
)
LETTER_ID = {letter: index for index, letter in enumerate(LETTERS)}
SOUND_ID = {sound: index for index, sound in enumerate(SOUNDS)}


@dataclass(frozen=True)
class GraphemeToPhonemeConfig:
    channels: int = 128
    heads: int = 4
    hidden: int = 384
    encoder_layers: int = 3
    decoder_layers: int = 2
    longest: int = 40
    dropout: float = 0.05


class Attention(nn.Module):
    def __init__(self, config: GraphemeToPhonemeConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.query = nn.Linear(config.channels, config.channels, bias=False)
        self.key_value = nn.Linear(config.channels, 2 * config.channels, bias=False)
        self.out = nn.Linear(config.channels, config.channels, bias=False)

    def forward(self, x: Tensor, memory: Tensor, mask: Tensor | None, causal: bool = False) -> Tensor:
        """x (B, N, C) looks at memory (B, M, C); mask (B, 1, 1, M) is True where it may look."""
        batch, length, channels = x.shape
        query = self.query(x).view(batch, length, self.heads, -1).transpose(1, 2)
        key, value = (
            self.key_value(memory).view(batch, memory.shape[1], 2, self.heads, -1).permute(2, 0, 3, 1, 4)
        )
        seen = F.scaled_dot_product_attention(query, key, value, attn_mask=mask, is_causal=causal)
        return self.out(seen.transpose(1, 2).reshape(batch, length, channels))


class Block(nn.Module):
    """Pre-norm transformer layer; with ``crossed`` it also looks at the encoded letters."""

    def __init__(self, config: GraphemeToPhonemeConfig, crossed: bool) -> None:
        super().__init__()
        self.own_norm = nn.LayerNorm(config.channels)
        self.own = Attention(config)
        self.cross_norm = nn.LayerNorm(config.channels) if crossed else None
        self.cross = Attention(config) if crossed else None
        self.feed = nn.Sequential(
            nn.LayerNorm(config.channels),
            nn.Linear(config.channels, config.hidden),
            nn.GELU(),
            nn.Linear(config.hidden, config.channels),
        )
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, mask: Tensor | None, memory: Tensor | None = None) -> Tensor:
        normed = self.own_norm(x)
        if self.cross is None:
            x = x + self.dropout(self.own(normed, normed, mask))
        else:
            x = x + self.dropout(self.own(normed, normed, None, causal=True))
            x = x + self.dropout(self.cross(self.cross_norm(x), memory, mask))
        return x + self.dropout(self.feed(x))


class GraphemeToPhoneme(nn.Module):
    def __init__(self, config: GraphemeToPhonemeConfig | None = None) -> None:
        super().__init__()
        config = config or GraphemeToPhonemeConfig()
        self.config = config
        self.letters = nn.Embedding(len(LETTERS), config.channels)
        self.sounds = nn.Embedding(len(SOUNDS), config.channels)
        self.letter_places = nn.Embedding(config.longest, config.channels)
        self.sound_places = nn.Embedding(config.longest, config.channels)
        self.encoder = nn.ModuleList(Block(config, crossed=False) for _ in range(config.encoder_layers))
        self.decoder = nn.ModuleList(Block(config, crossed=True) for _ in range(config.decoder_layers))
        self.encoder_norm = nn.LayerNorm(config.channels)
        self.decoder_norm = nn.LayerNorm(config.channels)
        self.dropout = nn.Dropout(config.dropout)
        for table in (self.letters, self.sounds, self.letter_places, self.sound_places):
            nn.init.normal_(table.weight, std=config.channels**-0.5)

    def encode(self, letters: Tensor) -> tuple[Tensor, Tensor]:
        """Letter ids (B, N), 0 where padded -> memory (B, N, C) and its mask (B, 1, 1, N)."""
        mask = (letters != PAD)[:, None, None, :]
        x = self.dropout(self.letters(letters) + self.letter_places.weight[: letters.shape[1]])
        for block in self.encoder:
            x = block(x, mask)
        return self.encoder_norm(x), mask

    def decode(self, sounds: Tensor, memory: Tensor, mask: Tensor) -> Tensor:
        """Sound ids so far (B, P), starting with BEGIN -> logits of the next one at every place (B, P, S)."""
        x = self.dropout(self.sounds(sounds) + self.sound_places.weight[: sounds.shape[1]])
        for block in self.decoder:
            x = block(x, mask, memory)
        return F.linear(self.decoder_norm(x), self.sounds.weight)

    def forward(self, letters: Tensor, sounds: Tensor) -> Tensor:
        """Letter ids (B, N) and sound ids (B, P) -> logits (B, P, S)."""
        return self.decode(sounds, *self.encode(letters))

    @torch.inference_mode()
    def pronounce(self, words: Sequence[str]) -> list[tuple[str, ...]]:
        """The likeliest sounds of lower-case words of a-z, greedily: ``("HH", "AH0", "L", "OW1")``.

        A word longer than the network's limit is read up to the limit.
        """
        device = self.letters.weight.device
        memory, mask = self.encode(
            pad_ids(letter_ids(word, self.config.longest) for word in words).to(device)
        )
        sounds = torch.full((len(words), 1), BEGIN, device=device)
        ended = torch.zeros(len(words), dtype=torch.bool, device=device)
        while sounds.shape[1] < self.config.longest and not ended.all():
            best = self.decode(sounds, memory, mask)[:, -1].argmax(-1).masked_fill(ended, PAD)
            ended |= best == END
            sounds = torch.cat([sounds, best[:, None]], dim=1)
        return [tuple(SOUNDS[i] for i in row if i > END) for row in sounds.tolist()]

    def save(self, path: Path) -> None:
        """As fp16 safetensors, the config in its header."""
        weights = {
            name: value.detach().half().contiguous().cpu() for name, value in self.state_dict().items()
        }
        save_file(weights, path, metadata={"config": json.dumps(asdict(self.config))})

    @classmethod
    def load(cls, path: Path) -> GraphemeToPhoneme:
        """Ready to pronounce, fp32 on the CPU."""
        with safe_open(path, framework="pt") as file:
            model = cls(GraphemeToPhonemeConfig(**json.loads(file.metadata()["config"])))
            model.load_state_dict({name: file.get_tensor(name).float() for name in file.keys()})
        return model.eval()


def letter_ids(word: str, longest: int) -> list[int]:
    """BEGIN, the letters, END."""
    return [BEGIN, *(LETTER_ID[letter] for letter in word[: longest - 2]), END]


def pad_ids(rows: Iterable[list[int]]) -> Tensor:
    """Rows of ids -> (B, longest row), 0 behind the shorter ones."""
    return nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True, padding_value=PAD)
