from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pipelines.audio.recording import Recording
from pipelines.failure import Cancelled, CraftError
from pipelines.speech import starter as starter_module
from pipelines.speech.engine import QUALITIES, TrainedVoice
from pipelines.speech.starter import PLANNED_AS, SHIFT, StarterEngine
from pipelines.speech.voice import Voice
from pipelines.text.symbols import ARPABET, SYMBOL_ID
from pipelines.training import fine_tune as module
from pipelines.training.fine_tune import LEAST_SECONDS, PLANS, Plan
from tests.training_watcher import PowerCut, Watcher

STAGES = ("slice", "transcribe", "features", "train", "check")
SMALL = Plan(steps=4, lora_rank=4, batch=3, crop=64, check_every=2)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plans of a few steps, and one sentence to listen to."""
    monkeypatch.setattr(module, "PLANS", {"quick": SMALL})
    monkeypatch.setattr(module, "CHECK_SENTENCES", module.CHECK_SENTENCES[:1])


@pytest.fixture(scope="module")
def recordings(clips: dict[str, Recording]) -> list[Recording]:
    """Fifteen seconds, without their text, as people bring them."""
    return [replace(clips[name], text=None) for name in ("LJ001-0009", "LJ001-0022")]


@pytest.fixture(scope="module")
def undisturbed(
    starter: StarterEngine, recordings: list[Recording], tmp_path_factory: pytest.TempPathFactory
) -> tuple[TrainedVoice, Watcher]:
    watcher = Watcher(tmp_path_factory.mktemp("undisturbed"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PLANS", {"quick": SMALL})
        patch.setattr(module, "CHECK_SENTENCES", module.CHECK_SENTENCES[:1])
        return starter.fine_tune(recordings, "quick", watcher), watcher


def test_the_plans_are_the_qualities() -> None:
    assert tuple(PLANS) == QUALITIES
    assert PLANS["quick"].steps < PLANS["good"].steps < PLANS["best"].steps


@pytest.mark.slow
def test_stages_come_in_order_and_progress_never_falls(undisturbed: tuple[TrainedVoice, Watcher]) -> None:
    _, watcher = undisturbed
    names = [name for name, _ in watcher.stages]
    assert list(dict.fromkeys(names)) == list(STAGES) and names == sorted(names, key=STAGES.index)
    progress = [share for _, share in watcher.stages]
    assert progress == sorted(progress) and progress[0] == 0.0 and progress[-1] == 1.0


@pytest.mark.slow
def test_the_card_tells_what_happened(undisturbed: tuple[TrainedVoice, Watcher]) -> None:
    trained, watcher = undisturbed
    card = trained.card
    assert 10 < card["training_seconds"] < 15.5 and 1.5 < card["held_out_seconds"] < 9
    assert card["steps"] == SMALL.steps
    assert [row[0] for row in card["curve"]] == [0, 2, 4]
    assert [row for row in watcher.losses if row[2] is not None] == card["curve"]
    best = min(card["curve"], key=lambda row: row[2])
    assert card["best_step"] == best[0]
    for name in ("similarity", "similarity_before", "intelligibility"):
        assert 0.0 < card[name] <= 1.0
    assert all(math.isfinite(value) for row in card["curve"] for value in row)


@pytest.mark.slow
def test_the_trained_voice_speaks(
    starter: StarterEngine, undisturbed: tuple[TrainedVoice, Watcher], tmp_path: Path
) -> None:
    voice = undisturbed[0].voice
    voice.save(tmp_path / "voice.safetensors")
    back = Voice.load(tmp_path / "voice.safetensors")
    take = starter.synthesize("Good morning to all of you.", back, {}, 0)
    assert np.array_equal(take.wave, starter.synthesize("Good morning to all of you.", voice, {}, 0).wave)
    assert take.score > 0.4


@pytest.mark.slow
def test_a_trained_voice_knows_what_it_was_and_what_it_learnt(
    starter: StarterEngine, recordings: list[Recording], undisturbed: tuple[TrainedVoice, Watcher]
) -> None:
    tensors = undisturbed[0].voice.tensors
    near = starter.readers.near(starter.speaker_of(recordings).half())
    assert torch.equal(tensors[PLANNED_AS], near.half())
    spoken = tensors[SHIFT].float()[[SYMBOL_ID[symbol] for symbol in ARPABET]]
    assert spoken.any(dim=1).all() and len(spoken.unique(dim=0)) == len(ARPABET)  # each has one of its own


@pytest.mark.slow
def test_loss_falls_on_clips_that_are_not_learnt(
    starter: StarterEngine, recordings: list[Recording], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = replace(SMALL, steps=12, batch=4, check_every=6, learning_rate=1e-3)
    monkeypatch.setattr(module, "PLANS", {"quick": plan})
    card = starter.fine_tune(recordings, "quick", Watcher(tmp_path)).card
    held_out = {step: loss for step, _, loss in card["curve"]}
    assert card["best_step"] > 0 and held_out[card["best_step"]] < held_out[0] - 0.001


@pytest.mark.slow
def test_an_over_trained_checkpoint_is_noticed_and_the_best_is_kept(
    starter: StarterEngine, recordings: list[Recording], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = replace(SMALL, steps=40, check_every=1, patience=2, learning_rate=1.0)
    monkeypatch.setattr(module, "PLANS", {"quick": plan})
    trained = starter.fine_tune(recordings, "quick", Watcher(tmp_path))
    curve = trained.card["curve"]
    assert trained.card["best_step"] == 0 and trained.card["steps"] == 2
    assert min(loss for step, _, loss in curve if step) > curve[0][2]
    assert torch.equal(trained.voice.tensors["speaker"], starter.speaker_of(recordings).half())
    assert all(not t.any() for name, t in trained.voice.tensors.items() if name.endswith("lora_B"))


@pytest.mark.slow
@pytest.mark.parametrize("steps_done", [1, 3])
def test_a_killed_training_goes_on_as_if_nothing_had_happened(
    starter: StarterEngine,
    recordings: list[Recording],
    undisturbed: tuple[TrainedVoice, Watcher],
    tmp_path: Path,
    steps_done: int,
) -> None:
    with pytest.raises(PowerCut):
        starter.fine_tune(recordings, "quick", Watcher(tmp_path, die_after_steps=steps_done))
    again = Watcher(tmp_path)
    resumed = starter.fine_tune(recordings, "quick", again)
    whole, _ = undisturbed
    saved = steps_done // SMALL.check_every * SMALL.check_every
    assert sum(name == "train" for name, _ in again.stages) == SMALL.steps - saved
    assert resumed.card["curve"] == whole.card["curve"]
    assert resumed.card["best_step"] == whole.card["best_step"]
    assert resumed.voice.facts == whole.voice.facts  # the fingerprint is of every tensor


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_it_can_be_stopped_in_every_stage(
    starter: StarterEngine, recordings: list[Recording], tmp_path: Path, stage: str
) -> None:
    weights = starter.acoustic.flow.out.weight.detach().clone()
    watcher = Watcher(tmp_path, cancel_at=stage)
    with pytest.raises(Cancelled):
        starter.fine_tune(recordings, "quick", watcher)
    assert watcher.stages[-1][0] == stage and not watcher.in_turn
    assert torch.equal(starter.acoustic.flow.out.weight, weights)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Good morning.", "en"),
        ("早上好。", "zh"),
        ("我有一只 cat。", "zh"),
        ("おはよう。", None),
        ("", None),
        (None, None),
    ],
)
def test_what_was_written_down_is_read_in_its_language(text: str | None, language: str | None) -> None:
    read = module.read_in(Recording(np.zeros(100, np.float32), 16000, text))
    assert (read and read.language) == language


@pytest.mark.slow
def test_mandarin_is_learnt_on_top_of_the_adapter(
    starter: StarterEngine, recordings: list[Recording]
) -> None:
    examples = module.hold_out(module.examples_of(starter.mel(recordings[0]), None, starter.ear))
    speech, instant = module.lay_out(examples, "cpu"), starter.prepare(recordings)
    weights = [
        module.AcousticLearner(starter, speech, instant, SMALL, mandarin).network.text.symbol.weight
        for mandarin in (False, True)
    ]
    assert torch.equal(weights[0], starter.acoustic.text.symbol.weight)
    assert torch.equal(weights[1], starter.acoustic_of(instant, mandarin=True).text.symbol.weight)
    assert not torch.equal(*weights)


def spoilt(starter: StarterEngine) -> StarterEngine:
    acoustic = copy.deepcopy(starter.acoustic)
    with torch.no_grad():
        acoustic.flow.out.bias[3] = math.nan
    return StarterEngine(
        acoustic, starter.mandarin, starter.vocoder, starter.readers, starter.ear, starter.base, "cpu"
    )


@pytest.mark.slow
def test_numbers_that_are_none_end_a_training_at_once(
    starter: StarterEngine, recordings: list[Recording], tmp_path: Path
) -> None:
    watcher = Watcher(tmp_path)
    with pytest.raises(CraftError) as caught:
        spoilt(starter).fine_tune(recordings, "quick", watcher)
    assert (caught.value.code, caught.value.facts) == ("training_diverged", {"stage": "Starter", "step": 0})
    assert watcher.losses == [], "a curve of no numbers was shown"


@pytest.mark.slow
def test_a_training_that_explodes_says_so(
    starter: StarterEngine, recordings: list[Recording], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PLANS", {"quick": replace(SMALL, learning_rate=1e30, steps=12)})
    with pytest.raises(CraftError) as caught:
        starter.fine_tune(recordings, "quick", Watcher(tmp_path))
    assert caught.value.code == "training_diverged" and 0 < caught.value.facts["step"] < 12


def silence(seconds: float) -> Recording:
    return Recording(np.zeros(int(seconds * 16000), np.float32), 16000)


def hiss(seconds: float) -> Recording:
    wave = np.random.default_rng(0).normal(0, 1e-4, int(seconds * 16000))
    return Recording(wave.astype(np.float32), 16000)


@pytest.mark.slow
@pytest.mark.parametrize(
    "heard",
    [[], [silence(20)], [hiss(20)], [silence(0.01)], [silence(0.5)] * 30],
    ids=["nothing", "silence", "hiss", "a moment", "moments"],
)
def test_no_speech_is_too_little(starter: StarterEngine, tmp_path: Path, heard: Sequence[Recording]) -> None:
    with pytest.raises(CraftError) as caught:
        starter.fine_tune(heard, "quick", Watcher(tmp_path))
    assert caught.value.code == "training_too_little_speech"
    assert caught.value.facts["seconds"] < 1.0 and caught.value.facts["minimum"] == LEAST_SECONDS


@pytest.mark.slow
def test_a_sentence_is_too_little(
    starter: StarterEngine, clips: dict[str, Recording], tmp_path: Path
) -> None:
    with pytest.raises(CraftError) as caught:
        starter.fine_tune([clips["LJ001-0009"]], "quick", Watcher(tmp_path))
    assert caught.value.code == "training_too_little_speech"
    assert 5 < caught.value.facts["seconds"] < caught.value.facts["minimum"]


@pytest.mark.slow
def test_two_long_sentences_are_enough_to_train_and_to_judge(
    undisturbed: tuple[TrainedVoice, Watcher],
) -> None:
    card = undisturbed[0].card
    assert (
        LEAST_SECONDS < card["training_seconds"] and 0 < card["held_out_seconds"] < card["training_seconds"]
    )


@pytest.mark.slow
def test_a_long_recording_is_heard_in_parts(
    starter: StarterEngine, recordings: list[Recording], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    longest: list[int] = []
    posteriors = starter.ear.posteriors
    monkeypatch.setattr(starter.ear, "posteriors", lambda mel: (longest.append(len(mel)), posteriors(mel))[1])
    monkeypatch.setattr(starter_module, "PART_SECONDS", 10.0)
    monkeypatch.setattr(module, "PART_SECONDS", 10.0)
    joined = np.concatenate([recording.wave for recording in recordings] * 2)
    watcher = Watcher(tmp_path, cancel_at="features")
    with pytest.raises(Cancelled):
        starter.fine_tune(
            [Recording(joined, recordings[0].sample_rate, text="no such text")], "quick", watcher
        )
    assert max(longest) <= 10.0 * 22050 / 256 + 1
    assert sum(name == "transcribe" for name, _ in watcher.stages) >= 3, "no turn for others in between"


@pytest.mark.slow
def test_what_is_stored_is_what_was_trained(
    starter: StarterEngine, recordings: list[Recording], tmp_path: Path
) -> None:
    """The adapter, merged from its file, answers as the network that LoRA was injected into; in at most 8 MB."""
    examples = module.hold_out(
        [e for r in recordings for e in module.examples_of(starter.mel(r), None, starter.ear)]
    )
    largest = max(PLANS.values(), key=lambda plan: plan.lora_rank)
    plan = replace(largest, steps=0, crop=64)
    learner = module.AcousticLearner(
        starter, module.lay_out(examples, "cpu"), starter.prepare(recordings), plan
    )
    torch.manual_seed(1)
    with torch.no_grad():
        for weight in learner.lora.values():
            weight.copy_(torch.randn_like(weight) * 0.02)
    tensors = module.adapter_tensors(learner.lora) | {"speaker": learner.speaker}
    voice = starter.voice(tensors, {"lora_scale": module.LORA_SCALE})
    path = tmp_path / "voice.safetensors"
    voice.save(path)
    assert path.stat().st_size <= 8 * 2**20
    merged = starter.acoustic_of(Voice.load(path))

    symbols = torch.tensor([[SYMBOL_ID[s] for s in "sil HH AH L OW .".split()]])
    speaker = torch.randn(1, 192)
    starts = torch.tensor([[0, 4, 8, 16, 24, 36, 40]])
    with torch.no_grad():
        answers = []
        for network in (learner.network, merged, starter.acoustic):
            text = network.text(
                symbols, torch.zeros_like(symbols), torch.tensor([0]), torch.ones(1, 6, 1), speaker
            )
            frames = network.frames_of(text, starts, torch.arange(40)[None])
            prior, hidden = network.prior_of(frames, speaker, torch.ones(1, 20, 1))
            answers.append(
                network.flow(prior, torch.tensor([0.5]), prior, hidden, speaker, torch.ones(1, 20, 1))
            )
    trained, loaded, base = answers
    difference = float((loaded - trained).abs().max())
    assert difference < 0.05 * float((trained - base).abs().max()), difference


@pytest.mark.slow
def test_an_adapter_that_learnt_nothing_changes_nothing(
    starter: StarterEngine, recordings: list[Recording], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PLANS", {"quick": replace(SMALL, steps=0)})
    voice = starter.fine_tune(recordings, "quick", Watcher(tmp_path)).voice
    assert any(name.endswith("lora_B") for name in voice.tensors)
    own, base = starter.acoustic_of(voice).state_dict(), starter.acoustic.state_dict()
    assert own.keys() == base.keys() and all(torch.equal(own[name], base[name]) for name in base)
    assert torch.equal(voice.tensors["speaker"], starter.speaker_of(recordings).half())
