"""Feelings from words and from the voice, with their reasons."""

from __future__ import annotations

import pytest

from pipelines.story import vocabulary
from pipelines.story.emotion import Emotion, Prosody, feel
from pipelines.story.vocabulary import EMOTIONS


@pytest.mark.parametrize(
    ("sentence", "emotion"),
    [
        ("She laughed and danced with joy.", "joy"),
        ("He wept, because he was so lonely.", "sadness"),
        ("They were terrified and trembled in the dark.", "fear"),
        ("The troll shouted angrily and stamped his feet.", "anger"),
        ("Everybody gasped in astonishment. What a surprise!", "surprise"),
        ("The magic crystals glittered and shimmered like stars.", "wonder"),
        ("She hugged her mother and kissed her.", "love"),
        ("Everything was quiet and peaceful, and the kitten slept.", "calm"),
        ("大家高兴得又唱又跳，哈哈大笑。", "joy"),
        ("她伤心地哭了，眼泪流个不停。", "sadness"),
        ("小兔子吓得浑身发抖，害怕极了。", "fear"),
        ("老虎气呼呼地大吼：“太可恶了！”", "anger"),
        ("他大吃一惊，目瞪口呆。", "surprise"),
        ("神奇的魔法让星空闪闪发光。", "wonder"),
        ("妈妈温柔地抱住他，说：“我爱你。”", "love"),
        ("夜里静悄悄的，小熊甜甜地睡着了。", "calm"),
        ("The stone lay on the table.", "calm"),
        ("桌子上有一本书。", "calm"),
    ],
)
def test_eight_emotions_in_both_languages(sentence: str, emotion: str) -> None:
    assert feel([sentence]).name == emotion


@pytest.mark.parametrize(
    ("plain", "negated"),
    [
        ("The fox was happy.", "The fox was not happy."),
        ("The fox was afraid.", "The fox was no longer afraid."),
        ("He was angry.", "He wasn't angry at all."),
        ("She was sad.", "She was never sad."),
        ("小猫很高兴。", "小猫不高兴。"),
        ("他害怕。", "他一点也不害怕。"),
        ("她生气了。", "她没有生气。"),
        ("弟弟难过。", "弟弟不再难过。"),
    ],
)
def test_negation_turns_a_feeling_round(plain: str, negated: str) -> None:
    assert feel([plain]).name != feel([negated]).name
    assert feel([plain]).valence * feel([negated]).valence < 0


@pytest.mark.parametrize(
    ("sentence", "emotion"),
    [
        ("Not only happy but proud was she.", "joy"),
        ("She had never been so happy.", "joy"),
        ("It was quiet. No, he was happy.", "joy"),
        ("小猫不由得高兴起来。", "joy"),
        ("大家忍不住哈哈大笑。", "joy"),
        ("他从来没有这么高兴过。", "joy"),
    ],
)
def test_what_looks_like_a_negation_and_is_none(sentence: str, emotion: str) -> None:
    assert feel([sentence]).name == emotion


@pytest.mark.parametrize(
    ("weaker", "plain", "stronger"),
    [
        ("He was a bit proud.", "He was proud.", "He was extremely proud."),
        ("他有点害怕。", "他害怕。", "他非常害怕。"),
        ("他有点难受。", "他难受。", "他难受极了。"),
    ],
)
def test_intensifiers(weaker: str, plain: str, stronger: str) -> None:
    strengths = [feel([sentence]).strength for sentence in (weaker, plain, stronger)]
    assert strengths == sorted(set(strengths))


def test_an_exclamation_is_felt_more() -> None:
    assert feel(["I am proud!"]).strength > feel(["I am proud."]).strength


def test_evidence_quotes_the_story() -> None:
    emotion = feel(["The fox was not happy.", "He was very scared."])
    assert [(one.emotion, one.text, one.source) for one in emotion.evidence] == [
        ("fear", "very scared", "words"),
        ("sadness", "not happy", "words"),
    ]
    assert Emotion.from_json(emotion.to_json()) == emotion


def test_nothing_felt_is_calm_without_strength() -> None:
    assert feel(["The stone lay on the table."]).strength < 0.3
    assert feel([]) == Emotion("calm", 0.0, 0.0, 0.0)


def test_a_lively_voice_strengthens_lively_feelings_and_says_so() -> None:
    words = ["He was happy in the quiet garden."]
    lively, dull = Prosody(1.5, 1.5, 1.5), Prosody(-1.5, -1.5, -1.5)
    excited, subdued = feel(words, [lively]), feel(words, [dull])
    assert dict(excited.scores)["joy"] > dict(feel(words).scores)["joy"] > dict(subdued.scores)["joy"]
    assert excited.arousal > feel(words).arousal > subdued.arousal
    assert {one.text for one in excited.evidence if one.source == "voice"} == {"higher", "louder", "faster"}
    assert {one.text for one in subdued.evidence if one.source == "voice"} == {"lower", "softer", "slower"}


def test_the_voice_alone_speaks_where_no_word_does() -> None:
    assert feel(["The stone fell."], [Prosody(2, 2, 2)]).name == "surprise"
    assert feel(["The stone fell."], [Prosody(0.1, 0.1, 0.1)]).strength == 0
    assert feel(["The stone fell."], [None]) == feel(["The stone fell."])


def test_the_lists_are_large_and_know_both_languages() -> None:
    assert len(EMOTIONS) == 8
    for emotion in EMOTIONS:
        own = [word for word, meanings in vocabulary.feelings().items() if meanings[0].emotion == emotion]
        assert sum(word.isascii() for word in own) >= 50 and sum(not word.isascii() for word in own) >= 40, (
            emotion
        )
