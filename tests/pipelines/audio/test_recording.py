from __future__ import annotations

import numpy as np
import pytest

from pipelines.audio.recording import Recording

RATE = 8000


def words(seconds: float, every: float) -> Recording:
    """Noise with 0.3 s of silence at every ``every`` seconds."""
    wave = np.random.default_rng(0).normal(0, 0.1, int(seconds * RATE)).astype(np.float32)
    for second in np.arange(every, seconds, every):
        wave[int(second * RATE) : int((second + 0.3) * RATE)] = 0
    return Recording(wave, RATE, text="what was read", start_seconds=5.0)


def test_a_short_recording_stays_whole() -> None:
    recording = words(59.9, 7)
    assert recording.parts(60.0) == [recording]


@pytest.mark.parametrize("seconds", [60.2, 61.0, 95.0, 300.0])
def test_a_long_one_is_cut_in_its_pauses_and_nothing_is_lost(seconds: float) -> None:
    recording = words(seconds, 7)
    parts = recording.parts(60.0)
    assert all(0 < part.seconds <= 60.0 for part in parts)
    assert np.array_equal(np.concatenate([part.wave for part in parts]), recording.wave)
    for part, following in zip(parts, parts[1:], strict=False):
        assert following.start_seconds == pytest.approx(part.start_seconds + part.seconds)
        assert float(np.abs(part.wave[-100:]).max()) == 0.0, "cut within a word"
    assert parts[0].start_seconds == 5.0 and all(part.text is None for part in parts)
    assert np.shares_memory(parts[1].wave, recording.wave)


@pytest.mark.parametrize("level", [0.0, 0.5])
def test_without_any_pause_it_is_cut_all_the_same(level: float) -> None:
    recording = Recording(np.full(200 * RATE, level, np.float32), RATE)
    parts = recording.parts(60.0)
    assert sum(len(part.wave) for part in parts) == 200 * RATE and len(parts) <= 7
