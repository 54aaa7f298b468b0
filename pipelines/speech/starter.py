"""The starter engine: the shipped base behind the engine protocol."""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torchaudio
from torch import Tensor

from models.checkpoints import load_network
from models.starter.acoustic import Acoustic, AcousticConfig, Sentence, starts_of
from models.starter.mel import HOP, SAMPLE_RATE, MelSpectrogram
from models.starter.vocoder import Vocoder, VocoderConfig
from pipelines.audio.levelling import levelled
from pipelines.audio.recording import Recording
from pipelines.failure import CraftError
from pipelines.speech.adapters import Adapter
from pipelines.speech.catalogue import ENGINES
from pipelines.speech.engine import Monitor, SpeechEngine, SpokenWord, Take, TrainedVoice
from pipelines.speech.known_readers import KnownReaders
from pipelines.speech.listening import Ear
from pipelines.speech.planning import Planner, as_trained, of_pairs
from pipelines.speech.question_rise import rises, with_rises
from pipelines.speech.register import Register
from pipelines.speech.tone_contours import with_tones
from pipelines.speech.voice import Voice
from pipelines.text import english, mandarin
from pipelines.text.language import detect_language, spoken_languages
from pipelines.text.symbols import LANGUAGES, SYMBOL_ID, is_mandarin, is_pause
from pipelines.text.utterance import Utterance

DEFAULTS = {control.name: control.default for control in ENGINES["starter"].controls}
ASSETS = Path(__file__).resolve().parents[2] / "assets" / "starter"
READERS = ASSETS / "readers.safetensors"
TOWARDS_READERS = 0.3
"""How far an instant voice is moved from what was heard towards the readers near to it (assets/starter/MODEL_CARD.md)."""
REFERENCE_SECONDS = 3.0
PART_SECONDS = 60.0
"""Longer recordings are looked at in parts, so that memory and the time between two turns stay bounded."""
REGISTER_SENTENCE = (
    "When the sunlight strikes raindrops in the air, they act like a prism and form a rainbow."
)
"""Spoken unheard, once a voice: how high and how lively it is."""
EDGE_FRAMES = 4
"""So many silent frames, 46 ms at any pace, a sentence with Mandarin has at least before and behind it. What the base learnt it
from begins and ends without any, and a last vowel with no frame to fade in is cut off at its loudest."""
PLANNED_AS, SHIFT = "instant", "shift"
"""In a trained voice: the speaker vector that its plans start from, and what training changes in them on average. The oldest
ones have neither."""
_REFERENCE_PARTS = 4
_KEPT_NETWORKS = 5
"""Two trained voices in both languages, and the Mandarin of all others."""


