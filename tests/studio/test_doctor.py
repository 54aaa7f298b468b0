"""Every illness is named, with a way to mend it."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import struct
import sys
from pathlib import Path

import pytest

from studio import doctor
from studio.doctor import Finding
from studio.language import catalogue, languages
from studio.launch import listen
from tests.official_files import small_bases


def probe(printed: str, error: str = "", status: int = 0) -> list[str]:
    program = f"import sys; print({printed!r}); sys.stderr.write({error!r}); sys.exit({status})"
    return [sys.executable, "-c", program]


def pair(**changes: object) -> str:
    found = {
        "torch": "2.11.0+cu130",
        "torchaudio": "2.11.0+cu130",
        "built_for": "13.0",
        "gpu": None,
        "gpu_gb": 0,
    }
    return json.dumps({**found, **changes})


def keys(findings: object) -> list[str]:
    return [finding.key for finding in findings]


@pytest.mark.parametrize(
    ("version", "word", "key"),
    [
        ((3, 11, 0), 2**63 - 1, "python.good"),
        ((3, 12, 9), 2**63 - 1, "python.good"),
        ((3, 10, 4), 2**63 - 1, "python.unfit"),
        ((3, 14, 0), 2**63 - 1, "python.unfit"),
        ((3, 11, 0), 2**31 - 1, "python.unfit"),
    ],
)
def test_python(version: tuple[int, int, int], word: int, key: str) -> None:
    assert doctor.python(version, word).key == key


def test_packages(tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("# why\npytest>=1  # tests\n\nno-such-package-here>=1\nnumpy<0.1\n")
    missing, unfit = doctor.packages(requirements)
    assert (missing.key, missing.facts["names"]) == ("packages.missing", "no-such-package-here")
    assert unfit.key == "packages.unfit" and unfit.facts["names"].startswith("numpy ")
    requirements.write_text("pytest>=1\n")
    assert keys(doctor.packages(requirements)) == ["packages.good"]


def test_this_installation_is_the_tested_one() -> None:
    assert keys(doctor.packages(doctor.ROOT / "requirements.txt")) == ["packages.good"]


def test_torch_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    assert keys(doctor.torch_pair(probe(pair()))) == ["torch.good", "gpu.none"]
    assert keys(doctor.torch_pair(probe(pair(gpu="H200", gpu_gb=140)))) == ["torch.good", "gpu.found"]
    assert keys(doctor.torch_pair(probe(pair(torch="2.13.0+cpu"))))[0] == "torch.mismatch"
    (broken,) = doctor.torch_pair(probe("", "Traceback\nOSError: Could not load this library", 1))
    assert (broken.key, broken.facts["reason"]) == ("torch.broken", "OSError: Could not load this library")
    assert re.fullmatch(r"torch==(\S+) torchaudio==\1", broken.facts["pins"])
    (killed,) = doctor.torch_pair([sys.executable, "-c", "import os; os.abort()"])
    assert killed.key == "torch.broken"
    monkeypatch.setattr(doctor.shutil, "which", lambda name: f"/usr/bin/{name}")
    assert keys(doctor.torch_pair(probe(pair()))) == ["torch.good", "gpu.unused"]


def test_memory() -> None:
    assert doctor.memory_bytes() > 2**28
    assert doctor.memory(2**34).key == "memory.enough"
    assert doctor.memory(2**31).key == "memory.little"
    assert doctor.memory(None).key == "memory.unknown"


def test_chinese_font(tmp_path: Path) -> None:
    assert doctor.chinese_font((tmp_path, tmp_path / "nowhere")).key == "font.missing"
    (tmp_path / "DejaVuSans.ttf").touch()
    assert doctor.chinese_font((tmp_path,)).key == "font.missing"
    (tmp_path / "noto").mkdir()
    (tmp_path / "noto" / "NotoSansCJK-Regular.ttc").touch()
    assert doctor.chinese_font((tmp_path,)).facts["font"] == "NotoSansCJK-Regular.ttc"


def weights(length: int = 16) -> bytes:
    header = json.dumps(
        {"__metadata__": {}, "w": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}
    ).encode()
    return struct.pack("<Q", len(header)) + header + bytes(length)


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (weights(), "assets.good"),
        (weights(15), "assets.broken"),
        (weights()[:20], "assets.broken"),
        (b"", "assets.broken"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "assets.broken"),
    ],
)
def test_assets(tmp_path: Path, content: bytes, key: str) -> None:
    assert doctor.assets(tmp_path).key == "assets.missing"
    (tmp_path / "starter").mkdir()
    (tmp_path / "starter" / "base.safetensors").write_bytes(content)
    assert doctor.assets(tmp_path).key == key


def test_disk(tmp_path: Path) -> None:
    assert [doctor.disk(tmp_path, free).level for free in (2**34, 2**30, 2**20)] == ["good", "note", "bad"]


def test_pronunciations(tmp_path: Path) -> None:
    assert doctor.pronunciations(tmp_path).key == "pronunciations.none"
    path = tmp_path / "pronunciations.txt"
    path.write_text("cat K AE1 T\n", encoding="utf-8")
    assert doctor.pronunciations(tmp_path).facts["count"] == 1
    path.write_text("cat K AE1 T\n重庆 chong\n", encoding="utf-8")
    finding = doctor.pronunciations(tmp_path)
    assert (finding.level, finding.key) == ("note", "pronunciations.unread")
    assert "2: 重庆 chong" in "\n".join(finding.lines("en", plain=True))


def test_database(tmp_path: Path) -> None:
    assert doctor.database(tmp_path).key == "database.new"
    path = tmp_path / "studio.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE voices (id TEXT)")
        connection.executemany("INSERT INTO voices VALUES (?)", [("x" * 900,)] * 50)
    connection.close()
    assert doctor.database(tmp_path).key == "database.good"
    content = bytearray(path.read_bytes())
    content[4096:8192] = b"\x55" * 4096
    path.write_bytes(content)
    assert doctor.database(tmp_path).key == "database.broken"
    path.write_bytes(b"not a database at all" * 100)
    assert doctor.database(tmp_path).key == "database.broken"


def test_port() -> None:
    with listen("127.0.0.1", 0) as listener:
        number = listener.getsockname()[1]
        listener.close()
        assert doctor.port("127.0.0.1", number, "en").key == "port.free"
    with listen("127.0.0.1", 0) as listener:
        taken = doctor.port("127.0.0.1", listener.getsockname()[1], "zh")
    assert taken.level == "bad"
    assert "端口" in taken.facts["reason"]


def test_every_finding_can_be_said() -> None:
    source = Path(doctor.__file__).read_text(encoding="utf-8")
    said = {key.removeprefix("doctor.") for key in catalogue() if key.startswith("doctor.")}
    for key in said - {"title", "sick", "healthy"}:
        assert f'"{key.removesuffix(".mend")}"' in source, f"nothing says doctor.{key}"


def test_what_a_person_reads(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    ill = Finding("bad", "disk.full", {"home": "/voices", "free": 0.01, "wanted": 2})
    for language in languages:
        monkeypatch.setattr(
            doctor, "examine", lambda overrides, language: iter([ill, Finding("good", "ffmpeg.found")])
        )
        assert doctor.run_doctor({}, language) == 1
        printed = capsys.readouterr().out
        assert "/voices" in printed and "VOXTALE_HOME=" in printed
        monkeypatch.setattr(
            doctor, "examine", lambda overrides, language: iter([Finding("note", "ffmpeg.missing")])
        )
        assert doctor.run_doctor({}, language) == 0
    assert "不用处理" in capsys.readouterr().out


def test_a_whole_examination(tmp_path: Path) -> None:
    findings = list(doctor.examine({"home": tmp_path / "library", "port": 0}, "en"))
    assert {finding.key.split(".")[0] for finding in findings} == {
        "python", "packages", "torch", "gpu", "memory", "font", "ffmpeg", "assets", "disk", "database", "pronunciations", "port",
    }  # fmt: skip
    for finding in findings:
        for language in languages:
            assert all(line.strip() for line in finding.lines(language, plain=False))


def test_files_of_gpt_sovits_that_cannot_speak_are_named(tmp_path: Path) -> None:
    assert keys(doctor.speech_models(tmp_path, "en")) == []
    small_bases(tmp_path)
    assert [(one.key, one.facts["version"]) for one in doctor.speech_models(tmp_path, "en")] == [
        ("models.complete", "v2")
    ]
    shutil.rmtree(tmp_path / "chinese-hubert-base")
    (tmp_path / "mine.pth").write_bytes(b"no weights")
    refused, missing = doctor.speech_models(tmp_path, "zh")
    assert refused.key == missing.key == "models.left_out"
    assert refused.facts["name"] == "models/gpt_sovits/mine.pth"
    assert "chinese-hubert-base" in missing.facts["reason"]
    shutil.rmtree(tmp_path / "v2")
    assert "SoVITS v2" in list(doctor.speech_models(tmp_path, "en"))[1].facts["reason"]
