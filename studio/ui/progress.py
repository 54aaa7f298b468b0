"""Work under way: the stage rail, how much is done, how long it takes, and the loss as it falls."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from studio.jobs.job import Job
from studio.ui.i18n import Reader
from studio.ui.markup import action, icon

STAGES = ("slice", "transcribe", "features", "train", "check")
WIDTH, HEIGHT, LEFT = 640, 200, 60


def training_progress(reader: Reader, job: Job) -> str:
    percent = round(100 * job.progress)
    if job.state == "queued":
        left = reader.say("ui.progress.queued")
    elif job.seconds_left is None:
        left = reader.say("ui.progress.estimating")
    else:
        left = reader.say("ui.progress.left", duration=reader.duration(job.seconds_left))
    title = reader.say(f"ui.progress.{job.kind}")
    resumed = (
        f'<p class="vt-hint">{escape(reader.say("ui.progress.resumed", attempt=job.attempt))}</p>'
        if job.attempt > 1
        else ""
    )
    rail = _rail(reader, job) if job.kind == "train" else ""
    curve = loss_curve(reader, [(row.step, row.train, row.held_out) for row in job.curve])
    return (
        f'<div class="vt-progress" data-job-state="{job.state}"><div class="vt-progress-head"><h3>{escape(title)}</h3>'
        f'<span class="vt-percent">{percent}%</span></div>{rail}'
        f'<div class="vt-bar" role="progressbar" aria-valuemin="0" aria-valuemax="100" aria-valuenow="{percent}" '
        f'aria-label="{escape(title)}"><i style="width:{percent}%"></i></div>'
        f'<div class="vt-progress-foot"><span class="vt-left">{icon("clock")}{escape(left)}</span>'
        f"<span>{escape(reader.say('ui.progress.close'))}</span>"
        f"{action('cancel', reader.say('ui.progress.cancel'), glyph='stop', job=job.id)}</div>{resumed}{curve}</div>"
    )


def _rail(reader: Reader, job: Job) -> str:
    at = STAGES.index(job.stage) if job.stage in STAGES else -1
    steps = []
    for index, stage in enumerate(STAGES):
        standing = "done" if index < at else "now" if index == at else "later"
        current = ' aria-current="step"' if standing == "now" else ""
        steps.append(
            f'<li class="is-{standing}"{current}><i>{icon("good") if standing == "done" else index + 1}</i>'
            f"<span>{escape(reader.say(f'ui.stage.{stage}'))}</span></li>"
        )
    return f'<ol class="vt-rail">{"".join(steps)}</ol>'


def loss_curve(reader: Reader, rows: Sequence[Sequence[float | None]]) -> str:
    """Training and held-out loss over the steps, drawn in the page's own colours; nothing before two rows.

    Args:
        rows: (step, train loss, held-out loss or None).
    """
    if len(rows) < 2:
        return ""
    trained = [(row[0], row[1]) for row in rows]
    held_out = [(row[0], row[2]) for row in rows if row[2] is not None]
    losses = [loss for _, loss in trained + held_out]
    low, high = min(losses), max(losses)
    first, last = rows[0][0], rows[-1][0]

    def place(step: float, loss: float) -> str:
        x = LEFT + (WIDTH - LEFT - 16) * (step - first) / max(last - first, 1e-9)
        y = 14 + (HEIGHT - 44) * (high - loss) / max(high - low, 1e-9)
        return f"{x:.1f},{y:.1f}"

    grid = "".join(
        f'<line x1="{LEFT}" x2="{WIDTH - 16}" y1="{y:.0f}" y2="{y:.0f}"/><text x="{LEFT - 8}" y="{y + 4:.0f}" text-anchor="end">{loss:.2g}</text>'
        for y, loss in ((14 + (HEIGHT - 44) * k / 2, high - (high - low) * k / 2) for k in range(3))
    )
    dots = "".join('<circle cx="{}" cy="{}" r="4"/>'.format(*place(*point).split(",")) for point in held_out)
    label = reader.say("ui.curve.label", steps=last, first=trained[0][1], last=trained[-1][1])
    legend = f'<span class="is-train">{escape(reader.say("ui.curve.train"))}</span>' + (
        f'<span class="is-held-out">{escape(reader.say("ui.curve.held_out"))}</span>' if held_out else ""
    )
    return (
        f'<figure class="vt-curve"><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">'
        f'<g class="vt-grid">{grid}</g><polyline class="is-train" points="{" ".join(place(*p) for p in trained)}"/>'
        f'<polyline class="is-held-out" points="{" ".join(place(*p) for p in held_out)}"/>'
        f'<g class="is-held-out">{dots}</g><text class="vt-axis" x="{WIDTH - 16}" y="{HEIGHT - 6}" text-anchor="end">'
        f"{escape(reader.say('ui.curve.steps', steps=last))}</text></svg>"
        f"<figcaption>{legend}</figcaption></figure>"
    )
