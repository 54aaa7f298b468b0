"""The starter engine: the shipped base behind the engine protocol."""

from __future__ import annotations

import copy
import hashlib
import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import torchaudio
from torch import Tensor

from models.checkpoints import load_network
from models.starter.acoustic import Acoustic, AcousticConfig
from models.starter.mel import HOP, SAMPLE_RATE, MelSpectrogram
from models.starter.vocoder import Vocoder, VocoderConfig
from pipelines.audio.levelling import levelled
from pipelines.audio.recording import Recording
from pipelines.failure import CraftError
from pipelines.speech.catalogue import ENGINES
from pipelines.speech.engine import Monitor, SpeechEngine, SpokenWord, Take, TrainedVoice
from pipelines.speech.listening import Ear
from pipelines.speech.voice import Voice
from pipelines.text import english, mandarin
from pipelines.text.language import detect_language, spoken_languages
from pipelines.text.symbols import LANGUAGES, SYMBOL_ID, is_pause
from pipelines.text.utterance import Utterance

DEFAULTS = {control.name: control.default for control in ENGINES["starter"].controls}
ASSETS = Path(__file__).resolve().parents[2] / "assets" / "starter"
REFERENCE_SECONDS = 3.0
PART_SECONDS = 60.0
"""Longer recordings are looked at in parts, so that memory and the time between two turns stay bounded."""
_REFERENCE_PARTS = 4
_KEPT_VOICES = 4


class StarterEngine(SpeechEngine):
    def __init__(self, acoustic: Acoustic, vocoder: Vocoder, ear: Ear, base: str, device: str) -> None:
        """``base`` identifies the weights; a voice trained on other weights is refused."""
        self.acoustic, self.vocoder, self.ear = acoustic.to(device), vocoder.to(device), ear
        self.mel_of = MelSpectrogram().to(device)
        self.base, self.device = base, device
        self._adapted: OrderedDict[str, Acoustic] = OrderedDict()

    @classmethod
    def load(cls, device: str, folder: Path = ASSETS) -> StarterEngine:
        acoustic_file = folder / "acoustic.safetensors"
        acoustic, _ = load_network(Acoustic, AcousticConfig, acoustic_file)
        vocoder, _ = load_network(Vocoder, VocoderConfig, folder / "vocoder.safetensors")
        base = hashlib.sha256(acoustic_file.read_bytes()).hexdigest()[:16]
        return cls(acoustic, vocoder, Ear.load(device), base, device)

    @torch.no_grad()
    def prepare(self, recordings: Sequence[Recording], weights: Voice | None = None) -> Voice:
        parts = [part for recording in recordings for part in recording.parts(PART_SECONDS)]
        vectors = [
            self.acoustic.speaker_of(window.unsqueeze(0))
            for part in parts[:: max(1, math.ceil(len(parts) / _REFERENCE_PARTS))]  # spread over all of them
            for window in reference_windows(self.mel(part))
        ]
        if not vectors:
            raise CraftError("training_too_little_speech", seconds=0.0, minimum=REFERENCE_SECONDS)
        return self.voice({"speaker": torch.cat(vectors).mean(dim=0)}, {})

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
        asked = DEFAULTS | dict(controls)
        acoustic = self.acoustic_of(voice)
        generator = torch.Generator().manual_seed(seed)
        speaker = voice.tensors["speaker"].float().to(self.device).unsqueeze(0)
        mel, frames = acoustic.speak(
            *self._inputs(utterance),
            speaker + acoustic.bandwidth.weight[1],
            length_scale=asked["length_scale"],
            noise_scale=asked["noise_scale"],
            num_inference_steps=int(asked["num_inference_steps"]),
            guidance_scale=asked["guidance_scale"],
            generator=generator,
            silent=torch.tensor([[is_pause(symbol) for symbol in utterance.phonemes]], device=self.device),
        )
        # 3. Mel to waveform.
        wave = levelled(self.vocoder(mel, generator=generator)[0][0], SAMPLE_RATE)
        # 4. What arrived, and when.
        score = self.ear.score(self.mel_of(wave.unsqueeze(0))[0], utterance.phonemes)
        ends = [0, *(frames[0].cumsum(0) * HOP / SAMPLE_RATE).tolist()]
        words = tuple(SpokenWord(w.text, ends[w.first], ends[w.last]) for w in utterance.words)
        return Take(wave.cpu().numpy(), SAMPLE_RATE, words, score)

    def fine_tune(self, recordings: Sequence[Recording], quality: str, monitor: Monitor) -> TrainedVoice:
        from pipelines.training.fine_tune import fine_tune

        return fine_tune(self, recordings, quality, monitor)

    def acoustic_of(self, voice: Voice) -> Acoustic:
        """The acoustic network with the voice's adapter merged in; the base itself is never touched."""
        if voice.facts["base"] != self.base:
            raise CraftError("voice_of_another_base", base=str(voice.facts["base"]))
        deltas = {name for name in voice.tensors if name.endswith(".lora_A")}
        if not deltas:
            return self.acoustic
        key = str(voice.facts["fingerprint"])
        if key not in self._adapted:
            network = copy.deepcopy(self.acoustic)
            for name in deltas:
                layer = network.get_submodule(name.removesuffix(".lora_A"))
                a = voice.tensors[name].float()
                b = voice.tensors[name.removesuffix("A") + "B"].float()
                layer.weight.data += (float(voice.facts["lora_scale"]) * (b @ a)).to(layer.weight)
            self._adapted[key] = network.eval()
            while len(self._adapted) > _KEPT_VOICES:
                self._adapted.popitem(last=False)
        self._adapted.move_to_end(key)
        return self._adapted[key]

    def _inputs(self, utterance: Utterance) -> tuple[Tensor, Tensor, Tensor]:
        symbols = torch.tensor([[SYMBOL_ID[symbol] for symbol in utterance.phonemes]], device=self.device)
        tones = torch.tensor([list(utterance.tones)], device=self.device)
        language = torch.tensor([languages_of(utterance)], device=self.device)
        return symbols, tones, language


def speakable(text: str) -> Utterance:
    """The utterance of one sentence in a language whose phonemes the shipped base knows. It says Mandarin syllables
    without their tones, so the studio offers English alone (assets/starter/MODEL_CARD.md).

    Raises:
        CraftError: ``language_unsupported`` or ``text_unspeakable``.
    """
    language = detect_language(text)
    if language == "none":
        raise CraftError("text_unspeakable", text=text[:80])
    if not spoken_languages(language) <= set(LANGUAGES):
        raise CraftError("language_unsupported", text=text[:80], language=language)
    return english.to_utterance(text) if language == "en" else mandarin.to_utterance(text)


def languages_of(utterance: Utterance) -> list[int]:
    """The language of every phoneme: an English word in a Chinese sentence stays English."""
    own = LANGUAGES.index(utterance.language)
    return [
        own if is_pause(symbol) else LANGUAGES.index("zh" if symbol.startswith("zh/") else "en")
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
