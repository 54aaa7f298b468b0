"""How fast the networks of GPT-SoVITS are, beside the floor of the machine and beside the public implementation.

``benchmarks.gpt_sovits`` calls it; every figure is a median of rounds in which all contestants take turns, so that what
else the machine does meets them alike.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median

import torch
from torch import Tensor

from benchmarks.plugs import opened
from benchmarks.reference import reference_sovits, reference_text2semantic
from models.blocks.streamed_matrices import Matrices, Precision, can_stream
from models.gpt_sovits.incremental import IncrementalDecoder
from models.gpt_sovits.sampling import Sampling, penalised
from models.gpt_sovits.sovits import Sovits
from models.gpt_sovits.static import StaticDecoder
from models.gpt_sovits.streamed import StreamedDecoder
from models.gpt_sovits.text2semantic import Decoder, Text2Semantic
from pipelines.speech.gpt_sovits.text_features import TextFeatures
from pipelines.speech.gpt_sovits.weights import Networks

PHONEMES, PROMPT, TOKENS = 150, 60, 100
TIMED_TOKENS = 40
FIRST_CHUNK = 28
"""Tokens that must be there before the first sound: 0.8 s and what lies ahead of it."""
SPOKEN_PHONEMES, REFERENCE_FRAMES = 30, 300
BATCHES = (1, 4, 16)
ROUNDS = 5
PRECISIONS: tuple[Precision, ...] = ("fp32", "fp16", "bf16", "int8")
AnyDecoder = IncrementalDecoder | StreamedDecoder
Timed = Mapping[str, Callable[[], object]]


@torch.inference_mode()
def text2semantic_figures(file: Path, device: str, reference: Path | None) -> dict[str, object]:
    network = Text2Semantic.of_official(*opened(file)).to(device)
    decoder, config = network.model, network.config
    torch.manual_seed(1)
    x = torch.randint(config.phonemes, (1, PHONEMES), device=device)
    prompt = torch.randint(config.end, (1, PROMPT), device=device)
    bert = torch.randn(1, config.bert_channels, PHONEMES, device=device)
    text, audio = decoder.text(x, bert), decoder.audio(prompt)
    greedy = Sampling(top_k=1, longest=TOKENS, until_end=False)
    said = network.generate([x[0]], [bert[0]], prompt[0], greedy)[0]
    figures: dict[str, object] = {"phonemes": PHONEMES, "prompt": PROMPT, "tokens": TOKENS}

    contestants = contestants_of(decoder, device)
    for batch in BATCHES:
        seconds = {name: Clock() for name in contestants}
        floors: dict[str, list[float]] = {name: [] for name in contestants}
        for _ in range(ROUNDS if batch == 1 else 2):
            for name, contestant in contestants.items():
                floors[name].append(streaming_seconds(contestant, device))
                seconds[name].add(*token_seconds(contestant, text, audio, batch))
        for name, clock in seconds.items():
            row: dict[str, object] = figures.setdefault(name, {})
            row[f"prefill_ms_{batch}"] = round(1e3 * median(clock.prefill), 1)
            row[f"tokens_per_second_{batch}"] = round(batch / median(clock.step), 1)
            if batch == 1:
                floor_seconds = median(floors[name])
                row["floor_tokens_per_second"] = round(1 / floor_seconds, 1)
                row["share_of_floor"] = round(floor_seconds / median(clock.step), 3)
    for name, contestant in contestants.items():
        figures[name].update(agreement(contestant, text, audio, prompt, said))
    if reference and device == "cpu":
        generate = reference_text2semantic(reference, file)
        clock, ours = Clock(), {name: Clock() for name in contestants}
        for _ in range(ROUNDS):
            short, long = (clocked(partial(generate, x, prompt, bert, n)) for n in (1, 1 + TIMED_TOKENS))
            clock.add(short, (long - short) / TIMED_TOKENS)
            for name, contestant in contestants.items():
                ours[name].add(*token_seconds(contestant, text, audio, 1))
        figures["reference"] = {
            "prefill_ms_1": round(1e3 * median(clock.prefill), 1),
            "tokens_per_second_1": round(1 / median(clock.step), 1),
            "times_as_fast": {n: round(median(clock.step) / median(c.step), 2) for n, c in ours.items()},
            "same_tokens": torch.equal(generate(x, prompt, bert, TOKENS), said),
        }
    return figures


def contestants_of(decoder: Decoder, device: str) -> dict[str, AnyDecoder]:
    """Ways to hold the weights on a processor; elsewhere steps with and without graphs."""
    if device == "cpu":
        return {name: StreamedDecoder(decoder, name) for name in PRECISIONS if can_stream(name)}
    halved = copy.deepcopy(decoder).half()
    return {
        "fp32": IncrementalDecoder(decoder),
        "fp32 in graphs": StaticDecoder(decoder),
        "fp16": IncrementalDecoder(halved),
        "fp16 in graphs": StaticDecoder(halved),
    }


@dataclass
class Clock:
    """Seconds of every round."""

    prefill: list[float] = field(default_factory=list)
    step: list[float] = field(default_factory=list)

    def add(self, prefill: float, step: float) -> None:
        self.prefill.append(prefill)
        self.step.append(step)


def token_seconds(decoder: AnyDecoder, text: Tensor, audio: Tensor, batch: int) -> tuple[float, float]:
    """Seconds of the beginning, and of one step after it, with the greedy token on the way."""
    dtype = decoder.tokens.weight.dtype
    text, audio = (part.to(dtype).expand(batch, -1, -1) for part in (text, audio))
    began = time.perf_counter()
    logits, memory = decoder.read(text, audio, None)
    wait(text.device)
    read = time.perf_counter()
    for _ in range(TIMED_TOKENS):
        logits, memory = decoder.step(logits.argmax(dim=-1), memory)
    wait(text.device)
    seconds = (time.perf_counter() - read) / TIMED_TOKENS
    decoder.release(memory)
    return read - began, seconds


def streaming_seconds(decoder: AnyDecoder, device: str) -> float:
    """What a step cannot be faster than: its matrices read by all threads, where they lie, and added up as numbers of 64
    bits, which costs no arithmetic to speak of."""
    if isinstance(decoder, StreamedDecoder):
        weights = [torch.from_numpy(part.weights) for part in decoder.network if isinstance(part, Matrices)]
    else:
        layers = decoder.layers
        weights = [layer.qkv.keywords["weight"] for layer in layers]
        weights += [part.weight for layer in layers for part in (layer.out, layer.widen, layer.narrow)]
        weights.append(decoder.head.weight)
    whole = [weight.detach().flatten() for weight in weights]
    words = [part[: len(part) // 8 * 8].view(torch.int64) for part in whole]

    def read() -> None:
        for part in words:
            part.sum()

    read()
    return median(clocked(read, device) for _ in range(9))


def agreement(
    decoder: AnyDecoder, text: Tensor, audio: Tensor, prompt: Tensor, said: Tensor
) -> dict[str, object]:
    """With the greedy tokens ``said`` ``[N]`` of fp32: at how many places the same one follows, and up to where it would
    have said the same by itself."""
    dtype = decoder.tokens.weight.dtype
    logits, memory = decoder.read(text.to(dtype), audio.to(dtype), None)
    heard = torch.zeros_like(logits, dtype=torch.bool).scatter(1, prompt, True)
    same = []
    for place, token in enumerate(said):
        logits = logits.float()
        if place < Sampling.shortest:
            logits[:, -1] = -torch.inf
        same.append(bool(penalised(logits, heard, Sampling.repetition_penalty).argmax() == token))
        heard[0, token] = True
        logits, memory = decoder.step(token[None], memory)
    decoder.release(memory)
    return {
        "same_greedy_tokens": round(sum(same) / len(same), 3),
        "same_until_token": same.index(False) if False in same else len(same),
    }


@torch.inference_mode()
def sovits_figures(file: Path, version: str, device: str, reference: Path | None) -> dict[str, object]:
    """4 s of sound."""
    types = {"fp32": torch.float32, "bf16": torch.bfloat16}
    networks = {n: Sovits.of_official(*opened(file)).to(device).for_speaking(t) for n, t in types.items()}
    config = networks["fp32"].config
    torch.manual_seed(1)
    codes = torch.randint(config.codebook_size, (1, 1, TOKENS), device=device)
    phonemes = torch.randint(config.phonemes, (1, SPOKEN_PHONEMES), device=device)
    spectrum = torch.rand(1, config.spectrum_bins, REFERENCE_FRAMES, device=device)
    speakers = [torch.randn(1, config.speaker_channels, device=device)] if config.speaker_channels else None
    style = networks["fp32"].style_of([spectrum], speakers)
    contestants: dict[str, Callable[[], Tensor]] = {
        name: lambda network=network: network.speak(codes, phonemes, style, noise_scale=0.0)
        for name, network in networks.items()
    }
    if reference and device == "cpu":
        decode = reference_sovits(reference, file, version)
        contestants["reference"] = lambda: decode(codes, phonemes, [spectrum], sv_embs=speakers)
    waves = {name: speak() for name, speak in contestants.items()}
    seconds = taking_turns(contestants, device)
    audio_seconds = waves["fp32"].shape[-1] / 32_000
    figures: dict[str, object] = {}
    for name, wave in waves.items():
        figures[name] = {"rtf": round(seconds[name] / audio_seconds, 4)}
        if name != "fp32":
            error = (wave - waves["fp32"]).square().sum()
            signal = waves["fp32"].square().sum()
            figures[name]["snr_db_against_fp32"] = round(float(10 * torch.log10(signal / error)), 1)
    return figures


@torch.inference_mode()
def text_features_figures(folder: Path) -> dict[str, object]:
    """A sentence of ``SPOKEN_PHONEMES`` characters: transformers' own path of all layers in fp32, and ours."""
    from transformers import BertConfig, BertModel

    ours = TextFeatures.load(folder)
    plain = BertModel(BertConfig.from_pretrained(folder), add_pooling_layer=False).eval()
    ids = torch.randint(plain.config.vocab_size, (1, SPOKEN_PHONEMES))
    seconds = taking_turns({"transformers": lambda: plain(ids), "ours": lambda: ours.network(ids)}, "cpu")
    return {f"{name}_ms": round(1e3 * value, 1) for name, value in seconds.items()} | {
        "times": round(seconds["transformers"] / seconds["ours"], 2)
    }


