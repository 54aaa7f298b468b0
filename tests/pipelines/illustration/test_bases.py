from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.failure import CraftError
from pipelines.illustration.bases import BASES, installed
from pipelines.illustration.settings import SAMPLERS, SIZES, PaintingSettings

pytest.importorskip("diffusers")

from tests.pipelines.illustration.tiny import page, stable_diffusion, write_single_file


def test_describing_the_bases_imports_nothing_heavy() -> None:
    program = (
        "import sys, pipelines.illustration.bases\n"
        "print(*(name for name in ('torch', 'diffusers', 'transformers') if name in sys.modules))"
    )
    outcome = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.split() == []


def test_what_lies_among_the_models_is_found_and_can_be_loaded(tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    pipeline = stable_diffusion(folder)
    write_single_file(pipeline, tmp_path / "tiny-file.safetensors")
    (tmp_path / "notes.txt").touch()
    (tmp_path / "old.ckpt").touch()
    (tmp_path / "..odd name.safetensors").touch()
    (tmp_path / "storybook.safetensors").touch()
    found = installed(tmp_path)
    assert list(found) == ["storybook", "tiny", "tiny-file"]
    assert found["storybook"] is BASES["storybook"]
    parts = (pipeline.unet, pipeline.vae, pipeline.text_encoder)
    numbers = sum(value.numel() for part in parts for value in part.parameters())
    for name in ("tiny", "tiny-file"):
        assert found[name].resident_bytes == pytest.approx(4 * numbers, rel=0.01)
        assert found[name].defaults.checked().base == name
    settings = PaintingSettings(base="tiny-file", num_inference_steps=2, strength=0.5, size=256)
    picture = found["tiny-file"].load("cpu").draw(page(), settings, lambda share: None)
    assert picture.image.size == (256, 256)
    assert installed(tmp_path / "nowhere") == dict(BASES)


@pytest.mark.parametrize("name", ["国风3", "Realistic Vision V6.0", "dreams (1)", "model+vae"])
def test_a_painter_may_be_called_as_its_makers_call_it(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.safetensors").touch()
    (tmp_path / f"{name} folder").mkdir()
    index = {"_class_name": "StableDiffusionPipeline"}
    (tmp_path / f"{name} folder" / "model_index.json").write_text(json.dumps(index))
    assert set(installed(tmp_path)) == {"storybook", name, f"{name} folder"}


def test_of_a_whole_clone_one_variant_is_counted_and_opened(tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    stable_diffusion(folder)
    once = installed(tmp_path)["tiny"].resident_bytes
    plain = list(folder.glob("*/*.safetensors"))
    for path in plain:
        shutil.copy(path, path.with_suffix(".fp16.safetensors"))
        path.with_suffix(".non_ema.safetensors").write_bytes(path.read_bytes())
    assert installed(tmp_path)["tiny"].resident_bytes == once
    for path in plain:  # half precision alone, and what nobody paints with
        path.unlink()
    assert installed(tmp_path)["tiny"].resident_bytes == once
    assert installed(tmp_path)["tiny"].load("cpu").base == "tiny"


@pytest.mark.parametrize("header", [b"[" * 200_000, b'{"a": {"shape": [1e999]}}', b'{"a": {"shape": ["x"]}}'])
def test_a_header_that_describes_nothing_keeps_no_other_painter_away(tmp_path: Path, header: bytes) -> None:
    (tmp_path / "odd.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    found = installed(tmp_path)
    assert (list(found), found["odd"].resident_bytes) == (["storybook", "odd"], 0)


@pytest.mark.parametrize(
    ("index", "listed"),
    [
        ('{"_class_name": "StableDiffusionPipeline"}', True),
        ('{"_class_name": "StableDiffusionXLImg2ImgPipeline"}', True),
        ('{"_class_name": "ZImagePipeline"}', False),
        ('{"_class_name": "Flux2KleinPipeline"}', False),
        ('{"_class_name": "StableDiffusion3Pipeline"}', False),
        ('{"_class_name": ["StableDiffusionPipeline"]}', False),
        ('["StableDiffusionPipeline"]', False),
        ("{}", False),
        ("{", False),
        ("[" * 60_000, False),
        ('{"_class_name": "StableDiffusionPipeline"}' + " " * 2**16, False),
        (b"\xff\xfe", False),
        (None, False),
    ],
)
def test_only_what_can_be_opened_is_a_painter(
    tmp_path: Path, index: str | bytes | None, listed: bool
) -> None:
    folder = tmp_path / "painter"
    folder.mkdir()
    if index is not None:
        data = index if isinstance(index, bytes) else index.encode()
        (folder / "model_index.json").write_bytes(data)
    assert ("painter" in installed(tmp_path)) == listed


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"num_inference_steps": 0}, "painting_setting"),
        ({"num_inference_steps": 61}, "painting_setting"),
        ({"guidance_scale": 0.5}, "painting_setting"),
        ({"strength": 1.2}, "painting_setting"),
        ({"strength": "much"}, "painting_setting"),
        ({"strength": float("nan")}, "painting_setting"),
        ({"sampler": "magic"}, "painting_choice"),
        ({"size": 300}, "painting_choice"),
        ({"num_inference_steps": 3, "strength": 0.2}, "painting_no_steps"),
    ],
)
def test_numbers_that_cannot_be_painted_with_are_refused(changed: dict, code: str) -> None:
    with pytest.raises(CraftError) as caught:
        PaintingSettings(**changed).checked()
    assert caught.value.code == code


def test_every_choice_is_a_setting_and_survives_being_written_down() -> None:
    for sampler in SAMPLERS:
        for size in SIZES:
            settings = PaintingSettings(sampler=sampler, size=size).checked()
            assert PaintingSettings(**settings.to_json()) == settings
