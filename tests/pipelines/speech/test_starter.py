from __future__ import annotations

import itertools
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models.starter.mel import HOP, MEL_BANDS
from pipelines.audio.levelling import PEAK
from pipelines.audio.pitch import yin
from pipelines.audio.recording import Recording
from pipelines.failure import CraftError
from pipelines.speech.starter import PART_SECONDS, StarterEngine, languages_of, reference_windows, speakable
from pipelines.speech.voice import Voice

SENTENCE = "Eight people waited at the corner for the morning bus."


def cosine(one: torch.Tensor, other: torch.Tensor) -> float:
    return float(torch.nn.functional.cosine_similarity(one.float(), other.float(), dim=0))


@pytest.mark.slow
def test_a_take_is_speech(starter: StarterEngine, reader: Voice) -> None:
    take = starter.synthesize(SENTENCE, reader, {}, 1)
    assert take.wave.dtype == np.float32 and take.wave.ndim == 1 and take.sample_rate == 22050
    assert np.isfinite(take.wave).all() and np.abs(take.wave).max() <= PEAK + 1e-3
    assert 1.5 < take.seconds < 6.0
    assert 0.5 < take.score <= 1.0
    assert [word.text for word in take.words] == SENTENCE.rstrip(".").split()
    ends = [0.0, *itertools.chain(*((w.start_seconds, w.end_seconds) for w in take.words))]
    assert ends == sorted(ends) and ends[-1] <= take.seconds + 1e-6


@pytest.mark.slow
def test_the_seed_decides(starter: StarterEngine, reader: Voice) -> None:
    takes = [starter.synthesize(SENTENCE, reader, {}, seed).wave for seed in (1, 1, 2)]
    assert np.array_equal(takes[0], takes[1])
    assert len(takes[0]) == len(takes[2]) and not np.allclose(takes[0], takes[2], atol=1e-2)


@pytest.mark.slow
def test_sentence_after_sentence_and_in_one_chunk(starter: StarterEngine, reader: Voice) -> None:
    quick = {"num_inference_steps": 2}
    single = [starter.synthesize(text, reader, quick, seed) for text, seed in (("Yes.", 3), ("No.", 4))]
    for one, other in zip(
        starter.synthesize_batch(["Yes.", "No."], reader, quick, [3, 4]), single, strict=True
    ):
        assert np.array_equal(one.wave, other.wave) and one.words == other.words
    stream = starter.stream("Yes.", reader, quick, 3)
    assert np.array_equal(next(stream), single[0].wave)
    with pytest.raises(StopIteration) as end:
        next(stream)
    assert np.array_equal(end.value.value.wave, single[0].wave)


@pytest.mark.slow
def test_expressiveness_makes_seeds_differ(starter: StarterEngine, reader: Voice) -> None:
    def apart(noise_scale: float) -> float:
        one, other = (
            starter.mel(Recording(take.wave, take.sample_rate))
            for take in (
                starter.synthesize(SENTENCE, reader, {"noise_scale": noise_scale}, seed) for seed in (1, 2)
            )
        )
        return float((one - other).abs().mean())

    flat, lively = apart(0.0), apart(1.0)
    assert lively > 1.5 * flat


@pytest.mark.slow
@pytest.mark.parametrize("scale", [0.5, 0.75, 1.3, 2.0])
def test_pace_is_kept_within_three_percent(starter: StarterEngine, reader: Voice, scale: float) -> None:
    plain = starter.synthesize(SENTENCE, reader, {"num_inference_steps": 2}, 1)
    scaled = starter.synthesize(SENTENCE, reader, {"num_inference_steps": 2, "length_scale": scale}, 1)
    assert scaled.seconds == pytest.approx(plain.seconds * scale, rel=0.03)
    assert len(scaled.words) == len(plain.words)
    for fast, slow in zip(scaled.words, plain.words, strict=True):
        assert fast.start_seconds == pytest.approx(slow.start_seconds * scale, abs=0.03)


@pytest.mark.parametrize("text", ["Привет, мир!", "こんにちは", "안녕하세요. 你好。"])
def test_other_languages_are_refused_by_name(starter: StarterEngine, reader: Voice, text: str) -> None:
    with pytest.raises(CraftError) as caught:
        starter.synthesize(text, reader, {}, 0)
    assert caught.value.code == "language_unsupported" and caught.value.facts["text"]


def test_an_english_word_stays_english_in_a_chinese_sentence() -> None:
    utterance = speakable("我有一只 cat。")
    spoken = dict(zip(utterance.phonemes, languages_of(utterance), strict=True))
    assert utterance.language == "zh"
    assert (spoken["zh/uo"], spoken["K"], spoken["AE"], spoken["."]) == (1, 0, 0, 1)
    assert set(languages_of(speakable("A cat."))) == {0}


