"""One button: a minute of someone's speech to a voice that sounds like them."""

from __future__ import annotations

import copy
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from peft import LoraConfig, inject_adapter_in_model
from torch import Tensor

from models.starter.acoustic import Acoustic
from models.starter.mel import FRAMES_PER_SECOND
from pipelines.audio.recording import Recording
from pipelines.failure import CraftError
from pipelines.speech.adapters import adapter_tensors
from pipelines.speech.engine import Monitor, TrainedVoice
from pipelines.speech.planning import learnt_shift
from pipelines.speech.starter import PART_SECONDS, PLANNED_AS, SHIFT, StarterEngine, speakable
from pipelines.speech.voice import Voice
from pipelines.text.language import detect_language, spoken_languages
from pipelines.text.symbols import LANGUAGES
from pipelines.text.utterance import Utterance
from pipelines.training.adaptation import Adaptation, Learner, Part, Schedule, linear_decay
from pipelines.training.assessment import assess
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
KEPT = 0.8
"""How much of what was learnt a voice keeps, in its weights and in its speaker vector; the rest stays the base's (after
Wortsman et al. 2022, https://arxiv.org/abs/2109.01903). With all of it the voice takes on the haze of its recordings:
three speakers lost 0.43 of their words after Good training, and 0.30 to 0.33 with 0.8, for 0.013 less speaker cosine."""
TARGETS = r"(flow|prior_blocks)\b.*\.(expand|contract)|flow\.(stem|out)|prior_(stem|out)"
"""Layers that LoRA adapts. Text encoder and durations stay: on a minute of speech they memorise its sentences."""
HELD_OUT_CLIPS = 24
LEAST_SECONDS = 10.0
"""More than one slice, so that there is something to train on and something to hold out."""
SHIFT_SENTENCES = (
    "Just then a huge grey wolf came out of the forest and sniffed at the door.",
    "Both of the boys should choose the chair they usually enjoy.",
    "My mother thought that the weather would change before the journey to Paris.",
    "How loudly the young singer laughed, and how quickly the children ran!",
    "Look, there is a small fox beneath the oak beside the pool.",
    "We gave thanks for the vision, the measure and the pleasure of good food.",
    "Yes, the king has put his silver watch back into its purple box.",
    "She shows nothing here again: the toys, the coat and the shoes go home by night.",
    "奶奶在厨房里包饺子，爷爷坐在门口抽烟喝茶。",
    "春天来了，花园里的花都开了，有红的，黄的，还有紫的。",
    "我们班去年夏天坐火车去北京旅行，看见了雄伟的长城。",
    "穷人借钱，总会愁什么时候能还。",
    "四个小孩子蹲在树下，安静地听老师讲故事。",
    "请您把窗户关上，外面刮大风，可能要下雪。",
    "女儿穿着绿色的裙子，在舞台上跳了一支欢快的舞。",
    "他佩服那位飞行员，从云层上面平安地降落。",
    "森林里怎么会有这么多恩爱的松鼠和熊？用耳朵仔细听吧。",
    "哦，他挖开土，抓了一把沙子，说：略微湿润，却不够软。",
)
"""Planned, never heard: every phoneme of both languages is in them."""
CHECK_SENTENCES = (
    "The birch canoe slid on the smooth planks.",
    "Did you really walk home in the rain last night?",
    "Four hours of steady work faced us, and nobody complained.",
)
MANDARIN_CHECK_SENTENCES = (
    "小船慢慢地离开了港口。",
    "你昨天晚上真的是走路回家的吗？",
    "四个小时的工作之后，大家都很累，但是很高兴。",
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
            examples += examples_of(engine.mel(part), read_in(part), engine.ear)
    examples = hold_out(examples)
    seconds = sum(len(example.mel) for example in examples) / FRAMES_PER_SECOND
    if seconds < LEAST_SECONDS:
        raise CraftError("training_too_little_speech", seconds=seconds, minimum=LEAST_SECONDS)
    mandarin = Counter(example.language for example in examples).most_common(1)[0][0] == "zh"
    # 2. Lay them out, and start from what was heard.
    monitor.stage("features", 0.07)
    speech = lay_out(examples, engine.device)
    with monitor.turn():
        heard = engine.voice({"speaker": engine.speaker_of(recordings)}, {})
    # 3. Adapt.
    schedule = Schedule(plan.steps, plan.check_every, plan.patience, decay=linear_decay)
    learner = AcousticLearner(engine, speech, heard, plan, mandarin)
    outcome = Adaptation(
        learner, schedule, monitor.work_dir / "fine_tune.pt", Part(monitor, 0.08, 0.87)
    ).run()
    tensors = {"speaker": torch.lerp(heard.tensors["speaker"], outcome.values["speaker"], KEPT)}
    tensors |= adapter_tensors({name: v for name, v in outcome.values.items() if name != "speaker"})
    facts = {"lora_scale": KEPT * LORA_SCALE, "lora_rank": plan.lora_rank}
    # 4. Settle what of it to keep, and listen to both.
    monitor.stage("check", 0.95)
    plain = engine.voice({"speaker": engine.readers.near(heard.tensors["speaker"])}, {})
    with monitor.turn():
        shift = learnt_shift(
            engine.planner(plain, mandarin=True),
            engine.planner(engine.voice(tensors, facts), mandarin=True),
            [engine.sentence(speakable(text)) for text in SHIFT_SENTENCES],
        )
    tensors |= {PLANNED_AS: plain.tensors["speaker"], SHIFT: shift}
    voice = engine.voice(tensors, facts)
    held_out = [example.mel.float().to(engine.device) for example in examples if not example.trained]
    sentences = MANDARIN_CHECK_SENTENCES if mandarin else CHECK_SENTENCES
    before, _ = assess(engine, engine, engine.instant(heard.tensors["speaker"]), held_out, sentences, monitor)
    after, intelligibility = assess(engine, engine, voice, held_out, sentences, monitor)
    monitor.stage("check", 1.0)
    card = {
        "training_seconds": seconds,
        "held_out_seconds": sum(len(mel) for mel in held_out) / FRAMES_PER_SECOND,
        "steps": outcome.steps,
        "best_step": outcome.best_step,
        "seconds": time.monotonic() - began,
        "similarity": after,
        "similarity_before": before,
        "intelligibility": intelligibility,
        "curve": list(outcome.curve),
    }
    return TrainedVoice(voice, card)


def read_in(recording: Recording) -> Utterance | None:
    """What is said in it, where that was written down in a language that the base speaks."""
    language = detect_language(recording.text or "")
    known = language != "none" and spoken_languages(language) <= set(LANGUAGES)
    return speakable(recording.text) if known else None


class AcousticLearner(Learner):
    """LoRA and a free speaker vector in the starter's acoustic network."""

    def __init__(
        self, engine: StarterEngine, speech: SpeechSet, heard: Voice, plan: Plan, mandarin: bool = False
    ) -> None:
        self.speech, self.plan = speech, plan
        torch.manual_seed(0)
        config = LoraConfig(
            r=plan.lora_rank,
            lora_alpha=int(LORA_SCALE * plan.lora_rank),
            target_modules=TARGETS,
            lora_dropout=0.0,
        )
        network = copy.deepcopy(engine.acoustic_of(heard, mandarin)).requires_grad_(False)
        # The text encoder and the duration head keep their dropout off: they are not being trained.
        self.network: Acoustic = inject_adapter_in_model(config, network).eval()
        self.lora = {name: p for name, p in self.network.named_parameters() if "lora_" in name}
        self.speaker = heard.tensors["speaker"].float().to(engine.device).clone().requires_grad_()
        rate = plan.learning_rate
        groups = [
            {"params": list(self.lora.values()), "lr": rate},
            {"params": [self.speaker], "lr": rate * plan.speaker_factor, "weight_decay": 0.0},
        ]
        super().__init__(
            "Starter",
            engine.device,
            {**self.lora, "speaker": self.speaker},
            {"lora": torch.optim.AdamW(groups, betas=(0.9, 0.98))},
        )

    def loss(self, generator: torch.Generator, trained: bool = True) -> Tensor:
        count = self.plan.batch if trained else HELD_OUT_CLIPS
        clips = self.speech.draw(count, generator, trained=trained)
        speaker = self.speaker + self.network.bandwidth(self.speech.full_band[clips])
        losses = acoustic_losses(self.network, self.speech, clips, speaker, generator, self.plan.crop)
        return losses["flow"] + losses["prior"]
