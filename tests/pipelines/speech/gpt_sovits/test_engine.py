"""The whole engine on small networks that came in official files."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from models.gpt_sovits.sampling import Sampling
from models.gpt_sovits.sovits import Sovits
from pipelines.audio.recording import Recording
from pipelines.failure import CraftError
from pipelines.speech.catalogue import installed_engines
from pipelines.speech.engine import SpeechEngine, Take
from pipelines.speech.gpt_sovits import chunks, pace, reference
from pipelines.speech.gpt_sovits import engine as module
from pipelines.speech.gpt_sovits.engine import PROMPT, evenly
from pipelines.speech.gpt_sovits.pace import Pace
from pipelines.speech.gpt_sovits.voice_files import VoiceFiles
from pipelines.speech.voice import Voice
from pipelines.text.gpt_sovits.extras import can_read
from pipelines.text.gpt_sovits.front_end import FrontEnd
from tests.official_files import small_bases, small_sovits, small_text2semantic

TEXT = "How are you, my friend?"
CHINESE = "今天天气很好，我们去公园。"
KOREAN = "오늘은 날씨가 좋아요."
JAPANESE = "今日は晴れ。[0.2s]東京。"


@pytest.fixture(scope="module")
def engine(small_models: Path) -> SpeechEngine:
    return installed_engines(small_models)["gpt_sovits_v2"].load("cpu")


@pytest.fixture(scope="module")
def recording() -> Recording:
    """Nine seconds of read speech."""
    import soundfile

    path = Path(__file__).resolve().parents[3] / "fixtures" / "speech" / "2033-164914-0000.flac"
    return Recording(*soundfile.read(path, dtype="float32"))


@pytest.fixture(scope="module")
def written(recording: Recording) -> Recording:
    """Five of them, with what is said in it."""
    wave = recording.wave[: 5 * recording.sample_rate]
    return replace(recording, wave=wave, text="What is said here was written down.")


@pytest.fixture(scope="module")
def voice(engine: SpeechEngine, written: Recording) -> Voice:
    return engine.prepare([written])


def test_a_voice_holds_all_that_follows_from_its_reference(voice: Voice, written: Recording) -> None:
    assert set(voice.tensors) == {"style", "prompt_tokens", "prompt_phonemes", "prompt_text"}
    tokens, phonemes = voice.tensors["prompt_tokens"], voice.tensors["prompt_phonemes"]
    assert len(tokens) == int((written.seconds + 0.6) * 25) - 1  # with the silence behind it, at 25 a second
    assert voice.tensors["prompt_text"].shape == (32, len(phonemes))
    assert voice.facts["reference_text"] == written.text
    assert voice.nbytes < 100_000


def test_a_voice_survives_the_disk(engine: SpeechEngine, voice: Voice, tmp_path: Path) -> None:
    voice.save(tmp_path / "v.safetensors")
    back = Voice.load(tmp_path / "v.safetensors")
    assert np.array_equal(
        engine.synthesize(TEXT, back, {}, 1).wave, engine.synthesize(TEXT, voice, {}, 1).wave
    )


@pytest.mark.parametrize("text", [TEXT, CHINESE, "我们去 park。", KOREAN])
def test_the_seed_says_it_all(engine: SpeechEngine, voice: Voice, text: str) -> None:
    first, again, other = (engine.synthesize(text, voice, {}, seed) for seed in (7, 7, 8))
    assert first.sample_rate == 32_000 and first.wave.dtype == np.float32
    assert np.isfinite(first.wave).all() and 0 < np.abs(first.wave).max() <= 1
    assert np.array_equal(first.wave, again.wave) and first.words == again.words
    assert not np.array_equal(first.wave, other.wave)


def test_words_have_their_times(engine: SpeechEngine, voice: Voice) -> None:
    for text, words in (
        (TEXT, ["How", "are", "you", "my", "friend"]),
        (CHINESE, list("今天天气很好我们去公园")),
    ):
        take = engine.synthesize(text, voice, {}, 1)
        assert [word.text.strip(",.?") for word in take.words] == words
        times = [t for word in take.words for t in (word.start_seconds, word.end_seconds)]
        assert times == sorted(times) and times[-1] <= take.seconds + 0.05


def test_the_listener_judges_english_and_length_judges_the_rest(
    engine: SpeechEngine, voice: Voice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine.ear, "score", lambda mel, symbols: 0.62)
    for length, english, chinese in ((1.0, 0.62, 1.0), (0.3, 0.3, 0.3)):
        monkeypatch.setattr(Pace, "score", lambda self, ids, tokens, length=length: length)
        assert engine.synthesize(TEXT, voice, {}, 1).score == english
        assert engine.synthesize(CHINESE, voice, {}, 1).score == chinese


def test_a_voice_that_does_not_come_to_an_end_is_stopped(
    engine: SpeechEngine, voice: Voice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "SPARE_TOKENS", 4)
    monkeypatch.setattr(pace, "SLOWEST_TOKENS", 0)
    take = engine.synthesize(CHINESE, voice, {}, 1)
    assert take.score == 0.0 and take.seconds == pytest.approx(4 / 25, abs=0.02)


def test_every_control_is_obeyed(engine: SpeechEngine, voice: Voice) -> None:
    def wave(**controls: float) -> np.ndarray:
        return engine.synthesize(TEXT, voice, {"top_k": 1, "noise_scale": 0.0, **controls}, 3).wave

    plain = wave()
    assert len(wave(length_scale=2.0)) == pytest.approx(2 * len(plain), rel=0.1)
    assert not np.array_equal(wave(noise_scale=1.0), plain)
    drawn = {}
    for name, value in (("top_k", 50), ("top_p", 0.3), ("temperature", 2.0), ("repetition_penalty", 1.0)):
        controls = {"top_k": 100, "top_p": 1.0, "temperature": 1.0, "repetition_penalty": 1.35, name: value}
        drawn[name] = wave(**controls).tobytes()
    assert drawn["top_k"] != plain.tobytes() and len({*drawn.values()}) >= 3


def test_silence_that_the_text_asks_for(engine: SpeechEngine, voice: Voice) -> None:
    take = engine.synthesize("今天。[1.5s]我们去公园。", voice, {}, 2)
    window = np.abs(take.wave[: len(take.wave) // 800 * 800]).reshape(-1, 800).max(axis=1)
    quiet = "".join("q" if level == 0 else "s" for level in window)
    assert max(map(len, quiet.split("s"))) * 800 / 32_000 == pytest.approx(1.5, abs=0.06)


def test_what_it_cannot_say(engine: SpeechEngine, voice: Voice) -> None:
    with pytest.raises(CraftError, match="text_unspeakable"):
        engine.synthesize("…", voice, {}, 1)


def test_the_language_of_a_text_is_that_of_its_pieces(
    engine: SpeechEngine, voice: Voice, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    read = FrontEnd.read
    monkeypatch.setattr(
        FrontEnd, "read", lambda self, text, mode: asked.append(mode) or read(self, TEXT, "en")
    )
    for text in (JAPANESE, KOREAN, CHINESE, TEXT):
        engine.synthesize(text, voice, {"cantonese": 0}, 1)
    engine.synthesize(CHINESE, voice, {"cantonese": 1}, 1)
    engine.synthesize(KOREAN, voice, {"cantonese": 1}, 1)
    assert asked == ["ja", "ko", "auto", "auto", "auto_yue", "ko"]


@pytest.mark.parametrize(
    ("text", "controls", "language"), [(JAPANESE, {}, "ja"), (CHINESE, {"cantonese": 1}, "yue")]
)
def test_languages_that_need_a_package(
    engine: SpeechEngine, voice: Voice, text: str, controls: dict, language: str
) -> None:
    if can_read(language):
        take = engine.synthesize(text, voice, controls, 1)
        assert take.seconds > 0 and take.words
        assert not np.array_equal(take.wave, engine.synthesize(CHINESE, voice, {}, 1).wave)
    else:
        with pytest.raises(CraftError, match="language_extra_missing") as caught:
            engine.synthesize(text, voice, controls, 1)
        assert caught.value.facts["language"] == language


def test_a_voice_of_another_base(engine: SpeechEngine, voice: Voice) -> None:
    stranger = replace(voice, facts={**voice.facts, "base": "0" * 32})
    with pytest.raises(CraftError, match="voice_of_another_base"):
        engine.synthesize(TEXT, stranger, {}, 1)


def test_without_bert_chinese_is_refused(small_models: Path, tmp_path: Path, written: Recording) -> None:
    models = shutil.copytree(small_models, tmp_path / "models")
    shutil.rmtree(models / "gpt_sovits" / "chinese-roberta-wwm-ext-large")
    description = installed_engines(models)["gpt_sovits_v2"]
    assert "zh" not in description.languages
    engine = description.load("cpu")
    voice = engine.prepare([written])
    assert engine.synthesize(TEXT, voice, {}, 1).seconds > 0
    with pytest.raises(CraftError, match="language_unsupported"):
        engine.synthesize(CHINESE, voice, {}, 1)


# Several at once


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The tokens that become sound, sentence by sentence."""
    tokens: list[tuple[int, ...]] = []
    speak = Sovits.speak

    def note(self: Sovits, codes: torch.Tensor, *arguments: object, **named: object) -> torch.Tensor:
        tokens.append(tuple(codes.flatten().tolist()))
        return speak(self, codes, *arguments, **named)

    monkeypatch.setattr(Sovits, "speak", note)
    return tokens


