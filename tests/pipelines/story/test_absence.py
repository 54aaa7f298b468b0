"""Who is named and still not there."""

from __future__ import annotations

import pytest

from pipelines.story.mentions import mentions
from pipelines.story.plan import plan_story


def named(sentence: str) -> list[str]:
    return [mention.word.noun for mention in mentions(sentence)]


@pytest.mark.parametrize(
    "sentence",
    [
        "Emma didn't have a dog, she didn't have a cat, and she didn't even have a goldfish.",
        "There weren't any monsters.",
        "It was not a big wolf.",
        "He lived without a dog or a cat.",
        "She had never seen a dragon.",
        "It was neither a wolf nor a fox.",
        "乐乐没有小狗，也没有小猫，连一条金鱼都没有。",
        "没有一只鸟在唱歌。",
        "没有老虎和狮子，更不会有狼。",
        "小明从来没见过大象。",
        "我们不能养狗。",
    ],
)
def test_what_there_is_none_of_is_not_there(sentence: str) -> None:
    assert named(sentence) == []


@pytest.mark.parametrize(
    "sentence",
    [
        "You sound like a mouse, but be strong as a lion.",
        "She was as busy as a bee and louder than a big lion.",
        "It looked like a dog.",
        "I could eat a horse, or a hot dog!",
        "It was raining cats and dogs. Holy cow!",
        "跑得像马一样快，力气像大象一样大。",
        "他比大象还大，跟老虎一样勇敢。",
        "我想吃热狗。",
        "原来河水不像老牛说的那么浅。",
    ],
)
def test_nobody_comes_in_by_a_comparison_or_a_set_phrase(sentence: str) -> None:
    assert named(sentence) == []


@pytest.mark.parametrize(
    ("sentence", "nouns"),
    [
        ("Leo put on his dinosaur pyjamas.", []),
        ("They flew a dragon kite.", ["kite"]),
        ("She had a pirate hat and a rabbit mask, and the princess dress hung there.", []),
        ("The dog basket was near the dog.", ["dog"]),
        ("The pirates' hats and the princesses dress up.", ["pirate", "princess"]),
        ("小明穿着恐龙睡衣，戴着兔子面具。", []),
        ("妈妈买了猫粮。", ["mother"]),
        ("小熊书包掉了。", ["bear"]),
    ],
)
def test_whose_name_only_says_what_kind_of_thing_it_is_is_not_there(sentence: str, nouns: list[str]) -> None:
    assert named(sentence) == nouns


@pytest.mark.parametrize(
    ("sentence", "nouns"),
    [
        ("It was not only a fox.", ["fox"]),
        ("She did not see the wolf.", ["wolf"]),
        ("There was no dog, only a kitten.", ["cat"]),
        ("She would like a dog. I like the cat. He likes a fox.", ["dog", "cat", "fox"]),
        ("He ran as the wolf came.", ["wolf"]),
        ("没有朋友的小熊和不听话的小狗来了。", ["bear", "dog"]),
        ("院子里没有狗，只有一只猫。", ["cat"]),
        ("好像有一只狼在叫。", ["wolf"]),
        ("小狗和小猫一样高兴。", ["dog", "cat"]),
    ],
)
def test_who_is_there_is_found(sentence: str, nouns: list[str]) -> None:
    assert named(sentence) == nouns


@pytest.mark.parametrize("text", ["Emma ran. She didn't have a goldfish.", "乐乐笑了。她连一条金鱼都没有。"])
def test_nobody_lives_where_somebody_absent_would(text: str) -> None:
    story = plan_story(text)
    assert [scene.place for scene in story.scenes] == ["meadow"] and len(story.heroes) == 1
