"""Where the engines compute."""

from __future__ import annotations

from functools import cache

from studio.errors import StudioError


@cache
def find_device(wanted: str | None) -> str:
    """``wanted``, or ``cuda`` where torch finds a GPU, else ``cpu``. Imports torch unless it was told to stay on the CPU.

    Raises:
        StudioError: ``device_missing``.
    """
    if wanted == "cpu":
        return wanted
    import torch

    if wanted is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    if (torch.device(wanted).index or 0) >= torch.cuda.device_count():
        raise StudioError("device_missing", 503, device=wanted, count=torch.cuda.device_count())
    return wanted
