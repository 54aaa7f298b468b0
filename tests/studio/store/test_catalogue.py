from __future__ import annotations

import re

import pytest

from studio.language import catalogue
from studio.store.catalogue import BASES, CRAFTS, Base

ALL = pytest.mark.parametrize("base", BASES.values(), ids=lambda base: base.id)


@ALL
def test_a_base_is_described_and_leads_to_its_licence(base: Base) -> None:
    assert base.craft in CRAFTS
    assert base.licence.url.startswith("https://")
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", base.repository)
    assert base.memory_bytes > 10**8
    for part in ("name", "about"):
        assert set(catalogue()[f"base.{base.id}.{part}"]) == {"en", "zh"}


@ALL
def test_its_folder_and_files_are_plain_names(base: Base) -> None:
    assert re.fullmatch(r"[a-z0-9][a-z0-9.-]{0,63}", base.id)
    assert base.id != "incoming"
    paths = [file.path for file in base.files]
    assert len(set(paths)) == len(paths)
    for path in paths:
        assert re.fullmatch(r"[\w][\w.=-]*(/[\w][\w.=-]*)*", path), path
        assert ".." not in path
    for file in base.files:
        assert file.bytes > 0
        assert file.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", file.sha256)


@ALL
def test_what_it_needs_is_there_and_needs_nothing_more(base: Base) -> None:
    needs = set(base.needs)
    for needed in base.needs:
        assert set(BASES[needed].needs) <= needs


def test_families_share_a_folder_without_sharing_files() -> None:
    places = [(base.folder, file.path) for base in BASES.values() for file in base.files]
    assert len(set(places)) == len(places)
    assert {base.folder for base in BASES.values() if base.family_folder} == {"gpt_sovits"}
    assert "gpt_sovits" not in BASES


def test_a_hash_belongs_to_one_file() -> None:
    hashes = [file.sha256 for base in BASES.values() for file in base.files if file.sha256]
    assert len(set(hashes)) == len(hashes) > 15
