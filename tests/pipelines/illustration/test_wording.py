from __future__ import annotations

from dataclasses import replace

import pytest

from pipelines.illustration import wording
from pipelines.illustration.storybook import SHIPPED
from pipelines.story.plan import plan_story
from pipelines.story.prompts import STYLES
from pipelines.story.story import Prompt

STORY = (
    "A little red fox called Pip found a golden key in the forest.\n\nAt night, the vixen and her friend the owl "
    "sailed over the sea in a small boat.\n\nA terrible storm came and they were afraid.\n\nIn the morning they "
    "reached the castle, where the king baked a cake."
)


@pytest.fixture(scope="module")
def tokenizer():
    transformers = pytest.importorskip("transformers")
    return transformers.CLIPTokenizer.from_pretrained(SHIPPED / "tokenizer")


@pytest.mark.parametrize("style", STYLES)
def test_storybook_hears_only_words_it_was_taught_and_all_of_them(style: str, tokenizer) -> None:
    for page in plan_story(STORY, style=style, seed=7).pages:
        for version in (page, replace(page, edited=True)):
            words = wording.storybook(version)
            assert all(word.strip(",") in wording._words() for word in words.prompt.split())
            assert len(tokenizer(words.prompt)["input_ids"]) <= tokenizer.model_max_length
            assert page.layout.actors[0].look.subject in words.prompt
            assert "flat picture book illustration" in words.prompt
        assert wording.storybook(page).negative_prompt == ""


def test_the_style_of_the_book_does_not_confuse_storybook() -> None:
    plain, ink = (plan_story(STORY, style=style, seed=7).pages[0] for style in ("storybook", "ink"))
    assert plain.prompt.text != ink.prompt.text
    assert wording.storybook(plain) == wording.storybook(ink)
    assert "ink wash" in wording.plain(ink).prompt


def test_what_a_person_writes_is_heard_as_far_as_it_is_known() -> None:
    page = plan_story(STORY, seed=7).pages[0]
    written = Prompt("a GREEN owl and a zorblax", "in the snow, contemplating", "cubism", "", "at night", "")
    edited = replace(page, prompt=written, negative_prompt="blurry, nsfw, a bird", edited=True)
    words = wording.storybook(edited)
    assert words.prompt.startswith("a green owl, in the snow, flat picture book illustration, ")
    assert words.prompt.endswith("at night") and "zorblax" not in words.prompt
    assert words.negative_prompt == "a bird"
    assert wording.plain(edited).prompt == written.text
