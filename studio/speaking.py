"""Texts read aloud, sentence by sentence."""

from __future__ import annotations

import hashlib
import json
import math
import secrets
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from pipelines.speech.engine import EngineDescription
from studio.errors import StudioError
from studio.jobs.queue import JobQueue
from studio.jobs.runner import LANES
from studio.language import say
from studio.settings import Settings
from studio.store.artifacts import Artifacts
from studio.store.ids import new_id
from studio.store.recording_files import read_wav
from studio.store.records import RevisionRecord, Speech
from studio.store.speeches import Sentence, SpeechStore, take_key
from studio.store.voices import VoiceStore
from studio.trust.consent import Consents
from studio.trust.labels import speech_label, voice_hash
from studio.trust.quota import DemoQuota, visitor_of

FORMATS = ("wav", "mp3", "flac", "ogg", "opus")
CAPTION_FORMATS = ("srt", "vtt")
MAX_SEED = 2**31 - 1
SAMPLE_SEED = 1
EXCERPT_CHARS = 60


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
    ) -> None:
        self._settings = settings
        self._engines = engines
        self._voices = voices
        self._speeches = speeches
        self._artifacts = artifacts
        self._consents = consents
        self._queue = queue
        self._quota = quota

    def submit(
        self,
        voice_id: str,
        text: str,
        controls: Mapping[str, float] | None = None,
        seed: int | None = None,
        revision: int | None = None,
        client: str | None = None,
    ) -> Speech:
        """Validate at once, queue what the take store does not have. ``client`` counts only in a public demo."""
        seed = secrets.randbelow(MAX_SEED + 1) if seed is None else _checked_seed(seed)
        return self._submit(voice_id, text, controls or {}, seed, revision, self._visitor(client), {})

    def sample(self, voice_id: str, revision: int | None = None) -> Speech:
        """A few fixed sentences, e.g. to hear a fresh revision; the same call is answered by the same speech."""
        made_of = self._revision(voice_id, revision)
        self._check_allowed(voice_id)
        engine = self._engines[made_of.engine]
        text, controls = say("speech.sample", engine.languages[0]), _checked_controls(engine, {})
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
        self._spend(row["visitor"], len(sentence.text))
        seed = secrets.randbelow(MAX_SEED + 1)
        key = take_key(row["revision_id"], sentence.text, json.loads(row["controls"]), seed)
        with self._speeches.database.transaction():
            self._speeches.set_seed(speech_id, index, seed, key)
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
        while job := self._queue.active(speech_id, ("speak",)):
            if self._queue.cancel(job.id).state == "running":
                break
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
        # the ledger first: no file leaves the studio that it does not know
        self._speeches.insert_export(
            key,
            format,
            speech_id,
            voice_hash(speech.voice_id),
            keys,
            hashlib.sha256(data).hexdigest(),
            len(data),
            label,
        )
        self._artifacts.write(path, data)
        return path

    def captions(self, speech_id: str, format: str) -> str:
        """``format`` is srt or vtt."""
        if format not in CAPTION_FORMATS:
            raise StudioError("format_unknown", 422, format=format, choices=", ".join(CAPTION_FORMATS))
        speech, sentences = self._finished(speech_id)

        from pipelines.text import captions

        cues, start = [], 0.0
        for take, sentence in zip(speech.takes, sentences, strict=True):
            cues.extend(captions.cues(take.text, take.words, start, start + take.seconds))
            start += take.seconds + sentence.pause_seconds
        return captions.to_srt(cues) if format == "srt" else captions.to_vtt(cues)

    def history(self, voice_id: str, limit: int = 50, client: str | None = None) -> list[Speech]:
        """Newest first. A public demo shows a ``client`` its own alone."""
        self._voices.row(voice_id)
        return self._speeches.history(voice_id, limit, self._visitor(client))

    def _submit(
        self,
        voice_id: str,
        text: str,
        controls: Mapping[str, float],
        seed: int,
        number: int | None,
        visitor: str | None,
        seeds: Mapping[str, list[int]],
    ) -> Speech:
        """``seeds``: sentences that keep seeds of their own, first come first served."""
        # 1. May this voice speak?
        revision = self._revision(voice_id, number)
        self._check_allowed(voice_id)
        engine = self._engines[revision.engine]
        # 2. Can it say this?
        controls = _checked_controls(engine, controls)
        text = _speakable(text, self._settings.max_text_chars)
        pieces = _cut(text, engine.languages, self._settings.max_sentence_chars)
        # 3. Name every sentence's take
        left = {sentence: list(own) for sentence, own in seeds.items()}
        sentences = []
        for position, piece in enumerate(pieces):
            own = left.get(piece.text)
            sentence_seed = own.pop(0) if own else seed
            key = take_key(revision.id, piece.text, controls, sentence_seed)
            sentences.append(Sentence(position, piece.text, piece.pause_seconds, sentence_seed, key))
        # 4. Keep it, and queue it unless every take is there already
        speech_id = new_id("speech")
        with self._speeches.database.transaction():
            self._spend(visitor, len(text))
            self._speeches.insert(speech_id, voice_id, revision.id, text, controls, seed, visitor, sentences)
            self._read(speech_id)
        return self.get(speech_id)

    def _read(self, speech_id: str) -> None:
        if self._speeches.pending(speech_id):
            self._queue.enqueue(LANES["speak"], "speak", speech_id, {})

    def _revision(self, voice_id: str, number: int | None) -> RevisionRecord:
        row = self._voices.row(voice_id)
        if number is not None:
            return self._voices.revision_by_number(voice_id, number)
        if row["revision_id"] is None:
            raise StudioError("voice_not_ready", 409)
        return self._voices.revision(row["revision_id"])

    def _check_allowed(self, voice_id: str) -> None:
        if not self._voices.row(voice_id)["sample"]:
            self._consents.require(voice_id)

    def _visitor(self, client: str | None) -> str | None:
        return visitor_of(client) if self._settings.public_demo else None

    def _spend(self, visitor: str | None, chars: int) -> None:
        if visitor is not None:
            self._quota.spend(visitor, chars)

    def _finished(self, speech_id: str) -> tuple[Speech, list[Sentence]]:
        speech = self.get(speech_id)
        if None in speech.takes:
            missing = speech.takes.count(None)
            raise StudioError("speech_not_finished", 409, missing=missing, count=len(speech.takes))
        self._check_allowed(speech.voice_id)
        return speech, self._speeches.sentences(speech_id)


