"""Books of stories: who reads them, what they are exported as, how they come back."""

from __future__ import annotations

import errno
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipelines.audio.formats import encode
from pipelines.book.exports.project import open_project
from pipelines.failure import CraftError
from pipelines.illustration.settings import PaintingSettings
from studio.container import Container
from studio.errors import StudioError
from studio.settings import Settings
from studio.store.records import StoryRecord, VoiceRecord
from studio.trust.labels import voice_hash
from tests.fakes import FakeEngine, FakeIllustrator, fake_engines, fake_painters
from tests.studio.told import CHINESE, TEXT, done, drawn, exported, refused

# Voices


def test_without_a_voice_the_book_is_silent_and_says_why(
    container: Container, voice: VoiceRecord, engine: FakeEngine
) -> None:
    story = drawn(container, container.stories.write(TEXT, seed=7))
    assert (story.state, story.silence, engine.spoken) == ("done", "silent_voice", [])
    assert container.stories.sound(story.id, "s1") is None
    assert "no voice was chosen" in exported(container, story.id, "html").read_text("utf-8")
    story = container.stories.set_voice(story.id, voice.id)
    assert (story.state, story.silence, story.voice_name) == ("planned", None, "Ann")
    story = drawn(container, story)
    assert len(engine.spoken) == 9 and story.state == "done"


def test_a_language_nobody_speaks_is_narrated_once_a_voice_can(
    settings: Settings, container: Container, voice: VoiceRecord, engine: FakeEngine
) -> None:
    story = drawn(container, container.stories.write(CHINESE, voice_id=voice.id, seed=7))
    assert (story.language, story.state, story.silence) == ("zh", "done", "silent_language")
    assert "还没有会说这种语言的声音" in exported(container, story.id, "html").read_text("utf-8")
    container.close()
    learnt = {"fake": replace(fake_engines(engine)["fake"], languages=("en", "zh"))}
    with Container(settings, learnt, fake_painters()) as container:
        story = drawn(container, container.stories.get(story.id))
        assert story.silence is None and [page.spoken for page in story.pages] == [
            page.sentences for page in story.pages
        ]
        assert exported(container, story.id, "html")


def test_a_mixed_story_leaves_out_what_its_voice_cannot_say(
    container: Container, voice: VoiceRecord, engine: FakeEngine
) -> None:
    text = "Pip found a key in the forest. 小狐狸很高兴。 He ran home."
    story = drawn(container, container.stories.write(text, voice_id=voice.id, seed=7))
    assert [spoken for spoken, _ in engine.spoken] == ["Pip found a key in the forest.", "He ran home."]
    (page,) = story.pages
    assert (story.language, story.silence, page.sentences, page.spoken) == ("mixed", None, 3, 2)
    book = open_project(exported(container, story.id, "project"))
    assert len(book.pages[0].sentences) == 2 and "do not" not in book.silence and book.silence
    assert book.pages[0].text == text and book.pages[0].narration is not None
    assert book.silence in exported(container, story.id, "html").read_text("utf-8")


def test_the_listener_has_sentences_read_again(
    container: Container, story: StoryRecord, engine: FakeEngine
) -> None:
    engine.score = lambda text, seed: 1.0 if seed != 7 or "key" not in text else 0.2
    drawn(container, story)
    assert len([text for text, _ in engine.spoken if "key" in text]) == 2


def test_a_story_and_a_speech_share_their_takes(
    container: Container, voice: VoiceRecord, story: StoryRecord, engine: FakeEngine
) -> None:
    drawn(container, story)
    engine.spoken.clear()
    speech = container.speaking.submit(voice.id, "Pip found a golden key. He was very happy!", seed=7)
    assert speech.state == "done" and engine.spoken == []


def test_withdrawn_consent_silences_the_book(
    container: Container, voice: VoiceRecord, story: StoryRecord
) -> None:
    drawn(container, story)
    book = exported(container, story.id, "html")
    project = exported(container, story.id, "project").read_bytes()
    sound = container.stories.sound(story.id, "s1")
    container.voices.delete(voice.id)
    home = container.settings.home
    assert not book.exists() and not sound.exists() and not list(home.glob("takes/*/*"))
    story = container.stories.get(story.id)
    assert (story.silence, story.voice_id, story.voice_name) == ("silent_withdrawn", None, None)
    assert story.state == "done" and all(page.painted for page in story.pages)
    assert "consent for its voice was withdrawn" in exported(container, story.id, "html").read_text("utf-8")
    # nor does it come back with a project that was saved before
    path = home.parent / "saved.voxtale.zip"
    path.write_bytes(project)
    opened = container.stories.open_project(path, path.name)
    assert opened.silence == "silent_withdrawn" and container.stories.sound(opened.id, "s1") is None