@pytest.mark.slow
@pytest.mark.parametrize("text", ["今天天气很好，我们去公园吧。", "他买了一台 computer。"])
def test_mandarin_is_understood(starter: StarterEngine, reader: Voice, text: str) -> None:
    take = starter.synthesize(text, reader, {}, 0)
    assert 1.0 < take.seconds < 6.0 and take.score > 0.6
    assert "".join(word.text for word in take.words) == re.sub(r"\W", "", text)


@pytest.mark.slow
@pytest.mark.parametrize("pace", [0.5, 1.0, 2.0])
def test_no_syllable_is_cut_off_at_either_end(starter: StarterEngine, reader: Voice, pace: float) -> None:
    edge = 220  # 10 ms
    for text in ("今天天气很好，我们一起去公园玩吧。", "这是一本书", "你要去哪里？"):
        wave = starter.synthesize(text, reader, {"length_scale": pace}, 7).wave
        loudness = np.sqrt((wave**2).mean())
        assert np.sqrt((wave[:edge] ** 2).mean()) < 0.1 * loudness, text
        assert np.sqrt((wave[-edge:] ** 2).mean()) < 0.1 * loudness, text


@pytest.mark.slow
def test_tones_are_heard(starter: StarterEngine, reader: Voice) -> None:
    """In the wave: four high syllables lie above four low and neutral ones."""
    high, low = (
        yin(torch.from_numpy(take.wave), take.sample_rate, HOP, voiced_below=0.5)
        for take in (starter.synthesize(text, reader, {}, 0) for text in ("今天他喝汤。", "里的奶奶。"))
    )
    assert high[high > 0].median() > 1.15 * low[low > 0].median()


def test_english_is_spoken_by_the_base_alone(starter: StarterEngine, reader: Voice) -> None:
    assert starter.acoustic_of(reader) is starter.acoustic
    mandarin = starter.acoustic_of(reader, mandarin=True)
    assert mandarin is starter.acoustic_of(reader, mandarin=True) is not starter.acoustic
    assert mandarin.flow is starter.acoustic.flow and mandarin.text is not starter.acoustic.text
    assert not torch.equal(mandarin.prior_out.weight, starter.acoustic.prior_out.weight)


def test_the_register_is_that_of_the_speaker(
    starter: StarterEngine, reader: Voice, clips: dict[str, Recording]
) -> None:
    clip = clips["LJ001-0009"]
    f0 = yin(torch.from_numpy(clip.wave), clip.sample_rate, HOP)
    assert starter.register_of(reader).hz == pytest.approx(float(f0[f0 > 0].median()), rel=0.15)


@pytest.mark.parametrize("text", ["", "   ", "🎉🎉", "...", "?!"])
def test_what_cannot_be_said_is_refused(text: str) -> None:
    with pytest.raises(CraftError, match="text_unspeakable"):
        speakable(text)


@pytest.mark.slow
@pytest.mark.parametrize("text", ["I.", "No!", "Mmm."])
def test_a_single_word_is_spoken(starter: StarterEngine, reader: Voice, text: str) -> None:
    take = starter.synthesize(text, reader, {}, 0)
    assert 0.1 < take.seconds < 2.0 and len(take.words) == 1


def test_a_voice_sounds_the_same_from_its_file(starter: StarterEngine, reader: Voice, tmp_path: Path) -> None:
    reader.save(tmp_path / "reader.safetensors")
    back = Voice.load(tmp_path / "reader.safetensors")
    one, other = (starter.synthesize("Good morning.", voice, {}, 0) for voice in (reader, back))
    assert np.array_equal(one.wave, other.wave)
    assert back.facts["fingerprint"] == reader.facts["fingerprint"]


def test_a_voice_of_another_base_is_refused(starter: StarterEngine, reader: Voice) -> None:
    stranger = replace(reader, facts={**reader.facts, "base": "0123456789abcdef"})
    with pytest.raises(CraftError) as caught:
        starter.synthesize("Hello.", stranger, {}, 0)
    assert caught.value.code == "voice_of_another_base"
    assert caught.value.facts == {"base": "0123456789abcdef"}


def test_the_fingerprint_names_exactly_these_tensors(starter: StarterEngine) -> None:
    vector = torch.randn(192)
    marks = {
        str(starter.voice(tensors, {}).facts["fingerprint"])
        for tensors in ({"speaker": vector}, {"speaker": vector + 0.1}, {"a": vector}, {"speaker": vector})
    }
    assert len(marks) == 3


