"""Voices that come from other programs as files, and go back to them."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pipelines.failure import CraftError
from pipelines.speech.engine import EngineDescription, Exchange
from pipelines.speech.voice import Voice
from studio.engines import engine_of
from studio.errors import StudioError, from_craft
from studio.jobs.queue import JobQueue
from studio.speaking import not_ready
from studio.store.artifacts import Artifacts
from studio.store.records import VoiceRecord
from studio.trust.consent import Consents
from studio.trust.quota import DemoQuota
from studio.voices import Voices, file_sha256


@dataclass(frozen=True)
class Reference:
    """A recording that an imported voice is prepared with, and what is said in it."""

    path: Path
    filename: str
    text: str | None = None


@dataclass(frozen=True)
class Agreement:
    """What ``Voices.consent`` needs to know."""

    owner_name: str
    scope: str
    until: date | None
    language: str


class VoiceExchange:
    """Every method raises ``StudioError``; refused imports keep nothing."""

    def __init__(
        self,
        engines: Mapping[str, EngineDescription],
        voices: Voices,
        artifacts: Artifacts,
        consents: Consents,
        queue: JobQueue,
        quota: DemoQuota,
    ) -> None:
        self._engines = engines
        self._voices = voices
        self._artifacts = artifacts
        self._consents = consents
        self._queue = queue
        self._quota = quota
        self._workplaces = artifacts.home / "tmp" / "exchange"
        # What a killed studio was still taking in or giving out
        shutil.rmtree(self._workplaces, ignore_errors=True)

    @property
    def files(self) -> Mapping[str, str]:
        """Name -> what people call it, of the files that ``take_in`` wants; none where no engine takes any."""
        found = self._way_in()
        return found.files if found else {}

    def files_of(self, voice: VoiceRecord) -> Mapping[str, str]:
        """Name -> what people call it, of what ``given_out`` gives; none of a voice that stays here."""
        try:
            return self._way_out(voice).files
        except StudioError:
            return {}

    def take_in(
        self,
        name: str,
        files: Sequence[Path],
        references: Sequence[Reference],
        agreement: Agreement,
    ) -> VoiceRecord:
        """A voice from its weights (``files``) and at least one recording of it; it gets an instant revision, as a job
        (``active_job_id``). The weights stay as safetensors, beside ``voice.json`` with what the files said."""
        self._quota.refuse_in_demo()
        if not references:
            raise StudioError("voice_without_recordings", 409)
        with self._workplace() as folder:
            weights = folder / "weights.safetensors"
            try:
                brought = self._exchange().read(files, weights)
            except CraftError as error:
                raise from_craft(error) from error
            engine = engine_of(self._engines, brought.engine)
            voice = self._voices.create(name, engine.name, file_sha256(weights))
            try:
                self._artifacts.copy(weights, self._artifacts.weights(voice.id))
                card = {"name": voice.name, "engine": engine.name, "card": brought.facts}
                text = json.dumps(card, ensure_ascii=False, indent=1)
                self._artifacts.write(self._artifacts.description(voice.id), text.encode("utf-8"))
                for reference in references:
                    kept = self._voices.add_recording(
                        voice.id, reference.path, reference.filename, reference.text
                    )
                    self._voices.set_cleaning(kept.id, False)  # the other program took it as it is, too
                self._voices.consent(
                    voice.id, agreement.owner_name, agreement.scope, agreement.until, agreement.language
                )
            except BaseException:
                self._voices.delete(voice.id)
                raise
        return self._voices.get(voice.id)

    @contextmanager
    def given_out(self, voice_id: str) -> Iterator[Sequence[Path]]:
        """The revision in use as files for the other program, for as long as the block runs."""
        voice = self._voices.get(voice_id)
        exchange = self._way_out(voice)
        spoken = Voice.load(self._artifacts.revision(voice_id, voice.revision.id))
        if voice.imported:
            spoken = Voice.load(self._artifacts.weights(voice_id)).joined(spoken)
        with self._workplace() as folder:
            try:
                yield exchange.write(spoken, folder)
            except CraftError as error:
                raise from_craft(error) from error

    def _way_out(self, voice: VoiceRecord) -> Exchange:
        if not voice.sample:
            self._consents.require(voice.id)
        if voice.revision is None:
            raise not_ready(self._consents, self._queue, voice.id)
        exchange = engine_of(self._engines, voice.engine).exchange
        if exchange is None:
            raise StudioError("voice_stays_here", 409, engine=voice.engine)
        return exchange

    def _way_in(self) -> Exchange | None:
        return next((e.exchange for e in self._engines.values() if e.exchange is not None), None)

    def _exchange(self) -> Exchange:
        found = self._way_in()
        if found is None:
            raise StudioError("import_without_base", 409, folder=str(self._artifacts.home / "models"))
        return found

    @contextmanager
    def _workplace(self) -> Iterator[Path]:
        """A folder on the disk of the library, gone afterwards."""
        self._workplaces.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=self._workplaces))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
