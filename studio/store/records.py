"""What the store remembers, as plain values. Times are aware, in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from pipelines.speech.engine import SpokenWord
from studio.errors import Fault

if TYPE_CHECKING:
    from pipelines.audio.quality import QualityReport
    from pipelines.illustration.settings import PaintingSettings
    from pipelines.story.story import Story
    from pipelines.story.transcribe import Transcript


@dataclass(frozen=True)
class ConsentRecord:
    """
    Attributes:
        owner_name: whose voice it is.
        scope: ``personal`` or ``commercial``.
        until: the last day it holds; None has no end.
        text_version, text_sha256: which text was agreed to, in ``language``.
        audio_sha256: hashes of the recordings it covers.
    """

    id: str
    voice_id: str
    owner_name: str
    scope: str
    until: date | None
    language: str
    text_version: str
    text_sha256: str
    audio_sha256: tuple[str, ...]
    given_at: datetime


@dataclass(frozen=True)
class RevisionRecord:
    """
    Attributes:
        number: 1, 2, 3 ... within its voice.
        kind: ``instant`` (from the recordings alone) or ``trained``.
        quality: ``quick``, ``good`` or ``best``; None for ``instant``.
        card: the voice card, plain JSON data (see ``pipelines.speech.engine.TrainedVoice``) with ``consent``,
            ``recordings`` and ``adapter_bytes`` added.
    """

    id: str
    voice_id: str
    number: int
    engine: str
    kind: str
    quality: str | None
    card: Mapping[str, object]
    created_at: datetime


@dataclass(frozen=True)
class VoiceRecord:
    """
    Attributes:
        languages: that it can read; none while its engine is not installed.
        state: ``draft`` until it can speak, then ``ready``; ``training`` while a training is queued or running
            (a voice that already has a revision speaks on meanwhile).
        revision: the one that speaks, None while a draft.
        active_job_id: the queued or running training or preparation.
        imported: it came as the files of another program.
        sample: it came with the studio and belongs to nobody here.
    """

    id: str
    name: str
    state: str
    engine: str
    languages: tuple[str, ...]
    created_at: datetime
    revision: RevisionRecord | None
    active_job_id: str | None
    consent: ConsentRecord | None
    sample: bool
    imported: bool = False


@dataclass(frozen=True)
class RecordingRecord:
    """
    Attributes:
        filename: as the person called it; shown, never used as a path.
        seconds, sample_rate: of the decoded audio.
        cleaned: whether training uses the cleaned variant.
        sha256: of the bytes that came in.
        text: what is said in it, where somebody wrote it down.
        heard_by: the transcriber that wrote ``text``, or found nothing to write; None for a person.
    """

    id: str
    voice_id: str
    filename: str
    seconds: float
    sample_rate: int
    report: QualityReport
    cleaned: bool
    sha256: str
    created_at: datetime
    text: str | None = None
    heard_by: str | None = None


@dataclass(frozen=True)
class TakeRecord:
    """One sentence as it was spoken.

    Attributes:
        key: names the take by what made it: text, revision, controls and seed.
        index: the sentence's place in its speech.
        attempts: how often it was spoken until the listener found its words, 1 to 3.
        score: of the best attempt, which is the one kept.
    """

    key: str
    index: int
    text: str
    seed: int
    seconds: float
    sample_rate: int
    score: float
    attempts: int
    words: tuple[SpokenWord, ...]


@dataclass(frozen=True)
class Speech:
    """A text read by a voice.

    Attributes:
        revision: number of the voice's revision that reads.
        seed: the seed of every sentence that was not re-rolled.
        state: ``queued``, ``running``, ``done``, ``failed`` or ``cancelled``.
        job_id: the latest job that worked on it; None when every take came from the store.
        sentences: the text cut up, in order.
        takes: one a sentence, None while not spoken.
        seconds: of the takes there are, pauses not counted.
    """

    id: str
    voice_id: str
    revision: int
    text: str
    controls: Mapping[str, float]
    seed: int
    state: str
    job_id: str | None
    sentences: tuple[str, ...]
    takes: tuple[TakeRecord | None, ...]
    seconds: float
    created_at: datetime


@dataclass(frozen=True)
class StoryPage:
    """One scene of a story on its way into the book.

    Attributes:
        painted: its picture is there.
        picture_key: names the picture by everything that shapes it; another key is another picture.
        fault: why it could not be painted the last time; the other pages went on.
        sentences: how many there are to be read.
        spoken: how many of them have a take.
    """

    scene_id: str
    painted: bool
    picture_key: str
    fault: Fault | None
    sentences: int
    spoken: int


@dataclass(frozen=True)
class StoryRecord:
    """A story from its telling to the finished book.

    Attributes:
        state: ``hearing`` (its recording is being written down), ``heard`` (there is a transcript, no plan yet),
            ``planned``, ``drawing`` (queued or running), ``done``, ``failed`` or ``cancelled``.
        text: as typed or corrected; of a told story that has no plan yet, what was heard.
        plan: scenes, heroes, prompts, layouts and seeds; None before there are any.
        transcript: of a told story; ``uncertain_spans`` are to be read over.
        language: en, zh or mixed; empty before there is a text.
        voice_id: who reads; None for nobody.
        voice_name: of who reads or, in a book that was opened, of who read it.
        pages: one a scene, in their order.
        silence: why there is no narration, None where there is or will be some; the sentence is ``book.<silence>``.
        job_id: the latest job on it.
        error: why that job failed.
        sample: it came with the studio and cannot be changed.
    """

    id: str
    title: str
    state: str
    text: str
    plan: Story | None
    transcript: Transcript | None
    language: str
    style: str
    voice_id: str | None
    voice_name: str | None
    painting: PaintingSettings
    pages: tuple[StoryPage, ...]
    silence: str | None
    job_id: str | None
    error: Fault | None
    sample: bool
    created_at: datetime

    def page(self, scene_id: str) -> StoryPage:
        """Raises KeyError for a scene the story does not have."""
        for page in self.pages:
            if page.scene_id == scene_id:
                return page
        raise KeyError(scene_id)
