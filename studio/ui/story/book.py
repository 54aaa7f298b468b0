"""Step 4, Book: leaves to turn, the narration over them, and the film strip. ``assets/ui/story.js`` turns and plays."""

from __future__ import annotations

from html import escape
from pathlib import Path

from pipelines.story.scenes import sentences_of
from studio.errors import StudioError
from studio.store.records import StoryPage, StoryRecord
from studio.stories import Stories
from studio.ui.handoff import Handoff
from studio.ui.i18n import Reader
from studio.ui.markup import action, icon, notice
from studio.ui.story.pictures import Gallery


def book_reader(
    reader: Reader, handoff: Handoff, stories: Stories, gallery: Gallery, record: StoryRecord
) -> str:
    say = reader.say
    leaves = [_cover(reader, gallery, record)]
    leaves += [
        _leaf(reader, handoff, stories, gallery, record, page, n) for n, page in enumerate(record.pages, 1)
    ]
    film = "".join(_frame(reader, gallery, record, page, n) for n, page in enumerate((None, *record.pages)))
    narrated = any(page.sentences and page.spoken == page.sentences for page in record.pages)
    play = "" if not narrated else (
        f'<button type="button" class="vt-button is-primary vt-book-play" data-book="play" aria-pressed="false" '
        f'data-listen="{escape(say("book.listen"))}" data-pause="{escape(say("book.pause"))}">{icon("play")}{icon("pause")}'
        f'<span>{escape(say("book.listen"))}</span></button>'
        f'<label class="vt-book-auto"><input type="checkbox" data-book="auto" checked><span>{escape(say("ui.book.turn_itself"))}</span></label>'
    )  # fmt: skip
    silent = ""
    if record.silence and record.state != "drawing":
        silent = f'<p class="vt-hint vt-book-silence">{icon("quiet")}<span>{escape(say(f"book.{record.silence}"))}</span></p>'
    return (
        f'<section class="vt-book{" is-drawing" if record.state == "drawing" else ""}" tabindex="0" data-story="{escape(record.id)}" aria-roledescription="{escape(say("book.book"))}" '
        f'aria-label="{escape(record.title)}"><div class="vt-leaves">{"".join(leaves)}</div>'
        f'<div class="vt-book-bar"><button type="button" class="vt-button is-icon" data-book="previous" '
        f'aria-label="{escape(say("book.previous"))}" title="{escape(say("book.previous"))}">{icon("previous")}</button>{play}'
        f'<span class="vt-book-place" aria-live="polite"></span>'
        f'<button type="button" class="vt-button is-icon" data-book="next" aria-label="{escape(say("book.next"))}" '
        f'title="{escape(say("book.next"))}">{icon("next")}</button></div>{silent}'
        f'<ol class="vt-film" aria-label="{escape(say("book.pages"))}">{film}</ol>'
        f'<p class="vt-book-label">{icon("info")}<span>{escape(say("ui.book.label"))}</span></p></section>'
    )


def _cover(reader: Reader, gallery: Gallery, record: StoryRecord) -> str:
    by = reader.say("book.read_by", voice=record.voice_name) if record.voice_name else ""
    return (
        f'<article class="vt-leaf is-cover" data-name="{escape(reader.say("book.cover"))}" data-state="{_state(record.pages[0], record)}">'
        f"{_figure(gallery, record.pages[0].scene_id)}</figure>"
        f'<div class="vt-leaf-words"><h2 class="vt-own">{escape(record.title)}</h2><hr><p class="vt-own">{escape(by)}</p></div></article>'
    )


