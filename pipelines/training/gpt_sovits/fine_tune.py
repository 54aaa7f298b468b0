"""One button: a minute of someone's speech to a GPT-SoVITS voice that is theirs."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial

from torch import Tensor

from models.gpt_sovits.discriminators import Discriminators
from models.gpt_sovits.text2semantic import Text2Semantic
from models.starter.mel import SAMPLE_RATE as LISTENING_RATE
from pipelines.audio.recording import Recording
from pipelines.failure import CraftError
from pipelines.speech.engine import Monitor, TrainedVoice
from pipelines.speech.gpt_sovits.engine import GptSovitsEngine
from pipelines.speech.gpt_sovits.official_files import ENGINE_NAMES, SOVITS, TEXT2SEMANTIC
from pipelines.speech.gpt_sovits.weights import KINDS, OfficialWeights, is_imported, read_weights, weights_of
from pipelines.speech.starter import StarterEngine
from pipelines.speech.voice import Voice
from pipelines.text.language import detect_language
from pipelines.training.adaptation import Adaptation, Learner, Outcome, Part, Schedule
from pipelines.training.assessment import assess
from pipelines.training.fine_tune import CHECK_SENTENCES, LEAST_SECONDS
from pipelines.training.gpt_sovits import sovits, text2semantic
from pipelines.training.gpt_sovits.clips import require_speech, with_texts
from pipelines.training.gpt_sovits.examples import Example, examples_of, hold_out
from pipelines.training.gpt_sovits.networks import LORA_SCALE, Room, sovits_of
from pipelines.training.gpt_sovits.plans import LORA, PLANS, Plan, StagePlan
from pipelines.training.gpt_sovits.sovits import SovitsLearner
from pipelines.training.gpt_sovits.text2semantic import Text2SemanticLearner

TRAINING_BEGINS, TRAINING_ENDS = 0.12, 0.9
TEXT2SEMANTIC_SHARE = 0.3
"""Of the time that both networks take: a step of the other, with its critics, is twice or thrice as long."""
NAMES = {TEXT2SEMANTIC: text2semantic.NAME, SOVITS: sovits.NAME}


def fine_tune(
    engine: GptSovitsEngine,
    recordings: Sequence[Recording],
    quality: str,
    monitor: Monitor,
    weights: Voice | None = None,
    method: str = LORA,
    room: Room | None = None,
) -> TrainedVoice:
    """
    Args:
        weights: of an imported voice; it is trained further instead of the base.
        method: one of ``plans.PLANS``.
        room: how to live with the memory there is; chosen by the device where it is not given.

    Raises:
        CraftError: as ``SpeechEngine.fine_tune``.
    """
    plan, began = PLANS[method][quality], time.monotonic()
    if not engine.parts.sovits.file.posterior:
        raise CraftError("engine_untrainable", engine=engine.name)
    brought = weights or Voice(engine.name, {}, {})
    # 1. Cut the recordings, and find out what is said in each clip.
    monitor.stage("slice", 0.0)
    clips = with_texts(recordings, partial(_listened, engine), engine.ear, monitor)
    require_speech(clips, LEAST_SECONDS)
    # 2. What the networks learn from, and the voice as it is without training.
    examples = hold_out(examples_of(clips, engine, brought, monitor))
    with monitor.turn():
        instant = brought.joined(engine.prepare(recordings, weights))
    # 3. Train the network that says what, then the one that says how.
    training = _Training(engine, brought, examples, plan, room or Room.of(engine.device), monitor)
    outcomes = training.run()
    trained = training.voice(outcomes)
    with monitor.turn():
        voice = trained.joined(engine.prepare(recordings, brought.joined(trained)))
    # 4. Listen to both.
    monitor.stage("check", TRAINING_ENDS)
    both = sorted(zip(examples, clips, strict=True), key=lambda pair: pair[0].trained)  # held-out ones first
    texts = [str(clip.text) for example, clip in both if example.told]
    language = Counter(map(detect_language, texts)).most_common(1)[0][0] if texts else "en"
    sentences = CHECK_SENTENCES if language == "en" else texts[: len(CHECK_SENTENCES)]
    with monitor.turn():
        judge = StarterEngine.load(engine.device)
        held_out = [judge.mel(clip) for example, clip in both if not example.trained]
    before, _ = assess(judge, engine, instant, held_out, sentences, monitor)
    after, clear = assess(judge, engine, brought.joined(voice), held_out, sentences, monitor)
    monitor.stage("check", 1.0)
    card = {
        "method": method,
        "language": language,
        "training_seconds": sum(example.seconds for example in examples),
        "text_seconds": sum(example.seconds for example in examples if example.told),
        "held_out_seconds": sum(example.seconds for example in examples if not example.trained),
        "adversarial": training.critics is not None,
        "steps": sum(outcome.steps for outcome in outcomes.values()),
        "stages": [
            {"name": NAMES[kind], "steps": o.steps, "best_step": o.best_step, "curve": list(o.curve)}
            for kind, o in outcomes.items()
        ],
        "seconds": time.monotonic() - began,
        "similarity": after,
        "similarity_before": before,
        "intelligibility": clear if language == "en" else None,
    }
    return TrainedVoice(voice, card)


def _listened(engine: GptSovitsEngine, recording: Recording) -> Tensor:
    """``[T, MEL_BANDS]`` for the listener."""
    return engine.mel(engine.wave(recording, LISTENING_RATE))


class _Training:
    """Both networks, one after the other, and the voice that comes out of it."""

    def __init__(
        self,
        engine: GptSovitsEngine,
        brought: Voice,
        examples: Sequence[Example],
        plan: Plan,
        room: Room,
        monitor: Monitor,
    ) -> None:
        self.engine, self.brought, self.examples, self.plan = engine, brought, examples, plan
        self.room, self.monitor = room, monitor
        self.critics = engine.parts.discriminator

    def run(self) -> dict[str, Outcome]:
        """By kind; without that of the text where fewer than two clips have one."""
        span, outcomes = TRAINING_ENDS - TRAINING_BEGINS, {}
        share = 0.0
        if sum(example.told for example in self.examples) >= 2:
            share = TEXT2SEMANTIC_SHARE
            with self.monitor.turn():
                learner = self._text2semantic()
            part = Part(self.monitor, TRAINING_BEGINS, span * share)
            outcomes[TEXT2SEMANTIC] = self._adapted(TEXT2SEMANTIC, learner, self.plan.text2semantic, part)
            del learner
        steps = sum(outcome.steps for outcome in outcomes.values())
        with self.monitor.turn():
            learner = self._sovits()
        part = Part(self.monitor, TRAINING_BEGINS + span * share, span * (1 - share), steps)
        outcomes[SOVITS] = self._adapted(SOVITS, learner, self.plan.sovits, part)
        return outcomes

    def voice(self, outcomes: Mapping[str, Outcome]) -> Voice:
        """An adapter; or, of a full training, a voice with weights of its own, as one that was imported."""
        if self.plan.lora_rank:
            tensors = {
                f"{kind}.{name}": value.flatten(1)
                for kind, outcome in outcomes.items()
                for name, value in outcome.values.items()
            }
            facts = {"lora_scale": LORA_SCALE, "lora_rank": self.plan.lora_rank}
            return Voice(self.engine.name, tensors, {**facts, "fingerprint": _digest(tensors)})
        tensors, files, hashes = {}, {}, {}
        for kind in KINDS:
            weights = self._weights(kind)
            values = outcomes[kind].values if kind in outcomes else {}
            own = {name: values.get(name, tensor) for name, tensor in weights.tensors.items()}
            own = {f"{kind}.{name}": t for name, t in own.items() if not name.startswith("enc_q.")}
            tensors |= own
            files[kind] = {name: weights.facts.get(name, "") for name in ("config", "info")}
            hashes[kind] = _digest(own)
        version = next(version for version, name in ENGINE_NAMES.items() if name == self.engine.name)
        return Voice(self.engine.name, tensors, {"version": version, "weights": hashes, "files": files})

    def _adapted(self, kind: str, learner: Learner, plan: StagePlan, part: Part) -> Outcome:
        schedule = Schedule(plan.steps, plan.check_every, plan.patience, self.room.accumulation)
        file = self.monitor.work_dir / f"{kind}.pt"
        return Adaptation(learner, schedule, file, part, relative=True).run()

    def _text2semantic(self) -> Text2SemanticLearner:
        weights = self._weights(TEXT2SEMANTIC)
        network = Text2Semantic.of_official(weights.facts["config"], weights.tensors)
        told = [example for example in self.examples if example.told]
        return Text2SemanticLearner(network, told, self.plan, self.engine.device, self.room)

    def _sovits(self) -> SovitsLearner:
        network = sovits_of(self._weights(SOVITS), read_weights(self.engine.parts.sovits.weights()))
        critics = None
        if self.critics:
            critics = Discriminators.of_official(read_weights(self.critics.weights()).tensors)
        return SovitsLearner(network, critics, self.examples, self.plan, self.engine.device, self.room)

    def _weights(self, kind: str) -> OfficialWeights:
        """That training begins with."""
        base = None
        if not is_imported(self.brought):
            base = read_weights(self.engine.parts.voice_weights[kind].weights())
        return weights_of(self.brought, kind, base)


def _digest(tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode() + tensors[name].contiguous().numpy().tobytes())
    return digest.hexdigest()[:32]
