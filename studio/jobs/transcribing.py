"""Recordings become words, with the best transcriber there is."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from pipelines.audio.recording import Recording
from pipelines.failure import CraftError
from pipelines.story.transcribe import NOT_HEARD
from pipelines.text.language import detect_language, spoken_languages
from studio.errors import StudioError
from studio.jobs.runner import Handler, JobRun
from studio.serving.gpu_lane import DRAWING, GpuLane
from studio.serving.residency import Residency
from studio.store.recording_files import RecordingFiles
from studio.store.records import RecordingRecord
from studio.store.voices import VoiceStore
from studio.typed_text import one_line

if TYPE_CHECKING:
    from pipelines.story.transcribe import Transcript
    from pipelines.story.transcribers import TranscriberDescription

log = logging.getLogger(__name__)

SHORT_SECONDS = 120.0
"""An instant voice waits until recordings of this length are written down; it does without what longer ones say."""
_LOOK_SECONDS = 0.5


class Transcribing:
    """
    Args:
        transcribers: what is installed now, the best last.
    """

    def __init__(
        self,
        voices: VoiceStore,
        files: RecordingFiles,
        transcribers: Callable[[], Mapping[str, TranscriberDescription]],
        residency: Residency,
        lane: GpuLane,
    ) -> None:
        self._voices = voices
        self._files = files
        self._transcribers = transcribers
        self._residency = residency
        self._lane = lane
        self._writing = threading.Lock()  # two jobs of one voice would hear the same recordings
        self._written_now: str | None = None

    def best(self) -> TranscriberDescription:
        """The best transcriber that fits into memory."""
        budget = self._residency.budget_bytes
        return [one for one in self._transcribers().values() if one.resident_bytes <= budget][-1]

    def hear(self, recording: Recording, report: Callable[[float], None]) -> Transcript:
        """
        Args:
            report: hears the share done, 0..1, and may raise to end the work.

        Raises:
            CraftError: as ``pipelines.story.transcribe.Transcriber``, or as its loading.
        """

        def heard(share: float) -> None:
            report(share)
            self._lane.give_way(DRAWING)

        with self._residency.lease(("transcriber", self.best().name)) as transcribe, self._lane.turn(DRAWING):
            return transcribe(recording, heard)

    def write_down(self, run: JobRun) -> Mapping[str, object]:
        """What is said in the recordings of a voice."""
        return {"written": self._write_down(run, lambda share: run.stage("hear", share))}

    def before(self, then: Handler, longest_seconds: float | None = None) -> Handler:
        """``then``, with what is said in the voice's recordings, if they are no longer, written down before it begins."""

        def handler(run: JobRun) -> Mapping[str, object]:
            if not self.best().rough:
                try:
                    self._write_down(run, lambda share: run.stage("slice", 0.0), longest_seconds)
                except (CraftError, StudioError) as error:  # the voice can be made without
                    log.warning("what is said in the recordings was not written down: %s", error)
            return then(run)

        return handler

    def told(self, record: RecordingRecord, languages: Collection[str]) -> list[Recording]:
        """A recording as a voice learns from it: a long one cut into clips, where the times of its words are known.

        Args:
            languages: that the voice's engine reads; it gets no text in any other.
        """
        from pipelines.story.clips import clips, shortened

        text, transcript = record.text, self._voices.transcript(record.id)
        heard = transcript.language if transcript else None
        if text is None or not _said(text, heard) <= set(languages):
            return [self._files.read(record, record.cleaned)]
        if transcript is None:
            return [replace(self._files.read(record, record.cleaned), text=text)]
        if not record.cleaned:
            whole = replace(self._files.read(record, cleaned=False), language=heard)
            return clips(whole, text, transcript.words)
        cleaning = self._files.cleaning(record)
        left = replace(cleaning.recording, language=heard)
        return clips(left, text, shortened(transcript.words, cleaning.kept))

    def _write_down(
        self, run: JobRun, report: Callable[[float], None], longest_seconds: float | None = None
    ) -> int:
        """Of all recordings that nobody wrote a text for; they may change meanwhile."""
        report(0.0)
        if not self._begin_writing(run, longest_seconds):
            return 0
        try:
            written, done = 0, 0
            while waiting := self._waiting(run.job.subject_id, longest_seconds):
                whole = done + len(waiting)
                written += self._write_one(
                    waiting[0], lambda share, done=done, whole=whole: report((done + share) / whole)
                )
                done += 1
            return written
        finally:
            self._writing.release()

    def _begin_writing(self, run: JobRun, longest_seconds: float | None) -> bool:
        """Once nobody else writes. False when nothing is left to write down; and, where only short recordings are
        waited for, while another one is being written down."""
        while waiting := self._waiting(run.job.subject_id, longest_seconds):
            if self._writing.acquire(timeout=_LOOK_SECONDS):
                return True
            run.check()
            if longest_seconds is not None and self._written_now not in {record.id for record in waiting}:
                return False
        return False

    def _waiting(self, voice_id: str, longest_seconds: float | None) -> list[RecordingRecord]:
        return [
            record
            for record in self._voices.unwritten(voice_id)
            if longest_seconds is None or record.seconds <= longest_seconds
        ]

    def _write_one(self, record: RecordingRecord, report: Callable[[float], None]) -> bool:
        self._written_now = record.id
        try:
            transcript = self.hear(self._files.read(record, cleaned=False), report)
        except CraftError as error:
            if error.code not in NOT_HEARD:
                raise
            transcript = None
        except FileNotFoundError:
            if self._voices.has_recording(record.id):
                raise
            return False
        by = transcript.transcriber if transcript else self.best().name
        self._voices.set_heard(record.id, one_line(transcript.text) if transcript else "", by, transcript)
        return transcript is not None


def _said(text: str, heard: str | None) -> set[str]:
    """The languages of a text; Chinese letters are Cantonese where that was heard."""
    spoken = spoken_languages(detect_language(text))
    return {"yue" if (language, heard) == ("zh", "yue") else language for language in spoken}
