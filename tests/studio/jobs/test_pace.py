from __future__ import annotations

import pytest

from studio.jobs.pace import Pace


def test_measured_rate() -> None:
    pace = Pace(None, now=0)
    assert pace.seconds_left("train", 0.0, 0) is None
    assert pace.seconds_left("train", 0.25, 10) == pytest.approx(30)
    assert pace.seconds_left("train", 1.0, 40) == 0


def test_a_guess_until_there_is_a_rate() -> None:
    pace = Pace(100, now=0)
    assert pace.seconds_left("slice", 0.0, 0) == 100
    assert pace.seconds_left("slice", 0.01, 1) == 99
    assert pace.seconds_left("slice", 0.1, 2) == pytest.approx(18)


def test_a_leap_between_stages_is_not_speed() -> None:
    pace = Pace(None, now=0)
    pace.seconds_left("features", 0.1, 3)
    assert pace.seconds_left("train", 0.8, 4) is None
    assert pace.seconds_left("train", 0.9, 14) == pytest.approx(10)


def test_a_new_stage_keeps_the_old_estimate_until_it_has_a_rate() -> None:
    pace = Pace(None, now=0)
    pace.seconds_left("a", 0.0, 0)
    assert pace.seconds_left("a", 0.5, 10) == pytest.approx(10)
    assert pace.seconds_left("b", 0.5, 11) == pytest.approx(9)
