"""Train the spelling-to-sound network on CMUdict.

    python -m pipelines.training.grapheme_to_phoneme --run runs/grapheme_to_phoneme

Stop it and start it again: it goes on from its last checkpoint. The best weights on the development words go to
``--output``; at the end the test words, never trained on nor chosen by, are scored.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import math
import random
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn import functional as F

from models.grapheme_to_phoneme import BEGIN, END, PAD, SOUND_ID, GraphemeToPhoneme, letter_ids, pad_ids
from pipelines.text.lexicon import lexicon
from pipelines.text.pronunciation import NETWORK_PATH

Entry = tuple[str, tuple[tuple[str, ...], ...]]
"""A word and all its pronunciations."""


@dataclass(frozen=True)
class Recipe:
    steps: int = 12_000
    words_per_step: int = 128
    peak_learning_rate: float = 1.3e-3
    warmup_steps: int = 400
    label_smoothing: float = 0.02
    average: float = 0.998
    """Decay of the running average of the weights; the average is what is scored and kept."""
    check_every: int = 500
    seed: int = 0


@dataclass(frozen=True)
class Score:
    """Against the nearest of a word's pronunciations, greedy decoding."""

    words: int
    phoneme_error_rate: float
    word_accuracy: float
    phoneme_error_rate_without_stress: float
    word_accuracy_without_stress: float

    def __str__(self) -> str:
        return (
            f"{self.words} words: with stress PER {self.phoneme_error_rate:.2%}, words right {self.word_accuracy:.1%}; "
            f"without stress PER {self.phoneme_error_rate_without_stress:.2%}, "
            f"words right {self.word_accuracy_without_stress:.1%}"
        )


def split_lexicon() -> tuple[list[Entry], list[Entry], list[Entry]]:
    """Training, development (1 %) and test (2 %) words of CMUdict, told apart by a hash of the word.

    Only words of two or more plain letters: possessives and hyphenated words are composed from their parts.
    """
    parts: tuple[list[Entry], list[Entry], list[Entry]] = ([], [], [])
    for word in lexicon().words():
        if re.fullmatch(r"[a-z]{2,36}", word):
            pronunciations = tuple(tuple(p.split()) for p in lexicon().all(word))
            share = int(hashlib.sha256(word.encode()).hexdigest(), 16) % 100
            parts[1 if share == 0 else 2 if share in (1, 2) else 0].append((word, pronunciations))
    return parts


def batches(
    entries: Sequence[Entry], recipe: Recipe, epoch: int
) -> Iterator[list[tuple[str, tuple[str, ...]]]]:
    """One pass over the words in batches of alike lengths; of several pronunciations one is drawn."""
    order = random.Random(f"{recipe.seed} {epoch}")
    pairs = [(word, order.choice(pronunciations)) for word, pronunciations in entries]
    order.shuffle(pairs)
    pool = 32 * recipe.words_per_step
    found = []
    for first in range(0, len(pairs), pool):
        alike = sorted(pairs[first : first + pool], key=lambda pair: (len(pair[0]), len(pair[1])))
        found += [alike[i : i + recipe.words_per_step] for i in range(0, len(alike), recipe.words_per_step)]
    order.shuffle(found)
    yield from found


def edit_distance(first: Sequence[str], second: Sequence[str]) -> int:
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, start=1):
        diagonal, row[0] = row[0], i
        for j, b in enumerate(second, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (a != b))
    return row[-1]


def score(model: GraphemeToPhoneme, entries: Sequence[Entry]) -> Score:
    model.eval()
    entries = sorted(entries, key=lambda entry: len(entry[0]))
    heard = []
    for first in range(0, len(entries), 256):
        heard += model.pronounce([word for word, _ in entries[first : first + 256]])
    figures = []
    for strip in (False, True):
        errors = sounds = right = 0
        for (_, pronunciations), guess in zip(entries, heard, strict=True):
            plain = (lambda p: [s.rstrip("012") for s in p]) if strip else list
            distance, length = min((edit_distance(plain(guess), plain(p)), len(p)) for p in pronunciations)
            errors, sounds, right = errors + distance, sounds + length, right + (distance == 0)
        figures += [errors / sounds, right / len(entries)]
    return Score(len(entries), *figures)


