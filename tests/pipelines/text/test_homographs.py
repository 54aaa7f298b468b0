import pytest

from pipelines.text.pronunciation import Pronunciation, words_to_phonemes


@pytest.mark.parametrize(
    ("sentence", "index", "arpabet"),
    [
        ("i want to read it", 3, "R IY1 D"),
        ("i have read it", 2, "R EH1 D"),
        ("read this", 0, "R IY1 D"),
        ("we read it yesterday", 1, "R EH1 D"),
        ("the lead singer", 1, "L IY1 D"),
        ("a lead pipe", 1, "L EH1 D"),
        ("they live here", 1, "L IH1 V"),
        ("live music", 0, "L AY1 V"),
        ("he lives here", 1, "L IH1 V Z"),
        ("save their lives", 2, "L AY1 V Z"),
        ("the wind blows", 1, "W IH1 N D"),
        ("to wind the clock", 1, "W AY1 N D"),
        ("a deep wound", 2, "W UW1 N D"),
        ("he wound up there", 1, "W AW1 N D"),
        ("a tear fell", 1, "T IH1 R"),
        ("don't tear the page", 1, "T EH1 R"),
        ("close the door", 0, "K L OW1 Z"),
        ("we are close to home", 2, "K L OW1 S"),
        ("use it well", 0, "Y UW1 Z"),
        ("it is of no use", 4, "Y UW1 S"),
        ("he used to sing", 1, "Y UW1 S T"),
        ("it was used to cut", 2, "Y UW1 Z D"),
        ("a new record", 2, "R EH1 K ER0 D"),
        ("to record a song", 1, "R IH0 K AO1 R D"),
        ("records", 0, "R EH1 K ER0 D Z"),
        ("she records it", 1, "R IH0 K AO1 R D Z"),
        ("the object", 1, "AA1 B JH EH0 K T"),
        ("i object", 1, "AH0 B JH EH1 K T"),
        ("a present", 1, "P R EH1 Z AH0 N T"),
        ("may present it", 1, "P R IY0 Z EH1 N T"),
        ("the bass player", 1, "B EY1 S"),
        ("caught a bass", 2, "B AE1 S"),
        ("he sowed corn", 1, "S OW1 D"),
        ("sow the seed", 0, "S OW1"),
        ("farmers sow wheat", 1, "S OW1"),
        ("they went to sow", 3, "S OW1"),
        ("as they sow so they reap", 2, "S OW1"),
        ("the sow had piglets", 1, "S AW1"),
        ("the sow the farmer bought", 1, "S AW1"),
        ("minute details", 0, "M AY0 N UW1 T"),
        ("wait a minute", 2, "M IH1 N AH0 T"),
    ],
)
def test_the_neighbours_choose_the_sound(sentence, index, arpabet):
    assert words_to_phonemes(sentence.split())[index] == Pronunciation.from_arpabet(arpabet)
