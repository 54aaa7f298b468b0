"""A narrated picture book as a value."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import numpy as np

from pipelines.audio.joining import join
from pipelines.audio.recording import Recording
from pipelines.speech.engine import SpokenWord, Take
from pipelines.text.captions import Caption, cues


@dataclass(frozen=True)
class Picture:
    """``png``: a whole PNG file. ``alt_text``: what is seen, for whoever cannot see it."""

    png: bytes = field(repr=False)
    alt_text: str


@dataclass(frozen=True)
class Sentence:
    """An exact substring of its page's text.

    Attributes:
        start_seconds, end_seconds: where it lies in the page's narration; both None on a silent page.
        words: its spoken words, timed from the beginning of the sentence.
    """

    text: str
    start_seconds: float | None = None
    end_seconds: float | None = None
    words: tuple[SpokenWord, ...] = ()


@dataclass(frozen=True)
class Page:
    """What is seen and heard between two page turns.

    Attributes:
        text: as written; a line break begins a paragraph.
        sentences: in the order of the text, all timed when there is a narration.
        picture: None on a page of words alone.
        narration: the whole page, spoken; None on a silent one.
    """

    text: str
    sentences: tuple[Sentence, ...] = ()
    picture: Picture | None = None
    narration: Recording | None = None

    def __post_init__(self) -> None:
        if not self.sentences and self.text.strip() and self.narration is None:
            object.__setattr__(self, "sentences", (Sentence(self.text.strip()),))
        if self.narration is not None and any(s.start_seconds is None for s in self.sentences):
            raise ValueError("a narrated page needs the times of every sentence")
        _ = self.spans  # refuses sentences that are not in the text

    @cached_property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """Where each sentence lies in ``text``.

        Raises:
            ValueError: a sentence is not in the text, or not in this order.
        """
        spans, place = [], 0
        for sentence in self.sentences:
            start = self.text.find(sentence.text, place)
            if start < 0:
                raise ValueError(f"the page does not contain the sentence {sentence.text!r}")
            place = start + len(sentence.text)
            spans.append((start, place))
        return tuple(spans)

    def words(self, index: int) -> list[tuple[int, int, float, float]]:
        """Sentence ``index`` word by word: start and end in ``text``, start and end in the narration."""
        sentence, (start, end) = self.sentences[index], self.spans[index]
        found, place = [], start
        for word in sentence.words:
            at = self.text.lower().find(word.text.lower(), place, end) if word.text else -1
            if at >= 0:
                place = at + len(word.text)
                begin = sentence.start_seconds or 0.0
                found.append((at, place, begin + word.start_seconds, begin + word.end_seconds))
        return found

    def captions(self, start_seconds: float = 0.0) -> list[Caption]:
        """The narration as captions, when the page's sound begins at ``start_seconds``."""
        return [
            caption
            for s in self.sentences
            if s.start_seconds is not None and s.end_seconds is not None
            for caption in cues(
                s.text, s.words, start_seconds + s.start_seconds, start_seconds + s.end_seconds
            )
        ]


@dataclass(frozen=True)
class Book:
    """Everything an export needs.

    Attributes:
        language: BCP 47 tag of the story, e.g. ``en`` or ``zh``; also the language of the book's own few words.
        label: says to people that a machine made pictures and voice; stands on the last page of every export.
        tags: the same for machines (``studio.trust.labels``); goes into the files' metadata.
        cover: the first page's picture where None.
        voice: whose voice reads, as shown to people; None for a silent book.
        silence: why pages have no narration, in the book's language; shown on the last page.
        made_on: written into the files; without it they carry a fixed date, so that equal books give equal files.
        plan: plain JSON data (scenes, heroes, prompts, seeds) that the project file carries along untouched.
    """

    title: str
    author: str
    language: str
    pages: tuple[Page, ...]
    label: str
    tags: Mapping[str, str] = field(default_factory=dict)
    cover: Picture | None = None
    voice: str | None = None
    silence: str = ""
    made_on: date | None = None
    plan: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.pages:
            raise ValueError("a book has at least one page")
        if not self.label.strip():
            raise ValueError("a book says how it was made: the label is empty")

    @property
    def front(self) -> Picture | None:
        """The picture on the cover."""
        return self.cover or next((page.picture for page in self.pages if page.picture), None)

    @property
    def is_narrated(self) -> bool:
        return any(page.narration is not None for page in self.pages)

    @property
    def is_chinese(self) -> bool:
        return self.language.lower().startswith("zh")

    @property
    def seconds(self) -> float:
        """Of narration in all."""
        return sum(page.narration.seconds for page in self.pages if page.narration)

    @cached_property
    def fingerprint(self) -> str:
        """64 hex digits, equal for equal books."""
        digest = hashlib.sha256()
        head = [self.title, self.author, self.language, self.label, dict(self.tags), self.voice, self.silence]
        digest.update(json.dumps([*head, str(self.made_on), dict(self.plan)], sort_keys=True).encode())
        for picture in (self.cover, *(page.picture for page in self.pages)):
            digest.update(
                hashlib.sha256(picture.png + picture.alt_text.encode() if picture else b"").digest()
            )
        for page in self.pages:
            digest.update(repr((page.text, page.sentences)).encode())
            if page.narration:
                digest.update(f"{page.narration.sample_rate} ".encode())
                digest.update(np.ascontiguousarray(page.narration.wave, "<f4").tobytes())
        return digest.hexdigest()


def narrated_page(
    text: str,
    spoken: Sequence[tuple[str, Take, float]],
    picture: Picture | None = None,
) -> Page:
    """A page read aloud.

    Args:
        spoken: sentence by sentence: its text, its take, the pause after it in seconds. Takes of different sample
            rates are brought to the highest.
    """
    if not spoken:
        return Page(text, picture=picture)
    rate = max(take.sample_rate for _, take, _ in spoken)
    waves = [_at_rate(take, rate) for _, take, _ in spoken]
    pauses = [pause for _, _, pause in spoken[:-1]]
    sentences, place = [], 0.0
    for (sentence, take, pause), wave in zip(spoken, waves, strict=True):
        seconds = len(wave) / rate
        sentences.append(Sentence(sentence, place, place + seconds, take.words))
        place += seconds + round(pause * rate) / rate
    return Page(text, tuple(sentences), picture, Recording(join(waves, rate, pauses), rate))


def _at_rate(take: Take, rate: int) -> np.ndarray:
    if take.sample_rate == rate:
        return take.wave
    import soxr

    return soxr.resample(np.asarray(take.wave, np.float32), take.sample_rate, rate)
