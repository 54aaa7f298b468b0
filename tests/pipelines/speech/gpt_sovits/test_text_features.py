from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertForMaskedLM, BertTokenizerFast

from pipelines.failure import CraftError
from pipelines.foreign_weights import convert
from pipelines.speech.gpt_sovits.text_features import TextFeatures

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"你好世界，。一二三", "voice", "##s"]
CONFIG = BertConfig(
    vocab_size=len(VOCABULARY),
    hidden_size=16,
    num_hidden_layers=5,
    num_attention_heads=2,
    intermediate_size=32,
    max_position_embeddings=20,
)


@pytest.fixture(scope="module")
def network() -> BertForMaskedLM:
    torch.manual_seed(0)
    return BertForMaskedLM(CONFIG).half().float().eval()


@pytest.fixture(scope="module", params=["tokenizer.json", "vocab.txt"])
def folder(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, network: BertForMaskedLM
) -> Path:
    """``pytorch_model.bin`` in half precision with the head of the masked language model, and what the studio makes of it."""
    folder = tmp_path_factory.mktemp("bert")
    CONFIG.save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY), encoding="utf-8")
    if request.param == "tokenizer.json":
        BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
        (folder / "vocab.txt").unlink()
        assert (folder / "tokenizer.json").exists()
    weights = {name: weight.half() for name, weight in network.state_dict().items()}
    for new, old in (("LayerNorm.weight", "LayerNorm.gamma"), ("LayerNorm.bias", "LayerNorm.beta")):
        weights = {name.replace(new, old): weight for name, weight in weights.items()}
    torch.save(weights, folder / "pytorch_model.bin")
    convert(folder / "pytorch_model.bin", folder / "model.safetensors")
    return folder


@pytest.fixture(scope="module")
def features(folder: Path) -> TextFeatures:
    return TextFeatures.load(folder)


def test_the_third_state_from_the_end_once_for_every_phoneme(
    features: TextFeatures, network: BertForMaskedLM
) -> None:
    text, word2ph = "你好，世界。", [2, 2, 1, 2, 2, 1]
    ids = torch.tensor([[2, *(VOCABULARY.index(c) for c in text), 3]])
    with torch.no_grad():
        states = network(ids, output_hidden_states=True).hidden_states[-3][0, 1:-1]
    told = features(text, word2ph)
    assert told.shape == (16, 10)
    expected = torch.cat([state.expand(n, -1) for state, n in zip(states, word2ph, strict=True)])
    torch.testing.assert_close(told.T, expected, atol=1e-5, rtol=1e-5)
    assert len(features.network.encoder.layer) == 3 and features.network.pooler is None


def test_characters_and_pieces_need_not_be_one_to_one(features: TextFeatures) -> None:
    """``voices`` is two pieces, an unknown sign is one, a space is nothing."""
    told = features("你 voices…好", [1] * 10)
    vectors = told.T
    assert float(vectors[1].abs().max()) == 0 and float(vectors[0].abs().max()) > 0
    assert all(torch.equal(vectors[2], vectors[i]) for i in range(3, 7))
    assert not torch.equal(vectors[6], vectors[7])
    assert float(vectors[9].abs().max()) > 0


@pytest.mark.parametrize(
    ("text", "word2ph", "words"),
    [("你" * 19, [1] * 19, "19 characters; at most 18"), ("你好", [1], "1 counts of phonemes for 2")],
)
def test_what_cannot_be_told_is_refused(
    features: TextFeatures, text: str, word2ph: list[int], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        features(text, word2ph)


def test_no_weight_is_made_up(tmp_path: Path, network: BertForMaskedLM) -> None:
    weights = {n: w for n, w in network.state_dict().items() if "layer.2.output.dense.weight" not in n}
    CONFIG.save_pretrained(tmp_path)
    torch.save(weights, tmp_path / "pytorch_model.bin")
    convert(tmp_path / "pytorch_model.bin", tmp_path / "model.safetensors")
    with pytest.raises(CraftError) as caught:
        TextFeatures.load(tmp_path)
    assert caught.value.code == "checkpoint_shapes"
    assert "layer.2.output.dense.weight" in caught.value.facts["name"]
