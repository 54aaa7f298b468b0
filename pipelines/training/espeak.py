"""The espeak-ng library of the machine, which speaks and says when each phoneme is heard. Only its audio is used."""

from __future__ import annotations

import ctypes
from functools import lru_cache

import numpy as np

from pipelines.training.phone_alignment import Heard

_RETRIEVE_AUDIO, _PHONEME_EVENTS, _NO_EXIT = 1, 0x0001, 0x8000
_PHONEME_EVENT, _UTF8 = 7, 1
_RATE, _PITCH = 1, 3
WORDS_A_MINUTE = 160
PITCH_POINTS_A_SEMITONE = 8.3


class _Identity(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Identity),
    ]


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class Espeak:
    """The library, once a process."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL("libespeak-ng.so.1")
        self._callback = _Callback(self._take)
        self.sample_rate = self._library.espeak_Initialize(
            _RETRIEVE_AUDIO, 0, None, _PHONEME_EVENTS | _NO_EXIT
        )
        if self.sample_rate <= 0:
            raise OSError("espeak-ng found no voice data")
        self._library.espeak_SetSynthCallback(self._callback)
        self._parts: list[np.ndarray] = []
        self._events: list[tuple[int, str]] = []

    def __call__(
        self, voice: str, text: str, stretch: float, pitch: float
    ) -> tuple[np.ndarray, tuple[Heard, ...]]:
        """``[T]`` float32, and espeak's phonemes by their mnemonics (None for silence)."""
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise OSError(f"espeak-ng has no voice {voice}")
        points = 50 + PITCH_POINTS_A_SEMITONE * 12 * np.log2(pitch)
        self._library.espeak_SetParameter(_RATE, round(WORDS_A_MINUTE / stretch), 0)
        self._library.espeak_SetParameter(_PITCH, int(np.clip(round(points), 0, 99)), 0)
        self._parts, self._events = [], []
        data = text.encode()
        self._library.espeak_Synth(data, ctypes.c_size_t(len(data) + 1), 0, 1, 0, _UTF8, None, None)
        self._library.espeak_Synchronize()
        wave = np.concatenate(self._parts).astype(np.float32) / 32768
        heard: list[Heard] = []
        ends = [sample for sample, _ in self._events[1:]] + [len(wave)]
        for (start, name), end in zip(self._events, ends, strict=True):
            silent = not name or name.startswith("_")
            if end > start and name != ";":
                heard.append(
                    Heard(None if silent else name, start / self.sample_rate, end / self.sample_rate)
                )
        return wave, tuple(heard)

    def _take(self, samples: ctypes._Pointer, count: int, events: ctypes._Pointer) -> int:
        if samples and count:
            self._parts.append(np.ctypeslib.as_array(samples, (count,)).copy())
        index = 0
        while events[index].type != 0:
            if events[index].type == _PHONEME_EVENT:
                name = bytes(events[index].id.string).split(b"\0")[0].decode("utf-8", "ignore")
                self._events.append((events[index].sample, name))
            index += 1
        return 0


@lru_cache(maxsize=1)
def espeak() -> Espeak:
    return Espeak()
