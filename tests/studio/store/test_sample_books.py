from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from studio.container import Container
from studio.errors import StudioError
from studio.sample_book import make_sample_book
from studio.settings import Settings
from studio.store.records import VoiceRecord
from studio.store.sample_books import FOLDER, shipped_books
from tests.fakes import fake_engines, fake_painters
from tests.studio.told import TEXT, done, refused


@pytest.fixture
def shipped(container: Container, voice: VoiceRecord, tmp_path: Path) -> Path:
    """A folder of sample books with one in it, read by a voice that ships."""
    with container.database.transaction() as connection:
        connection.execute("UPDATE voices SET sample = 1 WHERE id = ?", (voice.id,))
    folder = tmp_path / "books" / "fox"
    folder.mkdir(parents=True)
    (folder / "story.txt").write_text(TEXT, encoding="utf-8")
    assert make_sample_book(container, folder, seed=11) == folder
    return folder.parent


def test_the_studio_makes_its_own_sample(container: Container, shipped: Path) -> None:
    names = sorted(str(path.relative_to(shipped / "fox")) for path in shipped.rglob("*.*") if path.is_file())
    pages = [f"page-00{number}" for number in (1, 2, 3)]
    assert names == [
        "book.json",
        *(f"narration/{page}.ogg" for page in pages),
        *(f"pictures/{page}.png" for page in pages),
        "story.txt",
    ]
    (made,) = container.stories.list()
    (sample,) = shipped_books(shipped)
    book = sample.read()
    assert [page.text for page in book.pages] == [scene.text.strip() for scene in made.plan.scenes]
    original = container.stories.sound(made.id, "s1")
    assert book.pages[0].narration.seconds == pytest.approx(
        (original.stat().st_size) / 2 / book.pages[0].narration.sample_rate, abs=0.1
    )
    assert np.abs(book.pages[0].narration.wave).max() > 0.1


def test_it_is_there_on_the_first_start_and_fixed(container: Container, shipped: Path) -> None:
    container.shelf.keep_samples(shipped_books(shipped))
    container.shelf.keep_samples(shipped_books(shipped))
    sample, _ = container.stories.list()
    assert (sample.sample, sample.state, sample.silence, sample.voice_name) == (True, "done", None, "Ann")
    assert all(page.painted and page.spoken == 3 for page in sample.pages)
    assert container.stories.sound(sample.id, "s2") and container.stories.picture(sample.id, "s2")
    done(container, container.stories.export(sample.id, "epub"))
    for change in (container.stories.draw, container.stories.delete):
        refused("sample_story_fixed", change, sample.id)
    refused("sample_story_fixed", container.stories.retake, sample.id, "s1")
    done(container, container.stories.export(sample.id, "project"))
    mine = container.stories.open_project(container.stories.exported(sample.id, "project"), "x")
    assert not mine.sample and container.stories.retake(mine.id, "s1").state == "planned"


def test_a_new_release_brings_another_one(container: Container, shipped: Path) -> None:
    container.shelf.keep_samples(shipped_books(shipped))
    first = container.stories.list()[0]
    (shipped / "fox" / "story.txt").write_text("Another.", encoding="utf-8")
    container.shelf.keep_samples(shipped_books(shipped))
    second = container.stories.list()[0]
    assert second.sample and second.id != first.id
    refused("story_unknown", container.stories.get, first.id)


def test_without_its_voice_there_is_no_book(shipped: Path, settings: Settings, tmp_path: Path) -> None:
    elsewhere = settings.model_copy(update={"home": tmp_path / "elsewhere"})
    with Container(elsewhere, fake_engines(), fake_painters()) as container:
        container.shelf.keep_samples(shipped_books(shipped))
        assert container.stories.list() == []


def test_a_story_that_cannot_be_made_leaves_the_folder_alone(container: Container, shipped: Path) -> None:
    folder = shipped / "fox"
    (folder / "story.txt").write_text("la la la la", encoding="utf-8")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(StudioError, match="story_not_a_story"):
        make_sample_book(container, folder, seed=1)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_what_ships_is_small_and_ours() -> None:
    for book in shipped_books():
        assert book.voice_hash
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 1.2e6
