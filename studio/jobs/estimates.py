"""How long a training takes on this machine."""

from __future__ import annotations

import os
import statistics
import time

from pipelines.speech.engine import QUALITIES
from studio.store.database import Database, now_text

REFERENCE_SECONDS = {"quick": 65.0, "good": 160.0, "best": 440.0}
"""The shipped starter on the reference machine with a minute of speech: 0.6 s a step and 15 s around them."""
REFERENCE_RATE = 54.0
"""What ``compute_rate`` measured there, in 1e9 multiply-adds a second: two idle cores of an AMD EPYC with AVX-512."""
KEEP = 5
"""Past trainings that are looked at; machines change."""


class TrainingEstimates:
    """Past trainings on this machine come first; a quality never trained is scaled from those that were, and a
    machine that never trained is compared with the reference machine by a short measurement.

    The measurement is made once in the life of a process; the best there ever was counts, since other programs can
    only make it worse."""

    def __init__(self, database: Database, device: str | None) -> None:
        self._database = database
        self._machine = f"{device or 'auto'} x {os.cpu_count()}"
        self._own_rate: float | None = None

    def record(self, job_id: str, quality: str, seconds: float) -> None:
        """A training that ran from end to end took so long."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO training_times VALUES (?, ?, ?, ?, ?)",
                (job_id, quality, self._machine, seconds, now_text()),
            )

    def seconds(self) -> dict[str, float]:
        """Quality -> seconds."""
        measured = {quality: self._measured(quality) for quality in QUALITIES}
        ratios = [seconds / REFERENCE_SECONDS[quality] for quality, seconds in measured.items() if seconds]
        ratio = statistics.median(ratios) if ratios else REFERENCE_RATE / self._rate()
        return {quality: measured[quality] or REFERENCE_SECONDS[quality] * ratio for quality in QUALITIES}

    def _measured(self, quality: str) -> float | None:
        rows = self._database.rows(
            "SELECT seconds FROM training_times WHERE quality = ? AND device = ? "
            "ORDER BY created_at DESC LIMIT ?",
            quality,
            self._machine,
            KEEP,
        )
        return statistics.median(row["seconds"] for row in rows) if rows else None

    def _rate(self) -> float:
        if self._own_rate is None:
            key = f"compute_rate {self._machine}"
            known = self._database.value("SELECT value FROM notes WHERE key = ?", key)
            self._own_rate = max(compute_rate(), float(str(known or 0)))
            with self._database.transaction() as connection:
                connection.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (key, str(self._own_rate)))
        return self._own_rate


def compute_rate(trials: int = 5) -> float:
    """1e9 multiply-adds a second in float32 matrix products, the best of a few short trials; about 0.1 s."""
    import numpy as np

    size, rounds = 512, 4
    matrix = np.ones((size, size), dtype=np.float32)
    matrix @ matrix  # the library sets itself up
    best = float("inf")
    for _ in range(trials):
        began = time.perf_counter()
        for _ in range(rounds):
            matrix @ matrix
        best = min(best, time.perf_counter() - began)
    return rounds * size**3 / best / 1e9
