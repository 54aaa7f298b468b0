"""Whose mother is an animal, and whose is not."""

from __future__ import annotations

import pytest

from pipelines.story.plan import plan_story


def drawn(text: str) -> dict[str, str]:
    return {hero.name: hero.subject for hero in plan_story(text).heroes}


@pytest.mark.parametrize(
    ("text", "name", "subject"),
    [
        ("There was an old lady who lived alone with her cat. The cat slept.", "old lady", "grandmother"),
        ("An old man had a donkey. The old man and the donkey walked to town.", "old man", "grandfather"),
        ("Grandma made soup. A mouse came in. Grandma laughed.", "Grandma", "grandmother"),
        ("Daddy was reading the newspaper. I drew a dragon. I saw a dragon.", "Daddy", "father"),
        ("爷爷种了一个大萝卜。爷爷叫来了小狗，小狗叫来了小猫。", "爷爷", "grandfather"),
        ("爷爷拔不动，就叫奶奶来帮忙。奶奶叫来了小狗，小狗叫来了小猫。", "奶奶", "grandmother"),
        ("有一只怪兽住在海底。有一年，来了一位白胡子老爷爷。", "老爷爷", "grandfather"),
        ("从前有个老奶奶，她养了一只猫。猫很听话。", "老奶奶", "grandmother"),
        ("小猫跳到奶奶的腿上。奶奶笑了。", "奶奶", "grandmother"),
        ("Emma wanted a dog. But her mum said no.", "mum", "mother"),
        ("小红想要一只小狗。可是她的妈妈不肯。", "妈妈", "mother"),
        ("The girl lost her dog. Her brother and her father looked for it.", "father", "father"),
        ("The cow mooed at Tom's father.", "father", "father"),
        ("A little mouse lived under the stairs. Anna saw it. Mum screamed.", "Mum", "mother"),
        ("小明有一只小兔子。妈妈说兔子很可爱。", "妈妈", "mother"),
        ("小狗饿了。妈妈回来了。", "妈妈", "mother"),
    ],
)
def test_relatives_are_people_where_no_animal_is_said_to_be_theirs(
    text: str, name: str, subject: str
) -> None:
    assert drawn(text)[name] == subject


@pytest.mark.parametrize(
    ("text", "name", "subject"),
    [
        ("Pip the fox ran home to his mother.", "mother", "fox"),
        ("Tom saw a duckling and his mother.", "mother", "duck"),
        ("The little bear's mother baked a cake.", "mother", "bear"),
        ("Mother Duck swam in the lake with her children.", "children", "duck"),
        ("Mother Rabbit baked a cake. Mother smiled.", "Mother Rabbit", "rabbit"),
        ("小马和妈妈住在村子里。小马的奶奶来了。", "奶奶", "horse"),
        ("小马和妈妈住在村子里。", "妈妈", "horse"),
        ("兔妈妈给她的孩子们做蛋糕。", "孩子们", "rabbit"),
        ("一只小刺猬给生病的奶奶送去一罐蜂蜜。", "奶奶", "hedgehog"),
        ("小马要过河。妈妈说可以。小马在河边遇见了老牛。", "妈妈", "horse"),
        ("Little Bear was hungry. Mum cooked dinner. Little Bear ate it.", "Mum", "bear"),
    ],
)
def test_relatives_of_animals_are_animals(text: str, name: str, subject: str) -> None:
    assert drawn(text)[name] == subject


@pytest.mark.parametrize(
    ("text", "name", "subject"),
    [
        ("Emma found a tiny bird. Mother Bird was crying. Emma smiled.", "Emma", "girl"),
        ("A mother cat had kittens. My sister Nora fed them. Nora loved them.", "Nora", "girl"),
        ("Goldilocks walked into the forest. Papa Bear was not at home.", "Goldilocks", "girl"),
        ("小明看见鸭妈妈带着小鸭子游泳。小明很开心。", "小明", "boy"),
        ("鸭妈妈孵出了小鸭子。一位农夫把他带回家，可是他害怕农夫的孩子。", "孩子", "boy"),
        ("Mother Mouse had three children. The youngest, Tilly, smelled cheese.", "Tilly", "mouse"),
        ("兔妈妈有三个孩子。最小的叫跳跳，跳跳很淘气。", "跳跳", "rabbit"),
    ],
)
def test_a_named_child_is_an_animal_only_in_an_animals_family(text: str, name: str, subject: str) -> None:
    assert drawn(text)[name] == subject


