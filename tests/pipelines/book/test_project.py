from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines.book.exports import export
from pipelines.book.exports.project import ProjectLimits, open_project
from pipelines.failure import CraftError
from tests.pipelines.book.samples import picture, sample_book


@pytest.fixture
def project(tmp_path: Path) -> Path:
    export(sample_book("zh", pages=2), "project", tmp_path / "book.voxtale.zip")
    return tmp_path / "book.voxtale.zip"


def refused(path: Path, limits: ProjectLimits = ProjectLimits()) -> CraftError:  # noqa: B008
    with pytest.raises(CraftError) as caught:
        open_project(path, limits)
    return caught.value


def rewritten(path: Path, change: dict[str, bytes | None], **more: bytes) -> Path:
    """The archive again with some entries replaced, removed (None) or added."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    entries = {name: data for name, data in {**entries, **change, **more}.items() if data is not None}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def described(path: Path) -> dict:
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("book.json"))


def with_description(path: Path, **change: object) -> Path:
    return rewritten(path, {"book.json": json.dumps({**described(path), **change}).encode()})


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("narrated", [True, False])
def test_a_project_opens_again_as_the_same_book(tmp_path: Path, language: str, narrated: bool) -> None:
    book = replace(
        sample_book(language, narrated=narrated), cover=picture(3, alt_text="cover"), made_on=date(2026, 5, 4)
    )
    export(book, "project", tmp_path / "one.zip")
    opened = open_project(tmp_path / "one.zip")
    for page, original in zip(opened.pages, book.pages, strict=True):
        assert (page.text, page.sentences, page.picture) == (
            original.text,
            original.sentences,
            original.picture,
        )
        if narrated:
            assert np.abs(page.narration.wave - original.narration.wave).max() < 1 / 32000
    assert replace(opened, pages=book.pages) == book
    export(opened, "project", tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    names = zipfile.ZipFile(tmp_path / "one.zip").namelist()
    assert ("captions.srt" in names) == narrated


@pytest.mark.parametrize(
    "name", ["../evil.png", "/etc/passwd", "pictures/../../x.png", "C:\\x.png", "run.sh"]
)
def test_strange_names_are_refused(project: Path, name: str) -> None:
    error = refused(rewritten(project, {name: b"x"}))
    assert error.code == "book_project_unsafe" and error.facts["entry"] == name


def test_a_bomb_is_refused_before_it_is_unpacked(project: Path) -> None:
    error = refused(rewritten(project, {"pictures/bomb.png": bytes(30 * 2**20)}))
    assert error.code == "book_project_unsafe" and error.facts["entry"] == "pictures/bomb.png"


def test_too_much_is_refused(project: Path) -> None:
    assert refused(project, ProjectLimits(max_bytes=1000)).code == "book_project_too_big"
    assert refused(project, ProjectLimits(max_entry_bytes=1000)).code == "book_project_too_big"
    assert refused(project, ProjectLimits(max_entries=3)).code == "book_project_unsafe"
    assert refused(project, ProjectLimits(max_pages=1)).code == "book_project_unsafe"


def test_a_part_serves_one_page(project: Path) -> None:
    pages = described(project)["pages"]
    error = refused(with_description(project, pages=[pages[0]] * 500))
    assert error.code == "book_project_broken" and error.facts["entry"] == pages[0]["picture"]["file"]


def test_a_picture_too_large_to_hold_is_refused(project: Path) -> None:
    huge = io.BytesIO()
    Image.new("1", (8192, 4096)).save(huge, "PNG")
    error = refused(rewritten(project, {"pictures/page-002.png": huge.getvalue()}))
    assert error.code == "book_picture_broken" and error.facts["page"] == 2


def test_links_and_twins_are_refused(project: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(project, "a") as archive:
        link = zipfile.ZipInfo("pictures/link.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    assert refused(project).code == "book_project_unsafe"
    twins = tmp_path / "twins.zip"
    with zipfile.ZipFile(twins, "w") as archive:
        archive.writestr("book.json", "{}")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("book.json", "{}")
    assert refused(twins).code == "book_project_unsafe"


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04" + b"\0" * 60])
def test_other_files_are_no_projects(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    assert refused(tmp_path / "file").code == "book_project_foreign"


def test_other_archives_are_no_projects(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("book.json", '{"kind": "something else"}')
    assert refused(tmp_path / "a.zip").code == "book_project_foreign"


def test_a_newer_project_says_so(project: Path) -> None:
    error = refused(with_description(project, version=2))
    assert (error.code, error.facts) == ("book_project_newer", {"version": "2", "known": 1})


@pytest.mark.parametrize(
    "change",
    [
        {"pages": []},
        {"pages": 5},
        {"title": None},
        {"made_on": "yesterday"},
        {"tags": []},
        {"pages": [{"text": "x", "picture": None, "narration": None, "sentences": [{"text": "y"}]}]},
        {"plan": "none"},
        {"cover": "x"},
        {"title": "\ud800"},
        {"voice": "\ud800"},
        {"plan": {"\ud800": 1}},
    ],
)
def test_wrong_descriptions_are_refused(project: Path, change: dict[str, object]) -> None:
    assert refused(with_description(project, **change)).code == "book_project_broken"


def test_deep_json_is_refused(project: Path) -> None:
    assert refused(rewritten(project, {"book.json": b"[" * 200_000})).code == "book_project_broken"


def test_missing_and_spoilt_parts_are_named(project: Path) -> None:
    spoilt = rewritten(project, {"narration/page-002.wav": b"RIFF but not really"})
    assert refused(spoilt).facts == {"entry": "narration/page-002.wav"}
    assert refused(rewritten(project, {"narration/page-002.wav": None})).code == "book_project_broken"
    assert refused(rewritten(project, {"pictures/page-001.png": b"x"})).facts.get("page", 1) == 1


def test_a_flipped_bit_is_noticed(project: Path) -> None:
    data = bytearray(project.read_bytes())
    place = data.find(b"RIFF") + 3000
    data[place] ^= 0xFF
    project.write_bytes(data)
    error = refused(project)
    assert (error.code, error.facts) == ("book_project_broken", {"entry": "narration/page-001.wav"})