def train(run: Path, output: Path, recipe: Recipe, device: str) -> None:
    training, development, test = split_lexicon()
    torch.manual_seed(recipe.seed)
    model = GraphemeToPhoneme().to(device)
    average = copy.deepcopy(model).eval().requires_grad_(False)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1.0, betas=(0.9, 0.98), weight_decay=0.01)
    step, best, seconds = 0, math.inf, 0.0

    run.mkdir(parents=True, exist_ok=True)
    output.parent.mkdir(parents=True, exist_ok=True)
    checkpoint = run / "checkpoint.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=device, weights_only=True)
        model.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        step, best, seconds = state["step"], state["best"], state["seconds"]
        print(f"resumed at step {step}", flush=True)

    per_epoch = math.ceil(len(training) / recipe.words_per_step)
    begun = time.monotonic()
    while step < recipe.steps:
        epoch = step // per_epoch
        for index, pairs in enumerate(batches(training, recipe, epoch)):
            if index < step - epoch * per_epoch:
                continue
            if step >= recipe.steps:
                break
            torch.manual_seed(recipe.seed * 1_000_003 + step)  # so that a resumed run draws the same dropout
            loss = learn(model, optimizer, pairs, learning_rate(step, recipe), recipe, device)
            step += 1
            decay = min(recipe.average, step / (step + 10))
            with torch.no_grad():
                for kept, fresh in zip(average.parameters(), model.parameters(), strict=True):
                    kept.lerp_(fresh, 1 - decay)
            if step % 100 == 0:
                print(f"step {step} loss {loss:.4f} {seconds + time.monotonic() - begun:.0f} s", flush=True)
            if step % recipe.check_every == 0 or step == recipe.steps:
                figures = score(average, development)
                print(f"step {step} development {figures}", flush=True)
                if figures.phoneme_error_rate < best:
                    best = figures.phoneme_error_rate
                    average.save(output)
                state = {
                    "model": model.state_dict(),
                    "average": average.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "step": step,
                    "best": best,
                    "seconds": seconds + time.monotonic() - begun,
                }
                partial = checkpoint.with_suffix(".partial")
                torch.save(state, partial)
                partial.replace(checkpoint)

    print(f"test {score(GraphemeToPhoneme.load(output), test)}", flush=True)


def learning_rate(step: int, recipe: Recipe) -> float:
    """Linear warm-up, then half a cosine down to nothing."""
    if step < recipe.warmup_steps:
        return recipe.peak_learning_rate * (step + 1) / recipe.warmup_steps
    done = (step - recipe.warmup_steps) / max(recipe.steps - recipe.warmup_steps, 1)
    return recipe.peak_learning_rate * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))


def learn(
    model: GraphemeToPhoneme,
    optimizer: torch.optim.Optimizer,
    pairs: Sequence[tuple[str, tuple[str, ...]]],
    rate: float,
    recipe: Recipe,
    device: str,
) -> float:
    """One step; answers the loss."""
    model.train()
    longest = model.config.longest
    letters = pad_ids(letter_ids(word, longest) for word, _ in pairs).to(device)
    sounds = pad_ids([BEGIN, *(SOUND_ID[s] for s in spoken[: longest - 2]), END] for _, spoken in pairs).to(
        device
    )
    logits = model(letters, sounds[:, :-1])
    loss = F.cross_entropy(
        logits.flatten(0, 1),
        sounds[:, 1:].flatten(),
        ignore_index=PAD,
        label_smoothing=recipe.label_smoothing,
    )
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.step()
    return loss.item()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=Path, default=Path("runs/grapheme_to_phoneme"))
    parser.add_argument("--output", type=Path, default=NETWORK_PATH)
    parser.add_argument("--steps", type=int, default=Recipe.steps)
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--score", action="store_true", help="score --output on the test words and stop")
    arguments = parser.parse_args()
    if arguments.score:
        print(f"test {score(GraphemeToPhoneme.load(arguments.output), split_lexicon()[2])}")
    else:
        train(
            arguments.run,
            arguments.output,
            Recipe(steps=arguments.steps, seed=arguments.seed),
            arguments.device,
        )


if __name__ == "__main__":
    main()
