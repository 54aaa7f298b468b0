from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from studio.errors import StudioError
from studio.store.artifacts import Artifacts
from studio.store.catalogue import Base, BaseFile, Licence
from studio.store.fetching import Fetched
from studio.store.models import MANIFEST, ModelStore

MIT = Licence("MIT", "https://example.org/mit")
EAR = Base("ear", "listening", "maker/ear", MIT, 1, True, (BaseFile("ear.bin", 10),))
VOICE = Base(
    "voice",
    "speech",
    "maker/voice",
    MIT,
    1,
    True,
    (BaseFile("a/weights.bin", 100), BaseFile("b.json", 5), BaseFile("c.json", 5, optional=True)),
    needs=("ear",),
)


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(Artifacts(tmp_path), {base.id: base for base in (EAR, VOICE)})


def bring(store: ModelStore, base: Base, path: str, size: int, checked: str = "hub") -> Path:
    file = base.file(path)
    place = store.place(base, file)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"x" * size)
    store.keep(base, file, Fetched(size, "0" * 64, checked), "huggingface")
    return place


def test_from_nothing_to_installed(store: ModelStore, tmp_path: Path) -> None:
    assert store.folder("voice") == tmp_path / "models" / "voice"
    state = store.state("voice")
    assert (len(state.missing), state.bytes_here, state.installed) == (3, 0, False)
    weights = bring(store, VOICE, "a/weights.bin", 90)
    part = store.place(VOICE, VOICE.file("b.json")).with_name("b.json.part")
    part.write_bytes(b"xyz")
    state = store.state("voice")
    assert ([file.path for file in state.missing], state.bytes_here) == (["b.json", "c.json"], 93)
    bring(store, VOICE, "b.json", 4, "published")
    state = store.state("voice")
    assert state.installed
    assert state.checks == {"hub": 1, "published": 1}
    assert (state.bytes_missing, state.agreed_at) == (0, None)
    assert store.installed("voice") is None, "it needs an ear"
    bring(store, EAR, "ear.bin", 10)
    assert store.installed("voice") == tmp_path / "models" / "voice"
    weights.write_bytes(b"cut")
    assert not store.state("voice").installed
    assert store.installed("voice") is None


def test_only_what_is_written_down_counts(store: ModelStore) -> None:
    bring(store, VOICE, "a/weights.bin", 90)
    store.place(VOICE, VOICE.file("b.json")).write_bytes(b"half")
    assert not store.state("voice").installed
    (store.folder("voice") / "notes.txt").write_text("mine")
    for broken in (
        "",
        "[]",
        "{}",
        '{"files": 3}',
        '{"files": {"b.json": 4}}',
        '{"licence": 3, "files": {}}',
        "\xff",
    ):
        (store.folder("voice") / f"voice{MANIFEST}").write_text(broken, encoding="latin-1")
        assert not store.state("voice").installed


def test_the_agreement_is_kept_with_the_files(store: ModelStore) -> None:
    store.agree(VOICE)
    bring(store, VOICE, "b.json", 4)
    manifest = json.loads((store.folder("voice") / f"voice{MANIFEST}").read_text())
    assert manifest["licence"]["name"] == "MIT"
    assert manifest["licence"]["url"] == MIT.url
    assert store.state("voice").agreed_at == manifest["licence"]["agreed_at"]
    assert manifest["files"]["b.json"]["from"] == "huggingface"


def test_deleted_is_gone(store: ModelStore) -> None:
    store.agree(VOICE)
    bring(store, VOICE, "a/weights.bin", 90)
    store.delete("voice")
    assert not store.folder("voice").exists()
    assert store.state("voice").agreed_at is None
    store.delete("voice")
    assert store.incoming.parent.exists()


def test_deleting_lets_the_neighbours_alone(tmp_path: Path) -> None:
    family = {
        name: Base(
            name, "speech", "maker/x", MIT, 1, True, (BaseFile(f"{name}/w.bin", 9),), family_folder="kin"
        )
        for name in ("one", "two")
    }
    store = ModelStore(Artifacts(tmp_path), family)
    places = [bring(store, base, f"{name}/w.bin", 9) for name, base in family.items()]
    assert places[0] == tmp_path / "models" / "kin" / "one" / "w.bin"
    mine = tmp_path / "models" / "kin" / "mine.pth"
    mine.write_bytes(b"mine")
    (tmp_path / "models" / "kin" / "converted" / "x").mkdir(parents=True)
    store.delete("one")
    assert [place.exists() for place in places] == [False, True]
    assert store.state("two").installed
    store.delete("two")
    assert [path.name for path in (tmp_path / "models" / "kin").iterdir()] == ["mine.pth"]


@pytest.mark.parametrize("name", ["nobody", "..", "../voices", "incoming", "voice/..", "", None, 7, "VOICE"])
def test_only_the_catalogue_makes_folders(store: ModelStore, name: object) -> None:
    for ask in (store.folder, store.state, store.delete, store.installed):
        with pytest.raises(StudioError, match="model_not_listed"):
            ask(name)


def test_two_who_write_lose_nothing_of_each_other(store: ModelStore) -> None:
    """A licence is agreed to on the page while a job takes files over."""
    tried = threading.Event()

    def agree() -> None:
        while not tried.is_set():
            store.agree(VOICE)

    page = threading.Thread(target=agree)
    page.start()
    try:
        for size in range(1, 60):
            bring(store, VOICE, "b.json", size)
            assert store.state("voice").checks == {"hub": 1}
    finally:
        tried.set()
        page.join()
