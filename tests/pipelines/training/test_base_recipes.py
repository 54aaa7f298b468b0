from __future__ import annotations

import csv
import math
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from models.checkpoints import load_network, save_network
from models.listener.network import Listener, ListenerConfig
from models.starter.acoustic import Acoustic, AcousticConfig
from models.starter.mel import FRAMES_PER_SECOND, HOP
from models.starter.vocoder import Vocoder, VocoderConfig
from pipelines.speech.adapters import Adapter
from pipelines.speech.listening import CLASS_COUNT
from pipelines.training.base import command
from pipelines.training.base.acoustic import acoustic_config, train_acoustic
from pipelines.training.base.listener import degrade, train_listener
from pipelines.training.base.loop import Budget
from pipelines.training.base.mandarin import train_mandarin
from pipelines.training.base.speech_set import RECORDED_WARPS, SpeechSet, load_speech
from pipelines.training.base.vocoder import spectral_loss, train_vocoder
from pipelines.training.corpus import Clip, check, write_clips

RATE = 16000
RECIPES = {
    "listener": (train_listener, Listener, ListenerConfig),
    "acoustic": (train_acoustic, Acoustic, AcousticConfig),
    "vocoder": (partial(train_vocoder, critics_from=0.5), Vocoder, VocoderConfig),
}


def humming(folder: Path, name: str, hz: float, source: str, seconds: float = 2.0) -> Clip:
    """A buzz that is loud in the vowels of "banana" and quiet in its consonants."""
    symbols = "sil B AH N AE N AH .".split()
    times = np.linspace(0, seconds, len(symbols) + 1)
    clock = np.arange(int(seconds * RATE)) / RATE
    loud = np.isin(np.searchsorted(times, clock, side="right") - 1, (2, 4, 6))
    buzz = sum(np.sin(2 * np.pi * k * hz * clock) / k for k in range(1, 8))
    wave = np.where(loud, 0.2, 0.02) * buzz + 0.001 * np.random.default_rng(0).normal(size=len(clock))
    soundfile.write(folder / f"{name}.flac", wave, RATE)
    starts = tuple(round(float(time), 4) for time in times)
    return Clip(
        id=name, audio=f"{name}.flac", speaker=f"speaker of {name}", language="en", source=source,
        sample_rate=RATE, seconds=seconds, bandwidth_hz=8000, phonemes=tuple(symbols),
        tones=(0, 0, 1, 0, 3, 0, 1, 0), starts=starts[:-1], ends=starts[1:], text="Banana.",
    )  # fmt: skip


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_clips(
        folder,
        [
            humming(folder, "a", 120.0, "recorded"),
            humming(folder, "b", 180.0, "flite", seconds=5.0),
            humming(folder, "c", 240.0, "flite"),
        ],
    )
    assert check(folder) == {}
    return folder


@pytest.fixture(scope="module")
def speech(corpus: Path) -> SpeechSet:
    torch.set_num_threads(1)
    return load_speech([corpus], "cpu")


def test_clips_lie_end_to_end(speech: SpeechSet) -> None:
    assert len(speech.frames) == len(RECORDED_WARPS) + 2  # a recorded one in every warp
    assert int(speech.frames.sum()) == len(speech.mel) == len(speech.f0) == len(speech.wave) // HOP
    assert bool((speech.first_frame[1:] == speech.first_frame[:-1] + speech.frames[:-1]).all())
    for clip in range(len(speech.frames)):
        starts = speech.starts[clip]
        assert starts[0] == 0 and starts[-1] == speech.frames[clip] and bool((starts.diff() >= 0).all())
    voiced = speech.f0[speech.f0 > 0].float()
    assert {round(float(hz) / 60) for hz in voiced.quantile(torch.tensor([0.05, 0.95]))} <= {2, 3, 4}


def test_a_warped_recording_is_another_speaker_whose_times_fit(speech: SpeechSet) -> None:
    recorded = torch.arange(len(RECORDED_WARPS))
    assert len(set(speech.speaker[recorded].tolist())) == len(RECORDED_WARPS)
    for clip, warp in zip(recorded.tolist(), RECORDED_WARPS, strict=True):
        pitch = speech.f0[int(speech.first_frame[clip]) :][: int(speech.frames[clip])]
        assert float(pitch[pitch > 0].float().median()) == pytest.approx(120.0 * warp, rel=0.02)
        assert int(speech.frames[clip]) == pytest.approx(2.0 / warp * FRAMES_PER_SECOND, abs=2)
        vowel = int(speech.starts[clip, 4])
        assert vowel == pytest.approx(1.0 / warp * FRAMES_PER_SECOND, abs=2)


def test_there_is_always_a_held_out_clip(speech: SpeechSet) -> None:
    generator = torch.Generator().manual_seed(0)
    held_out = set(speech.draw(20, generator, trained=False).tolist())
    trained = set(speech.draw(200, generator).tolist())
    assert held_out and trained and not held_out & trained


def test_a_crop_never_leaves_its_clip(speech: SpeechSet) -> None:
    generator = torch.Generator().manual_seed(0)
    clips = torch.arange(len(speech.frames))
    frame, inside = speech.crop(clips, 300, generator, multiple=2)
    assert frame.shape == inside.shape == (len(clips), 300) and bool((frame[:, 0] % 2 == 0).all())
    assert bool((inside == (frame < speech.frames[:, None])).all())
    wave = speech.samples(clips, torch.full((len(clips),), -3), 6 * HOP)
    assert float(wave[:, : 3 * HOP].abs().max()) == 0.0 and float(wave[:, 3 * HOP :].abs().max()) > 0


