import importlib.util

import pytest

from pipelines.text.gpt_sovits import cantonese, japanese, korean
from pipelines.text.gpt_sovits.extras import can_read
from pipelines.text.gpt_sovits.front_end import FrontEnd
from pipelines.text.gpt_sovits.korean_numbers import write_out
from pipelines.text.gpt_sovits.symbols import symbol_ids
from pipelines.text.normalise import clean

japanese_only = pytest.mark.skipif(not can_read("ja"), reason="pyopenjtalk-plus is an optional package")
cantonese_only = pytest.mark.skipif(not can_read("yue"), reason="ToJyutping is an optional package")


def said(span) -> str:
    assert all(phoneme in symbol_ids() for phoneme in span.phonemes)
    return " ".join(span.phonemes)


@pytest.mark.parametrize(
    ("written", "heard"),
    [
        line.split()
        for line in (
            "굳이 구지|같이 가치|닫혀 다처|놓고 노코|좋아 조아|많다 만타|닭 닥|값이 갑씨|앉아 안자|젊어 절머|국물 궁물|밥물 밤물|"
            "독립 동닙|신라 실라|칼날 칼랄|종로 종노|축하 추카|못해 모태|맏형 마텽|앉고 안꼬|넓다 널따|맑게 말께|희망 히망|"
            "시계 시게|가져 가저|학교 학꾜|의견란 의견난|있다 읻따|꽃잎이 꼬치피|옷 옫|부엌 부억|핥다 할따|닳는 달른|않는 안는|"
            "읽는 잉는|한국어 한구거|강아지 강아지|십리 심니|삶다 삼따|밟다 밥따|밟아 발바|싫어 시러|앓는 알른|입학 이팍|맞히다 마치다"
        ).split("|")
    ],
)
def test_korean_is_written_as_it_is_heard(written, heard):
    """Examples of the Standard Pronunciation."""
    plain = [part for syllable in heard for part in korean._apart(syllable)]
    expected = [letter for part in plain for letter in korean._TWO_VOWELS.get(part, part)]
    assert korean.letters(written) == expected


def test_a_korean_sentence():
    assert said(korean.span_of("할 것을 하자.")) == "ㅎ ㅏ ㄹ 空 ㄲ ㅓ ㅅ ㅡ ㄹ 空 ㅎ ㅏ ㅈ ㅏ ."
    assert said(korean.span_of("왜요? 네!")) == "ㅇ ㅗ ㅐ ㅇ ㅣ ㅗ ? ㄴ ㅔ !"
    (utterance,) = FrontEnd().read("저는 GPU를 써요.", "ko")
    assert [span.language for span in utterance.spans] == ["ko", "en", "ko"]


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("20살", "스무 살"),
        ("21살", "스물한 살"),
        ("5개", "다섯 개"),
        ("3시 30분", "세 시 삼십분"),
        ("15:05", "십오시 오분"),
        ("3:00", "세시"),
        ("2024년 6월 9일", "이천이십사년 유월 구일"),
        ("2024-10-01", "이천이십사년 시월 일일"),
        ("010-1234-5678", "공일공, 일이삼사, 오육칠팔"),
        ("12.5%", "십이점오퍼센트"),
        ("-3°C", "영하 삼도"),
        ("1/3", "삼분의 일"),
        ("10203", "만이백삼"),
        ("₩15,000", "만오천원"),
        ("5km", "오킬로미터"),
        ("3~5", "삼에서 오"),
    ],
)
def test_korean_numbers(written, spoken):
    assert write_out(clean(written)) == spoken


@japanese_only
def test_japanese():
    assert said(japanese.span_of("こんにちは。")) == "k o [ N n i ch i w a ."
    assert said(japanese.span_of("橋、箸。")) == "h a [ sh i , h a ] sh i ."
    assert japanese.span_of("３月５日です！").phonemes[-1] == "!"
    (utterance,) = FrontEnd().read("東京でPython。", "ja")
    assert [span.language for span in utterance.spans] == ["ja", "en"]


@cantonese_only
def test_cantonese():
    span = cantonese.span_of("佢唔係好人，啊！")
    assert said(span) == "Yk Yeoi5 Ym Ym4 Yh Yai6 Yh You2 Yj Yan4 , Yaa Ya3 !"
    assert list(span.word2ph) == [2, 2, 2, 2, 2, 1, 2, 1]
    assert said(cantonese.span_of("3個")) == said(cantonese.span_of("三個"))
    assert "Yc Yung4" in said(FrontEnd().read("重{cung4}慶真係好靚", "yue")[0].spans[0])


@cantonese_only
def test_every_cantonese_syllable_has_its_symbols():
    import itertools

    initials = ["", *"b p m f d t n l g k ng h gw kw w z c s j".split()]
    finals = "aa aai aau aam aan aang aap aat aak ai au am an ang ap at ak e ei eng ek i iu im in ing ip it ik o oi ou on ong ot ok u ui un ung ut uk".split()
    heard = {a + b for a, b in itertools.product(initials, finals) if a}
    unknown = {syllable for syllable in heard if "UNK" in cantonese._parts(f"{syllable}1")}
    assert len(unknown) < 0.1 * len(heard), sorted(unknown)


def test_what_can_be_read_is_known_without_loading_it():
    assert can_read("zh") and can_read("en") and can_read("ko")
    assert can_read("ja") == (importlib.util.find_spec("pyopenjtalk") is not None)
