"""Small pieces of HTML. Whatever a person typed goes through ``escape`` before it gets here."""

from __future__ import annotations

from functools import cache
from html import escape
from time import monotonic_ns

from studio.errors import Sentence
from studio.ui.i18n import Reader
from studio.ui.theme import ASSETS

ACTIONS = """
element.addEventListener('click', (event) => {
  const target = event.target.closest('[data-act]');
  if (!target || target.disabled) return;
  trigger('click', {...target.dataset});
});
"""
"""``js_on_load`` of every drawn component: a click on ``data-act`` reaches Python with all its data attributes."""


@cache
def icon(name: str) -> str:
    return (ASSETS / "icons" / f"{name}.svg").read_text(encoding="utf-8").strip()


@cache
def drawing(name: str) -> str:
    return (ASSETS / f"{name}.svg").read_text(encoding="utf-8").strip()


def action(
    act: str, label: str, *, glyph: str = "", kind: str = "quiet", disabled: bool = False, **data: object
) -> str:
    """A button that reports ``act`` and ``data``; ``kind`` is ``quiet``, ``primary``, ``danger`` or ``icon``."""
    facts = "".join(f' data-{name}="{escape(str(value))}"' for name, value in data.items())
    words = escape(label)
    body = icon(glyph) if glyph else ""
    if kind == "icon":
        body, named = body, f' aria-label="{words}" title="{words}"'
    else:
        body, named = f"{body}<span>{words}</span>", ""
    off = " disabled" if disabled else ""
    return f'<button type="button" class="vt-button is-{kind}" data-act="{act}"{facts}{named}{off}>{body}</button>'


def notice(sentence: Sentence, kind: str = "poor", prefix: str = "") -> str:
    """A friendly card: title, what happened, the next step. ``kind`` is ``poor``, ``fair``, ``good`` or ``info``."""
    role = "alert" if kind == "poor" else "status"
    about = f'<p class="vt-notice-about">{escape(prefix)}</p>' if prefix else ""
    following = f'<p class="vt-notice-next">{escape(sentence.next)}</p>' if sentence.next else ""
    return (
        f'<div class="vt-notice is-{kind}" role="{role}">{icon(kind)}<div>{about}<h4>{escape(sentence.title)}</h4>'
        f"<p>{escape(sentence.what)}</p>{following}</div></div>"
    )


def told(reader: Reader, key: str, kind: str = "info", **facts: object) -> str:
    """A notice whose sentences are ``<key>.title``, ``.what`` and ``.next``."""
    return notice(
        Sentence(*(reader.say(f"{key}.{part}", **facts) for part in ("title", "what", "next"))), kind
    )


def heading(title: str, subtitle: str = "", step: str = "") -> str:
    number = f'<span class="vt-step">{escape(step)}</span>' if step else ""
    below = f"<p>{escape(subtitle)}</p>" if subtitle else ""
    return f'<div class="vt-heading">{number}<div><h2>{escape(title)}</h2>{below}</div></div>'


def empty(picture: str, title: str, sentence: str, button: str = "") -> str:
    return f'<div class="vt-empty">{drawing(picture)}<h3>{escape(title)}</h3><p>{escape(sentence)}</p>{button}</div>'


def pill(text: str, kind: str = "") -> str:
    return f'<span class="vt-pill {f"is-{kind}" if kind else ""}">{escape(text)}</span>'


def goal(element_id: str) -> str:
    """For a canvas that ``voxtale.goal`` watches: the page goes there, once."""
    return f'<i data-goal="{escape(element_id)}" data-moment="{monotonic_ns()}"></i>'


def paragraphs(text: str) -> str:
    return "".join(f"<p>{escape(part.strip())}</p>" for part in text.split("\n\n") if part.strip())
