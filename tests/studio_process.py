"""A studio as people start it: ``python app.py serve`` in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent


def fetch(address: str) -> str:
    """The page at an address of ours; no system proxy in between."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(address, timeout=60) as answer:
        return answer.read().decode()


class StudioProcess:
    """
    Args:
        home: its library.
        arguments: after ``serve``.
        seconds: how long the start may take.

    Attributes:
        address: as it printed it.
        start_seconds: from the process start to the printed address.
    """

    def __init__(
        self, home: Path, *arguments: str, environment: Mapping[str, str] | None = None, seconds: float = 180
    ) -> None:
        home.parent.mkdir(parents=True, exist_ok=True)
        self.log_path = home.parent / f"{home.name}.log"
        self._log: IO[str] = self.log_path.open("w")
        started = time.monotonic()
        self.process = subprocess.Popen(
            [
                sys.executable,
                "app.py",
                "serve",
                "--port",
                "0",
                "--home",
                str(home),
                "--language",
                "en",
                *arguments,
            ],
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        try:
            self.address = self._wait_for_address(started + seconds)
        except BaseException:
            self.kill()
            raise
        self.start_seconds = time.monotonic() - started

    def _wait_for_address(self, deadline: float) -> str:
        while time.monotonic() < deadline and self.process.poll() is None:
            if found := re.search(r"http://\S+", self.log()):
                return found[0]
            time.sleep(0.02)
        raise AssertionError(f"no studio: status {self.process.poll()}\n{self.log()}")

    def log(self) -> str:
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def stop(self, signal_number: int = signal.SIGTERM, seconds: float = 30) -> int:
        """Ask it to end; returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal_number)
        try:
            return self.process.wait(seconds)
        finally:
            self.kill()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self._log.close()

    def __enter__(self) -> StudioProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
