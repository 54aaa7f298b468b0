"""Whisper from a folder in the official format: its words, their times, and what it is not sure of."""

from __future__ import annotations

import itertools
import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from pipelines.audio.recording import Recording
from pipelines.failure import Cancelled, CraftError
from pipelines.story.prosody import Telling, measure
from pipelines.story.scenes import sentences_of
from pipelines.story.transcribe import POCKETSPHINX, Transcript, told_speech
from pipelines.story.transcribers import installed
from pipelines.story.whisper import PROMPTS, Whisper, aligned, quick_dtype, repeated
from studio.errors import from_craft
from tests.pipelines.story.test_telling import RATE, chords, clip
from tests.pipelines.story.tiny_whisper import START, tiny_whisper

SAYS = [" A", " fox", " named", " Pip", ",", " ran", " home", "."]
EDGES = [0.2, 0.5, 1.0, 1.4, 1.8, 2.5, 3.0, 3.6, 4.6]
TOLD = "A fox named Pip, ran home."


@cache
def spoken() -> Recording:
    """Five seconds in which somebody reads."""
    return Recording(clip("LJ001-0009")[: 5 * RATE], RATE)


def silence(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * RATE), np.float32)


def opened(folder: Path) -> Whisper:
    return Whisper.load(folder, dtype=torch.float32)


@pytest.fixture
def whisper(tmp_path: Path) -> Whisper:
    return opened(tiny_whisper(tmp_path / "whisper-small", SAYS, EDGES, doubts=[3]))


def prompts_of(whisper: Whisper) -> list[list[str]]:
    """Grows with every beginning of the decoder: the tokens it goes on from."""
    begun: list[list[str]] = []

    def note(_: object, __: object, given: dict) -> None:
        ids = given["decoder_input_ids"][0].tolist()
        if given.get("past_key_values") is None and len(ids) > 1:
            begun.append(whisper._tokenizer.convert_ids_to_tokens(ids))

    whisper._network.register_forward_pre_hook(note, with_kwargs=True)
    return begun


# What is heard, and when


def test_words_have_the_times_at_which_the_decoder_looks(whisper: Whisper) -> None:
    transcript = whisper(spoken())
    assert transcript.text == TOLD
    assert (transcript.language, transcript.transcriber) == ("en", "whisper-small")
    assert Transcript.from_json(transcript.to_json()) == transcript
    begin = transcript.words[1].start_seconds - EDGES[1]  # the first one's is where the speech begins
    starts = [round(word.start_seconds - begin, 2) for word in transcript.words]
    assert starts[1:] == pytest.approx([0.5, 1.0, 1.4, 2.5, 3.0], abs=0.021)
    assert transcript.words[3].end_seconds - begin == pytest.approx(1.8, abs=0.021), "the comma is no word"
    assert all(transcript.text[word.start : word.end] == word.text for word in transcript.words)


def test_what_it_is_not_sure_of_is_marked(whisper: Whisper) -> None:
    transcript = whisper(spoken())
    assert [transcript.text[start:end] for start, end in transcript.uncertain_spans] == ["Pip"]
    assert transcript.words[0].confidence > 0.9 > 0.6 > transcript.words[3].confidence


def test_words_where_nobody_speaks_are_left_out(tmp_path: Path) -> None:
    wave = np.concatenate([clip("LJ001-0008"), silence(2.5), clip("LJ001-0008")])
    recording = Recording(wave, RATE)
    _, spans = told_speech(recording)
    assert len(spans) == 2 and spans[0][1] < 2.0 and spans[1][0] > 4.0
    says = [" Once", " more", ".", " Thanks", " for", " watching", "!", " She", " slept", "?"]
    edges = [0.1, 0.5, 1.2, 2.3, 2.6, 2.9, 3.4, 4.3, 5.0, 5.6, 6.0]
    transcript = opened(tiny_whisper(tmp_path / "w", says, edges, window_seconds=8))(recording)
    assert transcript.text == "Once more.\n\nShe slept?"