class StarterEngine(SpeechEngine):
    def __init__(
        self,
        acoustic: Acoustic,
        mandarin: Adapter,
        vocoder: Vocoder,
        readers: KnownReaders,
        ear: Ear,
        base: str,
        device: str,
    ) -> None:
        """``mandarin`` is what the acoustic network needs beside its weights to plan Mandarin. ``base`` identifies those
        weights; a voice trained on others is refused."""
        self.mandarin, self.readers = mandarin, readers
        self.acoustic, self.vocoder, self.ear = acoustic.to(device), vocoder.to(device), ear
        self.mel_of = MelSpectrogram().to(device)
        self.base, self.device = base, device
        self._adapted: OrderedDict[tuple[str, bool], Acoustic] = OrderedDict()
        self._registers: dict[str, Register] = {}

    @classmethod
    def load(cls, device: str, folder: Path = ASSETS) -> StarterEngine:
        acoustic_file = folder / "acoustic.safetensors"
        acoustic, _ = load_network(Acoustic, AcousticConfig, acoustic_file)
        vocoder, _ = load_network(Vocoder, VocoderConfig, folder / "vocoder.safetensors")
        base = hashlib.sha256(acoustic_file.read_bytes()).hexdigest()[:16]
        mandarin = Adapter.load(folder / "mandarin.safetensors")
        readers = KnownReaders.load(folder / "readers.safetensors", device)
        return cls(acoustic, mandarin, vocoder, readers, Ear.load(device), base, device)

    def prepare(self, recordings: Sequence[Recording], weights: Voice | None = None) -> Voice:
        return self.instant(self.speaker_of(recordings))

    def instant(self, heard: Tensor) -> Voice:
        """The untrained voice of whom ``speaker_of`` heard, ``[speaker_channels]``."""
        near = self.readers.near(heard)
        return self.voice({"speaker": torch.lerp(heard.to(near), near, TOWARDS_READERS)}, {})

    @torch.no_grad()
    def speaker_of(self, recordings: Sequence[Recording]) -> Tensor:
        """``[speaker_channels]``, the mean over windows of the recordings.

        Raises:
            CraftError: ``training_too_little_speech``.
        """
        parts = [part for recording in recordings for part in recording.parts(PART_SECONDS)]
        vectors = [
            self.acoustic.speaker_of(window.unsqueeze(0))
            for part in parts[:: max(1, math.ceil(len(parts) / _REFERENCE_PARTS))]  # spread over all of them
            for window in reference_windows(self.mel(part))
        ]
        if not vectors:
            raise CraftError("training_too_little_speech", seconds=0.0, minimum=REFERENCE_SECONDS)
        return torch.cat(vectors).mean(dim=0)

    def voice(self, tensors: Mapping[str, Tensor], facts: Mapping[str, object]) -> Voice:
        """A voice of this base; its fingerprint names exactly these tensors."""
        kept = {name: tensor.detach().to("cpu", torch.float16) for name, tensor in tensors.items()}
        digest = hashlib.sha256(self.base.encode())
        for name in sorted(kept):
            digest.update(name.encode() + kept[name].numpy().tobytes())
        return Voice("starter", kept, {**facts, "base": self.base, "fingerprint": digest.hexdigest()[:32]})

    @torch.inference_mode()
    def mel(self, recording: Recording) -> Tensor:
        """``[T, MEL_BANDS]`` of a recording, levelled so that a quiet microphone sounds like a near one."""
        wave = torch.from_numpy(np.ascontiguousarray(recording.wave)).to(self.device)
        wave = torchaudio.functional.resample(wave, recording.sample_rate, SAMPLE_RATE)
        return self.mel_of(levelled(wave, SAMPLE_RATE).unsqueeze(0))[0]

    @torch.inference_mode()
    def synthesize(self, text: str, voice: Voice, controls: Mapping[str, float], seed: int) -> Take:
        # 1. Text to phonemes.
        utterance = speakable(text)
        # 2. Phonemes to mel, in this voice.
        generator = torch.Generator().manual_seed(seed)
        mel, frames = self._mel_of(utterance, voice, controls, generator)
        # 3. Mel to waveform, at a pitch that knows tones and questions.
        f0, repitched = self._sung(utterance, voice, mel, frames)
        wave = levelled(self.vocoder(mel, f0, generator, repitched)[0][0], SAMPLE_RATE)
        # 4. What arrived, and when.
        score = self.ear.score(self.mel_of(wave.unsqueeze(0))[0], utterance.phonemes)
        ends = [0, *(frames[0].cumsum(0) * HOP / SAMPLE_RATE).tolist()]
        words = tuple(SpokenWord(w.text, ends[w.first], ends[w.last]) for w in utterance.words)
        return Take(wave.cpu().numpy(), SAMPLE_RATE, words, score)

    def fine_tune(self, recordings: Sequence[Recording], quality: str, monitor: Monitor) -> TrainedVoice:
        from pipelines.training.fine_tune import fine_tune

        return fine_tune(self, recordings, quality, monitor)

    def acoustic_of(self, voice: Voice, mandarin: bool = False) -> Acoustic:
        """The acoustic network with the voice's adapter and, for ``mandarin``, that of the language merged in; the base
        itself is never touched."""
        if voice.facts["base"] != self.base:
            raise CraftError("voice_of_another_base", base=str(voice.facts["base"]))
        own = {name: tensor for name, tensor in voice.tensors.items() if "lora_" in name}
        key = (str(voice.facts["fingerprint"]) if own else "", mandarin)
        if key == ("", False):
            return self.acoustic
        if key not in self._adapted:
            network = self.acoustic
            if own:
                network = Adapter(own, float(voice.facts["lora_scale"])).merged_into(network)
            self._adapted[key] = self.mandarin.merged_into(network) if mandarin else network
            while len(self._adapted) > _KEPT_NETWORKS:
                self._adapted.popitem(last=False)
        self._adapted.move_to_end(key)
        return self._adapted[key]

    @torch.inference_mode()
    def register_of(self, voice: Voice) -> Register:
        """Where the voice lies when it speaks English."""
        key = str(voice.facts["fingerprint"])
        if key not in self._registers:
            mel, _ = self._mel_of(speakable(REGISTER_SENTENCE), voice, {}, torch.Generator().manual_seed(0))
            self._registers[key] = Register.of(self.vocoder.f0_of(mel)[0].cpu().numpy())
        return self._registers[key]

    def _sung(
        self, utterance: Utterance, voice: Voice, mel: Tensor, frames: Tensor
    ) -> tuple[Tensor, Tensor] | tuple[None, None]:
        """F0 ``[1, T]`` in Hz for ``mel`` ``[1, T, MEL_BANDS]``, with the tones of the utterance and the rise of its
        questions, and where that is another than the mel's own; nothing where the utterance has neither."""
        if not has_mandarin(utterance) and not any(rises(utterance)):
            return None, None
        heard = self.vocoder.f0_of(mel)
        f0, counts = heard[0].cpu().numpy(), frames[0].tolist()
        moved = np.zeros(len(f0), bool)
        if has_mandarin(utterance):
            f0 = with_tones(utterance.phonemes, utterance.tones, counts, self.register_of(voice), f0)
            moved = np.repeat([is_mandarin(symbol) for symbol in utterance.phonemes], counts) & (f0 > 0)
        f0, risen = with_rises(utterance, counts, f0)
        repitched = torch.from_numpy(moved | risen).to(self.device)
        return torch.from_numpy(f0).to(heard).unsqueeze(0), repitched.unsqueeze(0)

    def _mel_of(
        self,
        utterance: Utterance,
        voice: Voice,
        controls: Mapping[str, float],
        generator: torch.Generator,
    ) -> tuple[Tensor, Tensor]:
        """mel ``[1, T, MEL_BANDS]`` and the frames of every phoneme ``[1, P]``."""
        asked = DEFAULTS | dict(controls)
        sentence = self.sentence(utterance)
        planner = self.planner(voice, has_mandarin(utterance))
        own = planner.read(sentence)
        trained = SHIFT in voice.tensors
        plain = self.planner(self.plain(voice), has_mandarin(utterance)).read(sentence) if trained else own
        # 1. How long it lasts.
        lasting = plain.lasting()
        if has_mandarin(utterance):
            lasting[:, [0, -1]] = lasting[:, [0, -1]].clamp(min=EDGE_FRAMES / asked["length_scale"])
        starts = starts_of(lasting, asked["length_scale"])
        # 2. What it sounds like, as far as that is certain.
        plan = own.plan(starts)
        if trained:
            shift = voice.tensors[SHIFT].float().to(self.device)
            plan = as_trained(plain.plan(starts), plan, shift[of_pairs(sentence.symbols, starts)])
        # 3. The mel.
        mel = planner.english.realise(
            plan,
            planner.speaker,
            noise_scale=asked["noise_scale"],
            num_inference_steps=int(asked["num_inference_steps"]),
            guidance_scale=asked["guidance_scale"],
            generator=generator,
        )
        return mel, starts.diff(dim=1)

    def planner(self, voice: Voice, mandarin: bool) -> Planner:
        """The voice with all that it learnt; ``mandarin`` says whether it has to plan any."""
        speaker = voice.tensors["speaker"].float().to(self.device).unsqueeze(0)
        english = self.acoustic_of(voice)
        return Planner(
            english,
            self.acoustic_of(voice, mandarin=True) if mandarin else english,
            speaker + self.acoustic.bandwidth.weight[1],
        )

    def plain(self, voice: Voice) -> Voice:
        """The untrained voice whose plans a trained one starts from."""
        return replace(voice, tensors={"speaker": voice.tensors[PLANNED_AS]})

    def sentence(self, utterance: Utterance) -> Sentence:
        return Sentence(
            *(
                torch.tensor([row], device=self.device)
                for row in (
                    [SYMBOL_ID[symbol] for symbol in utterance.phonemes],
                    list(utterance.tones),
                    languages_of(utterance),
                    [is_pause(symbol) for symbol in utterance.phonemes],
                )
            )
        )


