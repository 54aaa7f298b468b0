"""What the Story tab draws says what is so, in both languages, and nothing anybody typed becomes markup."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipelines.illustration.drawing import subjects
from pipelines.illustration.settings import LIMITS, SAMPLERS, PaintingSettings
from pipelines.story.transcribe import POCKETSPHINX, TimedWord, Transcript
from pipelines.story.transcribers import TRANSCRIBERS
from studio.container import Container
from studio.errors import Fault, StudioError
from studio.store.records import StoryRecord, VoiceRecord
from studio.ui.handoff import Handoff
from studio.ui.i18n import Reader
from studio.ui.story.book import book_reader
from studio.ui.story.bookshelf import bookshelf, farewell
from studio.ui.story.choices import style_cards, voice_cards
from studio.ui.story.drawing import drawing_bar
from studio.ui.story.exports import export_bar, filename
from studio.ui.story.heroes import dressed, hero_cards, recoloured, slots
from studio.ui.story.painting import painted_with, painting_form
from studio.ui.story.pictures import Gallery
from studio.ui.story.scenes import scene_cards
from studio.ui.story.tell import editor, rough, shortened, tell_form, telling
from tests.fakes import FakeTranscriber, fake_painters, fake_transcribers
from tests.studio.ui.test_drawing import LANGUAGES, Balance

LISTENS = TRANSCRIBERS[POCKETSPHINX]
EVIL = '<img src=x onerror="alert(1)">'
TEXT = f"""The Boat {EVIL}

Mia{EVIL} was a little girl with a yellow hat. A storm came and she was afraid.

