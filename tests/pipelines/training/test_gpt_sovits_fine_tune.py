"""The whole recipe on small networks that came in official files, with the listener and recordings that are real."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pipelines.audio.recording import Recording
from pipelines.failure import Cancelled, CraftError
from pipelines.speech.catalogue import installed_engines
from pipelines.speech.engine import QUALITIES, SpeechEngine, TrainedVoice
from pipelines.speech.gpt_sovits.voice_files import VoiceFiles
from pipelines.speech.voice import Voice
from pipelines.text.gpt_sovits.front_end import FrontEnd
from pipelines.training.gpt_sovits import clips as clips_module
from pipelines.training.gpt_sovits import fine_tune as module
from pipelines.training.gpt_sovits.examples import _example
from pipelines.training.gpt_sovits.networks import Room
from pipelines.training.gpt_sovits.plans import PLANS, Plan, StagePlan, reference_seconds
from tests.official_files import small_bases, small_sovits, small_text2semantic
from tests.training_watcher import PowerCut, Watcher

pytestmark = pytest.mark.slow

TEXT = "How are you, my friend?"
STAGES = ("slice", "transcribe", "features", "train", "check")
STAGE = StagePlan(steps=4, learning_rate=1e-3, batch=2, check_every=2)
SMALL = {"lora": {"quick": Plan(STAGE, STAGE, lora_rank=4)}, "full": {"quick": Plan(STAGE, STAGE)}}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plans of a few steps, and one sentence to listen to."""
    shrink(monkeypatch)


def shrink(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(module, "PLANS", SMALL)
    patch.setattr(module, "CHECK_SENTENCES", module.CHECK_SENTENCES[:1])


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, small_models: Path) -> Path:
    """Without critics, which only one test needs."""
    models = Path(shutil.copytree(small_models, tmp_path_factory.mktemp("tuned") / "models"))
    for path in models.rglob("s2D*"):
        path.unlink()
    return models


@pytest.fixture(scope="module")
def engine(models: Path) -> SpeechEngine:
    return installed_engines(models)["gpt_sovits_v2"].load("cpu")


@pytest.fixture(scope="module")
def recordings(clips: dict[str, Recording]) -> list[Recording]:
    """Twenty-two seconds with what is said in them."""
    return [clips[name] for name in ("LJ001-0009", "LJ001-0018", "LJ001-0022")]


