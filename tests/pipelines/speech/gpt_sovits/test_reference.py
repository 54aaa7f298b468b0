"""Which seconds of a person's recordings stand for the person."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipelines.audio.listening import find_speech
from pipelines.audio.recording import Recording
from pipelines.failure import CraftError
from pipelines.speech.gpt_sovits import reference
from pipelines.speech.gpt_sovits.reference import MOST_REFERENCES, Stretch, best_references, mark

CLIPS = Path(__file__).resolve().parents[3] / "fixtures" / "speech"


def clip(name: str) -> Recording:
    return Recording(*soundfile.read(CLIPS / name, dtype="float32"))


@pytest.fixture(scope="module")
def clips() -> list[Recording]:
    """Three of one reader, 7 s each, none of which say what is said."""
    return [clip(f"LJ001-00{number}.flac") for number in ("09", "18", "22")]


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch):
    """Where the recordings of a test hold speech, whatever they hold; every second of it as good as any other."""

    def say(*spans: tuple[float, float]) -> None:
        monkeypatch.setattr(reference, "find_speech", lambda recording: spans)
        monkeypatch.setattr(reference, "mark", lambda stretch: stretch.promise)

    return say


def silence(seconds: float, **more: object) -> Recording:
    return Recording(np.zeros(int(seconds * 16_000), np.float32), 16_000, **more)


def noisy(recording: Recording, level: float = 0.03) -> Recording:
    noise = np.random.default_rng(1).standard_normal(len(recording.wave)).astype(np.float32)
    return replace(recording, wave=recording.wave + level * noise)


def stretch(recording: Recording) -> Stretch:
    return Stretch(recording, 0, find_speech(recording))


@pytest.mark.parametrize(
    "spoil",
    [
        noisy,
        lambda clip: replace(clip, wave=np.clip(8 * clip.wave, -1, 1)),
        lambda clip: replace(clip, wave=0.004 * clip.wave),
        lambda clip: replace(
            clip, wave=clip.wave * np.linspace(1, 0.02, len(clip.wave), dtype=np.float32) ** 2
        ),
        lambda clip: replace(clip, wave=np.pad(clip.wave[: 3 * clip.sample_rate], (0, 4 * clip.sample_rate))),
    ],
    ids=["noise", "clipping", "too quiet", "fading", "mostly silence"],
)
def test_what_spoils_a_recording_costs_its_mark(clips: list[Recording], spoil) -> None:
    good = clips[0]
    assert mark(stretch(spoil(good))) < mark(stretch(good)) - 0.05
    chosen = best_references([spoil(good), clips[1]])[0]
    assert np.shares_memory(chosen.wave, clips[1].wave)


def test_the_main_one_begins_and_ends_in_pauses(spans) -> None:
    spans((0.0, 1.0), (1.5, 6.5), (9.0, 9.5), (20.0, 40.0))
    first = best_references([silence(41)])[0]
    assert (first.start_seconds, first.seconds) == (pytest.approx(1.4), pytest.approx(5.2))
    assert first.text is None


def test_what_is_known_to_be_said_comes_first(clips: list[Recording]) -> None:
    written = noisy(replace(clips[2], text="It is known."))
    chosen = best_references([clips[0], written, clips[1]])
    assert chosen[0] is written and len(chosen) == 3
    breathless = replace(clips[0], wave=np.tile(clips[0].wave, 9), text="All of it.")
    assert all(one.text is None for one in best_references([breathless]))  # nobody knows where in it they end


def test_breathless_speech_is_cut_all_along(spans) -> None:
    spans((0.0, 60.0))
    chosen = best_references([silence(60)])
    assert len(chosen) == MOST_REFERENCES and {one.seconds for one in chosen} == {10.0}


def test_references_do_not_overlap_and_are_spread(clips: list[Recording]) -> None:
    whole = replace(clips[0], wave=np.concatenate([one.wave for one in clips]))
    spread = best_references([whole, clips[1]])
    assert len(spread) >= 3
    cuts = sorted(
        (one.start_seconds, one.start_seconds + one.seconds) for one in spread if one.wave.base is whole.wave
    )
    assert all(end <= begin for (_, end), (begin, _) in zip(cuts, cuts[1:], strict=False))
    assert np.shares_memory(spread[0].wave, clips[1].wave) != np.shares_memory(spread[1].wave, clips[1].wave)


def test_what_is_much_worse_is_left_out(clips: list[Recording]) -> None:
    chosen = best_references([clips[0], noisy(clips[1], 0.1), clips[2]])
    assert len(chosen) == 2


def test_too_little_speech(clips: list[Recording]) -> None:
    for recordings in ([], [replace(clips[0], wave=clips[0].wave[: 2 * clips[0].sample_rate])]):
        with pytest.raises(CraftError, match="reference_too_short"):
            best_references(recordings)
