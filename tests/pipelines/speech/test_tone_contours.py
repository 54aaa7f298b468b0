from __future__ import annotations

import numpy as np
import pytest

from pipelines.speech.register import LIMITS_HZ, USUAL_HZ, USUAL_SPREAD, Register, approached
from pipelines.speech.starter import speakable
from pipelines.speech.tone_contours import breath_groups, with_tones
from pipelines.text.symbols import is_pause
from pipelines.text.utterance import Utterance

HER = Register(200.0, 2.8)
FRAMES = {"pause": 12, "phoneme": 14}


def frames_of(utterance: Utterance) -> list[int]:
    return [FRAMES["pause" if is_pause(symbol) else "phoneme"] for symbol in utterance.phonemes]


def sung(text: str, register: Register = HER, heard_hz: float = 180.0) -> tuple[Utterance, list[np.ndarray]]:
    """F0 in semitones around the register, phoneme by phoneme."""
    utterance = speakable(text)
    frames = frames_of(utterance)
    f0 = with_tones(utterance.phonemes, utterance.tones, frames, register, np.full(sum(frames), heard_hz))
    with np.errstate(divide="ignore"):
        semitones = 12 * np.log2(f0 / register.hz)
    return utterance, np.split(semitones, np.cumsum(frames)[:-1])


def finals(text: str) -> list[np.ndarray]:
    utterance, tracks = sung(text)
    return [track for track, tone in zip(tracks, utterance.tones, strict=True) if tone > 3]


def test_each_tone_has_its_shape() -> None:
    # 妈, 麻, 马, 骂: high and level, rising, low, falling.
    high, rising, low, falling = (finals(f"{character}。")[0] for character in "妈麻马骂")
    assert high.min() > 2 and np.ptp(high) < 1
    assert rising[-1] - rising[0] > 3 and (np.diff(rising) > 0).all()
    assert low.min() < -3 and low.mean() < rising.mean() < high.mean()
    assert falling[0] - falling[-1] > 4 and (np.diff(falling)[4:] < 0).all()


def test_a_tone_begins_where_the_one_before_it_ends() -> None:
    after_high, after_falling = finals("妈鱼。")[1], finals("卖鱼。")[1]
    assert after_high[0] > after_falling[0] + 1, "nothing was carried over"
    assert abs(after_high[-1] - after_falling[-1]) < 0.5, "the target was not reached"


def test_a_low_tone_rises_at_the_end_alone() -> None:
    last, inside = finals("好马。")[1], finals("马车。")[0]
    assert last[-1] > last.min() + 1 and inside[-1] == inside.min()


def test_a_neutral_tone_follows_the_tone_before_it() -> None:
    after_falling, after_low = finals("帽子。")[1], finals("椅子。")[1]
    assert after_low.mean() > after_falling.mean() + 1


def test_a_question_ends_higher_than_a_statement() -> None:
    said, asked = finals("他是老师。"), finals("他是老师？")
    assert asked[-1].mean() > said[-1].mean() + 1.5
    assert np.allclose(asked[0], said[0])


def test_a_breath_group_sinks_and_the_next_begins_anew() -> None:
    first, *_, last, anew = (track.mean() for track in finals("今天他喝汤，他。"))
    assert last < first - 0.8 and anew > last + 0.2


def test_vowels_sound_and_breath_does_not() -> None:
    utterance, tracks = sung("他们是谁？", heard_hz=0.0)
    silent = {s for s, track in zip(utterance.phonemes, tracks, strict=True) if np.isinf(track).all()}
    assert silent == {"sil", "zh/t", "zh/sh", "?"}
    assert all(np.isfinite(track).all() or np.isinf(track).all() for track in tracks)


def test_english_words_keep_their_pitch_and_nothing_jumps() -> None:
    utterance, tracks = sung("我喜欢 banana bread。")
    english = np.concatenate([t for s, t in zip(utterance.phonemes, tracks, strict=True) if s.isupper()])
    heard = 12 * np.log2(180 / 200)
    assert abs(english[0] - heard) > 0.3 and np.allclose(english[-20:], heard, atol=0.1)
    said = [
        np.full_like(t, np.nan) if is_pause(s) else t for s, t in zip(utterance.phonemes, tracks, strict=True)
    ]
    track = np.concatenate(said)
    track[np.isinf(track)] = np.nan
    assert np.nanmax(np.abs(np.diff(track))) < 1.5


def test_tones_lie_in_the_register() -> None:
    _, hers = sung("你妈骂马。")
    _, his = sung("你妈骂马。", Register(100.0, 2.8))
    assert np.allclose(np.concatenate(hers)[20:60], np.concatenate(his)[20:60], atol=1e-6)
    lively, flat = (
        np.nanstd(np.concatenate(sung("你妈骂马。", Register(200.0, s))[1][2:8])) for s in (9, 0.1)
    )
    assert lively == pytest.approx(flat * 1.25 / 0.75, rel=1e-3)
    utterance = speakable("马马马。")
    frames = frames_of(utterance)
    deep = with_tones(
        utterance.phonemes, utterance.tones, frames, Register(60.0, 9.0), np.full(sum(frames), 60.0)
    )
    assert deep[deep > 0].min() == LIMITS_HZ[0]


def test_the_register_of_a_voice() -> None:
    f0 = np.array([0.0, 100.0, 110.0, 121.0, 0.0, 880.0])
    register = Register.of(np.concatenate([f0, np.full(20, 110.0)]))
    assert register.hz == 110.0 and 0 < register.spread < 1.5, "an octave was taken for liveliness"
    assert Register.of(np.zeros(5)) == Register(USUAL_HZ, USUAL_SPREAD)


def test_it_stays_between_what_it_aims_at() -> None:
    target = np.repeat([0.0, 5.0, -5.0], 40)
    track = approached(target)
    assert track[0] == 0 and abs(track[79] - 5) < 0.1 and abs(track[-1] + 5) < 0.1
    assert -5 <= track.min() and track.max() <= 5
    assert np.abs(np.diff(track, 2)).max() < 1, "a bend that no voice could take"


def test_breath_groups_end_at_marks() -> None:
    utterance = speakable("你好，世界！")
    groups = breath_groups(utterance.phonemes, utterance.tones, frames_of(utterance))
    assert [(len(group), mark) for group, mark in groups] == [(2, ","), (2, "!")]
    (first, second), _ = groups[0]
    assert (first.begin, first.end) == (12, 40) and (second.begin, second.end) == (40, 68)
