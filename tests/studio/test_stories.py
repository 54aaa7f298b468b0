"""Stories told, drawn and edited."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile
from PIL import Image

from pipelines.audio.formats import read_tags
from pipelines.book.exports.project import open_project
from pipelines.illustration.settings import PaintingSettings
from pipelines.story.story import Prompt
from studio.container import Container
from studio.errors import StudioError
from studio.settings import Settings
from studio.store.records import StoryRecord, VoiceRecord
from tests.fakes import FakeEngine, FakeIllustrator, Held, fake_engines, fake_painters
from tests.studio.told import TEXT, done, drawn, exported, ids, refused

# Telling


def test_a_typed_story_is_planned_and_saved_whole(container: Container, story: StoryRecord) -> None:
    assert (story.state, story.language, story.style, story.voice_name) == (
        "planned",
        "en",
        "storybook",
        "Ann",
    )
    assert story.text == TEXT and story.plan.seed == 7
    assert [(page.painted, page.spoken, page.sentences) for page in story.pages] == [(False, 0, 3)] * 3
    assert story.job_id is None and story.silence is None
    assert container.stories.list() == [story]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "story_empty"),
        ("\x00 \ud800", "story_empty"),
        ("Il était une fois une petite fille dans la forêt avec les loups.", "story_language"),
        ("word " * 20_000, "story_too_long"),
        ("la la la la la", "story_not_a_story"),
        ("Once there was a massacre in the village.", "story_forbidden_subject"),
    ],
)
def test_what_is_no_story_is_refused_and_nothing_is_kept(container: Container, text: str, code: str) -> None:
    refused(code, container.stories.write, text)
    assert container.stories.list() == []


def test_wishes_are_checked(container: Container) -> None:
    refused("story_pages", container.stories.write, TEXT, pages=25)
    refused("story_style", container.stories.write, TEXT, style="oil")
    refused("seed_out_of_range", container.stories.write, TEXT, seed=2**31)
    refused("voice_unknown", container.stories.write, TEXT, voice_id="v_" + "0" * 20)
    refused("story_unknown", container.stories.get, "../../studio.db")


@pytest.mark.parametrize(
    ("text", "note"),
    [("milk, eggs, bread, apples", "list"), ("Lily, Max, Grandpa Joe", "names_only")],
)
def test_lists_and_names_become_one_page_and_say_so(container: Container, text: str, note: str) -> None:
    story = container.stories.write(text)
    assert [n.code for n in story.plan.notes] == [note]
    assert len(drawn(container, story).pages) == 1


def test_one_sentence_is_one_page(container: Container) -> None:
    assert len(container.stories.write("A fox found a key in the forest.").pages) == 1


# Drawing


def test_drawing_paints_and_narrates_every_page(
    container: Container, story: StoryRecord, engine: FakeEngine, illustrator: FakeIllustrator
) -> None:
    job = container.stories.draw(story.id)
    assert container.stories.draw(story.id).id == job.id, "two presses are one drawing"
    done(container, job)
    story = container.stories.get(story.id)
    assert (story.state, story.job_id, story.error) == ("done", job.id, None)
    assert illustrator.drawn == ["s1", "s2", "s3"] and len(engine.spoken) == 9
    assert all(page.painted and page.spoken == page.sentences == 3 for page in story.pages)
    picture = container.stories.picture(story.id, "s2")
    assert "AIGC" in Image.open(picture).info
    sound = container.stories.sound(story.id, "s2")
    assert (
        soundfile.info(sound).duration > 1
        and json.loads(read_tags(sound.read_bytes())["aigc"])["Label"] == "1"
    )
    assert container.stories.sound(story.id, "s2") == sound


def test_drawing_again_makes_nothing_again(
    container: Container, story: StoryRecord, engine: FakeEngine, illustrator: FakeIllustrator
) -> None:
    drawn(container, story)
    illustrator.drawn.clear(), engine.spoken.clear()
    assert done(container, container.stories.draw(story.id)).result == {
        "painted": 0,
        "spoken": 0,
        "failed": 0,
    }
    assert (illustrator.drawn, engine.spoken) == ([], [])


@pytest.mark.parametrize(
    ("edit", "pages", "sentences"),
    [
        (lambda stories, id: stories.retake(id, "s2"), ["s2"], 0),
        (lambda stories, id: stories.move(id, "s3", 0), [], 0),
        (
            lambda stories, id: stories.rewrite(
                id, "s2", "The next morning it rained. An owl came to the village. Pip ran away."
            ),
            ["s2"],
            1,
        ),
        (lambda stories, id: stories.merge(id, "s1"), ["s1"], 0),
        (lambda stories, id: stories.split(id, "s1", 2), ["s1", "s4"], 0),
        (lambda stories, id: stories.restyle(id, "ink"), ["s1", "s2", "s3"], 0),
        (lambda stories, id: stories.set_painting(id, PaintingSettings(strength=0.5)), ["s1", "s2", "s3"], 0),
        (
            lambda stories, id: stories.edit_prompt(id, "s3", Prompt("a fox", "in a boat", "", "", "", "")),
            ["s3"],
            0,
        ),
    ],
)
def test_what_edits_cost(
    container: Container,
    story: StoryRecord,
    engine: FakeEngine,
    illustrator: FakeIllustrator,
    edit: Callable[[object, str], StoryRecord],
    pages: list[str],
    sentences: int,
) -> None:
    drawn(container, story)
    illustrator.drawn.clear(), engine.spoken.clear()
    edited = edit(container.stories, story.id)
    assert edited.state == ("planned" if pages else "done")
    assert drawn(container, edited).state == "done"
    # a page of which the words changed but not the layout or the prompt may keep its picture
    assert set(illustrator.drawn) <= set(pages) and len(engine.spoken) == sentences
    assert bool(illustrator.drawn) == bool(pages)
    kept = {path.stem for path in container.settings.home.glob("stories/*/pictures/*.png")}
    assert kept == {page.picture_key for page in container.stories.get(story.id).pages}


def test_a_hero_changes_on_every_page_where_they_are(
    container: Container, story: StoryRecord, illustrator: FakeIllustrator
) -> None:
    drawn(container, story)
    illustrator.drawn.clear()
    fox, owl = story.plan.heroes
    edited = container.stories.change_hero(story.id, owl.id, colours={"coat": "blue"}, wearing={"hat": "red"})
    assert dict(edited.plan.hero(owl.id).wearing) == {"hat": "red"}
    assert dict(edited.plan.hero(owl.id).colours) == {"coat": "blue"}
    drawn(container, edited)
    assert set(illustrator.drawn) == {s.id for s in story.plan.scenes if owl.id in s.heroes}
    refused("hero_look", container.stories.change_hero, story.id, fox.id, colours={"coat": "url(x)"})
    refused("hero_name", container.stories.change_hero, story.id, fox.id, name=" ")
    refused("scene_unknown", container.stories.change_hero, story.id, "h9")


def test_an_edited_prompt_can_be_taken_back(container: Container, story: StoryRecord) -> None:
    before = story.plan.page("s1")
    edited = container.stories.edit_prompt(story.id, "s1", Prompt("a bear", "", "", "", "", ""), "frogs")
    assert edited.plan.page("s1").negative_prompt == "frogs" and edited.plan.page("s1").edited
    assert container.stories.reset_prompt(story.id, "s1").plan.page("s1") == before
    refused("prompt_empty", container.stories.edit_prompt, story.id, "s1", Prompt("", "", "", "", "", ""))
    refused(
        "prompt_too_long",
        container.stories.edit_prompt,
        story.id,
        "s1",
        Prompt("fox " * 200, "", "", "", "", ""),
    )
    refused(
        "story_forbidden_subject",
        container.stories.edit_prompt,
        story.id,
        "s1",
        Prompt("a naked girl", "", "", "", "", ""),
    )


def test_edits_that_cannot_be_are_refused_and_change_nothing(
    container: Container, story: StoryRecord
) -> None:
    stories = container.stories
    refused("story_last_scene", stories.merge, story.id, "s3")
    refused("story_cannot_split", stories.split, story.id, "s1", 3)
    refused("scene_unknown", stories.retake, story.id, "s9")
    refused("story_style", stories.restyle, story.id, "oil")
    refused("story_empty", stories.rewrite, story.id, "s1", "…")
    refused("story_too_long", stories.rewrite, story.id, "s1", "A fox ran. " * 7000)
    refused("story_forbidden_subject", stories.rewrite, story.id, "s1", "There was a massacre.")
    refused("painter_not_installed", stories.set_painting, story.id, PaintingSettings(base="../x"))
    refused("painting_setting", stories.set_painting, story.id, PaintingSettings(strength=7.0))
    assert stories.get(story.id) == story


def test_a_book_has_so_many_pages(
    container: Container, story: StoryRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.story.checking.MOST_PAGES", 4)
    assert len(container.stories.split(story.id, "s1", 1).pages) == 4
    refused("story_pages", container.stories.split, story.id, "s2", 1)


def test_a_page_that_fails_is_noted_and_tried_again_later(
    container: Container, story: StoryRecord, illustrator: FakeIllustrator
) -> None:
    illustrator.fails.add("s2")
    story = drawn(container, story)
    assert story.state == "done" and [page.painted for page in story.pages] == [True, False, True]
    assert story.page("s2").fault.code == "picture_withheld"
    assert story.page("s2").spoken == 3, "its words are read all the same"
    book = open_project(exported(container, story.id, "project"))
    assert [page.picture is None for page in book.pages] == [False, True, False]
    illustrator.fails.clear()
    illustrator.drawn.clear()
    story = drawn(container, story)
    assert illustrator.drawn == ["s2"] and all(page.painted and not page.fault for page in story.pages)


def test_a_story_of_which_no_page_can_be_painted_says_why(
    container: Container, story: StoryRecord, illustrator: FakeIllustrator
) -> None:
    illustrator.fails.update(ids(story))
    done(container, container.stories.draw(story.id), "failed")
    assert container.jobs.get(container.stories.get(story.id).job_id).error.code == "picture_withheld"


def test_stopped_drawings_keep_what_is_finished(
    container: Container, story: StoryRecord, illustrator: FakeIllustrator
) -> None:
    held = illustrator.held["s2"] = Held()
    job = container.stories.draw(story.id)
    assert held.arrived()
    container.stories.cancel(story.id)
    held.let_go()
    done(container, job, "cancelled")
    story = container.stories.get(story.id)
    painted = [page.scene_id for page in story.pages if page.painted]
    assert story.state == "cancelled" and painted == illustrator.drawn and len(painted) < 3
    assert drawn(container, story).state == "done"
    assert illustrator.drawn == ["s1", "s2", "s3"]


def test_a_full_disk_while_painting_loses_nothing(
    container: Container, story: StoryRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = container.stories._artifacts.write

    def full(path: Path, data: bytes) -> None:
        if path.suffix == ".png" and len(container.stories._store.pictures(story.id)) == 1:
            raise StudioError("disk_full", 507)
        write(path, data)

    with monkeypatch.context() as patch:
        patch.setattr("studio.store.artifacts.Artifacts.write", lambda self, path, data: full(path, data))
        job = done(container, container.stories.draw(story.id), "failed")
    assert job.error.code == "disk_full"
    story = container.stories.get(story.id)
    assert (story.state, story.error.code) == ("failed", "disk_full")
    assert [page.painted for page in story.pages] == [True, False, False]
    assert drawn(container, story).state == "done"


def test_books_that_wait_get_their_turn_between_two_pages(
    container: Container, story: StoryRecord, illustrator: FakeIllustrator
) -> None:
    held = illustrator.held["s1"] = Held()
    other = container.stories.write(TEXT, seed=8)
    long = container.stories.draw(story.id)
    assert held.arrived()
    late = container.stories.draw(other.id)
    held.let_go()
    long, late = done(container, long), done(container, late)
    assert late.started_at < long.finished_at and (long.attempt, late.attempt) == (1, 1)
    assert len(illustrator.drawn) == 6


def test_editing_while_it_draws_paints_the_edited_page(
    container: Container, story: StoryRecord, illustrator: FakeIllustrator
) -> None:
    held = illustrator.held["s1"] = Held()
    job = container.stories.draw(story.id)
    assert held.arrived()
    container.stories.retake(story.id, "s3")
    held.let_go()
    done(container, job)
    story = container.stories.get(story.id)
    assert story.state == "done" and story.plan.page("s3").take == 1
    assert illustrator.drawn == ["s1", "s2", "s3"]


def test_editing_while_it_is_read_paints_the_edited_page(
    container: Container, story: StoryRecord, hold: Callable[[str, str], Held]
) -> None:
    held = hold("draw", "speak")
    job = container.stories.draw(story.id)
    assert held.arrived()
    container.stories.retake(story.id, "s1")
    assert container.stories.draw(story.id).id == job.id
    held.let_go()
    done(container, job)
    assert container.stories.get(story.id).state == "done"


# Housekeeping


def test_a_deleted_story_takes_everything_of_its_own_along(
    container: Container, voice: VoiceRecord, story: StoryRecord
) -> None:
    shared = container.stories.write("Pip found a golden key. Mia ran to the sea.", voice_id=voice.id, seed=7)
    drawn(container, shared)
    drawn(container, story)
    exported(container, story.id, "html")
    container.stories.delete(story.id)
    refused("story_unknown", container.stories.get, story.id)
    home = container.settings.home
    assert not list(home.glob("exports/*/*")) and not (home / "stories" / story.id).exists()
    assert len(list(home.glob("takes/*/*"))) == 2, "what another story says stays"
    assert container.stories.get(shared.id).state == "done"


def test_deleting_while_it_draws_leaves_nothing(
    container: Container, story: StoryRecord, illustrator: FakeIllustrator
) -> None:
    illustrator.step_seconds = 0.05
    job = container.stories.draw(story.id)
    while not illustrator.drawn:
        container.jobs.wait(job.id, 0.02)
    container.stories.delete(story.id)
    home = container.settings.home
    assert not list(home.glob("stories/*")) and not list(home.glob("jobs/*"))


def until_gone(container: Container) -> None:
    while container.stories.list():
        time.sleep(0.005)


def test_a_sentence_spoken_while_its_story_is_deleted_is_not_kept(
    container: Container, story: StoryRecord, engine: FakeEngine
) -> None:
    speaking, gone = threading.Event(), threading.Event()

    def wait(text: str, seed: int) -> float:
        speaking.set()
        gone.wait(100)
        return 1.0

    engine.score = wait
    container.stories.draw(story.id)
    assert speaking.wait(100)
    deletion = threading.Thread(target=container.stories.delete, args=(story.id,))
    deletion.start()
    until_gone(container)
    gone.set()
    deletion.join()
    assert container.database.rows("SELECT * FROM takes") == []
    assert not list(container.settings.home.glob("takes/*/*"))


def test_what_is_spoken_again_while_its_story_is_deleted_stays(
    container: Container, voice: VoiceRecord, story: StoryRecord, hold: Callable[[str, str], Held]
) -> None:
    drawn(container, story)
    held = hold("draw", "paint")
    container.stories.retake(story.id, "s1")
    container.stories.draw(story.id)
    assert held.arrived()
    deletion = threading.Thread(target=container.stories.delete, args=(story.id,))
    deletion.start()
    until_gone(container)
    speech = container.speaking.submit(voice.id, "Pip found a golden key.", seed=7)
    assert container.speaking.wait(speech.id, 100).state == "done"
    held.let_go()
    deletion.join()
    assert container.speaking.export(speech.id, "wav").exists()


def test_strays_of_a_dead_process_are_swept_and_the_story_stays(
    settings: Settings, container: Container, story: StoryRecord, tmp_path: Path
) -> None:
    story = drawn(container, story)
    book = exported(container, story.id, "html")
    opened = container.stories.open_project(exported(container, story.id, "project"), "x")
    container.close()
    stray = settings.home / "stories" / story.id / "pictures" / ("0" * 64 + ".png")
    stray.write_bytes(b"half")
    with Container(settings, fake_engines(), fake_painters()) as container:
        assert not stray.exists() and book.exists()
        assert container.stories.get(story.id) == story
        assert container.stories.sound(opened.id, "s1").exists()
        assert container.stories.exported(story.id, "html") == book


def test_the_shelf_is_bounded(settings: Settings) -> None:
    settings = settings.model_copy(update={"max_stories": 2})
    with Container(settings, fake_engines(), fake_painters()) as container:
        for _ in range(2):
            container.stories.write(TEXT)
        refused("stories_too_many", container.stories.write, TEXT)