def _leaf(
    reader: Reader,
    handoff: Handoff,
    stories: Stories,
    gallery: Gallery,
    record: StoryRecord,
    page: StoryPage,
    n: int,
) -> str:
    say, scene_id = reader.say, page.scene_id
    sound = ""
    if path := _narration(stories, record, page):
        sound = f' data-sound="{escape(handoff.address(path, f"{n:02d}.wav"))}"'
    fault = ""
    if page.fault:
        fault = notice(page.fault.sentence(reader.language), prefix=say("ui.book.not_painted", page=n))
    again = ""
    if not record.sample and record.state != "drawing":
        key = "retake" if page.painted else "try_again" if page.fault else ""
        if key:
            again = action(
                "draw" if key == "try_again" else "retake",
                say(f"ui.book.{key}"),
                glyph="reroll",
                scene=scene_id,
            )
    waiting = ""
    if not page.painted and record.state == "drawing" and not page.fault:
        waiting = (
            f'<span class="vt-painting-now">{icon("brush")}{escape(say("ui.book.being_painted"))}</span>'
        )
    return (
        f'<article class="vt-leaf" data-scene="{escape(scene_id)}" data-name="{escape(say("book.page", page=n))}" '
        f'data-state="{_state(page, record)}"{sound}>{_figure(gallery, scene_id)}{waiting}{again}</figure>'
        f'<div class="vt-leaf-words">{fault}<div class="vt-leaf-text vt-own">{_text(stories, record, scene_id, bool(sound))}</div>'
        f'<span class="vt-folio">{n}</span></div></article>'
    )


def _narration(stories: Stories, record: StoryRecord, page: StoryPage) -> Path | None:
    """Nothing is heard of a voice whose consent has run out; the files say so when they are asked for."""
    if not page.sentences or page.spoken < page.sentences:
        return None
    try:
        return stories.sound(record.id, page.scene_id)
    except StudioError:
        return None


def _figure(gallery: Gallery, scene_id: str) -> str:
    """The opening of the figure: the picture over its layout, which the paint is seen to cover."""
    layout = escape(gallery.layout(scene_id))
    return f"<figure style=\"background-image:url('{layout}')\">{gallery.image(scene_id)}"


def _text(stories: Stories, record: StoryRecord, scene_id: str, narrated: bool) -> str:
    """The scene in paragraphs, each sentence a span that knows when it is heard."""
    scene_text = record.plan.scene(scene_id).text
    if narrated:
        timed = stories.sentences(record.id, scene_id)
        found = [(s.text, s.start_seconds, s.end_seconds) for s in timed]
    else:
        found = [(s.text, None, None) for s in sentences_of(scene_text)]
    pieces, at = [], 0
    for text, start, end in found:
        place = scene_text.find(text, at)
        if place < 0:
            continue
        pieces.append(_gap(scene_text[at:place]))
        heard = "" if start is None else f' data-from="{start:.3f}" data-to="{end:.3f}"'
        pieces.append(f'<span class="vt-said"{heard}>{escape(text)}</span>')
        at = place + len(text)
    return "".join((*pieces, _gap(scene_text[at:].rstrip())))


def _gap(between: str) -> str:
    return (
        '<span class="vt-paragraph"></span>' if "\n" in between and not between.strip() else escape(between)
    )


def _frame(reader: Reader, gallery: Gallery, record: StoryRecord, page: StoryPage | None, n: int) -> str:
    name = reader.say("book.page", page=n) if page else reader.say("book.cover")
    shown = page or record.pages[0]
    state = _state(shown, record)
    badge = icon("poor") if state == "failed" else ""
    return (
        f'<li><button type="button" class="vt-frame" data-book="go" data-state="{state}" aria-label="{escape(name)}" title="{escape(name)}">'
        f"{gallery.image(shown.scene_id)}<span>{n if page else icon('book')}</span>{badge}</button></li>"
    )


def _state(page: StoryPage, record: StoryRecord) -> str:
    if page.painted:
        return "painted"
    if page.fault:
        return "failed"
    return "waiting" if record.state == "drawing" else "layout"


def summary(reader: Reader, record: StoryRecord) -> str:
    say, pages = reader.say, len(record.pages)
    painted = sum(page.painted for page in record.pages)
    words = say("ui.book.painted", painted=painted, pages=pages)
    if record.state == "drawing":
        return words
    narrated = any(page.sentences and page.spoken == page.sentences for page in record.pages)
    return f"{words} · {say('ui.book.narrated' if narrated else 'ui.book.silent')}"
