"""Where someone speaks: Silero VAD, its published weights run with numpy so that nobody waits for torch.

Source: silero-vad (MIT), https://github.com/snakers4/silero-vad; the network of its ``tinygrad_model`` with the
safetensors weights of the same wheel, and the spans of its ``get_speech_timestamps``. A minute of audio takes 0.1 s.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

RATE = 16000
FRAME = 512
FRAME_SECONDS = FRAME / RATE
CONTEXT = 64
THRESHOLD = 0.5
RELEASE_THRESHOLD = 0.35
MIN_SPEECH_SECONDS = 0.25
MIN_PAUSE_SECONDS = 0.1
PADDING_SECONDS = 0.03

Spans = tuple[tuple[float, float], ...]


def speech_probabilities(wave: np.ndarray) -> np.ndarray:
    """``wave`` [T] at 16 kHz -> [ceil(T / 512)] probabilities that a frame of 32 ms holds speech."""
    weights = _weights()
    count = -(-len(wave) // FRAME)
    if count == 0:
        return np.zeros(0, np.float32)
    padded = np.zeros(CONTEXT + count * FRAME, np.float32)
    padded[CONTEXT : CONTEXT + len(wave)] = wave
    frames = np.lib.stride_tricks.sliding_window_view(padded, CONTEXT + FRAME)[::FRAME]
    encoded = np.concatenate([_encode(weights, block) for block in np.array_split(frames, -(-count // 512))])
    return _remember(weights, encoded)


def speech_spans(probabilities: np.ndarray, seconds: float) -> Spans:
    """Start and end of every stretch of speech, in seconds."""
    spans, start, quiet_since = [], None, None
    for frame, probability in enumerate(probabilities):
        now = frame * FRAME_SECONDS
        if probability >= THRESHOLD:
            start, quiet_since = now if start is None else start, None
        elif start is not None and probability < RELEASE_THRESHOLD:
            quiet_since = now if quiet_since is None else quiet_since
            if now - quiet_since >= MIN_PAUSE_SECONDS:
                spans.append((start, quiet_since))
                start, quiet_since = None, None
    if start is not None:
        spans.append((start, seconds if quiet_since is None else quiet_since))
    return tuple(
        (max(0.0, start - PADDING_SECONDS), min(seconds, end + PADDING_SECONDS))
        for start, end in spans
        if end - start >= MIN_SPEECH_SECONDS
    )


@cache
def _weights() -> dict[str, np.ndarray]:
    from safetensors.numpy import load_file

    # Importing silero_vad would import torch and set its thread count for the whole process.
    package = find_spec("silero_vad")
    if package is None or package.origin is None:
        raise ModuleNotFoundError(
            "silero-vad is not installed: pip install -r requirements.txt", name="silero_vad"
        )
    return load_file(Path(package.origin).parent / "data" / "silero_vad_16k.safetensors")


def _encode(weights: dict[str, np.ndarray], frames: np.ndarray) -> np.ndarray:
    """[N, 576] samples -> [N, 128]."""
    frames = np.pad(frames, ((0, 0), (0, CONTEXT)), mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(frames, 256, axis=1)[:, ::128]  # [N, 4, 256]
    spectrum = windows @ weights["stft_conv.weight"][:, 0].T  # [N, 4, 258]
    x = np.hypot(spectrum[..., :129], spectrum[..., 129:])
    for layer, stride in ((1, 1), (2, 2), (3, 2), (4, 1)):
        x = _convolve(x, weights[f"conv{layer}.weight"], weights[f"conv{layer}.bias"], stride)
    return x[:, 0]


def _convolve(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, stride: int) -> np.ndarray:
    """ReLU of a width-3 convolution; [N, T, C] -> [N, ceil(T / stride), C']."""
    x = np.pad(x, ((0, 0), (1, 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(x, 3, axis=1)[:, ::stride]  # [N, T', C, 3]
    folded = windows.reshape(*windows.shape[:2], -1) @ weight.reshape(len(weight), -1).T
    return np.maximum(folded + bias, 0)


def _remember(weights: dict[str, np.ndarray], encoded: np.ndarray) -> np.ndarray:
    """The recurrent half: [N, 128] -> [N] probabilities."""
    inputs = (
        encoded @ weights["lstm_cell.weight_ih"].T
        + weights["lstm_cell.bias_ih"]
        + weights["lstm_cell.bias_hh"]
    )
    recurrent = np.ascontiguousarray(weights["lstm_cell.weight_hh"].T)
    hidden = cell = np.zeros(128, np.float32)
    states = np.empty_like(encoded)
    for i, given in enumerate(inputs):
        gates = given + hidden @ recurrent
        opened = _sigmoid(gates)
        cell = opened[128:256] * cell + opened[:128] * np.tanh(gates[256:384])
        hidden = opened[384:] * np.tanh(cell)
        states[i] = hidden
    logits = np.maximum(states, 0) @ weights["final_conv.weight"][0, :, 0] + weights["final_conv.bias"]
    return _sigmoid(logits)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(0.5 * x))
