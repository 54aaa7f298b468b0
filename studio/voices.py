"""Voices from the first recording to withdrawn consent."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.failure import CraftError
from pipelines.speech.engine import LORA, QUALITIES, EngineDescription
from studio.engines import engine_of
from studio.errors import StudioError, from_craft
from studio.jobs.estimates import TrainingEstimates
from studio.jobs.job import Job
from studio.jobs.queue import JobQueue
from studio.jobs.runner import LANES
from studio.language import say
from studio.serving.residency import Residency
from studio.settings import Settings
from studio.store.artifacts import Artifacts
from studio.store.database import parse_time
from studio.store.ids import new_id
from studio.store.recording_files import RecordingFiles
from studio.store.records import ConsentRecord, RecordingRecord, RevisionRecord, VoiceRecord
from studio.store.voices import VoiceStore
from studio.trust.consent import Consents
from studio.trust.quota import DemoQuota
from studio.typed_text import bare_filename, one_line

if TYPE_CHECKING:
    from pipelines.audio.quality import QualityReport
    from pipelines.story.transcribers import TranscriberDescription

MAX_NAME_CHARS = 60
MAX_TRANSCRIPT_CHARS = 5_000
FASTEST_CHARS_A_SECOND = 40
"""Of a long recording the text may be longer."""
PLOTS = ("waveform", "spectrogram", "loudness")
STOP_SECONDS = 15.0
"""How long a withdrawal waits for work on the voice to notice that it was stopped."""


class Voices:
    """Every method raises ``StudioError``; unknown ids are 404, refused requests keep nothing."""

    def __init__(
        self,
        settings: Settings,
        engines: Mapping[str, EngineDescription],
        store: VoiceStore,
        files: RecordingFiles,
        artifacts: Artifacts,
        consents: Consents,
        queue: JobQueue,
        residency: Residency,
        estimates: TrainingEstimates,
        quota: DemoQuota,
        transcriber: Callable[[], TranscriberDescription],
    ) -> None:
        self._settings = settings
        self._engines = engines
        self._store = store
        self._files = files
        self._artifacts = artifacts
        self._consents = consents
        self._queue = queue
        self._residency = residency
        self._estimates = estimates
        self._quota = quota
        self._transcriber = transcriber

    # The voice itself

    def create(self, name: str, engine: str | None = None, weights_sha256: str | None = None) -> VoiceRecord:
        """A draft, until it has recordings and consent.

        Args:
            engine: who will speak with it; None takes the first.
            weights_sha256: of what an imported voice comes with (``studio.voice_exchange``).
        """
        self._quota.refuse_in_demo()
        name = _checked_name(name)
        engine = engine_of(self._engines, engine or next(iter(self._engines))).name
        count = len(self._store.rows())
        if count >= self._settings.max_voices:
            raise StudioError("voices_too_many", 409, count=count, limit=self._settings.max_voices)
        voice_id = new_id("voice")
        self._store.insert(voice_id, name, engine, weights_sha256=weights_sha256)
        return self.get(voice_id)

    def list(self) -> list[VoiceRecord]:
        """Sample voices first, then the newest."""
        return [self._record(row) for row in self._store.rows()]

    def get(self, voice_id: str) -> VoiceRecord:
        return self._record(self._store.row(voice_id))

    def called(self, voice: str) -> VoiceRecord:
        """By its id, or by a name that it shares with no other."""
        rows = self._store.rows()
        named = [row["id"] for row in rows if row["name"].casefold() == voice.casefold()]
        known = voice in {row["id"] for row in rows} or len(named) != 1
        return self.get(voice if known else named[0])

    def rename(self, voice_id: str, name: str) -> VoiceRecord:
        self._own(voice_id)
        self._store.rename(voice_id, _checked_name(name))
        return self.get(voice_id)

    def delete(self, voice_id: str) -> None:
        """Consent withdrawn: recordings, revisions, speeches and takes are removed; a tombstone stays."""
        self._own(voice_id)
        # 1. In one transaction the voice is unknown, unusable and nameless
        with self._store.database.transaction():
            self._consents.withdraw(voice_id)
            remains = self._store.bury(voice_id)
        # 2. The files; what a crash leaves here is swept at the next start
        for revision_id in remains.revision_ids:
            self._residency.drop(("voice", revision_id))
        self._queue.wait_until_idle(remains.job_ids, STOP_SECONDS)
        self._artifacts.remove(self._artifacts.voice(voice_id))
        for job_id in remains.job_ids:
            self._artifacts.remove(self._artifacts.job(job_id))
        for key in remains.take_keys:
            self._artifacts.remove(self._artifacts.take(key))
        for key, format in remains.exports:
            self._artifacts.remove(self._artifacts.export(key, format))
        for story_id, scene_id in remains.sounds:
            self._artifacts.remove(self._artifacts.sound(story_id, scene_id))

    # Recordings

    def add_recording(
        self, voice_id: str, path: Path, filename: str, text: str | None = None
    ) -> RecordingRecord:
        """Decode, judge and keep the file at ``path`` (its bytes are copied). The same bytes again are one recording.

        Args:
            text: what is said in it, where somebody knows; otherwise a job writes it down, if a transcriber is
                installed that need not be read over.
        """
        self._own(voice_id)
        text = _checked_text(text) or None
        count = len(self._store.recordings(voice_id))
        if count >= self._settings.max_recordings:
            raise StudioError("recordings_too_many", 409, count=count, limit=self._settings.max_recordings)

        from pipelines.audio.decode import decode_audio
        from pipelines.audio.quality import assess, require_speech

        try:
            recording = decode_audio(path)
            report = assess(recording)
            require_speech(report)
        except CraftError as error:
            raise from_craft(error) from error
        sha256 = file_sha256(path)
        kept = self._store.recordings(voice_id)
        for record in kept:
            if record.sha256 == sha256:
                return record
        seconds = sum(record.seconds for record in kept) + recording.seconds
        if seconds > self._settings.max_voice_seconds:
            limit = self._settings.max_voice_seconds / 60
            raise StudioError("recordings_too_long", 409, minutes=seconds / 60, limit_minutes=limit)

        recording_id = new_id("recording")
        self._files.keep(voice_id, recording_id, path, recording)
        try:
            record = self._store.insert_recording(
                recording_id,
                voice_id,
                bare_filename(filename),
                recording.seconds,
                recording.sample_rate,
                report,
                sha256,
                text,
            )
        except BaseException as error:
            self._files.remove(voice_id, recording_id)
            if isinstance(error, sqlite3.IntegrityError):  # another tab brought the same file meanwhile
                return next(r for r in self._store.recordings(voice_id) if r.sha256 == sha256)
            raise
        if text is None and not self._transcriber().rough:
            with suppress(StudioError):  # many wait already; it can still be asked for
                self._listen(voice_id)
        return record

    def recordings(self, voice_id: str) -> list[RecordingRecord]:
        self._store.row(voice_id)
        return self._store.recordings(voice_id)

    def set_cleaning(self, recording_id: str, enabled: bool) -> RecordingRecord:
        self._own(self._store.recording(recording_id).voice_id)
        self._store.set_cleaned(recording_id, enabled)
        return self._store.recording(recording_id)

    def set_text(self, recording_id: str, text: str) -> RecordingRecord:
        """What is said in it, as a person says; empty takes the text out."""
        record = self._store.recording(recording_id)
        self._own(record.voice_id)
        limit = max(MAX_TRANSCRIPT_CHARS, round(FASTEST_CHARS_A_SECOND * record.seconds))
        self._store.set_text(recording_id, _checked_text(text, limit))
        return self._store.recording(recording_id)

    def write_down(self, recording_id: str) -> Job:
        """Listen what is said in it; what was written there before is lost.

        Raises:
            StudioError: ``transcriber_missing``, ``busy``.
        """
        voice_id = self._store.recording(recording_id).voice_id
        self._own(voice_id)
        if self._transcriber().rough:
            raise StudioError("transcriber_missing", 409)
        with self._store.database.transaction():
            self._store.set_text(recording_id, None)
            return self._listen(voice_id)

    def transcribing(self, voice_id: str) -> Job | None:
        """The latest job that writes down what is said in its recordings; None when there was none."""
        return self._queue.latest(voice_id, ("transcribe",))

    def remove_recording(self, recording_id: str) -> None:
        """Revisions that were made with it stay."""
        record = self._store.recording(recording_id)
        self._own(record.voice_id)
        self._store.remove_recording(recording_id)
        self._files.remove(record.voice_id, recording_id)

    def recording_audio(self, recording_id: str, cleaned: bool) -> Path:
        """A WAV file."""
        return self._files.path(self._store.recording(recording_id), cleaned)

    def cleaning(self, recording_id: str) -> tuple[str, ...]:
        """What cleaning does to it, by name; the sentences are ``clean.action.<name>``."""
        return self._files.cleaning(self._store.recording(recording_id)).actions

    def plot(self, recording_id: str, kind: str, dark: bool, language: str) -> bytes:
        """PNG; ``kind`` is ``waveform``, ``spectrogram`` or ``loudness``."""
        record = self._store.recording(recording_id)
        if kind not in PLOTS:
            raise StudioError("plot_unknown", 422, kind=kind, choices=", ".join(PLOTS))

        from pipelines.audio import plots

        recording = self._files.read(record, cleaned=False)
        cleaned = self._files.cleaning(record) if record.cleaned else None
        draw: Callable[..., bytes] = getattr(plots, f"{kind}_plot")
        labels = {label: say(f"plot.{label}", language) for label in plots.LABELS}
        return draw(recording, record.report, cleaned, dark=dark, labels=labels)

    def report(self, voice_id: str) -> QualityReport | None:
        """Of all its recordings together; None without any."""
        from pipelines.audio.quality import summarise

        reports = [record.report for record in self.recordings(voice_id)]
        return summarise(reports) if reports else None

    # Consent, training, revisions

    def consent(
        self, voice_id: str, owner_name: str, scope: str, until: date | None, language: str
    ) -> ConsentRecord:
        """The owner agrees to the text in ``language`` for the recordings there are.

        A voice that was never trained then gets an instant revision, as a job (``get(voice_id).active_job_id``).
        """
        self._own(voice_id)
        with self._store.database.transaction():
            hashes = [record.sha256 for record in self._store.recordings(voice_id)]
            weights_sha256 = self._store.row(voice_id)["weights_sha256"]
            if hashes and weights_sha256:
                hashes.append(weights_sha256)
            consent = self._consents.give(voice_id, owner_name, scope, until, language, hashes)
            if not any(revision.kind == "trained" for revision in self._store.revisions(voice_id)):
                self.prepare(voice_id)
        return consent

    def prepare(self, voice_id: str) -> Job:
        """An instant revision of what the owner agreed to. One a voice: while one is active, it is the answer."""
        self._own(voice_id)
        with self._store.database.transaction():
            return self._queue.active(voice_id, ("prepare",)) or self._enqueue("prepare", voice_id)

    def train(self, voice_id: str, quality: str, method: str = LORA) -> Job:
        """One training a voice: while one is active, it is the answer.

        Args:
            method: one of those that the voice's engine offers.
        """
        self._own(voice_id)
        engine = engine_of(self._engines, self._store.row(voice_id)["engine"])
        if not engine.trainable:
            raise StudioError("engine_untrainable", 409, engine=engine.name)
        if quality not in QUALITIES:
            raise StudioError("quality_unknown", 422, quality=quality, choices=", ".join(QUALITIES))
        offered = [known.name for known in engine.methods]
        if method not in offered:
            raise StudioError(
                "method_unknown", 422, method=method[:60], engine=engine.name, choices=", ".join(offered)
            )
        with self._store.database.transaction():
            active = self._queue.active(voice_id, ("train",))
            return active or self._enqueue(
                "train", voice_id, quality=quality, method=method, engine=engine.name
            )

    def training_estimates(self, engine: str, method: str = LORA) -> Mapping[str, float]:
        """Quality -> seconds on this machine; none where ``engine`` is not trained so."""
        return self._estimates.seconds(engine, method)

    def revisions(self, voice_id: str) -> list[RevisionRecord]:
        """Oldest first."""
        self._store.row(voice_id)
        return self._store.revisions(voice_id)

    def use_revision(self, voice_id: str, number: int) -> VoiceRecord:
        self._own(voice_id)
        self._store.use_revision(voice_id, self._store.revision_by_number(voice_id, number).id)
        return self.get(voice_id)

    def _listen(self, voice_id: str) -> Job:
        """One that waits will find this recording too; one that runs may have looked already."""
        with self._store.database.transaction():
            latest = self.transcribing(voice_id)
            if latest is not None and latest.state == "queued":
                return latest
            return self._queue.enqueue(LANES["transcribe"], "transcribe", voice_id, {})

    def _enqueue(self, kind: str, voice_id: str, **wish: str) -> Job:
        """Work on the recordings there are now, all of which the owner must have agreed to."""
        records = self._store.recordings(voice_id)
        if not records:
            raise StudioError("voice_without_recordings", 409)
        self._consents.require(voice_id, [record.sha256 for record in records])
        payload = {**wish, "recordings": [record.id for record in records]}
        return self._queue.enqueue(LANES[kind], kind, voice_id, payload)

    def _own(self, voice_id: str) -> None:
        """
        Raises:
            StudioError: ``voice_unknown``, ``demo_closed``, ``sample_voice_fixed``.
        """
        row = self._store.row(voice_id)
        self._quota.refuse_in_demo()
        if row["sample"]:
            raise StudioError("sample_voice_fixed", 403)

    def _record(self, row: sqlite3.Row) -> VoiceRecord:
        voice_id = row["id"]
        consent = self._consents.current(voice_id)
        revision = self._store.revision(row["revision_id"]) if row["revision_id"] else None
        training = self._queue.active(voice_id, ("train",))
        active = training or self._queue.active(voice_id, ("prepare",))
        usable = revision is not None and (row["sample"] or consent is not None)
        engine = self._engines.get(row["engine"])
        return VoiceRecord(
            id=voice_id,
            name=row["name"],
            state="training" if training else "ready" if usable else "draft",
            engine=row["engine"],
            languages=engine.languages if engine else (),
            created_at=parse_time(row["created_at"]),
            revision=revision,
            active_job_id=active.id if active else None,
            consent=consent,
            sample=bool(row["sample"]),
            imported=row["weights_sha256"] is not None,
        )


def _checked_name(name: str) -> str:
    name = one_line(name)
    if not name:
        raise StudioError("voice_name_missing", 422)
    if len(name) > MAX_NAME_CHARS:
        raise StudioError("voice_name_too_long", 422, chars=len(name), limit=MAX_NAME_CHARS)
    return name


def _checked_text(text: str | None, limit: int = MAX_TRANSCRIPT_CHARS) -> str:
    text = one_line(text or "")
    if len(text) > limit:
        raise StudioError("transcript_too_long", 422, chars=len(text), limit=limit)
    return text


def file_sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