def test_long_recordings_are_heard_in_windows(whisper: Whisper) -> None:
    seen: list[tuple[int, ...]] = []
    whisper._network.model.encoder.register_forward_pre_hook(lambda _, given: seen.append(given[0].shape))
    piece = np.concatenate([spoken().wave, silence(4.0)])
    transcript = whisper(Recording(np.concatenate([piece, piece, piece]), RATE))
    assert transcript.text == f"{TOLD}\n\n{TOLD}\n\n{TOLD}", "a long pause begins a paragraph"
    assert set(seen) == {(1, 8, 600)} and len(seen) == 3, (
        "each window once, also the one that told the language"
    )
    times = [time for word in transcript.words for time in (word.start_seconds, word.end_seconds)]
    assert times == sorted(times)
    gaps = [transcript.words[6 * n + 2].start_seconds - transcript.words[2].start_seconds for n in (1, 2)]
    assert gaps == pytest.approx([9.0, 18.0], abs=0.3)


def test_what_sets_it_looping_is_heard_in_halves_and_cut_off(tmp_path: Path) -> None:
    whisper = opened(tiny_whisper(tmp_path / "w", [" na", " ba", " ha"], again=0))
    begun = prompts_of(whisper)
    transcript = whisper(spoken())
    assert len(begun) > 1, "the window was heard again in halves"
    words = [word.text.lower() for word in transcript.words]
    assert set(words) <= {"na", "ba", "ha"} and len(words) <= 3 * len(begun)
    assert len(words) < 0.3 * len(begun) * 64


@pytest.mark.parametrize(
    ("said", "loop"),
    [([1, 2, 3], 0), ([9, *[4] * 6], 5), ([*[7, 8] * 6], 10), ([*[7, 8] * 5], 0), ([], 0)],
)
def test_a_loop_is_what_says_the_same_six_times(said: list[int], loop: int) -> None:
    assert repeated(said) == loop


def test_progress_is_told_at_every_token_and_can_end_the_work(whisper: Whisper) -> None:
    shares: list[float] = []
    piece = np.concatenate([spoken().wave, silence(4.0)])
    whisper(Recording(np.concatenate([piece, piece]), RATE), shares.append)
    assert shares == sorted(shares) and shares[0] == 0.0 and shares[-1] == 1.0 and 0.5 in shares
    assert len(shares) >= 2 * len(SAYS)

    def stop(share: float) -> None:
        if share >= 0.5:
            raise Cancelled

    with pytest.raises(Cancelled):
        whisper(Recording(np.concatenate([piece, piece]), RATE), stop)


@pytest.mark.parametrize(
    ("wave", "code"),
    [
        (silence(3.0), "story_silent"),
        (chords(5.0), "story_no_speech"),
        (clip("LJ001-0008"), "story_not_understood"),
    ],
    ids=["silent", "strings", "one word"],
)
def test_nothing_is_made_up(tmp_path: Path, wave: np.ndarray, code: str) -> None:
    with pytest.raises(CraftError) as refused:
        opened(tiny_whisper(tmp_path / "w", [" Yes", "."]))(Recording(wave, RATE))
    assert refused.value.code == code
    for language in ("en", "zh"):
        assert from_craft(refused.value).sentence(language).next


# Languages


def test_the_language_is_told_from_the_speech_or_given(tmp_path: Path) -> None:
    whisper = opened(tiny_whisper(tmp_path / "w", SAYS, EDGES, language="fr"))
    begun = prompts_of(whisper)
    assert whisper(spoken()).language == "fr"
    assert whisper(spoken(), language="en").language == "en"
    assert begun == [
        [START, f"<|{language}|>", "<|transcribe|>", "<|notimestamps|>"] for language in ("fr", "en")
    ]
    with pytest.raises(ValueError, match="does not know the language xx"):
        whisper(spoken(), language="xx")


