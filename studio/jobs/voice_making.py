"""The jobs that turn recordings into a voice's next revision."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping

from pipelines.audio.recording import Recording
from pipelines.speech.engine import LORA, SpeechEngine
from pipelines.speech.voice import Voice
from studio.errors import StudioError
from studio.jobs.estimates import TrainingEstimates
from studio.jobs.runner import JobRun
from studio.serving.gpu_lane import SPEECH, GpuLane
from studio.serving.residency import Residency
from studio.store.artifacts import Artifacts
from studio.store.ids import PREFIXES
from studio.store.records import ConsentRecord, RecordingRecord, RevisionRecord
from studio.store.voices import VoiceStore
from studio.trust.consent import Consents


class VoiceMaking:
    """
    Args:
        told: a recording and the name of an engine -> what the engine gets to hear of it, with the texts it can read.
    """

    def __init__(
        self,
        store: VoiceStore,
        artifacts: Artifacts,
        consents: Consents,
        residency: Residency,
        lane: GpuLane,
        estimates: TrainingEstimates,
        max_adapter_bytes: int,
        told: Callable[[RecordingRecord, str], list[Recording]],
    ) -> None:
        self._store = store
        self._artifacts = artifacts
        self._consents = consents
        self._residency = residency
        self._lane = lane
        self._estimates = estimates
        self._max_adapter_bytes = max_adapter_bytes
        self._told = told

    def prepare(self, run: JobRun) -> Mapping[str, object]:
        """An instant revision from the recordings alone."""

        def make(engine: SpeechEngine, recordings: list[Recording]) -> tuple[Voice, Mapping[str, object]]:
            run.stage("prepare", 0.3)
            weights = self._artifacts.weights(run.job.subject_id)
            with self._lane.turn(SPEECH):
                voice = (
                    engine.prepare(recordings, Voice.load(weights))
                    if weights.exists()
                    else engine.prepare(recordings)
                )
            return voice, {"training_seconds": sum(recording.seconds for recording in recordings)}

        return self._make(run, "instant", None, make)

    def train(self, run: JobRun) -> Mapping[str, object]:
        """A trained revision; checkpoints in ``run.work_dir`` let a killed training go on."""
        quality = str(run.job.payload["quality"])
        method = str(run.job.payload.get("method", LORA))

        def make(engine: SpeechEngine, recordings: list[Recording]) -> tuple[Voice, Mapping[str, object]]:
            resumes = any(run.work_dir.iterdir())
            began = time.monotonic()
            wishes: dict[str, object] = {} if method == LORA else {"method": method}
            weights = self._artifacts.weights(run.job.subject_id)
            if weights.exists():
                wishes["weights"] = Voice.load(weights)
            trained = engine.fine_tune(recordings, quality, run, **wishes)
            if not resumes:  # a resumed run did only a part
                seconds = time.monotonic() - began
                self._estimates.record(run.job.id, trained.voice.engine, method, quality, seconds)
            return trained.voice, trained.card

        return self._make(run, "trained", quality, make, limited=method == LORA)

    def _make(
        self,
        run: JobRun,
        kind: str,
        quality: str | None,
        make: Callable[[SpeechEngine, list[Recording]], tuple[Voice, Mapping[str, object]]],
        limited: bool = True,
    ) -> Mapping[str, object]:
        voice_id, revision_id = run.job.subject_id, _revision_id(run.job.id)
        for made in self._store.revisions(voice_id):
            if made.id == revision_id:  # an earlier run of this job died after its last step
                return _result(made)
        # 1. Collect what the owner allowed
        engine_name = self._store.row(voice_id)["engine"]
        chosen = set(run.job.payload["recordings"])
        records = [record for record in self._store.recordings(voice_id) if record.id in chosen]
        consent = self._consents.require(voice_id, [record.sha256 for record in records])
        run.stage("slice", 0.0)
        records, recordings = self._cut(records, engine_name)
        run.check()
        # 2. Make the voice
        with self._residency.lease(("engine", engine_name)) as engine:
            voice, card = make(engine, recordings)
        run.check()
        # 3. Keep it: first the file, then the row that makes it count
        path = self._artifacts.revision(voice_id, revision_id)
        self._artifacts.replace(path, voice.save)
        try:
            adapter_bytes = path.stat().st_size
            if limited and adapter_bytes > self._max_adapter_bytes:
                limit = self._max_adapter_bytes
                raise StudioError("adapter_too_big", 500, bytes=adapter_bytes, limit_bytes=limit)
            card = {**card, **_provenance(records, consent), "adapter_bytes": adapter_bytes}
            revision = self._keep(run, revision_id, voice_id, kind, quality, card)
        except BaseException:
            self._artifacts.remove(path)
            raise
        return _result(revision)

    def _cut(
        self, records: list[RecordingRecord], engine_name: str
    ) -> tuple[list[RecordingRecord], list[Recording]]:
        """The recordings that nobody removes meanwhile, and what the engine gets to hear of them.

        Raises:
            StudioError: ``voice_without_recordings``.
        """
        cut, pieces = [], []
        for record in records:
            try:
                pieces += self._told(record, engine_name)
                cut.append(record)
            except FileNotFoundError:
                if self._store.has_recording(record.id):
                    raise
        if not cut:
            raise StudioError("voice_without_recordings", 409)
        return cut, pieces

    def _keep(
        self,
        run: JobRun,
        revision_id: str,
        voice_id: str,
        kind: str,
        quality: str | None,
        card: Mapping[str, object],
    ) -> RevisionRecord:
        with self._store.database.transaction():
            run.check()  # in the same transaction: a cancelled training leaves no revision
            return self._store.insert_revision(revision_id, voice_id, kind, quality, card)


def _revision_id(job_id: str) -> str:
    """The same on every run of the job, so that repeating it makes nothing twice."""
    return f"{PREFIXES['revision']}_{hashlib.sha256(job_id.encode()).hexdigest()[:20]}"


def _result(revision: RevisionRecord) -> dict[str, object]:
    return {"revision": revision.number, "revision_id": revision.id}


def _provenance(records: list[RecordingRecord], consent: ConsentRecord) -> dict[str, object]:
    return {
        "recordings": [
            {"sha256": record.sha256, "seconds": record.seconds, "cleaned": record.cleaned}
            for record in records
        ],
        "consent": {
            "id": consent.id,
            "scope": consent.scope,
            "until": consent.until.isoformat() if consent.until else None,
            "text_version": consent.text_version,
            "text_sha256": consent.text_sha256,
            "given_at": consent.given_at.isoformat(),
        },
    }
