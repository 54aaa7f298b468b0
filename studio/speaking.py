"""Texts read aloud, sentence by sentence."""

from __future__ import annotations

import hashlib
import json
import math
import secrets
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from pipelines.speech.engine import EngineDescription
from studio.engines import engine_of
from studio.errors import StudioError, refusals
from studio.jobs.on_air import OnAir
from studio.jobs.queue import JobQueue
from studio.jobs.runner import LANES
from studio.language import say
from studio.settings import Settings
from studio.store.artifacts import Artifacts
from studio.store.ids import new_id
from studio.store.ledger import enter_export, enter_stream, note_sent
from studio.store.pronunciations import Pronunciations
from studio.store.recording_files import read_wav
from studio.store.records import RevisionRecord, Speech
from studio.store.speeches import Sentence, SpeechStore, take_key
from studio.store.voices import VoiceStore
from studio.trust.consent import Consents
from studio.trust.labels import speech_label, voice_hash
from studio.trust.quota import DemoQuota
from studio.typed_text import cleaned

FORMATS = ("wav", "mp3", "flac", "ogg", "opus")
CAPTION_FORMATS = ("srt", "vtt")
MAX_SEED = 2**31 - 1
SAMPLE_SEED = 1
EXCERPT_CHARS = 60
LOOK_AROUND_SECONDS = 1.0


