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


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Max and Lily were twins. They went to the beach.", {"Max": "boy", "Lily": "girl"}),
        ("Rose and Daisy are sisters. Rose sang.", {"Rose": "girl", "Daisy": "girl"}),
        ("There were twins in the village.", {"twins": "boy"}),
        ("Noah lived with his father, a fisherman.", {"Noah": "boy", "father": "father"}),
        ("Noah met his mother, a girl and a dog.", {"Noah": "boy", "mother": "mother", "girl": "girl", "dog": "dog"}),
        ("明明和丽丽是同学。他们在学校里。", {"明明": "boy", "丽丽": "girl"}),
        ("小红的爸爸是一位渔夫。爸爸笑了。", {"小红": "girl", "爸爸": "father"}),
        ("警察叔叔笑了。警察叔叔走了。", {"警察叔叔": "father"}),
        (
            "Three bears lived there: Papa Bear, Mama Bear and Baby Bear.",
            {"Papa Bear": "bear", "Mama Bear": "bear", "Baby Bear": "bear"},
        ),
        ("从前有三只熊，熊爸爸、熊妈妈和小熊。", {"熊爸爸": "bear", "熊妈妈": "bear", "小熊": "bear"}),
        ("Emma drew a big dog on her wall and called him Biscuit.", {"Emma": "girl", "Biscuit": "dog"}),
        ("乐乐画了一只狗，叫它饼干。饼干眨了眨眼睛。", {"乐乐": "boy", "饼干": "dog"}),
        ("小猫喵喵地叫。王爷爷笑了：“它叫咪咪。”", {"咪咪": "cat", "爷爷": "grandfather"}),
        (
            "A kitten purred. Mr Brown came out. “Her name is Mittens,” he said.",
            {"Mittens": "cat", "Mr Brown": "father"},
        ),
        ("The king had three daughters. The youngest was a daughter called Rosa.", {"king": "king", "Rosa": "girl"}),
        ("A mermaid sang to Tom.", {"mermaid": "mermaid", "Tom": "boy"}),
        ("小明看见一条美人鱼。", {"小明": "boy", "美人鱼": "mermaid"}),
        ("The teacher, Mr Green, smiled. He sang.", {"Mr Green": "father"}),
        ("Leo wasn't a lion, he was a boy.", {"Leo": "boy"}),
        ("小明不是大人，他是一个男孩。", {"小明": "boy"}),
        ("The father of Rosie is a fireman.", {"father": "father", "Rosie": "girl"}),
        ("Baby Bear slept. Emma ate Baby Bear's soup.", {"Baby Bear": "bear", "Emma": "girl"}),
        ("妈妈叫他吃饭。小明在吃饭。", {"妈妈": "mother", "小明": "boy"}),
    ],
)  # fmt: skip
def test_everybody_is_drawn_once(text: str, found: dict[str, str]) -> None:
    story = plan_story(text)
    assert {hero.name: hero.subject for hero in story.heroes} == found
    assert {hero.count for hero in story.heroes} == {1}


def test_the_three_bears_are_all_of_them() -> None:
    story = plan_story(
        "Papa Bear, Mama Bear and Baby Bear ate. Three bears lived.\n\nThe bears came.", pages=2
    )
    assert len(story.scenes[1].heroes) == 3


def test_a_dog_called_biscuit_is_no_cake() -> None:
    story = plan_story("乐乐画了一只狗，叫它饼干。饼干眨了眨眼睛。")
    assert not any(scene.things for scene in story.scenes)


@pytest.mark.parametrize(
    ("text", "name", "subject"),
    [
        ("Lily was ill. The doctor gave her a sweet.", "doctor", "father"),
        ("小红病了。医生送她回家。", "医生", "father"),
        ("医生拿出她的书。", "医生", "mother"),
        ("弟弟哭了，我和妈妈都笑了。我们回家了。", "弟弟", "boy"),
    ],
)
def test_who_is_given_something_is_somebody_else(text: str, name: str, subject: str) -> None:
    assert heroes(text)[name].subject == subject


@pytest.mark.parametrize(
    ("text", "name", "colours", "wearing"),
    [
        ("Lily hugged her teddy bear. She wore a red hat and a blue dress.", "Lily", {"dress": "blue"}, {"hat": "red"}),
        ("妹妹抱着小熊。她戴着红色的帽子，穿着白色的裙子。", "妹妹", {"dress": "white"}, {"hat": "red"}),
        ("Luna the cat was black. She slept.", "Luna", {"coat": "black"}, {}),
        ("A dog is called Waffles. Waffles is brown and has floppy ears.", "Waffles", {"coat": "brown"}, {}),
        ("There once was a cat. It was all white.", "cat", {"coat": "white"}, {}),
        ("从前有一只猫，它是黑色的，眼睛是绿色的。", "猫", {"coat": "black"}, {}),
        ("小狗看见大象。大象全身都是灰色的。", "小狗", {}, {}),
        ("从前有一只小狗。它全身都是棕色的。", "小狗", {"coat": "brown"}, {}),
    ],
)  # fmt: skip
def test_a_told_look_is_theirs(text: str, name: str, colours: dict, wearing: dict) -> None:
    hero = heroes(text)[name]
    assert dict(hero.colours) == colours
    assert wearing.items() <= dict(hero.wearing).items()


@pytest.mark.parametrize(
    "text", ["The dog saw a house. It stood there. The house was red.", "狗的眼睛是绿色的。"]
)
def test_the_colour_of_something_else_is_not_theirs(text: str) -> None:
    assert not plan_story(text).heroes[0].colours


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (
            "Bartholomew lived on a hill. Bartholomew had a kite. Zuri was his friend.",
            {"Bartholomew", "Zuri"},
        ),
        ("Lena lived in New York. Lena saw the Statue of Liberty.", {"Lena"}),
        ("Whiskers was sad. Whiskers slept.", {"Whiskers"}),
        ("The cat slept. Spaghetti was ready. Spaghetti was hot. Everyone sang. Everyone ran.", {"cat"}),
        ("Mr Brown smiled. Max saw Mr Brown and Mrs. Green.", {"Mr Brown", "Mrs. Green", "Max"}),
        ("Mr Fox met Cousin Badger.", {"Fox", "Badger"}),
        ("Mrs. Hopper, two rabbits, lived here.", {"Mrs. Hopper"}),
        ("Little Red Riding Hood met a wolf.", {"Little Red Riding Hood", "wolf"}),
        ("Snow White ate an apple.", {"Snow White"}),
        ("宇航员诺娃和机器人哔哔来了。诺娃问：“这里有人吗？”哔哔说：“有。”", {"诺娃", "哔哔"}),
        ("老师大声说话。大声说话不好。小猫慢慢走。慢慢走的小猫笑了。", {"老师", "小猫"}),
    ],
)
def test_names(text: str, names: set[str]) -> None:
    assert heroes(text).keys() == names


def test_a_title_says_who_is_a_man_and_snow_white_brings_no_snow() -> None:
    found = heroes("Mr Brown smiled at Mrs Green.")
    assert {name: hero.subject for name, hero in found.items()} == {
        "Mr Brown": "father",
        "Mrs Green": "mother",
    }
    assert plan_story("Snow White ate an apple.").scenes[0].place == "castle"
    assert heroes("Little Red Riding Hood sang.")["Little Red Riding Hood"].told == ()
    assert heroes("宇航员诺娃来了。诺娃笑了。")["诺娃"].subject == "astronaut"
