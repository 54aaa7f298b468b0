"""The composition root: builds every service once and closes them in reverse order."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.failure import CraftError
from pipelines.speech.engine import EngineDescription, SpeechEngine
from pipelines.speech.voice import Voice
from studio.engines import engine_of
from studio.errors import StudioError
from studio.jobs.binding import Binding
from studio.jobs.downloading import Downloading
from studio.jobs.estimates import TrainingEstimates
from studio.jobs.forgetting import Forgetting
from studio.jobs.job import Job
from studio.jobs.on_air import OnAir
from studio.jobs.planning import Planning
from studio.jobs.queue import JobQueue
from studio.jobs.reading import Reader, Reading
from studio.jobs.runner import JobRunner
from studio.jobs.storytelling import Storytelling
from studio.jobs.transcribing import SHORT_SECONDS, Transcribing
from studio.jobs.voice_making import VoiceMaking
from studio.models import Models
from studio.serving.device import find_device
from studio.serving.gpu_lane import GpuLane
from studio.serving.residency import Loader, Residency
from studio.settings import Settings
from studio.shelf import Shelf
from studio.speaking import Speaking
from studio.store.artifacts import Artifacts
from studio.store.catalogue import BASES, Base
from studio.store.database import Database
from studio.store.home_lock import HomeLock
from studio.store.hubs import own_hub, public_hubs
from studio.store.models import ModelStore
from studio.store.pronunciations import Pronunciations
from studio.store.recording_files import RecordingFiles
from studio.store.sample_books import shipped_books
from studio.store.sample_voices import install_sample_voices
from studio.store.speeches import SpeechStore
from studio.store.stories import StoryStore
from studio.store.voices import VoiceStore
from studio.stories import Stories
from studio.trust.consent import Consents
from studio.trust.quota import DemoQuota
from studio.voice_exchange import VoiceExchange
from studio.voices import Voices

if TYPE_CHECKING:
    from pipelines.illustration.bases import BaseDescription
    from pipelines.illustration.illustrator import Illustrator
    from pipelines.story.transcribe import Transcriber
    from pipelines.story.transcribers import TranscriberDescription


class Container:
    """
    Args:
        settings: see ``Settings``.
        engines: name -> description; None takes what ships and what was put into ``home/models``. The first one is
            given to new voices that ask for none.
        painters: id -> description; None takes the shipped base and those in ``home/models``.
        transcribers: id -> description, the best last; None takes what ships and those in ``home/models``.
        bases: the public checkpoints that can be fetched.

    Raises:
        StudioError: ``home_in_use`` when another studio works in the same folder.
    """

    def __init__(
        self,
        settings: Settings,
        engines: Mapping[str, EngineDescription] | None = None,
        painters: Mapping[str, BaseDescription] | None = None,
        transcribers: Mapping[str, TranscriberDescription] | None = None,
        bases: Mapping[str, Base] = BASES,
    ) -> None:
        if engines is None:
            from pipelines.speech.catalogue import installed_engines

            engines = installed_engines(settings.home / "models")
        self.settings = settings
        self.engines = engines
        self._given_painters = painters
        self._given_transcribers = transcribers
        self._bases = bases
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
        speech_store = SpeechStore(database)
        speech_store.drop_takes(lambda key: not artifacts.take(key).exists())
        if not database.fresh:  # files without their database are someone's work, not strays
            artifacts.sweep(_Known(database, artifacts))
        self._voice_store = VoiceStore(database, samples_only=settings.public_demo)
        story_store = StoryStore(database)
        files = RecordingFiles(artifacts)
        self._artifacts = artifacts
        pronunciations = Pronunciations(settings.home)
        install_sample_voices(self._voice_store, artifacts, engines)
        # 2. What computes
        self.lane = GpuLane()
        self.residency = Residency(
            settings.memory_budget_bytes,
            {
                "engine": Loader(lambda name: engine_of(engines, name).resident_bytes, self._load_engine),
                "voice": Loader(self._voice_bytes, self._load_voice),
                "illustrator": Loader(
                    lambda name: self._painter(name).resident_bytes, self._load_illustrator
                ),
                "transcriber": Loader(
                    lambda name: self._transcriber(name).resident_bytes, self._load_transcriber
                ),
            },
        )
        stack.callback(self.residency.clear)
        # 3. Who may
        consents = Consents(database)
        quota = DemoQuota(database, settings)
        # 4. What runs
        self.transcribing = Transcribing(
            self._voice_store, files, self.transcribers, self.residency, self.lane
        )
        limits = {
            "training": settings.max_queued_trainings,
            "speech": settings.max_queued_speeches,
            "drawing": settings.max_queued_drawings,
            "export": settings.max_queued_exports,
            "download": settings.max_queued_downloads,
        }
        self.jobs = JobQueue(database, limits)
        estimates = TrainingEstimates(database, settings.device, engines)
        making = VoiceMaking(
            self._voice_store,
            artifacts,
            consents,
            self.residency,
            self.lane,
            estimates,
            settings.max_adapter_bytes,
            lambda record, name: self.transcribing.told(record, engine_of(engines, name).languages),
        )
        on_air = OnAir(self.jobs.changes)
        reader = Reader(
            speech_store, self._voice_store, artifacts, consents, self.residency, self.lane, engines, on_air
        )
        reading = Reading(speech_store, self._voice_store, reader)
        planning = Planning(story_store, artifacts, quota, settings.max_story_seconds)
        binding = Binding(story_store, speech_store, self._voice_store, artifacts, consents)
        telling = Storytelling(
            story_store,
            self._voice_store,
            artifacts,
            planning,
            binding,
            reader,
            self.transcribing,
            self.residency,
            self.lane,
        )
        hubs = {**public_hubs()}
        if settings.models_url:
            hubs = {"own": own_hub(settings.models_url), **hubs}
        model_store = ModelStore(artifacts, self._bases)
        downloading = Downloading(model_store, artifacts, hubs)
        handlers = {
            "prepare": self.transcribing.before(making.prepare, SHORT_SECONDS),
            "train": self.transcribing.before(making.train),
            "transcribe": self.transcribing.write_down,
            "speak": reading.speak,
            "hear": telling.hear,
            "draw": telling.draw,
            "export": telling.export,
            "download": downloading.download,
            "look": downloading.look,
        }

        def expected_seconds(job: Job) -> float | None:
            if job.kind != "train":
                return None
            asked = {name: str(job.payload.get(name)) for name in ("engine", "method", "quality")}
            return estimates.seconds(asked["engine"], asked["method"]).get(asked["quality"])

        def unfinished(job: Job) -> bool:
            return job.kind == "draw" and story_store.is_unfinished(job.subject_id)

        runner = JobRunner(self.jobs, self.lane, artifacts, handlers, expected_seconds, unfinished)
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
            self.transcribing.best,
        )
        self.exchange = VoiceExchange(engines, self.voices, artifacts, consents, self.jobs, quota)
        self.speaking = Speaking(
            settings,
            engines,
            self._voice_store,
            speech_store,
            artifacts,
            consents,
            self.jobs,
            quota,
            pronunciations,
            on_air,
        )
        self.shelf = Shelf(
            settings, self.painters, story_store, self._voice_store, artifacts, self.jobs, quota
        )
        self.stories = Stories(
            settings,
            engines,
            self.painters,
            story_store,
            self.shelf,
            self._voice_store,
            artifacts,
            planning,
            binding,
            consents,
            self.jobs,
            quota,
            pronunciations,
        )
        self.shelf.keep_samples(shipped_books())
        self.models = Models(settings, model_store, self.jobs, hubs, engines)
        if settings.public_demo:
            forgetting = Forgetting(speech_store, artifacts, quota)
            stack.callback(forgetting.close)
            forgetting.start()
        stack.callback(runner.close)
        runner.start()

    def close(self) -> None:
        """Stop the workers; unfinished jobs go on at the next start."""
        self._closing.close()

    def __enter__(self) -> Container:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def painters(self) -> Mapping[str, BaseDescription]:
        """Id -> description of every base that pictures can be painted with now."""
        if self._given_painters is not None:
            return self._given_painters
        from pipelines.illustration.bases import installed

        return installed(self.settings.home / "models")

    def transcribers(self) -> Mapping[str, TranscriberDescription]:
        """Id -> description of all that can write down what is said now, the best last."""
        if self._given_transcribers is not None:
            return self._given_transcribers
        from pipelines.story.transcribers import installed

        return installed(self.settings.home / "models")

    def _transcriber(self, name: str) -> TranscriberDescription:
        """
        Raises:
            StudioError: ``transcriber_not_installed``: it was taken away meanwhile.
        """
        known = self.transcribers()
        if name not in known:
            raise StudioError("transcriber_not_installed", 409, name=name)
        return known[name]

    def _painter(self, name: str) -> BaseDescription:
        """
        Raises:
            StudioError: ``painter_not_installed``: it was taken away meanwhile.
        """
        known = self.painters()
        if name not in known:
            raise StudioError("painter_not_installed", 422, base=name, choices=", ".join(known))
        return known[name]

    def _load_illustrator(self, name: str) -> tuple[Illustrator, int]:
        description = self._painter(name)
        return description.load(find_device(self.settings.device)), description.resident_bytes

    def _load_transcriber(self, name: str) -> tuple[Transcriber, int]:
        return self._transcriber(name).load(find_device(self.settings.device))

    def _load_engine(self, name: str) -> tuple[SpeechEngine, int]:
        """
        Raises:
            StudioError: ``base_incomplete``: some of its files were taken away meanwhile.
        """
        description = engine_of(self.engines, name)
        try:
            return description.load(find_device(self.settings.device)), description.resident_bytes
        except CraftError as error:
            raise StudioError(error.code, 409, **error.facts) from error

    def _load_voice(self, revision_id: str) -> tuple[Voice, int]:
        """A revision, laid over the weights that its voice was imported with."""
        *weights, revision = map(Voice.load, self._voice_paths(revision_id))
        voice = weights[0].joined(revision) if weights else revision
        return voice.to(find_device(self.settings.device)), voice.nbytes

    def _voice_bytes(self, revision_id: str) -> int:
        return sum(path.stat().st_size for path in self._voice_paths(revision_id))

    def _voice_paths(self, revision_id: str) -> list[Path]:
        voice_id = self._voice_store.revision(revision_id).voice_id
        weights = self._artifacts.weights(voice_id)
        own = self._artifacts.revision(voice_id, revision_id)
        return [weights, own] if weights.exists() else [own]


class _Known:
    """Whether the database knows a file; asked for every file at start, hence one look at each table."""

    def __init__(self, database: Database, artifacts: Artifacts) -> None:
        self._jobs = {
            row["id"] for row in database.rows("SELECT id FROM jobs WHERE state IN ('queued', 'running')")
        }
        self._jobs_folder = artifacts.home / "jobs"
        self._files = {artifacts.take(row["key"]) for row in database.rows("SELECT key FROM takes")}
        for row in database.rows(
            "SELECT key, format FROM exports WHERE speech_id IS NOT NULL OR story_id IS NOT NULL"
        ):
            self._files.add(artifacts.export(row["key"], row["format"]))
        for row in database.rows(
            "SELECT id FROM voices WHERE weights_sha256 IS NOT NULL AND deleted_at IS NULL"
        ):
            self._files |= {artifacts.weights(row["id"]), artifacts.description(row["id"])}
        for row in database.rows("SELECT voice_id, id FROM revisions"):
            self._files.add(artifacts.revision(row["voice_id"], row["id"]))
        for row in database.rows("SELECT id FROM stories WHERE recording IS NOT NULL"):
            self._files.add(artifacts.told(row["id"]))
        for row in database.rows("SELECT story_id, key FROM illustrations"):
            self._files.add(artifacts.picture(row["story_id"], row["key"]))
        for row in database.rows("SELECT story_id, scene_id FROM kept_sounds"):
            self._files.add(artifacts.sound(row["story_id"], row["scene_id"]))
        for row in database.rows("SELECT voice_id, id FROM recordings"):
            for variant in ("original", "wav", "clean.wav"):
                self._files.add(artifacts.recording(row["voice_id"], row["id"], variant))

    def __call__(self, path: Path) -> bool:
        if path.is_relative_to(self._jobs_folder):
            return path.relative_to(self._jobs_folder).parts[0] in self._jobs
        return path in self._files
