"""Who is who: sexes, names, pronouns, renamed heroes, looks."""

from __future__ import annotations

import pytest

from pipelines.story.plan import plan_story
from pipelines.story.story import Hero


def heroes(text: str) -> dict[str, Hero]:
    return {hero.name: hero for hero in plan_story(text).heroes}


@pytest.mark.parametrize(
    ("text", "name", "subject"),
    [
        ("There was once a child called Zuri. She lived by the sea.", "Zuri", "girl"),
        ("The baby could not sleep. She cried all night.", "baby", "girl"),
        ("Captain Nova and her robot Beep landed on Mars. Nova waved.", "Nova", "mother"),
        ("The doctor came to the house. She smiled.", "doctor", "mother"),
        ("The doctor came to the house. He smiled.", "doctor", "father"),
        ("The teacher is very kind. He plays guitar.", "teacher", "father"),
        ("The teacher is very kind. She plays guitar.", "teacher", "mother"),
        ("来了一个新同学，叫圆圆。她不爱说话。圆圆笑了。", "圆圆", "girl"),
        ("一个小朋友迷路了，她坐在路边哭。", "小朋友", "girl"),
        ("医生来了，她笑了。", "医生", "mother"),
        ("老师来了，他笑了。", "老师", "father"),
    ],
)
def test_she_and_he_decide_where_a_word_does_not(text: str, name: str, subject: str) -> None:
    assert heroes(text)[name].subject == subject


@pytest.mark.parametrize(
    "text",
    ["The child was glad. She sang.\n\nThe child slept.", "小朋友很高兴。她唱歌。\n\n小朋友睡着了。"],
)
def test_a_child_who_is_a_girl_is_still_the_child(text: str) -> None:
    story = plan_story(text, pages=2)
    assert story.scenes[1].heroes == (story.heroes[0].id,) and story.heroes[0].subject == "girl"


@pytest.mark.parametrize(
    ("text", "they"),
    [
        ("Max and Lily ran. “I saw a fox,” said Max.\n\nThey climbed over the fence.", {"Max", "Lily"}),
        ("Max and Lily ran past a horse.\n\nThey climbed over the fence.", {"Max", "Lily"}),
        ("小明和小红在跑。小明说：“我看见了一只狐狸。”\n\n他们翻过了篱笆。", {"小明", "小红"}),
        ("小明和小红跑过一匹马。\n\n他们翻过了篱笆。", {"小明", "小红"}),
    ],
)
def test_they_are_who_the_story_is_about(text: str, they: set[str]) -> None:
    story = plan_story(text, pages=2)
    assert {story.hero(one).name for one in story.scenes[1].heroes} == they
