"""Voices from the first recording to withdrawn consent."""

from __future__ import annotations

import hashlib
import sqlite3
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.failure import CraftError
from pipelines.speech.engine import QUALITIES, EngineDescription
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

if TYPE_CHECKING:
    from pipelines.audio.quality import QualityReport

MAX_NAME_CHARS = 60
MAX_FILENAME_CHARS = 120
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

    # The voice itself

    def create(self, name: str) -> VoiceRecord:
        """A draft, until it has recordings and consent."""
        self._quota.refuse_in_demo()
        name = _checked_name(name)
        count = len(self._store.rows())
        if count >= self._settings.max_voices:
            raise StudioError("voices_too_many", 409, count=count, limit=self._settings.max_voices)
        voice_id = new_id("voice")
        self._store.insert(voice_id, name, next(iter(self._engines)))
        return self.get(voice_id)

    def list(self) -> list[VoiceRecord]:
        """Sample voices first, then the newest."""
        return [self._record(row) for row in self._store.rows()]

    def get(self, voice_id: str) -> VoiceRecord:
        return self._record(self._store.row(voice_id))

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

    # Recordings

    def add_recording(self, voice_id: str, path: Path, filename: str) -> RecordingRecord:
        """Decode, judge and keep the file at ``path`` (its bytes are copied). The same bytes again are one recording."""
        self._own(voice_id)
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
        sha256 = _file_sha256(path)
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
            return self._store.insert_recording(
                recording_id,
                voice_id,
                _filename(filename),
                recording.seconds,
                recording.sample_rate,
                report,
                sha256,
            )
        except BaseException as error:
            self._files.remove(voice_id, recording_id)
            if isinstance(error, sqlite3.IntegrityError):  # another tab brought the same file meanwhile
                return next(r for r in self._store.recordings(voice_id) if r.sha256 == sha256)
            raise

    def recordings(self, voice_id: str) -> list[RecordingRecord]:
        self._store.row(voice_id)
        return self._store.recordings(voice_id)

    def set_cleaning(self, recording_id: str, enabled: bool) -> RecordingRecord:
        self._own(self._store.recording(recording_id).voice_id)
        self._store.set_cleaned(recording_id, enabled)
        return self._store.recording(recording_id)

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
        records = self._store.recordings(voice_id)
        with self._store.database.transaction():
            hashes = [record.sha256 for record in records]
            consent = self._consents.give(voice_id, owner_name, scope, until, language, hashes)
            trained = any(revision.kind == "trained" for revision in self._store.revisions(voice_id))
            if not trained and self._queue.active(voice_id, ("prepare",)) is None:
                payload = {"recordings": [record.id for record in records]}
                self._queue.enqueue(LANES["prepare"], "prepare", voice_id, payload)
        return consent

    def train(self, voice_id: str, quality: str) -> Job:
        """One training a voice: while one is active, it is the answer."""
        self._own(voice_id)
        if quality not in QUALITIES:
            raise StudioError("quality_unknown", 422, quality=quality, choices=", ".join(QUALITIES))
        with self._store.database.transaction():
            active = self._queue.active(voice_id, ("train",))
            if active is not None:
                return active
            records = self._store.recordings(voice_id)
            if not records:
                raise StudioError("voice_without_recordings", 409)
            self._consents.require(voice_id, [record.sha256 for record in records])
            payload = {"quality": quality, "recordings": [record.id for record in records]}
            return self._queue.enqueue(LANES["train"], "train", voice_id, payload)

    def training_estimates(self) -> Mapping[str, float]:
        """Quality -> seconds on this machine."""
        return self._estimates.seconds()

    def revisions(self, voice_id: str) -> list[RevisionRecord]:
        """Oldest first."""
        self._store.row(voice_id)
        return self._store.revisions(voice_id)

    def use_revision(self, voice_id: str, number: int) -> VoiceRecord:
        self._own(voice_id)
        self._store.use_revision(voice_id, self._store.revision_by_number(voice_id, number).id)
        return self.get(voice_id)

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
        return VoiceRecord(
            id=voice_id,
            name=row["name"],
            state="training" if training else "ready" if usable else "draft",
            engine=row["engine"],
            languages=self._engines[row["engine"]].languages,
            created_at=parse_time(row["created_at"]),
            revision=revision,
            active_job_id=active.id if active else None,
            consent=consent,
            sample=bool(row["sample"]),
        )


def _checked_name(name: str) -> str:
    name = _one_line(name)
    if not name:
        raise StudioError("voice_name_missing", 422)
    if len(name) > MAX_NAME_CHARS:
        raise StudioError("voice_name_too_long", 422, chars=len(name), limit=MAX_NAME_CHARS)
    return name


def _filename(path: str) -> str:
    """To be shown, without the folders of the person's disk."""
    return _one_line(path.replace("\\", "/").rsplit("/", 1)[-1])[-MAX_FILENAME_CHARS:]


def _one_line(text: str) -> str:
    """Without control characters and lone surrogates, which neither pages nor the database can take."""
    text = "".join(" " if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c for c in text)
    return " ".join(text.split())


def _file_sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
