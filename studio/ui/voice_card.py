"""The voice card: what a revision was made of and how well it came out."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from studio.store.records import RevisionRecord, Speech, VoiceRecord
from studio.ui.handoff import Handoff
from studio.ui.i18n import Reader
from studio.ui.markup import action, icon, pill
from studio.ui.progress import loss_curve
from studio.ui.shelf import portrait


def voice_card(reader: Reader, voice: VoiceRecord, samples: str) -> str:
    """
    Args:
        samples: the drawn players of its sample sentences, or a line that says they are on their way.
    """
    revision, say = voice.revision, reader.say
    card = revision.card
    facts = [
        (say("ui.card.made"), revision.created_at.astimezone().strftime("%Y-%m-%d %H:%M")),
        (say("ui.card.engine"), revision.engine),
    ]
    if (seconds := card.get("training_seconds")) is not None:
        facts.append((say("ui.card.data"), reader.duration(float(seconds))))
    if (held_out := card.get("held_out_seconds")) is not None:
        facts.append((say("ui.card.held_out"), reader.duration(float(held_out))))
    if (took := card.get("seconds")) is not None:
        facts.append((say("ui.card.took"), reader.duration(float(took))))
    if (best := card.get("best_step")) is not None:
        facts.append((say("ui.card.steps"), say("ui.card.step_of", best=best, steps=card.get("steps", best))))
    if (size := card.get("adapter_bytes")) is not None:
        facts.append((say("ui.card.size"), _bytes(int(size))))
    if voice.consent:
        facts.append(
            (
                say("ui.card.consent"),
                f"{voice.consent.owner_name} · {say(f'ui.consent.{voice.consent.scope}')}",
            )
        )
    listed = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts)
    kind = say("ui.card.instant") if revision.kind == "instant" else say(f"ui.quality.{revision.quality}")
    stopped = (
        card.get("best_step") is not None
        and card.get("steps") is not None
        and card["best_step"] < card["steps"]
    )
    kept_which = "ui.card.kept_earlier" if card.get("best_step") else "ui.card.kept_start"
    kept = f'<p class="vt-hint">{icon("info")}{escape(say(kept_which, **card))}</p>' if stopped else ""
    curve = loss_curve(reader, card.get("curve") or ())
    curves = f"<details><summary>{escape(say('ui.card.curves'))}</summary>{curve}</details>" if curve else ""
    return (
        f'<div class="vt-card"><div class="vt-card-head">{portrait(voice.id)}<div><h3>{escape(voice.name)}</h3>'
        f"{pill(kind, 'good')} {pill(say('ui.card.revision', number=revision.number))}</div></div>"
        f'<div class="vt-meters">{_meters(reader, card)}</div><dl class="vt-facts">{listed}</dl>{kept}{curves}'
        f"<h4>{escape(say('ui.card.samples'))}</h4>{samples}</div>"
    )


def _bytes(count: int) -> str:
    return f"{count / 2**20:.1f} MB" if count >= 2**20 else f"{max(1, round(count / 1024))} KB"


def _meters(reader: Reader, card) -> str:
    meters = []
    if (similarity := card.get("similarity")) is not None:
        before = card.get("similarity_before")
        meters.append(
            _meter(reader, "similarity", float(similarity), None if before is None else float(before))
        )
    if (clear := card.get("intelligibility")) is not None:
        meters.append(_meter(reader, "intelligibility", float(clear), None))
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
