"""Recipe of the listener: framewise and CTC phonemes from speech that was made noisy, distant and dull on the way."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from models.checkpoints import save_network, started
from models.listener.network import Listener, ListenerConfig
from models.starter.mel import HOP, MelSpectrogram
from pipelines.speech.listening import CLASS_COUNT, CLASS_OF_SYMBOL
from pipelines.training.base.loop import Budget, Training
from pipelines.training.base.speech_set import SpeechSet
from pipelines.training.together import rank

CROP = 344  # frames, 4 s
RATE = 1.5e-3
_SMOOTHING = 0.05


def degrade(wave: Tensor, generator: torch.Generator) -> Tensor:
    """Rooms, microphones and noise as people have them: ``[B, T]`` -> ``[B, T]``."""
    batch, length = wave.shape
    device = wave.device

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(*shape, device=device, generator=generator)

    # Reverberation: an exponentially decaying noise tail behind the direct sound, for half of the clips.
    size = 4096
    decay = torch.exp(-torch.arange(size, device=device) / uniform(200, 2500, batch, 1))
    tail = torch.randn(batch, size, device=device, generator=generator) * decay
    tail = tail / tail.square().sum(1, keepdim=True).sqrt() * uniform(0.0, 0.7, batch, 1)
    tail = tail * (torch.rand(batch, 1, device=device, generator=generator) < 0.5)
    tail[:, 0] = 1.0
    # A microphone: gentle tilt of the spectrum.
    padded = length + size
    spectrum = torch.fft.rfft(wave, padded) * torch.fft.rfft(tail, padded)
    octave = torch.log2(torch.linspace(1 / 64, 1.0, spectrum.shape[1], device=device))
    tilt = 10 ** (uniform(-4, 4, batch, 1) * (octave + 3) / 20)
    wave = torch.fft.irfft(spectrum * tilt, padded)[:, :length]
    # Noise between white and brown, 5 to 50 dB below the speech.
    noise = torch.fft.rfft(torch.randn(batch, length, device=device, generator=generator))
    slope = uniform(0, 1, batch, 1)
    noise = noise * torch.linspace(1 / 64, 1.0, noise.shape[1], device=device) ** -slope
    noise = torch.fft.irfft(noise, length)
    ratio = 10 ** (-uniform(5, 50, batch, 1) / 20)
    scale = wave.square().mean(1, keepdim=True).sqrt() / noise.square().mean(1, keepdim=True).sqrt().clamp(
        min=1e-8
    )
    return (wave + noise * ratio * scale) * uniform(0.3, 1.2, batch, 1)


def train_listener(
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
) -> None:
    device = speech.device
    torch.manual_seed(seed)
    generator = torch.Generator(device).manual_seed(seed + rank())
    network = started(Listener(ListenerConfig(classes=CLASS_COUNT)), init).to(device)
    optimiser = torch.optim.AdamW(network.parameters(), rate, (0.9, 0.98), weight_decay=0.02)
    training = Training(
        folder, budget, {"listener": network}, {"listener": optimiser}, averaged=("listener",)
    )
    training.resume()
    mel_of = MelSpectrogram().to(device)
    class_of = torch.tensor(CLASS_OF_SYMBOL, device=device)
    fast = device.type == "cuda"

    def batch_of(trained: bool, count: int) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        clips = speech.draw(count, generator, trained)
        frame, inside = speech.crop(clips, crop or CROP, generator)
        wave = speech.samples(clips, frame[:, 0], frame.shape[1] * HOP)
        mel = mel_of(degrade(wave, generator) if trained else wave)
        starts, classes = speech.starts[clips], class_of[speech.symbols[clips]]
        index = (frame.unsqueeze(-1) >= starts[:, None, 1:]).sum(-1).clamp(max=classes.shape[1] - 1)
        target = classes.gather(1, index)
        middle = (starts[:, :-1] + starts[:, 1:]) / 2
        heard = (middle >= frame[:, :1]) & (middle <= frame[:, -1:]) & (classes > 0)
        heard &= torch.arange(classes.shape[1], device=device) < speech.phonemes[clips][:, None]
        order = torch.argsort(~heard, dim=1, stable=True)
        said = classes.gather(1, order)
        return mel, inside, target, said, heard.sum(1)

    def losses_of(net: Listener, trained: bool, count: int) -> dict[str, Tensor]:
        mel, inside, target, said, said_count = batch_of(trained, count)
        with torch.autocast(device.type, torch.bfloat16, enabled=fast or bf16):
            framewise, ctc = net(mel, inside.unsqueeze(-1).float())
        frame_loss = F.nll_loss(framewise.transpose(1, 2), target, reduction="none")
        frame_loss = (1 - _SMOOTHING) * frame_loss - _SMOOTHING * framewise.mean(-1)
        right = (framewise.argmax(-1) == target) & inside
        return {
            "frame": (frame_loss * inside).sum() / inside.sum(),
            "ctc": F.ctc_loss(
                ctc.transpose(0, 1), said, inside.sum(1), said_count, blank=0, zero_infinity=True
            ),
            "accuracy": right.sum() / inside.sum(),
        }

    def step(_: float) -> dict[str, Tensor]:
        network.train()
        losses = losses_of(network, True, batch)
        training.descend("listener", losses["frame"] + 0.5 * losses["ctc"], 1.0)
        return losses

    def held_out() -> dict[str, Tensor]:
        return losses_of(training.averages["listener"], False, 64)

    def ship() -> None:
        facts = {"steps": training.step, "config": asdict(network.config)}
        save_network(training.averages["listener"], folder / "listener.safetensors", facts, bits=8)

    training.run(step, held_out=held_out, ship=ship)
