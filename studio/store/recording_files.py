"""A recording's three files: what came in, what was decoded, what cleaning made of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.audio.recording import Recording
from studio.store.artifacts import Artifacts
from studio.store.records import RecordingRecord

if TYPE_CHECKING:
    from pipelines.audio.clean import Cleaned
    from pipelines.audio.voice_activity import Spans

VARIANTS = ("original", "wav", "clean.wav")


class RecordingFiles:
    def __init__(self, artifacts: Artifacts) -> None:
        self._artifacts = artifacts
        self._last_cleaning: tuple[str, Spans, tuple[str, ...]] | None = None

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
        path = self._artifacts.recording(record.voice_id, record.id, "clean.wav" if cleaned else "wav")
        if cleaned and not path.exists():
            self.cleaning(record)
        return path

    def read(self, record: RecordingRecord, cleaned: bool) -> Recording:
        return read_wav(self.path(record, cleaned))

    def cleaning(self, record: RecordingRecord) -> Cleaned:
        """What cleaning makes of it. Whoever looks at one recording again and again has it cleaned once."""
        from pipelines.audio.clean import Cleaned, clean

        path = self._artifacts.recording(record.voice_id, record.id, "clean.wav")
        last = self._last_cleaning
        if last and last[0] == record.id and path.exists():
            return Cleaned(read_wav(path), *last[1:])
        made = clean(self.read(record, cleaned=False), record.report.speech_spans)
        if not path.exists():
            self._write(record.voice_id, record.id, "clean.wav", made.recording)
        self._last_cleaning = record.id, made.kept, made.actions
        return made

    def remove(self, voice_id: str, recording_id: str) -> None:
        for variant in VARIANTS:
            self._artifacts.remove(self._artifacts.recording(voice_id, recording_id, variant))

    def _write(self, voice_id: str, recording_id: str, variant: str, recording: Recording) -> None:
        from pipelines.audio.formats import encode

        data = encode(recording.wave, recording.sample_rate, "wav", {})
        self._artifacts.write(self._artifacts.recording(voice_id, recording_id, variant), data)


def read_wav(path: Path) -> Recording:
    """One of the studio's own files; what people bring goes through ``pipelines.audio.decode``.

    Raises:
        FileNotFoundError: it was removed.
    """
    import soundfile

    with path.open("rb") as file:
        wave, sample_rate = soundfile.read(file, dtype="float32")
    return Recording(wave, sample_rate)
