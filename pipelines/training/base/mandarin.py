"""Recipe of the Mandarin adapter: what the acoustic network needs to plan Mandarin in any voice, beside its weights.

Text, durations and prior learn, for any voice; the flow stays, for it copes with Mandarin already. All of it is an addition (LoRA, Hu et al.
2021, https://arxiv.org/abs/2106.09685, and the embeddings): the base, its English and the voices trained on it remain
what they were.
"""

from __future__ import annotations

from pathlib import Path

import torch
from peft import LoraConfig, inject_adapter_in_model
from torch import Tensor

from models.checkpoints import started
from models.starter.acoustic import Acoustic
from pipelines.speech.adapters import Adapter, adapter_tensors
from pipelines.text.symbols import LANGUAGES
from pipelines.training.base.acoustic import CROP, REFERENCE_CROP, acoustic_config, planning_losses
from pipelines.training.base.loop import Budget, Training
from pipelines.training.base.speech_set import SpeechSet
from pipelines.training.together import rank

RATE = 2.0e-3
LORA_RANK, LORA_SCALE = 16, 2.0
TARGETS = (
    r"text\.(attention|convolution)\..*(qkv|out|condition|expand|contract)"
    r"|duration\.(blocks\..*(condition|expand|contract)|out)"
    r"|prior_(stem|out)|prior_blocks\..*(condition|expand|contract)"
)
WHOLE = ("text.symbol.weight", "text.tone.weight", "text.language.weight")


def train_mandarin(
    speech: SpeechSet,
    folder: Path,
    budget: Budget,
    *,
    batch: int,
    seed: int = 1,
    init: Path | None = None,
    rate: float = RATE,
    crop: int = CROP,
) -> None:
    """``init`` is the acoustic network that it is for."""
    device = speech.device
    torch.manual_seed(seed)
    generator = torch.Generator(device).manual_seed(seed + rank())
    network = started(Acoustic(acoustic_config()), init).to(device).requires_grad_(False)
    vectors = speaker_vectors(network, speech, generator)
    config = LoraConfig(r=LORA_RANK, lora_alpha=int(LORA_SCALE * LORA_RANK), target_modules=TARGETS)
    network = inject_adapter_in_model(config, network)
    learnt = {name: p for name, p in network.named_parameters() if "lora_" in name or name in WHOLE}
    for weight in learnt.values():
        weight.requires_grad_(True)
    optimiser = torch.optim.AdamW(learnt.values(), rate, (0.9, 0.98), weight_decay=0.01)
    training = Training(
        folder, budget, {"mandarin": network}, {"mandarin": optimiser}, averaged=("mandarin",)
    )
    training.resume()
    mandarin = (speech.language == LANGUAGES.index("zh")).float()
    speech.weight = speech.weight * mandarin

    def losses_of(net: Acoustic, trained: bool, count: int) -> dict[str, Tensor]:
        clips = speech.draw(count, generator, trained)
        pick = torch.randint(speech.same_speaker.shape[1], (count,), device=device, generator=generator)
        speaker = vectors[speech.same_speaker[clips, pick]] + net.bandwidth(speech.full_band[clips])
        return planning_losses(net, speech, clips, speaker, generator, crop)[0]

    def step(_: float) -> dict[str, Tensor]:
        network.train()
        losses = losses_of(network, True, batch)
        training.descend("mandarin", losses["prior"] + 0.3 * losses["duration"], 1.0)
        return losses

    def held_out() -> dict[str, Tensor]:
        return losses_of(training.averages["mandarin"], False, 32)

    def ship() -> None:
        values = dict(training.averages["mandarin"].named_parameters())
        tensors = adapter_tensors({name: values[name] for name in learnt})
        adapter = Adapter(tensors, LORA_SCALE)
        adapter.save(folder / "mandarin.safetensors", {"steps": training.step})

    training.run(step, held_out=held_out, ship=ship)


@torch.no_grad()
def speaker_vectors(network: Acoustic, speech: SpeechSet, generator: torch.Generator) -> Tensor:
    """``[C, speaker_channels]``, one window of every clip."""
    vectors = []
    for clips in torch.arange(len(speech.frames), device=speech.device).split(64):
        frame, inside = speech.crop(clips, REFERENCE_CROP, generator)
        vectors.append(network.speaker_of(speech.at(speech.mel, clips, frame), inside.unsqueeze(-1).float()))
    return torch.cat(vectors)
