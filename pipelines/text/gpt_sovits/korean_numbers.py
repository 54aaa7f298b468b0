"""Digits in a Korean sentence, written out in Hangul as they are read."""

from __future__ import annotations

import re

from pipelines.text.written_forms.rules import RuleBook, any_of

RULES = RuleBook()

_DIGITS = "영일이삼사오육칠팔구"
_NATIVE = ("", *"한 두 세 네 다섯 여섯 일곱 여덟 아홉".split())
_NATIVE_TENS = ("", *"열 스물 서른 마흔 쉰 예순 일흔 여든 아흔".split())
_COUNTERS = any_of(
    "개 명 마리 살 시간 시 번째 가지 사람 그루 켤레 송이 벌 채 척 군데 잔 병 달 권 대 장 곳 자루 그릇 쌍 통".split()
)
"""Counted with native numerals; everything else with Chinese ones."""
_UNITS = {
    "km/h": "킬로미터", "km": "킬로미터", "cm": "센티미터", "mm": "밀리미터", "m": "미터", "kg": "킬로그램", "mg": "밀리그램",
    "g": "그램", "ml": "밀리리터", "L": "리터", "ms": "밀리초", "%": "퍼센트", "\u00b0C": "도", "\u00b0": "도", "GB": "기가바이트",
    "MB": "메가바이트",
}  # fmt: skip
_CURRENCIES = {"\u20a9": "원", "$": "달러", "\u20ac": "유로", "\u00a5": "엔", "\u00a3": "파운드"}
_NUMBER = r"\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?"


def write_out(text: str) -> str:
    """A cleaned text without digits."""
    for rule in RULES:
        text = rule.pattern.sub(rule.read, text)
    return text


def cardinal(digits: str) -> str:
    """``10203`` -> 만이백삼; a decimal point is said."""
    whole, point, part = digits.replace(",", "").partition(".")
    if len(whole) > 16 or len(whole) > 1 and whole[0] == "0":
        words = spell(whole)
    else:
        value, words = int(whole), ""
        for size, name in ((10**12, "조"), (10**8, "억"), (10**4, "만"), (1, "")):
            section, value = divmod(value, size)
            if section:
                words += ("" if section == 1 and name == "만" else _section(section)) + name
        words = words or "영"
    return f"{words}점{spell(part)}" if point else words


def _section(value: int) -> str:
    words = ""
    for size, name in ((1000, "천"), (100, "백"), (10, "십"), (1, "")):
        digit, value = divmod(value, size)
        if digit:
            words += ("" if digit == 1 and name else _DIGITS[digit]) + name
    return words


def spell(digits: str) -> str:
    return "".join(_DIGITS[int(digit)] for digit in digits)


def native(digits: str) -> str:
    """``20`` -> 스무, ``21`` -> 스물한; Chinese numerals from a hundred on."""
    value = int(digits)
    if not 0 < value < 100:
        return cardinal(digits)
    return "스무" if value == 20 else _NATIVE_TENS[value // 10] + _NATIVE[value % 10]


@RULES.rule(
    r"(?<![\d.])(?:\+82[- ]?)?0?1[016789]-?\d{3,4}-\d{4}(?!\d)|(?<![\d.])0\d{1,2}-\d{3,4}-\d{4}(?!\d)"
)
def _phone(match: re.Match[str]) -> str:
    groups = re.findall(r"\d+", match.group())
    return ", ".join(spell(group).replace("영", "공") for group in groups)


@RULES.rule(r"(?<!\d)([01]?\d|2[0-4]):([0-5]\d)(?!\d)")
def _clock(match: re.Match[str]) -> str:
    minutes = f" {cardinal(str(int(match[2])))}분" if int(match[2]) else ""
    return f"{_hour(match[1])}시{minutes}"


def _hour(digits: str) -> str:
    value = int(digits)
    return native(str(value)) if 0 < value <= 12 else cardinal(str(value))


@RULES.rule(r"(?<!\d)(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)")
def _date(match: re.Match[str]) -> str:
    return f"{cardinal(match[1])}년 {_month(match[2])} {cardinal(str(int(match[3])))}일"


@RULES.rule(r"(?<!\d)(1[0-2]|0?[1-9])월")
def _month_of(match: re.Match[str]) -> str:
    return _month(match[1])


def _month(digits: str) -> str:
    value = str(int(digits))
    return {"6": "유월", "10": "시월"}.get(value) or f"{cardinal(value)}월"


@RULES.rule(rf"({any_of(_CURRENCIES)})\s?({_NUMBER})")
def _money(match: re.Match[str]) -> str:
    return f"{cardinal(match[2])}{_CURRENCIES[match[1]]}"


@RULES.rule(rf"((?<![\w)])[-\u2212])?({_NUMBER})\s?({any_of(_UNITS)})(?![A-Za-z])")
def _measure(match: re.Match[str]) -> str:
    sign = "" if not match[1] else "영하 " if match[3].startswith("\u00b0") else "마이너스 "
    return f"{sign}{cardinal(match[2])}{_UNITS[match[3]]}"


@RULES.rule(r"(?<![\d/])(\d+)/(\d+)(?![\d/])")
def _fraction(match: re.Match[str]) -> str:
    return f"{cardinal(match[2])}분의 {cardinal(match[1])}"


@RULES.rule(r"(?<!\d)(\d+)\s?[:](?=\d)")
def _ratio(match: re.Match[str]) -> str:
    return f"{cardinal(match[1])} 대 "


@RULES.rule(rf"({_NUMBER})\s?[~-]\s?(?=\d)")
def _range(match: re.Match[str]) -> str:
    return f"{cardinal(match[1])}에서 "


@RULES.rule(rf"(?<![\d.])(\d{{1,2}})(\s?)(?={_COUNTERS})(?!개월|시대|장관|대[의에]|대 )")
def _count(match: re.Match[str]) -> str:
    value = int(match[1])
    hour = re.match(r"\s?시(?!간)", match.string[match.end(1) :])
    return (_hour(match[1]) if hour else native(str(value))) + " "


@RULES.rule(rf"((?<![\w)])[-\u2212])?({_NUMBER})")
def _number(match: re.Match[str]) -> str:
    return ("마이너스 " if match[1] else "") + cardinal(match[2])
