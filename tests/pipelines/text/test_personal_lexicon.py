import pytest

from pipelines.text import english, mandarin
from pipelines.text.language import detect_language
from pipelines.text.overrides import MARK, mark, unmarked
from pipelines.text.personal_lexicon import MAX_LINES, PersonalLexicon
from pipelines.text.segment import split

OWN = PersonalLexicon.parse(
    """\ufeff# words of mine
VoxTale\tV AA1 K S T EY2 L   # the studio
重庆 = zhong4 qing4
重庆人: zhong4 qing4 ren2
naïve N AA1 IY0 V
"""
)


def test_what_a_line_may_look_like():
    assert OWN.bad_lines == ()
    assert OWN.words == {"voxtale": "V AA1 K S T EY2 L", "naive": "N AA1 IY0 V"}
    assert OWN.phrases == {"重庆": ("zhong4", "qing4"), "重庆人": ("zhong4", "qing4", "ren2")}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("alone", "form"),
        ("cat K A T", "arpabet"),
        ("cat k ae1 t", "arpabet"),
        ("cat K1 AE1 T", "arpabet"),
        ("кот K AE1 T", "arpabet"),
        ("重庆 chong2", "pinyin"),
        ("重庆 chong qing", "pinyin"),
        ("重庆 chong2 qing9", "pinyin"),
        ("重庆 CH AO1", "pinyin"),
        ("cat " + "K AE1 T " * 40, "length"),
    ],
)
def test_bad_lines_are_named_by_number(line, reason):
    lexicon = PersonalLexicon.parse(f"# one\n\n{line}\ndog D AO1 G")
    assert [(bad.number, bad.reason) for bad in lexicon.bad_lines] == [(3, reason)]
    assert lexicon.words == {"dog": "D AO1 G"}


def test_the_list_has_an_end():
    lexicon = PersonalLexicon.parse("cat K AE1 T\n" * (MAX_LINES + 5))
    assert lexicon.bad_lines[-1].reason == "too_many"


def test_the_starter_reads_by_it():
    utterance = english.to_utterance("VoxTale's voice", OWN)
    assert utterance.phonemes[1:9] == ("V", "AA", "K", "S", "T", "EY", "L", "Z")
    spoken = mandarin.to_utterance("我是重庆人，用VoxTale。", OWN)
    assert "zh/ong" in spoken.phonemes and "AA" in spoken.phonemes
    assert "zh/ch" not in spoken.phonemes


def test_sounds_in_the_text_go_before_it():
    assert mandarin.to_utterance("重{chong2}庆", OWN).phonemes[1] == "zh/ch"
    assert english.to_utterance("I read{R EH1 D} it").phonemes[2:5] == ("R", "EH", "D")
    assert [word.text for word in english.to_utterance("I read{R EH1 D} it").words] == ["I", "read", "it"]


def test_written_into_a_text():
    text = "VoxTale's list: 重庆人在重庆，重{chong2}庆, read{R EH1 D}."
    written = OWN.written_into(text)
    assert written == (
        "VoxTale's{V AA1 K S T EY2 L Z} list: 重庆人{zhong4 qing4 ren2}在重庆{zhong4 qing4}，重{chong2}庆, read{R EH1 D}."
    )
    assert OWN.written_into(written) == written
    assert unmarked(written) == "VoxTale's list: 重庆人在重庆，重庆, read."
    assert PersonalLexicon().written_into(text) == text
    assert OWN.written_into("重庆へ VoxTale") == "重庆へ VoxTale{V AA1 K S T EY2 L}"  # no pinyin in Japanese
    assert english.to_utterance("VoxTale's voice", OWN).phonemes == (
        english.to_utterance(OWN.written_into("VoxTale's voice")).phonemes
    )


def test_braces_are_no_language_and_no_place_to_cut():
    assert detect_language("重{chong2}庆") == "zh"
    assert detect_language("read{R EH1 D} it") == "en"
    text = "重庆{chong2 qing4}火锅" * 12
    for segment in split(text, max_chars=40):
        assert segment.text.count("{") == segment.text.count("}")


def test_marks():
    assert mark("我{a}重{chong2}庆").text == f"我{{a}}重{MARK}庆"
    assert mark(f"a{MARK}b").text == "ab"
    assert mark("plain").sounds == ()
