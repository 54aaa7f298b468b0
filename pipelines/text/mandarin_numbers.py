"""Numbers as a Mandarin speaker says them. Every function takes digits as written and answers characters."""

from __future__ import annotations

DIGITS = "零一二三四五六七八九"
LONGEST_CARDINAL = 16
"""More digits than this are read one by one."""


def cardinal(digits: str) -> str:
    """``10203`` -> 一万零二百零三; very long numbers digit by digit."""
    plain = digits.replace(",", "")
    if len(plain) > LONGEST_CARDINAL or (len(plain) > 1 and plain[0] == "0"):
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
    """``2024`` -> 二零二四; years and what stands behind a decimal point."""
    return "".join(DIGITS[int(digit)] for digit in digits if digit.isdigit())


def spell_code(digits: str) -> str:
    """``0123`` -> 零幺二三; telephone numbers and other digits that are a name."""
    return spell_digits(digits).replace("一", "幺")


def decimal(number: str) -> str:
    """``-3.14`` -> 负三点一四, ``2000`` -> 两千."""
    if number[0] in "-\u2212":
        return f"负{decimal(number[1:])}"
    whole, point, part = number.partition(".")
    words = cardinal(whole)
    if words[0] == "二" and words[1:2] and words[1] in "千万亿":
        words = f"两{words[1:]}"
    return f"{words}点{spell_digits(part)}" if point else words


def counted(number: str, noun: str) -> str:
    """``2``, 米 -> 两米: 两 instead of 二 before what is counted."""
    return f"{'两' if number == '2' else decimal(number)}{noun}"
