from __future__ import annotations

from dataclasses import replace

import pytest

from pipelines.story.plan import plan_story
from studio.narration import Narrator, lines
from studio.store.speeches import take_key

NARRATOR = Narrator("v", "rev", {"noise_scale": 0.5}, ("en",), 240)
TEXT = "Pip found a key. 小狐狸很高兴。 He ran home! ***"


@pytest.fixture(scope="module")
def scene() -> object:
    return plan_story(TEXT, seed=3).scenes[0]


def test_lines_are_the_page_s_own_words_in_order(scene: object) -> None:
    place = 0
    for line in lines(scene, NARRATOR, 3):
        place = scene.text.index(line.text, place) + len(line.text)
    assert (
        "".join(line.text for line in lines(scene, NARRATOR, 3)).split()
        == "".join([line.text for line in lines(scene, None, 3)]).split()
    )


def test_what_the_voice_cannot_speak_has_no_take(scene: object) -> None:
    spoken = [line.take_key is not None for line in lines(scene, NARRATOR, 3)]
    assert spoken == [True, False, True]
    assert not any(line.take_key for line in lines(scene, None, 3))
    chinese = replace(NARRATOR, languages=("en", "zh"))
    assert all(line.take_key for line in lines(scene, chinese, 3))


def test_a_sentence_in_two_languages_needs_both() -> None:
    text = "Pip found a key. 小狐狸 Pip 很高兴。 He ran home!"
    scene = plan_story(text, seed=3).scenes[0]
    for languages, spoken in ((("en",), [True, False, True]), (("en", "zh"), [True, True, True])):
        told = lines(scene, replace(NARRATOR, languages=languages), 3)
        assert [line.take_key is not None for line in told] == spoken


def test_takes_are_named_as_those_of_speeches(scene: object) -> None:
    first = lines(scene, NARRATOR, 3)[0]
    assert first.take_key == take_key("rev", "Pip found a key.", {"noise_scale": 0.5}, 3)
    assert lines(scene, replace(NARRATOR, revision_id="other"), 3)[0].take_key != first.take_key
    assert lines(scene, NARRATOR, 4)[0].take_key != first.take_key
    sentence = first.sentence(7)
    assert (sentence.position, sentence.text, sentence.take_key) == (7, first.text, first.take_key)


def test_a_narrator_comes_back_from_json() -> None:
    assert Narrator.from_json(NARRATOR.to_json()) == NARRATOR
