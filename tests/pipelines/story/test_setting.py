"""The weather that is named and not there, and the ice that is eaten."""

from __future__ import annotations

import pytest

from pipelines.story.plan import plan_story
from pipelines.story.setting import told_light, where


@pytest.mark.parametrize(
    ("sentence", "palette"),
    [
        ("It was not raining.", None),
        ("There was no storm.", None),
        ("After a storm Noah found a whale.", None),
        ("After the heavy rain they played.", None),
        ("今天没有下雨，小明去公园玩。", None),
        ("今天不下雨。", None),
        ("暴风雨过后，小熊出来了。", None),
        ("It was raining.", "rain"),
        ("After dark they ran.", "night"),
        ("外面在下雨。", "rain"),
        ("大雨停了。", "day"),
    ],
)
def test_no_rain_is_painted_where_there_is_none(sentence: str, palette: str | None) -> None:
    assert told_light([sentence]) == palette


def test_a_storm_that_is_over_is_not_handed_on() -> None:
    story = plan_story("After a storm Noah found a whale.\n\nNoah carried the whale home.", pages=2)
    assert [scene.palette for scene in story.scenes] == ["day", "day"]


@pytest.mark.parametrize("sentence", ["Tom ate ice cream.", "小明吃冰淇淋。"])
def test_ice_cream_is_no_ice(sentence: str) -> None:
    assert where([sentence], (), None) == "meadow"
    assert where(["They slid over the ice."], (), None) == "snow"
