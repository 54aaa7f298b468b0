"""Fill the compiler's cache beside other work: `python -m pipelines.training.storybook_compile DEVICE BATCH`.

Compiling the UNet takes a minute of pure Python, which in a thread of the training process would hold up every
step. A process of its own leaves the compiled kernels in the cache on disk; the training then finds them there.
"""

from __future__ import annotations

import subprocess
import sys
import time

import torch

from models.blocks.packed_linear import multiplies_bf16
from pipelines.illustration.painter import TEXT_LENGTH, TEXT_WIDTH, new_unet


def start(device: str, batch: int) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "pipelines.training.storybook_compile", device, str(batch)]
    )


def exercise(unet: torch.nn.Module, compiled, device: torch.device, batch: int) -> None:
    """One step forward and back in exactly the shapes and types of the training."""
    noisy = torch.randn(batch, 4, 32, 32, device=device).contiguous(memory_format=torch.channels_last)
    moment = torch.randint(0, 1000, (batch,), device=device)
    meaning = torch.randn(batch, TEXT_LENGTH, TEXT_WIDTH, device=device, requires_grad=True)
    with mixed_precision(device):
        guess = compiled(noisy, moment, meaning).sample
    guess.float().square().mean().backward()
    unet.zero_grad(set_to_none=True)


def mixed_precision(device: torch.device) -> torch.autocast:
    """bfloat16, but not on a processor that only imitates it: there a step takes twelve times as long."""
    real = device.type != "cpu" or multiplies_bf16()
    return torch.autocast(device.type, torch.bfloat16, enabled=real)


def fast_math() -> None:
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True


if __name__ == "__main__":
    fast_math()
    began, where = time.monotonic(), torch.device(sys.argv[1])
    network = new_unet().to(where, memory_format=torch.channels_last).train()
    exercise(network, torch.compile(network), where, int(sys.argv[2]))
    print(f"compiled in {time.monotonic() - began:.0f} s", flush=True)
