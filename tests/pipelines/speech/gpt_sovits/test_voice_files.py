from __future__ import annotations

import math
import shutil
import tempfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from models.foreign_checkpoints import ForeignCheckpoint
from pipelines.failure import CraftError
from pipelines.speech.gpt_sovits.bases import Bases
from pipelines.speech.gpt_sovits.voice_files import VoiceFiles
from pipelines.speech.gpt_sovits.weights import OfficialWeights, build, read_weights
from pipelines.speech.voice import Voice
from tests.official_files import (
    SOVITS_CONFIG,
    TEXT2SEMANTIC_CONFIG,
    save_official,
    small_sovits,
    small_text2semantic,
)

GOLDEN = Path(__file__).resolve().parents[3] / "golden"
MARKS = {"v2": b"PK", "v2Pro": b"05", "v2ProPlus": b"06"}
ENGINES = {"v2": "gpt_sovits_v2", "v2Pro": "gpt_sovits_v2pro", "v2ProPlus": "gpt_sovits_v2proplus"}


@pytest.fixture
def files(small_models: Path) -> VoiceFiles:
    return VoiceFiles(small_models / "gpt_sovits")


def loaded(path: Path, tmp_path: Path) -> dict:
    """As the reference opens it: ``PK`` put back, then torch; nothing but tensors and plain data is in our files."""
    restored = tmp_path / "restored"
    restored.write_bytes(b"PK" + path.read_bytes()[2:])
    return torch.load(restored, weights_only=True)


def same(found: dict, expected: dict) -> bool:
    return found.keys() == expected.keys() and all(
        torch.equal(found[name], tensor) and found[name].dtype == tensor.dtype
        for name, tensor in expected.items()
    )


@pytest.mark.parametrize("version", MARKS)
def test_a_voice_leaves_as_it_came(tmp_path: Path, files: VoiceFiles, version: str) -> None:
    gpt = small_text2semantic(tmp_path / "ann-e15.ckpt")
    sovits = small_sovits(tmp_path / "ann_e8_s100.pth", version)
    assert sovits.read_bytes()[:2] == MARKS[version]
    voice = files.read([sovits, gpt], tmp_path / "voice.safetensors")  # in either order
    assert voice.engine == ENGINES[version] and voice.facts["version"] == version
    out = tmp_path / "out"
    out.mkdir()
    written = files.write(Voice.load(tmp_path / "voice.safetensors"), out)
    assert [path.name for path in written] == ["voice.ckpt", "voice.pth"]
    assert written[1].read_bytes()[:2] == MARKS[version] and written[0].read_bytes()[:2] == b"PK"
    first, second = (loaded(path, tmp_path) for path in written)
    assert same(first["weight"], torch.load(gpt, weights_only=True)["weight"])
    assert first["config"] == TEXT2SEMANTIC_CONFIG and first["info"] == "GPT-e15"
    assert second["config"] == SOVITS_CONFIG and second["info"] == "8epoch_1234iteration"
    again = files.read(written, tmp_path / "again.safetensors")
    assert again.facts["weights"] == voice.facts["weights"]
    assert same(
        Voice.load(tmp_path / "again.safetensors").tensors, Voice.load(tmp_path / "voice.safetensors").tensors
    )
    assert sum(path.stat().st_size for path in written) < 1.2 * (gpt.stat().st_size + sovits.stat().st_size)


def test_the_reference_program_s_own_containers(tmp_path: Path, files: VoiceFiles) -> None:
    """Sizes differ, so they make no voice together; each is read and recognised all the same."""
    for name, version in (("s2_v2_small_half.pth", "v2"), ("s2_v2Pro_small_half.pth", "v2Pro")):
        with pytest.raises(
            CraftError, match="checkpoint_shapes"
        ) as caught:  # a codebook of 64 for 1024 tokens
            files.read([GOLDEN / name, GOLDEN / "s1_small_half.ckpt"], tmp_path / "v.safetensors")
        assert caught.value.facts == {"name": "quantizer"}, version


def test_an_instant_voice_leaves_with_the_weights_of_its_base(
    tmp_path: Path, files: VoiceFiles, small_models: Path
) -> None:
    voice = Voice("gpt_sovits_v2", {"style": torch.ones(1, 16, 1)}, {"base": "x"})
    _, sovits = files.write(voice, tmp_path)
    base = Bases(small_models / "gpt_sovits").parts("v2").sovits
    assert same(loaded(sovits, tmp_path)["weight"], dict(read_weights(base.weights()).tensors))


def test_an_adapter_is_merged(tmp_path: Path, files: VoiceFiles) -> None:
    gpt, sovits = small_text2semantic(tmp_path / "a.ckpt"), small_sovits(tmp_path / "a.pth")
    files.read([gpt, sovits], tmp_path / "voice.safetensors")
    brought = Voice.load(tmp_path / "voice.safetensors")
    module, torch_seed = "enc_p.encoder_text.ffn_layers.0.conv_1", 5
    weight = brought.tensors[f"sovits.{module}.weight"]
    torch.manual_seed(torch_seed)
    a, b = torch.randn(2, weight[0].numel()), torch.randn(weight.shape[0], 2)
    adapter = {f"sovits.{module}.lora_A": a, f"sovits.{module}.lora_B": b}
    out = tmp_path / "out"
    out.mkdir()
    _, path = files.write(brought.joined(Voice(brought.engine, adapter, {"lora_scale": 0.5})), out)
    merged = loaded(path, tmp_path)["weight"]
    assert not any("lora" in name for name in merged)
    expected = (weight.float() + 0.5 * (b @ a).view_as(weight)).half()
    assert torch.equal(merged[f"{module}.weight"], expected)
    others = {name: t for name, t in merged.items() if name != f"{module}.weight"}
    assert all(torch.equal(t, brought.tensors[f"sovits.{name}"]) for name, t in others.items())


