import re

import pytest

from pipelines.failure import CraftError
from pipelines.text.mandarin import _parts, _segment, spoken_syllables, to_utterance
from pipelines.text.mandarin_forms import write_out
from pipelines.text.mandarin_numbers import cardinal
from pipelines.text.personal_lexicon import PersonalLexicon
from pipelines.text.symbols import INITIALS, MANDARIN_TONE, NO_TONE, SYMBOL_ID

TONE_OF = {tone: number for number, tone in MANDARIN_TONE.items()}


def pinyin(text: str) -> str:
    """``n i2 h ao3``: symbols with their tones; pauses as they are."""
    utterance = to_utterance(text)
    assert all(phoneme in SYMBOL_ID for phoneme in utterance.phonemes)
    return " ".join(
        phoneme.removeprefix("zh/") + (str(TONE_OF[tone]) if tone else "")
        for phoneme, tone in zip(utterance.phonemes, utterance.tones, strict=True)
    )


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("你好，世界！", "sil n i2 h ao3 , sh iii4 j ie4 !"),
        ("我很好。", "sil uo3 h en2 h ao3 ."),
        ("小老虎", "sil x iao3 l ao2 h u3 ."),
        ("展览馆", "sil zh an2 l an2 g uan3 ."),
        ("一个", "sil i2 g e5 ."),
        ("一天", "sil i4 t ian1 ."),
        ("第一", "sil d i4 i1 ."),
        ("看一看？", "sil k an4 i5 k an4 ?"),
        ("不对", "sil b u2 d ui4 ."),
        ("不好", "sil b u4 h ao3 ."),
        ("女儿学习雪月", "sil n v3 er2 x ve2 x i2 x ve3 ve4 ."),
        ("自己吃日", "sil z ii4 j i3 ch iii1 r iii4 ."),
        ("选军圈云", "sil x van3 j vn1 q van1 vn2 ."),
    ],
)
def test_syllables_and_sandhi(text, spoken):
    assert pinyin(text) == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("2024年12月3日", "二零二四年十二月三日"),
        ("2024-12-03", "二零二四年十二月三日"),
        ("98年", "九八年"),
        ("20年", "二十年"),
        ("下午3:45", "下午三点四十五分"),
        ("2:05", "两点零五分"),
        ("10:00", "十点"),
        ("13812345678", "幺三八幺二三四五六七八"),
        ("¥100", "一百元"),
        ("$4.50", "四点五美元"),
        ("￥3万", "三万元"),
        ("50%", "百分之五十"),
        ("3.14", "三点一四"),
        ("1/2", "二分之一"),
        ("3-5天", "三到五天"),
        ("第3名", "第三名"),
        ("2个人", "两个人"),
        ("气温-5°C", "气温零下五度"),
        ("5km", "五千米"),
        ("第12345号", "第一万二千三百四十五号"),
        ("007", "零零七"),
    ],
)
def test_numbers(written, spoken):
    assert write_out(written) == spoken


@pytest.mark.parametrize(
    ("digits", "words"),
    [
        ("0", "零"),
        ("10", "十"),
        ("11", "十一"),
        ("110", "一百一十"),
        ("101", "一百零一"),
        ("1001", "一千零一"),
        ("1010", "一千零一十"),
        ("10000", "一万"),
        ("10203", "一万零二百零三"),
        ("100010", "十万零一十"),
        ("1234567890", "十二亿三千四百五十六万七千八百九十"),
    ],
)
def test_cardinals(digits, words):
    assert cardinal(digits) == words


def test_english_words_keep_their_sound():
    utterance = to_utterance("我用 Python 写程序，GPT。")
    assert utterance.language == "zh"
    place = [word.text for word in utterance.words].index("Python")
    word = utterance.words[place]
    assert utterance.phonemes[word.first : word.last] == ("P", "AY", "TH", "AA", "N")
    assert [w.text for w in utterance.words][-3:] == ["G", "P", "T"]


def test_every_syllable_of_the_dictionary_has_its_symbols():
    from pypinyin.constants import PINYIN_DICT
    from pypinyin.contrib.tone_convert import to_normal

    syllables = {to_normal(one) for some in PINYIN_DICT.values() for one in some.split(",")}
    assert len(syllables) > 400
    for syllable in syllables:
        parts = _parts(syllable)
        assert parts and all(f"zh/{part}" in SYMBOL_ID for part in parts), syllable


def test_tones_sit_on_finals():
    utterance = to_utterance("今天天气很好，我们去公园。")
    for phoneme, tone in zip(utterance.phonemes, utterance.tones, strict=True):
        toneless = not phoneme.startswith("zh/") or phoneme.removeprefix("zh/") in INITIALS
        assert (tone == NO_TONE) == toneless
    assert re.fullmatch("今天天气很好我们去公园", "".join(word.text for word in utterance.words))