def test_rooms_and_noise_leave_something_to_hear() -> None:
    generator = torch.Generator().manual_seed(0)
    clean = torch.sin(torch.arange(RATE) / 10)[None].repeat(4, 1) * 0.2
    spoilt = degrade(clean, generator)
    assert spoilt.shape == clean.shape and bool(spoilt.isfinite().all())
    assert not torch.allclose(spoilt, clean, atol=1e-2)
    assert float(spoilt.abs().max()) < 3.0


def test_spectral_loss_tells_the_same_from_the_near_from_the_other() -> None:
    torch.manual_seed(0)
    one, other = torch.randn(2, 8000), torch.randn(2, 8000)
    same, near, far = (float(spectral_loss(wave, one)) for wave in (one, 0.9 * one, other))
    assert same < 1e-5 < near < 0.5 * far


@pytest.fixture
def small_crops(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second instead of four: the loss of a step is as true, and the test as sharp."""
    monkeypatch.setattr("pipelines.training.base.listener.CROP", 86)
    monkeypatch.setattr("pipelines.training.base.acoustic.CROP", 86)


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_trains_resumes_and_ships(
    speech: SpeechSet, tmp_path: Path, small_crops: None, name: str
) -> None:
    recipe, network, config = RECIPES[name]
    recipe(speech, tmp_path, Budget(60.0, steps=2, warmup_steps=1), batch=2)
    shipped, facts = load_network(network, config, tmp_path / f"{name}.safetensors")
    assert facts["steps"] == 2
    assert all(bool(weight.isfinite().all()) for weight in shipped.parameters())

    recipe(speech, tmp_path, Budget(60.0, steps=3, warmup_steps=1), batch=2)
    assert load_network(network, config, tmp_path / f"{name}.safetensors")[1]["steps"] == 3
    with (tmp_path / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["2", "3"]
    assert all(math.isfinite(float(value)) for row in rows for value in row.values())
    assert any(column.startswith("held_out_") for column in rows[0])
    if name == "vocoder":
        assert float(rows[1]["critic"]) > 0, "the critics never joined"


@pytest.mark.slow
def test_the_command_goes_on_from_earlier_weights(
    corpus: Path,
    tmp_path: Path,
    small_crops: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def train(out: str, *more: str) -> torch.Tensor:
        words = ["listener", "--corpus", str(corpus), "--out", str(tmp_path / out), "--steps", "1"]
        monkeypatch.setattr(torch, "set_float32_matmul_precision", lambda level: None)  # of the whole process
        monkeypatch.setattr(sys, "argv", ["base", *words, "--batch", "2", "--device", "cpu", *more])
        command.main()
        network = load_network(Listener, ListenerConfig, tmp_path / out / "listener.safetensors")[0]
        return network.blocks[0].expand.weight.detach()

    first = train("first")
    assert "7 clips, 0.00 h, 7 speakers" in capsys.readouterr().out
    second = train("second", "--init", str(tmp_path / "first" / "listener.safetensors"), "--seed", "5")
    assert float((second - first).norm()) < 0.1 * float(first.norm())
    torch.manual_seed(5)
    fresh = Listener(ListenerConfig(classes=CLASS_COUNT)).blocks[0].expand.weight.detach()
    assert float((fresh - first).norm()) > float(first.norm())


@pytest.mark.slow
def test_mandarin_is_learnt_beside_the_weights(tmp_path: Path, small_crops: None) -> None:
    for folder in ("en", "zh"):
        (tmp_path / folder).mkdir()
    english = humming(tmp_path / "en", "a", 120.0, "flite")
    write_clips(tmp_path / "en", [english])
    symbols = ("sil", *(f"zh/{part}" for part in "b a n a n a".split()), ".")
    tones = (0, 0, 4, 0, 5, 0, 6, 0)
    clips = [humming(tmp_path / "zh", name, 150.0, "espeak") for name in "bc"]
    mandarin = [replace(clip, language="zh", phonemes=symbols, tones=tones) for clip in clips]
    write_clips(tmp_path / "zh", mandarin)
    speech = load_speech([tmp_path / "en", tmp_path / "zh"], "cpu", pitch=False)
    base = Acoustic(acoustic_config())
    save_network(base, tmp_path / "acoustic.safetensors")
    budget = Budget(60.0, steps=3, warmup_steps=1)
    train_mandarin(speech, tmp_path / "out", budget, batch=2, init=tmp_path / "acoustic.safetensors", crop=86)
    adapter = Adapter.load(tmp_path / "out" / "mandarin.safetensors")
    learnt = {name for name, tensor in adapter.tensors.items() if name.endswith("lora_B") and tensor.any()}
    assert {"prior_out.lora_B", "duration.out.lora_B", "text.attention.0.qkv.lora_B"} <= learnt
    merged = adapter.merged_into(base)
    assert merged.flow is base.flow and merged.reference is base.reference
    assert not torch.equal(merged.prior_stem.weight, base.prior_stem.weight)


@pytest.mark.slow
def test_what_is_kept_stays_and_the_rest_goes_on(
    speech: SpeechSet, tmp_path: Path, small_crops: None
) -> None:
    budget = Budget(60.0, steps=1, warmup_steps=1)
    train_acoustic(speech, tmp_path / "first", budget, batch=2)
    first = tmp_path / "first" / "acoustic.safetensors"
    train_acoustic(speech, tmp_path / "next", budget, batch=2, init=first, crop=40, keep=("reference",))
    one, other = (
        load_network(Acoustic, AcousticConfig, path)[0].state_dict()
        for path in (first, tmp_path / "next" / "acoustic.safetensors")
    )
    changed = {name.partition(".")[0] for name in one if not torch.equal(one[name], other[name])}
    assert "reference" not in changed and {"text", "prior_blocks", "flow"} <= changed