# What makes no voice


def refused(files: VoiceFiles, paths: list[Path], folder: Path) -> CraftError:
    with pytest.raises(CraftError) as caught:
        files.read(paths, folder / "voice.safetensors")
    assert not (folder / "voice.safetensors").exists()
    return caught.value


def test_files_that_make_no_pair(tmp_path: Path, files: VoiceFiles) -> None:
    gpt, sovits = small_text2semantic(tmp_path / "a.ckpt"), small_sovits(tmp_path / "a.pth")
    assert refused(files, [gpt], tmp_path).facts == {"missing": "SoVITS (.pth)"}
    assert refused(files, [sovits], tmp_path).facts == {"missing": "GPT (.ckpt)"}
    assert refused(files, [], tmp_path).code == "checkpoint_alone"
    twice = refused(files, [gpt, gpt], tmp_path)
    assert (twice.code, twice.facts["number"], twice.facts["wanted"]) == (
        "checkpoint_kind",
        2,
        "SoVITS (.pth)",
    )
    assert refused(files, [gpt, sovits, sovits], tmp_path).code == "checkpoint_kind"
    critic = save_official(tmp_path / "d.pth", {"discriminators.0.convs.0.weight_v": torch.ones(1)}, {}, "")
    assert refused(files, [gpt, critic], tmp_path).facts["kind"] == "discriminator"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[OfficialWeights, OfficialWeights]:
    """A GPT and a SoVITS that fit together."""
    folder = tmp_path_factory.mktemp("pair")
    return opened(small_text2semantic(folder / "a.ckpt")), opened(small_sovits(folder / "a.pth"))


def opened(path: Path) -> OfficialWeights:
    target = path.with_suffix(".safetensors")
    with ForeignCheckpoint(path) as file:
        file.write_safetensors(target)
        return OfficialWeights(load_file(target), file.contents.facts)


@pytest.mark.parametrize(
    ("weights", "name"),
    [
        ({"model.h.layers.0.linear1.weight": torch.ones(3, 3)}, "model.h.layers.0.linear1.weight"),
        ({"model.h.layers.1.norm1.bias": None}, "model.h.layers.1.norm1.bias"),
        ({"model.bert_proj.weight": torch.ones(5)}, None),
        ({"model.ar_audio_embedding.word_embeddings.weight": torch.ones(0, 16)}, None),
        ({"model.extra.weight": torch.ones(2)}, "model.extra.weight"),
    ],
)
def test_weights_of_the_wrong_shape(pair: tuple, weights: dict, name: str | None) -> None:
    gpt, sovits = pair
    tensors = {key: tensor for key, tensor in (gpt.tensors | weights).items() if tensor is not None}
    with pytest.raises(CraftError, match="checkpoint_shapes") as caught:
        build(OfficialWeights(tensors, gpt.facts), sovits)
    assert name is None or caught.value.facts["name"] == name


@pytest.mark.parametrize(
    ("name", "lie"),
    [
        *(("n_layer", lie) for lie in (10**9, -1, None, {"a": 1})),
        *(("hidden_dim", lie) for lie in (10**12, 0, math.pi, "many")),
        *(("head", lie) for lie in (0, 7, -2, [1])),
        ("EOS", None),
        ("vocab_size", [1025]),
    ],
)
def test_settings_that_lie_about_the_gpt(pair: tuple, name: str, lie: object) -> None:
    """Sizes come from the weights: what the settings say costs nothing, and nothing is built by it."""
    settings = {**TEXT2SEMANTIC_CONFIG, "model": {**TEXT2SEMANTIC_CONFIG["model"], name: lie}}
    try:
        build(OfficialWeights(pair[0].tensors, {"config": settings}), pair[1])
    except CraftError as error:
        assert error.code == "checkpoint_shapes"


@pytest.mark.parametrize(
    ("name", "lie"),
    [
        *(("upsample_rates", lie) for lie in ([10, 8, 2, 2, 2**40], [], [640.5], None, [-10, -8, 2, 2, 2])),
        *(("resblock_dilation_sizes", lie) for lie in ([[10**9] * 3] * 3, 5, [["a"]], [])),
        *(("p_dropout", lie) for lie in (17.0, "much")),
        ("resblock", "2"),
        ("n_layers", 10**9),
    ],
)
def test_settings_that_lie_about_the_sovits(pair: tuple, name: str, lie: object) -> None:
    settings = {**SOVITS_CONFIG, "model": {**SOVITS_CONFIG["model"], name: lie}}
    try:
        build(pair[0], OfficialWeights(pair[1].tensors, {"config": settings}))
    except CraftError as error:
        assert error.code == "checkpoint_shapes"


@pytest.mark.parametrize(
    "facts", [{}, *({"config": lie} for lie in ({}, {"model": None}, None, "text", [1]))]
)
def test_no_settings_at_all(pair: tuple, facts: dict) -> None:
    with pytest.raises(CraftError, match="checkpoint_shapes"):
        build(OfficialWeights(pair[0].tensors, facts), pair[1])
    with pytest.raises(CraftError, match="checkpoint_shapes"):
        build(pair[0], OfficialWeights(pair[1].tensors, facts))


def test_tokens_that_the_codebook_does_not_have(pair: tuple) -> None:
    with pytest.raises(CraftError, match="checkpoint_shapes"):
        build(pair[0], opened_golden("s2_v2_small_half.pth"))


def opened_golden(name: str) -> OfficialWeights:
    with tempfile.TemporaryDirectory() as folder:
        return opened(Path(shutil.copy(GOLDEN / name, folder)))
