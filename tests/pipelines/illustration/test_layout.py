from __future__ import annotations

from random import Random

import numpy as np
import pytest

from pipelines.illustration.captions import caption, prompt
from pipelines.illustration.drawing import extent, rasterise, subjects, to_svg
from pipelines.illustration.layout import COLOURS, Look, Scene, arrange, boxes, compose
from pipelines.illustration.palette import PALETTES
from pipelines.illustration.places import PLACES
from tests.effort import takes_under


def scene(
    *names: str, place: str = "meadow", palette: str = "day", seed: int = 3, shot: str | None = None
) -> Scene:
    return arrange(place, palette, [Look(name) for name in names], seed, shot)


def pixels(one: Scene, size: int = 256) -> np.ndarray:
    return np.asarray(compose(one, size)).astype(int)


def test_the_art_is_all_there():
    assert len(subjects()) >= 60
    assert len(PLACES) >= 12
    assert len(PALETTES) == 6


@pytest.mark.parametrize("name", sorted(subjects()))
def test_every_subject_is_drawn_whole_and_named_in_both_languages(name):
    drawing = subjects()[name]
    left, top, right, bottom = extent(drawing)
    assert right - left > 40 and bottom - top > 40, "fills its canvas"
    assert left > -12 and top > -12 and right < 112 and bottom < 112, "nothing is cut off"
    assert drawing.english[0] == name
    assert all("\u4e00" <= letter <= "\u9fff" for word in drawing.chinese for letter in word)
    assert 0.1 < drawing.size < 0.8


def test_words_name_one_subject_only():
    owners: dict[str, str] = {}
    for drawing in subjects().values():
        for word in (*drawing.english, *drawing.chinese):
            assert owners.setdefault(word, drawing.name) == drawing.name, word


def test_subjects_are_told_apart_by_their_drawings():
    drawn = {name: np.asarray(rasterise(to_svg(one), 48)).astype(int) for name, one in subjects().items()}
    names = sorted(drawn)
    closest = min(
        (np.abs(drawn[first] - drawn[second]).mean(), first, second)
        for index, first in enumerate(names)
        for second in names[index + 1 :]
    )
    assert closest[0] > 8, closest


def test_same_seed_same_picture_and_another_seed_another():
    assert np.array_equal(pixels(scene("fox", "owl")), pixels(scene("fox", "owl")))
    assert not np.array_equal(pixels(scene("fox", seed=1)), pixels(scene("fox", seed=2)))


@pytest.mark.parametrize("place", sorted(PLACES))
@pytest.mark.parametrize("palette", sorted(PALETTES))
def test_every_place_is_drawn_in_every_palette(place, palette):
    picture = pixels(scene("fox", place=place, palette=palette), 96)
    assert picture.shape == (96, 96, 3)
    assert picture.std() > 12


def test_palettes_change_the_light():
    brightness = {palette: pixels(scene("fox", palette=palette)).mean() for palette in PALETTES}
    assert brightness["day"] > brightness["rain"] > brightness["storm"]
    assert brightness["night"] < 0.6 * brightness["day"]


def test_boxes_say_where_the_subjects_are():
    one = scene("bear", "apple", place="room")
    empty = Scene(one.place, one.palette, (), one.seed)
    changed = np.abs(pixels(one) - pixels(empty)).max(2) > 40
    for box in boxes(one):
        assert box.right - box.left > 20 and box.bottom - box.top > 20
        assert changed[box.top : box.bottom, box.left : box.right].mean() > 0.35
        changed[box.top : box.bottom, box.left : box.right] = False
    assert changed.mean() < 0.01


def test_subjects_stand_apart_and_inside():
    for seed in range(40):
        names = Random(seed).sample(sorted(subjects()), 2)
        first, second = boxes(scene(*names, seed=seed))
        overlap = min(first.right, second.right) - max(first.left, second.left)
        assert overlap < 0.35 * min(first.right - first.left, second.right - second.left), names


def test_a_hero_keeps_the_red_scarf_on_every_page():
    red = np.array([int(COLOURS["red"][i : i + 2], 16) for i in (1, 3, 5)])
    hero = Look("fox", (), (("scarf", "red"),))
    for place in PLACES:
        one = arrange(place, "day", [hero], 5, "close-up")
        assert (np.abs(pixels(one) - red).max(2) < 12).sum() > 150, place


def test_recolouring_changes_only_the_slot():
    plain, blue = Look("car"), Look("car", (("body", "blue"),))
    first, second = (pixels(arrange("city", "day", [look], 4, "close-up")) for look in (plain, blue))
    share = (np.abs(first - second).max(2) > 20).mean()
    assert 0.03 < share < 0.4


def test_sizes_up_to_print():
    for size in (256, 512, 1024):
        assert compose(scene("girl"), size).size == (size, size)
    small, large = (
        pixels(scene("girl"), 128),
        np.asarray(compose(scene("girl"), 512).resize((128, 128))).astype(int),
    )
    assert np.abs(small - large).mean() < 6


def test_a_cached_layout_takes_under_fifteen_milliseconds():
    one = scene("fox", "owl", "tree")
    compose(one)
    assert takes_under(0.15, lambda: [compose(one) for _ in range(10)])


def test_prompts_follow_the_order():
    one = arrange(
        "forest", "night", [Look("fox", (), (("scarf", "red"),)), Look("bird", (("coat", "green"),))], 1
    )
    assert prompt(one) == (
        "a fox with a red scarf and a green bird, in the forest, flat picture book illustration, "
        "deep blue colours, at night, together"
    )


def test_captions_vary_and_always_name_everybody():
    one = scene("dog", "cake", place="castle")
    rng = Random(0)
    found = {caption(one, rng) for _ in range(60)}
    assert len(found) > 30
    assert all(any(word in line for word in subjects()["cake"].english) for line in found)
