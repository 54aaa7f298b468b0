from __future__ import annotations

from contextlib import nullcontext
from random import Random
from types import SimpleNamespace

import numpy as np
import pytest

from pipelines.illustration.captions import prompt
from pipelines.illustration.layout import Look, arrange, boxes
from pipelines.illustration.places import PLACES
from pipelines.training.storybook_scenes import (
    CHUNK,
    SUBJECTS,
    SceneFactory,
    captions,
    covered,
    held_out,
    held_out_scenes,
    random_scene,
)

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from pipelines.illustration.painter import Painter, new_vae, standardise, train_tokenizer  # noqa: E402
from pipelines.training import storybook_compile  # noqa: E402
from pipelines.training.storybook_diffusion import DiffusionTraining  # noqa: E402
from pipelines.training.storybook_pool import Latents  # noqa: E402


def test_training_never_sees_a_held_out_pair_and_the_tests_see_nothing_else():
    rng = Random(1)
    for place in PLACES:
        for _ in range(60):
            assert not any(held_out(actor.look.subject, place) for actor in random_scene(place, rng).actors)
    for scene in held_out_scenes(200, 3):
        assert held_out(scene.actors[0].look.subject, scene.place)
    share = np.mean([held_out(subject, place) for subject in SUBJECTS for place in PLACES])
    assert 0.05 < share < 0.15


def test_the_factory_renders_what_it_says():
    factory = SceneFactory(CHUNK, workers=1, seed=2, tests=held_out_scenes(2, 1))
    try:
        assert factory.tests().shape == (2, 256, 256, 3)
        chunk = factory.ready(120)
        assert chunk is not None and factory.ready(0.01) is None
        assert factory.pixels.std((1, 2, 3)).min() > 5
        assert 0.5 < chunk.single.mean() < 0.85 and 0 < chunk.near.mean() < 0.4
        assert chunk.covered.any((1, 2)).all() and 0.1 < chunk.covered.mean() < 0.4
        assert all(len(view) == 4 for scene in chunk.captions for view in scene)
    finally:
        factory.close()


def test_prompts_fit_the_tokenizer_and_strange_words_do_not_break_it():
    tokenizer = train_tokenizer(captions(3000, 5))
    rng = Random(4)
    longest = 0
    for place in PLACES:
        line = prompt(random_scene(place, rng))
        found = tokenizer(line)["input_ids"]
        longest = max(longest, len(found))
        assert tokenizer.decode(found, skip_special_tokens=True).replace(" ", "") == line.replace(" ", "")
    assert longest <= 48
    for line in ("zebra 42!", "狐狸", ""):
        ids = tokenizer(line)["input_ids"]
        assert ids[0] == tokenizer.bos_token_id and ids.count(tokenizer.eos_token_id) == 1


def test_latents_are_standardised_without_changing_pictures():
    torch.manual_seed(0)
    vae = new_vae().eval()
    pictures = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        before = vae.encode(pictures).latent_dist
        shown = vae.decode(before.mean).sample
        standardise(vae, before.mean)
        after = vae.encode(pictures).latent_dist
        assert torch.allclose(after.mean.mean((0, 2, 3)), torch.zeros(4), atol=1e-4)
        assert torch.allclose(after.mean.std((0, 2, 3)), torch.ones(4), atol=1e-3)
        assert torch.allclose(vae.decode(after.mean).sample, shown, atol=1e-3)


def test_the_folder_is_a_stable_diffusion_pipeline_under_22_mb(tmp_path):
    from diffusers import StableDiffusionPipeline

    painter = Painter.new(captions(2000, 1))
    painter.save(tmp_path / "storybook")
    assert sum(file.stat().st_size for file in (tmp_path / "storybook").rglob("*") if file.is_file()) < 22e6
    pipeline = StableDiffusionPipeline.from_pretrained(tmp_path / "storybook", dtype=torch.float32)
    assert pipeline.scheduler.config.prediction_type == "v_prediction"
    images = pipeline("a fox, in the forest", num_inference_steps=1, guidance_scale=1.0).images
    assert images[0].size == (256, 256)


