from __future__ import annotations

import io
import json
import socket
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file, save_file

from pipelines.failure import Cancelled, CraftError
from pipelines.illustration.illustrator import Illustration, Illustrator, placeholder
from pipelines.illustration.layout import compose
from pipelines.illustration.settings import PaintingSettings

pytest.importorskip("diffusers")

from diffusers import EulerDiscreteScheduler

from pipelines.illustration.single_file import predicts_velocity
from pipelines.illustration.stable_diffusion import open_base
from tests.pipelines.illustration.tiny import (
    page,
    stable_diffusion,
    stable_diffusion_xl,
    write_single_file,
)

QUICK = PaintingSettings(base="tiny", num_inference_steps=4, guidance_scale=2.0, strength=0.5, size=256)


def draw(illustrator: Illustrator, settings: PaintingSettings = QUICK, **changes: object) -> Illustration:
    return illustrator.draw(page(**changes), settings, lambda share: None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "tiny"
    write_single_file(stable_diffusion(path), path.with_suffix(".safetensors"))
    return path


@pytest.fixture(scope="module")
def illustrator(folder: Path) -> Illustrator:
    return Illustrator.load(folder, "cpu")


def test_a_picture_says_what_it_is_and_who_painted_it(illustrator: Illustrator) -> None:
    painted = draw(illustrator)
    picture = Image.open(io.BytesIO(painted.png))
    assert picture.size == (256, 256) == painted.image.size
    assert np.array_equal(np.asarray(picture), np.asarray(painted.image))
    texts = picture.text
    assert texts["prompt"] == page().prompt.text and texts["negative_prompt"] == "blurry"
    assert (texts["seed"], texts["base"]) == ("5", "tiny")
    assert PaintingSettings(**json.loads(texts["settings"])) == QUICK
    aigc = json.loads(texts["AIGC"])
    assert (aigc["Label"], aigc["ProduceID"]) == ("1", page().picture_key)
    assert "人工智能" in texts["Comment"] and "trainedAlgorithmicMedia" in texts["XML:com.adobe.xmp"]


def test_words_seed_and_strength_change_the_picture_and_nothing_else_does(illustrator: Illustrator) -> None:
    first = draw(illustrator)
    assert draw(illustrator).png == first.png
    others = [
        draw(illustrator, seed=6),
        draw(illustrator, negative_prompt="a fox"),
        draw(illustrator, prompt=replace(page().prompt, subject="a blue whale")),
        draw(illustrator, replace(QUICK, strength=0.75)),
        draw(illustrator, replace(QUICK, guidance_scale=9.0)),
        draw(illustrator, replace(QUICK, sampler="euler")),
    ]
    pixels = {picture.image.tobytes() for picture in (first, *others)}
    assert len(pixels) == 1 + len(others)


@pytest.mark.parametrize("sampler", ["dpmpp", "unipc"])
def test_every_sampler_paints(illustrator: Illustrator, sampler: str) -> None:
    assert np.asarray(draw(illustrator, replace(QUICK, sampler=sampler)).image).std() > 1


def test_a_person_can_stop_between_two_steps(illustrator: Illustrator) -> None:
    told: list[float] = []

    def report(share: float) -> None:
        told.append(share)
        if len(told) == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        illustrator.draw(page(), replace(QUICK, strength=1.0), report)
    assert told == sorted(told) and told[0] == 0.0 and told[-1] < 1
    told.clear()
    illustrator.draw(page(), replace(QUICK, strength=0.5), told.append)
    assert told == pytest.approx([0.0, 1 / 3, 2 / 3, 1.0])


def test_a_single_file_paints_what_its_folder_paints_and_asks_no_network(
    folder: Path, illustrator: Illustrator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    file = folder.with_suffix(".safetensors")
    single = Illustrator.load(file, "cpu", tokenizers=(folder / "nowhere", folder / "tokenizer"))
    assert draw(single).image.tobytes() == draw(illustrator).image.tobytes()
    with pytest.raises(CraftError, match="painter_tokenizer"):
        Illustrator.load(file, "cpu", tokenizers=(folder,))


def test_an_xl_folder_goes_through_the_same_code(tmp_path: Path) -> None:
    stable_diffusion_xl(tmp_path / "grand")
    painted = draw(Illustrator.load(tmp_path / "grand", "cpu"))
    assert painted.image.size == (256, 256)
    assert Image.open(io.BytesIO(painted.png)).text["base"] == "grand"


def test_latents_are_not_clipped_whatever_sampler_the_folder_was_saved_with(tmp_path: Path) -> None:
    pipeline = stable_diffusion_xl(tmp_path / "grand")
    noise = {name: pipeline.scheduler.config[name] for name in ("beta_start", "beta_end", "beta_schedule")}
    EulerDiscreteScheduler(**noise).save_pretrained(tmp_path / "grand" / "scheduler")
    assert not open_base(tmp_path / "grand", "cpu").scheduler.config.clip_sample


@pytest.mark.parametrize(
    ("kind", "name", "marks", "said", "velocity"),
    [
        ("v2", "v2-1_768-ema-pruned", (), {}, True),
        ("v2", "v2-1_512-ema-pruned", (), {}, False),
        ("v2", "512-base-ema", (), {}, False),
        ("v2", "my fairy tales", (), {}, True),
        ("v2", "my fairy tales", (), {"modelspec.prediction_type": "epsilon"}, False),
        ("v1", "dreams", (), {}, False),
        ("xl", "dreams", (), {"modelspec.prediction_type": "v"}, True),
        ("xl", "dreams", ("v_pred", "ztsnr"), {"modelspec.prediction_type": "epsilon"}, True),
    ],
)
def test_what_a_single_file_predicts(
    kind: str, name: str, marks: tuple[str, ...], said: dict[str, str], velocity: bool
) -> None:
    assert predicts_velocity(dict.fromkeys(marks, (0,)), said, kind, name) == velocity


def test_what_a_single_file_says_of_itself_is_believed(folder: Path, tmp_path: Path) -> None:
    file = folder.with_suffix(".safetensors")
    save_file(load_file(file), tmp_path / "v.safetensors", {"modelspec.prediction_type": "v"})
    for path, kind in ((file, "epsilon"), (tmp_path / "v.safetensors", "v_prediction")):
        assert open_base(path, "cpu", (folder / "tokenizer",)).scheduler.config.prediction_type == kind


def test_what_could_run_programs_or_is_something_else_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "old.ckpt").write_bytes(b"\x80\x04.")
    (tmp_path / "noise.safetensors").write_bytes(b"\xff" * 64)
    strange = tmp_path / "strange"
    strange.mkdir()
    (strange / "model_index.json").write_text(json.dumps({"_class_name": ["evil", "Pipeline"]}))
    half = tmp_path / "half"
    half.mkdir()
    (half / "model_index.json").write_text((folder / "model_index.json").read_text())
    pickled = tmp_path / "pickled"
    (pickled / "unet").mkdir(parents=True)
    (pickled / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"\x80\x04.")
    (pickled / "model_index.json").write_text((folder / "model_index.json").read_text())
    for name, code in (
        ("gone", "painter_missing"),
        ("old.ckpt", "painter_pickle"),
        ("pickled", "painter_pickle"),
        ("noise.safetensors", "painter_broken"),
        ("strange", "painter_unknown"),
        ("half", "painter_broken"),
    ):
        with pytest.raises(CraftError) as caught:
            Illustrator.load(tmp_path / name, "cpu")
        assert caught.value.code == code, name


def test_the_placeholder_is_the_layout_and_says_so() -> None:
    picture = Image.open(io.BytesIO(placeholder(page(), 256)))
    assert np.array_equal(np.asarray(picture), np.asarray(compose(page().layout, 256)))
    assert picture.text["base"] == "layout" and "trained" not in picture.text["XML:com.adobe.xmp"]


@pytest.mark.slow
def test_the_shipped_painter_repaints_a_page_and_leaves_the_face_readable() -> None:
    from pipelines.illustration.bases import BASES

    told: list[float] = []
    settings = PaintingSettings()
    assert settings.strength >= 0.35
    painted = BASES["storybook"].load("cpu").draw(page(), settings, told.append)
    layout = np.asarray(compose(page().layout, settings.size), np.float32)
    change = np.abs(np.asarray(painted.image, np.float32) - layout).mean()
    assert 3 < change < 40
    texts = Image.open(io.BytesIO(painted.png)).text
    assert texts["base"] == "storybook" and "red fox" not in texts["negative_prompt"]
    assert told[-1] == 1.0
