from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.speech.engine import QUALITIES, STARTER_LORA, TrainingMethod
from studio.jobs import estimates as module
from studio.jobs.estimates import REFERENCE_RATE, TrainingEstimates, compute_rate
from studio.store.database import Database
from studio.store.migrations import MIGRATIONS
from tests.fakes import fake_engines

REFERENCE = STARTER_LORA.reference_seconds
FULL = TrainingMethod("full", {"quick": 100.0, "good": 200.0, "best": 400.0})


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "studio.db")


def estimating(database: Database, device: str = "cpu") -> TrainingEstimates:
    """Of two engines, the second of which can also be trained in full."""
    engines = fake_engines()
    both = replace(engines["fake"], name="both", methods=(STARTER_LORA, FULL))
    return TrainingEstimates(database, device, {**engines, "both": both})


def scaled(factor: float) -> dict[str, float]:
    return {quality: pytest.approx(factor * REFERENCE[quality]) for quality in QUALITIES}


def test_never_trained_is_scaled_by_the_best_measurement_there_was(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates = iter([REFERENCE_RATE / 2, REFERENCE_RATE / 8, REFERENCE_RATE])
    monkeypatch.setattr(module, "compute_rate", lambda: next(rates))
    first = estimating(database)
    assert first.seconds("fake", "lora") == first.seconds("fake", "lora") == scaled(2)
    assert first.seconds("both", "full") == {
        q: pytest.approx(2 * FULL.reference_seconds[q]) for q in QUALITIES
    }
    assert estimating(database).seconds("fake", "lora") == scaled(2)  # something else was running
    assert estimating(database).seconds("fake", "lora") == scaled(1)


def test_past_trainings_win_and_scale_the_others(database: Database) -> None:
    estimates = estimating(database)
    for job, seconds in enumerate((30, 31, 500)):
        estimates.record(f"j{job}", "fake", "lora", "quick", seconds)
    measured = estimates.seconds("fake", "lora")
    assert measured["quick"] == 31
    assert measured["good"] == pytest.approx(31 * REFERENCE["good"] / REFERENCE["quick"])


def test_trainings_of_one_kind_are_the_best_guess_for_that_kind(database: Database) -> None:
    estimates = estimating(database)
    estimates.record("a", "fake", "lora", "quick", 3 * REFERENCE["quick"])
    assert estimates.seconds("both", "full")["good"] == pytest.approx(
        600
    )  # this machine is three times as slow
    estimates.record("b", "both", "full", "quick", 500)
    assert estimates.seconds("both", "full") == {
        "quick": 500,
        "good": pytest.approx(1000),
        "best": pytest.approx(2000),
    }
    assert estimates.seconds("fake", "lora") == scaled(3)


def test_who_is_not_trained_so_has_no_time(database: Database) -> None:
    estimates = estimating(database)
    assert estimates.seconds("fake", "full") == estimates.seconds("nobody", "lora") == {}


def test_an_older_library_remembers_the_starter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from studio.store import database as store

    path = tmp_path / "studio.db"
    with monkeypatch.context() as patch:
        patch.setattr(store, "MIGRATIONS", MIGRATIONS[:5])
        with Database(path).transaction() as connection:
            connection.execute(
                "INSERT INTO training_times VALUES (?, ?, ?, ?, ?)",
                ("j", "quick", TrainingEstimates(None, "cpu", {})._machine, 33.0, "2026-01-01"),
            )
    estimates = estimating(Database(path))
    estimates._engines = {"starter": estimates._engines["fake"]}
    assert estimates.seconds("starter", "lora")["quick"] == 33


def test_another_device_does_not_count(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "compute_rate", lambda: REFERENCE_RATE)
    estimating(database, "cuda").record("j", "fake", "lora", "quick", 5)
    assert estimating(database).seconds("fake", "lora") == REFERENCE


def test_this_machine_computes() -> None:
    assert 0.1 < compute_rate(trials=1) < 1e6
