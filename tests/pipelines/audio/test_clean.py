from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pipelines.audio.clean import LONGEST_PAUSE_SECONDS, PEAK_DB, clean
from pipelines.audio.denoise import denoise
from pipelines.audio.features import power_frames
from pipelines.audio.quality import assess
from pipelines.audio.recording import Recording
from tests.pipelines.audio.degradation import with_hum, with_noise


@pytest.fixture(scope="module")
def spans(speech):
    return assess(speech).speech_spans


def likeness_db(reference: np.ndarray, wave: np.ndarray) -> float:
    """Scale-invariant signal-to-distortion ratio."""
    scaled = (reference @ wave) / (reference @ reference) * reference
    return 10 * np.log10(np.square(scaled).sum() / np.square(wave - scaled).sum())


def no_pause(recording: Recording) -> np.ndarray:
    return np.zeros(len(recording.wave), bool)


def test_clean_speech_is_left_alone(speech, spans):
    cleaned = clean(speech, spans)
    assert "denoised" not in cleaned.actions and "dehummed" not in cleaned.actions
    assert cleaned.kept == ((0.0, pytest.approx(speech.seconds)),)
    assert likeness_db(speech.wave, cleaned.recording.wave) > 40


def test_even_forced_denoising_does_not_hurt_clean_speech(speech, synthetic_speech):
    for recording in (speech, synthetic_speech):
        denoised = denoise(recording.wave, recording.sample_rate, no_pause(recording))
        assert len(denoised) == len(recording.wave)
        assert likeness_db(recording.wave, denoised) > 30


@pytest.mark.parametrize("kind", ["white", "pink"])
@pytest.mark.parametrize("snr", [5, 15, 25])
def test_noise_is_lowered_and_speech_stays(speech, spans, snr, kind, rng):
    noisy = with_noise(speech, spans, snr, kind, rng)
    cleaned = clean(Recording(noisy.wave, noisy.sample_rate), spans)
    assert "denoised" in cleaned.actions
    before, after = assess(noisy), assess(cleaned.recording)
    assert after["snr"].value > before["snr"].value + 12
    assert after.speech_seconds == pytest.approx(before.speech_seconds, rel=0.06)
    denoised = denoise(noisy.wave, noisy.sample_rate, no_pause(noisy))
    assert likeness_db(speech.wave, denoised) > likeness_db(speech.wave, noisy.wave) + (4 if snr < 20 else 2)


def test_silence_is_trimmed_at_the_ends_and_shortened_within(speech, rng):
    rate = speech.sample_rate
    hush = (1e-4 * rng.standard_normal(3 * rate)).astype(np.float32)
    half = round(14.42 * rate)
    wave = np.concatenate([hush, speech.wave[:half], hush, speech.wave[half:], hush])
    cleaned = clean(Recording(wave, rate, "words", 1.0))
    (first, last) = cleaned.kept[0][0], cleaned.kept[-1][1]
    assert 2.6 < first < 3.1 and speech.seconds + 5.9 < last < speech.seconds + 6.4
    assert "trimmed" in cleaned.actions
    assert cleaned.recording.seconds == pytest.approx(sum(b - a for a, b in cleaned.kept), abs=0.01)
    assert cleaned.recording.seconds < speech.seconds + LONGEST_PAUSE_SECONDS + 0.3
    assert cleaned.recording.text == "words"
    assert cleaned.recording.start_seconds == pytest.approx(1.0 + first)
    json.dumps(cleaned.kept)
    spoken = assess(speech).speech_seconds
    assert assess(cleaned.recording).speech_seconds == pytest.approx(spoken, rel=0.05)


def test_cuts_do_not_click(speech, rng):
    rate = speech.sample_rate
    hush = (2e-4 * rng.standard_normal(2 * rate)).astype(np.float32)
    wave = np.concatenate([speech.wave[: 5 * rate], hush, speech.wave[5 * rate : 9 * rate]])
    cleaned = clean(Recording(wave, rate))
    assert len(cleaned.kept) > 1
    for cut in np.cumsum([round((b - a) * rate) for a, b in cleaned.kept])[:-1]:
        assert np.abs(np.diff(cleaned.recording.wave[cut - 50 : cut + 50])).max() < 0.003


@pytest.mark.parametrize("gain", [0.01, 0.3, 1.0])
def test_level(speech, spans, gain):
    cleaned = clean(Recording(speech.wave * np.float32(gain), speech.sample_rate), spans)
    report = assess(cleaned.recording)
    assert report["peak"].value <= PEAK_DB + 0.01
    assert report["loudness"].verdict == "good"


def test_offset_and_hum_go(speech, spans):
    spoilt = with_hum(speech, spans, -18, 50)
    spoilt = Recording(spoilt.wave * 0.7 + np.float32(0.05), spoilt.sample_rate)
    cleaned = clean(spoilt, spans)
    assert {"centred", "dehummed"} <= set(cleaned.actions)
    report = assess(cleaned.recording)
    assert report["dc"].verdict == "good" and report["hum"].value < -40


def test_what_holds_no_speech_comes_back_whole(rng):
    noise = Recording(rng.normal(0, 0.05, 16000 * 3).astype(np.float32), 16000)
    cleaned = clean(noise)
    assert cleaned.recording.seconds == pytest.approx(3) and "trimmed" not in cleaned.actions


def test_the_original_is_not_touched(speech, spans):
    before = speech.wave.copy()
    clean(speech, spans)
    assert np.array_equal(before, speech.wave)


def test_every_action_has_its_sentence():
    sentences = json.loads(
        (Path(__file__).parents[3] / "assets/i18n/quality.json").read_text(encoding="utf-8")
    )
    for action in ("centred", "dehummed", "denoised", "trimmed", "levelled"):
        assert set(sentences[f"clean.action.{action}"]) == {"en", "zh"}


def test_frames_hold_the_power_of_the_wave(speech):
    frames = power_frames(speech.wave, speech.sample_rate)
    assert frames.power.sum(axis=1).mean() == pytest.approx(np.mean(speech.wave**2), rel=0.02)
