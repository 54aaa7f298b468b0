from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines.audio import plot_style
from pipelines.audio.clean import clean
from pipelines.audio.plot_style import DARK, ENGLISH, LIGHT, Sheet
from pipelines.audio.plots import LABELS, loudness_plot, spectrogram_plot, waveform_plot
from pipelines.audio.quality import assess
from pipelines.audio.recording import Recording

SENTENCES = json.loads((Path(__file__).parents[3] / "assets/i18n/quality.json").read_text(encoding="utf-8"))
CHINESE = {label: SENTENCES[f"plot.{label}"]["zh"] for label in LABELS}


@pytest.fixture(scope="module")
def pieces(speech):
    hush = np.zeros(2 * speech.sample_rate, np.float32)
    recording = Recording(
        np.concatenate([hush, speech.wave[: 8 * speech.sample_rate], hush]), speech.sample_rate
    )
    report = assess(recording)
    return recording, report, clean(recording, report.speech_spans)


def pixels(png: bytes) -> np.ndarray:
    """``[H, W, 4]`` of a picture that is see-through at its corners."""
    picture = Image.open(io.BytesIO(png))
    assert picture.format == "PNG" and picture.size == (1040, 500)
    found = np.asarray(picture.convert("RGBA")).astype(int)
    assert (found[[0, 0, -1, -1], [0, -1, 0, -1], 3] == 0).all()
    return found


def count(found: np.ndarray, colour: str) -> int:
    wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return int(((np.abs(found[..., :3] - wanted).max(axis=2) < 12) & (found[..., 3] > 200)).sum())


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("labels", [{}, CHINESE], ids=["en", "zh"])
def test_all_plots_in_both_lights_and_languages(pieces, dark, labels):
    colours = DARK if dark else LIGHT
    for draw in (waveform_plot, loudness_plot):
        for cleaned in (pieces[2], None):
            assert count(pixels(draw(*pieces[:2], cleaned, dark=dark, labels=labels)), colours.accent) > 1500
    assert count(pixels(spectrogram_plot(*pieces, dark=dark, labels=labels)), colours.second) > 200


def test_the_cut_silence_is_grey_and_the_speech_coloured(pieces):
    found = pixels(waveform_plot(*pieces, dark=False, labels={}))[60:420]
    third = found.shape[1] // 8
    assert count(found[:, :third], LIGHT.accent) == 0 < count(found[:, 3 * third : 5 * third], LIGHT.accent)


def test_a_recording_without_speech_or_voice_has_plots_too(rng):
    recording = Recording(rng.normal(0, 0.05, 16000).astype(np.float32), 16000)
    report = assess(recording)
    for draw in (waveform_plot, spectrogram_plot, loudness_plot):
        pixels(draw(recording, report, None, dark=False, labels={}))


def test_english_is_written_when_no_font_has_the_letters(monkeypatch):
    monkeypatch.setattr(plot_style, "_first_installed", lambda names: None)
    assert Sheet(False, CHINESE).labels == ENGLISH
    assert Sheet(False, {"time": "Sekunden"}).labels["time"] == "Sekunden"


def test_labels_are_those_of_the_catalogue():
    assert {label: SENTENCES[f"plot.{label}"]["en"] for label in LABELS} == ENGLISH


def test_every_letter_is_drawn(pieces, recwarn):
    waveform_plot(*pieces, dark=False, labels=CHINESE)
    if plot_style._first_installed(plot_style._CHINESE) is None:
        pytest.skip("no Chinese font here")
    assert not [warning for warning in recwarn if "missing from font" in str(warning.message)]


def test_letters_stand_out_from_the_page():
    """WCAG AA: 4.5 to 1 for the letters, on the page's cards."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))

    for colours, card in ((LIGHT, "#FFFFFF"), (DARK, "#1D2029")):
        for letters in (colours.ink, colours.muted):
            light, dark = sorted((luminance(letters), luminance(card)), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_plots_leave_matplotlib_as_it_was(pieces):
    import matplotlib

    before = dict(matplotlib.rcParams)
    waveform_plot(*pieces, dark=True, labels={})
    assert dict(matplotlib.rcParams) == before
