"""Consent on the page: the whole text before, the record of it after."""

from __future__ import annotations

import re
from html import escape

from studio.store.records import ConsentRecord
from studio.ui.i18n import Reader
from studio.ui.markup import action, icon


def consent_text(reader: Reader, again: bool) -> str:
    """The full text to agree to; ``again`` when recordings came in that an earlier consent does not cover."""
    from studio.trust.consent import consent_text as text_of

    text = text_of(reader.language)
    more = f'<p class="vt-hint">{escape(reader.say("ui.consent.again"))}</p>' if again else ""
    version = reader.say("ui.consent.version", version=text.version, sha256=text.sha256[:12])
    return (
        f'{more}<div class="vt-consent" tabindex="0" role="region" aria-label="{escape(reader.say("ui.consent.title"))}">'
        f"{_drawn(text.text)}</div><small class='vt-hint'>{escape(version)}</small>"
    )


def consent_facts(reader: Reader, consent: ConsentRecord) -> str:
    """Rows of a ``<dl>``: whose voice, what for, until when, agreed when, to which text."""
    say = reader.say
    rows = (
        ("owner", consent.owner_name),
        ("scope", say(f"ui.consent.{consent.scope}")),
        ("until", consent.until.isoformat() if consent.until else say("ui.consent.open")),
        ("given", consent.given_at.astimezone().strftime("%Y-%m-%d %H:%M")),
        ("text", say("ui.consent.version", version=consent.text_version, sha256=consent.text_sha256[:12])),
    )
    return "".join(
        f"<dt>{escape(say(f'ui.consent.{key}'))}</dt><dd>{escape(value)}</dd>" for key, value in rows
    )


def signed(reader: Reader, consent: ConsentRecord, standing: str) -> str:
    """``standing`` of the voice: ``ready`` to speak, ``preparing``, or ``unprepared`` (stopped or failed)."""
    say, ready = reader.say, standing == "ready"
    prepare = "" if standing != "unprepared" else action("prepare", say("ui.consent.prepare"), kind="primary")
    to_train = action("go", say("ui.consent.to_train"), kind="quiet" if prepare else "primary", tab="train")
    line = say(f"ui.consent.{standing}")
    return (
        f'<div class="vt-signed"><div class="vt-signed-head">{icon("good")}<strong>{escape(say("ui.consent.signed"))}</strong></div>'
        f'<dl>{consent_facts(reader, consent)}</dl><div class="vt-signed-next"><p>{escape(line)}</p>'
        f"{prepare}{to_train}{action('go', say('ui.consent.to_speak'), tab='speak', disabled=not ready)}</div></div>"
    )


def _drawn(markdown: str) -> str:
    """The little Markdown that the consent texts use: headings, emphasis, lists and paragraphs."""
    lines, listed = [], False
    for line in escape(markdown).splitlines():
        words = re.sub(
            r"\*(.+?)\*", r"<em>\1</em>", re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", line.strip())
        )
        item = words.startswith("- ")
        if item != listed:
            lines.append("<ul>" if item else "</ul>")
            listed = item
        if item:
            lines.append(f"<li>{words[2:]}</li>")
        elif words.startswith("# "):
            lines.append(f"<h4>{words[2:]}</h4>")
        elif words:
            lines.append(f"<p>{words}</p>")
    return "".join(lines) + ("</ul>" if listed else "")
