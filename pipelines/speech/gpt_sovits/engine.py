"""GPT-SoVITS behind the engine protocol: any version, the base's voice or one that was brought."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import torchaudio
from torch import Tensor

from models.gpt_sovits.sampling import Sampling
from models.gpt_sovits.speaker_verification import SpeakerVerification
from models.gpt_sovits.spectra import kaldi_filterbank, magnitude_spectrum
from models.starter.mel import FRAMES_PER_SECOND, MelSpectrogram
from models.starter.mel import SAMPLE_RATE as LISTENING_RATE
from pipelines.audio.levelling import Leveller, levelled
from pipelines.audio.recording import Recording
from pipelines.failure import CraftError
from pipelines.speech.engine import LORA, Monitor, SpeechEngine, SpokenWord, Take, TrainedVoice
from pipelines.speech.gpt_sovits.bases import Base, Parts, facts_of
from pipelines.speech.gpt_sovits.chunks import ChunkedSpeech
from pipelines.speech.gpt_sovits.content_features import SAMPLE_RATE as CONTENT_RATE
from pipelines.speech.gpt_sovits.content_features import ContentFeatures
from pipelines.speech.gpt_sovits.descriptions import CONTROLS, SAMPLE_RATE
from pipelines.speech.gpt_sovits.official_files import CONTENT
from pipelines.speech.gpt_sovits.pace import Pace, longest
from pipelines.speech.gpt_sovits.reference import best_references, heard_text
from pipelines.speech.gpt_sovits.text_features import TextFeatures
from pipelines.speech.gpt_sovits.weights import KINDS, Networks, build, is_imported, read_weights, weights_of
from pipelines.speech.listening import Ear
from pipelines.speech.voice import Voice
from pipelines.text.english import to_utterance
from pipelines.text.gpt_sovits.front_end import FrontEnd
from pipelines.text.gpt_sovits.utterance import Utterance
from pipelines.text.language import detect_language
from pipelines.text.overrides import unmarked
from pipelines.text.segment import INLINE_PAUSE

DEFAULTS = {control.name: control.default for control in CONTROLS}
PAUSE_SECONDS = 0.3
MOST_TRANSCRIBED = 3
"""References that are listened to in the hope of understanding one; each takes as long as it lasts, or longer."""
PROMPT = ("prompt_tokens", "prompt_phonemes", "prompt_text")
_WORD = re.compile(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+(?:['\u2019-][^\W_\u3400-\u9fff]+)*")


@dataclass(frozen=True)
class _Piece:
    """The ``part``-th utterance of a sentence that was asked with ``seed``."""

    utterance: Utterance
    seed: int
    part: int

    @property
    def pause_seconds(self) -> float:
        asked = self.utterance.pause_seconds
        return PAUSE_SECONDS if asked is None else asked


class GptSovitsEngine(SpeechEngine):
    """
    Args:
        parts: the files of the base; what only some voices or texts need is read when one of them comes.
    """

    def __init__(
        self, name: str, parts: Parts, networks: Networks, content: ContentFeatures, device: str
    ) -> None:
        self.name, self.parts, self.device = name, parts, device
        self.networks = networks.to(device)
        self.content = content
        self.ear = Ear.load(device)
        self.mel_of = MelSpectrogram().to(device)
        self.front_end = FrontEnd()
        self.base = _digest({kind: self._hash(kind) for kind in KINDS})
        self._other: tuple[str, Networks] | None = None

    @classmethod
    def load(cls, name: str, parts: Parts, device: str) -> GptSovitsEngine:
        networks = build(*(read_weights(base.weights()) for base in parts.voice_weights.values()))
        return cls(name, parts, networks, ContentFeatures.load(parts.content.weights(), device), device)

    @cached_property
    def text(self) -> TextFeatures | None:
        """None where no BERT is installed; then Chinese is not read."""
        return TextFeatures.load(self.parts.text.weights(), self.device) if self.parts.text else None

    @cached_property
    def speaker(self) -> SpeakerVerification:
        weights = read_weights(self.parts.speaker_verification.weights())
        return SpeakerVerification.of_official(weights.tensors).to(self.device)

    @torch.inference_mode()
    def prepare(self, recordings: Sequence[Recording], weights: Voice | None = None) -> Voice:
        """All that follows from the references is computed here, once, and saved in the voice: the style with the speaker
        vectors projected into it, and the prompt's tokens, phonemes and text features.

        Not the prompt's keys and values: its phonemes look at those of the text to be spoken as well (``reading_order`` in
        ``models.gpt_sovits.incremental``), so from the second layer on they differ with every text. Measured at the
        published size with random weights and two texts of 40 phonemes behind the same prompt: by 4 % in the second layer
        and 14 % in the last, and the prompt's tokens look at those phonemes.
        """
        networks = self.networks_of(weights) if weights else self.networks
        # 1. A few good seconds to go on from, and others for the sound alone.
        references = best_references(recordings)
        main, text = self._with_text(references)
        # 2. How they sound: one vector.
        tensors = {"style": self._style(references, networks)}
        # 3. What is said in them, as the voice goes on from it. Without the text there is nothing to go on from.
        if text:
            utterances = self.read(text, spoken_in(main.language))
            low = self.wave(main, CONTENT_RATE)
            tensors["prompt_tokens"] = networks.sovits.extract_latent(self.content.of_reference(low))[0, 0]
            tensors["prompt_phonemes"] = torch.cat([self.ids(utterance) for utterance in utterances])
            tensors["prompt_text"] = torch.cat([self.features(u, networks) for u in utterances], dim=1).half()
        facts = {
            "base": self._identity(weights),
            "reference_text": text,
            "reference_seconds": round(main.seconds, 2),
            "references": len(references),
        }
        return Voice(self.name, {name: tensor.cpu() for name, tensor in tensors.items()}, facts)

    def _with_text(self, references: Sequence[Recording]) -> tuple[Recording, str | None]:
        """The reference to go on from and what is said in it: the first, or the first that can be understood."""
        if references[0].text:
            return references[0], references[0].text
        for reference in references[:MOST_TRANSCRIBED]:
            mel = self.mel(self.wave(reference, LISTENING_RATE))
            if text := heard_text(reference, mel, self.ear):
                return reference, text
        return references[0], None

    def _style(self, references: Sequence[Recording], networks: Networks) -> Tensor:
        """``[1, style_channels, 1]``, the mean of all."""
        spectra = [
            magnitude_spectrum(_limited(self.wave(reference, SAMPLE_RATE)).unsqueeze(0))
            for reference in references
        ]
        speakers = None
        if networks.sovits.config.speaker_channels:
            speakers = [
                self.speaker(kaldi_filterbank(self.wave(reference, CONTENT_RATE).unsqueeze(0)))
                for reference in references
            ]
        return networks.sovits.style_of(spectra, speakers)

    def synthesize(self, text: str, voice: Voice, controls: Mapping[str, float], seed: int) -> Take:
        return next(self.synthesize_batch([text], voice, controls, [seed]))

    @torch.inference_mode()
    def synthesize_batch(
        self, texts: Sequence[str], voice: Voice, controls: Mapping[str, float], seeds: Sequence[int]
    ) -> Iterator[Take]:
        """Every piece draws for itself, so a sentence says the same alone and in company; its samples differ by what
        rounding makes of matrices of another height."""
        asked = self._asked(voice, controls)
        # 1. Texts to phonemes, in pieces that are spoken in one go.
        sentences = [
            [_Piece(utterance, seed, part) for part, utterance in enumerate(self.read(text, asked))]
            for text, seed in zip(texts, seeds, strict=True)
        ]
        # 2. All of them to tokens at once: a step streams the weights through the machine however many it serves.
        tokens = iter(self._tokens([piece for pieces in sentences for piece in pieces], voice, asked))
        # 3. One sentence after the other to sound.
        for text, pieces in zip(texts, sentences, strict=True):
            yield self._spoken(text, [(piece, next(tokens)) for piece in pieces], voice, asked)

    @torch.inference_mode()
    def stream(
        self, text: str, voice: Voice, controls: Mapping[str, float], seed: int
    ) -> Generator[np.ndarray, None, Take]:
        asked = self._asked(voice, controls)
        pieces = [_Piece(utterance, seed, part) for part, utterance in enumerate(self.read(text, asked))]
        pace, levelling = Pace.of(self._prompt(voice, asked)), Leveller(SAMPLE_RATE)
        waves: list[Tensor] = []
        score = 1.0
        # 1. A few tokens at a time, and each few to sound.
        for number, piece in enumerate(pieces):
            speech = self._chunked(piece, voice, asked)
            for chunk in speech:
                waves.append(levelling(chunk))
                yield _array(waves[-1])
            score = min(score, pace.score(piece.utterance.ids, len(speech.tokens)))
            if number + 1 < len(pieces):
                waves.append(waves[-1].new_zeros(int(piece.pause_seconds * SAMPLE_RATE)))
                yield _array(waves[-1])
        # 2. What arrived, and when.
        wave = torch.cat(waves)
        words, heard = self._heard(text, wave)
        return Take(_array(wave), SAMPLE_RATE, words, min(score, heard))

    def fine_tune(
        self,
        recordings: Sequence[Recording],
        quality: str,
        monitor: Monitor,
        weights: Voice | None = None,
        method: str = LORA,
    ) -> TrainedVoice:
        from pipelines.training.gpt_sovits.fine_tune import fine_tune

        return fine_tune(self, recordings, quality, monitor, weights, method)

    def networks_of(self, voice: Voice) -> Networks:
        """The base's, or the voice's own; those of the last voice that brought its own stay in memory."""
        if not any(name.startswith(tuple(f"{kind}." for kind in KINDS)) for name in voice.tensors):
            return self.networks
        identity = f"{self._identity(voice)} {voice.facts.get('fingerprint', '')}"
        if self._other is None or self._other[0] != identity:
            # Before the next, as two would not fit; but what was captured of it serves the next as well.
            before = self._other[1] if self._other and self.device != "cpu" else None
            self._other = None
            bases = {} if is_imported(voice) else self.parts.voice_weights
            own = [
                weights_of(voice, kind, read_weights(bases[kind].weights()) if kind in bases else None)
                for kind in KINDS
            ]
            self._other = identity, build(*own).to(self.device, instead_of=before)
        return self._other[1]

    def _asked(self, voice: Voice, controls: Mapping[str, float]) -> dict[str, float]:
        """Every control.

        Raises:
            CraftError: ``voice_of_another_base``.
        """
        if voice.facts["base"] != self._identity(voice):
            raise CraftError("voice_of_another_base", base=str(voice.facts["base"]))
        return DEFAULTS | dict(controls)

    def read(self, text: str, asked: Mapping[str, float] = DEFAULTS) -> list[Utterance]:
        """The pieces that a text is spoken in.

        Raises:
            CraftError: as ``synthesize``.
        """
        utterances = self.front_end.read(text, _mode(text, asked["cantonese"] >= 0.5))
        if self.parts.text is None and any(span.language == "zh" for u in utterances for span in u.spans):
            raise CraftError("language_unsupported", text=text[:80], language="zh")
        return utterances

    def _prompt(self, voice: Voice, asked: Mapping[str, float]) -> dict[str, Tensor]:
        """What the voice goes on from; empty where its reference's text is unknown, or nobody wants it."""
        if "prompt_tokens" not in voice.tensors or asked["reference_free"] >= 0.5:
            return {}
        return {name: voice.tensors[name].to(self.device) for name in PROMPT}

    def _tokens(self, pieces: Sequence[_Piece], voice: Voice, asked: Mapping[str, float]) -> list[Tensor]:
        """Semantic tokens ``[N]`` of each piece."""
        inputs, limits = self._inputs(pieces, voice, asked)
        said = self.networks_of(voice).text2semantic.generate(
            *inputs, generator=[self._draws(piece, "tokens") for piece in pieces]
        )
        # In company a piece may go on until the longest is stopped; alone it would have been stopped before.
        return [tokens[:limit] for tokens, limit in zip(said, limits, strict=True)]

    def _chunked(self, piece: _Piece, voice: Voice, asked: Mapping[str, float]) -> ChunkedSpeech:
        networks = self.networks_of(voice)
        inputs, _ = self._inputs([piece], voice, asked)
        steps = networks.text2semantic.steps(*inputs, generator=[self._draws(piece, "tokens")])
        return ChunkedSpeech(
            networks.sovits,
            (tokens for _, tokens in steps),
            self.ids(piece.utterance).unsqueeze(0),
            voice.tensors["style"].float().to(self.device),
            asked["noise_scale"],
            1.0 / asked["length_scale"],
            self._draws(piece, "sound"),
        )

    def _inputs(
        self, pieces: Sequence[_Piece], voice: Voice, asked: Mapping[str, float]
    ) -> tuple[tuple[list[Tensor], list[Tensor], Tensor | None, Sampling], list[int]]:
        """What ``Text2Semantic.generate`` is told, and after how many tokens each piece is stopped."""
        networks, prompt = self.networks_of(voice), self._prompt(voice, asked)
        phonemes = [self.ids(piece.utterance) for piece in pieces]
        features = [self.features(piece.utterance, networks) for piece in pieces]
        limits = [longest(ids) for ids in phonemes]
        if prompt:
            before = prompt["prompt_text"].to(features[0])
            phonemes = [torch.cat([prompt["prompt_phonemes"], ids]) for ids in phonemes]
            features = [torch.cat([before, own], dim=1) for own in features]
        sampling = Sampling(
            top_k=int(asked["top_k"]),
            top_p=asked["top_p"],
            temperature=asked["temperature"],
            repetition_penalty=asked["repetition_penalty"],
            longest=max(limits),
        )
        return (phonemes, features, prompt.get("prompt_tokens"), sampling), limits

    def _spoken(
        self,
        text: str,
        pieces: Sequence[tuple[_Piece, Tensor]],
        voice: Voice,
        asked: Mapping[str, float],
    ) -> Take:
        """The take of one sentence from the tokens of its pieces."""
        sovits, style = self.networks_of(voice).sovits, voice.tensors["style"].float().to(self.device)
        pace = Pace.of(self._prompt(voice, asked))
        waves: list[Tensor] = []
        score = 1.0
        for piece, tokens in pieces:
            wave = sovits.speak(
                tokens[None, None],
                self.ids(piece.utterance).unsqueeze(0),
                style,
                noise_scale=asked["noise_scale"],
                speed=1.0 / asked["length_scale"],
                generator=self._draws(piece, "sound"),
            )[0, 0]
            waves += [wave, wave.new_zeros(int(piece.pause_seconds * SAMPLE_RATE))]
            score = min(score, pace.score(piece.utterance.ids, len(tokens)))
        wave = levelled(torch.cat(waves[:-1]), SAMPLE_RATE)
        words, heard = self._heard(text, wave)
        return Take(_array(wave), SAMPLE_RATE, words, min(score, heard))

    def _draws(self, piece: _Piece, purpose: str) -> torch.Generator:
        """Of one piece and for one purpose, so that no draw depends on what else is spoken, or on how much is known yet."""
        seed = hashlib.sha256(f"{piece.seed} {piece.part} {purpose}".encode()).digest()[:4]
        return torch.Generator(self.device).manual_seed(int.from_bytes(seed, "big"))

    def ids(self, utterance: Utterance) -> Tensor:
        """``[P]``."""
        return torch.tensor(utterance.ids, device=self.device)

    def features(self, utterance: Utterance, networks: Networks) -> Tensor:
        """``[bert_channels, P]``: BERT's for Mandarin, zeros for every other language."""
        parts = []
        for span in utterance.spans:
            if span.language == "zh" and self.text is not None:
                parts.append(self.text(span.text, span.word2ph))
            else:
                channels = networks.text2semantic.config.bert_channels
                parts.append(torch.zeros(channels, len(span.phonemes), device=self.device))
        return torch.cat(parts, dim=1)

    def _heard(self, text: str, wave: Tensor) -> tuple[tuple[SpokenWord, ...], float]:
        """When each word is said, and the share of the phonemes that the listener found. It hears English; of other
        languages words are spread evenly, and the score is 1."""
        seconds = len(wave) / SAMPLE_RATE
        text = INLINE_PAUSE.sub(" ", text)
        written = unmarked(text)
        if detect_language(written) != "en":
            return evenly(written, seconds), 1.0
        asked = to_utterance(text)
        mel = self.mel(torchaudio.functional.resample(wave, SAMPLE_RATE, LISTENING_RATE))
        score, timed = self.ear.score(mel, asked.phonemes), self.ear.align(mel, asked.phonemes)
        if timed is None:
            return evenly(written, seconds), score
        place = {source: index for index, source in enumerate(timed.source) if source >= 0}
        words = tuple(
            SpokenWord(
                word.text,
                timed.starts[place[word.first]] / FRAMES_PER_SECOND,
                timed.starts[place[word.last - 1] + 1] / FRAMES_PER_SECOND,
            )
            for word in asked.words
        )
        return words, score

    def wave(self, recording: Recording, rate: int) -> Tensor:
        """``[T]`` at ``rate`` Hz, on the engine's device."""
        wave = torch.from_numpy(np.ascontiguousarray(recording.wave)).to(self.device)
        return torchaudio.functional.resample(wave, recording.sample_rate, rate)

    def mel(self, wave: Tensor) -> Tensor:
        """``[T, MEL_BANDS]`` of a wave at ``LISTENING_RATE``, for the listener."""
        return self.mel_of(levelled(wave, LISTENING_RATE).unsqueeze(0))[0]

    def _identity(self, voice: Voice | None) -> str:
        """Which weights the voice's tensors belong to."""
        if voice is not None and "weights" in voice.facts:
            return _digest({**voice.facts["weights"], CONTENT: self._hash(CONTENT)})
        return self.base

    def _hash(self, kind: str) -> str:
        """Of the base's file of that kind."""
        base: Base = getattr(self.parts, kind)
        return facts_of(base.weights())["sha256"]


