"""Voices from the first recording to withdrawn consent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from studio.jobs.job import Job
from studio.store.records import ConsentRecord, RecordingRecord, RevisionRecord, VoiceRecord

if TYPE_CHECKING:
    from pipelines.audio.quality import QualityReport


class Voices:
    """Every method raises ``StudioError``; unknown ids are 404, refused requests keep nothing."""

    def create(self, name: str) -> VoiceRecord:
        """A draft, until it has recordings and consent."""
        raise NotImplementedError

    def list(self) -> list[VoiceRecord]:
        """Sample voices first, then the newest."""
        raise NotImplementedError

    def get(self, voice_id: str) -> VoiceRecord:
        raise NotImplementedError

    def rename(self, voice_id: str, name: str) -> VoiceRecord:
        raise NotImplementedError

    def add_recording(self, voice_id: str, path: Path, filename: str) -> RecordingRecord:
        """Decode, judge and keep the file at ``path`` (its bytes are copied)."""
        raise NotImplementedError

    def recordings(self, voice_id: str) -> list[RecordingRecord]:
        raise NotImplementedError

    def set_cleaning(self, recording_id: str, enabled: bool) -> RecordingRecord:
        raise NotImplementedError

    def remove_recording(self, recording_id: str) -> None:
        raise NotImplementedError

    def recording_audio(self, recording_id: str, cleaned: bool) -> Path:
        """A WAV file."""
        raise NotImplementedError

    def plot(self, recording_id: str, kind: str, dark: bool, language: str) -> bytes:
        """PNG; ``kind`` is ``waveform``, ``spectrogram`` or ``loudness``."""
        raise NotImplementedError

    def report(self, voice_id: str) -> QualityReport | None:
        """Of all its recordings together; None without any."""
        raise NotImplementedError

    def consent(
        self, voice_id: str, owner_name: str, scope: str, until: date | None, language: str
    ) -> ConsentRecord:
        """The owner agrees; an instant revision is then prepared as a job (``get(voice_id).active_job_id``)."""
        raise NotImplementedError

    def train(self, voice_id: str, quality: str) -> Job:
        """One training a voice: while one is active, it is the answer."""
        raise NotImplementedError

    def training_estimates(self) -> Mapping[str, float]:
        """Quality -> seconds on this machine."""
        raise NotImplementedError

    def revisions(self, voice_id: str) -> list[RevisionRecord]:
        """Oldest first."""
        raise NotImplementedError

    def use_revision(self, voice_id: str, number: int) -> VoiceRecord:
        raise NotImplementedError

    def delete(self, voice_id: str) -> None:
        """Consent withdrawn: recordings, revisions, speeches and takes are removed; a tombstone stays."""
        raise NotImplementedError
