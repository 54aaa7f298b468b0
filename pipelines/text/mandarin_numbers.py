"""Digits in a Chinese sentence, written out in characters as they are read."""

from __future__ import annotations

import re
from collections.abc import Callable

DIGITS = "零一二三四五六七八九"
_NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?"
_CLASSIFIERS = "个只条本张位件杯块年天周次遍人家名头匹辆座把双对种份间层岁米斤两小点分秒元万千"
_UNITS = {
    "km/h": "公里每小时",
    "km": "公里",
    "kg": "公斤",
    "cm": "厘米",
    "mm": "毫米",
    "ml": "毫升",
    "mg": "毫克",
    "m": "米",
    "g": "克",
    "L": "升",
    "°C": "摄氏度",
    "°F": "华氏度",
    "°": "度",
    "GB": "G B",
    "MB": "M B",
    "TB": "T B",
    "Hz": "赫兹",
    "kHz": "千赫兹",
    "W": "瓦",
    "kW": "千瓦",
}
_CURRENCIES = {"¥": "元", "$": "美元", "€": "欧元", "£": "英镑", "HK$": "港元", "₩": "韩元", "₽": "卢布"}


def cardinal(digits: str) -> str:
    """``10203`` -> 一万零二百零三; very long numbers digit by digit."""
    plain = digits.replace(",", "")
    if len(plain) > 16 or (len(plain) > 1 and plain[0] == "0"):
        return spell_digits(plain)
    value = int(plain)
    if value == 0:
        return "零"
    words, gap = "", False
    for size, name in ((10**12, "万亿"), (10**8, "亿"), (10**4, "万"), (1, "")):
        section, value = divmod(value, size)
        if section == 0:
            gap = bool(words)
            continue
        words += ("零" if words and (gap or section < 1000) else "") + _section(section) + name
        gap = False
    return words[1:] if words.startswith("一十") else words


def _section(value: int) -> str:
    """1..9999."""
    words, gap = "", False
    for size, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, value = divmod(value, size)
        if digit:
            words += ("零" if gap else "") + DIGITS[digit] + name
            gap = False
        else:
            gap = bool(words)
    return words


def spell_digits(digits: str) -> str:
    return "".join(DIGITS[int(digit)] for digit in digits if digit.isdigit())


def decimal(number: str) -> str:
    """``-3.14`` -> 负三点一四."""
    if number[0] in "-\u2212":
        return f"负{decimal(number[1:])}"
    whole, point, part = number.partition(".")
    return f"{cardinal(whole)}点{spell_digits(part)}" if point else cardinal(whole)


def _counted(number: str, noun: str) -> str:
    """两 instead of 二 before what is counted."""
    return f"{'两' if number == '2' else decimal(number)}{noun}"


def _sum(match: re.Match[str]) -> str:
    currency, amount, scale = match.groups()
    round_amount = amount.rstrip("0").rstrip(".") if "." in amount else amount
    return _counted(round_amount, (scale or "") + _CURRENCIES[currency])


def _clock(match: re.Match[str]) -> str:
    hour, minute = match[1], match[2]
    words = _counted(str(int(hour)), "点")
    if int(minute):
        words += f"{'零' if int(minute) < 10 else ''}{cardinal(str(int(minute)))}分"
    return words


def _date(match: re.Match[str]) -> str:
    year, month, day = match.groups()
    return f"{spell_digits(year)}年{cardinal(str(int(month)))}月{cardinal(str(int(day)))}日"


def _phone(match: re.Match[str]) -> str:
    return spell_digits(match.group()).replace("一", "幺")


_RULES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = tuple(
    (re.compile(pattern), read)
    for pattern, read in (
        (r"(?<!\d)(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)", _date),
        (
            r"(?<!\d)(\d{4}|\d{2})(?=年)",
            lambda m: spell_digits(m[1]) if len(m[1]) == 4 or m[1][0] in "06789" else cardinal(m[1]),
        ),
        (r"(?<!\d)([01]?\d|2[0-4])[:：]([0-5]\d)(?!\d)", _clock),
        (
            r"(?<!\d)1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)|(?<![\d.])0\d{2,3}-\d{7,8}(?!\d)|(?<=电话)\d{3,8}(?!\d)",
            _phone,
        ),
        (
            rf"({'|'.join(map(re.escape, sorted(_CURRENCIES, key=len, reverse=True)))})\s?({_NUMBER})(万|亿|千)?",
            lambda m: _sum(m),
        ),
        (rf"([-\u2212]?{_NUMBER})\s?%", lambda m: f"百分之{decimal(m[1])}"),
        (r"(?<![\d/])(\d+)/(\d+)(?![\d/])", lambda m: f"{cardinal(m[2])}分之{cardinal(m[1])}"),
        (rf"({_NUMBER})\s?[-~\u2013\u2014\uff5e]\s?({_NUMBER})", lambda m: f"{m[1]}到{m[2]}"),
        (
            rf"((?<![\dA-Za-z])[-\u2212])?({_NUMBER})\s?({'|'.join(map(re.escape, sorted(_UNITS, key=len, reverse=True)))})(?![A-Za-z])",
            lambda m: f"{'负' if m[1] else ''}{_counted(m[2], _UNITS[m[3]])}",
        ),
        (r"(?<=第)\d+", lambda m: cardinal(m.group())),
        (rf"(?<![\d.,])2(?=[{_CLASSIFIERS}])(?!年代|月|日|号)", lambda m: "两"),
        (rf"(?<![\dA-Za-z])[-\u2212]{_NUMBER}|{_NUMBER}", lambda m: decimal(m.group())),
    )
)


def write_out(text: str) -> str:
    """The text without digits: dates, times, sums, percents, units, telephone and plain numbers in characters."""
    for pattern, read in _RULES:
        text = pattern.sub(read, text)
    return text
