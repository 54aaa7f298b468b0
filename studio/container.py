"""The composition root: builds every service once and closes them in reverse order."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from pipelines.speech.engine import EngineDescription, SpeechEngine
from pipelines.speech.voice import Voice
from studio.jobs.estimates import TrainingEstimates
from studio.jobs.job import Job
from studio.jobs.queue import JobQueue
from studio.jobs.reading import Reading
from studio.jobs.runner import JobRunner
from studio.jobs.voice_making import VoiceMaking
from studio.serving.device import find_device
from studio.serving.gpu_lane import GpuLane
from studio.serving.residency import Loader, Residency
from studio.settings import Settings
from studio.speaking import Speaking
from studio.store.artifacts import Artifacts
from studio.store.database import Database
from studio.store.home_lock import HomeLock
from studio.store.recording_files import RecordingFiles
from studio.store.sample_voices import install_sample_voices
from studio.store.speeches import SpeechStore
from studio.store.voices import VoiceStore
from studio.trust.consent import Consents
from studio.trust.quota import DemoQuota
from studio.voices import Voices


class Container:
    """
    Args:
        settings: see ``Settings``.
        engines: name -> description; None takes the shipped catalogue. The first one is given to new voices.

    Raises:
        StudioError: ``home_in_use`` when another studio works in the same folder.
    """

    def __init__(self, settings: Settings, engines: Mapping[str, EngineDescription] | None = None) -> None:
        if engines is None:
            from pipelines.speech.catalogue import ENGINES

            engines = ENGINES
        self.settings = settings
        self.engines = engines
        with ExitStack() as stack:
            self._build(stack)
            self._closing = stack.pop_all()

    def _build(self, stack: ExitStack) -> None:
        settings, engines = self.settings, self.engines
        # 1. What is kept
        stack.callback(HomeLock(settings.home).release)
        database = Database(settings.home / "studio.db")
        stack.callback(database.close)
        self.database = database
        artifacts = Artifacts(settings.home)
        if not database.fresh:  # files without their database are someone's work, not strays
            artifacts.sweep(_Known(database, artifacts))
        self._voice_store = VoiceStore(database, samples_only=settings.public_demo)
        speech_store = SpeechStore(database)
        files = RecordingFiles(artifacts)
        self._artifacts = artifacts
        install_sample_voices(self._voice_store, artifacts, engines)
        # 2. What computes
        self.lane = GpuLane()
        self.residency = Residency(
            settings.memory_budget_bytes,
            {
                "engine": Loader(lambda name: engines[name].resident_bytes, self._load_engine),
                "voice": Loader(lambda name: self._voice_path(name).stat().st_size, self._load_voice),
            },
        )
        stack.callback(self.residency.clear)
        # 3. Who may
        consents = Consents(database)
        quota = DemoQuota(database, settings)
        # 4. What runs
        limits = {"training": settings.max_queued_trainings, "speech": settings.max_queued_speeches}
        self.jobs = JobQueue(database, limits)
        estimates = TrainingEstimates(database, settings.device)
        making = VoiceMaking(
            self._voice_store,
            files,
            artifacts,
            consents,
            self.residency,
            self.lane,
            estimates,
            settings.max_adapter_bytes,
        )
        reading = Reading(speech_store, self._voice_store, artifacts, consents, self.residency, self.lane)
        handlers = {"prepare": making.prepare, "train": making.train, "speak": reading.speak}

        def expected_seconds(job: Job) -> float | None:
            return estimates.seconds()[str(job.payload["quality"])] if job.kind == "train" else None

        runner = JobRunner(self.jobs, self.lane, artifacts, handlers, expected_seconds)
        # 5. What people use
        self.voices = Voices(
            settings,
            engines,
            self._voice_store,
            files,
            artifacts,
            consents,
            self.jobs,
            self.residency,
            estimates,
            quota,
        )
        self.speaking = Speaking(
            settings, engines, self._voice_store, speech_store, artifacts, consents, self.jobs, quota
        )
        stack.callback(runner.close)
        runner.start()

    def close(self) -> None:
        """Stop the workers; unfinished jobs go on at the next start."""
        self._closing.close()

    def __enter__(self) -> Container:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _load_engine(self, name: str) -> tuple[SpeechEngine, int]:
        description = self.engines[name]
        return description.load(find_device(self.settings.device)), description.resident_bytes

    def _load_voice(self, revision_id: str) -> tuple[Voice, int]:
        voice = Voice.load(self._voice_path(revision_id)).to(find_device(self.settings.device))
        return voice, voice.nbytes

    def _voice_path(self, revision_id: str) -> Path:
        return self._artifacts.revision(self._voice_store.revision(revision_id).voice_id, revision_id)


class _Known:
    """Whether the database knows a file; asked for every file at start, hence one look at each table."""

    def __init__(self, database: Database, artifacts: Artifacts) -> None:
        self._jobs = {
            row["id"] for row in database.rows("SELECT id FROM jobs WHERE state IN ('queued', 'running')")
        }
        self._jobs_folder = artifacts.home / "jobs"
        self._files = {artifacts.take(row["key"]) for row in database.rows("SELECT key FROM takes")}
        for row in database.rows("SELECT key, format FROM exports WHERE speech_id IS NOT NULL"):
            self._files.add(artifacts.export(row["key"], row["format"]))
        for row in database.rows("SELECT voice_id, id FROM revisions"):
            self._files.add(artifacts.revision(row["voice_id"], row["id"]))
        for row in database.rows("SELECT voice_id, id FROM recordings"):
            for variant in ("original", "wav", "clean.wav"):
                self._files.add(artifacts.recording(row["voice_id"], row["id"], variant))

    def __call__(self, path: Path) -> bool:
        if path.is_relative_to(self._jobs_folder):
            return path.relative_to(self._jobs_folder).parts[0] in self._jobs
        return path in self._files