Then a kind whale named Bo came. Mia laughed and hugged him."""


@pytest.fixture
def story(container: Container) -> StoryRecord:
    return container.stories.write(TEXT, pages=2, seed=3)


def gallery(reader: Reader, container: Container, story: StoryRecord) -> Gallery:
    return Gallery(reader, Handoff(), container.stories, story)


@LANGUAGES
def test_every_part_is_whole_html_and_escapes_what_was_typed(
    container: Container, story: StoryRecord, voice: VoiceRecord, reader: Reader
) -> None:
    container.jobs.wait(container.stories.draw(story.id).id, 100)
    story, stories, handoff = container.stories.get(story.id), container.stories, Handoff()
    parts = [
        tell_form(reader, handoff, None, None, [voice], LISTENS),
        tell_form(reader, handoff, story, None, [voice], LISTENS),
        scene_cards(reader, gallery(reader, container, story), story),
        hero_cards(reader, handoff, story),
        style_cards(reader, handoff, "ink", "a"),
        voice_cards(reader, [voice], None, "b"),
        painting_form(reader, story.painting, ["storybook", EVIL], 3),
        drawing_bar(reader, story, None),
        book_reader(reader, handoff, stories, gallery(reader, container, story), story),
        export_bar(reader, handoff, stories, story, {}),
        bookshelf(reader, handoff, stories, [story], story.id),
        farewell(reader, story),
    ]
    for part in parts:
        Balance(part)
        assert "<img src=x" not in part
    assert any("&lt;img src=x" in part for part in parts)


@LANGUAGES
def test_a_page_that_failed_says_why_and_can_be_tried_again(
    container: Container, story: StoryRecord, reader: Reader
) -> None:
    fault = Fault("disk_full")
    pages = (replace(story.pages[0], fault=fault), *story.pages[1:])
    failed = replace(story, state="done", pages=pages)
    drawn = book_reader(reader, Handoff(), container.stories, gallery(reader, container, failed), failed)
    assert fault.sentence(reader.language).what in drawn
    assert drawn.count('data-act="draw"') == 1
    assert reader.say("ui.book.not_painted", page=1) in drawn


@LANGUAGES
def test_the_way_on_is_what_is_missing(container: Container, story: StoryRecord, reader: Reader) -> None:
    assert reader.say("ui.draw.start") in drawing_bar(reader, story, None)
    one = replace(story.pages[0], painted=True)
    assert reader.say("ui.draw.pages") in drawing_bar(
        reader, replace(story, pages=(one, *story.pages[1:])), None
    )
    painted = tuple(replace(page, painted=True) for page in story.pages)
    assert drawing_bar(reader, replace(story, pages=painted), None) == ""
    read = replace(story, pages=painted, voice_id="v", silence=None)
    assert reader.say("ui.draw.speak") in drawing_bar(reader, read, None)
    assert drawing_bar(reader, replace(story, sample=True), None) == ""


def test_a_sample_is_looked_at_and_not_changed(container: Container, story: StoryRecord) -> None:
    reader, sample = Reader(), replace(story, sample=True, state="done")
    shown = gallery(reader, container, sample)
    for drawn in (
        tell_form(reader, Handoff(), sample, None, [], LISTENS),
        scene_cards(reader, shown, sample),
        hero_cards(reader, Handoff(), sample),
        book_reader(reader, Handoff(), container.stories, shown, sample),
    ):
        assert (
            "<textarea" not in drawn
            and "<input" not in drawn.replace('type="checkbox"', "")
            and "data-act" not in drawn
        )


def test_a_book_whose_voice_may_not_be_heard_any_more_is_still_seen(
    container: Container, voice: VoiceRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = container.stories.write(TEXT, pages=2, voice_id=voice.id)
    container.jobs.wait(container.stories.draw(story.id).id, 100)
    story, reader = container.stories.get(story.id), Reader()

    def drawn() -> str:
        return book_reader(reader, Handoff(), container.stories, gallery(reader, container, story), story)

    assert drawn().count("data-sound") == 2 and "data-from" in drawn()

    def refuse(*_: object) -> None:
        raise StudioError("consent_none", 403)

    monkeypatch.setattr(container.stories, "sound", refuse)
    assert "data-sound" not in drawn() and "data-from" not in drawn()


def test_files_wait_for_the_pictures(container: Container, story: StoryRecord) -> None:
    reader = Reader()
    drawn = export_bar(reader, Handoff(), container.stories, story, {})
    assert "data-act" not in drawn and reader.say("ui.export.not_yet") in drawn
    container.jobs.wait(container.stories.draw(story.id).id, 100)
    story = container.stories.get(story.id)
    assert export_bar(reader, Handoff(), container.stories, story, {}).count('data-act="export"') == 6


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("The Boat", "The Boat.html"),
        ("../a/b:c\n", "a b c.html"),
        ("小船", "小船.html"),
        ("...", "book.html"),
    ],
)
def test_files_are_called_after_the_title(story: StoryRecord, title: str, name: str) -> None:
    assert filename(replace(story, title=title), "html") == name


def test_uncertain_words_are_marked_until_the_text_is_another(story: StoryRecord) -> None:
    words = (TimedWord("once", 0, 4, 0.0, 0.3, 0.9), TimedWord("upon", 5, 9, 0.3, 0.6, 0.2))
    heard = replace(
        story, plan=None, state="heard", text="once upon", transcript=Transcript("once upon", words, 1.0)
    )
    assert 'data-spans="[[5, 9]]"' in editor(Reader(), heard)
    assert "data-next-unsure" in rough(Reader(), heard)
    assert 'data-spans="[]"' in editor(Reader(), replace(heard, text="once more"))
    assert rough(Reader(), story) == ""


@LANGUAGES
def test_the_page_says_who_listens_and_who_listened(story: StoryRecord, reader: Reader) -> None:
    assert reader.say("ui.story.rough_english") in telling(reader, LISTENS)
    for name, english_only in (("whisper-small", False), ("my.whisper", True)):
        whisper = fake_transcribers(FakeTranscriber(), name, english_only)[name]
        key = "ui.story.english_only" if english_only else "ui.story.any_language"
        called = "Whisper small" if name == "whisper-small" else name
        assert reader.say(key, name=called) in telling(reader, whisper)
        transcript = Transcript("once", (TimedWord("once", 0, 4, 0.0, 0.3, 0.9),), 1.0, transcriber=name)
        heard = replace(story, plan=None, state="heard", text="once", transcript=transcript)
        assert reader.say("story.transcript.heard", name=called) in rough(reader, heard)
        old = Transcript.from_json({**transcript.to_json(), "transcriber": "pocketsphinx"})
        assert reader.say("story.transcript.rough") in rough(reader, replace(heard, transcript=old))


def test_clothes_and_colours_are_replaced_one_at_a_time(story: StoryRecord) -> None:
    hero = replace(
        story.plan.heroes[0], colours=(("dress", "red"),), wearing=(("hat", "yellow"), ("bow", "blue"))
    )
    assert recoloured(hero, "hair", "black") == {"dress": "red", "hair": "black"}
    assert recoloured(hero, "dress", "") == {}
    assert dressed(hero, "neck", "scarf", None) == {"hat": "yellow", "scarf": "blue"}
    assert dressed(hero, "neck", "scarf", "green") == {"hat": "yellow", "scarf": "green"}
    assert dressed(hero, "head", "", None) == {"bow": "blue"}


def test_every_look_that_is_offered_is_one_that_can_be_drawn(
    container: Container, story: StoryRecord
) -> None:
    for drawing in subjects().values():
        assert set(slots(drawing)) <= set(drawing.slots)
    hero = story.plan.heroes[0]
    for place in ("neck", "head"):
        for piece in ("", "scarf" if place == "neck" else "crown"):
            changed = container.stories.change_hero(
                story.id, hero.id, wearing=dressed(hero, place, piece, None)
            )
            assert bool(piece) == any(name == piece for name, _ in changed.plan.heroes[0].wearing if piece)


def test_another_painter_begins_with_what_it_does_best() -> None:
    before, bases = PaintingSettings(strength=0.9), fake_painters()
    fields = {
        "base": "storybook",
        "sampler": SAMPLERS[1],
        "size": "384",
        **{limit.name: "12" for limit in LIMITS},
    }
    painted = painted_with({**fields, "strength": "0.55"}, before, bases)
    assert (painted.sampler, painted.size, painted.num_inference_steps, painted.strength) == (
        SAMPLERS[1],
        384,
        12,
        0.55,
    )
    assert painted_with({**fields, "base": "other"}, before, bases) == bases["other"].defaults
    form = painting_form(Reader(), before, list(bases), 1)
    assert 'value="other"' in form and 'value="0.9"' in form


def test_long_words_are_cut_by_their_width() -> None:
    assert shortened("short", 10) == "short"
    assert shortened("0123456789abc", 10) == "0123456789…"
    assert shortened("一二三四五六七", 10) == "一二三四五…"