def test_consent_withdrawn_while_the_story_is_read(
    container: Container, voice: VoiceRecord, story: StoryRecord, engine: FakeEngine
) -> None:
    engine.step_seconds = 0.05
    job = container.stories.draw(story.id)
    while not engine.spoken:
        container.jobs.wait(job.id, 0.02)
    container.voices.delete(voice.id)
    done(container, job)
    story = container.stories.get(story.id)
    assert (story.state, story.silence) == ("done", "silent_withdrawn")
    assert not list(container.settings.home.glob("takes/*/*"))


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """What is done while the next sound is encoded."""

    def do(act: Callable[[], object]) -> None:
        def encode_later(*arguments: object) -> bytes:
            monkeypatch.setattr("pipelines.audio.formats.encode", encode)
            act()
            return encode(*arguments)

        monkeypatch.setattr("pipelines.audio.formats.encode", encode_later)

    return do


@pytest.mark.parametrize("what", ["page", "speech"])
def test_consent_withdrawn_while_a_sound_is_encoded(
    container: Container, voice: VoiceRecord, story: StoryRecord, meanwhile: Callable, what: str
) -> None:
    drawn(container, story)
    speech = container.speaking.submit(voice.id, "Pip found a golden key.", seed=7)
    meanwhile(lambda: container.voices.delete(voice.id))
    if what == "page":
        refused("book_changed", container.stories.sound, story.id, "s1")
    else:
        refused("speech_unknown", container.speaking.export, speech.id, "wav")
    assert not list(container.settings.home.glob("exports/*/*"))
    assert container.database.rows("SELECT * FROM exports") == []


def test_a_page_whose_takes_are_lost_says_that_it_changed(container: Container, story: StoryRecord) -> None:
    drawn(container, story)
    for take in container.settings.home.glob("takes/*/*"):
        take.unlink()
    refused("book_changed", container.stories.sound, story.id, "s1")


