from __future__ import annotations

import numpy as np
import pytest

from pipelines.audio.joining import join, soften_edges, softened

RATE = 22050


def tone(seconds: float, hertz: float = 150.0, phase: float = 1.2, offset: float = 0.0) -> np.ndarray:
    times = np.arange(int(seconds * RATE)) / RATE
    return (0.5 * np.sin(2 * np.pi * hertz * times + phase) + offset).astype(np.float32)


def highest_above(wave: np.ndarray, hertz: float) -> float:
    """The loudest moment of what lies above ``hertz``: a click is everywhere, a tone is not."""
    from scipy.signal import butter, sosfilt

    return float(np.abs(sosfilt(butter(6, hertz, "highpass", fs=RATE, output="sos"), wave)).max())


def test_length_and_pauses():
    joined = join([tone(1.0), tone(0.5), tone(0.25)], RATE, [0.3, 0.1])
    assert len(joined) == RATE + RATE // 2 + RATE // 4 + round(0.3 * RATE) + round(0.1 * RATE)
    assert joined.dtype == np.float32
    assert not joined[RATE : RATE + round(0.3 * RATE)].any()
    ending = join([tone(1.0), tone(0.5)], RATE, [0.3, 0.2])
    assert not ending[-round(0.2 * RATE) :].any()


def test_no_clicks_at_the_joints():
    parts = [tone(0.4, hertz, phase, 0.1) for hertz, phase in ((150, 1.5), (210, 0.7), (130, 2.9))]
    plain = np.concatenate([np.pad(part, (0, 2000)) for part in parts])
    joined = join(parts, RATE, [2000 / RATE] * 3)
    assert len(joined) == len(plain)
    assert highest_above(joined, 3000) < 0.02 * highest_above(plain, 3000)
    assert highest_above(join(parts, RATE, [0, 0]), 3000) < 0.02 * highest_above(plain, 3000)


def test_offsets_go_and_the_middle_stays():
    part = tone(1.0)
    joined = join([part + 0.2], RATE, [])
    assert abs(joined.mean()) < 1e-3
    middle = slice(RATE // 4, RATE // 2)
    assert np.allclose(joined[middle], part[middle], atol=2e-3)


def test_edges_of_short_and_empty_waves():
    assert len(join([], RATE, [])) == 0
    assert len(join([np.zeros(0, np.float32), tone(0.1)], RATE, [0.1, 0.0])) == 2 * (RATE // 10)
    assert np.abs(soften_edges(np.ones(3, np.float32), RATE)).max() <= 1
    source = np.ones(1000, np.float32)
    soften_edges(source, RATE)
    assert source.min() == 1


def test_pauses_must_fit():
    with pytest.raises(ValueError):
        join([tone(0.1), tone(0.1), tone(0.1)], RATE, [0.1])


@pytest.mark.parametrize("chunk_seconds", [0.001, 0.004, 0.05, 0.3, 2.0])
@pytest.mark.parametrize("seconds", [0.0, 0.003, 0.012, 0.7])
def test_edges_are_softened_of_what_is_still_coming(chunk_seconds, seconds):
    wave, step = tone(seconds), int(chunk_seconds * RATE)
    chunks = [wave[start : start + step] for start in range(0, len(wave), step)]
    heard = list(softened(iter(chunks), RATE))
    assert np.array_equal(np.concatenate(heard), soften_edges(wave, RATE))
    if seconds > 0.5 and chunk_seconds == 0.05:
        assert len(heard) > 10
