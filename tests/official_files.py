"""Containers as GPT-SoVITS writes them, made here from whatever weights a test has."""

from __future__ import annotations

import sys
import types
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor


def save_official(
    path: Path, weights: Mapping[str, Tensor], config: object, info: str, mark: bytes = b"PK"
) -> Path:
    """``{weight, config, info}``; ``mark`` takes the place of the first two bytes, ``05`` for v2Pro."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"weight": OrderedDict(weights), "config": config, "info": info}, path)
    with path.open("rb+") as file:
        file.write(mark)
    return path


@contextmanager
def hparams_module() -> Iterator[type]:
    """The reference's settings class, ``utils.HParams``, for as long as something is pickled with it."""

    class HParams:
        def __init__(self, **settings: object) -> None:
            for name, value in settings.items():
                setattr(self, name, HParams(**value) if isinstance(value, dict) else value)

    HParams.__module__, HParams.__qualname__ = "utils", "HParams"
    module = types.ModuleType("utils")
    module.HParams = HParams
    sys.modules["utils"] = module
    try:
        yield HParams
    finally:
        del sys.modules["utils"]


# A whole set of small ones, complete enough to speak with

HUBERT_CHANNELS, BERT_CHANNELS, TOKENS = 24, 32, 1025
SOVITS_CONFIG = {
    "train": {"segment_size": 20480},
    "data": {"hop_length": 640, "filter_length": 2048, "sampling_rate": 32000},
    "model": {
        "inter_channels": 8,
        "hidden_channels": 16,
        "filter_channels": 24,
        "n_heads": 2,
        "n_layers": 2,
        "kernel_size": 3,
        "p_dropout": 0.0,
        "resblock": "1",
        "resblock_kernel_sizes": [3, 7, 11],
        "resblock_dilation_sizes": [[1, 3, 5]] * 3,
        "upsample_rates": [10, 8, 2, 2, 2],
        "semantic_frame_rate": "25hz",
    },
}
TEXT2SEMANTIC_CONFIG = {
    "data": {"max_sec": 54},
    "model": {
        "vocab_size": TOKENS,
        "phoneme_vocab_size": 732,
        "embedding_dim": 16,
        "hidden_dim": 16,
        "head": 2,
        "linear_units": 64,
        "n_layer": 2,
        "dropout": 0,
        "EOS": TOKENS - 1,
    },
}


def small_text2semantic(path: Path, seed: int = 0) -> Path:
    """An s1 ``.ckpt`` whose network talks at random and comes to an end soon."""
    from models.gpt_sovits.text2semantic import Text2Semantic, Text2SemanticConfig

    torch.manual_seed(seed)
    model = TEXT2SEMANTIC_CONFIG["model"]
    network = Text2Semantic(
        Text2SemanticConfig(
            channels=model["hidden_dim"],
            heads=model["head"],
            layers=model["n_layer"],
            hidden_channels=model["linear_units"],
            bert_channels=BERT_CHANNELS,
        )
    )
    with torch.no_grad():
        network.model.ar_predict_layer.weight[-1] *= 30.0
    return save_official(path, halved(network.state_dict()), TEXT2SEMANTIC_CONFIG, "GPT-e15")


def small_sovits(path: Path, version: str = "v2", seed: int = 0, *, posterior: bool = False) -> Path:
    """An s2 ``.pth``, its settings pickled as the reference does; bases have the ``posterior`` that voices lack."""
    from models.gpt_sovits.sovits import Sovits, SovitsConfig

    torch.manual_seed(seed)
    model = SOVITS_CONFIG["model"]
    network = Sovits(
        SovitsConfig(
            style_bins=704,
            latent_channels=model["inter_channels"],
            hidden_channels=model["hidden_channels"],
            filter_channels=model["filter_channels"],
            heads=model["n_heads"],
            layers=model["n_layers"],
            dropout=0.0,
            upsample_kernel_sizes=(20 if version == "v2ProPlus" else 16, 16, 8, 2, 2),
            upsample_initial_channels=32,
            style_channels=16 if version == "v2" else 24,
            style_hidden_channels=8,
            reference_channels=16,
            semantic_channels=HUBERT_CHANNELS,
            codebook_size=TOKENS - 1,
            speaker_channels=0 if version == "v2" else 20_480,
        ),
        posterior=posterior,
    )
    network.quantizer.vq.layers[0]._codebook.embed.normal_()
    weights = halved(network.state_dict())
    mark = {"v2": b"PK", "v2Pro": b"05", "v2ProPlus": b"06"}[version]
    with hparams_module() as hparams:
        return save_official(path, weights, hparams(**SOVITS_CONFIG), "8epoch_1234iteration", mark)


def small_critics(path: Path, version: str = "v2") -> Path:
    """An s2D ``.pth``."""
    from models.gpt_sovits.discriminators import V2_PERIODS, V2PRO_PERIODS, Discriminators

    torch.manual_seed(4)
    critics = Discriminators(V2_PERIODS if version == "v2" else V2PRO_PERIODS, width=4)
    return save_official(path, halved(critics.state_dict()), {}, "")


def small_hubert(folder: Path) -> Path:
    from transformers import HubertConfig, HubertModel

    torch.manual_seed(1)
    config = HubertConfig(
        hidden_size=HUBERT_CHANNELS,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        conv_dim=(16,) * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
    )
    return _transformers_folder(folder, config, HubertModel(config))


def small_bert(folder: Path, characters: str = "今天气很好我们去公园，。") -> Path:
    from transformers import BertConfig, BertForMaskedLM

    torch.manual_seed(2)
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters]
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=BERT_CHANNELS,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=48,
    )
    _transformers_folder(folder, config, BertForMaskedLM(config))
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    return folder


def speaker_verification(path: Path) -> Path:
    """Of full size: the network has one size only."""
    from models.gpt_sovits.speaker_verification import SpeakerVerification

    torch.manual_seed(3)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(SpeakerVerification().state_dict(), path)
    return path


def small_bases(folder: Path, versions: tuple[str, ...] = ("v2",), chinese: bool = True) -> Path:
    """The official tree, with small networks."""
    small_text2semantic(folder / "gsv-v2final-pretrained" / "s1bert25hz-5kh-longer-epoch=12-step=369668.ckpt")
    for version in versions:
        small_sovits(folder / version / f"s2G{version}.pth", version, posterior=True)
        small_critics(folder / version / f"s2D{version}.pth", version)
    small_hubert(folder / "chinese-hubert-base")
    if chinese:
        small_bert(folder / "chinese-roberta-wwm-ext-large")
    if set(versions) - {"v2"}:
        speaker_verification(folder / "sv" / "pretrained_eres2netv2w24s4ep4.ckpt")
    return folder


def halved(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """As voices are traded."""
    return {name: weight.half() if weight.is_floating_point() else weight for name, weight in weights.items()}


def _transformers_folder(folder: Path, config: object, network: torch.nn.Module) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    config.save_pretrained(folder)
    torch.save(halved(network.state_dict()), folder / "pytorch_model.bin")
    return folder
