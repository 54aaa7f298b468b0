"""Speak 朗读: a text read by the chosen voice, sentence by sentence."""

from __future__ import annotations

from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import gradio as gr

from pipelines.speech.engine import Control
from studio.language import catalogue
from studio.speaking import CAPTION_FORMATS
from studio.store.records import Speech, VoiceRecord
from studio.ui.i18n import Reader
from studio.ui.markup import ACTIONS, action, empty, heading, notice, told
from studio.ui.page import canvas
from studio.ui.sentences import history_rows, sentence_rows, whole

if TYPE_CHECKING:
    from studio.ui.layout import Studio

IN_SIGHT = ("noise_scale", "length_scale")
HISTORY = 20


class Speak:
    def __init__(self, page: Studio) -> None:
        self.page = page
        words = page.words
        self._captions = TemporaryDirectory(prefix="voxtale-captions-")
        self.says = canvas(elem_classes="vt-says")
        self.nothing = canvas(js_on_load=ACTIONS)
        with gr.Row(elem_classes="vt-columns", visible=False) as self.desk:
            with gr.Column(scale=6, min_width=320, elem_classes="vt-panel"):
                self.head = canvas()
                self.text = words(
                    gr.Textbox,
                    {"label": "ui.speak.text", "placeholder": "ui.speak.text_hint"},
                    lines=8,
                    max_lines=20,
                    elem_id="speak-text",
                )
                self.controls: dict[str, gr.Slider | gr.Checkbox] = {}
                with gr.Row(elem_classes="vt-sliders"):
                    for name in IN_SIGHT:
                        self._add(name)
                with words(gr.Accordion, {"label": "ui.speak.advanced"}, open=False, elem_id="advanced"):
                    for name in self._others():
                        self._add(name)
                    self.seed = words(
                        gr.Textbox,
                        {"label": "ui.speak.seed", "info": "ui.speak.seed_hint"},
                        max_length=10,
                        elem_id="seed",
                    )
                self.speak = words(
                    gr.Button, {"value": "ui.speak.speak"}, variant="primary", size="lg", elem_id="speak-go"
                )
                self.said = canvas(elem_classes="vt-says", elem_id="speak-says")
            with gr.Column(scale=6, min_width=320):
                with gr.Column(elem_classes="vt-panel"):
                    self.whole = canvas(elem_id="take", js_on_load=ACTIONS)
                    self.sentences = canvas(elem_id="sentences", js_on_load=ACTIONS)
                with gr.Column(elem_classes="vt-panel", visible=not page.demo):
                    self.history_head = canvas()
                    self.history = canvas(elem_id="history", js_on_load=ACTIONS)
        self.courier = canvas(elem_classes="vt-courier", js_on_load="window.voxtale.courier(element, watch);")

    @property
    def outputs(self) -> list:
        return [
            self.says, self.nothing, self.desk, self.head, *self.controls.values(), self.said, self.whole,
            self.sentences, self.history_head, self.history,
        ]  # fmt: skip

    def _declared(self) -> dict[str, Control]:
        """Every control that any engine obeys, by name."""
        return {
            control.name: control
            for engine in self.page.container.engines.values()
            for control in engine.controls
        }

    def _others(self) -> list[str]:
        return [name for name in self._declared() if name not in IN_SIGHT]

    def _add(self, name: str) -> None:
        control = self._declared().get(name) or Control(name, 0.0, 1.0, 0.5, 0.05)
        says = {}
        if f"ui.control.{name}.name" in catalogue():
            says = {"label": f"ui.control.{name}.name", "info": f"ui.control.{name}.info"}
        kind, own = gr.Slider, {"value": control.default, **_limits(control)}
        if control.is_switch:
            kind, own = gr.Checkbox, {"value": bool(control.default)}
        self.controls[name] = self.page.words(
            kind,
            says,
            **({} if says else {"label": name}),
            **own,
            visible=False,
            elem_id=f"control-{name}",
        )

    def wire(self) -> None:
        page = self.page
        page.on(
            self.speak.click,
            self.read,
            [page.voice_id, page.speech_id, self.text, self.seed, *self.controls.values()],
            [page.speech_id, self.whole, self.sentences, self.history, page.breath],
            self.said,
        )
        page.on(
            self.sentences.click,
            self.reroll,
            [page.voice_id, page.speech_id],
            [self.whole, self.sentences, page.breath],
            self.said,
        )
        page.on(
            self.whole.click,
            self.on_whole,
            [page.voice_id, page.speech_id],
            [self.courier, self.whole, self.sentences],
            self.said,
        )
        page.on(
            self.history.click,
            self.reopen,
            [page.voice_id],
            [page.speech_id, self.text, self.seed, page.breath, *self.outputs],
            self.said,
        )
        page.on(self.nothing.click, self.go_back, [], [page.tabs], self.says)

    # --- what is to be seen -------------------------------------------------------------------------------------

    def show(self, reader: Reader, voice: VoiceRecord | None, speech: Speech | None) -> dict:
        ready = voice is not None and voice.revision is not None
        return {
            self.says: "",
            self.said: "",
            self.history_head: heading(reader.say("ui.history.title"), reader.say("ui.history.hint")),
            **self.settle(reader, voice),
            **self._set(voice, speech),
            **self.beat(reader, voice if ready else None, speech),
            self.history: self._history(reader, voice, speech) if ready else "",
        }

    def settle(self, reader: Reader, voice: VoiceRecord | None) -> dict:
        """Only what the services change by themselves: whether the voice can speak, and what it obeys."""
        ready = voice is not None and voice.revision is not None
        title = reader.say("ui.speak.title", name=voice.name) if voice else ""
        return {
            self.nothing: "" if ready else self._nothing(reader, voice),
            self.desk: gr.update(visible=ready),
            self.head: heading(title, reader.say("ui.speak.hint")),
            **self._obeyed(voice),
        }

    def beat(self, reader: Reader, voice: VoiceRecord | None, speech: Speech | None) -> dict:
        """What moves while a text is being read."""
        if voice is None or speech is None:
            hint = empty("empty_speak", reader.say("ui.speak.empty"), reader.say("ui.speak.empty_hint"))
            return {self.whole: hint, self.sentences: ""}
        speaking, handoff = self.page.container.speaking, self.page.handoff
        shown = {
            self.whole: whole(reader, handoff, speaking, speech, voice.name),
            self.sentences: sentence_rows(reader, handoff, speaking, speech),
        }
        if speech.state not in ("queued", "running"):
            shown[self.history] = self._history(reader, voice, speech)
        if speech.state == "failed" and speech.job_id:
            job = self.page.container.jobs.get(speech.job_id)
            if job.error:
                shown[self.said] = notice(job.error.sentence(reader.language))
        return shown

    def _nothing(self, reader: Reader, voice: VoiceRecord | None) -> str:
        if voice is None:
            key = "none"
        elif voice.active_job_id:
            key = "preparing"
        else:
            key = "unprepared" if voice.consent else "draft"
        button = (
            ""
            if self.page.demo
            else action("go", reader.say("ui.speak.to_voice"), kind="primary", tab="voice")
        )
        return empty("empty_speak", reader.say(f"ui.speak.{key}"), reader.say(f"ui.speak.{key}_hint"), button)

    def _controls(self, voice: VoiceRecord | None) -> dict[str, Control]:
        engine = self.page.container.engines.get(voice.revision.engine) if voice and voice.revision else None
        return {control.name: control for control in engine.controls} if engine else {}

    def _obeyed(self, voice: VoiceRecord | None) -> dict:
        """Only the controls that the voice's engine obeys, in its own limits."""
        obeyed, shown = self._controls(voice), {}
        for name, shown_as in self.controls.items():
            control = obeyed.get(name)
            limits = _limits(control) if control and not control.is_switch else {}
            shown[shown_as] = gr.update(visible=name in obeyed, **limits)
        return shown

    def _set(self, voice: VoiceRecord | None, speech: Speech | None) -> dict:
        """The same, with the values of the open speech or the engine's own."""
        shown = self._obeyed(voice)
        for name, control in self._controls(voice).items():
            value = speech.controls.get(name, control.default) if speech else control.default
            shown[self.controls[name]]["value"] = bool(value) if control.is_switch else value
        return shown

    def _history(self, reader: Reader, voice: VoiceRecord, speech: Speech | None) -> str:
        if self.page.demo:
            return ""
        past = [
            s for s in self.page.container.speaking.history(voice.id, HISTORY) if not self.page.is_sample(s)
        ]
        return history_rows(reader, past, speech.id if speech else None)

    # --- what people do -----------------------------------------------------------------------------------------

    def read(
        self,
        reader: Reader,
        voice_id: str,
        speech_id: str | None,
        text: str,
        seed: str,
        request: gr.Request,
        *values: float | bool,
    ) -> dict:
        """A text that was only edited keeps the takes of the sentences that stayed."""
        page = self.page
        wanted = (seed or "").strip()
        if wanted and not (wanted.isascii() and wanted.isdigit()):
            return {self.said: told(reader, "ui.speak.no_seed", "fair")}
        chosen = int(wanted) if wanted else None
        voice = page.container.voices.get(voice_id)
        obeyed = self._controls(voice)
        asked = zip(self.controls, values, strict=True)
        controls = {name: float(value) for name, value in asked if name in obeyed}
        open_speech = self.page.speech(speech_id, voice_id)
        if self._only_edited(open_speech, voice, text, controls, chosen):
            speech = page.container.speaking.edit(open_speech.id, text)
        else:
            client = request.client.host if page.demo and request.client else None
            speech = page.container.speaking.submit(voice_id, text, controls, chosen, client=client)
        return self._attend(reader, voice, speech)

    @staticmethod
    def _only_edited(
        speech: Speech | None, voice: VoiceRecord, text: str, controls: dict, seed: int | None
    ) -> bool:
        if speech is None or speech.state != "done" or speech.revision != voice.revision.number:
            return False
        same = all(abs(speech.controls.get(name, value) - value) < 1e-9 for name, value in controls.items())
        return same and seed in (None, speech.seed) and text.strip() != speech.text.strip()

    def _attend(self, reader: Reader, voice: VoiceRecord, speech: Speech) -> dict:
        return {
            **{self.page.speech_id: speech.id, self.page.breath: gr.update(active=True)},
            **self.beat(reader, voice, speech),
            self.history: self._history(reader, voice, speech),
        }

    def reroll(self, reader: Reader, voice_id: str, speech_id: str, event: gr.EventData) -> dict:
        speech = self.page.container.speaking.reroll(speech_id, int(event.index))
        shown = self._attend(reader, self.page.container.voices.get(voice_id), speech)
        return {key: shown[key] for key in (self.whole, self.sentences, self.page.breath)}

    def on_whole(self, reader: Reader, voice_id: str, speech_id: str, event: gr.EventData) -> dict:
        if event.act == "stop":
            speech = self.page.container.speaking.cancel(speech_id)
            return {
                self.whole: whole(
                    reader, self.page.handoff, self.page.container.speaking, speech, self._name(voice_id)
                )
            }
        path = self._file(speech_id, event.format)
        name = f"{self._name(voice_id)}-{speech_id[:6]}.{event.format}"
        address = self.page.handoff.address(path, name)
        # a fresh query makes the same file downloadable twice in a row
        fresh = f"{address}?n={path.stat().st_mtime_ns % 997}-{id(event)}"
        return {self.courier: f'<a href="{escape(fresh)}" download="{escape(name)}">{escape(name)}</a>'}

    def _file(self, speech_id: str, format: str) -> Path:
        if format not in CAPTION_FORMATS:
            return self.page.container.speaking.export(speech_id, format)
        path = Path(self._captions.name) / f"{Path(speech_id).name}.{format}"
        path.write_text(self.page.container.speaking.captions(speech_id, format), encoding="utf-8")
        return path

    def _name(self, voice_id: str) -> str:
        return self.page.container.voices.get(voice_id).name

    def reopen(self, reader: Reader, voice_id: str, event: gr.EventData) -> dict:
        voice, speech = (
            self.page.container.voices.get(voice_id),
            self.page.container.speaking.get(event.speech),
        )
        return {
            self.page.speech_id: speech.id,
            self.text: speech.text,
            self.seed: "",
            self.page.breath: gr.update(active=speech.state in ("queued", "running")),
            **self.show(reader, voice, speech),
        }

    def go_back(self, reader: Reader, event: gr.EventData) -> dict:
        return {self.page.tabs: gr.update(selected=event.tab)}


def _limits(control: Control) -> dict[str, float]:
    return {"minimum": control.minimum, "maximum": control.maximum, "step": control.step}
