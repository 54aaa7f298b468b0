"""My voice 我的声音: recordings in, what is good and bad about them, the owner's consent."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import gradio as gr

from studio.errors import StudioError
from studio.language import catalogue
from studio.store.records import RecordingRecord, VoiceRecord
from studio.ui.consent_card import consent_text, signed
from studio.ui.consent_form import ConsentForm, agreement
from studio.ui.i18n import Reader
from studio.ui.intake import in_inbox, intake
from studio.ui.markup import ACTIONS, action, empty, goal, heading, notice, pill, told
from studio.ui.page import canvas, complaint
from studio.ui.player import player
from studio.ui.recording_text import RecordingText
from studio.ui.report import quality_report, recording_rows
from studio.voices import PLOTS

if TYPE_CHECKING:
    from studio.ui.layout import Studio


class MyVoice:
    def __init__(self, page: Studio) -> None:
        self.page = page
        words = page.words
        self._making = Lock()
        self.open_recording = gr.State(None)
        self.says = canvas(elem_classes="vt-says")
        self.about = canvas(js_on_load=ACTIONS)
        with gr.Row(elem_classes="vt-columns", visible=False) as self.workbench:
            with gr.Column(scale=5, min_width=320, elem_classes="vt-panel"):
                self.first = canvas()
                self.name = words(
                    gr.Textbox,
                    {"label": "ui.my_voice.name", "placeholder": "ui.my_voice.name_hint"},
                    max_length=60,
                    elem_id="voice-name",
                )
                self.engine = gr.Radio(
                    list(page.container.engines),
                    value=next(iter(page.container.engines)),
                    visible=False,
                    elem_id="voice-engine",
                    elem_classes="vt-choice-cards",
                )
                self.intake = canvas(
                    elem_id="intake", js_on_load="window.voxtale.intake(element, trigger, upload, watch);"
                )
            with gr.Column(scale=7, min_width=320, elem_classes="vt-panel"):
                self.second = canvas()
                self.report = canvas(elem_id="report")
        with gr.Column(elem_classes="vt-panel", visible=False) as self.files_panel:
            self.files_head = canvas()
            self.files = canvas(elem_id="files", js_on_load=ACTIONS)
            self.said = RecordingText(page)
            self.inspector = canvas(elem_id="inspector")
            self.goal = canvas(elem_classes="vt-courier", js_on_load="window.voxtale.goal(element, watch);")
        with gr.Column(elem_classes="vt-panel", visible=False) as self.consent_panel:
            self.third = canvas()
            self.consent_said = canvas(elem_classes="vt-says")
            self.consent_card = canvas(elem_id="consent", js_on_load=ACTIONS)
            with gr.Column(visible=False) as self.consent_form:
                self.form = ConsentForm(words, "consent")
                self.sign = words(
                    gr.Button,
                    {"value": "ui.consent.sign"},
                    variant="primary",
                    elem_id="consent-sign",
                    size="lg",
                )
        with gr.Column(elem_classes="vt-panel is-quiet", visible=False) as self.farewell:
            self.farewell_text = canvas()
            self.withdraw = words(
                gr.Button, {"value": "ui.withdraw.ask"}, variant="stop", size="md", elem_id="withdraw"
            )
            with gr.Column(visible=False) as self.confirm:
                self.confirm_text = canvas()
                with gr.Row():
                    self.withdraw_now = words(
                        gr.Button, {"value": "ui.withdraw.yes"}, variant="stop", elem_id="withdraw-now"
                    )
                    self.keep = words(gr.Button, {"value": "ui.withdraw.no"}, elem_id="withdraw-keep")

    @property
    def outputs(self) -> list:
        return [
            self.says, self.about, self.workbench, self.first, self.second, self.name, self.engine, self.intake,
            self.report,
            self.files_panel, self.files_head, self.files, *self.said.outputs, self.inspector, self.open_recording,
            self.consent_panel,
            self.third, self.consent_said, self.consent_card, self.consent_form, *self.form.inputs, self.sign, self.farewell, self.farewell_text, self.withdraw, self.confirm,
            self.confirm_text,
        ]  # fmt: skip

    def wire(self) -> None:
        page = self.page
        self.intake.upload(
            self.take_in,
            [page.reader, self.name, self.engine],
            [page.voice_id, *page.everything],
            api_visibility="private",
            show_progress="hidden",
            concurrency_limit=4,
            trigger_mode="multiple",  # more may come while the studio still listens
        ).then(
            self.inspect,
            [page.reader, self.open_recording],
            [self.inspector],
            api_visibility="private",
            show_progress="hidden",
        )
        page.on(
            self.files.click,
            self.on_file,
            [page.voice_id, self.open_recording],
            [self.open_recording, self.goal, *self.outputs],
            self.says,
        ).then(
            self.inspect,
            [page.reader, self.open_recording],
            [self.inspector],
            api_visibility="private",
            show_progress="hidden",
        )
        page.on(
            self.said.field.blur,
            self.save_text,
            [page.voice_id, self.open_recording, self.said.field],
            [self.files_head, self.files, *self.said.outputs],
            self.says,
        )
        page.on(
            self.said.listen.click,
            self.write_down,
            [page.voice_id, self.open_recording],
            [self.files_head, self.files, *self.said.outputs, page.pulse],
            self.says,
        )
        for renamed in (self.name.blur, self.name.submit):
            page.on(renamed, self.rename, [page.voice_id, self.name], [page.shelf], self.says)
        self.form.wire(page, self.consent_said)
        page.on(
            self.sign.click,
            self.give_consent,
            [page.voice_id, *self.form.inputs],
            page.everything,
            self.consent_said,
        )
        page.on(
            self.about.click,
            self.leave_sample,
            [page.voice_id],
            [page.voice_id, page.speech_id, page.tabs, *page.everything],
            self.says,
        )
        page.on(
            self.consent_card.click,
            self.after_consent,
            [page.voice_id],
            [page.tabs, *page.everything],
            self.consent_said,
        )
        page.on(self.withdraw.click, self.ask, [page.voice_id], [self.confirm, self.confirm_text], self.says)
        page.on(self.keep.click, self.let_be, [], [self.confirm], self.says)
        page.on(
            self.withdraw_now.click,
            self.delete,
            [page.voice_id],
            [page.voice_id, page.speech_id, *page.everything],
            self.says,
        )

    # --- what is to be seen -------------------------------------------------------------------------------------

    def show(self, reader: Reader, voice: VoiceRecord | None) -> dict:
        """Everything of this tab for ``voice``; None is a voice yet to be made."""
        say = reader.say
        own = not self.page.demo and not (voice and voice.sample)
        recordings = self.page.container.voices.recordings(voice.id) if voice and own else []
        report = self.page.container.voices.report(voice.id) if recordings else None
        if self.page.demo:
            about = told(reader, "ui.demo")
        elif voice and voice.sample:
            make = action("new", say("ui.my_voice.make"), glyph="plus", kind="primary")
            read = action("go", say("ui.consent.to_speak"), tab="speak")
            about = empty(
                "empty_voice",
                say("ui.my_voice.sample", name=voice.name),
                say("ui.my_voice.sample_hint"),
                f'<div class="vt-buttons">{make}{read}</div>',
            )
        else:
            about = ""
        leaving = _leaving(voice)
        shown = {
            self.says: "",
            self.about: about,
            self.workbench: gr.update(visible=own),
            self.first: heading(say("ui.my_voice.first"), say("ui.my_voice.first_hint"), "1"),
            self.second: heading(say("ui.my_voice.second"), say("ui.my_voice.second_hint"), "2"),
            self.intake: intake(reader, reader.visit.called(voice.id if voice else None)) if own else "",
            self.report: quality_report(reader, report)
            if report
            else empty("empty_voice", say("ui.my_voice.empty"), say("ui.my_voice.empty_hint")),
            self.name: gr.update(value=voice.name if voice else ""),
            self.engine: self._engines(reader, voice, chooses=own and not recordings),
            self.farewell: gr.update(visible=bool(own and voice)),
            self.farewell_text: heading(say(f"ui.{leaving}.title"), say(f"ui.{leaving}.hint")),
            self.withdraw: gr.update(value=say(f"ui.{leaving}.ask")),
            self.confirm: gr.update(visible=False),
            **self._files(reader, voice, None),
            **self._consent(reader, voice, [recording.sha256 for recording in recordings]),
        }
        return shown

    def _engines(self, reader: Reader, voice: VoiceRecord | None, chooses: bool) -> dict:
        """The bases to choose from, as long as the voice has no recordings and there is a choice."""
        engines = self.page.container.engines
        choices = [
            (f"{reader.say(f'ui.engine.{name}')}\n{reader.say(f'ui.engine.{name}_hint')}", name)
            if f"ui.engine.{name}" in catalogue()
            else (name, name)
            for name in engines
        ]
        return gr.update(
            label=reader.say("ui.my_voice.engine"),
            choices=choices,
            value=voice.engine if voice and voice.engine in engines else next(iter(engines)),
            visible=chooses and len(engines) > 1 and voice is None,
        )

    def settle(self, reader: Reader, voice: VoiceRecord | None) -> dict:
        """Only what the services change by themselves."""
        own = voice and not voice.sample and not self.page.demo
        recordings = self.page.container.voices.recordings(voice.id) if own else []
        return self._consent(reader, voice, [recording.sha256 for recording in recordings])

    def beat(self, reader: Reader, voice: VoiceRecord, open_id: str | None, seen: tuple | None) -> dict:
        """What moves while its recordings are written down; what people are typing stays."""
        recordings = self.page.container.voices.recordings(voice.id)
        return self._texts(reader, voice, recordings, open_id, seen)

    def busy(self, voice: VoiceRecord | None) -> bool:
        """Whether somebody listens to its recordings."""
        job = self.page.container.voices.transcribing(voice.id) if voice else None
        return job is not None and job.active

    def _texts(
        self,
        reader: Reader,
        voice: VoiceRecord | None,
        recordings: Sequence[RecordingRecord],
        open_id: str | None,
        seen: tuple | None = None,
    ) -> dict:
        """The rows, and the text of the open recording; why nothing could be written down."""
        job = self.page.container.voices.transcribing(voice.id) if recordings else None
        head = heading(reader.say("ui.files.title"), reader.say("ui.files.hint"))
        if job and job.state == "failed":
            head += notice(job.error.sentence(reader.language))
        opened = next((record for record in recordings if record.id == open_id), None)
        return {
            self.files_head: head,
            self.files: recording_rows(reader, recordings, open_id, job),
            **self.said.show(reader, opened, seen),
        }

    def _files(self, reader: Reader, voice: VoiceRecord | None, open_id: str | None) -> dict:
        own = voice and not voice.sample and not self.page.demo
        recordings = self.page.container.voices.recordings(voice.id) if own else []
        shown = {
            self.files_panel: gr.update(visible=bool(recordings)),
            self.open_recording: open_id,
            **self._texts(reader, voice, recordings, open_id),
        }
        return shown if open_id else {**shown, self.inspector: ""}

    def _consent(self, reader: Reader, voice: VoiceRecord | None, audio_sha256: list[str]) -> dict:
        given = voice.consent if voice else None
        covered = given is not None and set(audio_sha256) <= set(given.audio_sha256)
        wanted = bool(audio_sha256) and not covered
        card = ""
        if covered:
            standing = "ready" if voice.revision else "preparing" if voice.active_job_id else "unprepared"
            card = signed(reader, given, standing)
        elif wanted:
            card = consent_text(reader, again=given is not None)
        return {
            self.consent_panel: gr.update(visible=bool(audio_sha256)),
            self.third: heading(reader.say("ui.consent.title"), reader.say("ui.consent.hint"), "3"),
            self.consent_said: "",
            self.consent_card: card,
            self.consent_form: gr.update(visible=wanted),
            self.form.agreed: gr.update(value=False),
        }

    # --- what people do -----------------------------------------------------------------------------------------

    def take_in(self, reader: Reader, name: str, engine: str, event: gr.EventData):
        """Each file by itself: what one cannot use is said, the others go on. Who goes to another voice meanwhile is
        left in peace there."""
        page, visit, complaints, latest = self.page, reader.visit, [], None
        uploads = [(Path(str(file["path"])), str(file["name"])) for file in event.files]
        called = str(event.voice)
        try:
            voice = page.voice(visit.made.get(called, called))
            for path, filename in uploads:
                try:
                    if not in_inbox(path):
                        raise StudioError("recording_unknown", 404)
                    if voice is None:
                        voice = self._made(reader, called, name, engine)
                        if visit.voice_id == voice.id:
                            yield {page.voice_id: voice.id, page.shelf: page.draw_shelf(reader, voice.id)}
                    if visit.voice_id == voice.id:
                        yield {self.says: "", self.report: self._listening(reader, filename)}
                    latest = page.container.voices.add_recording(voice.id, path, filename).id
                except Exception as error:
                    complaints.append(complaint(error, reader, about=filename))
            looked_at = visit.voice_id == (voice.id if voice else None)
            if voice and latest is None and not page.container.voices.recordings(voice.id):
                page.container.voices.delete(voice.id)  # made for these files alone, and none could be used
                visit.made.pop(called, None)
                voice = None
            if not looked_at:
                said = {self.says: "".join(complaints)} if complaints else {}
                yield {page.shelf: page.draw_shelf(reader, visit.voice_id), **said}
                return
            voice = page.voice(voice.id) if voice else None
            visit.voice_id = voice.id if voice else None
            yield {
                page.voice_id: visit.voice_id,
                **page.show(reader, visit.voice_id, None, fresh=False),
                **self.show(reader, voice),
                **self._files(reader, voice, latest),
                self.says: "".join(complaints),
            }
        except Exception as error:
            yield {self.says: complaint(error, reader)}
        finally:
            for path, _ in uploads:
                if in_inbox(path):
                    path.unlink(missing_ok=True)  # a voice is never left lying in the inbox

    def _made(self, reader: Reader, called: str, name: str, engine: str) -> VoiceRecord:
        """The voice for recordings of a new one; those that came at the same moment share it."""
        visit = reader.visit
        with self._making:
            voice = self.page.voice(visit.made.get(called))
            if voice is None:
                looked_at = visit.voice_id is None and called == visit.new
                own = name.strip() if looked_at else ""
                voice = self.page.container.voices.create(own or self._free_name(reader), engine)
                visit.made[called] = voice.id
                if looked_at:
                    visit.voice_id = voice.id
        return voice

    def _listening(self, reader: Reader, filename: str) -> str:
        said = escape(reader.say("ui.my_voice.listening", name=filename))
        return f'<div class="vt-listening"><i></i><span>{said}</span></div>'

    def _free_name(self, reader: Reader) -> str:
        taken = {voice.name for voice in self.page.container.voices.list()}
        plain = reader.say("ui.my_voice.default_name")
        return next(
            name for n in range(1, 10_000) if (name := plain if n == 1 else f"{plain} {n}") not in taken
        )

    def on_file(self, reader: Reader, voice_id: str | None, open_id: str | None, event: gr.EventData) -> dict:
        voices, recording_id = self.page.container.voices, event.recording
        if event.act == "clean":
            voices.set_cleaning(recording_id, bool(event.enabled))
        elif event.act == "remove":
            voices.remove_recording(recording_id)
            open_id = None if open_id == recording_id else open_id
        else:
            open_id = None if open_id == recording_id else recording_id
            shown = self._files(reader, self.page.voice(voice_id), open_id)
            return {**shown, self.goal: goal("recording-said")} if open_id else shown
        return {
            **self.show(reader, self.page.voice(voice_id)),
            **self._files(reader, self.page.voice(voice_id), open_id),
        }

    def inspect(self, reader: Reader, recording_id: str | None) -> str:
        """Before and after to hear, what was done between them, and three pictures to see."""
        if not recording_id:
            return ""
        voices, say = self.page.container.voices, reader.say
        try:
            actions = (say(f"clean.action.{name}") for name in voices.cleaning(recording_id))
            done = f'<div class="vt-buttons">{"".join(map(pill, actions))}</div>'
            heard = "".join(
                f'<div class="vt-compare-side"><strong>{escape(say(f"ui.inspect.{side}"))}</strong>'
                f"{player(reader, self.page.handoff, voices.recording_audio(recording_id, cleaned), f'{side}.wav', say(f'ui.inspect.{side}'))}"
                f"{done if cleaned else ''}</div>"
                for side, cleaned in (("before", False), ("after", True))
            )
            seen = []
            for kind in PLOTS:
                picture = base64.b64encode(
                    voices.plot(recording_id, kind, reader.dark, reader.language)
                ).decode()
                reading = escape(say(f"ui.plot.{kind}.reading"))
                seen.append(
                    f'<figure class="vt-plot"><figcaption><strong>{escape(say(f"ui.plot.{kind}.title"))}</strong>'
                    f'<span>{reading}</span></figcaption><img src="data:image/png;base64,{picture}" alt="{reading}"></figure>'
                )
        except Exception as error:
            return complaint(error, reader)
        return f'<div class="vt-inspector"><div class="vt-compare">{heard}</div><div class="vt-plots">{"".join(seen)}</div></div>'

    def save_text(self, reader: Reader, voice_id: str | None, recording_id: str | None, text: str) -> dict:
        """What was typed over what was heard is the person's own."""
        voice, voices = self.page.voice(voice_id), self.page.container.voices
        if voice is None or recording_id is None:
            return {}
        before = next((one for one in voices.recordings(voice.id) if one.id == recording_id), None)
        if before is None or " ".join(text.split()) == (before.text or ""):
            return {}
        voices.set_text(recording_id, text)
        return self.beat(reader, voice, recording_id, None)

    def write_down(self, reader: Reader, voice_id: str, recording_id: str) -> dict:
        self.page.container.voices.write_down(recording_id)
        shown = self.beat(reader, self.page.voice(voice_id), recording_id, None)
        return {**shown, self.page.pulse: gr.update(active=True)}

    def rename(self, reader: Reader, voice_id: str | None, name: str) -> dict:
        voice = self.page.voice(voice_id)
        if voice and not voice.sample and name.strip() and name.strip() != voice.name:
            self.page.container.voices.rename(voice.id, name.strip())
        return {self.page.shelf: self.page.draw_shelf(reader, voice_id)}

    def give_consent(self, reader: Reader, voice_id: str, *consent: object) -> dict:
        given = agreement(reader, *consent)
        if isinstance(given, str):
            return {self.consent_said: told(reader, given, "fair")}
        self.page.container.voices.consent(
            voice_id, given.owner_name, given.scope, given.until, given.language
        )
        return self.page.show(reader, voice_id, None, fresh=False)

    def after_consent(self, reader: Reader, voice_id: str, event: gr.EventData) -> dict:
        if event.act == "prepare":
            self.page.container.voices.prepare(voice_id)
            return self.page.show(reader, voice_id, None, fresh=False)
        return self.go_on(reader, voice_id, event)

    def go_on(self, reader: Reader, voice_id: str | None, event: gr.EventData) -> dict:
        return {self.page.tabs: gr.update(selected=event.tab)}

    def leave_sample(self, reader: Reader, voice_id: str, event: gr.EventData) -> dict:
        if event.act == "new":
            return {**self.page.show(reader, None, None), self.page.voice_id: None, self.page.speech_id: None}
        return self.go_on(reader, voice_id, event)

    def ask(self, reader: Reader, voice_id: str) -> dict:
        voice = self.page.voice(voice_id)
        if voice is None:
            return {}
        facts = {
            "name": voice.name,
            "recordings": len(self.page.container.voices.recordings(voice.id)),
            "revisions": len(self.page.container.voices.revisions(voice.id)),
        }
        return {
            self.confirm: gr.update(visible=True),
            self.confirm_text: told(reader, "ui.withdraw.confirm", "fair", **facts),
        }

    def let_be(self, reader: Reader) -> dict:
        return {self.confirm: gr.update(visible=False)}

    def delete(self, reader: Reader, voice_id: str) -> dict:
        page = self.page
        voice = page.container.voices.get(voice_id)
        page.container.voices.delete(voice_id)
        return {
            **page.show(reader, None, None),
            page.voice_id: None,
            page.speech_id: None,
            self.says: told(reader, f"ui.{_leaving(voice)}.done", "good", name=voice.name),
        }


def _leaving(voice: VoiceRecord | None) -> str:
    """What its deletion is called: only who has agreed can withdraw that."""
    return "withdraw" if voice and voice.consent else "discard"
