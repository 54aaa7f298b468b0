"""Step 2, Scenes: one card a page, with its words, its feeling and what its picture will be told."""

from __future__ import annotations

from html import escape

from pipelines.story.emotion import Evidence
from pipelines.story.scenes import sentences_of
from pipelines.story.story import ScenePlan
from studio.store.records import StoryRecord
from studio.ui.i18n import Reader
from studio.ui.markup import action, icon, notice, pill
from studio.ui.story.choices import page_count
from studio.ui.story.pictures import Gallery, who
from studio.ui.story.prompt import prompt_card

HUES = {
    "joy": 42, "sadness": 212, "fear": 268, "anger": 4, "surprise": 322, "wonder": 188, "love": 346, "calm": 140,
}  # fmt: skip
MOST_REASONS = 6
CHARACTERS_A_ROW = {"en": 62, "zh": 34}


def scene_cards(reader: Reader, gallery: Gallery, record: StoryRecord) -> str:
    plan = record.plan
    notes = "".join(
        f'<p class="vt-hint">{icon("info")}<span>{escape(reader.say(f"story.note.{note.code}", **dict(note.facts)))}</span></p>'
        for note in plan.notes
    )
    cards = "".join(_card(reader, gallery, record, index) for index in range(len(plan.scenes)))
    return f'{notes}<ol class="vt-scenes">{cards}</ol>'


def _card(reader: Reader, gallery: Gallery, record: StoryRecord, index: int) -> str:
    say, scene, page = reader.say, record.plan.scenes[index], record.plan.pages[index]
    chips = (
        mood_chip(reader, scene)
        + pill(say(f"story.place.{scene.place}"))
        + pill(say(f"story.palette.{scene.palette}"))
    )
    unknown = ""
    if page.unknown_words:
        words = say("story.unknown_words", words=", ".join(page.unknown_words))
        unknown = f'<p class="vt-hint">{icon("info")}<span>{escape(words)}</span></p>'
    fault = record.page(scene.id).fault
    failed = notice(fault.sentence(reader.language)) if fault else ""
    return (
        f'<li class="vt-scene"><figure class="vt-scene-picture">{gallery.image(scene.id)}</figure>'
        f'<div class="vt-scene-body"><div class="vt-scene-head"><span class="vt-number">{index + 1}</span>'
        f'<h3 class="vt-own">{escape(who(reader, record, scene.id))}</h3>{_tools(reader, record, index)}</div>'
        f'<div class="vt-chips">{chips}</div>{_words(reader, record, scene, index)}{_cuts(reader, record, scene, index)}'
        f"{prompt_card(reader, record, page, index)}{unknown}{failed}</div></li>"
    )


def _tools(reader: Reader, record: StoryRecord, index: int) -> str:
    if record.sample:
        return ""
    say, scene, last = reader.say, record.plan.scenes[index], len(record.plan.scenes) - 1
    number = index + 1
    return (
        '<div class="vt-scene-tools">'
        + action("move", say("ui.scene.up", number=number), glyph="up", kind="icon", disabled=index == 0, scene=scene.id, to=index - 1)
        + action("move", say("ui.scene.down", number=number), glyph="down", kind="icon", disabled=index == last, scene=scene.id, to=index + 1)
        + action("merge", say("ui.scene.merge", number=number), glyph="merge", kind="icon", disabled=index == last, scene=scene.id)
        + "</div>"
    )  # fmt: skip


def _words(reader: Reader, record: StoryRecord, scene: ScenePlan, index: int) -> str:
    text = scene.text.strip()
    if record.sample:
        return f'<p class="vt-story-text vt-own">{escape(text)}</p>'
    a_row = CHARACTERS_A_ROW["zh" if record.language == "zh" else "en"]
    rows = sum(1 + len(line) // a_row for line in text.splitlines() or [""])
    return (
        f'<div data-edit="rewrite" data-scene="{scene.id}"><textarea class="vt-scene-text" data-field="text" rows="{max(2, rows)}" '
        f'aria-label="{escape(reader.say("ui.scene.text", number=index + 1))}" value="{escape(text)}">{escape(text)}</textarea></div>'
    )


def _cuts(reader: Reader, record: StoryRecord, scene: ScenePlan, index: int) -> str:
    """The sentences with a cut between any two."""
    sentences = [sentence.text for sentence in sentences_of(scene.text)]
    if record.sample or len(sentences) < 2:
        return ""
    say = reader.say
    rows = []
    for at, sentence in enumerate(sentences):
        if at:
            cut = action("split", say("ui.scene.cut"), glyph="split", scene=scene.id, sentence=at)
            rows.append(f'<li class="vt-cut">{cut}</li>')
        rows.append(f'<li class="vt-own">{escape(sentence)}</li>')
    return (
        f'<details class="vt-more" data-keep="split-{scene.id}"><summary>{icon("split")}'
        f'<span>{escape(say("ui.scene.split"))}</span></summary><ol class="vt-cuts">{"".join(rows)}</ol></details>'
    )


def mood_chip(reader: Reader, scene: ScenePlan) -> str:
    """The feeling and, opened, why it is thought to be there."""
    say, emotion = reader.say, scene.emotion
    name = say(f"story.emotion.{emotion.name}")
    strength = max(1, min(3, round(3 * emotion.strength)))
    dots = "".join(f'<i class="{"is-on" if n < strength else ""}"></i>' for n in range(3))
    reasons = [_reason(reader, one) for one in emotion.evidence if one.emotion == emotion.name][:MOST_REASONS]
    listed = "".join(f"<li>{reason}</li>" for reason in reasons)
    because = say("ui.scene.because" if reasons else "ui.scene.no_reason")
    return (
        f'<details class="vt-mood" data-keep="mood-{scene.id}" style="--hue:{HUES[emotion.name]}"><summary>'
        f'<b>{escape(name)}</b><span class="vt-strength" role="img" aria-label="{escape(say("ui.scene.strength", strength=strength))}">{dots}</span>'
        f'</summary><div class="vt-mood-why"><p>{escape(because)}</p><ul>{listed}</ul></div></details>'
    )


def _reason(reader: Reader, evidence: Evidence) -> str:
    if evidence.source == "words":
        return f'<q class="vt-own">{escape(evidence.text)}</q>'
    return escape(reader.say(f"story.voice.{evidence.text}"))


def summary(reader: Reader, record: StoryRecord) -> str:
    moods = dict.fromkeys(reader.say(f"story.emotion.{scene.emotion.name}") for scene in record.plan.scenes)
    return (
        f"{page_count(reader, len(record.plan.scenes))} · {reader.say('ui.story.and').join(list(moods)[:4])}"
    )
