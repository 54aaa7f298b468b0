"""Across the wall: what the child refuses is a sentence here."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pipelines.failure import CraftError
from pipelines.foreign_weights import WeightLimits, convert, look_into
from studio.errors import from_craft
from tests.official_files import save_official


class Runs:
    def __init__(self, flag: Path) -> None:
        self.flag = flag

    def __reduce__(self) -> tuple:
        return os.system, (f"touch {self.flag}",)


def refused(path: Path, limits: WeightLimits | None = None) -> CraftError:
    with pytest.raises(CraftError) as caught:
        convert(path, path.with_suffix(".safetensors"), limits)
    for language in ("en", "zh"):
        assert str(from_craft(caught.value).sentence(language))
    return caught.value


def test_a_checkpoint_becomes_safetensors(tmp_path: Path) -> None:
    weights = {"a": torch.randn(3, 4).half(), "b": torch.arange(5)}
    path = save_official(tmp_path / "voice.pth", weights, {"model": {"layers": 2}}, "info", b"06")
    found = convert(path, tmp_path / "voice.safetensors")
    assert found.shapes == {"a": (3, 4), "b": (5,)}
    assert found.facts == {"config": {"model": {"layers": 2}}, "info": "info"}
    written = load_file(tmp_path / "voice.safetensors")
    assert all(torch.equal(written[name], tensor) for name, tensor in weights.items())
    assert look_into(path) == found


def test_refusals_cross_the_wall(tmp_path: Path) -> None:
    flag, path = tmp_path / "ran", tmp_path / "evil.pth"
    torch.save({"weight": {"a": torch.ones(1)}, "config": Runs(flag)}, path)
    error = refused(path)
    assert (error.code, error.facts) == ("checkpoint_unsafe", {"name": f"{os.system.__module__}.system"})
    assert not flag.exists()
    path.write_bytes(b"PK\x03\x04" + b"\0" * 100)
    assert refused(path).code == "checkpoint_broken"
    path.write_bytes(b"")
    assert refused(path).code == "checkpoint_unknown"
    save_official(path, {"a": torch.tensor([float("nan")])}, {}, "")
    assert refused(path).code == "checkpoint_not_finite"
    torch.save({"a": torch.ones(1)}, path, _use_new_zipfile_serialization=False)
    assert refused(path).code == "checkpoint_legacy"


def test_a_file_that_is_too_large_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "large.pth"
    with path.open("wb") as file:
        file.truncate(3 * 2**30)
    assert refused(path).code == "checkpoint_too_big"


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        convert(tmp_path / "none.pth", tmp_path / "none.safetensors")


def test_time_and_memory_have_an_end(tmp_path: Path) -> None:
    path = save_official(tmp_path / "wide.pth", {"w": torch.zeros(150 * 2**20, dtype=torch.uint8)}, {}, "")
    assert refused(path, WeightLimits(memory_bytes=300 * 2**20)).code in (
        "checkpoint_lies",
        "checkpoint_broken",
    )
    assert refused(path, WeightLimits(timeout_seconds=0.05)).code == "checkpoint_timeout"


def test_a_directory_of_a_million_entries(tmp_path: Path) -> None:
    path = tmp_path / "crowd.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", b"N.")
    crowd = path.read_bytes()
    directory = crowd[crowd.index(b"PK\x01\x02") : crowd.index(b"PK\x05\x06")]
    count = 1_000_000
    size, start = len(directory) * count, crowd.index(b"PK\x01\x02")
    end = b"PK\x06\x06" + (44).to_bytes(8, "little") + b"\x2d\0\x2d\0" + b"\0" * 8
    end += b"".join(n.to_bytes(8, "little") for n in (count, count, size, start))
    end += b"PK\x06\x07" + b"\0" * 4 + (start + size).to_bytes(8, "little") + (1).to_bytes(4, "little")
    end += b"PK\x05\x06" + b"\0" * 4 + b"\xff" * 12 + b"\0\0"
    with path.open("wb") as file:
        file.write(crowd[:start])
        for _ in range(count // 10_000):
            file.write(directory * 10_000)
        file.write(end)
    assert refused(path).code == "checkpoint_lies"


def test_every_refusal_has_its_sentences() -> None:
    texts = json.loads(Path("assets/i18n/errors_checkpoint.json").read_text(encoding="utf-8"))
    facts = dict.fromkeys(
        "name what version versions wanted number kind missing folder megabytes limit_megabytes limit_seconds".split(),
        1,
    )
    for key in texts:
        code = key.split(".")[1]
        for language in ("en", "zh"):
            assert "{" not in str(from_craft(CraftError(code, **facts)).sentence(language))
