"""Files that people bring, under whatever names."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from studio.errors import StudioError
from studio.store import recognition
from studio.store.catalogue import BASES, Base, BaseFile, Licence
from studio.store.recognition import recognise, stored_shapes
from tests.official_files import save_official

MIT = Licence("MIT", "https://example.org/mit")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def safetensors(path: Path, shapes: dict[str, tuple[int, ...]]) -> Path:
    """Only a header: recognition reads no more."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = {
        name: {"dtype": "F16", "shape": shape, "data_offsets": [0, 0]} for name, shape in shapes.items()
    }
    text = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    return path


def told(folder: Path, bases=BASES) -> tuple[dict[str, tuple[str, str]], list[str]]:
    matches, others = recognise(folder, bases.values(), sha256)
    named = {match.path.relative_to(folder).as_posix(): (match.base.id, match.file.path) for match in matches}
    return named, [path.relative_to(folder).as_posix() for path in others]


def unet(width: int) -> dict[str, tuple[int, ...]]:
    return {
        "conv_in.weight": (320, 4, 3, 3),
        "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight": (320, width),
    }


def test_a_folder_as_published(tmp_path: Path) -> None:
    for base in ("stable-diffusion-1.5", "stable-diffusion-2.1"):
        for file in BASES[base].files:
            path = tmp_path / "downloads" / base / file.path
            if file.shapes:
                safetensors(path, dict(file.shapes))
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("{}")
    found, others = told(tmp_path)
    assert others == []
    assert found == {
        f"downloads/{base}/{file.path}": (base, file.path)
        for base in ("stable-diffusion-1.5", "stable-diffusion-2.1")
        for file in BASES[base].files
    }


def test_names_say_nothing_where_tensors_do(tmp_path: Path) -> None:
    safetensors(tmp_path / "my painter.safetensors", unet(768))
    safetensors(tmp_path / "deep" / "unet" / "other.safetensors", unet(1024))
    safetensors(tmp_path / "w.bin", {"model.decoder.embed_tokens.weight": (51865, 768)})
    safetensors(tmp_path / "diffusion_pytorch_model.fp16.safetensors", {"conv_in.weight": (64, 4, 3, 3)})
    (tmp_path / "config.json").write_text("{}")
    found, others = told(tmp_path)
    assert found == {
        "my painter.safetensors": ("stable-diffusion-1.5", "unet/diffusion_pytorch_model.fp16.safetensors"),
        "deep/unet/other.safetensors": (
            "stable-diffusion-2.1",
            "unet/diffusion_pytorch_model.fp16.safetensors",
        ),
        "w.bin": ("whisper-small", "model.safetensors"),
        "config.json": ("whisper-small", "config.json"),
    }, "a configuration belongs to the weights beside it"
    assert others == ["diffusion_pytorch_model.fp16.safetensors"]


def test_official_archives_by_their_tensors_and_without_running_them(tmp_path: Path) -> None:
    def weights(**shapes: tuple[int, ...]) -> dict[str, torch.Tensor]:
        return {name.replace("__", "."): torch.zeros(shape).half() for name, shape in shapes.items()}

    gpt = {
        "model.ar_text_embedding.word_embeddings.weight": torch.zeros(732, 512).half(),
        "model.bert_proj.weight": torch.zeros(512, 1024).half(),
    }
    voice = weights(enc_p__text_embedding__weight=(732, 192), dec__cond__weight=(512, 512, 1))
    save_official(tmp_path / "base.pth", {**voice, **weights(enc_q__pre__weight=(192, 1025, 1))}, {}, "")
    save_official(tmp_path / "voice.pth", voice, {}, "8epoch_200iteration")
    save_official(tmp_path / "s1v3.ckpt", gpt, {}, "")
    save_official(tmp_path / "some gpt.ckpt", gpt, {}, "")
    ran = tmp_path / "ran"

    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(ran),)

    torch.save({"weight": {**gpt, "bomb": Bomb()}}, tmp_path / "bomb.ckpt")
    found, others = told(tmp_path)
    assert found == {
        "base.pth": ("gpt-sovits-v2", "gsv-v2final-pretrained/s2G2333k.pth"),
        "s1v3.ckpt": ("gpt-sovits-pro-parts", "s1v3.ckpt"),
    }, "two semantic models have the same shapes; only the name tells them apart"
    assert others == ["bomb.ckpt", "some gpt.ckpt", "voice.pth"], "somebody's voice is no base for others"
    assert not ran.exists()


