"""One button: a minute of someone's speech to a voice that sounds like them."""

from __future__ import annotations

import copy
import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from peft import LoraConfig, inject_adapter_in_model
from torch import Tensor

from models.starter.acoustic import Acoustic
from models.starter.mel import FRAMES_PER_SECOND
from pipelines.audio.recording import Recording
from pipelines.failure import CraftError
from pipelines.speech.engine import Monitor, TrainedVoice
from pipelines.speech.starter import PART_SECONDS, StarterEngine
from pipelines.speech.voice import Voice
from pipelines.text.english import to_utterance
from pipelines.text.language import detect_language
from pipelines.training.base.acoustic import acoustic_losses
from pipelines.training.base.speech_set import SpeechSet, lay_out
from pipelines.training.dataset import examples_of, hold_out


@dataclass(frozen=True)
class Plan:
    steps: int
    lora_rank: int
    learning_rate: float = 4e-4
    speaker_factor: float = 10.0
    batch: int = 8
    crop: int = 192  # frames, 2.2 s
    check_every: int = 20
    patience: int = 6  # checks without a better held-out loss


PLANS = {
    "quick": Plan(steps=80, lora_rank=8),
    "good": Plan(steps=240, lora_rank=16),
    "best": Plan(steps=700, lora_rank=16, learning_rate=3e-4),
}
LORA_SCALE = 2.0
TARGETS = r"(flow|prior_blocks)\b.*\.(expand|contract)|flow\.(stem|out)|prior_(stem|out)"
"""Layers that LoRA adapts. Text encoder and durations stay: on a minute of speech they memorise its sentences."""
LEAST_SECONDS = 10.0
"""More than one slice, so that there is something to train on and something to hold out."""
CHECK_SENTENCES = (
    "The birch canoe slid on the smooth planks.",
    "Did you really walk home in the rain last night?",
    "Four hours of steady work faced us, and nobody complained.",
)


def fine_tune(
    engine: StarterEngine, recordings: Sequence[Recording], quality: str, monitor: Monitor
) -> TrainedVoice:
    plan, began = PLANS[quality], time.monotonic()
    # 1. Cut the recordings, and write down their phonemes.
    monitor.stage("slice", 0.0)
    parts = [part for recording in recordings for part in recording.parts(PART_SECONDS)]
    examples = []
    for number, part in enumerate(parts):
        monitor.stage("transcribe", 0.01 + 0.05 * number / len(parts))
        with monitor.turn():
            known = part.text if part.text and detect_language(part.text) == "en" else None
            examples += examples_of(engine.mel(part), to_utterance(known) if known else None, engine.ear)
    examples = hold_out(examples)
    seconds = sum(len(example.mel) for example in examples) / FRAMES_PER_SECOND
    if seconds < LEAST_SECONDS:
        raise CraftError("training_too_little_speech", seconds=seconds, minimum=LEAST_SECONDS)
    # 2. Lay them out, and start from the zero-shot voice.
    monitor.stage("features", 0.07)
    speech = lay_out(examples, engine.device)
    with monitor.turn():
        instant = engine.prepare(recordings)
    # 3. Adapt.
    voice, steps, best_step, curve = _Adaptation(engine, speech, instant, plan, monitor).run()
    # 4. Listen to both.
    monitor.stage("check", 0.95)
    held_out = [example.mel.float().to(engine.device) for example in examples if not example.trained]
    with monitor.turn():
        before, _ = assess(engine, instant, held_out)
    with monitor.turn():
        after, intelligibility = assess(engine, voice, held_out)
    monitor.stage("check", 1.0)
    card = {
        "training_seconds": seconds,
        "held_out_seconds": sum(len(mel) for mel in held_out) / FRAMES_PER_SECOND,
        "steps": steps,
        "best_step": best_step,
        "seconds": time.monotonic() - began,
        "similarity": after,
        "similarity_before": before,
        "intelligibility": intelligibility,
        "curve": curve,
    }
    return TrainedVoice(voice, card)


@torch.inference_mode()
def assess(engine: StarterEngine, voice: Voice, held_out: Sequence[Tensor]) -> tuple[float, float]:
    """Speaker cosine of ``CHECK_SENTENCES`` in ``voice`` to real ``held_out`` mels, and their mean listener score."""
    real = torch.cat([engine.acoustic.speaker_of(mel.unsqueeze(0)) for mel in held_out]).mean(0)
    takes = [engine.synthesize(text, voice, {}, seed) for seed, text in enumerate(CHECK_SENTENCES)]
    spoken = torch.cat(
        [
            engine.acoustic.speaker_of(engine.mel(Recording(take.wave, take.sample_rate)).unsqueeze(0))
            for take in takes
        ]
    ).mean(0)
    cosine = float(torch.nn.functional.cosine_similarity(real, spoken, dim=0))
    return cosine, sum(take.score for take in takes) / len(takes)


