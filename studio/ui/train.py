"""Train 训练: one button, its progress, the voice card, and a blind comparison of before and after."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import gradio as gr

from pipelines.speech.engine import LORA, QUALITIES, TrainingMethod
from studio.jobs.job import Job
from studio.store.records import VoiceRecord
from studio.ui.i18n import Reader
from studio.ui.markup import ACTIONS, action, empty, heading, notice, told
from studio.ui.page import canvas
from studio.ui.player import player
from studio.ui.progress import training_progress
from studio.ui.voice_card import revision_rows, sample_players, voice_card
from studio.ui.voice_files import voice_files

if TYPE_CHECKING:
    from studio.ui.layout import Studio


class Train:
    def __init__(self, page: Studio) -> None:
        self.page = page
        words = page.words
        self.trial = gr.State(None)
        self.says = canvas(elem_classes="vt-says")
        self.nothing = canvas(js_on_load=ACTIONS)
        with gr.Column(elem_classes="vt-panel", visible=False) as self.panel:
            self.head = canvas()
            with gr.Column(visible=False) as self.form:
                self.quality = gr.Radio(
                    list(QUALITIES),
                    value="good",
                    container=False,
                    elem_id="quality",
                    elem_classes="vt-choice-cards",
                )
                with words(
                    gr.Accordion,
                    {"label": "ui.speak.advanced"},
                    open=False,
                    visible=False,
                    elem_id="train-advanced",
                ) as self.advanced:
                    self.method = gr.Radio(
                        [LORA],
                        value=LORA,
                        container=False,
                        elem_id="method",
                        elem_classes="vt-choice-cards",
                    )
                self.start = words(
                    gr.Button,
                    {"value": "ui.train.start"},
                    variant="primary",
                    size="lg",
                    elem_id="train-start",
                )
            self.progress = canvas(elem_id="train-progress", js_on_load=ACTIONS)
        with gr.Row(elem_classes="vt-columns", visible=False) as self.result:
            with gr.Column(scale=7, min_width=320, elem_classes="vt-panel"):
                self.card = canvas(elem_id="voice-card")
            with gr.Column(scale=5, min_width=320):
                with gr.Column(elem_classes="vt-panel", visible=False) as self.trial_panel:
                    self.trial_box = canvas(elem_id="trial", js_on_load=ACTIONS)
                with gr.Column(elem_classes="vt-panel"):
                    self.revisions_head = canvas()
                    self.revisions = canvas(elem_id="revisions", js_on_load=ACTIONS)

    @property
    def outputs(self) -> list:
        return [
            self.says, self.nothing, self.panel, self.head, self.form, self.quality, self.advanced, self.method,
            self.progress, self.result, self.card, self.trial, self.trial_panel, self.trial_box, self.revisions_head, self.revisions,
        ]  # fmt: skip

    def wire(self) -> None:
        page = self.page
        page.on(
            self.start.click,
            self.begin,
            [page.voice_id, self.quality, self.method],
            [page.shelf, page.pulse, *self.outputs],
            self.says,
        )
        page.on(self.method.input, self.weigh, [page.voice_id, self.method], [self.quality], self.says)
        page.on(
            self.progress.click,
            self.cancel,
            [page.voice_id],
            [page.shelf, page.pulse, *self.outputs],
            self.says,
        )
        page.on(self.nothing.click, self.go_back, [], [page.tabs], self.says)
        page.on(
            self.trial_box.click,
            self.on_trial,
            [page.voice_id, self.trial],
            [self.trial, self.trial_box, page.pulse],
            self.says,
        )
        page.on(self.revisions.click, self.use, [page.voice_id], page.everything, self.says)

    # --- what is to be seen -------------------------------------------------------------------------------------

    def show(self, reader: Reader, voice: VoiceRecord | None, trial: dict | None = None) -> dict:
        say, own = reader.say, bool(voice and not voice.sample and not self.page.demo)
        consented = own and voice.consent is not None
        job = self.job(voice) if own else None
        has_revision = bool(own and voice.revision)
        revisions = self.page.container.voices.revisions(voice.id) if has_revision else []
        hint = "ui.train.hint" if not consented or self._trainable(voice) else "ui.train.as_it_is"
        return {
            self.says: "",
            self.nothing: "" if consented else self._nothing(reader, voice),
            self.panel: gr.update(visible=consented),
            self.head: heading(say("ui.train.title"), say(hint)),
            self.form: gr.update(visible=consented and job is None and self._trainable(voice)),
            self.quality: gr.update(choices=self._choices(reader, voice, LORA)),
            self.advanced: gr.update(visible=len(self._methods(voice)) > 1),
            self.method: gr.update(choices=self._ways(reader, voice), value=LORA),
            self.progress: self._progress(reader, voice, job) if consented else "",
            self.result: gr.update(visible=has_revision),
            self.card: self._card(reader, voice) if has_revision else "",
            self.trial: trial,
            self.trial_panel: gr.update(visible=len(revisions) > 1),
            self.trial_box: self._trial(reader, trial) if len(revisions) > 1 else "",
            self.revisions_head: heading(say("ui.revisions.title"), say("ui.revisions.hint")),
            self.revisions: revision_rows(reader, voice, revisions) if revisions else "",
        }

    def beat(self, reader: Reader, voice: VoiceRecord, trial: dict | None) -> dict:
        """What moves while a job runs."""
        shown = {self.progress: self._progress(reader, voice, self.job(voice))}
        if trial and not trial.get("vote"):
            shown[self.trial_box] = self._trial(reader, trial)
        if voice.revision:
            shown[self.card] = self._card(reader, voice)
        return shown

    def job(self, voice: VoiceRecord) -> Job | None:
        job = self.page.container.jobs.get(voice.active_job_id) if voice.active_job_id else None
        return job if job and job.state in ("queued", "running") else None

    def busy(self, voice: VoiceRecord | None, trial: dict | None) -> bool:
        """Whether something is under way that the page should keep looking at."""
        if voice is None or voice.sample or self.page.demo:
            return False
        waits = [self.page.container.speaking.get(trial[side]) for side in ("a", "b")] if trial else []
        if voice.revision and voice.revision.kind == "trained":
            waits.append(self.page.sample(voice.id, voice.revision.number))
        return self.job(voice) is not None or any(speech.state in ("queued", "running") for speech in waits)

    def _trainable(self, voice: VoiceRecord) -> bool:
        return bool(self._methods(voice))

    def _methods(self, voice: VoiceRecord | None) -> Sequence[TrainingMethod]:
        engine = self.page.container.engines.get(voice.engine) if voice else None
        return engine.methods if engine else ()

    def _nothing(self, reader: Reader, voice: VoiceRecord | None) -> str:
        if self.page.demo:
            return told(reader, "ui.demo")
        key = "sample" if voice and voice.sample else "draft" if voice else "none"
        button = action("go", reader.say("ui.train.to_voice"), kind="primary", tab="voice")
        return empty("empty_train", reader.say(f"ui.train.{key}"), reader.say(f"ui.train.{key}_hint"), button)

    def _choices(self, reader: Reader, voice: VoiceRecord | None, method: str) -> list[tuple[str, str]]:
        voices = self.page.container.voices
        measured = voices.training_estimates(voice.engine, method) if voice else {}
        choices = []
        for quality in QUALITIES:
            seconds = measured.get(quality)
            takes = reader.say("ui.train.takes", duration=reader.duration(seconds)) if seconds else ""
            name, hint = reader.say(f"ui.quality.{quality}"), reader.say(f"ui.quality.{quality}_hint")
            choices.append(("\n".join(filter(None, (name, hint, takes))), quality))
        return choices

    def _ways(self, reader: Reader, voice: VoiceRecord | None) -> list[tuple[str, str]]:
        """The methods, each with what it costs."""
        say, ways = reader.say, []
        for method in self._methods(voice):
            costs = say(
                "ui.method.costs",
                disk=reader.size(method.disk_bytes),
                memory=reader.size(method.memory_bytes),
            )
            name, hint = say(f"ui.method.{method.name}"), say(f"ui.method.{method.name}_hint")
            ways.append((f"{name}\n{hint}\n{costs}", method.name))
        return ways or [("", LORA)]

    def _progress(self, reader: Reader, voice: VoiceRecord, job: Job | None) -> str:
        if job is not None:
            return training_progress(reader, job)
        latest = self.page.container.jobs.latest(voice.id, ("prepare", "train"))
        if latest and latest.state == "failed" and latest.error:
            return notice(latest.error.sentence(reader.language))
        if latest and latest.state == "cancelled":
            return told(reader, "ui.prepare.cancelled" if latest.kind == "prepare" else "ui.train.cancelled")
        return ""

    def _card(self, reader: Reader, voice: VoiceRecord) -> str:
        samples = f'<p class="vt-hint">{escape(reader.say("ui.card.samples_after"))}</p>'
        if voice.revision.kind == "trained":
            speaking = self.page.container.speaking
            sample = self.page.sample(voice.id, voice.revision.number)
            samples = sample_players(reader, self.page.handoff, speaking, sample)
        files = voice_files(reader, self.page.handoff, self.page.container.exchange, voice)
        return voice_card(reader, voice, samples, files)

    def _trial(self, reader: Reader, trial: dict | None) -> str:
        say = reader.say
        head = heading(say("ui.trial.title"), say("ui.trial.hint"))
        if trial is None:
            return head + action("trial", say("ui.trial.start"), glyph="wave", kind="primary")
        speaking = self.page.container.speaking
        speeches = {side: speaking.get(trial[side]) for side in ("a", "b")}
        if any(speech.state in ("queued", "running") for speech in speeches.values()):
            return f'{head}<div class="vt-listening"><i></i><span>{escape(say("ui.trial.preparing"))}</span></div>'
        if any(None in speech.takes for speech in speeches.values()):  # stopped or failed half-way
            unspoken = f'<p class="vt-hint">{escape(say("ui.speak.unspoken"))}</p>'
            return head + unspoken + action("trial", say("ui.trial.again"), glyph="reroll")
        vote, sides = trial.get("vote"), []
        for side, speech in speeches.items():
            name = say(f"ui.trial.{side}")
            heard = player(reader, self.page.handoff, speaking.export(speech.id, "wav"), f"{side}.wav", name)
            if vote:
                kind = "after" if trial["after"] == side else "before"
                below = f'<p class="vt-reveal is-{kind}">{escape(say(f"ui.trial.{kind}"))}</p>'
            else:
                below = action("vote", say("ui.trial.vote", side=side.upper()), vote=side)
            chosen = " is-chosen" if vote == side else ""
            sides.append(
                f'<div class="vt-trial-side{chosen}"><strong>{escape(name)}</strong>{heard}{below}</div>'
            )
        if vote:
            verdict = (
                "same_heard" if vote == "same" else "for_after" if vote == trial["after"] else "for_before"
            )
            foot = f"<p><strong>{escape(say(f'ui.trial.{verdict}'))}</strong></p>" + action(
                "trial", say("ui.trial.again"), glyph="reroll"
            )
        else:
            foot = action("vote", say("ui.trial.same"), vote="same")
        return f'{head}<div class="vt-trial">{"".join(sides)}</div><div class="vt-trial-foot" aria-live="polite">{foot}</div>'

    # --- what people do -----------------------------------------------------------------------------------------

    def begin(self, reader: Reader, voice_id: str, quality: str, method: str) -> dict:
        self.page.container.voices.train(voice_id, quality, method)
        return self._again(reader, voice_id)

    def weigh(self, reader: Reader, voice_id: str, method: str) -> dict:
        """How long each quality takes that way."""
        return {self.quality: gr.update(choices=self._choices(reader, self.page.voice(voice_id), method))}

    def cancel(self, reader: Reader, voice_id: str, event: gr.EventData) -> dict:
        voice = self.page.voice(voice_id)
        if voice and event.job == voice.active_job_id:
            self.page.container.jobs.cancel(event.job)
            self.page.container.jobs.wait(event.job, 2.0)
        return self._again(reader, voice_id)

    def _again(self, reader: Reader, voice_id: str) -> dict:
        return {
            **self.show(reader, self.page.voice(voice_id)),
            self.page.shelf: self.page.draw_shelf(reader, voice_id),
            self.page.pulse: gr.update(active=True),
        }

    def go_back(self, reader: Reader, event: gr.EventData) -> dict:
        return {self.page.tabs: gr.update(selected=event.tab)}

    def on_trial(self, reader: Reader, voice_id: str, trial: dict | None, event: gr.EventData) -> dict:
        if event.act == "vote" and trial and event.vote in ("a", "b", "same"):
            trial = {**trial, "vote": event.vote}
        elif event.act == "trial":
            voice = self.page.container.voices.get(voice_id)
            revisions = self.page.container.voices.revisions(voice_id)
            first, last = revisions[0], revisions[-1]
            in_use = voice.revision.number
            before = self.page.sample(voice_id, first.number, again=True)
            after = self.page.sample(voice_id, last.number if in_use == first.number else in_use, again=True)
            hidden = secrets.choice(("a", "b"))
            other = "b" if hidden == "a" else "a"
            trial = {hidden: after.id, other: before.id, "after": hidden, "vote": None}
        return {
            self.trial: trial,
            self.trial_box: self._trial(reader, trial),
            self.page.pulse: gr.update(active=True),
        }

    def use(self, reader: Reader, voice_id: str, event: gr.EventData) -> dict:
        self.page.container.voices.use_revision(voice_id, int(event.number))
        return self.page.show(reader, voice_id, None, fresh=False)
