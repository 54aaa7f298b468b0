"""The job that reads a speech: one take a sentence, spoken again when the listener misses words."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping

from pipelines.failure import Cancelled
from pipelines.speech.engine import SpeechEngine, Take
from pipelines.speech.voice import Voice
from studio.jobs.runner import JobRun
from studio.serving.gpu_lane import SPEECH, GpuLane
from studio.serving.residency import Residency
from studio.store.artifacts import Artifacts
from studio.store.speeches import Sentence, SpeechStore
from studio.store.voices import VoiceStore
from studio.trust.consent import Consents
from studio.trust.labels import speech_label

RETAKE_SCORE = 0.7
"""Below this share of the asked phonemes found, a take is made again."""
MAX_RETAKES = 2


class Reading:
    def __init__(
        self,
        speeches: SpeechStore,
        voices: VoiceStore,
        artifacts: Artifacts,
        consents: Consents,
        residency: Residency,
        lane: GpuLane,
    ) -> None:
        self._speeches = speeches
        self._voices = voices
        self._artifacts = artifacts
        self._consents = consents
        self._residency = residency
        self._lane = lane

    def speak(self, run: JobRun) -> Mapping[str, object]:
        """Sentences whose take is in the store already, from an earlier run or another speech, are left alone."""
        speech = self._speeches.get(run.job.subject_id)
        voice_row = self._voices.row(speech.voice_id)
        revision = self._voices.revision_by_number(speech.voice_id, speech.revision)
        if not voice_row["sample"]:
            self._consents.require(speech.voice_id)
        spoken = 0
        with (
            self._residency.lease(("engine", revision.engine)) as engine,
            self._residency.lease(("voice", revision.id)) as voice,
        ):
            # looked up anew each time: a sentence may be re-rolled meanwhile
            while pending := self._speeches.pending(speech.id):
                if spoken:
                    run.yield_to_others()
                run.stage("speak", 1.0 - len(pending) / len(speech.sentences))
                sentence = pending[0]
                take, attempts = self._speak(run, engine, voice, sentence, speech.controls)
                self._keep(speech.voice_id, revision.id, sentence, take, attempts)
                spoken += 1
        return {"spoken": spoken}

    def _speak(
        self,
        run: JobRun,
        engine: SpeechEngine,
        voice: Voice,
        sentence: Sentence,
        controls: Mapping[str, float],
    ) -> tuple[Take, int]:
        """The best of at most ``1 + MAX_RETAKES`` attempts, and how many were made."""
        best: Take | None = None
        for attempt in range(1 + MAX_RETAKES):
            run.check()
            with self._lane.turn(SPEECH):
                take = engine.synthesize(sentence.text, voice, controls, retake_seed(sentence.seed, attempt))
            if best is None or take.score > best.score:
                best = take
            if best.score >= RETAKE_SCORE:
                break
        assert best is not None
        return best, attempt + 1

    def _keep(self, voice_id: str, revision_id: str, sentence: Sentence, take: Take, attempts: int) -> None:
        from pipelines.audio.formats import encode

        path = self._artifacts.take(sentence.take_key)
        label = speech_label(voice_id, sentence.take_key)
        self._artifacts.write(path, encode(take.wave, take.sample_rate, "wav", label))
        try:
            self._speeches.insert_take(sentence, revision_id, take, attempts)
        except sqlite3.IntegrityError as error:  # the revision is gone: consent was withdrawn meanwhile
            self._artifacts.remove(path)
            raise Cancelled from error


def retake_seed(seed: int, attempt: int) -> int:
    """The asked seed first; then seeds that follow from it, so that the same request makes the same take."""
    if attempt == 0:
        return seed
    return int.from_bytes(hashlib.sha256(f"{seed} {attempt}".encode()).digest()[:4], "big") >> 1
