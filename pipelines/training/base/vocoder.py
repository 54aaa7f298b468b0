"""Recipe of the vocoder: spectral losses first, then critics."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from models.checkpoints import save_network, started
from models.starter.discriminators import Critics
from models.starter.mel import HOP, MelSpectrogram
from models.starter.vocoder import Vocoder, VocoderConfig
from pipelines.training.base.loop import Budget, Training
from pipelines.training.base.speech_set import SpeechSet
from pipelines.training.together import rank

CROP = 64  # frames, 0.74 s
MARGIN = 4  # frames beside the crop, so that its mel edges are not silence
FFT_SIZES = (512, 1024, 2048)


def spectral_loss(fake: Tensor, real: Tensor) -> Tensor:
    """Spectral convergence and log magnitude at three resolutions (Parallel WaveGAN, Yamamoto et al. 2020)."""
    total = fake.new_zeros(())
    for size in FFT_SIZES:
        window = torch.hann_window(size, device=fake.device)
        a, b = (
            torch.stft(wave, size, size // 4, window=window, return_complex=True).abs().clamp(min=1e-5)
            for wave in (fake, real)
        )
        total = total + (b - a).norm() / b.norm() + (a.log() - b.log()).abs().mean()
    return total / len(FFT_SIZES)


def train_vocoder(
    speech: SpeechSet,
    folder: Path,
    budget: Budget,
    *,
    batch: int,
    seed: int = 1,
    init: Path | None = None,
    critics_from: float = 0.3,
) -> None:
    """``critics_from``: the share of the budget after which the critics join; 1 trains without them."""
    device = speech.device
    torch.manual_seed(seed)
    generator = torch.Generator(device).manual_seed(seed + rank())
    fast = device.type == "cuda"
    network, critics = started(Vocoder(VocoderConfig()), init).to(device), Critics().to(device)
    optimisers = {
        "vocoder": torch.optim.AdamW(network.parameters(), 8e-4, (0.8, 0.99), weight_decay=0.01, fused=fast),
        "critics": torch.optim.AdamW(critics.parameters(), 4e-4, (0.8, 0.99), weight_decay=0.01, fused=fast),
    }
    training = Training(
        folder, budget, {"vocoder": network, "critics": critics}, optimisers, averaged=("vocoder",)
    )
    training.resume()
    mel_of = MelSpectrogram().to(device)

    def batch_of(trained: bool, count: int) -> tuple[Tensor, Tensor, Tensor]:
        clips = speech.draw(count, generator, trained)
        frame, _ = speech.crop(clips, CROP, generator)
        wave = speech.samples(clips, frame[:, 0] - MARGIN, (CROP + 2 * MARGIN) * HOP)
        wave = wave * (0.4 + 0.9 * torch.rand(count, 1, device=device, generator=generator))
        mel = mel_of(wave)[:, MARGIN:-MARGIN]
        return mel, wave[:, MARGIN * HOP : -MARGIN * HOP], speech.at(speech.f0, clips, frame)

    def generate(net: Vocoder, mel: Tensor, f0: Tensor, known: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """``known`` ``[B, 1]``: whether the clip's own F0 drives the source, or the predicted one."""
        with torch.autocast(device.type, torch.bfloat16, enabled=fast):
            with torch.no_grad():
                guess = net.f0_of(mel).float()
            wave, octave, voiced = net(mel, torch.where(known, f0, guess), voiced_noise=1.0)
        is_voiced = (f0 > 0).float()
        distance = (octave.float() - f0.clamp(min=40.0).log2()).abs()
        losses = {
            "f0": (distance * is_voiced).sum() / is_voiced.sum().clamp(min=1),
            "voicing": F.binary_cross_entropy_with_logits(voiced.float(), is_voiced),
        }
        return wave, losses

    def step(used: float) -> dict[str, Tensor]:
        network.train()
        adversarial = used >= critics_from
        mel, real, f0 = batch_of(True, batch)
        known = torch.rand(batch, 1, device=device, generator=generator) < (0.3 if adversarial else 0.7)
        fake, losses = generate(network, mel, f0, known)
        losses["spectral"] = spectral_loss(fake, real)
        losses["mel"] = (mel_of(fake) - mel_of(real)).abs().mean()
        losses |= dict.fromkeys(("critic", "fool", "features"), real.new_zeros(()))
        loss = losses["spectral"] + 3 * losses["mel"] + 2 * losses["f0"] + 0.3 * losses["voicing"]
        if adversarial:
            with torch.autocast(device.type, torch.bfloat16, enabled=fast):
                on_fake, on_real = critics(fake.detach()), critics(real)
            losses["critic"] = sum(
                F.relu(1 + f.float()).mean() + F.relu(1 - r.float()).mean()
                for (f, _), (r, _) in zip(on_fake, on_real, strict=True)
            ) / len(on_real)
            training.descend("critics", losses["critic"], 10.0)

            critics.requires_grad_(False)
            with torch.autocast(device.type, torch.bfloat16, enabled=fast):
                on_fake = critics(fake)
                with torch.no_grad():
                    on_real = critics(real)
            critics.requires_grad_(True)
            losses["fool"] = -sum(f.float().mean() for f, _ in on_fake) / len(on_fake)
            losses["features"] = sum(
                (a.float() - b.float()).abs().mean() / b.float().abs().mean().clamp(min=1e-4)
                for (_, fakes), (_, reals) in zip(on_fake, on_real, strict=True)
                for a, b in zip(fakes, reals, strict=True)
            ) / sum(len(reals) for _, reals in on_real)
            loss = 0.5 * losses["spectral"] + 8 * losses["mel"] + 2 * losses["f0"] + 0.3 * losses["voicing"]
            loss = loss + losses["fool"] + 2 * losses["features"]
        training.descend("vocoder", loss, 5.0)
        return losses

    def held_out() -> dict[str, Tensor]:
        mel, real, f0 = batch_of(False, 64 if fast else 8)
        nobody = torch.zeros(len(mel), 1, dtype=torch.bool, device=device)
        fake, losses = generate(training.averages["vocoder"], mel, f0, nobody)
        return losses | {
            "spectral": spectral_loss(fake, real),
            "mel": (mel_of(fake) - mel_of(real)).abs().mean(),
        }

    def ship() -> None:
        save_network(
            training.averages["vocoder"], folder / "vocoder.safetensors", {"steps": training.step}, bits=8
        )

    training.run(step, held_out=held_out, ship=ship)
