"""Who reads the page, and the words that follow them from one language to the other."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from secrets import token_hex
from time import monotonic

import gradio as gr

from studio.language import catalogue, nearest_language, say


class Visit:
    """What has to be known of somebody's page while an answer to it takes its time.

    Attributes:
        acted_at: when they last did something.
        voice_id: the voice they look at; None is one yet to be made.
        new: what that one is called before it has an id.
        made: the ids of those that were made since, by what they were called.
    """

    def __init__(self) -> None:
        self.acted_at = 0.0
        self.voice_id: str | None = None
        self.new = token_hex(8)
        self.made: dict[str, str] = {}

    def act(self) -> None:
        self.acted_at = monotonic()

    def look_at(self, voice_id: str | None) -> None:
        if voice_id is None and self.voice_id is not None:
            self.new = token_hex(8)
        self.voice_id = voice_id

    def called(self, voice_id: str | None) -> str:
        """What recordings of this voice are brought in for; the same before and after it is made."""
        return self.new if voice_id in (None, self.made.get(self.new)) else voice_id


@dataclass(frozen=True)
class Reader:
    """
    Attributes:
        language: ``en`` or ``zh``.
        dark: whether the page is dark, for pictures drawn on the server.
        tab: the one they were on when they last left.
        visit: theirs, from loading the page to leaving it.
    """

    language: str = "en"
    dark: bool = False
    tab: str | None = None
    visit: Visit = field(default_factory=Visit, compare=False)

    @classmethod
    def from_wish(cls, wish: str | None) -> Reader:
        """From what the browser says of itself, JSON ``{"language": ..., "dark": ..., "tab": ...}``."""
        try:
            told = json.loads(wish or "{}")
        except ValueError:
            told = {}
        if not isinstance(told, dict):
            told = {}
        tab = told.get("tab")
        language = nearest_language(str(told.get("language") or ""))
        return cls(language, bool(told.get("dark")), tab if isinstance(tab, str) else None)

    def say(self, key: str, **facts: object) -> str:
        return say(key, self.language, **facts)

    def size(self, count: float) -> str:
        """2_740_000_000 -> "2.7 GB", 340_000_000 -> "340 MB"; as hubs and disks count, in powers of ten."""
        if count >= 999.5e6:
            return self.say("ui.gigabytes", count=count / 1e9)
        return self.say("ui.megabytes", count=max(1, round(count / 1e6)) if count else 0)

    def duration(self, seconds: float) -> str:
        """4.2 -> "4.2 s", 100 -> "1 min 40 s"."""
        if seconds < 10:
            return self.say("ui.seconds_exact", seconds=seconds)
        minutes, rest = divmod(round(seconds), 60)
        if not minutes:
            return self.say("ui.seconds", seconds=rest)
        if not rest or minutes >= 10:
            return self.say("ui.minutes", minutes=minutes)
        return self.say("ui.minutes_seconds", minutes=minutes, seconds=rest)


def engine_name(reader: Reader, name: str) -> str:
    """What people call it; of an engine that nobody described, its own name."""
    return reader.say(f"ui.engine.{name}") if f"ui.engine.{name}" in catalogue() else name


class Words:
    """Makes components whose fixed words can be said again in another language.

    Gradio's own translation follows the browser's locale alone and cannot be switched from the page, so every fixed
    word goes the same way as the sentences made on the server.
    """

    def __init__(self) -> None:
        self._said: dict[object, Mapping[str, str | Sequence[tuple[str, str]]]] = {}

    def __call__(self, kind: type, says: Mapping[str, str | Sequence[tuple[str, str]]], **arguments: object):
        """``kind(**arguments)`` with, for each property in ``says``, the sentence of that key.

        ``choices`` takes (key, value) pairs.
        """
        component = kind(**self._sentences(says, "en"), **arguments)
        self._said[component] = says
        return component

    @property
    def components(self) -> list:
        return list(self._said)

    def in_language(self, language: str) -> dict:
        return {
            component: gr.update(**self._sentences(says, language)) for component, says in self._said.items()
        }

    def joined(self, language: str, updates: dict) -> dict:
        """``updates`` with the fixed words beside them, where a component has both."""
        return {
            **updates,
            **{
                component: {**words, **updates.get(component, {})}
                for component, words in self.in_language(language).items()
            },
        }

    @staticmethod
    def _sentences(says: Mapping[str, str | Sequence[tuple[str, str]]], language: str) -> dict[str, object]:
        return {
            name: say(key, language)
            if isinstance(key, str)
            else [(say(k, language), value) for k, value in key]
            for name, key in says.items()
        }