def _checked_seed(seed: int) -> int:
    if not 0 <= seed <= MAX_SEED:
        raise StudioError("seed_out_of_range", 422, seed=seed, limit=MAX_SEED)
    return int(seed)


def _checked_controls(engine: EngineDescription, controls: Mapping[str, float]) -> dict[str, float]:
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
    """Composed, without control characters and lone surrogates; line breaks stay."""
    if len(text) > max_chars:
        raise StudioError("text_too_long", 422, chars=len(text), limit=max_chars)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs"))
    text = unicodedata.normalize("NFC", text).strip()
    if not text:
        raise StudioError("text_empty", 422)
    return text


def _cut(text: str, languages: tuple[str, ...], max_chars: int) -> list:
    """Sentences that can be spoken; the pause of a silent one (a row of stars, an emoji) goes to the one before.

    Raises:
        StudioError: ``text_unspeakable``, ``language_unsupported``, each quoting the beginning of the text.
    """
    from pipelines.text.language import detect_language
    from pipelines.text.segment import split

    pieces = []
    for piece in split(text, max_chars=max_chars):
        language = detect_language(piece.text)
        if language == "none":
            continue
        if language not in languages:
            raise StudioError("language_unsupported", 422, text=_excerpt(piece.text), language=language)
        pieces.append(piece)
    if not pieces:
        raise StudioError("text_unspeakable", 422, text=_excerpt(text))
    return pieces


def _excerpt(text: str) -> str:
    return text if len(text) <= EXCERPT_CHARS else text[:EXCERPT_CHARS] + "…"
