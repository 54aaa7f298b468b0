"""Memory and time of GPT-SoVITS at full size, on random weights: no checkpoint is needed.

    export OMP_WAIT_POLICY=PASSIVE GOMP_SPINCOUNT=1000  # as the studio sets them for itself
    python -m benchmarks.gpt_sovits --version v2 --speech tests/fixtures/speech/2033-164914-0000.flac

Official files of full size are made in a temporary folder (1.2 GB), found, converted and loaded as the studio does it;
then a voice is prepared from ``--speech`` and speaks one sentence in English and one in Mandarin. Random networks never
come to an end by themselves, so every sentence is as long as the engine lets it be: the real-time factors hold, the
seconds of audio say nothing. What is printed is JSON.

    python -m benchmarks.gpt_sovits --networks --reference ../GPT-SoVITS   # the networks alone, beside the reference
    python -m benchmarks.gpt_sovits --networks --device cuda               # tokens a second, RTF and first audio

The first runs the public implementation (a checkout of it, with its requirements installed) on the same weights in the same
run; without ``--reference`` it is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import soundfile
import torch
from torch import nn

from benchmarks.gpt_sovits_networks import (
    first_audio_figures,
    sovits_figures,
    text2semantic_figures,
    text_features_figures,
)
from models.gpt_sovits.sovits import Sovits, SovitsConfig
from models.gpt_sovits.speaker_verification import SpeakerVerification
from models.gpt_sovits.text2semantic import Text2Semantic, Text2SemanticConfig
from pipelines.audio.recording import Recording
from pipelines.speech.gpt_sovits.bases import Bases
from pipelines.speech.gpt_sovits.descriptions import descriptions
from pipelines.speech.gpt_sovits.official_files import ENGINE_NAMES, HEADER_MARKS, TEXT
from pipelines.speech.gpt_sovits.voice_files import write_official
from pipelines.speech.gpt_sovits.weights import OfficialWeights

SENTENCES = {"en": "The birch canoe slid on the smooth planks.", "zh": "今天天气很好，我们去公园散步。"}
REFERENCE_TEXT = "What is said does not matter to networks that know nothing."
CONFIGS: dict[str, Callable[[], SovitsConfig]] = {
    "v2": SovitsConfig,
    "v2Pro": SovitsConfig.v2pro,
    "v2ProPlus": SovitsConfig.v2proplus,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--version", choices=list(CONFIGS), default="v2")
    parser.add_argument("--speech", type=Path, help="a recording of 3 to 10 seconds, which the engine needs")
    parser.add_argument("--networks", action="store_true", help="measure the networks, not the engine")
    parser.add_argument(
        "--reference", type=Path, help="a checkout of RVC-Boss/GPT-SoVITS, to run beside ours"
    )
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="voxtale-benchmark-") as folder:
        if options.networks:
            figures = measure_networks(options.version, options.device, options.reference, Path(folder))
        elif options.speech:
            figures = measure(options.version, options.speech, options.device, Path(folder))
        else:
            parser.error("--speech or --networks")
        print(json.dumps(figures, indent=1))


def measure_networks(version: str, device: str, reference: Path | None, folder: Path) -> dict[str, object]:
    make_bases(folder, version)
    gpt, sovits = folder / "gpt.ckpt", folder / "sovits.pth"
    figures = {
        "version": version,
        "device": device if device == "cpu" else torch.cuda.get_device_name(),
        "threads": torch.get_num_threads(),
        "text2semantic": text2semantic_figures(gpt, device, reference),
        "sovits": sovits_figures(sovits, version, device, reference),
        "first_audio": first_audio_figures(gpt, sovits, device),
    }
    if device == "cpu":
        bert = next(base for base in Bases(folder).found if base.file.kind == TEXT)
        figures["text_features"] = text_features_figures(bert.weights())
    return figures


def measure(version: str, speech: Path, device: str, folder: Path) -> dict[str, object]:
    figures: dict[str, object] = {"version": version, "device": device, "threads": torch.get_num_threads()}
    make_bases(folder, version)
    figures["files_bytes"] = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    # 1. Found and converted, once in the life of an installation.
    with clocked(figures, "find_seconds"):
        description = descriptions(folder)[ENGINE_NAMES[version]]
    with clocked(figures, "first_load_seconds"):
        description.load(device)
    # 2. Loaded, as at every start.
    before = resident_bytes()
    with clocked(figures, "load_seconds"):
        engine = description.load(device)
    figures["declared_bytes"] = description.resident_bytes
    # 3. A voice, and what it says.
    recording = Recording(*soundfile.read(speech, dtype="float32"), text=REFERENCE_TEXT)
    with clocked(figures, "prepare_seconds"):
        voice = engine.prepare([recording])
    for language, sentence in SENTENCES.items():
        stages = dict.fromkeys(("text2semantic", "sovits"), 0.0)
        with (
            timed_method(engine.networks.text2semantic, "generate", stages, "text2semantic"),
            timed_method(engine.networks.sovits, "speak", stages, "sovits"),
        ):
            engine.synthesize(
                "Yes." if language == "en" else "好。", voice, {}, 1
            )  # what is read once is read now
            stages.update(text2semantic=0.0, sovits=0.0)
            began = time.perf_counter()
            take = engine.synthesize(sentence, voice, {}, 1)
            seconds = time.perf_counter() - began
        figures[language] = {
            "audio_seconds": round(take.seconds, 2),
            "rtf": round(seconds / take.seconds, 3),
            "tokens_per_second": round(25 * take.seconds / stages["text2semantic"], 1),
            "sovits_rtf": round(stages["sovits"] / take.seconds, 3),
        }
    figures["resident_bytes"] = resident_bytes() - before
    return figures


def make_bases(folder: Path, version: str) -> None:
    """Official files with random weights, halved as the published ones."""
    from transformers import BertConfig, BertModel, HubertConfig, HubertModel

    torch.manual_seed(0)
    sovits = Sovits(CONFIGS[version](), posterior=False)
    sovits.quantizer.vq.layers[0]._codebook.embed.normal_()
    official = {
        "gpt.ckpt": (Text2Semantic(Text2SemanticConfig()), text2semantic_settings(), b"PK"),
        "sovits.pth": (sovits, sovits_settings(sovits.config), HEADER_MARKS[version]),
    }
    for name, (network, settings, mark) in official.items():
        write_official(folder / name, OfficialWeights(halved(network), {"config": settings}), mark)
    if version != "v2":
        torch.save(halved(SpeakerVerification()), folder / "speaker.ckpt")
    bert = BertConfig(
        vocab_size=21_128,
        hidden_size=1024,
        num_hidden_layers=24,
        num_attention_heads=16,
        intermediate_size=4096,
    )
    for name, config, kind in (("hubert", HubertConfig(), HubertModel), ("bert", bert, BertModel)):
        config.save_pretrained(folder / name)
        torch.save(halved(kind(config)), folder / name / "pytorch_model.bin")
    characters = dict.fromkeys("".join(SENTENCES["zh"]) + "，。好")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters]
    (folder / "bert" / "vocab.txt").write_text("\n".join(words), encoding="utf-8")


def text2semantic_settings() -> dict[str, object]:
    c = Text2SemanticConfig()
    model = {"hidden_dim": c.channels, "embedding_dim": c.channels, "head": c.heads, "n_layer": c.layers}
    return {"model": {**model, "vocab_size": c.tokens, "phoneme_vocab_size": c.phonemes, "EOS": c.end}}


def sovits_settings(c: SovitsConfig) -> dict[str, object]:
    model = {
        "resblock": "1",
        "resblock_kernel_sizes": list(c.resblock_kernel_sizes),
        "resblock_dilation_sizes": [list(d) for d in c.resblock_dilations],
        "upsample_rates": list(c.upsample_rates),
        "p_dropout": c.dropout,
        "semantic_frame_rate": "25hz",
    }
    return {
        "model": model,
        "data": {"hop_length": 640, "filter_length": 2048},
        "train": {"segment_size": 640 * c.segment_frames},
    }


def halved(network: nn.Module) -> dict[str, torch.Tensor]:
    return {name: t.half() if t.is_floating_point() else t for name, t in network.state_dict().items()}


@contextmanager
def clocked(figures: dict[str, object], name: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    figures[name] = round(time.perf_counter() - began, 2)


@contextmanager
def timed_method(owner: object, name: str, stages: dict[str, float], stage: str) -> Iterator[None]:
    """Adds to ``stages[stage]`` what every call of ``owner.name`` takes."""
    method = getattr(owner, name)

    def timed(*arguments: object, **options: object) -> object:
        began = time.perf_counter()
        try:
            return method(*arguments, **options)
        finally:
            stages[stage] += time.perf_counter() - began

    setattr(owner, name, timed)
    try:
        yield
    finally:
        delattr(owner, name)


def resident_bytes() -> int:
    return psutil.Process(os.getpid()).memory_info().rss


if __name__ == "__main__":
    main()
