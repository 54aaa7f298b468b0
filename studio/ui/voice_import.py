"""Voices of other programs on the page: their files dropped together, a recording, the owner's consent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr

from studio.errors import StudioError
from studio.store.records import VoiceRecord
from studio.ui.consent_card import consent_text
from studio.ui.consent_form import ConsentForm, agreement
from studio.ui.i18n import Reader
from studio.ui.intake import in_inbox, intake_facts
from studio.ui.markup import icon, told
from studio.ui.page import canvas, complaint
from studio.voice_exchange import Reference

if TYPE_CHECKING:
    from studio.ui.layout import Studio

MAX_WEIGHTS_BYTES = 480 * 2**20
"""Of one file; traded voices have 80 to 330 MB. What a recording may have is for the decoder to say."""
RECORDING = "recording"
_MOST_AT_ONCE = 10


@dataclass(frozen=True)
class Brought:
    """A file that came in; ``name`` is what its owner calls it."""

    path: Path
    name: str
    size: int


class VoiceImport:
    def __init__(self, page: Studio) -> None:
        self.page = page
        words = page.words
        self.brought = gr.State({}, time_to_live=3600, delete_callback=forget)
        """Suffix of a weights file, or ``RECORDING`` -> ``Brought``: the latest of each kind."""
        with words(
            gr.Accordion,
            {"label": "ui.import.title"},
            open=False,
            visible=False,
            elem_id="voice-import",
            elem_classes="vt-panel is-quiet",
        ) as self.fold:
            self.hint = canvas()
            with gr.Row(elem_classes="vt-columns"):
                with gr.Column(scale=5, min_width=300):
                    self.drop = canvas(
                        elem_id="import-drop",
                        js_on_load="window.voxtale.intake(element, trigger, upload, watch);",
                    )
                    self.rows = canvas(elem_id="import-files")
                    self.name = words(
                        gr.Textbox,
                        {"label": "ui.my_voice.name", "placeholder": "ui.my_voice.name_hint"},
                        max_length=60,
                        elem_id="import-name",
                    )
                    self.text = words(
                        gr.Textbox,
                        {"label": "ui.import.text", "info": "ui.import.text_hint"},
                        lines=2,
                        max_lines=6,
                        elem_id="import-text",
                    )
                with gr.Column(scale=7, min_width=300):
                    self.consent = canvas(elem_id="import-consent")
                    self.form = ConsentForm(words, "import")
                    self.go = words(
                        gr.Button,
                        {"value": "ui.import.go"},
                        variant="primary",
                        size="lg",
                        elem_id="import-go",
                    )
                    self.says = canvas(elem_classes="vt-says", elem_id="import-says")

    @property
    def outputs(self) -> list:
        return [self.fold, self.hint, self.drop, self.consent, self.says]

    def wire(self) -> None:
        page = self.page
        page.on(self.drop.upload, self.receive, [self.brought], [self.brought, self.rows], self.says)
        self.form.wire(page, self.says)
        self.go.click(
            self.take_in,
            [page.reader, self.brought, self.name, self.text, *self.form.inputs],
            [
                self.brought,
                self.rows,
                self.name,
                self.text,
                self.form.owner,
                self.form.agreed,
                page.voice_id,
                page.speech_id,
                *page.everything,
            ],  # fmt: skip
            api_visibility="private",
            show_progress="hidden",
            concurrency_limit=1,
        )

    # --- what is to be seen -------------------------------------------------------------------------------------

    def show(self, reader: Reader, voice: VoiceRecord | None) -> dict:
        """Offered wherever a new voice may begin, if an engine here can speak with what comes."""
        files = self.page.container.exchange.files
        offered = bool(files) and not self.page.demo and (voice is None or voice.sample)
        return {
            self.fold: gr.update(visible=offered),
            self.hint: f'<p class="vt-hint">{escape(reader.say("ui.import.hint"))}</p>' if offered else "",
            self.drop: _drop(reader, files) if offered else "",
            self.consent: consent_text(reader, again=False) if offered else "",
            self.says: "",
        }

    # --- what people do -----------------------------------------------------------------------------------------

    def receive(self, reader: Reader, brought: Mapping[str, Brought], event: gr.EventData) -> dict:
        """Files may come together or one by one; the latest of a kind takes the place of the one before."""
        kept = dict(brought)
        suffixes = self._suffixes()
        for file in event.files[:_MOST_AT_ONCE]:
            path, name = Path(str(file["path"])), str(file["name"])
            if not in_inbox(path):
                raise StudioError("recording_unknown", 404)
            suffix = Path(name).suffix.lower()
            kind = suffix if suffix in suffixes else RECORDING
            if kind in kept and kept[kind].path != path:
                kept[kind].path.unlink(missing_ok=True)
            kept[kind] = Brought(path, name, path.stat().st_size)
        return {self.brought: kept, self.rows: file_rows(reader, [*suffixes, RECORDING], kept)}

    def take_in(
        self, reader: Reader, brought: Mapping[str, Brought], name: str, text: str, *consent: object
    ) -> Iterator[dict]:
        """The new voice is chosen; what was brought stays until it is taken."""
        page, suffixes = self.page, self._suffixes()
        agreed = agreement(reader, *consent)
        missing = [called for suffix, called in suffixes.items() if suffix not in brought]
        missing += [reader.say("ui.import.recording")] if RECORDING not in brought else []
        if missing:
            names = reader.say("ui.models.comma").join(missing)
            yield {self.says: told(reader, "ui.import.incomplete", "fair", missing=names)}
            return
        if isinstance(agreed, str):
            yield {self.says: told(reader, agreed, "fair")}
            return
        waiting = escape(reader.say("ui.import.reading"))
        yield {self.says: f'<div class="vt-listening"><i></i><span>{waiting}</span></div>'}
        recording = brought[RECORDING]
        try:
            voice = page.container.exchange.take_in(
                name.strip(),
                [brought[suffix].path for suffix in suffixes],
                [Reference(recording.path, recording.name, text.strip() or None)],
                agreed,
            )
            forget(brought)
            yield {
                **page.show(reader, voice.id, None),
                page.voice_id: voice.id,
                page.speech_id: None,
                page.my_voice.says: told(reader, "ui.import.done", "good", name=voice.name),
                self.fold: gr.update(visible=False, open=False),
                self.brought: {},
                self.rows: "",
                self.name: "",
                self.text: "",
                self.form.owner: "",
                self.form.agreed: False,
            }
        except Exception as error:  # whatever happens, people get a sentence
            yield {self.says: complaint(error, reader)}

    def _suffixes(self) -> dict[str, str]:
        """Suffix -> what people call such a file."""
        return {Path(name).suffix: called for name, called in self.page.container.exchange.files.items()}


def forget(brought: Mapping[str, Brought]) -> None:
    """Files that were used, or never will be."""
    for file in brought.values():
        file.path.unlink(missing_ok=True)


def file_rows(reader: Reader, kinds: list[str], brought: Mapping[str, Brought]) -> str:
    """What has come so far."""
    rows = "".join(
        f'<li class="vt-row is-good" data-kind="{escape(kind)}">{icon("good")}<div>'
        f"<strong>{escape(brought[kind].name)}</strong><small>{escape(reader.size(brought[kind].size))}</small>"
        "</div></li>"
        for kind in kinds
        if kind in brought
    )
    return f'<ul class="vt-rows">{rows}</ul>' if rows else ""


def _drop(reader: Reader, files: Mapping[str, str]) -> str:
    called = reader.say("ui.models.comma").join([*files.values(), reader.say("ui.import.recording")])
    accepted = ",".join([*(Path(name).suffix for name in files), "audio/*", ".m4a", ".opus", ".flac"])
    label = reader.say("ui.import.drop")
    facts = intake_facts(reader, MAX_WEIGHTS_BYTES, too_big="ui.import.too_big")
    return (
        f'<div class="vt-intake"{facts}><label class="vt-drop"><input type="file" multiple class="vt-file-input" '
        f'accept="{escape(accepted)}" aria-label="{escape(label)}">{icon("upload")}<strong>{escape(label)}</strong>'
        f'<span>{escape(called)}</span></label><div class="vt-intake-status" role="status"></div></div>'
    )
