"""A voice on a public base, from the choice of the base to its speech: the real engine on small networks."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.speech.engine import FULL, LORA
from pipelines.speech.gpt_sovits import descriptions
from pipelines.training.gpt_sovits import fine_tune
from pipelines.training.gpt_sovits.plans import Plan, StagePlan
from studio.container import Container
from studio.settings import Settings
from tests.browser.test_page import choose, go

pytestmark = pytest.mark.browser

CLIP = Path(__file__).resolve().parents[1] / "fixtures" / "speech" / "2033-164914-0000.flac"
OWN = ("temperature", "top_k", "top_p", "repetition_penalty", "cantonese", "reference_free")
SHARED = ("noise_scale", "length_scale")


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory, small_models: Path) -> Iterator[Container]:
    """With what ships and a small GPT-SoVITS v2 on a computer without the packages for Japanese and Cantonese."""
    settings = Settings(home=tmp_path_factory.mktemp("home") / "library", device="cpu", port=0)
    shutil.copytree(small_models, settings.home / "models")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(descriptions, "can_read", lambda language: language not in ("ja", "yue"))
        with Container(settings) as container:
            yield container


def test_a_voice_of_another_base(visit, container: Container) -> None:
    page = visit("en")
    choose(page, None)
    go(page, 0)
    page.check("#voice-engine input[value=gpt_sovits_v2]")
    page.fill("#voice-name textarea, #voice-name input", "Nine seconds")
    page.set_input_files("#intake .vt-file-input", str(CLIP))
    page.wait_for_selector(".vt-check")
    (voice,) = (voice for voice in container.voices.list() if voice.name == "Nine seconds")
    assert voice.engine == "gpt_sovits_v2"
    page.fill("#consent-owner textarea, #consent-owner input", "Ida Nine")
    page.check("#consent-agree input")
    page.click("#consent-sign")
    page.wait_for_selector("[data-act=go][data-tab=speak]:not([disabled])")
    assert "한국어" in page.inner_text(f"#shelf [data-voice='{voice.id}']")

    # what this base obeys is there to be set, and nothing of the other one
    page.click("[data-act=go][data-tab=speak]")
    page.locator("#advanced button").first.click()
    for name in (*SHARED, *OWN):
        page.locator(f"#control-{name}").wait_for(state="visible")
    for name in ("num_inference_steps", "guidance_scale"):
        assert not page.locator(f"#control-{name}").is_visible()

    # three languages in one reading
    page.fill("#speak-text textarea", "How are you? 今天天气很好。 오늘은 날씨가 좋아요.")
    page.fill("#control-top_k input[type=number]", "5")
    page.locator("#control-top_k input[type=number]").press("Tab")
    page.check("#control-reference_free input[type=checkbox]")
    page.click("#speak-go")
    page.wait_for_selector(".vt-downloads")
    assert page.locator(".vt-sentence").count() == 3
    (speech,) = container.speaking.history(voice.id)
    assert (speech.state, speech.controls["top_k"], speech.controls["top_p"]) == ("done", 5.0, 1.0)
    assert (speech.controls["reference_free"], speech.controls["cantonese"]) == (1.0, 0.0)
    page.click(".vt-take .vt-play")
    page.wait_for_selector(".vt-take .vt-player.is-playing")

    # Japanese is one package away, and the page says which
    page.fill("#speak-text textarea", "こんにちは、元気ですか。")
    page.click("#speak-go")
    page.locator(
        "#speak-says .vt-notice", has_text="Reading Japanese needs the package pyopenjtalk-plus"
    ).wait_for()

    # a voice of the shipped base has its own controls, and does not read it at all
    other = next(one for one in container.voices.list() if one.engine == "starter")
    choose(page, other.id)
    page.locator("#control-guidance_scale").wait_for(state="visible")
    for name in OWN:
        assert not page.locator(f"#control-{name}").is_visible()
    page.fill("#speak-text textarea", "こんにちは、元気ですか。")
    page.click("#speak-go")
    page.locator("#speak-says .vt-notice", has_text="does not speak that language").wait_for()


def test_all_weights_are_trained_when_asked(
    visit, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = StagePlan(steps=2, learning_rate=1e-3, batch=2, check_every=2)
    plans = {LORA: {"good": Plan(stage, stage, lora_rank=2)}, FULL: {"good": Plan(stage, stage)}}
    monkeypatch.setattr(fine_tune, "PLANS", plans)
    monkeypatch.setattr(fine_tune, "CHECK_SENTENCES", ("How are you?",))
    voice = container.voices.create("Learns", "gpt_sovits_v2")
    for clip in sorted(CLIP.parent.glob("LJ001-00*.flac")):
        container.voices.add_recording(
            voice.id, clip, clip.name, "Once upon a time there was a clip that was read."
        )
    container.voices.consent(voice.id, "Ida Nine", "personal", None, "en")
    container.jobs.wait(container.voices.get(voice.id).active_job_id, 120)
    page = visit("en")
    choose(page, voice.id)
    go(page, 1)
    page.locator("#train-advanced button").first.click()
    page.locator("#method", has_text="of disk for each revision").wait_for()
    before = page.inner_text("#quality")
    page.check("#method input[value=full]")
    page.wait_for_function("before => document.querySelector('#quality').innerText !== before", arg=before)
    page.click("#train-start")
    page.locator("#voice-card", has_text="Checkpoint kept, SoVITS").wait_for()
    assert "All weights" in page.inner_text("#voice-card")
    revision = container.voices.get(voice.id).revision
    assert (revision.kind, revision.quality, revision.card["method"]) == ("trained", "good", "full")
    # a voice of the base that ships has one way, and nothing to choose from
    choose(page, next(v.id for v in container.voices.list() if v.engine == "starter"))
    go(page, 1)
    page.locator("#method").wait_for(state="hidden")
