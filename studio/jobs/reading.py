"""Sentences become takes: one each, spoken again when the listener misses words."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence

from pipelines.failure import Cancelled, CraftError
from pipelines.speech.engine import EngineDescription, SpeechEngine, Take
from pipelines.speech.voice import Voice
from studio.jobs.on_air import OnAir
from studio.jobs.runner import JobRun
from studio.serving.gpu_lane import SPEECH, GpuLane
from studio.serving.residency import Residency
from studio.store.artifacts import Artifacts
from studio.store.records import RevisionRecord
from studio.store.speeches import Sentence, SpeechStore
from studio.store.voices import VoiceStore
from studio.trust.consent import Consents
from studio.trust.labels import speech_label

RETAKE_SCORE = 0.7
"""Below this share of the asked phonemes found, a take is made again."""
MAX_RETAKES = 2


class VoiceGone(Cancelled):
    """Consent was withdrawn while the voice was reading."""


def _insist(sentence: Sentence, error: CraftError) -> None:
    raise error


class Reader:
    """Speaks into the take store, for speeches and stories alike."""

    def __init__(
        self,
        speeches: SpeechStore,
        voices: VoiceStore,
        artifacts: Artifacts,
        consents: Consents,
        residency: Residency,
        lane: GpuLane,
        engines: Mapping[str, EngineDescription],
        on_air: OnAir,
    ) -> None:
        self._speeches = speeches
        self._voices = voices
        self._engines = engines
        self._on_air = on_air
        self._artifacts = artifacts
        self._consents = consents
        self._residency = residency
        self._lane = lane

    def read(
        self,
        run: JobRun,
        revision: RevisionRecord,
        controls: Mapping[str, float],
        pending: Callable[[], Sequence[Sentence]],
        progress: Callable[[int], float],
        refused: Callable[[Sentence, CraftError], None] = _insist,
        aloud: str | None = None,
    ) -> int:
        """Speak until nothing is ``pending``, which is looked up anew each time; returns how many sentences it spoke.

        The first sentence is spoken alone, so that it is heard early; the others as many at once as the engine likes.

        Args:
            progress: sentences left -> 0..1 of the whole job.
            refused: told of a sentence that the engine cannot speak, which must then not be pending any more.
            aloud: take key of a sentence that somebody listens to while it is spoken.

        Raises:
            StudioError: ``voice_unknown``, ``consent_none``, ``consent_expired``.
            VoiceGone: meanwhile.
        """
        if not self._voices.row(revision.voice_id)["sample"]:
            self._consents.require(revision.voice_id)
        spoken, together = 0, 1
        with (
            self._residency.lease(("engine", revision.engine)) as engine,
            self._residency.lease(("voice", revision.id)) as voice,
        ):
            while sentences := pending():
                if spoken:
                    run.yield_to_others()
                run.stage("speak", progress(len(sentences)))
                batch = list({sentence.take_key: sentence for sentence in sentences}.values())[:together]
                together = self._engines[revision.engine].batch
                speak = self._speak_aloud if batch[0].take_key == aloud else self._speak
                try:
                    for sentence, take, attempts in speak(run, engine, voice, batch, controls):
                        self._keep(run, revision, sentence, take, attempts)
                        spoken += 1
                except CraftError as error:
                    if len(batch) == 1:
                        refused(batch[0], error)
                    together = 1  # one of them it was: each alone, then, until it shows
        return spoken

    def _speak(
        self,
        run: JobRun,
        engine: SpeechEngine,
        voice: Voice,
        batch: Sequence[Sentence],
        controls: Mapping[str, float],
    ) -> Iterator[tuple[Sentence, Take, int]]:
        """Of each sentence the best of at most ``1 + MAX_RETAKES`` attempts, and how many were made."""
        best: dict[str, Take] = {}
        for attempt in range(1 + MAX_RETAKES):
            takes = engine.synthesize_batch(
                [sentence.said for sentence in batch],
                voice,
                controls,
                [retake_seed(sentence.seed, attempt) for sentence in batch],
            )
            again = []
            for sentence in batch:
                run.check()
                with self._lane.turn(SPEECH):
                    take = next(takes)
                kept = best.get(sentence.take_key)
                if kept is None or take.score > kept.score:
                    best[sentence.take_key] = take
                if best[sentence.take_key].score >= RETAKE_SCORE or attempt == MAX_RETAKES:
                    yield sentence, best[sentence.take_key], attempt + 1
                else:
                    again.append(sentence)
            if not again:
                return
            batch = again

    def _speak_aloud(
        self,
        run: JobRun,
        engine: SpeechEngine,
        voice: Voice,
        batch: Sequence[Sentence],
        controls: Mapping[str, float],
    ) -> Iterator[tuple[Sentence, Take, int]]:
        """The one sentence, in one attempt: what was heard cannot be taken back."""
        (sentence,) = batch
        stream = engine.stream(sentence.said, voice, controls, sentence.seed)
        with self._on_air.take(sentence.take_key) as send:
            with self._lane.turn(SPEECH):
                take = None
                while take is None:
                    run.check()
                    try:
                        send(next(stream))
                    except StopIteration as end:
                        take = end.value
            yield sentence, take, 1

    def _keep(
        self, run: JobRun, revision: RevisionRecord, sentence: Sentence, take: Take, attempts: int
    ) -> None:
        from pipelines.audio.formats import encode

        label = speech_label(revision.voice_id, sentence.take_key)
        data = encode(take.wave, take.sample_rate, "wav", label)
        with self._speeches.database.transaction():
            run.require_lease()  # in the same transaction: what was deleted leaves no take
            try:
                self._speeches.insert_take(sentence, revision.id, take, attempts)
            except sqlite3.IntegrityError as error:
                raise VoiceGone from error
            self._artifacts.write(self._artifacts.take(sentence.take_key), data)
        self._on_air.announce()


class Reading:
    """The job that reads a speech."""

    def __init__(self, speeches: SpeechStore, voices: VoiceStore, reader: Reader) -> None:
        self._speeches = speeches
        self._voices = voices
        self._reader = reader

    def speak(self, run: JobRun) -> Mapping[str, object]:
        """Sentences whose take is in the store already, from an earlier run or another speech, are left alone."""
        speech = self._speeches.get(run.job.subject_id)
        revision = self._voices.revision_by_number(speech.voice_id, speech.revision)
        spoken = self._reader.read(
            run,
            revision,
            speech.controls,
            lambda: self._speeches.pending(speech.id),
            lambda left: 1.0 - left / len(speech.sentences),
            aloud=run.job.payload.get("aloud"),
        )
        return {"spoken": spoken}


def retake_seed(seed: int, attempt: int) -> int:
    """The asked seed first; then seeds that follow from it, so that the same request makes the same take."""
    if attempt == 0:
        return seed
    return int.from_bytes(hashlib.sha256(f"{seed} {attempt}".encode()).digest()[:4], "big") >> 1
