"""A speech on the page: the whole of it, and its sentences one by one."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from studio.jobs.reading import RETAKE_SCORE
from studio.speaking import CAPTION_FORMATS
from studio.store.records import Speech, TakeRecord
from studio.ui.handoff import Handoff
from studio.ui.i18n import Reader
from studio.ui.markup import action, icon, pill
from studio.ui.player import karaoke, player

DOWNLOADS = ("wav", "mp3", "ogg", *CAPTION_FORMATS)


def whole(reader: Reader, handoff: Handoff, speaking, speech: Speech, voice_name: str) -> str:
    """How far it is; once it is done, the player of it all and the downloads. Nothing for what was stopped half-way."""
    done = sum(take is not None for take in speech.takes)
    if speech.state in ("queued", "running"):
        percent = round(100 * done / max(1, len(speech.takes)))
        key = "queued" if speech.state == "queued" else "running"
        line = reader.say(f"ui.speak.{key}", done=done, count=len(speech.takes))
        return (
            f'<div class="vt-take is-working" data-speech-state="{speech.state}"><p>{escape(line)}</p>'
            f'<div class="vt-bar" role="progressbar" aria-valuemin="0" aria-valuemax="100" aria-valuenow="{percent}" '
            f'aria-label="{escape(line)}"><i style="width:{percent}%"></i></div>'
            f'<div class="vt-take-foot">{_along(reader) if done else ""}'
            f"{action('stop', reader.say('ui.speak.stop'), glyph='stop')}</div></div>"
        )
    if done < len(speech.takes):
        return ""
    name = f"{voice_name}-{speech.id[:6]}.wav"
    label = reader.say("ui.speak.whole")
    heard = player(reader, handoff, speaking.export(speech.id, "wav"), name, label)
    links = "".join(
        action("download", format.upper(), glyph="download", format=format) for format in DOWNLOADS
    )
    facts = reader.say("ui.speak.facts", voice=voice_name, revision=speech.revision, seed=speech.seed)
    return (
        f'<div class="vt-take" data-speech-state="{speech.state}"><h3>{escape(label)}</h3>{heard}'
        f'<small class="vt-hint">{escape(facts)}</small><div class="vt-downloads" role="group" '
        f'aria-label="{escape(reader.say("ui.speak.downloads"))}">{links}</div></div>'
    )


def _along(reader: Reader) -> str:
    """The page's own script answers to it: it plays one sentence after the other, as they come."""
    return (
        f'<button type="button" class="vt-button is-quiet vt-along" aria-pressed="false">{icon("play")}'
        f"<span>{escape(reader.say('ui.speak.along'))}</span></button>"
    )


def sentence_rows(reader: Reader, handoff: Handoff, speaking, speech: Speech) -> str:
    working = speech.state in ("queued", "running")
    rows = "".join(
        _row(reader, handoff, speaking, speech, index, take, working)
        for index, take in enumerate(speech.takes)
    )
    return f'<h3 class="vt-rows-title">{escape(reader.say("ui.speak.sentences"))}</h3><ol class="vt-sentences" data-speech="{escape(speech.id)}">{rows}</ol>'


def _row(
    reader: Reader,
    handoff: Handoff,
    speaking,
    speech: Speech,
    index: int,
    take: TakeRecord | None,
    working: bool,
) -> str:
    number = f'<span class="vt-number">{index + 1}</span>'
    if take is None:
        state = "ui.speak.waiting" if working else "ui.speak.unspoken"
        return (
            f'<li class="vt-sentence is-waiting">{number}<div class="vt-sentence-body"><p>{escape(speech.sentences[index])}</p>'
            f'<small class="vt-hint">{escape(reader.say(state))}</small></div></li>'
        )
    label = reader.say("ui.speak.sentence", number=index + 1)
    heard = player(reader, handoff, speaking.take_audio(take.key), f"{index + 1:02d}.wav", label, small=True)
    notes = ""
    if take.score < RETAKE_SCORE:
        notes = pill(reader.say("ui.speak.unsure", share=round(100 * take.score)), "fair")
    elif take.attempts > 1:
        notes = pill(reader.say("ui.speak.attempts", attempts=take.attempts))
    again = action(
        "reroll",
        reader.say("ui.speak.reroll", number=index + 1),
        glyph="reroll",
        kind="icon",
        disabled=working,
        index=index,
    )
    return (
        f'<li class="vt-sentence" data-karaoke data-take="{escape(take.key)}">{number}<div class="vt-sentence-body">'
        f'<p>{karaoke(take.words, take.text)}</p><div class="vt-sentence-foot">{heard}{again}</div>{notes}</div></li>'
    )


def history_rows(reader: Reader, speeches: Sequence[Speech], open_id: str | None) -> str:
    if not speeches:
        return f'<p class="vt-hint">{escape(reader.say("ui.history.empty"))}</p>'
    rows = []
    for speech in speeches:
        made = speech.created_at.astimezone().strftime("%m-%d %H:%M")
        short = speech.text if len(speech.text) <= 90 else f"{speech.text[:88]}…"
        current = ' aria-current="true"' if speech.id == open_id else ""
        rows.append(
            f'<li><button type="button" class="vt-past" data-act="open" data-speech="{escape(speech.id)}"{current}>'
            f"{icon('wave')}<span><strong>{escape(short)}</strong><small>{escape(made)} · "
            f"{escape(reader.duration(speech.seconds))}</small></span></button></li>"
        )
    return f'<ul class="vt-history">{"".join(rows)}</ul>'