def test_chinese_is_cut_into_words_and_asked_for_with_its_marks(tmp_path: Path) -> None:
    says = ["从前", "有", "只", b"\xe7\x8b", b"\x90", "狸", ",", "它", "很", "高兴", "."]
    whisper = opened(tiny_whisper(tmp_path / "w", says, language="zh", doubts=[4]))
    begun = prompts_of(whisper)
    transcript = whisper(spoken())
    assert transcript.text == "从前有只狐狸，它很高兴。"
    assert [word.text for word in transcript.words] == ["从前", "有", "只", "狐狸", "它", "很", "高兴"]
    assert [transcript.text[start:end] for start, end in transcript.uncertain_spans] == ["狐狸"]
    before = begun[0].index(START)
    assert begun[0][0] == "<|startofprev|>"
    ids = whisper._tokenizer.convert_tokens_to_ids(begun[0][1:before])
    assert whisper._tokenizer.decode(ids) == PROMPTS["zh"]


def test_the_words_are_those_that_prosody_looks_for(tmp_path: Path) -> None:
    says = ["小", "狐狸", "很", "高兴", "。", "它", "跑", "回家", "了", "！"]
    recording = spoken()
    transcript = opened(tiny_whisper(tmp_path / "w", says, language="zh"))(recording)
    told = measure(Telling(recording, transcript), sentences_of(transcript.text))
    assert len(told) == 2 and None not in told


def test_a_checkpoint_for_english_alone_is_not_asked_for_a_language(tmp_path: Path) -> None:
    folder = tiny_whisper(tmp_path / "w", SAYS, EDGES, language="zh")
    told = json.loads((folder / "generation_config.json").read_text())
    for name in ("lang_to_id", "task_to_id"):
        del told[name]
    (folder / "generation_config.json").write_text(json.dumps({**told, "is_multilingual": False}))
    whisper = opened(folder)
    begun = prompts_of(whisper)
    assert whisper(spoken()).language == "en" and begun == [[START, "<|notimestamps|>"]]
    assert installed(tmp_path)["w"].english_only


# The arithmetic


@torch.inference_mode()
def test_it_says_what_the_reference_says(whisper: Whisper) -> None:
    """The same tokens as the greedy search of transformers, from a network that was not written by hand."""
    network, generation = whisper._network, whisper._generation
    torch.manual_seed(5)
    with torch.no_grad():
        for weight in network.parameters():
            weight.normal_(std=0.3)
    generation.suppress_tokens = [65, 66, 67]
    piece = spoken().wave[: 2 * RATE : 2]
    features = whisper._extractor(piece, sampling_rate=16000, return_tensors="pt").input_features
    prompt = whisper._prompt("en")
    said = whisper._said(whisper._encoded(piece), prompt, 24, lambda: None)
    theirs = network.generate(
        features,
        generation_config=generation,
        language="en",
        task="transcribe",
        max_new_tokens=24,
        do_sample=False,
    )[0].tolist()
    theirs = [token for token in theirs if token < network.config.eos_token_id]
    assert said.tokens == theirs[: len(said.tokens)] and len(said.tokens) >= 6
    assert all(0 < sure <= 1 for sure in said.confidence)


def test_rows_follow_each_other_where_they_score_best() -> None:
    draw = np.random.default_rng(3)
    for rows, frames in ((1, 1), (1, 5), (3, 3), (3, 7), (4, 9)):
        scores = draw.standard_normal((rows, frames))

        def worth(starts: tuple[int, ...], scores: np.ndarray = scores) -> float:
            ends = (*starts[1:], scores.shape[1])
            return sum(row[a:b].sum() for row, a, b in zip(scores, starts, ends, strict=True))

        best = max(((0, *later) for later in itertools.combinations(range(1, frames), rows - 1)), key=worth)
        assert aligned(scores) == list(best)
    with pytest.raises(ValueError, match="4 rows for 3 frames"):
        aligned(np.zeros((4, 3)))


def test_heads_that_nobody_named_are_those_of_the_upper_half(tmp_path: Path) -> None:
    folder = tiny_whisper(tmp_path / "w", SAYS, EDGES)
    told = json.loads((folder / "generation_config.json").read_text())
    del told["alignment_heads"]
    (folder / "generation_config.json").write_text(json.dumps(told))
    assert [round(word.start_seconds, 1) for word in opened(folder)(spoken()).words][1:3] == [0.6, 1.1]