def test_diffusion_steps_learn_average_and_resume():
    torch.manual_seed(0)
    painter = Painter.new(captions(1500, 1))

    def training() -> DiffusionTraining:
        whole = nullcontext()  # a processor computes in float32 many times faster than in bfloat16
        return DiffusionTraining(
            painter, batch=2, rate=2e-3, average=0.9, gamma=5.0, focus=1.0, autocast=whole, log=print
        )

    values = torch.randn(6, 2, 4, 32, 32, dtype=torch.bfloat16)
    tokens = torch.zeros(6, 2, 4, 48, dtype=torch.int32)
    rows = np.arange(6)
    nothing = torch.zeros(6, 32, 32, dtype=torch.bool)
    latents = Latents(values, tokens, tokens[0, 0, :1], rows, rows, nothing)
    first = training()
    before = [weight.clone() for weight in first.smooth_weights]
    losses = [first.train_step(latents, 0.5).item() for _ in range(3)]
    assert all(0 < loss < 5 for loss in losses)
    assert any(not torch.equal(old, new) for old, new in zip(before, first.smooth_weights, strict=True))
    again = training()
    again.load_state(first.state())
    assert (again.step, again.progress) == (3, 0.5)
    assert all(torch.equal(a, b) for a, b in zip(first.smooth_weights, again.smooth_weights, strict=True))


def test_actors_cover_the_latents_their_boxes_touch():
    scene = arrange("meadow", "day", [Look("fox"), Look("apple")], 3)
    seen = covered(scene)
    for box in boxes(scene, 256):
        assert seen[box.top // 8 : (box.bottom + 7) // 8, box.left // 8 : (box.right + 7) // 8].all()
    touched = sum(
        (-(-b.bottom // 8) - b.top // 8) * (-(-b.right // 8) - b.left // 8) for b in boxes(scene, 256)
    )
    assert 0 < seen.sum() <= touched


def test_a_mirrored_picture_is_covered_where_its_mirrored_actors_stand():
    plain = torch.rand(5, 32, 32) < 0.2
    values = torch.stack((plain, plain.flip(2)), 1)[:, :, None].repeat(1, 1, 4, 1, 1).float()
    tokens = torch.zeros(5, 2, 4, 48, dtype=torch.int32)
    rows = np.arange(5)
    pictures, _, actors = Latents(values, tokens, tokens[0, 0, :1], rows, rows, plain).batch(64, 0.5)
    assert torch.equal(pictures[:, :1] > 0, actors)


def test_with_a_focus_the_loss_is_what_is_wrong_about_the_actors():
    painter = Painter.new(captions(1500, 1))
    actors = torch.zeros(4, 32, 32, dtype=torch.bool)
    actors[:, 8:24, 8:24] = True
    # Elsewhere the guess is far off: nothing is guessed where latents are 100.
    values = torch.where(actors, 0.0, 100.0)[:, None, None].repeat(1, 2, 4, 1, 1)
    tokens = torch.zeros(4, 2, 4, 48, dtype=torch.int32)
    rows = np.arange(4)
    latents = Latents(values, tokens, tokens[0, 0, :1], rows, rows, actors)

    def loss(focus: float) -> float:
        training = DiffusionTraining(
            painter, batch=8, rate=0.0, average=0.9, gamma=5.0, focus=focus, autocast=nullcontext(), log=print
        )
        training.forward = lambda noisy, *_: SimpleNamespace(sample=0 * painter.unet.conv_in(noisy)[:, :4])
        often = training.often / training.often.sum()
        assert bool(often[700] > 1.5 * often[200]) == (focus > 1)
        return training.train_step(latents, 0.5).item()

    assert loss(1.0) > 100 > 5 > loss(1e9)


def test_only_real_bfloat16_is_computed_in_on_a_processor(monkeypatch):
    for real in (True, False):
        monkeypatch.setattr(storybook_compile, "multiplies_bf16", lambda real=real: real)
        with storybook_compile.mixed_precision(torch.device("cpu")):
            assert torch.is_autocast_enabled("cpu") == real