def test_an_expired_consent_reads_nothing_more(
    container: Container, voice: VoiceRecord, story: StoryRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    from studio.trust.consent import Consents

    drawn(container, story)

    def expired(self: Consents, voice_id: str, audio_sha256: object = ()) -> None:
        raise StudioError("consent_expired", 403, until="2026-01-01")

    monkeypatch.setattr(Consents, "require", expired)
    refused("consent_expired", container.stories.draw, story.id)
    refused("consent_expired", container.stories.export, story.id, "html")
    refused("consent_expired", container.stories.write, TEXT, voice_id=voice.id)


# Books


def test_exports_are_made_once_and_labelled(
    container: Container, voice: VoiceRecord, story: StoryRecord
) -> None:
    refused("story_not_drawn", container.stories.export, story.id, "html")
    refused("format_unknown", container.stories.export, story.id, "docx")
    story = drawn(container, story)
    assert container.stories.exported(story.id, "epub") is None
    path = exported(container, story.id, "epub")
    written = path.stat().st_mtime_ns
    assert exported(container, story.id, "epub") == path and path.stat().st_mtime_ns == written
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
    (row,) = container.database.rows("SELECT * FROM exports WHERE format = 'epub'")
    assert row["story_id"] == story.id and row["voice_hash"] == voice_hash(voice.id)
    assert row["file_bytes"] == path.stat().st_size and len(json.loads(row["take_keys"])) == 9
    assert json.loads(json.loads(row["label"])["AIGC"])["Label"] == "1"
    container.stories.move(story.id, "s3", 0)
    assert container.stories.exported(story.id, "epub") is None, "it is another book now"
    assert exported(container, story.id, "epub") != path and not path.exists()
    assert len(container.database.rows("SELECT * FROM exports WHERE format = 'epub'")) == 2, "both left"


def test_the_same_story_makes_the_same_book(
    container: Container, voice: VoiceRecord, story: StoryRecord
) -> None:
    twin = container.stories.write(TEXT, voice_id=voice.id, seed=7)
    books = [exported(container, drawn(container, one).id, "project") for one in (story, twin)]
    assert books[0] != books[1] and books[0].read_bytes() == books[1].read_bytes()
    container.stories.delete(story.id)
    assert books[1].exists() and container.stories.sound(twin.id, "s1").exists()


def test_a_project_opens_again(
    container: Container,
    voice: VoiceRecord,
    story: StoryRecord,
    engine: FakeEngine,
    illustrator: FakeIllustrator,
) -> None:
    story = drawn(container, container.stories.set_painting(story.id, PaintingSettings(base="other")))
    path = exported(container, story.id, "project")
    illustrator.drawn.clear(), engine.spoken.clear()
    opened = container.stories.open_project(path, "my book.voxtale.zip")
    assert opened.id != story.id and opened.plan == story.plan and opened.painting == story.painting
    assert (opened.state, opened.silence, opened.voice_id, opened.voice_name) == ("done", None, None, "Ann")
    assert opened.pages == story.pages
    assert (
        container.stories.picture(opened.id, "s1").read_bytes()
        == container.stories.picture(story.id, "s1").read_bytes()
    )
    again = open_project(exported(container, opened.id, "project"))
    first = open_project(path)
    assert [page.sentences for page in again.pages] == [page.sentences for page in first.pages]
    for one, other in zip(again.pages, first.pages, strict=True):
        assert np.abs(one.narration.wave - other.narration.wave).max() < 1e-3
    # editing one page silences that page; a voice of one's own reads everything
    edited = container.stories.rewrite(opened.id, "s1", "Pip slept.")
    assert [page.spoken for page in edited.pages] == [0, 3, 3]
    assert (illustrator.drawn, engine.spoken) == ([], [])
    edited = drawn(container, container.stories.set_voice(opened.id, voice.id))
    assert [page.spoken for page in edited.pages] == [1, 3, 3]
    assert not list(container.settings.home.glob(f"stories/{opened.id}/sounds/*"))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda plan: plan["story"]["scenes"][0].update(id="../../x"),
        lambda plan: plan["story"]["pages"][0]["layout"].update(place="x"),
        lambda plan: plan["story"].update(scenes=[]),
        lambda plan: plan["painting"].update(size=10**9),
        lambda plan: plan["painting"].update(extra=1),
        lambda plan: plan.clear(),
    ],
)
def test_a_project_with_a_strange_plan_is_refused_and_leaves_nothing(
    container: Container, story: StoryRecord, tmp_path: Path, spoil: Callable[[dict], None]
) -> None:
    path = exported(container, drawn(container, story).id, "project")
    spoilt = tmp_path / "spoilt.voxtale.zip"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(spoilt, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name == "book.json":
                book = json.loads(data)
                spoil(book["plan"])
                data = json.dumps(book).encode()
            target.writestr(name, data)
    before = {path for path in container.settings.home.rglob("*") if path.is_file()}
    with pytest.raises(StudioError) as caught:
        container.stories.open_project(spoilt, "x")
    assert caught.value.code in ("book_project_broken", "painting_choice")
    assert len(container.stories.list()) == 1
    assert {path for path in container.settings.home.rglob("*") if path.is_file()} == before


def test_a_full_disk_while_exporting_leaves_no_file(
    container: Container, story: StoryRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = drawn(container, story)
    before = {path for path in container.settings.home.rglob("*") if path.is_file()}

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    with monkeypatch.context() as patch:
        patch.setattr("pipelines.book.exports.html.write", full)
        job = done(container, container.stories.export(story.id, "html"), "failed")
    assert job.error.code == "disk_full" and container.stories.exported(story.id, "html") is None
    assert {path for path in container.settings.home.rglob("*") if path.is_file()} == before
    assert exported(container, story.id, "html").exists()


def test_letters_that_no_font_has_are_said(container: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    story = drawn(container, container.stories.write(CHINESE, seed=1))
    monkeypatch.setattr("pipelines.book.fonts.Faces.require", _no_font)
    job = done(container, container.stories.export(story.id, "pdf"), "failed")
    assert job.error.code == "book_font_missing" and "狐" in job.error.sentence("zh").what
    assert container.stories.exported(story.id, "pdf") is None
    assert exported(container, story.id, "html").exists(), "HTML needs no such font"


def _no_font(self: object, text: str) -> None:
    if missing := "".join(sorted({char for char in text if "\u4e00" < char < "\u9fff"})):
        raise CraftError("book_font_missing", count=len(missing), characters=missing[:400])
