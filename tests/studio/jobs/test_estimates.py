from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.speech.engine import QUALITIES
from studio.jobs import estimates as module
from studio.jobs.estimates import REFERENCE_RATE, REFERENCE_SECONDS, TrainingEstimates, compute_rate
from studio.store.database import Database


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "studio.db")


def scaled(factor: float) -> dict[str, float]:
    return {quality: pytest.approx(factor * REFERENCE_SECONDS[quality]) for quality in QUALITIES}


def test_never_trained_is_scaled_by_the_best_measurement_there_was(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates = iter([REFERENCE_RATE / 2, REFERENCE_RATE / 8, REFERENCE_RATE])
    monkeypatch.setattr(module, "compute_rate", lambda: next(rates))
    first = TrainingEstimates(database, "cpu")
    assert first.seconds() == first.seconds() == scaled(2)
    assert TrainingEstimates(database, "cpu").seconds() == scaled(2)  # something else was running
    assert TrainingEstimates(database, "cpu").seconds() == scaled(1)


def test_past_trainings_win_and_scale_the_others(database: Database) -> None:
    estimates = TrainingEstimates(database, "cpu")
    for job, seconds in enumerate((30, 31, 500)):
        estimates.record(f"j{job}", "quick", seconds)
    measured = estimates.seconds()
    assert measured["quick"] == 31
    assert measured["good"] == pytest.approx(31 * REFERENCE_SECONDS["good"] / REFERENCE_SECONDS["quick"])


def test_another_device_does_not_count(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "compute_rate", lambda: REFERENCE_RATE)
    TrainingEstimates(database, "cuda").record("j", "quick", 5)
    assert TrainingEstimates(database, "cpu").seconds() == REFERENCE_SECONDS


def test_this_machine_computes() -> None:
    assert 0.1 < compute_rate(trials=1) < 1e6
