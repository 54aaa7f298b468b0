from __future__ import annotations

import numpy as np
import pytest

from pipelines.audio.quality import assess
from pipelines.audio.recording import Recording
from studio.api.answers import report_answer
from studio.language import say


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_cannot_be_measured_is_said_to_be_so(language: str) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 16000).astype(np.float32)
    answer = report_answer(assess(Recording(noise, 16000)), language)
    unmeasured = [check["advice"] for check in answer["checks"] if check["value"] is None]
    assert len(unmeasured) > 3
    assert set(unmeasured) == {say("quality.unmeasured", language)}
