"""A recording's three files: what came in, what was decoded, what cleaning made of it."""

from __future__ import annotations

from pathlib import Path

from pipelines.audio.recording import Recording
from studio.store.artifacts import Artifacts
from studio.store.records import RecordingRecord

VARIANTS = ("original", "wav", "clean.wav")


class RecordingFiles:
    def __init__(self, artifacts: Artifacts) -> None:
        self._artifacts = artifacts

    def keep(self, voice_id: str, recording_id: str, source: Path, recording: Recording) -> None:
        """
        Raises:
            StudioError: ``disk_full``; nothing is kept.
        """
        try:
            self._artifacts.copy(source, self._artifacts.recording(voice_id, recording_id, "original"))
            self._write(voice_id, recording_id, "wav", recording)
        except BaseException:
            self.remove(voice_id, recording_id)
            raise

    def path(self, record: RecordingRecord, cleaned: bool) -> Path:
        """A WAV file; the cleaned variant is made when it is first asked for."""
        decoded = self._artifacts.recording(record.voice_id, record.id, "wav")
        if not cleaned:
            return decoded
        path = self._artifacts.recording(record.voice_id, record.id, "clean.wav")
        if not path.exists():
            from pipelines.audio.clean import clean

            made = clean(read_wav(decoded), record.report.speech_spans)
            self._write(record.voice_id, record.id, "clean.wav", made.recording)
        return path

    def read(self, record: RecordingRecord, cleaned: bool) -> Recording:
        return read_wav(self.path(record, cleaned))

    def remove(self, voice_id: str, recording_id: str) -> None:
        for variant in VARIANTS:
            self._artifacts.remove(self._artifacts.recording(voice_id, recording_id, variant))

    def _write(self, voice_id: str, recording_id: str, variant: str, recording: Recording) -> None:
        from pipelines.audio.formats import encode

        data = encode(recording.wave, recording.sample_rate, "wav", {})
        self._artifacts.write(self._artifacts.recording(voice_id, recording_id, variant), data)


def read_wav(path: Path) -> Recording:
    """One of the studio's own files; what people bring goes through ``pipelines.audio.decode``."""
    import soundfile

    wave, sample_rate = soundfile.read(path, dtype="float32")
    return Recording(wave, sample_rate)
