"""With more than one base installed, the page lets people choose, and shows each voice what its own base obeys."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import gradio as gr
import pytest

from studio.container import Container
from studio.store.records import VoiceRecord
from studio.ui.i18n import Reader
from studio.ui.layout import Studio

SPEECH = Path(__file__).resolve().parents[2] / "fixtures" / "speech" / "2033-164914-0000.flac"


@pytest.fixture
def page(many_bases: Container) -> Studio:
    with gr.Blocks():
        return Studio(many_bases)


def made(container: Container, engine: str) -> VoiceRecord:
    voice = container.voices.create(engine, engine)
    container.voices.add_recording(voice.id, SPEECH, "speech.flac", "Once upon a time.")
    container.voices.consent(voice.id, "Ann", "personal", None, "en")
    job = container.jobs.wait(container.voices.get(voice.id).active_job_id, 120)
    assert job.state == "done", job.error
    return container.voices.get(voice.id)


def test_each_voice_shows_the_controls_of_its_base(
    page: Studio, many_bases: Container, quick_audio: None
) -> None:
    """No tab knows any base by name; what is seen follows from what the base declares."""
    reader = Reader()
    public, starter = (made(many_bases, engine) for engine in ("gpt_sovits_v2", "starter"))

    def seen(voice: VoiceRecord) -> set[str]:
        shown = page.speak.show(reader, voice, None)
        return {name for name, slider in page.speak.controls.items() if shown[slider]["visible"]}

    assert seen(public) == {
        "noise_scale", "length_scale", "temperature", "top_k", "top_p", "repetition_penalty", "cantonese",
        "reference_free",
    }  # fmt: skip
    assert seen(starter) == {"noise_scale", "length_scale", "num_inference_steps", "guidance_scale"}
    shown = page.speak.show(reader, public, None)
    top_k = shown[page.speak.controls["top_k"]]
    assert (top_k["minimum"], top_k["maximum"], top_k["value"]) == (1, 100, 15)
    # what is asked on the page arrives
    values = [7 if name == "top_k" else slider.value for name, slider in page.speak.controls.items()]
    page.speak.read(reader, public.id, None, "How are you?", "5", None, *values)
    speech = many_bases.speaking.history(public.id)[0]
    assert (speech.controls["top_k"], speech.seed) == (7, 5)
    assert many_bases.speaking.wait(speech.id, 120).state == "done"


def test_training_is_offered_as_the_base_offers_it(
    page: Studio, many_bases: Container, quick_audio: None
) -> None:
    reader = Reader()
    public, starter = (made(many_bases, engine) for engine in ("gpt_sovits_v2", "starter"))
    for voice, ways in ((public, ["lora", "full"]), (starter, ["lora"])):
        shown = page.train.show(reader, voice)
        assert shown[page.train.form]["visible"]
        assert shown[page.train.advanced]["visible"] == (len(ways) > 1)
        assert [value for _, value in shown[page.train.method]["choices"]] == ways
    lora, full = (text for text, _ in page.train.show(reader, public)[page.train.method]["choices"])
    assert "7.3 MB" in lora or "7 MB" in lora
    assert reader.say("ui.method.full") in full
    # the times are those of the way that is chosen
    quick, slow = (
        page.train.weigh(reader, public.id, way)[page.train.quality]["choices"] for way in ("lora", "full")
    )
    assert quick != slow and quick == page.train.show(reader, public)[page.train.quality]["choices"]
    # a base that was made for speaking alone
    many_bases.engines["gpt_sovits_v2"] = replace(many_bases.engines["gpt_sovits_v2"], methods=())
    shown = page.train.show(reader, public)
    assert not shown[page.train.form]["visible"]
    assert reader.say("ui.train.as_it_is") in shown[page.train.head]


def test_a_new_voice_chooses_its_base(page: Studio, many_bases: Container) -> None:
    for language in ("en", "zh"):
        choice = page.my_voice.show(Reader(language=language), None)[page.my_voice.engine]
        assert choice["visible"] and choice["value"] == "starter"
        assert [value for _, value in choice["choices"]] == ["starter", "gpt_sovits_v2"]
    voice = many_bases.voices.create("Ann", "gpt_sovits_v2")
    settled = page.my_voice.show(Reader(), voice)[page.my_voice.engine]
    assert not settled["visible"] and settled["value"] == "gpt_sovits_v2"


def test_one_base_is_no_choice(container: Container) -> None:
    with gr.Blocks():
        page = Studio(container)
    assert not page.my_voice.show(Reader(), None)[page.my_voice.engine]["visible"]