@torch.inference_mode()
def first_audio_figures(gpt: Path, sovits: Path, device: str) -> dict[str, object]:
    """Seconds from phonemes to the first sound of the first utterance, when so many are spoken at a time."""
    read = Networks(
        Text2Semantic.of_official(*opened(gpt)), Sovits.of_official(*opened(sovits)).for_speaking()
    )
    networks = read.to(device)  # in what the engine speaks in
    config = networks.text2semantic.config
    x = torch.randint(config.phonemes, (PHONEMES,), device=device)
    bert = torch.randn(config.bert_channels, PHONEMES, device=device)
    prompt = torch.randint(config.end, (PROMPT,), device=device)
    style = torch.randn(1, networks.sovits.config.style_channels, 1, device=device)
    codes = torch.randint(networks.sovits.config.codebook_size, (1, 1, FIRST_CHUNK), device=device)
    sampling = Sampling(longest=FIRST_CHUNK, until_end=False)

    def first(batch: int) -> None:
        networks.text2semantic.generate([x] * batch, [bert] * batch, prompt, sampling)
        networks.sovits.speak(codes, x[None, :SPOKEN_PHONEMES], style)

    seconds = taking_turns({str(batch): lambda batch=batch: first(batch) for batch in BATCHES}, device)
    return {f"ms_{batch}": round(1e3 * value, 1) for batch, value in seconds.items()}


def taking_turns(contestants: Timed, device: str) -> dict[str, float]:
    """The median seconds of each."""
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(ROUNDS + 1):
        for name, run in contestants.items():
            taken[name].append(clocked(run, device))
    return {name: median(seconds[1:]) for name, seconds in taken.items()}


def clocked(run: Callable[[], object], device: str = "cpu") -> float:
    wait(device)
    began = time.perf_counter()
    run()
    wait(device)
    return time.perf_counter() - began


def wait(device: torch.device | str) -> None:
    """Until the device has done what it was asked to."""
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize()
