import random

import pytest

from pipelines.failure import CraftError
from pipelines.text.gpt_sovits import extras
from pipelines.text.gpt_sovits.front_end import FEWEST_PHONEMES, FrontEnd
from pipelines.text.gpt_sovits.languages import MODES, spans
from pipelines.text.gpt_sovits.mandarin import _parts, syllables
from pipelines.text.gpt_sovits.splitting import MAX_PIECE_CHARS, RULES, Piece, split
from pipelines.text.gpt_sovits.symbols import symbol_ids
from pipelines.text.personal_lexicon import PersonalLexicon

AWKWARD = "aB 3.,:;-–—/$￥%°#@&'\"()½²😀\n你好重庆一不了们子个{}[]sé，。！？…“”～ˑ"


def phonemes(text: str, language: str = "auto", **facts) -> str:
    return " ".join(phoneme for u in FrontEnd(**facts).read(text, language) for phoneme in u.phonemes)


def test_what_an_utterance_holds():
    (utterance,) = FrontEnd().read("今天是Monday，气温-3℃。", "zh")
    assert [span.language for span in utterance.spans] == ["zh", "en", "zh"]
    assert utterance.text == "今天是Monday,气温零下三度."
    assert len(utterance.ids) == len(utterance.phonemes)
    assert [symbol_ids()[phoneme] for phoneme in utterance.phonemes] == list(utterance.ids)
    for span in utterance.spans:
        if span.language == "zh":
            assert len(span.word2ph) == len(span.text) and sum(span.word2ph) == len(span.phonemes)
        else:
            assert span.word2ph == ()


@pytest.mark.parametrize("seed", range(150))
def test_any_text_is_read_or_refused(seed):
    dice = random.Random(seed)
    text = "".join(dice.choice(AWKWARD) for _ in range(dice.randint(0, 60)))
    try:
        utterances = FrontEnd().read(text, "auto", dice.choice(list(RULES)))
    except CraftError as error:
        assert error.code in ("text_unspeakable", "pronunciation_misfit"), (text, error)
        return
    for utterance in utterances:
        assert len(utterance.phonemes) >= 3
        assert "UNK" not in utterance.phonemes
        for span in utterance.spans:
            assert not span.word2ph or sum(span.word2ph) == len(span.phonemes)


@pytest.mark.parametrize(
    ("text", "mode", "expected"),
    [
        ("我用T60和GPU。", "zh", [("zh", "我用"), ("en", "T"), ("zh", "60和"), ("en", "GPU。")]),
        ("iPhone 15 Pro的价格", "auto", [("en", "iPhone 15 Pro"), ("zh", "的价格")]),
        ("延迟是20ms左右", "auto", [("zh", "延迟是20ms左右")]),
        ("It costs $5. 很便宜", "auto", [("en", "It costs $5. "), ("zh", "很便宜")]),
        ("共100USD", "zh", [("zh", "共100USD")]),
        ("100%", "zh", [("zh", "100%")]),
        ("100%", "auto", [("en", "100%")]),
        ("東京は大きい", "auto", [("ja", "東京は大きい")]),
        ("안녕 hello", "auto", [("ko", "안녕 "), ("en", "hello")]),
        ("你好 hello", "en", [("en", "你好 hello")]),
        ("佢好hello", "auto_yue", [("yue", "佢好"), ("en", "hello")]),
        ("你好hello", "all_zh", [("zh", "你好"), ("en", "hello")]),
        ("日本語", "ja", [("ja", "日本語")]),
    ],
)
def test_spans(text, mode, expected):
    assert spans(text, mode) == expected


@pytest.mark.parametrize("mode", MODES)
def test_spans_lose_nothing(mode):
    text = "你好, 2024年3月5日 Hello 3:2 こんにちは 안녕! ¥5 …"
    assert "".join(stretch for _, stretch in spans(text, mode)) == text


def test_unknown_mode_and_rule_are_refused():
    with pytest.raises(CraftError, match="language_mode_unknown"):
        FrontEnd().read("hi", "fr")
    with pytest.raises(CraftError, match="text_split_unknown"):
        FrontEnd().read("hi", "en", "cut9")


@pytest.mark.parametrize("text", ["", "……", "😀！", "[1s]"])
def test_silence_is_refused(text):
    with pytest.raises(CraftError, match="text_unspeakable"):
        FrontEnd().read(text)


def test_letters_of_no_language_are_refused():
    with pytest.raises(CraftError, match="language_unsupported"):
        FrontEnd().read("Привет, мир", "auto")


def test_short_texts_are_led_in():
    assert phonemes("嗨", "zh") == ". h ai5 ."
    assert phonemes("Hi.", "en") == ", HH AY1 ."
    assert len(FrontEnd().read("走", "zh")[0].phonemes) < FEWEST_PHONEMES
    (utterance,) = FrontEnd().read("走", "zh")
    assert utterance.spans[0].word2ph == (1, 2, 1) and utterance.text == ".走."
    assert phonemes("我用T恤", "zh").startswith("w o3")  # a short English stretch inside brings no pause


def test_pauses_in_the_text():
    utterances = FrontEnd().read("[1s]你好呀。[0.5s]再见吧[1.5秒][0.5s]好的呀【2s】", "zh")
    assert [u.text for u in utterances] == ["你好呀.", "再见吧.", "好的呀."]
    assert [u.pause_seconds for u in utterances] == [0.5, 2.0, 2.0]
    assert FrontEnd().read("你好。[99s]走", "zh")[0].pause_seconds == 10.0
    assert FrontEnd().read("你好，世界", "zh")[0].pause_seconds is None


