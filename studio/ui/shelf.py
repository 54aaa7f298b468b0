"""The shelf of voices above the tabs: who speaks."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from zlib import crc32

from studio.store.records import VoiceRecord
from studio.ui.i18n import Reader
from studio.ui.markup import icon, pill

_HUES = ((8, 32), (172, 200), (262, 290), (38, 56), (210, 236), (330, 352), (92, 128))


def portrait(voice_id: str, group: str = "p") -> str:
    """A voiceprint of its own for each voice: rings of bars, always the same for the same id.

    Args:
        group: portraits that are shown and hidden together; a hidden one cannot lend its colours to another.
    """
    seed = crc32(voice_id.encode())
    low, high = _HUES[seed % len(_HUES)]
    bars = "".join(
        f'<rect x="{13 + 6 * i}" y="{30 - half}" width="3.4" height="{2 * half}" rx="1.7"/>'
        for i, half in enumerate(5 + ((seed >> (3 * i)) % 8) * 1.7 for i in range(6))
    )
    return (
        f'<svg class="vt-portrait" viewBox="0 0 60 60" aria-hidden="true"><defs><linearGradient id="{group}{seed}" x1="0" y1="0" '
        f'x2="1" y2="1"><stop stop-color="hsl({low} 62% 62%)"/><stop offset="1" stop-color="hsl({high} 58% 44%)"/>'
        f'</linearGradient></defs><circle cx="30" cy="30" r="30" fill="url(#{group}{seed})"/><g fill="#fff">{bars}</g></svg>'
    )


def standing(reader: Reader, voice: VoiceRecord) -> tuple[str, str]:
    """What a voice can do now: the words and their colour."""
    if voice.sample:
        return reader.say("ui.shelf.sample"), ""
    if voice.state == "training":
        return reader.say("ui.shelf.training"), "coral"
    if voice.revision is None:
        key = "preparing" if voice.active_job_id else "draft"
        return reader.say(f"ui.shelf.{key}"), "fair"
    if voice.revision.kind == "instant":
        return reader.say("ui.shelf.instant"), "good"
    return reader.say("ui.shelf.trained", quality=reader.say(f"ui.quality.{voice.revision.quality}")), "good"


def shelf(reader: Reader, voices: Sequence[VoiceRecord], chosen: str | None, may_create: bool) -> str:
    cards = []
    for voice in voices:
        words, colour = standing(reader, voice)
        spoken = " · ".join(reader.say(f"ui.language.{language}") for language in voice.languages)
        cards.append(
            f'<button type="button" class="vt-voice" role="radio" aria-checked="{str(voice.id == chosen).lower()}" '
            f'data-act="choose" data-voice="{escape(voice.id)}">{portrait(voice.id)}<span class="vt-voice-text">'
            f"<strong>{escape(voice.name)}</strong><small>{escape(spoken)}</small>{pill(words, colour)}</span></button>"
        )
    if may_create:
        cards.append(
            f'<button type="button" class="vt-voice is-new" role="radio" aria-checked="{str(chosen is None).lower()}" '
            f'data-act="new"><span class="vt-portrait">{icon("plus")}</span><span class="vt-voice-text">'
            f"<strong>{escape(reader.say('ui.shelf.new'))}</strong><small>{escape(reader.say('ui.shelf.new_hint'))}</small>"
            "</span></button>"
        )
    return f'<div class="vt-shelf" role="radiogroup" aria-label="{escape(reader.say("ui.shelf.title"))}">{"".join(cards)}</div>'