@pytest.fixture(scope="module")
def bring(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Callable[[int], Voice]:
    """The weights of an imported voice."""

    def read(seed: int) -> Voice:
        folder = tmp_path_factory.mktemp("voice")
        files = [small_text2semantic(folder / "v.ckpt", seed), small_sovits(folder / "v.pth", seed=seed)]
        VoiceFiles(models / "gpt_sovits").read(files, folder / "v.safetensors")
        return Voice.load(folder / "v.safetensors")

    return read


@pytest.fixture(scope="module")
def undisturbed(
    engine: SpeechEngine, recordings: list[Recording], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[TrainedVoice, Watcher]]:
    """By method."""
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        shrink(patch)
        for method in SMALL:
            watcher = Watcher(tmp_path_factory.mktemp(method))
            found[method] = engine.fine_tune(recordings, "quick", watcher, method=method), watcher
    return found


def test_plans_are_the_qualities() -> None:
    for method, plans in PLANS.items():
        assert tuple(plans) == QUALITIES
        seconds = reference_seconds(method, "v2")
        assert (
            seconds["quick"]
            < seconds["good"]
            < seconds["best"]
            < reference_seconds(method, "v2ProPlus")["best"]
        )
        for plan in plans.values():
            assert bool(plan.lora_rank) == (method == "lora")
            for stage in (plan.text2semantic, plan.sovits):
                assert stage.steps % stage.check_every == 0, "the last steps would not be judged"


@pytest.mark.parametrize("method", SMALL)
def test_stages_come_in_order_and_progress_never_falls(
    undisturbed: dict[str, tuple[TrainedVoice, Watcher]], method: str
) -> None:
    _, watcher = undisturbed[method]
    names = [name for name, _ in watcher.stages]
    assert list(dict.fromkeys(names)) == list(STAGES) and names == sorted(names, key=STAGES.index)
    progress = [share for _, share in watcher.stages]
    assert progress == sorted(progress) and progress[0] == 0.0 and progress[-1] == 1.0
    # one curve of both networks, each beginning at 1
    assert [row[0] for row in watcher.losses] == [0, 2, 4, 4, 6, 8]
    assert [row[2] for row in watcher.losses if row[0] in (0, 4)][::2] == [1.0, 1.0]


@pytest.mark.parametrize("method", SMALL)
def test_the_card_tells_what_happened(
    undisturbed: dict[str, tuple[TrainedVoice, Watcher]], recordings: list[Recording], method: str
) -> None:
    card = undisturbed[method][0].card
    heard = sum(recording.seconds for recording in recordings)
    assert heard - 0.2 < card["training_seconds"] <= heard
    assert card["text_seconds"] == card["training_seconds"] and 6 < card["held_out_seconds"] < 9
    assert (card["method"], card["language"], card["adversarial"]) == (method, "en", False)
    assert [stage["name"] for stage in card["stages"]] == ["GPT", "SoVITS"]
    for stage in card["stages"]:
        assert [row[0] for row in stage["curve"]] == [0, 2, 4] and stage["steps"] == 4
        held_out = {row[0]: row[2] for row in stage["curve"]}
        assert held_out[stage["best_step"]] == min(held_out.values()) < held_out[0], "nothing was learnt"
        assert stage["curve"][-1][1] < stage["curve"][1][1] or method == "lora"
    assert card["steps"] == 8 and card["seconds"] > 0
    assert -1 <= card["similarity"] <= 1 and -1 <= card["similarity_before"] <= 1
    assert 0 <= card["intelligibility"] <= 1


def test_every_layer_that_is_adapted_has_learnt(undisturbed: dict[str, tuple[TrainedVoice, Watcher]]) -> None:
    voice = undisturbed["lora"][0].voice
    learnt = {name: bool(t.any()) for name, t in voice.tensors.items() if name.endswith("lora_B")}
    assert all(learnt.values()), [name for name, moved in learnt.items() if not moved]
    assert {f"{name.removesuffix('B')}A" for name in learnt} <= set(voice.tensors)
    for part in (
        "text2semantic.model.h.layers.1.self_attn.in_proj_weight",
        "text2semantic.model.h.layers.0.linear2",
        "sovits.enc_p.mrte.cross_attention.conv_q",
        "sovits.flow.flows.0.enc.in_layers.0",
        "sovits.dec.ups.0",
        "sovits.dec.resblocks.4.convs1.2",
    ):
        assert f"{part}.lora_B" in learnt
    frozen = ("sovits.enc_q", "sovits.ref_enc", "sovits.enc_p.encoder_text", "sovits.ssl_proj")
    assert not [name for name in voice.tensors if name.startswith(frozen)]
    assert {"style", "prompt_tokens"} <= set(voice.tensors)  # it is a whole voice


@pytest.mark.parametrize("method", SMALL)
def test_the_trained_voice_speaks_and_the_base_is_as_it_was(
    engine: SpeechEngine,
    models: Path,
    recordings: list[Recording],
    undisturbed: dict[str, tuple[TrainedVoice, Watcher]],
    tmp_path: Path,
    method: str,
) -> None:
    voice = undisturbed[method][0].voice
    voice.save(tmp_path / "voice.safetensors")
    back = Voice.load(tmp_path / "voice.safetensors")
    trained = engine.synthesize(TEXT, back, {"noise_scale": 0}, 1).wave
    assert np.array_equal(trained, engine.synthesize(TEXT, voice, {"noise_scale": 0}, 1).wave)
    instant = engine.prepare(recordings)
    before = engine.synthesize(TEXT, instant, {"noise_scale": 0}, 1).wave
    assert not np.array_equal(trained, before)
    fresh = installed_engines(models)["gpt_sovits_v2"].load("cpu")
    assert np.array_equal(
        before, fresh.synthesize(TEXT, fresh.prepare(recordings), {"noise_scale": 0}, 1).wave
    )
    for name, weight in fresh.networks.sovits.state_dict().items():
        assert torch.equal(weight, engine.networks.sovits.state_dict()[name])


@pytest.mark.parametrize(("method", "steps_done"), [("lora", 1), ("lora", 5), ("full", 3), ("full", 7)])
def test_a_killed_training_goes_on_as_if_nothing_had_happened(
    engine: SpeechEngine,
    recordings: list[Recording],
    undisturbed: dict[str, tuple[TrainedVoice, Watcher]],
    tmp_path: Path,
    method: str,
    steps_done: int,
) -> None:
    with pytest.raises(PowerCut):
        engine.fine_tune(recordings, "quick", Watcher(tmp_path, die_after_steps=steps_done), method=method)
    again = Watcher(tmp_path)
    resumed = engine.fine_tune(recordings, "quick", again, method=method)
    whole, _ = undisturbed[method]
    assert sum(name == "train" for name, _ in again.stages) == 8 - steps_done // 2 * 2
    assert resumed.card["stages"] == whole.card["stages"]
    assert resumed.voice.facts == whole.voice.facts
    assert set(resumed.voice.tensors) == set(whole.voice.tensors)
    for name, tensor in whole.voice.tensors.items():
        assert torch.equal(resumed.voice.tensors[name], tensor), name


@pytest.mark.parametrize("stage", STAGES)
def test_it_can_be_stopped_in_every_stage(
    engine: SpeechEngine, recordings: list[Recording], tmp_path: Path, stage: str
) -> None:
    watcher = Watcher(tmp_path, cancel_at=stage)
    with pytest.raises(Cancelled):
        engine.fine_tune(recordings, "quick", watcher)
    assert watcher.stages[-1][0] == stage and not watcher.in_turn


@pytest.mark.parametrize(("kind", "name"), [("text2semantic", "GPT"), ("sovits", "SoVITS")])
def test_a_training_that_explodes_says_where(
    engine: SpeechEngine,
    recordings: list[Recording],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    name: str,
) -> None:
    plan = SMALL["full"]["quick"]
    wild = replace(plan, **{kind: replace(STAGE, learning_rate=1e30)})
    monkeypatch.setattr(module, "PLANS", {"full": {"quick": wild}})
    with pytest.raises(CraftError) as caught:
        engine.fine_tune(recordings, "quick", Watcher(tmp_path), method="full")
    assert caught.value.code == "training_diverged" and caught.value.facts["stage"] == name
    assert 0 < caught.value.facts["step"] <= 4


def test_a_base_of_no_numbers_is_found_out_before_the_first_step(
    engine: SpeechEngine, recordings: list[Recording], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoilt(*weights: object) -> object:
        network = sovits_of(*weights)
        with torch.no_grad():
            network.flow.flows[0].post.bias[1] = torch.nan
        return network

    sovits_of = module.sovits_of
    monkeypatch.setattr(module, "sovits_of", spoilt)
    with pytest.raises(CraftError) as caught:
        engine.fine_tune(recordings, "quick", Watcher(tmp_path))
    assert caught.value.facts == {"stage": "SoVITS", "step": 0}


def test_too_little_speech(engine: SpeechEngine, clips: dict[str, Recording], tmp_path: Path) -> None:
    silence = Recording(np.zeros(16000 * 20, np.float32), 16000)
    for recordings in ([], [silence], [clips["LJ001-0009"]]):
        with pytest.raises(CraftError) as caught:
            engine.fine_tune(recordings, "quick", Watcher(tmp_path))
        assert caught.value.code == "training_too_little_speech" and caught.value.facts["minimum"] == 10


def test_a_base_that_was_made_for_speaking(
    engine: SpeechEngine, recordings: list[Recording], tmp_path: Path
) -> None:
    parts = engine.parts
    file = replace(parts.sovits.file, posterior=False)
    speaking = copy.copy(engine)
    speaking.parts = replace(parts, sovits=replace(parts.sovits, file=file))
    with pytest.raises(CraftError, match="engine_untrainable"):
        speaking.fine_tune(recordings, "quick", Watcher(tmp_path))


# Texts


def test_without_a_text_only_the_sound_is_learnt(
    engine: SpeechEngine, recordings: list[Recording], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clips_module, "heard_text", lambda *_: None)
    wordless = [replace(recording, text=None) for recording in recordings]
    trained = engine.fine_tune(wordless, "quick", Watcher(tmp_path))
    assert trained.card["text_seconds"] == 0
    (stage,) = trained.card["stages"]
    assert stage["name"] == "SoVITS" and stage["best_step"] > 0
    learnt = {name for name, t in trained.voice.tensors.items() if name.endswith("lora_B") and t.any()}
    assert learnt and all(name.startswith("sovits.dec.") for name in learnt)
    assert engine.synthesize(TEXT, trained.voice, {}, 1).seconds > 0


def test_another_language_is_judged_by_its_sound_alone(
    engine: SpeechEngine, recordings: list[Recording], tmp_path: Path
) -> None:
    chinese = [
        replace(recording, text="今天天气很好，我们去公园。今天天气很好，我们去公园。")
        for recording in recordings
    ]
    trained = engine.fine_tune(chinese, "quick", Watcher(tmp_path))
    assert trained.card["language"] == "zh" and trained.card["intelligibility"] is None
    assert [stage["name"] for stage in trained.card["stages"]] == ["GPT", "SoVITS"]
    assert -1 <= trained.card["similarity"] <= 1


# What comes in from other programs, and goes out to them


@pytest.mark.parametrize("method", SMALL)
@pytest.mark.parametrize("imported", [False, True])
def test_out_and_in_again_it_sounds_the_same(
    engine: SpeechEngine,
    models: Path,
    recordings: list[Recording],
    bring: Callable[[int], Voice],
    tmp_path: Path,
    method: str,
    imported: bool,
) -> None:
    brought = bring(5) if imported else None
    (tmp_path / "work").mkdir()
    trained = engine.fine_tune(recordings, "quick", Watcher(tmp_path / "work"), brought, method).voice
    assert not [name for name in trained.tensors if name.startswith("sovits.enc_q")]
    if method == "lora":  # what came in is not repeated
        assert trained.nbytes < 200_000 and all(
            "lora" in n for n in trained.tensors if n.startswith("sovits.")
        )
    whole = brought.joined(trained) if brought else trained
    spoken = engine.synthesize(TEXT, whole, {}, 3).wave
    exchange = VoiceFiles(models / "gpt_sovits")
    (tmp_path / "files").mkdir()
    files = exchange.write(whole, tmp_path / "files")
    exchange.read(files, tmp_path / "again.safetensors")
    again = Voice.load(tmp_path / "again.safetensors")
    back = again.joined(engine.prepare(recordings, again))
    assert torch.equal(back.tensors["style"], whole.tensors["style"])
    assert np.array_equal(engine.synthesize(TEXT, back, {}, 3).wave, spoken)
    if brought:
        untouched = brought.joined(engine.prepare(recordings, brought))
        assert not np.array_equal(engine.synthesize(TEXT, untouched, {}, 3).wave, spoken)


# The rest of the recipe


def test_critics_take_part_where_there_are_any(
    small_models: Path, recordings: list[Recording], tmp_path: Path
) -> None:
    engine = installed_engines(small_models)["gpt_sovits_v2"].load("cpu")
    critics = engine.parts.discriminator
    before = module.read_weights(critics.weights()).tensors["discriminators.2.conv_post.weight_v"].clone()
    with pytest.raises(PowerCut):
        engine.fine_tune(recordings, "quick", Watcher(tmp_path, die_after_steps=7))
    saved = torch.load(tmp_path / "sovits.pt")["values"]
    moved = saved["critics.discriminators.2.conv_post.weight_v"]
    assert not torch.equal(moved, before.float()), "they learn, too"
    trained = engine.fine_tune(recordings, "quick", Watcher(tmp_path))
    assert trained.card["adversarial"] and all("critics" not in name for name in trained.voice.tensors)


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16])
def test_in_half_precision_and_in_little_room(
    engine: SpeechEngine,
    recordings: list[Recording],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    precision: torch.dtype,
) -> None:
    # in fp16 the first steps only find out how far gradients can be scaled
    longer = Plan(STAGE, replace(STAGE, steps=12, check_every=6), lora_rank=4)
    monkeypatch.setattr(module, "PLANS", {"lora": {"quick": longer}})
    room = Room(precision, checkpointing=True, accumulation=2)
    trained = module.fine_tune(engine, recordings, "quick", Watcher(tmp_path), room=room)
    for stage in trained.card["stages"]:
        assert stage["best_step"] > 0
    assert all(bool(t.isfinite().all()) for t in trained.voice.tensors.values())


