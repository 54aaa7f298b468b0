"""How long a training takes on this machine."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Mapping

from pipelines.speech.engine import QUALITIES, EngineDescription, TrainingMethod
from studio.store.database import Database, now_text

REFERENCE_RATE = 54.0
"""What ``compute_rate`` measured on the machine that ``TrainingMethod.reference_seconds`` are of, in 1e9 multiply-adds
a second: two idle cores of an AMD EPYC with AVX-512."""
KEEP = 5
"""Past trainings that are looked at; machines change."""


class TrainingEstimates:
    """Past trainings on this machine come first; a quality never trained is scaled from those that were, of the same
    engine and method if there are any; and a machine that never trained is compared with the reference machine by a
    short measurement.

    The measurement is made once in the life of a process; the best there ever was counts, since other programs can
    only make it worse."""

    def __init__(
        self, database: Database, device: str | None, engines: Mapping[str, EngineDescription]
    ) -> None:
        self._database = database
        self._engines = engines
        self._machine = f"{device or 'auto'} x {os.cpu_count()}"
        self._own_rate: float | None = None

    def record(self, job_id: str, engine: str, method: str, quality: str, seconds: float) -> None:
        """A training that ran from end to end took so long."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO training_times (job_id, engine, method, quality, device, seconds, created_at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (job_id, engine, method, quality, self._machine, seconds, now_text()),
            )

    def seconds(self, engine: str, method: str) -> dict[str, float]:
        """Quality -> seconds; none of an engine that is not here or is not trained so."""
        reference = self._reference(engine, method)
        if not reference:
            return {}
        measured = self._measured()
        ratios = {
            key: seconds / expected[key[2]]
            for key, seconds in measured.items()
            if (expected := self._reference(*key[:2]))
        }
        same = [ratio for key, ratio in ratios.items() if key[:2] == (engine, method)]
        near = same or list(ratios.values())
        ratio = statistics.median(near) if near else REFERENCE_RATE / self._rate()
        return {
            quality: measured.get((engine, method, quality), reference[quality] * ratio)
            for quality in QUALITIES
        }

    def _reference(self, engine: str, method: str) -> Mapping[str, float]:
        methods: tuple[TrainingMethod, ...] = self._engines[engine].methods if engine in self._engines else ()
        return next((known.reference_seconds for known in methods if known.name == method), {})

    def _measured(self) -> dict[tuple[str, str, str], float]:
        """Engine, method and quality -> the median of the last few trainings."""
        found: dict[tuple[str, str, str], list[float]] = {}
        for row in self._database.rows(
            "SELECT engine, method, quality, seconds FROM training_times WHERE device = ? "
            "ORDER BY created_at DESC",
            self._machine,
        ):
            found.setdefault((row["engine"], row["method"], row["quality"]), []).append(row["seconds"])
        return {key: statistics.median(seconds[:KEEP]) for key, seconds in found.items()}

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
