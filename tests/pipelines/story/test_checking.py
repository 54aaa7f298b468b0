"""Plans from outside: what the studio could have made comes back whole, everything else is refused."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable

import pytest

from pipelines.illustration.layout import Look
from pipelines.story.checking import checked_story, require_look
from pipelines.story.plan import plan_story

STORIES = (
    "The fox\n\nA little fox named Pip lived in the forest. He was happy! Then it rained, and an owl came.",
    "小狐狸在森林里捡到一把钥匙。第二天下雨了，猫头鹰来了。",
    "I had a dog. 我很高兴。",
)


def plan() -> dict:
    return json.loads(json.dumps(plan_story(STORIES[0], seed=3).to_json()))


@pytest.mark.parametrize("text", STORIES)
def test_our_own_plans_come_back_whole(text: str) -> None:
    story = plan_story(text, seed=3)
    assert checked_story(json.loads(json.dumps(story.to_json()))) == story


@pytest.mark.parametrize(
    "spoil",
    [
        lambda plan: plan.pop("title"),
        lambda plan: plan.update(format=99),
        lambda plan: plan.update(title=["x"]),
        lambda plan: plan.update(title="x" * 300_000),
        lambda plan: plan.update(heroes=3),
        lambda plan: plan.update(scenes=[], pages=[]),
        lambda plan: plan.update(pages=plan["pages"] * 2),
        lambda plan: plan.update(style="../../x"),
        lambda plan: plan.update(next_scene=1),
        lambda plan: plan["scenes"][0].update(id="../../x"),
        lambda plan: plan["scenes"][0].update(place="x"),
        lambda plan: plan["scenes"][0].update(heroes=["h77"]),
        lambda plan: plan["scenes"][0].update(text=" "),
        lambda plan: plan["scenes"][0]["emotion"].update(name="x"),
        lambda plan: plan["heroes"][0].update(subject="x"),
        lambda plan: plan["heroes"][0].update(count=1000),
        lambda plan: plan["heroes"][0].update(colours=[["coat", "url(http://x)"]]),
        lambda plan: plan["heroes"][0].update(wearing=[["x", "red"]]),
        lambda plan: plan["pages"][0].update(seed="1"),
        lambda plan: plan["pages"][0].update(seed=-1),
        lambda plan: plan["pages"][0].update(seed=True),
        lambda plan: plan["pages"][0]["prompt"].update(subject=None),
        lambda plan: plan["pages"][0]["layout"].update(actors=[]),
        lambda plan: plan["pages"][0]["layout"].update(actors=plan["pages"][0]["layout"]["actors"] * 99),
        lambda plan: plan["pages"][0]["layout"]["actors"][0].update(height=float("nan")),
        lambda plan: plan["pages"][0]["layout"]["actors"][0].update(height=1e6),
    ],
)
def test_anything_else_is_refused(spoil: Callable[[dict], None]) -> None:
    spoilt = copy.deepcopy(plan())
    spoil(spoilt)
    with pytest.raises(ValueError):
        checked_story(spoilt)


@pytest.mark.parametrize("data", [{}, {"format": 1}])
def test_what_is_no_plan_at_all(data: dict) -> None:
    with pytest.raises(ValueError):
        checked_story(data)


def test_looks() -> None:
    require_look(Look("fox", (("coat", "blue"), ("cream", "#ffffff")), (("hat", "red"),)))
    for look in (Look("x"), Look("fox", (("x", "red"),)), Look("fox", (("coat", "rouge"),))):
        with pytest.raises(ValueError):
            require_look(look)
