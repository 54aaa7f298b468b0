"""What there is to compute with, for saying beforehand whether a checkpoint fits."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Machine:
    """
    Attributes:
        gpu: name of the graphics card, None without one.
        gpu_bytes: its memory.
        memory_bytes: the machine's, or this container's share of it; None where the system does not say.
    """

    gpu: str | None
    gpu_bytes: int
    memory_bytes: int | None

    def verdict(self, needed_bytes: int, on_cpu: bool) -> str:
        """``fits`` or ``tight`` (the card), ``cpu`` (works without one), ``slow`` (works, at no bearable speed) or
        ``too_big``."""
        if self.gpu is not None and needed_bytes <= self.gpu_bytes:
            return "fits" if needed_bytes <= 0.85 * self.gpu_bytes else "tight"
        if self.memory_bytes is not None and needed_bytes > 0.8 * self.memory_bytes:
            return "too_big"
        return "cpu" if on_cpu else "slow"


@cache
def find_machine(device: str | None) -> Machine:
    """Imports torch unless it was told to stay on the CPU."""
    if device == "cpu":
        return Machine(None, 0, memory_bytes())
    import torch

    if not torch.cuda.is_available():
        return Machine(None, 0, memory_bytes())
    card = torch.cuda.get_device_properties(0)
    return Machine(card.name, card.total_memory, memory_bytes())


def memory_bytes() -> int | None:
    """What this process may use: the machine's memory, or the container's share of it."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        try:
            import psutil
        except ModuleNotFoundError:
            return None
        total = psutil.virtual_memory().total
    limit = Path("/sys/fs/cgroup/memory.max")
    share = limit.read_text().strip() if limit.is_file() else "max"
    return min(total, int(share)) if share.isdigit() else total
