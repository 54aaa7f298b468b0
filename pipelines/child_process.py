"""The wall around foreign files: a short-lived child process with limits reads them and answers one line of JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def child_answer(module: str, arguments: Sequence[str], timeout_seconds: float) -> dict | None:
    """What ``python -m module arguments`` prints last; None when it was killed by a limit or fell over the file.

    Raises:
        TimeoutError: it was stopped after ``timeout_seconds``.
    """
    try:
        child = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_seconds,
        )
    except subprocess.TimeoutExpired:
        raise TimeoutError(timeout_seconds) from None
    last_line = child.stdout.decode("utf-8", "replace").strip().rpartition("\n")[2]
    return json.loads(last_line) if child.returncode == 0 and last_line else None


def limit_this_process(memory_bytes: int, cpu_seconds: int, file_bytes: int) -> None:
    """To be called by the child before it looks at the file; what a system cannot limit is left to the timeout."""
    try:
        import resource
    except ImportError:  # Windows
        return
    for what, bound in (("AS", memory_bytes), ("CPU", cpu_seconds), ("FSIZE", file_bytes), ("CORE", 0)):
        kind = getattr(resource, f"RLIMIT_{what}")
        hard = resource.getrlimit(kind)[1]
        bound = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        try:
            resource.setrlimit(kind, (bound, bound))
        except (ValueError, OSError):  # macOS refuses RLIMIT_AS
            continue