class Speaking:
    """Every method raises ``StudioError``; unknown ids are 404."""

    def __init__(
        self,
        settings: Settings,
        engines: Mapping[str, EngineDescription],
        voices: VoiceStore,
        speeches: SpeechStore,
        artifacts: Artifacts,
        consents: Consents,
        queue: JobQueue,
        quota: DemoQuota,
        pronunciations: Pronunciations,
        on_air: OnAir,
    ) -> None:
        self._settings = settings
        self._engines = engines
        self._voices = voices
        self._speeches = speeches
        self._artifacts = artifacts
        self._consents = consents
        self._queue = queue
        self._quota = quota
        self._pronunciations = pronunciations
        self._on_air = on_air

    def submit(
        self,
        voice_id: str,
        text: str,
        controls: Mapping[str, float] | None = None,
        seed: int | None = None,
        revision: int | None = None,
        client: str | None = None,
        aloud: bool = False,
    ) -> Speech:
        """Validate at once, queue what the take store does not have.

        Args:
            client: counts only in a public demo.
            aloud: somebody will listen to it with ``stream``; the first sentence is heard while it is spoken, where the
                engine can do that, and so is a take of its own.
        """
        seed = secrets.randbelow(MAX_SEED + 1) if seed is None else checked_seed(seed)
        return self._submit(
            voice_id, text, controls or {}, seed, revision, self._quota.visitor(client), {}, aloud
        )

    def sample(self, voice_id: str, revision: int | None = None) -> Speech:
        """A few fixed sentences, e.g. to hear a fresh revision; the same call is answered by the same speech."""
        made_of = self._revision(voice_id, revision)
        self._check_allowed(voice_id)
        engine = engine_of(self._engines, made_of.engine)
        text, controls = say("speech.sample", engine.languages[0]), checked_controls(engine, {})
        speech_id = self._speeches.find(made_of.id, text, controls, SAMPLE_SEED)
        if speech_id is not None and (speech := self.get(speech_id)).state not in ("failed", "cancelled"):
            return speech
        return self.submit(voice_id, text, controls, SAMPLE_SEED, made_of.number)

    def get(self, speech_id: str) -> Speech:
        return self._speeches.get(speech_id)

    def wait(self, speech_id: str, timeout_seconds: float) -> Speech:
        """As ``get``, once it is finished or the time is up."""
        speech = self.get(speech_id)
        if speech.state in ("queued", "running"):
            self._queue.wait(speech.job_id, timeout_seconds)
        return self.get(speech_id)

    def reroll(self, speech_id: str, index: int) -> Speech:
        """One sentence with a new seed; the old take stays in the store."""
        row = self._speeches.row(speech_id)
        sentences = self._speeches.sentences(speech_id)
        if not 0 <= index < len(sentences):
            raise StudioError("sentence_unknown", 404, index=index, count=len(sentences))
        self._check_allowed(row["voice_id"])
        sentence = sentences[index]
        self._quota.spend(row["visitor"], len(sentence.text))
        seed = secrets.randbelow(MAX_SEED + 1)
        said = self._pronunciations.lexicon().written_into(sentence.text)
        key = take_key(row["revision_id"], said, json.loads(row["controls"]), seed)
        with self._speeches.database.transaction():
            self._speeches.set_take(speech_id, index, said, seed, key)
            self._read(speech_id)
        return self.get(speech_id)

    def edit(self, speech_id: str, text: str) -> Speech:
        """A new speech of the same voice, controls and seeds; sentences that did not change are not spoken anew."""
        row = self._speeches.row(speech_id)
        seeds = defaultdict(list)
        for sentence in self._speeches.sentences(speech_id):
            seeds[sentence.text].append(sentence.seed)
        controls = json.loads(row["controls"])
        return self._submit(
            row["voice_id"], text, controls, row["seed"], row["revision"], row["visitor"], seeds
        )

    def cancel(self, speech_id: str) -> Speech:
        """Stop reading; the takes that are finished stay."""
        self._speeches.row(speech_id)
        for job in self._queue.list(active_only=True, subject_id=speech_id):
            self._queue.cancel(job.id)
        return self.get(speech_id)

    def take_audio(self, take_key: str) -> Path:
        """A labelled WAV file."""
        return self._artifacts.take(self._speeches.check_take(take_key))

    def export(self, speech_id: str, format: str) -> Path:
        """The whole speech joined and labelled; ``format`` is wav, mp3, flac, ogg or opus."""
        if format not in FORMATS:
            raise StudioError("format_unknown", 422, format=format, choices=", ".join(FORMATS))
        speech, sentences = self._finished(speech_id)
        keys = [sentence.take_key for sentence in sentences]
        pauses = [sentence.pause_seconds for sentence in sentences]
        key = hashlib.sha256(json.dumps([keys, pauses, format]).encode()).hexdigest()
        path = self._artifacts.export(key, format)
        if path.exists():
            return path

        from pipelines.audio.formats import encode
        from pipelines.audio.joining import join

        takes = [read_wav(self.take_audio(key)) for key in keys]
        sample_rate = takes[0].sample_rate
        wave = join([take.wave for take in takes], sample_rate, pauses[:-1])
        label = speech_label(speech.voice_id, key)
        data = encode(wave, sample_rate, format, label)
        with self._speeches.database.transaction():
            # In the same transaction: nothing is kept of a voice that is gone meanwhile
            self._finished(speech_id)
            enter_export(
                self._speeches.database,
                key,
                format,
                data,
                voice_hash(speech.voice_id),
                keys,
                label,
                speech_id=speech_id,
            )
            self._artifacts.write(path, data)
        return path

    def stream(self, speech_id: str, format: str) -> Iterator[bytes]:
        """The whole speech as one labelled file, while it is still being spoken: takes as they are kept, their edges
        softened, and the pauses between them. The same takes make the same bytes.

        Args:
            format: wav, mp3, flac or opus.

        Yields:
            what is ready; an empty piece now and then while nothing is.

        Raises:
            StudioError: ``format_unknown``; ``speech_not_finished`` when it was stopped, or failed.
        """
        from pipelines.audio.formats import STREAMED_FORMATS, StreamedFile
        from pipelines.audio.joining import softened

        if format not in STREAMED_FORMATS:
            raise StudioError("format_unknown", 422, format=format, choices=", ".join(STREAMED_FORMATS))
        speech, sentences = self.get(speech_id), self._speeches.sentences(speech_id)
        revision = self._voices.revision_by_number(speech.voice_id, speech.revision)
        sample_rate = engine_of(self._engines, revision.engine).sample_rate
        keys = [sentence.take_key for sentence in sentences]
        pauses = [sentence.pause_seconds for sentence in sentences[:-1]]
        key = hashlib.sha256(json.dumps([keys, pauses, format, "streamed"]).encode()).hexdigest()
        label = speech_label(speech.voice_id, key)
        file = StreamedFile(sample_rate, format, label)

        def pieces() -> Iterator[bytes]:
            for sentence, pause in zip(sentences, [*pauses, 0.0], strict=True):
                for wave in softened(self._heard(speech_id, sentence), sample_rate):
                    yield file.feed(wave) if len(wave) else b""
                yield file.feed(np.zeros(round(pause * sample_rate), np.float32))
            yield file.close()

        database, voice = self._speeches.database, voice_hash(speech.voice_id)
        enter_stream(database, key, format, voice, keys, label, speech_id=speech_id)
        sha256, file_bytes = hashlib.sha256(), 0
        try:
            for piece in pieces():
                sha256.update(piece)
                file_bytes += len(piece)
                yield piece
        finally:
            note_sent(database, key, format, sha256.hexdigest(), file_bytes)

    def _heard(self, speech_id: str, sentence: Sentence) -> Iterator[np.ndarray]:
        """A take as it is being spoken, or from the store; an empty chunk now and then while there is nothing new."""
        samples = 0
        while True:
            version = self._queue.changes.version
            if self._speeches.has_take(sentence.take_key):
                yield read_wav(self.take_audio(sentence.take_key)).wave[samples:]
                return
            wave = self._on_air.since(sentence.take_key, samples)
            if not len(wave):
                speech = self.get(speech_id)
                ended = speech.state not in ("queued", "running")
                if ended and not self._speeches.has_take(sentence.take_key):
                    missing = speech.takes.count(None)
                    raise StudioError("speech_not_finished", 409, missing=missing, count=len(speech.takes))
                self._queue.changes.wait(version, LOOK_AROUND_SECONDS)
            samples += len(wave)
            yield wave

    def captions(self, speech_id: str, format: str) -> str:
        """``format`` is srt or vtt."""
        if format not in CAPTION_FORMATS:
            raise StudioError("format_unknown", 422, format=format, choices=", ".join(CAPTION_FORMATS))
        speech, sentences = self._finished(speech_id)

        from pipelines.text import captions
        from pipelines.text.overrides import unmarked

        cues, start = [], 0.0
        for take, sentence in zip(speech.takes, sentences, strict=True):
            cues.extend(captions.cues(unmarked(take.text), take.words, start, start + take.seconds))
            start += take.seconds + sentence.pause_seconds
        return captions.to_srt(cues) if format == "srt" else captions.to_vtt(cues)

    def history(self, voice_id: str, limit: int = 50, client: str | None = None) -> list[Speech]:
        """Newest first. A public demo shows a ``client`` its own alone."""
        self._voices.row(voice_id)
        return self._speeches.history(voice_id, limit, self._quota.visitor(client))

    def _submit(
        self,
        voice_id: str,
        text: str,
        controls: Mapping[str, float],
        seed: int,
        number: int | None,
        visitor: str | None,
        seeds: Mapping[str, list[int]],
        aloud: bool = False,
    ) -> Speech:
        """``seeds``: sentences that keep seeds of their own, first come first served."""
        # 1. May this voice speak?
        revision = self._revision(voice_id, number)
        self._check_allowed(voice_id)
        engine = engine_of(self._engines, revision.engine)
        # 2. Can it say this?
        controls = checked_controls(engine, controls)
        text = _speakable(text, self._settings.max_text_chars)
        pieces = _cut(text, engine, self._settings.max_sentence_chars)
        # 3. Name every sentence's take
        lexicon = self._pronunciations.lexicon()
        left = {sentence: list(own) for sentence, own in seeds.items()}
        sentences = []
        for position, piece in enumerate(pieces):
            own = left.get(piece.text)
            sentence_seed = own.pop(0) if own else seed
            said = lexicon.written_into(piece.text)
            streamed = aloud and engine.streams and position == 0
            key = take_key(revision.id, said, controls, sentence_seed, streamed=streamed)
            sentences.append(Sentence(position, piece.text, said, piece.pause_seconds, sentence_seed, key))
        # 4. Keep it, and queue it unless every take is there already
        speech_id = new_id("speech")
        with self._speeches.database.transaction():
            self._quota.spend(visitor, len(text))
            self._speeches.insert(speech_id, voice_id, revision.id, text, controls, seed, visitor, sentences)
            self._read(speech_id, sentences[0].take_key if aloud and engine.streams else None)
        return self.get(speech_id)

    def _read(self, speech_id: str, aloud: str | None = None) -> None:
        if self._speeches.pending(speech_id):
            self._queue.enqueue(LANES["speak"], "speak", speech_id, {"aloud": aloud} if aloud else {})

    def _revision(self, voice_id: str, number: int | None) -> RevisionRecord:
        row = self._voices.row(voice_id)
        if number is not None:
            return self._voices.revision_by_number(voice_id, number)
        if row["revision_id"] is None:
            raise not_ready(self._consents, self._queue, voice_id)
        return self._voices.revision(row["revision_id"])

    def _check_allowed(self, voice_id: str) -> None:
        if not self._voices.row(voice_id)["sample"]:
            self._consents.require(voice_id)

    def _finished(self, speech_id: str) -> tuple[Speech, list[Sentence]]:
        speech = self.get(speech_id)
        if None in speech.takes:
            missing = speech.takes.count(None)
            raise StudioError("speech_not_finished", 409, missing=missing, count=len(speech.takes))
        self._check_allowed(speech.voice_id)
        return speech, self._speeches.sentences(speech_id)