def test_a_sentence_says_the_same_alone_and_in_company(
    engine: SpeechEngine, voice: Voice, said: list[tuple[int, ...]]
) -> None:
    texts = [
        TEXT,
        CHINESE,
        "No.",
        "It was late, and nobody had come to the old pier since the morning.",
        TEXT,
    ]
    seeds = [3, 4, 5, 6, 7]
    together = list(engine.synthesize_batch(texts, voice, {"noise_scale": 0.7}, seeds))
    in_company = said.copy()
    said.clear()
    alone = [
        engine.synthesize(text, voice, {"noise_scale": 0.7}, seed)
        for text, seed in zip(texts, seeds, strict=True)
    ]
    assert in_company == said and in_company[0] != in_company[4]
    for one, other in zip(together, alone, strict=True):
        assert one.wave == pytest.approx(other.wave, abs=1e-4)
        assert one.score == pytest.approx(other.score)


def test_the_parts_of_a_sentence_are_not_its_echo(
    engine: SpeechEngine, voice: Voice, said: list[tuple[int, ...]]
) -> None:
    engine.synthesize("今天。[1s]今天。", voice, {}, 1)
    assert len(said) == 2 and said[0] != said[1]


def test_nothing_is_spoken_before_all_can_be_read(engine: SpeechEngine, voice: Voice) -> None:
    with pytest.raises(CraftError, match="text_unspeakable"):
        next(engine.synthesize_batch([TEXT, "…"], voice, {}, [1, 2]))


