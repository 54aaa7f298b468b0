from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipelines.audio.recording import Recording

CLIPS = Path(__file__).resolve().parents[2] / "fixtures" / "speech"
RATE = 24000


def read_clips(pattern: str) -> np.ndarray:
    return np.concatenate([soundfile.read(path, dtype="float32")[0] for path in sorted(CLIPS.glob(pattern))])


@pytest.fixture(scope="session")
def speech() -> Recording:
    """Twenty-four seconds of one reader in a studio; SNR about 45 dB."""
    return Recording(read_clips("LJ001-*.flac"), RATE)


@pytest.fixture(scope="session")
def other_speech() -> Recording:
    """Sixteen seconds of another reader, at the same rate."""
    import soxr

    return Recording(soxr.resample(read_clips("2033-*.flac"), 16000, RATE), RATE)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture(scope="session")
def synthetic_speech() -> Recording:
    """A minute's fifth of machine speech with digital silence between the sentences: no noise at all."""
    return Recording(read_clips("flite-rms.flac"), 16000)
