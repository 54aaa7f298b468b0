"""Stories of strangers: what a public demo gives a visitor, and to whom it makes room."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipelines.illustration.settings import PaintingSettings
from studio.container import Container
from studio.settings import Settings
from studio.stories import Stories
from tests.fakes import (
    FakeIllustrator,
    FakeTranscriber,
    Held,
    fake_engines,
    fake_painters,
    fake_transcribers,
    write_hum,
)
from tests.studio.told import TEXT, done, drawn, exported, refused

ME = "1.1.1.1"


@pytest.fixture
def transcriber() -> FakeTranscriber:
    return FakeTranscriber(TEXT)


@pytest.fixture
def demo(
    settings: Settings, tmp_path: Path, illustrator: FakeIllustrator, transcriber: FakeTranscriber
) -> Iterator[Container]:
    small = {
        "home": tmp_path / "demo",
        "public_demo": True,
        "max_stories": 3,
        "demo_pages_per_client": 4,
        "demo_chars_per_client": 600,
    }
    fakes = fake_engines(), fake_painters(illustrator), fake_transcribers(transcriber)
    with Container(settings.model_copy(update=small), *fakes) as container:
        yield container


@pytest.fixture
def project(container: Container, tmp_path: Path) -> Path:
    """Drawn and exported elsewhere."""
    story = drawn(container, container.stories.write(TEXT, seed=7))
    return exported(container, story.id, "project")


def test_visitors_see_their_own_and_pay_with_their_quota(demo: Container) -> None:
    mine = demo.stories.write(TEXT, client="1.1.1.1")
    theirs = demo.stories.write("A fox ran to the sea.", client="2.2.2.2")
    assert [story.id for story in demo.stories.list("1.1.1.1")] == [mine.id]
    done(demo, demo.stories.draw(mine.id))
    demo.stories.restyle(mine.id, "ink")
    assert refused("demo_pages_client", demo.stories.draw, mine.id).status == 429
    refused("demo_quota_client", demo.stories.write, TEXT * 2, client="1.1.1.1")
    assert demo.stories.list("1.1.1.1") == [demo.stories.get(mine.id)]
    # the shelf of a demo makes room for the next visitor
    for client in ("3.3.3.3", "4.4.4.4"):
        demo.stories.write("A fox ran to the sea.", client=client)
    refused("story_unknown", demo.stories.get, mine.id)
    assert demo.stories.get(theirs.id)


def test_what_is_refused_costs_nothing_and_takes_nobody_s_place(demo: Container, project: Path) -> None:
    theirs = [demo.stories.write("A fox ran to the sea.", client="2.2.2.2") for _ in range(3)]
    before = used(demo)
    for _ in range(3):
        refused("demo_pages_client", demo.stories.write, TEXT, pages=5, client=ME, draw=True)
    assert used(demo) == before and demo.stories.list(ME) == []
    demo.stories.open_project(project, "x", client=ME)
    demo.stories.open_project(project, "x", client=ME)
    refused("demo_quota_client", demo.stories.open_project, project, "x", client=ME)
    assert [story.id for story in demo.stories.list("2.2.2.2")] == [theirs[2].id]
    assert len(list((demo.settings.home / "stories").iterdir())) == 2


def used(demo: Container) -> dict[str, int]:
    """What all visitors together have spent."""
    rows = demo.database.rows("SELECT visitor, chars FROM demo_usage WHERE visitor LIKE '%*'")
    return {"pages" if "pages" in row["visitor"] else "chars": row["chars"] for row in rows}


@pytest.mark.parametrize("wished", [3, 8])
def test_a_told_story_is_paid_for_once_its_length_is_known(
    demo: Container, illustrator: FakeIllustrator, tmp_path: Path, quick_audio: None, wished: int
) -> None:
    recording = write_hum(tmp_path / "told.wav")
    story = demo.stories.tell(recording, "told.wav", pages=wished, client=ME)
    fits = wished == 3
    job = done(demo, demo.jobs.get(story.job_id), "done" if fits else "failed")
    story = demo.stories.get(story.id)
    assert len(illustrator.drawn) == (3 if fits else 0)
    assert used(demo) == ({"pages": 1 + 3, "chars": len(story.text)} if fits else {"pages": 1})
    assert fits or (job.error.code, story.plan) == ("demo_pages_client", None)


@pytest.mark.parametrize(
    "edit",
    [
        lambda stories, id: stories.retake(id, "s2"),
        lambda stories, id: stories.set_painting(id, PaintingSettings(base="other")),
        lambda stories, id: stories.plan(id, TEXT, pages=5),
    ],
    ids=["retake", "painting", "plan"],
)
def test_what_an_edit_gives_a_drawing_to_paint_is_paid_for(
    demo: Container, illustrator: FakeIllustrator, edit: Callable[[Stories, str], object]
) -> None:
    story = demo.stories.write(TEXT, pages=3, client=ME)
    held = illustrator.held["s3"] = Held()
    job = demo.stories.draw(story.id)
    assert held.arrived()
    demo.stories.retake(story.id, "s1")
    before = demo.stories.get(story.id)
    assert used(demo)["pages"] == 4
    refused("demo_pages_client", edit, demo.stories, story.id)
    assert demo.stories.get(story.id) == before
    demo.stories.move(story.id, "s1", 2)  # which paints nothing
    held.let_go()
    done(demo, job)
    assert sorted(illustrator.drawn) == ["s1", "s1", "s2", "s3"]


def test_an_opened_project_pays_for_its_words_and_its_place(demo: Container, project: Path) -> None:
    demo.stories.open_project(project, "x", client=ME)
    assert used(demo) == {"pages": 1, "chars": len(TEXT)}
    demo.stories.open_project(project, "x", client=ME)
    before = demo.stories.list(ME)
    refused("demo_quota_client", demo.stories.open_project, project, "x", client=ME)
    assert demo.stories.list(ME) == before
    assert used(demo)["pages"] == 2