def test_one_that_goes_on_for_ever_takes_nothing_from_the_others(
    engine: SpeechEngine, voice: Voice, said: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "SPARE_TOKENS", 0)
    monkeypatch.setattr(pace, "SLOWEST_TOKENS", 1)
    takes = list(engine.synthesize_batch(["No.", CHINESE], voice, {}, [1, 2]))
    lengths = [len(tokens) for tokens in said]
    assert lengths[0] < lengths[1] and takes[0].score == 0.0  # each stopped at its own length
    said.clear()
    engine.synthesize("No.", voice, {}, 1)
    assert [len(tokens) for tokens in said] == lengths[:1]


# Heard while it is spoken


@pytest.fixture
def talkative(monkeypatch: pytest.MonkeyPatch) -> None:
    """The small networks stop by chance; these speak for at least 8 s."""
    monkeypatch.setattr(module, "Sampling", partial(Sampling, shortest=200))


def test_chunks_are_the_take(engine: SpeechEngine, voice: Voice, talkative: None) -> None:
    text, controls = "How are you?[0.5s]今天天气很好。", {"noise_scale": 0.4}
    chunks, take = streamed(engine.stream(text, voice, controls, 5))
    assert len(chunks) > 3 and np.array_equal(np.concatenate(chunks), take.wave)
    assert np.isfinite(take.wave).all() and np.abs(take.wave).max() <= 1
    again, same = streamed(engine.stream(text, voice, controls, 5))
    assert np.array_equal(take.wave, same.wave) and take.words == same.words
    whole = engine.synthesize(text, voice, controls, 5)
    assert take.seconds == pytest.approx(whole.seconds, abs=0.001)  # the same tokens
    assert not np.array_equal(streamed(engine.stream(text, voice, controls, 6))[1].wave, take.wave)


