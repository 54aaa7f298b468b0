"""Korean for GPT-SoVITS: letters of the standard pronunciation, by our own rules.

The packages that do this (g2pk2, g2pkk) install others and fetch a corpus when they are first used; the rules of the
Standard Pronunciation (표준 발음법) that need no dictionary are few enough to write down. What needs one (the tense ㄸ of
갈등) is not heard.
"""

from __future__ import annotations

import re

from pipelines.text.gpt_sovits.korean_numbers import write_out
from pipelines.text.gpt_sovits.utterance import Span
from pipelines.text.normalise import clean

_INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_MEDIALS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_FINALS = ("", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ")
_TWO_VOWELS = {
    "ㅘ": "ㅗㅏ", "ㅙ": "ㅗㅐ", "ㅚ": "ㅗㅣ", "ㅝ": "ㅜㅓ", "ㅞ": "ㅜㅔ", "ㅟ": "ㅜㅣ", "ㅢ": "ㅡㅣ", "ㅑ": "ㅣㅏ", "ㅒ": "ㅣㅐ",
    "ㅕ": "ㅣㅓ", "ㅖ": "ㅣㅔ", "ㅛ": "ㅣㅗ", "ㅠ": "ㅣㅜ",
}  # fmt: skip
"""The table has the seven plain vowels; the others are two of them."""
_TWO_FINALS = {
    "ㄳ": "ㄱㅅ", "ㄵ": "ㄴㅈ", "ㄶ": "ㄴㅎ", "ㄺ": "ㄹㄱ", "ㄻ": "ㄹㅁ", "ㄼ": "ㄹㅂ", "ㄽ": "ㄹㅅ", "ㄾ": "ㄹㅌ", "ㄿ": "ㄹㅍ",
    "ㅀ": "ㄹㅎ", "ㅄ": "ㅂㅅ",
}  # fmt: skip
_CLOSED = {
    **dict.fromkeys("ㄲㅋㄳㄺ", "ㄱ"), **dict.fromkeys("ㅅㅆㅈㅊㅌㅎ", "ㄷ"), **dict.fromkeys("ㅍㅄㄿ", "ㅂ"),
    **dict.fromkeys("ㄼㄽㄾㅀ", "ㄹ"), **dict.fromkeys("ㄵㄶ", "ㄴ"), "ㄻ": "ㅁ",
}  # fmt: skip
"""How a final sounds before a consonant and at the end."""
_TENSE = dict(zip("ㄱㄷㅂㅅㅈ", "ㄲㄸㅃㅆㅉ", strict=True))
_BREATHED = dict(zip("ㄱㄷㅂㅈ", "ㅋㅌㅍㅊ", strict=True))
_NASAL = {"ㄱ": "ㅇ", "ㄷ": "ㄴ", "ㅂ": "ㅁ"}
_KEEPS_N = frozenset(
    "의견란 임진란 생산량 결단력 공권력 동원령 상견례 횡단로 이원론 입원료 구근류 음운론".split()
)
_MARKS = {",": ",", ".": ".", "!": "!", "?": "?", "\u2026": "\u2026", ";": ",", ":": ",", "~": "\u2026"}
SPACE = "空"


def span_of(text: str) -> Span:
    """The Korean span of a text; numbers are read out, a space between words is the symbol 空."""
    spoken = write_out(clean(re.sub(r"\u2026+|\.{3,}", "~", text)))
    phonemes: list[str] = []
    for match in re.finditer(r"[가-힣]+(?: +[가-힣]+)*|\s+|.", spoken):
        piece = match.group()
        if "가" <= piece[0] <= "힣":
            if phonemes and phonemes[-1] not in _MARKS.values() and phonemes[-1] != SPACE:
                phonemes.append(SPACE)
            phonemes += letters(piece)
        elif piece in _MARKS and (not phonemes or phonemes[-1] not in _MARKS.values()):
            phonemes.append(_MARKS[piece])
    kept = re.sub(r"[^가-힣,.!?\u2026 ]", "", spoken.replace("~", "\u2026")).strip()
    return Span("ko", kept, tuple(phonemes))


def letters(words: str) -> list[str]:
    """Words of whole syllables with spaces between -> the letters that are heard."""
    heard: list[str] = []
    syllables: list[list[str]] = []
    for word in words.split():
        read = _heard(word)
        if syllables and _tenses(syllables, word):
            read[0][0] = _TENSE.get(read[0][0], read[0][0])
        syllables = read
        if heard:
            heard.append(SPACE)
        for initial, medial, final in read:
            heard += [initial, *_TWO_VOWELS.get(medial, medial), *([final] if final else [])]
    return heard


def _tenses(before: list[list[str]], word: str) -> bool:
    """-(으)ㄹ before a bound noun: 할 것을 is said 할 꺼슬."""
    bound = re.match("것|거|게|걸|건|겁|수|데|바|줄|지|듯|적", word)
    return before[-1][2] == "ㄹ" and bound is not None


def _heard(word: str) -> list[list[str]]:
    syllables = [_apart(character) for character in word]
    keeps_n = any(noun in word for noun in _KEEPS_N)
    for character, here, after in zip(word, syllables, syllables[1:], strict=False):
        if character == "밟" and after[0] not in "ㅇㅎ":
            here[2] = "ㅂ"
        _join(here, after, keeps_n)
    last = syllables[-1]
    last[2] = _CLOSED.get(last[2], last[2])
    for syllable in syllables:
        _plain_vowel(syllable)
    return syllables


def _apart(character: str) -> list[str]:
    """Initial, medial, final of a syllable."""
    code = ord(character) - ord("가")
    return [_INITIALS[code // 588], _MEDIALS[code // 28 % 21], _FINALS[code % 28]]


def _join(here: list[str], after: list[str], keeps_n: bool) -> None:
    """What a final and the next initial make of each other; both syllables are changed in place."""
    final, initial = here[2], after[0]
    if final in ("ㄷ", "ㅌ", "ㄾ") and _softens(after):
        here[2] = "ㄹ" if final == "ㄾ" else ""
        after[0] = "ㅈ" if final == "ㄷ" and initial == "ㅇ" else "ㅊ"
        return
    if final in ("ㅎ", "ㄶ", "ㅀ"):
        if _after_h(here, after):
            return
    elif initial == "ㅎ" and final:
        if _before_h(here, after):
            return
    elif initial == "ㅇ" and final and final != "ㅇ":
        kept, moved = _TWO_FINALS.get(final, " " + final)
        here[2] = kept.strip()
        after[0] = "ㅆ" if moved == "ㅅ" and kept != " " else moved
        return
    _meet(here, after, keeps_n)


def _softens(after: list[str]) -> bool:
    """이, 히 and 혀 of an ending turn ㄷ and ㅌ before them into ㅈ and ㅊ (굳이 구지, 닫혀 다처); 형 is no ending."""
    initial, medial, final = after
    return (
        initial in ("ㅇ", "ㅎ")
        and medial == "ㅣ"
        or (initial, medial) == ("ㅎ", "ㅕ")
        and final in ("", "ㅆ")
    )


def _after_h(here: list[str], after: list[str]) -> bool:
    """ㅎ before a consonant breathes it (놓고 노코), before a vowel it is silent (좋아 조아)."""
    kept = _TWO_FINALS.get(here[2], " ")[0].strip()
    if after[0] in _BREATHED:
        here[2], after[0] = kept, _BREATHED[after[0]]
    elif after[0] == "ㅅ":
        here[2], after[0] = kept, "ㅆ"
    elif after[0] == "ㅇ":
        here[2], after[0] = "", kept or "ㅇ"
    else:
        return False
    return True


def _before_h(here: list[str], after: list[str]) -> bool:
    """A stop and ㅎ become one (축하 추카, 못해 모태)."""
    kept, last = _TWO_FINALS.get(here[2], " " + here[2])
    if last == "ㅈ" or last in "ㄱㅂ":
        here[2], after[0] = kept.strip(), _BREATHED[last]
    elif (closed := _CLOSED.get(here[2], here[2])) in _BREATHED:
        here[2], after[0] = "", _BREATHED[closed]
    else:
        return False
    return True


def _meet(here: list[str], after: list[str], keeps_n: bool) -> None:
    final, initial = here[2], after[0]
    if final == "ㄺ" and initial == "ㄱ":
        here[2], after[0] = "ㄹ", "ㄲ"
        return
    if final in ("ㄵ", "ㄼ", "ㄾ") and initial in _TENSE or final == "ㄻ" and initial in "ㄱㄷㅈ":
        after[0] = _TENSE[initial]
    closed = here[2] = _CLOSED.get(final, final)
    initial = after[0]
    if closed in _NASAL:
        if initial in _TENSE:
            after[0] = _TENSE[initial]
        elif initial in "ㄴㅁ":
            here[2] = _NASAL[closed]
        elif initial == "ㄹ":
            here[2], after[0] = _NASAL[closed], "ㄴ"
    elif closed in ("ㅁ", "ㅇ") and initial == "ㄹ":
        after[0] = "ㄴ"
    elif closed == "ㄴ" and initial == "ㄹ":
        here[2], after[0] = ("ㄴ", "ㄴ") if keeps_n else ("ㄹ", "ㄹ")
    elif closed == "ㄹ" and initial == "ㄴ":
        after[0] = "ㄹ"


def _plain_vowel(syllable: list[str]) -> None:
    initial, medial, _ = syllable
    if medial == "ㅢ" and initial != "ㅇ":
        syllable[1] = "ㅣ"
    elif medial == "ㅖ" and initial not in "ㅇㄹ":
        syllable[1] = "ㅔ"
    elif medial == "ㅕ" and initial in "ㅈㅉㅊ":
        syllable[1] = "ㅓ"
