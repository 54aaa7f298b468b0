from __future__ import annotations

import io
import json
import string
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipelines.audio.features import power_frames
from pipelines.audio.listening import find_speech, listen
from pipelines.audio.measures import snr_db, unsteadiness_db
from pipelines.audio.quality import THRESHOLDS, QualityReport, assess, require_speech, summarise
from pipelines.audio.recording import Recording
from pipelines.failure import CraftError
from tests.effort import takes_under
from tests.pipelines.audio.degradation import band_limited, clipped, in_a_room, with_hum, with_noise
from tests.pipelines.audio.music import play

SENTENCES = json.loads((Path(__file__).parents[3] / "assets/i18n/quality.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def report(speech) -> QualityReport:
    return assess(speech)


@pytest.fixture(scope="module", params=["studio", "synthetic"])
def source(request, speech, synthetic_speech) -> tuple[Recording, QualityReport]:
    recording = speech if request.param == "studio" else synthetic_speech
    return recording, assess(recording)


def test_a_studio_recording_is_good_in_everything_but_its_length(report, speech):
    assert [check.name for check in report.checks] == list(THRESHOLDS)
    verdicts = {check.name: check.verdict for check in report.checks}
    assert verdicts.pop("speech_seconds") == "fair"
    assert set(verdicts.values()) == {"good"}, verdicts
    assert report.grade == "B"
    assert report.speech_seconds == pytest.approx(sum(b - a for a, b in report.speech_spans))
    assert 0.8 * speech.seconds < report.speech_seconds <= speech.seconds


@pytest.mark.parametrize("kind", ["white", "pink", "brown"])
@pytest.mark.parametrize("truth", [0, 7, 14, 21, 28, 35])
def test_snr_is_within_3_db_of_the_truth(source, truth, kind, rng):
    recording, clean = source
    heard = listen(with_noise(recording, clean.speech_spans, truth, kind, rng))
    own = clean["snr"].value  # noise that was in the source counts as noise
    expected = -10 * np.log10(10 ** (-truth / 10) + 10 ** (-own / 10))
    assert snr_db(heard.frames, heard.spans) == pytest.approx(expected, abs=3)


def test_a_recording_that_is_cut_tightly_is_not_called_noisy(speech):
    """Its few pauses are mostly the first and last syllables, which are not yet or no longer taken for speech."""
    tight = Recording(speech.wave[32000 : 22 * 24000], 24000)
    noisy = with_noise(tight, find_speech(tight), 30, "white", np.random.default_rng(7))
    assert assess(noisy)["snr"].value == pytest.approx(30, abs=3)


@pytest.mark.parametrize("level_db", [-15, -20])
def test_a_television_behind_the_speech_is_noise(speech, other_speech, level_db):
    wave = other_speech.wave
    television = speech.wave[: len(wave)] * 10 ** (level_db / 20) * wave.std() / speech.wave.std()
    report = assess(Recording(wave + television, 24000))
    assert report["speech_share"].value > 90, "its pauses are filled with speech"
    assert report["snr"].verdict == "fair" and assess(other_speech)["snr"].verdict == "good"


def test_noise_has_its_verdicts(speech, report, rng):
    for snr, verdict in ((40, "good"), (25, "fair"), (12, "poor")):
        assert assess(with_noise(speech, report.speech_spans, snr, "white", rng))["snr"].verdict == verdict


@pytest.mark.parametrize("mains", [50, 60])
def test_hum_is_named_and_measured(source, mains):
    recording, clean = source
    check = assess(with_hum(recording, clean.speech_spans, -20, mains + 0.05))["hum"]
    assert (check.facts["mains_hz"], check.verdict) == (mains, "poor")
    assert check.value == pytest.approx(-20, abs=3)


def test_faint_hum_is_fair_and_noise_is_no_hum(speech, report, rng):
    faint = assess(with_hum(speech, report.speech_spans, -42, 50))["hum"]
    assert faint.verdict == "fair" and faint.value == pytest.approx(-42, abs=3)
    for kind in ("white", "brown"):
        assert assess(with_noise(speech, report.speech_spans, 10, kind, rng))["hum"].verdict == "good"


def test_reverberation_grows_with_the_room(source, rng):
    recording, clean = source
    assert clean["reverberation"].verdict == "good"
    found = [assess(in_a_room(recording, rt60, rng))["reverberation"] for rt60 in (0.25, 0.6, 1.3)]
    assert [check.verdict for check in found] == ["good", "fair", "poor"], [check.value for check in found]
    assert found[0].value < found[1].value < found[2].value


def test_reverberation_is_no_noise_verdict(speech, report, rng):
    assert (
        assess(with_noise(speech, report.speech_spans, 20, "white", rng))["reverberation"].verdict == "good"
    )


@pytest.mark.parametrize(("share", "verdict"), [(0.0, "good"), (0.0006, "fair"), (0.005, "poor")])
def test_clipping(source, share, verdict):
    recording, _ = source
    check = assess(clipped(recording, share))["clipping"]
    assert check.verdict == verdict, check.value
    assert check.value <= 100 * share + 0.01


def test_clipping_is_seen_through_lossy_coding(speech):
    file = io.BytesIO()
    spoilt = clipped(speech, 0.01)
    soundfile.write(file, spoilt.wave * 0.8, spoilt.sample_rate, format="MP3")
    file.seek(0)
    wave, rate = soundfile.read(file, dtype="float32")
    assert assess(Recording(wave, rate))["clipping"].verdict == "poor"


@pytest.mark.parametrize(("hertz", "verdict"), [(3400, "poor"), (4000, "poor"), (7500, "fair")])
def test_bandwidth_against_the_nominal_rate(speech, hertz, verdict):
    check = assess(band_limited(speech, hertz))["bandwidth"]
    assert check.value == pytest.approx(hertz, abs=500)
    assert check.verdict == verdict
    assert check.facts["nominal_hz"] == 12000
    assert check.facts["share"] == pytest.approx(100 * hertz / 12000, abs=5)


def test_dc_level_and_peak(speech):
    offset = assess(Recording(speech.wave * 0.5 + np.float32(0.02), speech.sample_rate))
    assert offset["dc"].value == pytest.approx(2, abs=0.1) and offset["dc"].verdict == "fair"
    faint = assess(Recording(speech.wave * 0.003, speech.sample_rate))
    assert faint["loudness"].verdict == "poor" and faint["peak"].verdict == "poor"
    loud = assess(Recording(np.tanh(8 * speech.wave), speech.sample_rate))
    assert loud["loudness"].verdict != "good"


def test_two_speakers_are_suspected_and_one_is_not(speech, other_speech):
    assert assess(other_speech)["speakers"].verdict == "good"
    both = assess(Recording(np.concatenate([speech.wave, other_speech.wave]), speech.sample_rate))
    assert both["speakers"].verdict == "poor"
    assert both.grade in "CD"


def test_noise_does_not_make_a_second_speaker(speech, report, rng):
    noisy = with_noise(speech, report.speech_spans, 15, "pink", rng)
    assert assess(noisy)["speakers"].verdict == "good"


def test_f0_range_is_that_of_the_voice(speech, report, other_speech):
    woman, man = report["f0_range"].facts, assess(other_speech)["f0_range"].facts
    assert 190 < woman["median_hz"] < 250 and 130 < man["median_hz"] < 185
    assert woman["low_hz"] < woman["median_hz"] < woman["high_hz"]


def test_a_monotone_is_noticed(speech, report):
    times = np.arange(len(speech.wave)) / speech.sample_rate
    buzz = np.sum([np.sin(2 * np.pi * 120 * k * times) / k for k in range(1, 30)], axis=0)
    envelope = np.convolve(np.abs(speech.wave), np.ones(480) / 480, "same")
    heard = assess(Recording((buzz * envelope).astype(np.float32), speech.sample_rate))["f0_range"]
    assert heard.value is None or heard.verdict == "poor"


@pytest.mark.parametrize("kind", ["piano", "strings", "lead", "drums", "band"])
def test_music_is_not_speech(kind):
    report = assess(Recording(play(kind), 24000))
    assert report.grade == "D" and report["speech_share"].verdict == "poor"
    with pytest.raises(CraftError, match="audio_no_speech"):
        require_speech(report)


def test_speech_over_music_is_speech_with_noise(speech):
    band = play("band", 24)[: len(speech.wave)]
    report = assess(Recording(speech.wave[: len(band)] + 0.3 * band, 24000))
    require_speech(report)
    assert report["snr"].verdict != "good"


def test_noise_and_very_short_clips(rng, speech):
    report = assess(Recording(rng.normal(0, 0.1, 16000 * 5).astype(np.float32), 16000))
    assert report.grade == "D"
    with pytest.raises(CraftError, match="audio_no_speech"):
        require_speech(report)
    short = assess(Recording(speech.wave[:12000], 24000))
    assert (
        short.grade == "D" and short["snr"].value is None and short["snr"].advice_key == "quality.unmeasured"
    )


@pytest.mark.parametrize("rate", [8000, 11025, 48000, 96000])
def test_any_sample_rate(speech, rate):
    import soxr

    report = assess(Recording(soxr.resample(speech.wave[: 24000 * 12], 24000, rate), rate))
    assert report["speech_share"].verdict == "good"
    assert report["bandwidth"].verdict == ("good" if rate > 24000 else "poor")


def test_a_report_survives_json(report):
    assert QualityReport.from_json(json.loads(json.dumps(report.to_json()))) == report


def test_a_summary_adds_up_the_speech(report):
    whole = summarise([report, report, report])
    assert whole.speech_seconds == pytest.approx(3 * report.speech_seconds)
    assert whole["speech_seconds"].verdict == "good" and whole.grade == "A"
    assert whole["snr"].value == pytest.approx(report["snr"].value)
    assert whole["bandwidth"].facts["nominal_hz"] == 12000
    assert summarise([report]) is report and summarise([]) is None


def test_a_summary_notices_two_people_in_two_files(report, synthetic_speech):
    assert summarise([report, assess(synthetic_speech)])["speakers"].verdict != "good"


def test_a_minute_is_assessed_in_seconds(speech):
    minute = Recording(np.resize(speech.wave, 60 * 24000), 24000)
    assess(minute)
    assert takes_under(4, lambda: assess(minute))


def test_every_check_has_its_sentences(report, speech, rng):
    two = assess(Recording(rng.normal(0, 0.1, 16000 * 5).astype(np.float32), 16000))
    for check in (*report.checks, *two.checks):
        for key in (
            f"quality.{check.name}.name",
            f"quality.{check.name}.target",
            check.value_key,
            check.advice_key,
        ):
            for text in SENTENCES[key].values():
                assert text.format(**check.facts).strip()
    for name in THRESHOLDS:
        known = set(report[name].facts)
        for verdict in ("good", "fair", "poor"):
            for text in SENTENCES[f"quality.{name}.{verdict}"].values():
                assert {field for _, field, _, _ in string.Formatter().parse(text) if field} <= known, (
                    name,
                    text,
                )
    for grade in "ABCD":
        assert set(SENTENCES[f"quality.grade.{grade}"]) == {"en", "zh"}


def test_who_walks_away_from_the_microphone_is_unsteady(speech):
    def heard(wave):
        return unsteadiness_db(power_frames(wave, speech.sample_rate), find_speech(speech))

    away = np.linspace(1, 0.05, len(speech.wave), dtype=np.float32)
    assert 1 < heard(speech.wave) < 4 < heard(away * speech.wave)
    assert heard(0.1 * speech.wave) == pytest.approx(heard(speech.wave), abs=0.01)
    assert unsteadiness_db(power_frames(speech.wave, speech.sample_rate), ((0.2, 0.6),)) is None