def test_a_version_that_knows_speakers(recordings: list[Recording], tmp_path: Path) -> None:
    version = "v2ProPlus"
    small_bases(tmp_path / "models" / "gpt_sovits", (version,), chinese=False)
    for path in tmp_path.rglob("s2D*"):
        path.unlink()
    name = f"gpt_sovits_{version.lower()}"
    engine = installed_engines(tmp_path / "models")[name].load("cpu")
    trained = engine.fine_tune(recordings, "quick", Watcher(tmp_path))
    assert trained.voice.engine == name and all(s["best_step"] > 0 for s in trained.card["stages"])
    assert engine.synthesize(TEXT, trained.voice, {}, 1).seconds > 0


def test_a_text_that_nobody_would_say_in_that_time_is_left_out(
    engine: SpeechEngine, recordings: list[Recording], tmp_path: Path
) -> None:
    """Of three texts two are known; the network that says what is trained on one and judged by the other."""
    *known, last = recordings
    trained = engine.fine_tune([*known, replace(last, text="Yes.")], "quick", Watcher(tmp_path))
    card = trained.card
    assert card["text_seconds"] == pytest.approx(sum(recording.seconds for recording in known), abs=0.1)
    assert card["training_seconds"] - card["text_seconds"] == pytest.approx(last.seconds, abs=0.1)
    assert [stage["name"] for stage in card["stages"]] == ["GPT", "SoVITS"]
    assert card["held_out_seconds"] == pytest.approx(known[1].seconds, abs=0.1)  # the shorter of the two


def test_what_was_heard_as_cantonese_is_read_as_such(
    engine: SpeechEngine, recordings: list[Recording], monkeypatch: pytest.MonkeyPatch
) -> None:
    read, modes = FrontEnd.read, []

    def note(front_end: FrontEnd, text: str, mode: str) -> object:
        modes.append(mode)
        return read(front_end, text, "auto")

    monkeypatch.setattr(FrontEnd, "read", note)
    for language in ("yue", "en", None):
        said = replace(recordings[0], language=language)
        assert _example(said, engine, engine.networks).told
        engine.prepare([said])
    assert modes == ["auto_yue"] * 2 + ["auto"] * 4