def test_a_painter_of_somebodys_own_is_not_taken_apart(tmp_path: Path) -> None:
    """Saved without the ``fp16`` of the published names, it has the shapes of Stable Diffusion 1.5 all the same."""
    everything = set()
    for file in BASES["stable-diffusion-1.5"].files:
        path = tmp_path / "mine" / file.path.replace(".fp16", "")
        safetensors(path, dict(file.shapes))
        everything.add(path.relative_to(tmp_path).as_posix())
    found, others = told(tmp_path)
    assert (found, set(others)) == ({}, everything)


def test_what_only_bears_the_name(tmp_path: Path) -> None:
    """A pointer that git left in the place of weights, and what other models call the same."""
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 126000000\n"
    z_image = BASES["z-image-turbo"].files
    names = ["v2Pro/s2Dv2Pro.pth", "pytorch_lora_weights.safetensors"]
    names += [file.path for file in z_image if file.path.startswith("transformer/diffusion")]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(pointer)
    found, others = told(tmp_path)
    assert found == {}
    assert sorted(others) == sorted(names)


def test_another_hubert_is_not_the_one_that_was_published(tmp_path: Path) -> None:
    english = {"encoder.layers.11.attention.k_proj.weight": (768, 768)}
    safetensors(tmp_path / "chinese-hubert-base" / "pytorch_model.bin", english)
    safetensors(tmp_path / "vec.bin", {**english, "final_proj.weight": (256, 768)})
    assert told(tmp_path) == (
        {"vec.bin": ("content-vec", "pytorch_model.bin")},
        ["chinese-hubert-base/pytorch_model.bin"],
    )


def test_half_a_copy_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_file({"model.decoder.embed_tokens.weight": torch.zeros(51865, 768).half()}, path)
    assert told(tmp_path)[0] == {"model.safetensors": ("whisper-small", "model.safetensors")}
    os.truncate(path, path.stat().st_size - 1)
    assert told(tmp_path) == ({}, ["model.safetensors"])


def test_what_programs_hide_is_passed_over(tmp_path: Path) -> None:
    safetensors(tmp_path / ".git" / "lfs" / "0f", {"model.decoder.embed_tokens.weight": (51865, 768)})
    (tmp_path / ".DS_Store").write_text("?")
    assert told(tmp_path) == ({}, [])


def test_a_known_hash_stands_above_everything(tmp_path: Path) -> None:
    content = b"weights" * 100
    known = Base(
        "known",
        "speech",
        "maker/known",
        MIT,
        1,
        True,
        (BaseFile("a.pth", 700, hashlib.sha256(content).hexdigest()), BaseFile("b.pth", 700)),
    )
    (tmp_path / "b.pth").write_bytes(content)
    (tmp_path / "c.pth").write_bytes(content[::-1])
    matches, others = recognise(tmp_path, [known], sha256)
    assert [(match.path.name, match.file.path, match.sha256) for match in matches] == [
        ("b.pth", "a.pth", known.files[0].sha256)
    ]
    assert [path.name for path in others] == ["c.pth"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x08",
        bytes(8) + b"{",
        b"\xff" * 8 + b"{",
        (47).to_bytes(8, "little") + b'{"a": {"shape": [1e999], "data_offsets":[0,0]}}',
        (2**19).to_bytes(8, "little") + b"{" + b"[" * 2**19,
        (20).to_bytes(8, "little") + b'{"a": {"shape": 3}}',
        (30).to_bytes(8, "little") + b'{"a": {"shape": ["x"]}}       ',
        (10).to_bytes(8, "little") + b"{not json ",
        b"PK\x03\x04 but no archive",
    ],
)
def test_broken_files_are_strangers(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    assert stored_shapes(path) == {}
    assert told(tmp_path) == ({}, ["x.safetensors"])


def test_links_and_crowds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    safetensors(tmp_path / "secret.safetensors", unet(768))
    (tmp_path / "here" / "link.safetensors").symlink_to(tmp_path / "secret.safetensors")
    (tmp_path / "here" / "round").symlink_to(tmp_path / "here", target_is_directory=True)
    assert told(tmp_path / "here") == ({}, [])
    monkeypatch.setattr(recognition, "MAX_FILES", 3)
    for index in range(4):
        (tmp_path / "here" / f"{index}").write_text("x")
    with pytest.raises(StudioError, match="incoming_too_many"):
        told(tmp_path / "here")
