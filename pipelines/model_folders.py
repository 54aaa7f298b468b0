"""What can be told of public checkpoints in a folder before any of them is loaded."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

PLAIN_NAME = re.compile(r"[^\W_][\w .()+-]{0,63}")
"""Names of folders and files that can be ids, in any script and as browsers number their downloads."""
MOST_OBJECT_BYTES = 2**16
MOST_HEADER_BYTES = 64 * 2**20


def read_object(path: Path, limit_bytes: int = MOST_OBJECT_BYTES) -> dict:
    """
    Raises:
        OSError, ValueError, RecursionError: there is no such file, it is too long, or holds no JSON object.
    """
    if path.stat().st_size > limit_bytes:
        raise ValueError(f"{path.name} has more than {limit_bytes} bytes")
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise ValueError(f"{path.name} is not an object")
    return found


def stored_numbers(file: Path) -> int:
    """How many numbers a safetensors file holds, from its header; 0 for what is none."""
    try:
        with file.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            if length > MOST_HEADER_BYTES:
                return 0
            header = json.loads(stream.read(length))
        numbers = sum(math.prod(one["shape"]) for name, one in header.items() if name != "__metadata__")
        return numbers if isinstance(numbers, int) else 0
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return 0
