"""The files of a library that is at work: what vanishes meanwhile is not there."""

from __future__ import annotations

import os
from pathlib import Path


def files_in(folder: Path) -> list[Path]:
    return sorted(Path(here, name) for here, _, names in os.walk(folder) for name in names)
