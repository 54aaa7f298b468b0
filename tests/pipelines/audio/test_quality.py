from __future__ import annotations

import json

import numpy as np
import pytest

from pipelines.audio.quality import THRESHOLDS, QualityReport, assess, require_speech, summarise
from pipelines.audio.recording import Recording
from pipelines.failure import CraftError


@pytest.fixture(scope="module")
def report(speech) -> QualityReport:
    return assess(speech)


def test_a_studio_recording_is_good_in_everything_but_its_length(report, speech):
    assert [check.name for check in report.checks] == list(THRESHOLDS)
    verdicts = {check.name: check.verdict for check in report.checks}
    assert verdicts.pop("speech_seconds") == "fair"
    assert set(verdicts.values()) == {"good"}, verdicts
    assert report.grade == "B"
    assert report.speech_seconds == pytest.approx(sum(b - a for a, b in report.speech_spans))
    assert 0.8 * speech.seconds < report.speech_seconds <= speech.seconds


def test_a_report_survives_json(report):
    assert QualityReport.from_json(json.loads(json.dumps(report.to_json()))) == report


def test_a_summary_adds_up_the_speech(report, speech):
    whole = summarise([report, report, report])
    assert whole.speech_seconds == pytest.approx(3 * report.speech_seconds)
    assert whole["speech_seconds"].verdict == "good" and whole.grade == "A"
    assert whole["snr"].value == pytest.approx(report["snr"].value)
    assert summarise([report]) is report and summarise([]) is None


def test_noise_and_silence_hold_no_speech(rng):
    report = assess(Recording(rng.normal(0, 0.1, 16000 * 5).astype(np.float32), 16000))
    assert report.grade == "D" and report["speech_share"].verdict == "poor"
    with pytest.raises(CraftError, match="audio_no_speech"):
        require_speech(report)
