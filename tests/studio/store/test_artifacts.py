from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from studio.errors import StudioError
from studio.store.artifacts import RESERVE_BYTES, Artifacts


@pytest.fixture
def artifacts(tmp_path: Path) -> Artifacts:
    return Artifacts(tmp_path)


def files(artifacts: Artifacts) -> list[str]:
    return sorted(path.name for path in artifacts.home.rglob("*") if path.is_file())


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_old_or_new_never_half(
    artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch, step: str, code: int
) -> None:
    path = artifacts.take("ab" * 32)
    artifacts.write(path, b"old")

    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(StudioError if code == errno.ENOSPC else OSError) as caught:
        artifacts.write(path, b"new")
    assert code == errno.EIO or caught.value.code == "disk_full"
    assert path.read_bytes() == b"old"
    assert files(artifacts) == [path.name]


def test_a_writer_that_fails_leaves_no_file(artifacts: Artifacts) -> None:
    def half(path: Path) -> None:
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        artifacts.replace(artifacts.take("ab" * 32), half)
    assert files(artifacts) == []


def test_sweep_removes_what_nobody_knows(artifacts: Artifacts) -> None:
    known, stray = artifacts.take("aa" * 32), artifacts.take("bb" * 32)
    torn = known.with_name(known.name + ".xyz.tmp")
    for path in (known, stray, torn):
        artifacts.write(path, b"")
    other = artifacts.home / "studio.db"
    other.write_bytes(b"")
    assert artifacts.sweep(lambda path: path in (known, torn)) == 2
    assert files(artifacts) == sorted([known.name, "studio.db"])
    assert not stray.parent.exists()


def test_remove_is_content_with_nothing(artifacts: Artifacts) -> None:
    artifacts.write(artifacts.job("j") / "checkpoint", b"")
    for _ in range(2):
        artifacts.remove(artifacts.job("j"))
    artifacts.remove(artifacts.take("aa" * 32))
    assert files(artifacts) == []


def test_the_reserve_is_kept_once_and_spent_once(
    artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not artifacts.spend_reserve()
    for _ in range(2):
        artifacts.keep_reserve()
    assert [path.stat().st_size for path in artifacts.home.iterdir()] == [RESERVE_BYTES]
    assert artifacts.spend_reserve() and not artifacts.spend_reserve()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    artifacts.keep_reserve()  # no room for it is no error
    assert files(artifacts) == []
