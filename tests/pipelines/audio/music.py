"""A little band, so that the tests have music of their own."""

from __future__ import annotations

import numpy as np

RATE = 24000
CHORDS = ((0, 4, 7), (9, 12, 16), (5, 9, 12), (7, 11, 14))


def play(kind: str, seconds: float = 10.0, seed: int = 1) -> np.ndarray:
    """``piano``, ``strings``, ``lead``, ``drums`` or ``band``; [T] float32 at 24 kHz, peak 0.7."""
    rng, beat = np.random.default_rng(seed), 0.4
    wave = np.zeros(int((seconds + 3) * RATE))
    for i in range(int(seconds / beat)):
        chord = CHORDS[(i // 8) % 4]
        sounds = []
        if kind in ("piano", "band"):
            sounds += [0.15 * _note(220 * 2 ** (n / 12), 1.5, 6, 0.005, 3) for n in chord if i % 2 == 0]
            sounds.append(0.2 * _note(440 * 2 ** (chord[i % 3] / 12), 0.8, 3, 0.005, 4))
        if kind == "strings" and i % 4 == 0:
            sounds += [0.1 * _note(220 * 2 ** (n / 12), 1.9, 14, 0.2, 0.3, vibrato=0.3) for n in chord]
        if kind == "lead":
            sounds.append(
                _note(330 * 2 ** (rng.choice([0, 2, 4, 7, 9, 12]) / 12), 0.45, 19, 0.03, 1, vibrato=0.4)
            )
        if kind in ("drums", "band"):
            times = np.arange(int(0.2 * RATE)) / RATE
            bass = np.sin(2 * np.pi * (50 * times + 20 * (1 - np.exp(-20 * times)))) * np.exp(-12 * times)
            sounds.append(
                0.6 * bass if i % 2 == 0 else 0.25 * rng.standard_normal(len(times)) * np.exp(-25 * times)
            )
        start = int(i * beat * RATE)
        for sound in sounds:
            wave[start : start + len(sound)] += sound
    return (0.7 * wave / np.abs(wave).max()).astype(np.float32)


def _note(hertz, seconds, harmonics, attack, decay, vibrato=0.0) -> np.ndarray:
    times = np.arange(int(seconds * RATE)) / RATE
    phase = 2 * np.pi * hertz * times + vibrato * np.sin(2 * np.pi * 5.5 * times)
    partials = sum(np.sin(k * phase) / k for k in range(1, harmonics + 1) if k * hertz < RATE / 2)
    return np.minimum(times / attack, 1) * np.exp(-decay * times) * partials
