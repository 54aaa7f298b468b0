"""The page as a whole: header, shelf of voices, tabs, and what keeps it up to date."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from pathlib import Path

import gradio as gr
from fastapi import FastAPI
from gradio.utils import get_upload_folder
from starlette.routing import Route

from studio.container import Container
from studio.errors import StudioError
from studio.store.records import Speech, VoiceRecord
from studio.ui import shelf as shelves
from studio.ui.handoff import ROUTE
from studio.ui.i18n import Reader
from studio.ui.inbox import Inbox
from studio.ui.intake import MAX_UPLOAD_BYTES
from studio.ui.markup import ACTIONS, drawing, icon
from studio.ui.models import Models
from studio.ui.my_voice import MyVoice
from studio.ui.page import Page, canvas
from studio.ui.speak import Speak
from studio.ui.story.tab import Story
from studio.ui.theme import script, stylesheet, theme
from studio.ui.train import Train
from studio.ui.voice_import import MAX_WEIGHTS_BYTES, VoiceImport

LAUNCH = {
    "theme": theme(),
    "css": stylesheet(),
    "head": f"<script>{script()}</script>",
    "footer_links": [],
    "run_history": False,
    "show_error": False,
}
"""Arguments of ``gr.mount_gradio_app`` besides the page itself and how large a file may come."""

FORGETS_SECONDS, DEMO_FORGETS_SECONDS = (3600, 3600), (60, 600)
"""How often Gradio looks for uploads that nobody took in, and how old they are when they go."""
DEMO_INBOX_BYTES = 2**30

TABS = ("voice", "train", "speak", "story", "models")


class Studio(Page):
    """The whole page; its tabs know it as ``Page``."""

    def __init__(self, container: Container) -> None:
        super().__init__(container)
        words = self.words
        self.wish = gr.Textbox(visible="hidden", elem_id="wish")
        self.header = canvas(elem_id="header", js_on_load="window.voxtale.header(element, trigger);")
        self.shelf = canvas(elem_id="shelf", js_on_load=ACTIONS + "window.voxtale.shelf(element, watch);")
        with gr.Tabs(elem_id="tabs", selected="voice", overflow_behavior="wrap") as self.tabs:
            with words(gr.Tab, {"label": "ui.tab.voice"}, id="voice"):
                self.my_voice = MyVoice(self)
                self.voice_import = VoiceImport(self)
            with words(gr.Tab, {"label": "ui.tab.train"}, id="train"):
                self.train = Train(self)
            with words(gr.Tab, {"label": "ui.tab.speak"}, id="speak"):
                self.speak = Speak(self)
            with words(gr.Tab, {"label": "ui.tab.story"}, id="story", elem_id="story-tab") as self.story_tab:
                self.story = Story(self)
            with words(
                gr.Tab, {"label": "ui.tab.models"}, id="models", visible=not self.demo
            ) as self.models_tab:
                self.models = Models(self)
        self.footer = canvas(elem_id="footer")
        self.pulse = gr.Timer(1.0, active=False)
        self.breath = gr.Timer(0.6, active=False)

    @property
    def everything(self) -> list:
        """All that a change of voice can change."""
        return [
            self.shelf, *self.my_voice.outputs, *self.voice_import.outputs, *self.train.outputs,
            *self.speak.outputs, self.pulse, self.breath,
        ]  # fmt: skip

    def wire(self, blocks: gr.Blocks) -> None:
        said = self.my_voice.says
        blocks.load(
            self.arrive,
            [self.wish, self.speak.text, self.voice_id, self.speech_id, self.story_id, self.models.mirror],
            [
                self.reader,
                self.header,
                self.footer,
                self.tabs,
                self.voice_id,
                self.speech_id,
                self.story_id,
                self.speak.text,
                *self.words.components,
                *self.everything,
                *self.story.outputs,
                *self.models.outputs,
            ],  # fmt: skip
            js="(wish, text, ...kept) => [window.voxtale.wish(), window.voxtale.typed(), ...kept]",
            api_visibility="private",
            show_progress="hidden",
        ).then(None, js="() => window.voxtale.ready()", api_visibility="private")
        self.on(
            self.header.click,
            self.turn,
            [self.voice_id, self.speech_id, self.train.trial, self.story_id, self.models.mirror],
            [
                self.reader,
                self.header,
                self.footer,
                *self.words.components,
                *self.everything,
                *self.story.outputs,
                *self.models.outputs,
            ],
            said,
        ).then(
            self.my_voice.inspect,
            [self.reader, self.my_voice.open_recording],
            [self.my_voice.inspector],
            api_visibility="private",
            show_progress="hidden",
        )
        self.on(
            self.shelf.click,
            self.choose,
            [],
            [self.voice_id, self.speech_id, *self.everything],
            said,
        )
        self.on(
            self.pulse.tick,
            self.look,
            [
                self.voice_id,
                self.speech_id,
                self.train.trial,
                self.my_voice.open_recording,
                self.my_voice.said.seen,
            ],
            self.everything,
            self.train.says,
        )
        self.on(
            self.breath.tick,
            self.listen,
            [self.voice_id, self.speech_id],
            [self.speak.whole, self.speak.sentences, self.speak.history, self.breath],
            self.speak.said,
        )
        self.on(self.story_tab.select, self.come, [self.story_id], self.story.outputs, self.story.says)
        self.my_voice.wire()
        self.voice_import.wire()
        self.train.wire()
        self.speak.wire()
        self.story.wire()
        self.models.wire(self.models_tab)

    # --- what is to be seen -------------------------------------------------------------------------------------

    def show(
        self,
        reader: Reader,
        voice_id: str | None,
        speech_id: str | None,
        trial: dict | None = None,
        fresh: bool = True,
    ) -> dict:
        """Everything for this voice; unless ``fresh``, what people have opened or typed stays as it is."""
        voice = self.voice(voice_id)
        shown = {
            self.shelf: self.draw_shelf(reader, voice_id),
            **self.train.show(reader, voice, trial),
            self.pulse: gr.update(active=self._busy(voice, trial)),
        }
        if not fresh:
            return {**shown, **self.my_voice.settle(reader, voice), **self.speak.settle(reader, voice)}
        speech = self.speech(speech_id, voice_id)
        reader.visit.look_at(voice.id if voice else None)
        return {
            **shown,
            **self.my_voice.show(reader, voice),
            **self.voice_import.show(reader, voice),
            **self.speak.show(reader, voice, speech),
            self.breath: gr.update(active=bool(speech and speech.state in ("queued", "running"))),
        }

    def _busy(self, voice: VoiceRecord | None, trial: dict | None) -> bool:
        """Whether something is under way that the page should keep looking at."""
        return self.train.busy(voice, trial) or self.my_voice.busy(voice)

    def draw_shelf(self, reader: Reader, voice_id: str | None) -> str:
        return shelves.shelf(reader, self.container.voices.list(), voice_id, may_create=not self.demo)

    def _frame(self, reader: Reader) -> dict:
        say, footer = reader.say, "ui.footer_demo" if self.demo else "ui.footer"
        languages = "".join(
            f'<button type="button" data-act="language" data-language="{language}" lang="{language}" '
            f'aria-pressed="{str(language == reader.language).lower()}">{name}</button>'
            for language, name in (("zh", "中"), ("en", "EN"))
        )
        header = (
            f'<header class="vt-header"><div class="vt-brand">{drawing("logo")}<div><h1>VoxTale <span lang="zh">声绘</span></h1>'
            f'<p>{escape(say("ui.tagline"))}</p></div></div><div class="vt-tools"><div class="vt-segments" role="group" '
            f'aria-label="{escape(say("ui.header.language"))}">{languages}</div>'
            f'<button type="button" class="vt-light" data-act="light" aria-label="{escape(say("ui.header.light"))}" '
            f'title="{escape(say("ui.header.light"))}">{icon("sun")}{icon("moon")}</button></div></header>'
        )
        return {
            self.header: header,
            self.footer: f'<footer class="vt-footer">{escape(say(footer))}</footer>',
        }

    def speech(self, speech_id: str | None, voice_id: str | None) -> Speech | None:
        """The open speech, if it is still there and of this voice."""
        if not speech_id:
            return None
        try:
            speech = self.container.speaking.get(speech_id)
        except StudioError:
            return None
        return speech if speech.voice_id == voice_id else None

    # --- what people do -----------------------------------------------------------------------------------------

    def arrive(
        self,
        wish: str,
        typed: str | None,
        voice_id: str | None,
        speech_id: str | None,
        story_id: str | None,
        mirror: str | None,
        request: gr.Request,
    ) -> dict:
        """A visit begins, or the page was loaded again: back to the same voice, speech, story and work under way."""
        reader = Reader.from_wish(wish)
        voice = self.voice(voice_id)
        if voice is None and (voices := self.container.voices.list()):
            voice = voices[0]
        first = "speak" if voice and voice.sample else "voice"
        chosen = voice.id if voice else None
        speech = self.speech(speech_id, chosen)
        text = {self.speak.text: gr.update(value=typed or (speech.text if speech else ""))}
        return {
            self.reader: reader,
            **self._frame(reader),
            **self.words.joined(reader.language, {**self.show(reader, chosen, speech_id), **text}),
            self.voice_id: chosen,
            self.speech_id: speech.id if speech else None,
            **self.story.arrive(reader, story_id, request),
            self.tabs: gr.update(selected=reader.tab if reader.tab in TABS else first),
            **self._models(reader, mirror),
        }

    def turn(
        self,
        reader: Reader,
        voice_id: str | None,
        speech_id: str | None,
        trial: dict | None,
        story_id: str | None,
        mirror: str | None,
        event: gr.EventData,
        request: gr.Request,
    ) -> dict:
        """To the other language, or from light to dark, which only the plots have to be told."""
        before, reader = reader, replace(Reader.from_wish(event.wish), visit=reader.visit)
        if reader.language == before.language:
            return {self.reader: reader}
        shown = self.show(reader, voice_id, speech_id, trial)
        for typed in (self.my_voice.name, self.my_voice.engine, *self.speak.controls.values()):
            shown[typed].pop("value", None)
        return {
            self.reader: reader,
            **self._frame(reader),
            **self.words.joined(reader.language, shown),
            **self.come(reader, story_id, request),
            **self._models(reader, mirror),
        }

    def come(self, reader: Reader, story_id: str | None, request: gr.Request) -> dict:
        """To the Story tab, where voices may have changed meanwhile."""
        return self.story.show(reader, self.story.record(story_id), self.story.client(request))

    def _models(self, reader: Reader, mirror: str | None) -> dict:
        """Drawn only for who looks at them: what fits this machine is not known before torch is here."""
        return self.models.show(reader, mirror) if reader.tab == "models" and not self.demo else {}

    def choose(self, reader: Reader, event: gr.EventData) -> dict:
        chosen = event.voice if event.act == "choose" else None
        return {**self.show(reader, chosen, None), self.voice_id: chosen, self.speech_id: None}

    def look(
        self,
        reader: Reader,
        voice_id: str | None,
        speech_id: str | None,
        trial: dict | None,
        open_id: str | None,
        seen: tuple | None,
    ) -> dict:
        """While a job of this voice runs: its progress; when it is over: everything anew, once."""
        voice = self.voice(voice_id)
        if self._has_left(reader, voice):
            return {self.train.says: gr.skip()}
        if voice is None:
            return {self.pulse: gr.update(active=False)}
        texts = {} if voice.sample or self.demo else self.my_voice.beat(reader, voice, open_id, seen)
        if not self._busy(voice, trial):
            return {**self.show(reader, voice_id, speech_id, trial, fresh=False), **texts}
        return {**self.train.beat(reader, voice, trial), **texts}

    def _has_left(self, reader: Reader, voice: VoiceRecord | None) -> bool:
        """Whether the page asked before it heard that the person had gone to another voice."""
        visit = reader.visit
        return visit.acted_at > 0 and visit.voice_id != (voice.id if voice else None)

    def listen(self, reader: Reader, voice_id: str | None, speech_id: str | None) -> dict:
        voice, speech = self.voice(voice_id), self.speech(speech_id, voice_id)
        if self._has_left(reader, voice):
            return {self.speak.said: gr.skip()}
        if voice is None or speech is None:
            return {self.breath: gr.update(active=False)}
        return {
            **self.speak.beat(reader, voice, speech),
            self.breath: gr.update(active=speech.state in ("queued", "running")),
        }


def build_page(container: Container) -> gr.Blocks:
    """The page over ``container``'s services. Mount it with ``mount_page``."""
    forgets = DEMO_FORGETS_SECONDS if container.settings.public_demo else FORGETS_SECONDS
    with gr.Blocks(title="VoxTale 声绘", analytics_enabled=False, delete_cache=forgets) as blocks:
        studio = Studio(container)
        studio.wire(blocks)
    blocks.queue(max_size=64, default_concurrency_limit=8)
    blocks.handoff = studio.handoff
    return blocks


def mount_page(app: FastAPI, container: Container) -> FastAPI:
    """Put the page at ``/`` of ``app``, and the files it plays beside it."""
    page = build_page(container)
    app.router.routes.append(Route(ROUTE, page.handoff.serve))
    largest = (
        MAX_WEIGHTS_BYTES
        if container.exchange.files and not container.settings.public_demo
        else MAX_UPLOAD_BYTES
    )
    if container.settings.public_demo:
        app.add_middleware(
            Inbox, folder=Path(get_upload_folder()), max_bytes=DEMO_INBOX_BYTES, largest_bytes=largest
        )
    return gr.mount_gradio_app(app, page, path="/", **LAUNCH, max_file_size=largest)
