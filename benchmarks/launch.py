"""How soon the page answers, what the imports cost and how much memory the studio takes.

    python -m benchmarks.launch --runs 5

Every run is a fresh process on a fresh library; the figures are medians with the range beside them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from tests.studio_process import StudioProcess, fetch

IMPORTS = (
    "studio.api.server",
    "studio.ui.layout",
    "gradio",
    "torch",
    "transformers",
    "peft",
    "diffusers",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()

    figures = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {platform.python_version()}",
        **_medians(_start, options.runs),
        **{
            f"import_{name}_seconds": _median(lambda n=name: _import_seconds(n), options.runs)
            for name in IMPORTS
        },
    }
    for name, figure in figures.items():
        print(f"{name:40} {figure}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def _start() -> dict[str, float]:
    """One start: seconds until the first page has been read, and memory then and after the warm-up."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        with StudioProcess(Path(folder) / "library") as studio:
            fetch(studio.address)
            ready = time.monotonic() - started
            process = psutil.Process(studio.process.pid)
            page_bytes, page_cpu = process.memory_info().rss, sum(process.cpu_times()[:2])
            while any(thread_busy(process) for _ in range(2)):
                time.sleep(0.2)
            return {
                "page_ready_seconds": ready,
                "page_ready_cpu_seconds": page_cpu,
                "page_ready_mib": page_bytes / 2**20,
                "warm_mib": process.memory_info().rss / 2**20,
            }


def thread_busy(process: psutil.Process) -> bool:
    """Whether the warm-up still works: it is the only thing that keeps an idle studio's processor busy."""
    return process.cpu_percent(interval=0.5) > 20


def _import_seconds(name: str) -> float:
    program = f"import time; t = time.perf_counter(); import {name}; print(time.perf_counter() - t)"
    return float(
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    )


def _medians(measure: Callable[[], dict[str, float]], runs: int) -> dict[str, str]:
    rows = [measure() for _ in range(runs)]
    return {name: _spread([row[name] for row in rows]) for name in rows[0]}


def _median(measure: Callable[[], float], runs: int) -> str:
    return _spread([measure() for _ in range(runs)])


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} .. {max(values):.2f}, n = {len(values)})"


if __name__ == "__main__":
    main()
