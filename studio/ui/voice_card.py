"""The voice card: what a revision was made of and how well it came out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from studio.store.records import RevisionRecord, Speech, VoiceRecord
from studio.ui.consent_card import consent_facts
from studio.ui.handoff import Handoff
from studio.ui.i18n import Reader, engine_name
from studio.ui.markup import action, icon, pill
from studio.ui.progress import loss_curve
from studio.ui.shelf import portrait


def voice_card(reader: Reader, voice: VoiceRecord, samples: str, files: str = "") -> str:
    """
    Args:
        samples: the drawn players of its sample sentences, or a line that says they are on their way.
        files: the drawn links to its files for other programs.
    """
    revision, say = voice.revision, reader.say
    card = revision.card
    facts = [
        (say("ui.card.made"), revision.created_at.astimezone().strftime("%Y-%m-%d %H:%M")),
        (say("ui.card.engine"), engine_name(reader, revision.engine)),
    ]
    if (seconds := card.get("training_seconds")) is not None:
        facts.append((say("ui.card.data"), reader.duration(float(seconds))))
    if (held_out := card.get("held_out_seconds")) is not None:
        facts.append((say("ui.card.held_out"), reader.duration(float(held_out))))
    if (took := card.get("seconds")) is not None:
        facts.append((say("ui.card.took"), reader.duration(float(took))))
    for stage in _stages(card):
        title = say("ui.card.stage_steps", name=stage["name"]) if "name" in stage else say("ui.card.steps")
        facts.append((title, say("ui.card.step_of", best=stage["best_step"], steps=stage["steps"])))
    if "method" in card:
        facts.append((say("ui.card.method"), say(f"ui.method.{card['method']}")))
    if (size := card.get("adapter_bytes")) is not None:
        facts.append((say("ui.card.size"), _bytes(int(size))))
    consent = ""
    if voice.consent:
        consent = (
            f'<h4>{escape(say("ui.card.consent"))}</h4><dl class="vt-facts" data-consent>'
            f"{consent_facts(reader, voice.consent)}</dl>"
        )
    listed = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts)
    kind = say("ui.card.instant") if revision.kind == "instant" else say(f"ui.quality.{revision.quality}")
    notes = "".join(f'<p class="vt-hint">{icon("info")}{escape(note)}</p>' for note in _notes(reader, card))
    drawn = [(stage.get("name", ""), loss_curve(reader, stage.get("curve") or ())) for stage in _stages(card)]
    curve = "".join((f"<h5>{escape(name)}</h5>" if name else "") + figure for name, figure in drawn if figure)
    curves = f"<details><summary>{escape(say('ui.card.curves'))}</summary>{curve}</details>" if curve else ""
    return (
        f'<div class="vt-card"><div class="vt-card-head">{portrait(voice.id)}<div><h3>{escape(voice.name)}</h3>'
        f"{pill(kind, 'good')} {pill(say('ui.card.revision', number=revision.number))}</div></div>"
        f'<div class="vt-meters">{_meters(reader, card)}</div><dl class="vt-facts">{listed}</dl>{notes}{curves}{consent}'
        f"<h4>{escape(say('ui.card.samples'))}</h4>{samples}{files}</div>"
    )


def _stages(card: Mapping) -> Sequence[Mapping]:
    """What was trained one after the other; without a name where there was one thing to train."""
    if card.get("best_step") is not None:
        return [card]
    return card.get("stages") or ()


def _notes(reader: Reader, card: Mapping) -> list[str]:
    """What somebody who reads the figures ought to know."""
    say, notes = reader.say, []
    for stage in _stages(card):
        if stage["best_step"] < stage["steps"]:
            kept = "kept_earlier" if stage["best_step"] else "kept_start"
            key = f"ui.card.stage_{kept}" if "name" in stage else f"ui.card.{kept}"
            notes.append(say(key, **stage))
    if (told := card.get("text_seconds")) is not None:
        if all(stage["name"] != "GPT" for stage in _stages(card)):
            notes.append(say("ui.card.no_text"))
        elif (unknown := card["training_seconds"] - told) >= 1:
            notes.append(say("ui.card.some_text", unknown=reader.duration(unknown)))
    if card.get("adversarial") is False:
        notes.append(say("ui.card.no_critics"))
    return notes


def _bytes(count: int) -> str:
    return f"{count / 2**20:.1f} MB" if count >= 2**20 else f"{max(1, round(count / 1024))} KB"


def _meters(reader: Reader, card: Mapping) -> str:
    meters = []
    if (similarity := card.get("similarity")) is not None:
        before = card.get("similarity_before")
        meters.append(
            _meter(reader, "similarity", float(similarity), None if before is None else float(before))
        )
    if (clear := card.get("intelligibility")) is not None:
        meters.append(_meter(reader, "intelligibility", float(clear), None))
    elif "intelligibility" in card:
        meters.append(
            f'<div class="vt-meter-card"><div class="vt-meter-head"><strong>'
            f"{escape(reader.say('ui.card.intelligibility'))}</strong><span>–</span></div>"
            f"<small>{escape(reader.say('ui.card.intelligibility_unknown'))}</small></div>"
        )
    return "".join(meters)


def _meter(reader: Reader, name: str, value: float, before: float | None) -> str:
    percent = round(100 * max(0.0, min(1.0, value)))
    earlier = ""
    if before is not None:
        at = round(100 * max(0.0, min(1.0, before)))
        earlier = f'<b style="left:{at}%"></b>'
        note = reader.say("ui.card.before_after", before=before, after=value)
    else:
        note = reader.say(f"ui.card.{name}_hint")
    return (
        f'<div class="vt-meter-card"><div class="vt-meter-head"><strong>{escape(reader.say(f"ui.card.{name}"))}</strong>'
        f'<span>{percent}%</span></div><div class="vt-bar"><i style="width:{percent}%"></i>{earlier}</div>'
        f"<small>{escape(note)}</small></div>"
    )


def revision_rows(reader: Reader, voice: VoiceRecord, revisions: Sequence[RevisionRecord]) -> str:
    """Every revision, newest first; the one that speaks is marked, any other can be put in its place."""
    rows = []
    for revision in reversed(revisions):
        kind = "ui.card.instant" if revision.kind == "instant" else f"ui.quality.{revision.quality}"
        made = revision.created_at.astimezone().strftime("%Y-%m-%d %H:%M")
        if voice.revision and revision.number == voice.revision.number:
            use = pill(reader.say("ui.revisions.in_use"), "good")
        else:
            use = action("use", reader.say("ui.revisions.use"), number=revision.number)
        similarity = revision.card.get("similarity")
        likeness = (
            "" if similarity is None else f" · {reader.say('ui.card.similarity')} {float(similarity):.2f}"
        )
        rows.append(
            f'<li class="vt-row"><span class="vt-number">{revision.number}</span><div><strong>{escape(reader.say(kind))}</strong>'
            f"<small>{escape(made + likeness)}</small></div>{use}</li>"
        )
    return f'<ul class="vt-rows">{"".join(rows)}</ul>'


def sample_players(reader: Reader, handoff: Handoff, speaking, speech: Speech) -> str:
    """The sample sentences that are ready, one player each."""
    from studio.ui.player import karaoke, player

    rows = []
    for index, take in enumerate(speech.takes):
        if take is None:
            continue
        label = reader.say("ui.card.sample", number=index + 1)
        heard = player(
            reader, handoff, speaking.take_audio(take.key), f"sample-{index + 1}.wav", label, small=True
        )
        rows.append(f"<li data-karaoke><p>{karaoke(take.words, take.text)}</p>{heard}</li>")
    waiting = ""
    if any(take is None for take in speech.takes) and speech.state in ("queued", "running"):
        waiting = f'<p class="vt-hint">{escape(reader.say("ui.card.samples_coming"))}</p>'
    return f'<ul class="vt-samples">{"".join(rows)}</ul>{waiting}'