def spoken_in(language: str | None) -> Mapping[str, float]:
    """The controls that a text is read with which somebody says in that language."""
    return DEFAULTS | {"cantonese": float(language == "yue")}


def _mode(text: str, cantonese: bool) -> str:
    """How the front end is to read the whole of a text, one of its ``MODES``: pieces of it may lack the letters that
    tell Japanese from Chinese."""
    language = detect_language(text)
    if language in ("ja", "ko"):
        return language
    return "auto_yue" if cantonese else "auto"


def evenly(text: str, seconds: float) -> tuple[SpokenWord, ...]:
    """Every word for as long as its share of the letters; a Chinese character counts as a word of three."""
    words = _WORD.findall(text)
    lengths = np.array([3 if "\u3400" <= word[0] <= "\u9fff" else len(word) for word in words], dtype=float)
    ends = np.cumsum(lengths) / max(1.0, lengths.sum()) * seconds
    edges = [0.0, *ends.tolist()]
    return tuple(SpokenWord(w, a, b) for w, a, b in zip(words, edges[:-1], edges[1:], strict=True))


def _limited(wave: Tensor) -> Tensor:
    """Peaks above full scale brought down, by a factor of two at most, as the reference does."""
    peak = wave.abs().max()
    return wave / peak.clamp(min=1.0, max=2.0)


def _array(wave: Tensor) -> np.ndarray:
    return wave.float().cpu().numpy()


def _digest(facts: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]