def test_pronunciations_in_the_text():
    assert phonemes("重{chong2}庆", "zh") == ". ch ong2 q ing4 ."
    assert phonemes("我说行{hang2}不行", "zh") == "w o3 sh uo1 h ang2 b u5 x ing2 ."
    assert phonemes("他爱重庆{zhong4 qing4}火锅", "zh").startswith("t a1 AA ai4 zh ong4 q ing4")
    assert phonemes("I read{R EH1 D} it", "en") == "AY1 R EH1 D IH1 T ."
    assert phonemes("他read{R EH1 D}了3本{ben1}书", "zh").split()[2:10] == "R EH1 D l e5 s an1 b".split()
    assert phonemes("{这}是花括号", "zh") == phonemes("这是花括号", "zh")


@pytest.mark.parametrize("text", ["重{chonk2}庆", "庆{chong2 qing4}", "hi{XX1}", "重{chong6}庆"])
def test_pronunciations_that_do_not_fit_are_refused(text):
    with pytest.raises(CraftError, match="pronunciation_misfit"):
        FrontEnd().read(text, "zh")


def test_the_personal_lexicon_goes_first():
    own = PersonalLexicon.parse("VoxTale V AA1 K S T EY2 L\n重庆 zhong4 qing4\n重庆人 zhong4 qing4 ren5")
    assert phonemes("VoxTale", "en", lexicon=own) == "V AA1 K S T EY2 L ."
    assert phonemes("voxtale's", "en", lexicon=own) == "V AA1 K S T EY2 L Z ."
    assert phonemes("我是重庆人", "zh", lexicon=own) == "w o3 sh ir4 zh ong4 q ing4 r en5 ."
    assert "ch ong2" in phonemes("重{chong2}庆人", "zh", lexicon=own)


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("我很好", "wo3 hen2 hao3"),
        ("展览馆里", "zhan2 lan2 guan3 li3"),
        ("不对", "bu2 dui4"),
        ("看不懂", "kan4 bu5 dong3"),
        ("一天", "yi4 tian1"),
        ("第一名", "di4 yi1 ming2"),
        ("看一看", "kan4 yi5 kan4"),
        ("朋友们", "peng2 you5 men5"),
        ("路上", "lu4 shang5"),
        ("两个", "liang3 ge5"),
        ("妈妈", "ma1 ma5"),
        ("慢慢地走", "man4 man4 de5 zou3"),
        ("女儿", "nv3 er2"),
        ("花园儿", "hua1 yuan2 er2"),
        ("获得", "huo4 de2"),
        ("土地", "tu3 di4"),
        ("银行", "yin2 hang2"),
        ("音乐", "yin1 yue4"),
        ("快乐", "kuai4 le4"),
        ("长大", "zhang3 da4"),
        ("很长", "hen3 chang2"),
        ("还书", "huan2 shu1"),
    ],
)
def test_syllables(text, spoken):
    assert " ".join(syllables(text)) == spoken


def test_every_syllable_of_the_dictionary_has_its_symbols():
    from pypinyin.constants import PINYIN_DICT
    from pypinyin.contrib.tone_convert import to_normal

    spelled = {to_normal(one) for some in PINYIN_DICT.values() for one in some.split(",")}
    unknown = {syllable for syllable in spelled if "UNK" in _parts(f"{syllable}1")}
    assert len(spelled) > 400
    assert unknown == set()


@pytest.mark.parametrize("rule", RULES)
def test_pieces_keep_every_letter_and_stay_short(rule):
    text = "今天天气真好，我们去公园3.5公里。Hello, world! 价格是8.5元；好：吧……" * 60 + "字" * 1200
    pieces = split(text, rule, "zh")
    letters = [c for c in text if c.isalnum()]
    assert [c for piece in pieces for c in piece.text if c.isalnum()] == letters
    assert max(len(piece.text) for piece in pieces) <= MAX_PIECE_CHARS + 1
    for piece in pieces[:-3]:
        assert not piece.text[-2:].endswith(("3.", "8."))


def test_what_each_rule_cuts():
    text = "一二三四五，六七八九十。甲乙丙丁戊！己庚辛壬癸？子丑寅卯辰；巳午未申酉。"
    assert len(split(text, "cut0", "zh")) == 1
    assert [p.text[-1] for p in split(text, "cut3", "zh")] == ["。", "。"]
    assert len(split(text, "cut5", "zh")) == 6
    assert [len(p.text) for p in split(text * 3, "cut2", "zh")] == [54, 54]
    assert [p.text for p in split("First. Then 2.5 more. Third", "cut4", "en")] == [
        "First.",
        " Then 2.5 more.",
        " Third.",
    ]
    assert [p.text for p in split("好。不好。真的很好。", "cut3", "zh")] == ["好。不好。", "真的很好。"]
    assert split("什么？？！！真的", "cut5", "zh") == [Piece("什么？真的。")]


def test_what_is_missing_is_said(monkeypatch):
    def absent(name: str):
        raise ImportError(name)

    monkeypatch.setattr(extras.importlib, "import_module", absent)
    for text, language in (("こんにちは", "ja"), ("你好呀朋友", "yue")):
        with pytest.raises(CraftError, match="language_extra_missing") as caught:
            FrontEnd().read(text, language)
        assert caught.value.facts["package"] in ("pyopenjtalk-plus", "ToJyutping")
        assert caught.value.facts["language"] == language