def not_ready(consents: Consents, queue: JobQueue, voice_id: str) -> StudioError:
    """Why a voice without a revision cannot speak."""
    if consents.current(voice_id) is None or queue.active(voice_id, ("prepare", "train")):
        return StudioError("voice_not_ready", 409)
    return StudioError("voice_unprepared", 409)


def checked_seed(seed: int) -> int:
    if not 0 <= seed <= MAX_SEED:
        raise StudioError("seed_out_of_range", 422, seed=seed, limit=MAX_SEED)
    return int(seed)


def checked_controls(engine: EngineDescription, controls: Mapping[str, float]) -> dict[str, float]:
    """Every control of the engine, with its default where none was asked."""
    known = {control.name: control for control in engine.controls}
    for name, value in controls.items():
        if name not in known:
            raise StudioError("control_unknown", 422, name=name, choices=", ".join(known))
        control = known[name]
        if not (math.isfinite(value) and control.minimum <= value <= control.maximum):
            raise StudioError(
                "control_out_of_range",
                422,
                name=name,
                value=f"{value:g}",
                minimum=control.minimum,
                maximum=control.maximum,
            )
    return {name: float(controls.get(name, control.default)) for name, control in known.items()}


def _speakable(text: str, max_chars: int) -> str:
    if len(text) > max_chars:
        raise StudioError("text_too_long", 422, chars=len(text), limit=max_chars)
    text = cleaned(text)
    if not text:
        raise StudioError("text_empty", 422)
    return text


def _cut(text: str, engine: EngineDescription, max_chars: int) -> list:
    """Sentences that can be spoken; the pause of a silent one (a row of stars, an emoji) goes to the one before.

    Raises:
        StudioError: ``text_unspeakable``, ``language_unsupported``, each quoting the beginning of the text;
            ``language_extra_missing`` for a language that the engine would read with one more package;
            ``pronunciation_misfit``.
    """
    from pipelines.text.language import detect_language, spoken_languages
    from pipelines.text.overrides import mark
    from pipelines.text.segment import split

    pieces = []
    for piece in split(text, max_chars=max_chars):
        language = detect_language(piece.text)
        if language == "none":
            continue
        if package := engine.missing_packages.get(language):
            raise StudioError("language_extra_missing", 422, language=language, package=package)
        if not spoken_languages(language) <= set(engine.languages):
            raise StudioError("language_unsupported", 422, text=_excerpt(piece.text), language=language)
        with refusals():
            mark(piece.text)
        pieces.append(piece)
    if not pieces:
        raise StudioError("text_unspeakable", 422, text=_excerpt(text))
    return pieces


def _excerpt(text: str) -> str:
    return text if len(text) <= EXCERPT_CHARS else text[:EXCERPT_CHARS] + "…"
