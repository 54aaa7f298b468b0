"""Recipe of the acoustic network: durations, prior and flow learnt together from timed phonemes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.checkpoints import save_network, started
from models.starter.acoustic import STACK, Acoustic, AcousticConfig
from models.starter.mel import MEL_BANDS
from pipelines.text.symbols import LANGUAGES, SYMBOLS, TONE_COUNT
from pipelines.training.base.loop import Budget, Training
from pipelines.training.base.speech_set import SpeechSet
from pipelines.training.together import rank

CROP = 344  # frames, 4 s
RATE = 1.0e-3
REFERENCE_CROP = 216  # frames, 2.5 s
BLIND_SHARE = 0.1
"""How often the flow sees neither text nor speaker, so that it can be guided (Ho & Salimans 2022)."""


def acoustic_config() -> AcousticConfig:
    return AcousticConfig(symbols=len(SYMBOLS), tones=TONE_COUNT, languages=len(LANGUAGES))


@dataclass(frozen=True)
class Planned:
    """One window of each clip: ``mel`` and ``prior`` ``[B, S, 160]``, ``hidden`` ``[B, S, H]``, ``mask`` ``[B, S, 1]``."""

    mel: Tensor
    prior: Tensor
    hidden: Tensor
    mask: Tensor


def planning_losses(
    network: Acoustic,
    speech: SpeechSet,
    clips: Tensor,
    speaker: Tensor,
    generator: torch.Generator,
    crop: int,
) -> tuple[dict[str, Tensor], Planned]:
    """Duration and prior losses on one window of each clip, and what the flow needs of it.

    Args:
        clips: ``[B]`` clip numbers; speaker: ``[B, speaker_channels]``, bandwidth included.
    """
    device = speech.device
    count = int(speech.phonemes[clips].max()) if device.type == "cpu" else speech.symbols.shape[1]
    symbols, tones = speech.symbols[clips, :count], speech.tones[clips, :count]
    starts = speech.starts[clips, : count + 1]
    present = (torch.arange(count, device=device) < speech.phonemes[clips][:, None]).float()
    language = speech.language[clips].unsqueeze(1)
    text = network.text(symbols, tones, language, present.unsqueeze(-1), speaker)

    frames = starts.diff(dim=1)
    told = network.duration(text.detach(), present.unsqueeze(-1), speaker.detach()).float()
    duration = ((told - torch.log1p(frames.float())).square() * present).sum() / present.sum()

    frame, inside = speech.crop(clips, crop, generator, multiple=STACK)
    mel = speech.at(speech.mel, clips, frame).reshape(len(clips), crop // STACK, STACK * MEL_BANDS)
    mask = inside[:, ::STACK].unsqueeze(-1).float()
    known = network.frames_of(text, starts, torch.minimum(frame, speech.frames[clips][:, None] - 1))
    prior, hidden = network.prior_of(known, speaker, mask)
    prior_loss = ((prior.float() - mel).abs() * mask).sum() / mask.sum() / mel.shape[-1]
    return {"duration": duration, "prior": prior_loss}, Planned(mel, prior, hidden, mask)


def acoustic_losses(
    network: Acoustic,
    speech: SpeechSet,
    clips: Tensor,
    speaker: Tensor,
    generator: torch.Generator,
    crop: int,
) -> dict[str, Tensor]:
    """Duration, prior and flow losses on one window of each clip; arguments as for ``planning_losses``."""
    losses, planned = planning_losses(network, speech, clips, speaker, generator, crop)
    device, mel, mask = speech.device, planned.mel, planned.mask
    blind = torch.rand(len(clips), 1, device=device, generator=generator) < BLIND_SHARE
    seen = (~blind).float()
    noise = torch.randn(mel.shape, device=device, generator=generator)
    time = torch.rand(len(clips), device=device, generator=generator)
    x = (1 - time)[:, None, None] * noise + time[:, None, None] * mel
    told = network.flow(
        x,
        time,
        planned.prior.detach() * seen.unsqueeze(-1),
        planned.hidden * seen.unsqueeze(-1),
        speaker * seen,
        mask,
    )
    flow = ((told.float() - (mel - noise)).square() * mask).sum() / mask.sum() / mel.shape[-1]
    return {**losses, "flow": flow}


def train_acoustic(
    speech: SpeechSet,
    folder: Path,
    budget: Budget,
    *,
    batch: int,
    seed: int = 1,
    init: Path | None = None,
    rate: float = RATE,
    crop: int | None = None,
    bf16: bool = False,
    keep: Sequence[str] = (),
) -> None:
    """Weights whose names begin with one of ``keep`` stay as they are in ``init``: with ``reference`` people's vectors
    remain what they were. ``bf16`` pays on processors with AVX512-BF16, and is always so on CUDA."""
    device = speech.device
    torch.manual_seed(seed)
    generator = torch.Generator(device).manual_seed(seed + rank())
    network = started(Acoustic(acoustic_config()), init).to(device)
    speakers = nn.Linear(network.config.speaker_channels, int(speech.speaker.max()) + 1).to(device)
    for name, weight in network.named_parameters():
        weight.requires_grad_(not name.startswith(tuple(keep)))
    optimiser = torch.optim.AdamW(
        [*(p for p in network.parameters() if p.requires_grad), *speakers.parameters()],
        rate,
        (0.9, 0.98),
        weight_decay=0.02,
        fused=device.type == "cuda",
    )
    training = Training(
        folder,
        budget,
        {"acoustic": network, "speakers": speakers},
        {"acoustic": optimiser},
        averaged=("acoustic",),
    )
    training.resume()
    fast = device.type == "cuda"

    def losses_of(net: Acoustic, trained: bool, count: int) -> dict[str, Tensor]:
        clips = speech.draw(count, generator, trained)
        pick = torch.randint(speech.same_speaker.shape[1], (count,), device=device, generator=generator)
        other = speech.same_speaker[clips, pick]
        frame, inside = speech.crop(other, REFERENCE_CROP, generator)
        reference = speech.at(speech.mel, other, frame)
        with torch.autocast(device.type, torch.bfloat16, enabled=fast or bf16):
            heard = net.speaker_of(reference, inside.unsqueeze(-1).float())
            speaker = heard + net.bandwidth(speech.full_band[clips])
            losses = acoustic_losses(net, speech, clips, speaker, generator, crop or CROP)
            losses["speaker"] = F.cross_entropy(speakers(heard).float(), speech.speaker[clips])
        return losses

    def step(_: float) -> dict[str, Tensor]:
        network.train()
        losses = losses_of(network, True, batch)
        total = losses["flow"] + losses["prior"] + 0.3 * losses["duration"] + 0.05 * losses["speaker"]
        training.descend("acoustic", total, 1.0)
        return losses

    def held_out() -> dict[str, Tensor]:
        return losses_of(training.averages["acoustic"], False, 128 if fast else 16)

    def ship() -> None:
        save_network(
            training.averages["acoustic"], folder / "acoustic.safetensors", {"steps": training.step}, bits=8
        )

    training.run(step, held_out=held_out, ship=ship)