@pytest.mark.parametrize(
    ("device", "dtype"),
    [
        ("cpu", torch.bfloat16),
        ("cpu", quick_dtype("cpu")),
        pytest.param("cuda", None, marks=pytest.mark.gpu),
    ],
)
def test_half_the_bytes_hear_the_same(tmp_path: Path, device: str, dtype: torch.dtype | None) -> None:
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("there is no GPU")
    folder = tiny_whisper(tmp_path / "w", SAYS, EDGES)
    whisper = Whisper.load(folder, device, dtype)
    assert whisper(spoken()).text == TOLD
    if dtype is torch.bfloat16:
        assert whisper.nbytes == opened(folder).nbytes // 2


# Folders


def test_folders_are_found_the_best_last(tmp_path: Path) -> None:
    assert list(installed(tmp_path / "nowhere")) == [POCKETSPHINX]
    small = tiny_whisper(tmp_path / "small", SAYS)
    tiny_whisper(tmp_path / "large", [*SAYS, " for", " good"])
    english = tiny_whisper(tmp_path / "english", [*SAYS, " and", " then", " he", " slept"])
    told = json.loads((english / "generation_config.json").read_text())
    (english / "generation_config.json").write_text(json.dumps({**told, "is_multilingual": False}))
    (tiny_whisper(tmp_path / "cut off", SAYS) / "tokenizer.json").unlink()
    (tiny_whisper(tmp_path / "halved", SAYS) / "preprocessor_config.json").unlink()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "config.json").write_text('{"model_type": "bert"}')
    (tmp_path / "a file").write_text("no folder")
    found = installed(tmp_path)
    assert list(found) == [POCKETSPHINX, "english", "small", "large"]
    assert [found[name].rough for name in (POCKETSPHINX, "small")] == [True, False]
    numbers = sum(weight.numel() for weight in load_file(small / "model.safetensors").values())
    assert found["small"].resident_bytes == 4 * numbers
    transcribe, nbytes = found["small"].load("cpu")
    assert transcribe(spoken()).transcriber == "small" and 0 < nbytes <= 4 * numbers


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.safetensors"])
def test_a_pickle_is_converted_behind_the_wall(tmp_path: Path, name: str) -> None:
    folder = tiny_whisper(tmp_path / "w", SAYS, EDGES)
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / name)
    assert installed(tmp_path)["w"].resident_bytes > 0
    assert opened(folder)(spoken()).text == TOLD
    made = folder / "converted" / "model.safetensors"
    before = made.stat().st_mtime_ns
    opened(folder)
    assert made.stat().st_mtime_ns == before, "once"


class Evil:
    def __reduce__(self) -> tuple:
        return print, ("run",)


def _evil(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    torch.save({"model.decoder.embed_tokens.weight": Evil()}, folder / "pytorch_model.bin")


def _cut_off(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:5000])


def _other_layers(folder: Path) -> None:
    told = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**told, "decoder_layers": 4000}))


def _other_words(folder: Path) -> None:
    told = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**told, "vocab_size": 51865, "d_model": 1280}))


def _other_ears(folder: Path) -> None:
    told = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**told, "num_mel_bins": 80}))


def _no_json(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{")


def _no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (_evil, "checkpoint_unsafe"),
        (_cut_off, "transcriber_broken"),
        (_other_layers, "transcriber_broken"),
        (_other_words, "transcriber_broken"),
        (_other_ears, "checkpoint_shapes"),
        (_no_json, "transcriber_broken"),
        (_no_weights, "transcriber_broken"),
    ],
)
def test_broken_folders_get_a_sentence(tmp_path: Path, spoil, code: str) -> None:
    folder = tiny_whisper(tmp_path / "w", SAYS)
    spoil(folder)
    with pytest.raises(CraftError) as refused:
        opened(folder)
    assert refused.value.code == code, refused.value
    for language in ("en", "zh"):
        sentence = from_craft(refused.value).sentence(language)
        assert sentence.title and sentence.what and sentence.next
