"""What every tab shares: the services, the words and the states of one visit."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import wraps
from time import monotonic

import gradio as gr

from studio.container import Container
from studio.errors import StudioError, from_exception
from studio.language import languages, say
from studio.store.records import Speech, VoiceRecord
from studio.ui.handoff import Handoff
from studio.ui.i18n import Reader, Words
from studio.ui.markup import notice

_log = logging.getLogger(__name__)


def canvas(**arguments: object) -> gr.HTML:
    """A place for drawn HTML, in the page's own style alone."""
    return gr.HTML(apply_default_css=False, **arguments)


class Page:
    """
    Attributes:
        reader: who reads (``Reader``); every handler gets it first.
        voice_id, speech_id, story_id: kept by the browser, so that a reload comes back to the same place.
    """

    def __init__(self, container: Container) -> None:
        self.container = container
        self.words = Words()
        self.handoff = Handoff()
        self.reader = gr.State(Reader())
        # The browser keeps only names of things; the fixed secret lets it read them after the studio was restarted.
        self.voice_id = gr.BrowserState(None, storage_key="voxtale.voice", secret="voxtale")
        self.speech_id = gr.BrowserState(None, storage_key="voxtale.speech", secret="voxtale")
        self.story_id = gr.BrowserState(None, storage_key="voxtale.story", secret="voxtale")
        self._samples: dict[tuple[str, int], str] = {}

    @property
    def demo(self) -> bool:
        return self.container.settings.public_demo

    def voice(self, voice_id: str | None) -> VoiceRecord | None:
        """The voice, or None when it was never chosen or is gone."""
        if not voice_id:
            return None
        try:
            return self.container.voices.get(voice_id)
        except StudioError:
            return None

    def sample(self, voice_id: str, number: int, again: bool = False) -> Speech:
        """The sample sentences of a revision; a failed or stopped attempt is made anew only when ``again`` is asked."""
        speaking = self.container.speaking
        speech_id = self._samples.get((voice_id, number))
        if speech_id is None or again:
            speech_id = self._samples[voice_id, number] = speaking.sample(voice_id, number).id
        return speaking.get(speech_id)

    def is_sample(self, speech: Speech) -> bool:
        return any(speech.text == say("speech.sample", language) for language in languages)

    def on(
        self,
        event: Callable,
        answer: Callable,
        inputs: Iterable,
        outputs: Iterable,
        says: gr.HTML,
        **options: object,
    ):
        """Wire ``event`` to ``answer(reader, *inputs) -> {component: value}``; what goes wrong is said in ``says``.

        What was said before is taken back by the next thing a person does, not by a timer; and what a timer's look
        found is not shown to a person who did something meanwhile.

        The answer comes with the request. Gradio's queue sends it over a stream that the page closes once nothing
        waits: what is clicked at that very moment would never be heard of again.
        """
        outputs = list(dict.fromkeys([says, *outputs]))
        by_itself = isinstance(getattr(event, "__self__", None), gr.Timer)
        return event(
            (looking if by_itself else acting)(answer, says),
            [self.reader, *inputs],
            outputs,
            api_visibility="private",
            show_progress="hidden",
            queue=False,
            **options,
        )


def complaint(error: Exception, reader: Reader, about: str = "") -> str:
    """The card for what went wrong; the cause of the unforeseen goes to the log."""
    known = from_exception(error)
    if known.code == "unexpected":
        _log.error("a page event failed", exc_info=error)
    return notice(known.sentence(reader.language), prefix=about)


def guarded(answer: Callable, says: gr.HTML) -> Callable:
    @wraps(answer)
    def run(reader: Reader, *arguments: object) -> dict:
        try:
            return answer(reader, *arguments)
        except Exception as error:  # whatever happens, people get a sentence
            return {says: complaint(error, reader)}

    return run


def acting(answer: Callable, says: gr.HTML) -> Callable:
    """The answer to what a person did."""
    answered = guarded(answer, says)

    @wraps(answer)
    def run(reader: Reader, *arguments: object) -> dict:
        reader.visit.act()
        try:
            return {says: "", **answered(reader, *arguments)}
        finally:
            reader.visit.act()

    return run


def looking(answer: Callable, says: gr.HTML) -> Callable:
    """What is new since the last look; nothing when the person did something meanwhile, for an answer that comes late
    would draw over what they chose, or end their looking at what they began."""
    answered = guarded(answer, says)

    @wraps(answer)
    def run(reader: Reader, *arguments: object) -> dict:
        began = monotonic()
        shown = answered(reader, *arguments)
        return shown if reader.visit.acted_at < began else {says: gr.skip()}

    return run
