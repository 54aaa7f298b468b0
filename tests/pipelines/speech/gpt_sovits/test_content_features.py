from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import HubertConfig, HubertModel

from pipelines.failure import CraftError
from pipelines.foreign_weights import convert
from pipelines.speech.gpt_sovits.content_features import ContentFeatures

CONFIG = HubertConfig(
    hidden_size=24,
    num_hidden_layers=3,
    num_attention_heads=2,
    intermediate_size=32,
    conv_dim=(8,) * 7,
    num_conv_pos_embeddings=16,
    num_conv_pos_embedding_groups=2,
)


@pytest.fixture(scope="module")
def network() -> HubertModel:
    torch.manual_seed(0)
    network = HubertModel(CONFIG)
    return network.half().float().eval()  # as the official file rounds it


def official_names(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The file was written when weight norm was no parametrization."""
    old = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
    for new, name in old.items():
        weights = {key.replace(new, name): weight for key, weight in weights.items()}
    return weights


def official_folder(folder: Path, weights: dict[str, Tensor]) -> Path:
    """``pytorch_model.bin`` in half precision, and what the studio makes of it."""
    CONFIG.save_pretrained(folder)
    torch.save({name: weight.half() for name, weight in weights.items()}, folder / "pytorch_model.bin")
    convert(folder / "pytorch_model.bin", folder / "model.safetensors")
    return folder


def test_the_official_file_gives_the_last_layer(tmp_path: Path, network: HubertModel) -> None:
    features = ContentFeatures.load(official_folder(tmp_path, official_names(network.state_dict())))
    wave = torch.randn(8000, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = network(wave[None], output_hidden_states=True).hidden_states[-1].transpose(1, 2)
    heard = features(wave)
    assert heard.shape == (1, 24, 24)  # 50 a second, the last one not whole
    torch.testing.assert_close(heard, expected, atol=1e-5, rtol=1e-5)
    assert {weight.dtype for weight in features.network.parameters()} == {torch.float32}


def test_a_reference_is_heard_with_the_silence_behind_it(tmp_path: Path, network: HubertModel) -> None:
    features = ContentFeatures.load(official_folder(tmp_path, network.state_dict()))
    wave = torch.randn(4000, generator=torch.Generator().manual_seed(1))
    assert torch.equal(features.of_reference(wave), features(torch.cat([wave, torch.zeros(9600)])))


def test_no_weight_is_made_up(tmp_path: Path, network: HubertModel) -> None:
    weights = official_names(network.state_dict())
    del weights["encoder.layers.1.attention.k_proj.weight"]
    with pytest.raises(CraftError) as caught:
        ContentFeatures.load(official_folder(tmp_path, weights))
    assert caught.value.code == "checkpoint_shapes"
    assert caught.value.facts == {"name": "encoder.layers.1.attention.k_proj.weight"}


def test_a_weight_of_another_shape_is_refused(tmp_path: Path, network: HubertModel) -> None:
    weights = official_names(network.state_dict())
    weights["feature_projection.projection.weight"] = torch.zeros(24, 9)
    with pytest.raises(CraftError) as caught:
        ContentFeatures.load(official_folder(tmp_path, weights))
    assert caught.value.facts == {"name": "feature_projection.projection.weight"}
