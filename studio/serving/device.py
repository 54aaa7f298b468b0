"""Where the engines compute."""

from __future__ import annotations

from functools import cache


@cache
def find_device(wanted: str | None) -> str:
    """``wanted``, or ``cuda`` where torch finds a GPU, else ``cpu``. Imports torch unless it was told."""
    if wanted is not None:
        return wanted
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