def test_an_adapter_changes_its_voice_and_no_other(starter: StarterEngine, reader: Voice) -> None:
    plain = starter.synthesize("Good morning.", reader, {}, 0).wave
    weights = starter.acoustic.flow.out.weight.detach().clone()
    adapter = {
        "flow.out.lora_A": 0.1 * torch.randn(4, starter.acoustic.flow.out.in_features),
        "flow.out.lora_B": 0.1 * torch.randn(starter.acoustic.flow.out.out_features, 4),
    }
    adapted = starter.voice({**reader.tensors, **adapter}, {"lora_scale": 2.0})
    for _ in range(2):  # merged once, then kept
        assert not np.array_equal(starter.synthesize("Good morning.", adapted, {}, 0).wave, plain)
    merged = starter.acoustic_of(adapted).flow.out.weight
    kept = {name: tensor.half().float() for name, tensor in adapter.items()}
    torch.testing.assert_close(merged, weights + 2.0 * kept["flow.out.lora_B"] @ kept["flow.out.lora_A"])
    assert torch.equal(starter.acoustic.flow.out.weight, weights)
    assert np.array_equal(starter.synthesize("Good morning.", reader, {}, 0).wave, plain)


def test_only_a_few_adapted_networks_are_kept(starter: StarterEngine, reader: Voice) -> None:
    layer = starter.acoustic.flow.out
    voices = [
        starter.voice(
            {
                "speaker": reader.tensors["speaker"],
                "flow.out.lora_A": torch.full((1, layer.in_features), float(number)),
                "flow.out.lora_B": torch.zeros(layer.out_features, 1),
            },
            {"lora_scale": 1.0},
        )
        for number in range(6)
    ]
    networks = [starter.acoustic_of(voice) for voice in voices]
    assert starter.acoustic_of(voices[5]) is networks[5]
    assert starter.acoustic_of(voices[0]) is not networks[0]


@pytest.mark.slow
def test_a_voice_is_nearer_to_its_owner(
    starter: StarterEngine, reader: Voice, clips: dict[str, Recording]
) -> None:
    import soundfile

    fixtures = Path(__file__).resolve().parents[2] / "fixtures" / "speech"
    wave, rate = soundfile.read(fixtures / "2033-164914-0000.flac", dtype="float32")
    other = starter.prepare([Recording(wave, rate)])
    for clip in (clips["LJ001-0009"], clips["LJ001-0022"]):
        hers = starter.prepare([clip]).tensors["speaker"]
        assert cosine(hers, reader.tensors["speaker"]) > cosine(hers, other.tensors["speaker"]) + 0.1


@pytest.mark.parametrize("gain", [0.01, 1.0])
def test_a_quiet_microphone_gives_the_same_mel(
    starter: StarterEngine, clips: dict[str, Recording], gain: float
) -> None:
    clip = clips["LJ001-0008"]
    quiet = starter.mel(Recording(clip.wave * np.float32(gain), clip.sample_rate))
    torch.testing.assert_close(quiet, starter.mel(clip), atol=0.02, rtol=0.02)
    assert quiet.shape == (int(clip.seconds * 22050) // 256, MEL_BANDS)


@pytest.mark.parametrize("seconds", [1 / 16000, 0.01, 0.5])
def test_too_short_for_a_voice(starter: StarterEngine, seconds: float) -> None:
    with pytest.raises(CraftError) as caught:
        starter.prepare([Recording(np.zeros(int(seconds * 16000), np.float32), 16000)])
    assert caught.value.code == "training_too_little_speech"
    with pytest.raises(CraftError, match="training_too_little_speech"):
        starter.prepare([])


def test_a_voice_can_be_made_of_a_few_words_in_much_silence(
    starter: StarterEngine, clips: dict[str, Recording]
) -> None:
    clip = clips["LJ001-0008"]
    padded = np.concatenate([clip.wave, np.zeros(2 * clip.sample_rate, np.float32)])
    vector = starter.prepare([Recording(padded, clip.sample_rate)]).tensors["speaker"]
    assert bool(vector.isfinite().all())


def test_windows_hold_speech() -> None:
    mel = torch.full((2000, MEL_BANDS), 0.5)
    mel[600:1200] = -2.6
    for window in reference_windows(mel):
        assert window.shape == (258, MEL_BANDS) and float(window.mean()) > 0
    assert reference_windows(mel[:60]) == []
    assert [len(window) for window in reference_windows(mel[:100])] == [100]


@pytest.mark.slow
def test_half_an_hour_is_prepared_from_a_few_minutes(
    starter: StarterEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[float] = []
    mel = starter.mel

    def counted(recording: Recording) -> torch.Tensor:
        looked_at.append(recording.seconds)
        return mel(recording)

    monkeypatch.setattr(starter, "mel", counted)
    noise = np.random.default_rng(0).normal(0, 0.1, 30 * 60 * 8000).astype(np.float32)
    voice = starter.prepare([Recording(noise, 8000)])
    assert max(looked_at) <= PART_SECONDS and sum(looked_at) <= 4 * PART_SECONDS
    assert not voice.tensors["speaker"].requires_grad