@pytest.mark.parametrize("length_scale", [0.5, 0.8, 1.0, 1.7])
def test_a_stream_is_as_long_as_its_tokens(
    engine: SpeechEngine, voice: Voice, talkative: None, length_scale: float
) -> None:
    controls = {"length_scale": length_scale}
    chunks, take = streamed(engine.stream(TEXT, voice, controls, 5))
    whole = engine.synthesize(TEXT, voice, controls, 5)
    assert len(chunks) > 2 and take.seconds == pytest.approx(whole.seconds, abs=1e-6)


def test_the_first_sound_comes_before_the_last_token(
    engine: SpeechEngine, voice: Voice, talkative: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []
    steps = type(engine.networks.text2semantic).steps

    def counted(self: object, *arguments: object, **named: object) -> Iterator:
        for step in steps(self, *arguments, **named):
            drawn.append(step)
            yield step

    monkeypatch.setattr(type(engine.networks.text2semantic), "steps", counted)
    stream = engine.stream(TEXT, voice, {}, 5)
    first = next(stream)
    assert len(drawn) == chunks.FIRST_TOKENS + chunks.AHEAD_TOKENS
    assert len(first) == chunks.FIRST_TOKENS * 1280
    streamed(stream)
    assert len(drawn) > 100


def streamed(stream: Generator[np.ndarray, None, Take]) -> tuple[list[np.ndarray], Take]:
    heard = []
    while True:
        try:
            heard.append(next(stream))
        except StopIteration as end:
            return heard, end.value


# References


def test_without_its_text_a_reference_is_no_prompt(
    engine: SpeechEngine, recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "heard_text", lambda *_: None)
    voice = engine.prepare([recording])
    assert set(voice.tensors) == {"style"} and voice.facts["reference_text"] is None
    assert 3 <= voice.facts["reference_seconds"] <= 10
    take = engine.synthesize(TEXT, voice, {}, 1)
    assert np.array_equal(take.wave, engine.synthesize(TEXT, voice, {"reference_free": 1}, 1).wave)


def test_a_voice_may_be_asked_not_to_go_on_from_its_reference(engine: SpeechEngine, voice: Voice) -> None:
    free = engine.synthesize(TEXT, voice, {"reference_free": 1}, 1)
    styled = replace(voice, tensors={"style": voice.tensors["style"]})
    assert np.array_equal(free.wave, engine.synthesize(TEXT, styled, {}, 1).wave)
    assert not np.array_equal(free.wave, engine.synthesize(TEXT, voice, {}, 1).wave)


def test_the_style_is_the_mean_of_several_references(
    engine: SpeechEngine, written: Recording, recording: Recording, voice: Voice
) -> None:
    rest = replace(recording, wave=recording.wave[5 * recording.sample_rate :], start_seconds=5.0)
    both = engine.prepare([rest, written])
    assert both.facts["references"] == 2 and voice.facts["references"] == 1
    for name in PROMPT:  # what it goes on from is still what is known
        assert torch.equal(both.tensors[name], voice.tensors[name])
    others = reference.best_references([rest])
    assert torch.allclose(
        both.tensors["style"],
        (voice.tensors["style"] + engine._style(others, engine.networks)) / 2,
        atol=1e-6,
    )


def test_the_next_best_reference_is_gone_on_from_when_the_best_is_not_understood(
    engine: SpeechEngine, written: Recording, recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    unwritten = replace(written, text=None)
    rest = replace(recording, wave=recording.wave[5 * recording.sample_rate :])
    best, second = reference.best_references([unwritten, rest])
    texts = {len(best.wave): None, len(second.wave): "So it was."}
    monkeypatch.setattr(module, "heard_text", lambda reference, *_: texts[len(reference.wave)])
    voice = engine.prepare([unwritten, rest])
    assert voice.facts["reference_text"] == "So it was."
    assert voice.facts["reference_seconds"] == round(second.seconds, 2)
    assert len(voice.tensors["prompt_tokens"]) == pytest.approx((second.seconds + 0.6) * 25, abs=1)


@pytest.mark.parametrize(("heard", "trusted"), [(0.9, True), (0.5, False)])
def test_what_was_heard_counts_when_the_listener_agrees(
    engine: SpeechEngine, recording: Recording, monkeypatch: pytest.MonkeyPatch, heard: float, trusted: bool
) -> None:
    from pipelines.story import transcribe

    said = transcribe.Transcript("And so it was.", (), 3.0)
    monkeypatch.setattr(transcribe, "transcribe", lambda _: said)
    monkeypatch.setattr(engine.ear, "score", lambda mel, symbols: heard)
    assert engine.prepare([recording]).facts["reference_text"] == (said.text if trusted else None)


# Voices with weights of their own


@pytest.fixture(scope="module")
def bring(tmp_path_factory: pytest.TempPathFactory, small_models: Path) -> Callable[[int], Voice]:
    def read(seed: int) -> Voice:
        folder = tmp_path_factory.mktemp("voice")
        files = [small_text2semantic(folder / "v.ckpt", seed), small_sovits(folder / "v.pth", seed=seed)]
        VoiceFiles(small_models / "gpt_sovits").read(files, folder / "v.safetensors")
        return Voice.load(folder / "v.safetensors")

    return read


def test_voices_with_their_own_weights_take_turns(
    engine: SpeechEngine, written: Recording, voice: Voice, bring: Callable[[int], Voice]
) -> None:
    plain = engine.synthesize(TEXT, voice, {}, 1).wave
    spoken = {}
    for seed in (11, 12):
        weights = bring(seed)
        own = engine.prepare([written], weights)
        assert own.nbytes < 100_000  # the weights are not repeated
        assert not torch.equal(own.tensors["style"], voice.tensors["style"])
        spoken[seed] = weights.joined(own), engine.synthesize(TEXT, weights.joined(own), {}, 1).wave
        assert not np.array_equal(spoken[seed][1], plain)
        with pytest.raises(CraftError, match="voice_of_another_base"):
            engine.synthesize(TEXT, own, {}, 1)  # without them it is nobody
    for whole, wave in spoken.values():
        assert np.array_equal(engine.synthesize(TEXT, whole, {}, 1).wave, wave)
    assert np.array_equal(engine.synthesize(TEXT, voice, {}, 1).wave, plain)


@pytest.mark.slow  # the network that knows speakers comes in full size alone
@pytest.mark.parametrize("version", ["v2Pro", "v2ProPlus"])
def test_the_versions_that_know_speakers(tmp_path: Path, written: Recording, version: str) -> None:
    small_bases(tmp_path / "models" / "gpt_sovits", (version,), chinese=False)
    name = f"gpt_sovits_{version.lower()}"
    engine = installed_engines(tmp_path / "models")[name].load("cpu")
    voice = engine.prepare([written])
    assert voice.engine == name and voice.tensors["style"].shape == (1, 24, 1)
    take = engine.synthesize(TEXT, voice, {}, 1)
    assert np.isfinite(take.wave).all() and take.seconds > 0


def test_evenly() -> None:
    words = evenly("我 am 好", 8.0)
    assert [(w.text, w.start_seconds, w.end_seconds) for w in words] == [
        ("我", 0.0, 3.0), ("am", 3.0, 5.0), ("好", 5.0, 8.0),
    ]  # fmt: skip
    assert evenly("…", 1.0) == ()