@pytest.mark.parametrize(
    ("text", "name", "subject"),
    [
        ("A duckling lost his mother. He asked a cow. The cow asked a pig. The cow was kind.", "mother", "duck"),
        ("Rex the dinosaur was sad. His dad said, “It is your roar, son.”", "dad", "dinosaur"),
        ("小马和妈妈住在村子里。小马看见老牛，就问：“牛伯伯，我能过河吗？”老牛笑了。老牛走了。", "妈妈", "horse"),
        ("小兔子跑回家问妈妈。妈妈说：“孩子，那头老牛和男孩是好人。”老牛来了，老牛笑了。", "妈妈", "rabbit"),
    ],
)  # fmt: skip
def test_a_mother_is_what_her_own_child_is(text: str, name: str, subject: str) -> None:
    assert drawn(text)[name] == subject


def test_who_is_only_spoken_to_is_nobody_new_and_an_uncle_is_himself() -> None:
    assert drawn("Rex the dinosaur was sad. His dad said, “It is your roar, son.”").keys() == {"Rex", "dad"}
    assert drawn("老牛在吃草。小马问：“牛伯伯，我能过河吗？”") == {"老牛": "cow", "小马": "horse"}


@pytest.mark.parametrize(
    "text",
    [
        "Pip the fox kissed his father.\n\nThe doctor sang in the room.",
        "小马和爸爸住在村子里。\n\n医生在城堡里唱歌。",
    ],
)
def test_an_animals_father_is_not_meant_by_a_word_for_another_man(text: str) -> None:
    story = plan_story(text, pages=2)
    assert not any(story.hero(one).kin for one in story.scenes[1].heroes)


def test_a_rabbits_brother_is_a_he() -> None:
    story = plan_story("Mia the rabbit sang. Her brother was naughty. Her mother smiled.")
    assert {hero.name: hero.pronoun for hero in story.heroes}["brother"] == "he"


@pytest.mark.parametrize(
    ("text", "found", "crowned"),
    [
        ("King Lion was proud. The owl teacher laughed at the king.", {"King Lion": "lion", "owl teacher": "owl"}, 1),
        ("There was a tiger king named Rex. The king slept.\n\nThe king woke up.", {"Rex": "tiger"}, 1),
        ("A pirate cat sang. Farmer Pig and Captain Duck danced. The captain fell.", {"pirate cat": "cat", "Farmer Pig": "pig", "Captain Duck": "duck"}, 0),
        ("老虎国王很骄傲。小兔子公主来了。国王笑了。", {"老虎国王": "tiger", "小兔子公主": "rabbit"}, 2),
        ("A king met a lion. King Lion bowed to the king.", {"king": "king", "lion": "lion"}, 0),
        ("狐狸和国王来了。", {"狐狸": "fox", "国王": "king"}, 0),
    ],
)  # fmt: skip
def test_an_animal_of_rank_is_one_animal(text: str, found: dict[str, str], crowned: int) -> None:
    story = plan_story(text)
    assert {hero.name: hero.subject for hero in story.heroes} == found
    assert sum(("crown", "yellow") in hero.wearing for hero in story.heroes) == crowned
    assert all(scene.heroes for scene in story.scenes)


def test_a_name_that_holds_a_rank_counts_once() -> None:
    story = plan_story("King Lion saw Anna. King Lion sang. Anna danced and Anna laughed.", pages=1)
    assert [story.hero(one).name for one in story.scenes[0].heroes] == ["Anna", "King Lion"]
