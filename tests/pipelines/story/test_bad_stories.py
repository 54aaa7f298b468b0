"""What is no story gets a reason, or a book all the same."""

from __future__ import annotations

import pytest

from pipelines.failure import CraftError
from pipelines.story.plan import LIMIT_WORDS, plan_story
from pipelines.story.story import Story
from tests.effort import takes_under
from tests.pipelines.story.stories import STORIES


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "story_empty"),
        (" \n\t ", "story_empty"),
        ("!!! ... ???", "story_empty"),
        ("\U0001f642\U0001f98a", "story_empty"),
        ("123 456 789", "story_not_a_story"),
        ("https://example.com/a?b=c", "story_not_a_story"),
        ("la la la la la la", "story_not_a_story"),
        ("哈哈 哈哈 哈哈 哈哈", "story_not_a_story"),
        ("asdf qwer zxcv", "story_not_a_story"),
        ("milk\nflour\nsalt\nsoap", "story_not_a_story"),
        ("牛奶，盐，酱油，洗衣粉", "story_not_a_story"),
        ("Il était une fois une petite fille qui vivait dans la forêt avec sa mère.", "story_language"),
        ("こんにちは、元気ですか", "story_language"),
        ("옛날에 작은 여우가 숲에 살았습니다.", "story_language"),
        ("word " * LIMIT_WORDS, "story_too_long"),
        ("字" * LIMIT_WORDS, "story_too_long"),
        ("Once there was a massacre in the village.", "story_forbidden_subject"),
        ("The girl was naked.", "story_forbidden_subject"),
        ("有一天，坏人贩毒被抓了。", "story_forbidden_subject"),
        ("这是一个血腥的故事。", "story_forbidden_subject"),
    ],
)
def test_refused_with_a_reason(text: str, code: str) -> None:
    with pytest.raises(CraftError) as refused:
        plan_story(text)
    assert refused.value.code == code


def test_refusals_quote_the_value_and_the_limit() -> None:
    with pytest.raises(CraftError) as refused:
        plan_story("word " * 20_500)
    assert refused.value.facts == {"words": 20_500, "limit": LIMIT_WORDS}
    with pytest.raises(CraftError) as refused:
        plan_story("The pirates planned a massacre.")
    assert refused.value.facts == {"word": "massacre"}


@pytest.mark.parametrize(
    "text",
    [
        "We went to Sussex and ate grapes with skill in the basement.",
        "The big bad wolf wanted to eat the three little pigs, and the witch died in the fire.",
        "The hunter took his gun and the knight his sword.",
        "大灰狼想吃掉小红帽，猎人把狼赶走了。",
        "女巫给公主吃了毒苹果，公主倒在地上。",
        "老爷爷病死了，小女孩哭了。",
    ],
)
def test_fairy_tales_are_not_forbidden(text: str) -> None:
    assert plan_story(text).pages


@pytest.mark.parametrize(
    ("text", "code", "subjects"),
    [
        ("milk, eggs, bread, apples", "list", {"egg", "cake", "apple"}),
        ("- 2 apples\n- 1 cake\n- a pumpkin\n- soap", "list", {"apple", "cake", "pumpkin"}),
        ("苹果、鸡蛋、牛奶、面包", "list", {"apple", "egg", "cake"}),
        ("Lily, Max, Grandpa Joe", "names_only", {"girl", "boy", "grandfather"}),
        ("Lily Max Tom", "names_only", {"girl", "boy"}),
        ("小明、小红、丽丽", "names_only", {"boy", "girl"}),
    ],
)
def test_lists_and_names_become_one_page_and_say_why(text: str, code: str, subjects: set[str]) -> None:
    for pages in (None, 5):
        story = plan_story(text, pages=pages)
        assert [note.code for note in story.notes] == [code]
        assert len(story.pages) == 1
        assert {actor.look.subject for actor in story.pages[0].layout.actors} == subjects
        assert story.text == text


@pytest.mark.parametrize(
    "text",
    ["A fox ran.", "小猫睡着了。", "It rained all day.", "我", "Love.", "The cat \U0001f600 sat. \U0001f600"],
)
def test_one_sentence_is_one_page(text: str) -> None:
    story = plan_story(text, pages=4)
    assert len(story.scenes) == len(story.pages) == 1
    assert [note.code for note in story.notes] == ["fewer_pages"]
    assert story.pages[0].layout.actors, "somebody or something is in the picture"


def test_chinese_and_english_in_one_story() -> None:
    story = plan_story(
        "从前有一只 fox 名叫 Pip，他住在 forest 里。One day he met 一只小兔子 in the meadow. They were happy."
    )
    assert story.language == "mixed"
    assert {"Pip": "fox", "小兔子": "rabbit"}.items() <= {
        hero.name: hero.subject for hero in story.heroes
    }.items()


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"pages": 0}, "story_pages"), ({"pages": 25}, "story_pages"), ({"style": "oil"}, "story_style")],
)
def test_impossible_wishes(changes: dict, code: str) -> None:
    with pytest.raises(CraftError) as refused:
        plan_story(STORIES[0].text, **changes)
    assert refused.value.code == code


def test_the_longest_story_is_planned_in_seconds() -> None:
    text = "\n\n".join(told.text for told in STORIES if told.language == "en")
    text = "\n\n".join([text] * ((LIMIT_WORDS - 200) // len(text.split())))
    plans: list[Story] = []
    assert takes_under(30, lambda: plans.append(plan_story(text)))
    story = plans[-1]
    assert 1 < len(story.pages) <= 24
    assert story.text == text