def test_silence_and_other_scripts_are_refused():
    with pytest.raises(CraftError, match="text_unspeakable"):
        to_utterance("！😀")
    with pytest.raises(CraftError, match="language_unsupported"):
        to_utterance("你好 мир")


@pytest.mark.parametrize("text", ["他喝了㗎", "㗎㗎", "一㗎二㗎"])
def test_a_character_that_no_dictionary_reads_is_named(text):
    with pytest.raises(CraftError, match="language_unsupported") as caught:
        to_utterance(text)
    assert caught.value.facts["text"] == "㗎"


def test_a_given_sound_reads_what_no_dictionary_does():
    assert to_utterance("他喝了㗎{ga1}").phonemes[-3:-1] == ("zh/g", "zh/a")


LIGHT_AND_FULL = """
爸爸 ba4 ba5|妈妈们 ma1 ma5 men5|小朋友 xiao3 peng2 you5|喜欢 xi3 huan5|衣服 yi1 fu5|眼睛 yan3 jing5|妻子 qi1 zi5|月亮 yue4 liang5
不知道 bu4 zhi1 dao5|告诉他 gao4 su5 ta1|故事 gu4 shi5|窗户 chuang1 hu5|先生 xian1 sheng5|漂亮 piao4 liang5|东西 dong1 xi5
路上 lu4 shang5|屋里 wu1 li5|森林里 sen1 lin2 li5|桌子上 zhuo1 zi5 shang5|一个 yi2 ge5|起来 qi3 lai5|看看 kan4 kan5|说说 shuo1 shuo5
想想 xiang2 xiang5|手里 shou2 li5|哪里 na2 li5|姐姐 jie3 jie5|耳朵 er3 duo5|椅子 yi3 zi5|奶奶 nai3 nai5|等等我 deng2 deng5 wo3
这儿 zhe4 er5|花儿 hua1 er5|小孩儿 xiao3 hai2 er5|玩儿 wan2 er5|一会儿 yi2 hui4 er5|女儿 nv3 er2|婴儿 ying1 er2|儿歌 er2 ge1
男子 nan2 zi3|王子 wang2 zi3|以上 yi3 shang4|马上 ma3 shang4|人人 ren2 ren2|天天 tian1 tian1|高高兴兴 gao1 gao1 xing4 xing4|楼下 lou2 xia4
爸爸妈妈 ba4 ba5 ma1 ma5|天天向上 tian1 tian1 xiang4 shang4|零一零 ling2 yi1 ling2|一点八米 yi1 dian3 ba1 mi3|一点钟 yi1 dian3 zhong1
一点水 yi4 dian2 shui3|电子琴 dian4 zi3 qin2|想想看 xiang2 xiang5 kan4|慢吞吞 man4 tun1 tun1|一颗一颗 yi4 ke1 yi4 ke1|树叶哗哗响 shu4 ye4 hua1 hua1 xiang3|庙里 miao4 li5|草地上玩 cao3 di4 shang5 wan2
酒吧 jiu3 ba1|水滴 shui3 di1|过马路 guo4 ma3 lu4|孩子上山 hai2 zi5 shang4 shan1|三公里 san1 gong1 li3|早上好 zao3 shang5 hao3|老人家 lao3 ren2 jia5|三里路 san1 li3 lu4|个人 ge4 ren2|老虎 lao2 hu3
""".strip().replace("\n", "|")


@pytest.mark.parametrize("case", LIGHT_AND_FULL.split("|"))
def test_light_tones(case):
    characters, spoken = case.split(" ", 1)
    words = spoken_syllables(_segment(characters))
    assert " ".join(f"{syllable}{tone}" for word in words for syllable, tone in word) == spoken


def test_a_given_reading_and_one_of_the_own_lexicon_keep_their_tone():
    assert pinyin("告诉{su4}他") == "sil g ao4 s u4 t a1 ."
    own = PersonalLexicon.parse("妈妈 ma1 ma1")
    assert to_utterance("妈妈", own).tones[-2] == MANDARIN_TONE[1]


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("答案是A。", "EY"),
        ("选A还是选B", "EY B IY"),
        ("A股大涨", "EY"),
        ("A4纸", "EY"),
        ("维生素A和C", "EY S IY"),
        ("IT公司", "AY T IY"),
        ("这是WHO的", "D AH B AH L Y UW EY CH OW"),
        ("It is a book 这本书", "IH T IH Z AH B UH K"),
    ],
)
def test_letters_in_chinese_are_named(text, letters):
    assert " ".join(p for p in to_utterance(text).phonemes if p.isalpha() and p != "sil") == letters


def test_the_own_lexicon_reads_letters_first():
    own = PersonalLexicon.parse("IT IH1 T\nA AH0")
    assert to_utterance("IT公司选A", own).phonemes[1:3] == ("IH", "T")
    assert to_utterance("IT公司选A", own).phonemes[-2] == "AH"
