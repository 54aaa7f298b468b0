"""The files of a voice for other programs, as links on its card."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from html import escape
from pathlib import Path

from studio.store.records import VoiceRecord
from studio.typed_text import file_stem
from studio.ui.handoff import Handoff
from studio.ui.i18n import Reader
from studio.ui.markup import icon
from studio.voice_exchange import VoiceExchange


def voice_files(reader: Reader, handoff: Handoff, exchange: VoiceExchange, voice: VoiceRecord) -> str:
    """One link a file, each written only when somebody follows it; nothing for a voice that stays here."""
    links = []
    for name, called in exchange.files_of(voice).items():
        filename = f"{file_stem(voice.name, voice.id)}{Path(name).suffix}"
        address = handoff.lent(
            (voice.id, voice.revision.id, name, filename), filename, partial(_one, exchange, voice.id, name)
        )
        links.append(
            f'<a class="vt-button is-quiet" href="{escape(address)}" download="{escape(filename)}">'
            f"{icon('download')}<span>{escape(called)}</span></a>"
        )
    if not links:
        return ""
    title = escape(reader.say("ui.card.files"))
    return (
        f'<h4>{title}</h4><p class="vt-hint">{escape(reader.say("ui.card.files_hint"))}</p>'
        f'<div class="vt-downloads" role="group" aria-label="{title}">{"".join(links)}</div>'
    )


@contextmanager
def _one(exchange: VoiceExchange, voice_id: str, name: str) -> Iterator[Path]:
    with exchange.given_out(voice_id) as paths:
        yield next(path for path in paths if path.name == name)