def speakable(text: str) -> Utterance:
    """The utterance of one sentence in a language that the shipped base speaks.

    Raises:
        CraftError: ``language_unsupported`` or ``text_unspeakable``.
    """
    language = detect_language(text)
    if language == "none":
        raise CraftError("text_unspeakable", text=text[:80])
    if not spoken_languages(language) <= set(LANGUAGES):
        raise CraftError("language_unsupported", text=text[:80], language=language)
    return english.to_utterance(text) if language == "en" else mandarin.to_utterance(text)


def has_mandarin(utterance: Utterance) -> bool:
    """Whether there is any Mandarin in it."""
    return any(is_mandarin(symbol) for symbol in utterance.phonemes)


def languages_of(utterance: Utterance) -> list[int]:
    """The language of every phoneme: an English word in a Chinese sentence stays English."""
    own = LANGUAGES.index(utterance.language)
    return [
        own if is_pause(symbol) else LANGUAGES.index("zh" if is_mandarin(symbol) else "en")
        for symbol in utterance.phonemes
    ]


def reference_windows(mel: Tensor) -> list[Tensor]:
    """``mel`` ``[T, MEL_BANDS]`` cut into windows of ``REFERENCE_SECONDS`` that hold speech."""
    length = int(REFERENCE_SECONDS * SAMPLE_RATE / HOP)
    if len(mel) < length:
        return [mel] if len(mel) > length // 4 else []
    loudness = mel.mean(dim=1)
    windows = [mel[i : i + length] for i in range(0, len(mel) - length + 1, length // 2)]
    return [window for window in windows if window.mean() > loudness.median() - 0.5] or [
        max(windows, key=lambda window: float(window.mean()))
    ]
