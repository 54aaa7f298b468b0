"""Boundaries, and the changes people make to a story."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations
from random import Random

import numpy as np
import pytest

from pipelines.failure import CraftError
from pipelines.story.boundaries import BALANCE, _best, find_boundaries, find_scenes
from pipelines.story.emotion import Prosody
from pipelines.story.plan import Story, plan_story
from pipelines.story.prompts import page_seed
from pipelines.story.scenes import (
    change_hero,
    edit,
    merge,
    remove,
    reorder,
    retake,
    rewrite_prompt,
    sentences_of,
    split_scene,
)
from tests.pipelines.story.stories import MOON, STAR, STORIES


@pytest.fixture(scope="module")
def story() -> Story:
    return plan_story(STAR, pages=5, seed=7)


@pytest.fixture(scope="module")
def chinese() -> Story:
    return plan_story(MOON, pages=5, seed=7)


def ids(story: Story) -> list[str]:
    return [scene.id for scene in story.scenes]


def sound(story: Story) -> None:
    """What holds for every story whatever was done to it."""
    assert len(set(ids(story))) == len(story.scenes) == len(story.pages)
    assert [page.scene_id for page in story.pages] == ids(story)
    assert all(int(scene.id[1:]) < story.next_scene for scene in story.scenes)
    known = {hero.id for hero in story.heroes}
    assert all(set(scene.heroes) <= known for scene in story.scenes)
    assert all(scene.text.strip() for scene in story.scenes)
    assert Story.from_json(story.to_json()) == story


def test_boundaries_give_their_reasons() -> None:
    text = "The fox played in the forest. The fox was glad.\n\nThe next morning a whale swam in the sea."
    quiet, loud = find_boundaries(sentences_of(text))
    assert (loud.marker, loud.place, loud.people, loud.paragraph) == (1.0, 1.0, 1.0, 1.0)
    assert (quiet.marker, quiet.place, quiet.paragraph) == (0.0, 0.0, 0.0)
    assert loud.score > 3 * quiet.score


@pytest.mark.parametrize(
    "opening",
    [
        "The next day",
        "Suddenly",
        "Meanwhile,",
        "Years later",
        "第二天，",
        "忽然，",
        "与此同时，",
        "有一天晚上，",
    ],
)
def test_transitions_are_heard_in_both_languages(opening: str) -> None:
    rest = "小猫跑了。" if opening[0] > "z" else "the cat ran."
    before = "小猫睡了。" if opening[0] > "z" else "The cat slept. "
    marked, plain = (
        find_boundaries(sentences_of(before + text))[0] for text in (opening + " " + rest, rest.capitalize())
    )
    assert marked.marker > 0.5 and plain.marker == 0


def test_a_long_pause_of_the_teller_ends_a_scene() -> None:
    sentences = sentences_of("The cat ran here. The cat ran there. The cat ran up. The cat ran down.")
    told = [Prosody(pause_seconds=pause) for pause in (0.2, 0.2, 2.0, 0.0)]
    assert find_scenes(sentences, 2, told) == [(0, 3), (3, 4)]


def test_dynamic_programming_finds_what_trying_everything_finds() -> None:
    rng = Random(3)
    for _ in range(40):
        size, count = rng.randint(3, 9), rng.randint(1, 4)
        count = min(count, size)
        lengths = np.array([rng.uniform(3, 30) for _ in range(size)])
        worth = np.array([rng.uniform(-0.5, 2) for _ in range(size - 1)])
        ideal = lengths.sum() / count

        def value(cuts: tuple[int, ...], lengths=lengths, worth=worth, ideal=ideal, size=size) -> float:
            edges = (0, *cuts, size)
            unbalanced = [
                min(4.0, (lengths[a:b].sum() / ideal - 1) ** 2)
                for a, b in zip(edges, edges[1:], strict=False)
            ]
            return sum(worth[cut - 1] for cut in cuts) - BALANCE * sum(unbalanced)

        best = max(value(cuts) for cuts in combinations(range(1, size), count - 1))
        found, scenes = _best(lengths, worth, [count])
        assert found == pytest.approx(best)
        assert value(tuple(first for first, _ in scenes[1:])) == pytest.approx(best)


def test_scenes_cover_random_texts_exactly() -> None:
    rng = Random(5)
    parts = [segment.text for told in STORIES for segment in sentences_of(told.text)]
    spaces = (" ", "\n", "\n\n", "  ", "\n \n", "")
    for _ in range(60):
        text = rng.choice(("", " ", "\n")) + "".join(
            rng.choice(parts) + rng.choice(spaces) for _ in range(rng.randint(1, 25))
        )
        pages = rng.choice((None, 1, 2, 5, 11))
        story = plan_story(text, pages=pages, seed=rng.randrange(99))
        assert story.text == text
        sound(story)
        if pages:
            assert len(story.pages) <= pages


def test_merge(story: Story) -> None:
    merged = merge(story, "s2")
    sound(merged)
    assert ids(merged) == ["s1", "s2", "s4", "s5"]
    assert merged.text == story.text
    assert merged.scene("s2").text == story.scene("s2").text + story.scene("s3").text
    assert [merged.page(one) for one in ("s1", "s4", "s5")] == [story.page(one) for one in ("s1", "s4", "s5")]
    with pytest.raises(CraftError, match="story_last_scene"):
        merge(story, "s5")


def test_split(story: Story) -> None:
    parted = split_scene(story, "s2", 2)
    sound(parted)
    assert ids(parted) == ["s1", "s2", "s6", "s3", "s4", "s5"]
    assert parted.text == story.text
    assert [parted.page(one) for one in ("s1", "s3", "s4", "s5")] == [
        story.page(one) for one in ("s1", "s3", "s4", "s5")
    ]
    for sentence in (0, 99):
        with pytest.raises(CraftError, match="story_cannot_split"):
            split_scene(story, "s2", sentence)


def test_splitting_and_merging_again_changes_nothing_but_the_counter(story: Story) -> None:
    again = merge(split_scene(story, "s2", 2), "s2")
    assert replace(again, next_scene=story.next_scene) == story


def test_ids_are_never_used_twice(story: Story) -> None:
    again = split_scene(merge(split_scene(story, "s2", 2), "s2"), "s2", 2)
    assert "s6" not in ids(again) and "s7" in ids(again)


def test_reorder_paints_nothing_anew(story: Story, chinese: Story) -> None:
    for one in (story, chinese):
        order = ["s5", "s1", "s3", "s2", "s4"]
        moved = reorder(one, order)
        sound(moved)
        assert ids(moved) == order
        assert {page.picture_key for page in moved.pages} == {page.picture_key for page in one.pages}
        assert [sentence.text for sentence in sentences_of(moved.scenes[0].text + moved.scenes[1].text)] == [
            sentence.text for scene in moved.scenes[:2] for sentence in sentences_of(scene.text)
        ]
        assert reorder(one, ids(one)) == one
    for order in (["s1"], ["s1", "s1", "s2", "s3", "s4"], ["s1", "s2", "s3", "s4", "s9"]):
        with pytest.raises(CraftError, match="story_bad_order"):
            reorder(story, order)


def test_an_edit_touches_its_own_page_alone(story: Story) -> None:
    changed = edit(story, "s3", "A kind dragon flew over the castle. Pip laughed.")
    sound(changed)
    assert changed.scene("s3").place == "castle"
    assert changed.scene("s3").emotion.name == "joy"
    assert changed.scene("s3").text.endswith("\n\n")
    others = ("s1", "s2", "s4", "s5")
    assert [changed.page(one) for one in others] == [story.page(one) for one in others]
    assert [changed.scene(one) for one in others] == [story.scene(one) for one in others]
    assert changed.heroes[: len(story.heroes)] == story.heroes
    assert changed.heroes[-1].subject == "dragon"
    assert edit(story, "s3", story.scene("s3").text) == story
    assert edit(story, "s3", story.scene("s3").text.strip()) == story
    with pytest.raises(CraftError, match="story_empty"):
        edit(story, "s3", "  \n")


def test_a_chinese_edit(chinese: Story) -> None:
    changed = edit(chinese, "s2", "一只凶恶的大灰狼跑进了村庄，阿布生气极了！")
    sound(changed)
    assert (changed.scene("s2").place, changed.scene("s2").emotion.name) == ("village", "anger")
    assert "wolf" in changed.page("s2").prompt.subject


def test_remove(story: Story) -> None:
    fewer = remove(story, "s2")
    sound(fewer)
    assert ids(fewer) == ["s1", "s3", "s4", "s5"]
    with pytest.raises(CraftError, match="story_empty"):
        remove(plan_story("A fox ran."), "s1")


def test_retake_is_another_picture_of_the_same_words(story: Story) -> None:
    again = retake(story, "s2")
    sound(again)
    assert again.page("s2").take == 1
    assert again.page("s2").seed == page_seed(7, "s2", 1) != story.page("s2").seed
    assert again.page("s2").picture_key != story.page("s2").picture_key
    assert again.page("s2").prompt == story.page("s2").prompt


def test_ones_own_words_stay_when_the_hero_changes(story: Story) -> None:
    mine = replace(story.page("s2").prompt, subject="a tiny fox in a boat")
    own = rewrite_prompt(story, "s2", mine, "rain")
    pip = next(hero for hero in own.heroes if hero.name == "Pip")
    other = change_hero(own, replace(pip, subject="cat", noun="cat"))
    sound(other)
    assert other.page("s2").prompt == mine and other.page("s2").negative_prompt == "rain"
    assert "cat" in other.page("s1").prompt.subject and "fox" not in other.page("s1").prompt.subject.replace(
        "mother fox", ""
    )
    assert other.page("s2").layout.actors[0].look.subject == "cat"
    assert retake(other, "s2").page("s2").prompt == mine


@pytest.mark.parametrize(
    ("text", "old", "new", "word", "other"),
    [
        ("Pip the fox was brave.\n\nPip saw a big whale in the sea.\n\nPip slept.", "Pip", "Felix", "big", "huge"),
        ("The fox was brave.\n\nThe fox saw a big whale.\n\nThe fox slept.", "fox", "Felix", "big", "huge"),
        ("有一只小狐狸叫阿布。\n\n阿布看见一头大象。\n\n阿布睡了。", "阿布", "跳跳", "看见", "遇见"),
    ],
)  # fmt: skip
def test_a_renamed_hero_is_still_who_the_text_means(
    text: str, old: str, new: str, word: str, other: str
) -> None:
    story = plan_story(text, pages=3)
    hero = next(hero for hero in story.heroes if hero.name == old)
    renamed = change_hero(story, replace(hero, name=new, wearing=(("hat", "green"),)))
    renamed = change_hero(renamed, replace(renamed.hero(hero.id), wearing=(("hat", "blue"),)))
    sound(renamed)
    assert renamed.hero(hero.id).aliases == (old,)
    edited = edit(renamed, "s2", renamed.scenes[1].text.replace(word, other))
    assert [one.name for one in edited.heroes] == [one.name for one in renamed.heroes]
    assert hero.id in edited.scenes[1].heroes
    assert hero.id in merge(edited, "s1").scenes[0].heroes
    assert change_hero(edited, hero).hero(hero.id).aliases == (new,)


def test_a_plan_from_before_there_were_former_names_still_loads(story: Story) -> None:
    data = story.to_json()
    for hero in data["heroes"]:
        del hero["aliases"]
    assert Story.from_json(data) == story


@pytest.mark.parametrize(
    "text",
    [
        "one day a dog ran to the lake and then he swam to the island and he met a cat " * 40,
        "one day a dog ran to the lake and he swam to the island and he met a cat " * 40,
        "有一天小狗跑到湖边然后他游到小岛上遇见了一只小猫" * 40,
        "有一天小狗跑到湖边，他游到小岛上，遇见了一只小猫，" * 40,
    ],
)
def test_a_story_without_a_full_stop_still_has_its_pages(text: str) -> None:
    sentences = [sentence.text for sentence in sentences_of(text)]
    story = plan_story(text, pages=8)
    assert len(story.pages) == 8 and story.text == text
    sound(story)
    again = [sentence.text for scene in story.scenes for sentence in sentences_of(scene.text)]
    assert again == sentences


def test_a_long_sentence_is_no_run_on() -> None:
    text = (
        "Pip ran through the dark forest, over the high mountains, across the hot desert, past the castle and the "
        "village, along the river and down to the sea, and there he found a boat."
    )
    assert len(sentences_of(text)) == 1


def test_unknown_scenes_are_key_errors(story: Story) -> None:
    for change in (
        lambda: merge(story, "s77"),
        lambda: edit(story, "s77", "A cat."),
        lambda: story.page("s77"),
    ):
        with pytest.raises(KeyError):
            change()


def test_seeds_differ_by_book_page_and_take() -> None:
    seeds = {
        page_seed(book, page, take) for book in range(4) for page in ("s1", "s2", "s12") for take in range(4)
    }
    assert len(seeds) == 48
    assert all(0 <= seed < 2**31 for seed in seeds)


@pytest.mark.parametrize(
    "text",
    [
        "猫头鹰说：“月亮躲在云后面睡觉呢。我们去山上找它吧。”他们一起走过小河，爬上高高的山。风把云吹走了。",
        'The owl said: "The moon is asleep. The next morning we go to the sea." They climbed the hill. It was dark.',
        "The owl said: “The moon is asleep. The next morning we go to the sea.” They climbed the hill. It was dark.",
    ],
)
@pytest.mark.parametrize("pages", [2, 3])
def test_no_page_ends_while_somebody_speaks(text: str, pages: int) -> None:
    scenes = plan_story(text, pages=pages).scenes
    assert len(scenes) == pages
    for scene in scenes:
        assert scene.text.count("“") == scene.text.count("”") and scene.text.count('"') % 2 == 0


@pytest.mark.parametrize(
    ("text", "pages"),
    [
        ("Pip the fox lived in a forest.\n\nOne day he found a golden key.\n\nHe ran home with it.", 3),
        ("小兔子住在森林里。\n\n一天，她在河边遇见了一只小熊。\n\n他们一起回家吃胡萝卜。", 3),
        ("Mia had a kite. The wind took it. She ran after it to the beach.", 1),
    ],
)
def test_the_paragraphs_of_a_short_story_are_its_pages(text: str, pages: int) -> None:
    story = plan_story(text)
    assert len(story.scenes) == pages
    ends = {0, len(text)} | {match.end() for match in re.finditer("\n\n", text)}
    edges = [sum(len(one.text) for one in story.scenes[:count]) for count in range(pages + 1)]
    assert set(edges) <= ends
