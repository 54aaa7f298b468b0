"""Models 模型: the public checkpoints, what they ask for, and how they get here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

import gradio as gr

from studio.jobs.job import Job
from studio.models import BaseView
from studio.serving.machine import Machine
from studio.store.catalogue import CRAFTS
from studio.store.hubs import Hub
from studio.store.models import CHECKS
from studio.ui.i18n import Reader
from studio.ui.markup import ACTIONS, action, heading, icon, notice, pill
from studio.ui.page import canvas

if TYPE_CHECKING:
    from studio.ui.layout import Studio

_VERDICTS = {"fits": "good", "tight": "fair", "cpu": "good", "slow": "fair", "too_big": "poor"}


class Models:
    def __init__(self, page: Studio) -> None:
        self.page = page
        self.mirror = gr.BrowserState(None, storage_key="voxtale.mirror", secret="voxtale")
        self.asked = gr.State(None)
        """``{"base": id, "about": "download" | "delete"}`` while a card asks something."""
        self.says = canvas(elem_classes="vt-says")
        with gr.Column(elem_classes="vt-panel"):
            self.head = canvas(elem_id="models-head", js_on_load=ACTIONS)
        self.under_way = canvas(elem_id="models-under-way", js_on_load=ACTIONS)
        self.shelf = canvas(elem_id="models-shelf", js_on_load=ACTIONS)
        with gr.Column(elem_classes="vt-panel"):
            self.own = canvas(elem_id="models-own", js_on_load=ACTIONS)
        self.pulse = gr.Timer(1.0, active=False)

    @property
    def outputs(self) -> list:
        return [self.says, self.asked, self.head, self.under_way, self.shelf, self.own, self.pulse]

    def wire(self, tab: gr.Tab) -> None:
        page = self.page
        page.on(tab.select, self.open, [self.mirror], self.outputs, self.says)
        page.on(self.head.click, self.choose, [self.mirror], [self.mirror, *self.outputs], self.says)
        page.on(self.under_way.click, self.cancel, [self.mirror], self.outputs, self.says)
        page.on(self.shelf.click, self.act, [self.mirror, self.asked], self.outputs, self.says)
        page.on(self.own.click, self.look, [self.mirror], self.outputs, self.says)
        page.on(self.pulse.tick, self.beat, [self.mirror, self.asked], self.outputs, self.says)

    # --- what is to be seen -------------------------------------------------------------------------------------

    def show(self, reader: Reader, mirror: str | None, asked: Mapping | None = None) -> dict:
        models = self.page.container.models
        views, look, hub = models.list(), models.last_look(), self._hub(mirror)
        jobs = _active(views)
        return {
            self.says: "",
            self.asked: asked,
            self.head: _head(reader, models.machine, models.free_bytes, models.hubs, hub),
            self.under_way: _under_way(reader, jobs),
            self.shelf: _shelf(reader, views, hub, models.free_bytes, asked),
            self.own: _own(reader, str(models.store.incoming), look, views),
            self.pulse: gr.update(active=bool(jobs) or bool(look and look.active)),
        }

    def _hub(self, mirror: str | None) -> Hub:
        hubs = self.page.container.models.hubs
        return hubs.get(mirror or "") or next(iter(hubs.values()))

    # --- what people do -----------------------------------------------------------------------------------------

    def open(self, reader: Reader, mirror: str | None) -> dict:
        return self.show(reader, mirror)

    def choose(self, reader: Reader, mirror: str | None, event: gr.EventData) -> dict:
        mirror = event.mirror if event.act == "mirror" else mirror
        return {self.mirror: self._hub(mirror).name, **self.show(reader, mirror)}

    def act(self, reader: Reader, mirror: str | None, asked: Mapping | None, event: gr.EventData) -> dict:
        models, asked = self.page.container.models, None
        if event.act in ("download", "delete"):
            asked = {"base": event.base, "about": event.act}
        elif event.act == "agree":
            models.download(event.base, self._hub(mirror).name, str(event.licences).split("|"))
        elif event.act == "remove":
            models.delete(event.base)
        return self.show(reader, mirror, asked)

    def cancel(self, reader: Reader, mirror: str | None, event: gr.EventData) -> dict:
        jobs = self.page.container.jobs
        if any(job.id == event.job for job in _active(self.page.container.models.list())):
            jobs.cancel(event.job)
            jobs.wait(event.job, 2.0)
        return self.show(reader, mirror)

    def look(self, reader: Reader, mirror: str | None, event: gr.EventData) -> dict:
        self.page.container.jobs.wait(self.page.container.models.look().id, 1.0)
        return self.show(reader, mirror)

    def beat(self, reader: Reader, mirror: str | None, asked: Mapping | None) -> dict:
        """While something is under way, its progress; when it is over, everything anew."""
        models = self.page.container.models
        jobs, look = _active(models.list()), models.last_look()
        if not jobs and not (look and look.active):
            return self.show(reader, mirror, asked)
        return {self.under_way: _under_way(reader, jobs)}


def _active(views: Sequence[BaseView]) -> list[Job]:
    jobs = [view.job for view in views if view.job is not None and view.job.active]
    return sorted(jobs, key=lambda job: (job.state != "running", job.created_at))


def _head(reader: Reader, machine: Machine, free_bytes: int, hubs: Mapping[str, Hub], chosen: Hub) -> str:
    say = reader.say
    facts = [
        say("ui.models.card", name=machine.gpu, size=reader.size(machine.gpu_bytes))
        if machine.gpu
        else say("ui.models.no_card"),
        say("ui.models.disk", size=reader.size(free_bytes)),
    ]
    if machine.memory_bytes is not None:
        facts.insert(1, say("ui.models.memory", size=reader.size(machine.memory_bytes)))
    listed = "".join(f"<li>{escape(fact)}</li>" for fact in facts)
    choices = "".join(
        f'<button type="button" data-act="mirror" data-mirror="{escape(hub.name)}" '
        f'aria-pressed="{str(hub.name == chosen.name).lower()}">{escape(hub.host)}</button>'
        for hub in hubs.values()
    )
    return (
        f"{heading(say('ui.models.title'), say('ui.models.hint'))}"
        f'<div class="vt-machine"><div><h4>{escape(say("ui.models.machine"))}</h4><ul>{listed}</ul></div>'
        f'<div><h4 id="vt-mirrors">{escape(say("ui.models.mirror"))}</h4><div class="vt-segments vt-mirrors" role="group" '
        f'aria-labelledby="vt-mirrors">{choices}</div>'
        f'<p class="vt-hint">{escape(say(f"ui.mirror.{chosen.name}_hint"))}</p></div></div>'
    )


def _under_way(reader: Reader, jobs: Sequence[Job]) -> str:
    rows = "".join(_progress(reader, job) for job in jobs)
    return f'<div class="vt-transfers" aria-live="off">{rows}</div>' if rows else ""


def _progress(reader: Reader, job: Job) -> str:
    say, percent = reader.say, int(100 * job.progress)
    name = say(f"base.{job.subject_id}.name")
    if job.state == "queued":
        left = say("ui.progress.queued")
    elif job.stage != "fetch":
        left = say("ui.models.asking")
    elif job.seconds_left is None:
        left = say("ui.progress.estimating")
    else:
        left = say("ui.progress.left", duration=reader.duration(job.seconds_left))
    return (
        f'<div class="vt-transfer" data-job-state="{job.state}"><div class="vt-progress-head"><h3>{icon("download")}'
        f'{escape(name)}</h3><span class="vt-percent">{percent}%</span></div>'
        f'<div class="vt-bar" role="progressbar" aria-valuemin="0" aria-valuemax="100" aria-valuenow="{percent}" '
        f'aria-label="{escape(name)}"><i style="width:{percent}%"></i></div>'
        f'<div class="vt-progress-foot"><span class="vt-left">{icon("clock")}{escape(left)}</span>'
        f"<span>{escape(say('ui.models.close'))}</span>"
        f"{action('cancel', say('ui.progress.cancel'), glyph='stop', job=job.id)}</div></div>"
    )


def _shelf(
    reader: Reader, views: Sequence[BaseView], hub: Hub, free_bytes: int, asked: Mapping | None
) -> str:
    """What this version can use, craft by craft; behind a fold what it cannot use yet."""

    def rooms(used: bool) -> str:
        drawn = []
        for craft in CRAFTS:
            cards = "".join(
                _card(reader, view, hub, free_bytes, asked if _is_asked(view, asked) else None)
                for view in views
                if view.base.craft == craft and view.base.used == used
            )
            if cards:
                title, hint = reader.say(f"ui.craft.{craft}"), reader.say(f"ui.craft.{craft}_hint")
                drawn.append(
                    f'<section class="vt-craft" aria-label="{escape(title)}"><div class="vt-craft-head"><h3>'
                    f'{escape(title)}</h3><p class="vt-hint">{escape(hint)}</p></div>'
                    f'<div class="vt-models">{cards}</div></section>'
                )
        return "".join(drawn)

    later = rooms(used=False)
    if not later:
        return rooms(used=True)
    unfolded = " open" if any(_is_asked(view, asked) and not view.base.used for view in views) else ""
    title, hint = reader.say("ui.models.later_title"), reader.say("ui.models.later_hint")
    return (
        f'{rooms(used=True)}<details class="vt-later"{unfolded}><summary><h3>{escape(title)}</h3>'
        f'<span class="vt-hint">{escape(hint)}</span></summary>{later}</details>'
    )


def _is_asked(view: BaseView, asked: Mapping | None) -> bool:
    return asked is not None and asked["base"] == view.base.id


def _card(reader: Reader, view: BaseView, hub: Hub, free_bytes: int, asked: Mapping | None) -> str:
    say, base = reader.say, view.base
    words, colour = _standing(reader, view)
    needs = ""
    if base.needs:
        names = say("ui.models.comma").join(say(f"base.{needed}.name") for needed in base.needs)
        needs = f"<dt>{escape(say('ui.models.needs'))}</dt><dd>{escape(names)}</dd>"
    facts = (
        f"<dt>{escape(say('ui.models.size'))}</dt><dd>{escape(reader.size(base.bytes))}</dd>"
        f"<dt>{escape(say('ui.models.licence'))}</dt><dd>{_licence(base.licence.name, base.licence.url)}</dd>"
        f"<dt>{escape(say('ui.models.needs_memory'))}</dt><dd>{escape(reader.size(base.memory_bytes))} "
        f"{pill(say(f'ui.models.{view.verdict}'), _VERDICTS[view.verdict])}</dd>{needs}"
    )
    restart = (
        f'<p class="vt-hint">{icon("info")}{escape(say("ui.models.restart"))}</p>'
        if view.needs_restart
        else ""
    )
    return (
        f'<article class="vt-model{" is-asking" if asked else ""}" data-base="{base.id}"><header><h4>'
        f"{escape(say(f'base.{base.id}.name'))}</h4>{pill(words, colour)}</header>"
        f"<p>{escape(say(f'base.{base.id}.about'))}</p><dl>{facts}</dl>{_checks(reader, view)}{restart}"
        f"{_foot(reader, view, hub, free_bytes, asked)}</article>"
    )


def _standing(reader: Reader, view: BaseView) -> tuple[str, str]:
    if view.job is not None and view.job.active:
        return reader.say("ui.models.downloading"), "coral"
    if view.ready:
        return reader.say("ui.models.installed"), "good"
    if view.state.installed:
        return reader.say("ui.models.lacks_needs"), "fair"
    if view.state.bytes_here:
        here = reader.size(view.state.bytes_here)
        return reader.say("ui.models.partly", here=here, size=reader.size(view.base.bytes)), "fair"
    return reader.say("ui.models.absent"), ""


def _checks(reader: Reader, view: BaseView) -> str:
    """How what is here was checked, said plainly."""
    if not view.state.installed:
        return ""
    checks = view.state.checks
    parts = [reader.say(f"ui.checked.{how}", count=checks[how]) for how in CHECKS if how in checks]
    return f'<p class="vt-hint">{icon("lock")}{escape(" ".join(parts))}</p>' if parts else ""


def _foot(reader: Reader, view: BaseView, hub: Hub, free_bytes: int, asked: Mapping | None) -> str:
    say, base = reader.say, view.base
    if asked and asked["about"] == "delete":
        question = say("ui.models.delete_ask", size=reader.size(view.state.bytes_here))
        return _asking(
            f"<p>{escape(question)}</p>",
            action("remove", say("ui.models.delete"), glyph="trash", kind="danger", base=base.id),
            action("keep", say("ui.models.keep")),
        )
    if view.job is not None and view.job.active:
        return ""
    size = reader.size(view.bytes_missing)
    if asked and not view.ready:
        licences = "".join(f"<li>{_licence(one.name, one.url)}</li>" for one in view.licences)
        from_where = say("ui.models.from", mirror=hub.host, size=size, free=reader.size(free_bytes))
        return _asking(
            f"<p>{escape(say('ui.models.agree_ask'))}</p><ul>{licences}</ul><p>{escape(from_where)}</p>",
            action(
                "agree",
                say("ui.models.agree", size=size),
                glyph="download",
                kind="primary",
                base=base.id,
                licences="|".join(one.name for one in view.licences),
            ),
            action("keep", say("ui.models.not_now")),
        )
    buttons, failed = [], ""
    if not view.ready:
        begun = view.state.bytes_here > 0
        words = say("ui.models.go_on" if begun else "ui.models.download", size=size)
        lacking = not all(hub.offers(one.base) for one in (view.state, *view.needs))
        buttons.append(
            action("download", words, glyph="download", disabled=lacking, base=base.id)
            + (f'<span class="vt-hint">{escape(say("ui.models.elsewhere"))}</span>' if lacking else "")
        )
        if view.job is not None and view.job.error is not None:
            failed = notice(view.job.error.sentence(reader.language))
    if view.state.bytes_here:
        buttons.append(action("delete", say("ui.models.delete"), glyph="trash", kind="icon", base=base.id))
    return f'{failed}<div class="vt-model-foot">{"".join(buttons)}</div>'


def _asking(question: str, *buttons: str) -> str:
    return f'<div class="vt-ask" role="group">{question}<div class="vt-model-foot">{"".join(buttons)}</div></div>'


def _licence(name: str, url: str) -> str:
    return f'<a href="{escape(url)}" target="_blank" rel="noopener noreferrer">{escape(name)}</a>'


def _own(reader: Reader, folder: str, look: Job | None, views: Sequence[BaseView]) -> str:
    say = reader.say
    head = heading(say("ui.models.own"), say("ui.models.own_hint"))
    where = f'<p class="vt-path"><code tabindex="0">{escape(folder)}</code></p>'
    if look is not None and look.active:
        state = f'<div class="vt-listening"><i></i><span>{escape(say("ui.models.looking"))}</span></div>'
        return head + where + state
    button = action("look", say("ui.models.look"), glyph="upload", kind="primary")
    return head + where + button + (_looked(reader, look) if look is not None else "")


def _looked(reader: Reader, look: Job) -> str:
    say = reader.say
    if look.error is not None:
        return notice(look.error.sentence(reader.language))
    if look.result is None:
        return ""
    rows = []
    for item in look.result["found"]:
        base, checked = item["base"], item["checked"]
        about = f"{say(f'base.{base}.name')} · {say(f'ui.looked.{checked}')}"
        rows.append(_row("good", item["file"], about))
    rows += [_row("info", name, say("ui.looked.unknown")) for name in look.result["unknown"]]
    if not rows:
        return f'<p class="vt-hint">{escape(say("ui.models.empty"))}</p>'
    return f'<ul class="vt-rows">{"".join(rows)}</ul>'


def _row(glyph: str, name: str, about: str) -> str:
    return (
        f'<li class="vt-row is-{glyph}">{icon(glyph)}<div><strong>{escape(name)}</strong>'
        f"<small>{escape(about)}</small></div></li>"
    )