class _Adaptation:
    """LoRA and a free speaker vector, trained until the held-out clips stop improving; resumes from its checkpoint."""

    def __init__(
        self, engine: StarterEngine, speech: SpeechSet, instant: Voice, plan: Plan, monitor: Monitor
    ) -> None:
        self.engine, self.speech, self.plan, self.monitor = engine, speech, plan, monitor
        self.file = monitor.work_dir / "fine_tune.pt"
        torch.manual_seed(0)
        network = copy.deepcopy(engine.acoustic).requires_grad_(False)
        config = LoraConfig(
            r=plan.lora_rank,
            lora_alpha=int(LORA_SCALE * plan.lora_rank),
            target_modules=TARGETS,
            lora_dropout=0.0,
        )
        self.network: Acoustic = inject_adapter_in_model(config, network)
        self.lora = {name: p for name, p in self.network.named_parameters() if "lora_" in name}
        self.speaker = instant.tensors["speaker"].float().to(engine.device).clone().requires_grad_()
        self.optimiser = torch.optim.AdamW(
            [
                {"params": list(self.lora.values()), "lr": plan.learning_rate},
                {
                    "params": [self.speaker],
                    "lr": plan.learning_rate * plan.speaker_factor,
                    "weight_decay": 0.0,
                },
            ],
            betas=(0.9, 0.98),
        )
        self.rates = [group["lr"] for group in self.optimiser.param_groups]
        self.generator = torch.Generator(speech.device).manual_seed(0)
        self.step, self.curve = 0, []
        self.best = (float("inf"), 0, self._values())

    def run(self) -> tuple[Voice, int, int, list[tuple[int, float, float | None]]]:
        """The best voice, steps taken, the step it is from, and the curve."""
        plan = self.plan
        if self.file.exists():
            self._load()
        else:
            with self.monitor.turn():
                self._check(0.0)
        recent: list[float] = []
        while self.step < plan.steps and (self.step - self.best[1]) < plan.patience * plan.check_every:
            with self.monitor.turn():
                recent.append(self._step())
            self.monitor.stage("train", 0.08 + 0.87 * self.step / plan.steps)
            if self.step % plan.check_every == 0:
                with self.monitor.turn():
                    self._check(sum(recent) / len(recent))
                recent.clear()
                self._save()
            elif self.step % 5 == 0:
                self.monitor.loss(self.step, sum(recent[-5:]) / len(recent[-5:]), None)
        values = self.best[2]
        tensors = {"speaker": values.pop("speaker")}
        for name, value in values.items():
            layer, side = name.split(".lora_")
            tensors[f"{layer}.lora_{side[0]}"] = value
        voice = self.engine.voice(tensors, {"lora_scale": LORA_SCALE, "lora_rank": plan.lora_rank})
        return voice, self.step, self.best[1], self.curve

    def _losses(self, clips: Tensor, generator: torch.Generator) -> Tensor:
        speaker = self.speaker + self.network.bandwidth(self.speech.full_band[clips])
        losses = acoustic_losses(self.network, self.speech, clips, speaker, generator, self.plan.crop)
        return losses["flow"] + losses["prior"]

    def _step(self) -> float:
        # The text encoder and the duration head keep their dropout off: they are not being trained.
        self.network.eval()
        rise, used = min(1.0, (self.step + 1) / 10), self.step / self.plan.steps
        for group, rate in zip(self.optimiser.param_groups, self.rates, strict=True):
            group["lr"] = rate * rise * (1.0 - 0.9 * used)
        loss = self._losses(self.speech.draw(self.plan.batch, self.generator), self.generator)
        if not torch.isfinite(loss):
            raise CraftError("training_diverged", step=self.step)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_([*self.lora.values(), self.speaker], 1.0)
        self.optimiser.step()
        self.step += 1
        return float(loss.detach())

    @torch.no_grad()
    def _check(self, train_loss: float) -> None:
        """Loss on the held-out clips, always at the same windows, times and noise."""
        generator = torch.Generator(self.speech.device).manual_seed(1)
        clips = self.speech.draw(24, generator, trained=False)
        held_out = float(self._losses(clips, generator))
        if not math.isfinite(held_out):
            raise CraftError("training_diverged", step=self.step)
        if not train_loss:
            train_loss = held_out
        self.curve.append((self.step, train_loss, held_out))
        self.monitor.loss(self.step, train_loss, held_out)
        if held_out < self.best[0]:
            self.best = (held_out, self.step, self._values())

    def _values(self) -> dict[str, Tensor]:
        return {name: p.detach().clone() for name, p in (*self.lora.items(), ("speaker", self.speaker))}

    def _save(self) -> None:
        state = {
            "values": self._values(),
            "optimiser": self.optimiser.state_dict(),
            "generator": self.generator.get_state(),
            "step": self.step,
            "curve": self.curve,
            "best": list(self.best),
        }
        temporary = self.file.with_suffix(".tmp")
        with temporary.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, self.file)

    def _load(self) -> None:
        state = torch.load(self.file, map_location=self.engine.device, weights_only=True)
        with torch.no_grad():
            for name, value in state["values"].items():
                (self.speaker if name == "speaker" else self.lora[name]).copy_(value)
        self.optimiser.load_state_dict(state["optimiser"])
        self.generator.set_state(state["generator"].cpu())
        self.step, self.curve, self.best = state["step"], state["curve"], tuple(state["best"])
