from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from pipelines.audio import voice_activity
from pipelines.audio.features import resample, track_pitch
from pipelines.audio.voice_activity import FRAME, speech_probabilities, speech_spans


@pytest.fixture(scope="module")
def wave16(speech) -> np.ndarray:
    hush = np.zeros(24000, np.float32)
    return resample(np.concatenate([hush, speech.wave[: 24000 * 9], hush]), 24000, 16000)


@pytest.fixture(scope="module")
def published():
    """The wheel's own TorchScript network."""
    torch = pytest.importorskip("torch")
    folder = Path(find_spec("silero_vad").origin).parent / "data"
    return torch.jit.load(str(folder / "silero_vad.jit"))


def published_probabilities(network, wave: np.ndarray) -> np.ndarray:
    import torch

    network.reset_states()
    frames = np.pad(wave, (0, -len(wave) % FRAME)).reshape(-1, FRAME)
    with torch.inference_mode():
        return np.array([network(torch.from_numpy(frame)[None], 16000).item() for frame in frames])


def test_the_arithmetic_is_that_of_the_published_network(wave16, published, monkeypatch):
    """Its newer weights in our network give its probabilities."""
    newer = {name: tensor.numpy() for name, tensor in published._model.state_dict().items()}
    names = {
        "stft_conv.weight": "stft.forward_basis_buffer",
        "final_conv.weight": "decoder.decoder.2.weight",
        "final_conv.bias": "decoder.decoder.2.bias",
        **{
            f"lstm_cell.{part}": f"decoder.rnn.{part}"
            for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        },
        **{
            f"conv{i}.{part}": f"encoder.{i - 1}.reparam_conv.{part}"
            for i in range(1, 5)
            for part in ("weight", "bias")
        },
    }
    monkeypatch.setattr(
        voice_activity, "_weights", lambda: {ours: newer[theirs] for ours, theirs in names.items()}
    )
    assert np.abs(speech_probabilities(wave16) - published_probabilities(published, wave16)).max() < 1e-3


def test_speech_is_found_where_the_published_network_finds_it(wave16, published):
    ours = speech_probabilities(wave16) > 0.5
    theirs = published_probabilities(published, wave16) > 0.5
    assert (ours == theirs).mean() > 0.95


def test_spans(wave16):
    spans = speech_spans(speech_probabilities(wave16), len(wave16) / 16000)
    assert 0.9 < spans[0][0] < 1.3 and 9.5 < spans[-1][1] < 10.4
    assert all(a < b for a, b in spans) and all(
        b <= c for (_, b), (c, _) in zip(spans, spans[1:], strict=False)
    )


def test_spans_of_a_drawn_curve():
    curve = np.zeros(100)
    curve[10:40] = 0.9
    curve[20:22] = 0.1  # two frames of doubt are no pause
    curve[60:64] = 0.9  # too short to be a word
    (only,) = speech_spans(curve, 3.2)
    assert only == (pytest.approx(0.29), pytest.approx(1.31))
    assert speech_spans(np.zeros(0), 0.0) == ()
    assert len(speech_probabilities(np.zeros(0, np.float32))) == 0


def test_pitch_of_a_gliding_voice():
    times = np.arange(16000 * 2) / 16000
    f0 = 120 * 2 ** (0.5 * np.sin(2 * np.pi * 0.5 * times))
    phase = 2 * np.pi * np.cumsum(f0) / 16000
    wave = np.sum([np.sin(k * phase) / k for k in range(1, 20)], axis=0).astype(np.float32) * 0.2
    wave[12000:20000] = 0
    pitch = track_pitch(wave, 16000)
    truth = np.interp(pitch.times, times, f0)
    silent = (pitch.times > 0.8) & (pitch.times < 1.2)
    assert not pitch.voiced[silent].any()
    sure = pitch.voiced & (pitch.times > 0.05) & (pitch.times < 1.95)
    assert sure.sum() > 120
    assert np.abs(np.log2(pitch.f0[sure] / truth[sure])).max() < 0.05
