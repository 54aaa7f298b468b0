"""The tones of Mandarin in speech: which syllables go light, and how tones change beside one another (sandhi)."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from pipelines.text.light_tones import CHILDREN, HEAVY, LIGHT, is_listed, light_places
from pipelines.text.parts_of_speech import UNKNOWN, tag_of

_EVERYDAY = frozenset(
    "知道 东西 太阳 干净 谢谢 棉花 樱桃 黄瓜 西瓜 地方 主人 客人 大人 女人 男人 难受".split()
)
_EACH = frozenset(
    "年年 步步 声声 条条 层层 点点 样样 事事 时时 家家 代代 世世 村村 户户 字字 处处 圆圆 饱饱 满满 油油 哈哈 哗哗 嘻嘻 呵呵 嘿嘿 "
    "汪汪 喵喵 咚咚 沙沙 呼呼 呜呜 咩咩 嘎嘎 呱呱 叽叽 喳喳 吱吱 嗡嗡 哇哇 咕咕 咯咯".split()
)  # fmt: skip
"""Repetitions that are no verb and no name: every year, full, a sound."""
_NO_INSIDE = frozenset("公里 英里 海里 华里 邻里 故里".split())
_COUNTS = ("m", "q")
_ACTIONS = ("v", "vn", "vd", "u")
_NAMES = ("n", "nr", "nz")
_PLACES = ("s", "l", "f", "r", "t", UNKNOWN)
_NUMERALS = frozenset("〇零一二三四五六七八九十")
_ORDINAL_NOUNS = frozenset("月日号楼")


def lightened(words: Sequence[str], tones: Sequence[Sequence[int]], kept: Collection[int]) -> list[list[int]]:
    """The dictionary tones ``sandhi`` asks for, with the light syllables of speech.

    Args:
        words: segmented words of Han characters, no pause between them.
        tones: the dictionary tones 1..5, one a character.
        kept: places in the joined words whose tones stay.
    """
    spoken, first = [], 0
    for index, (word, full) in enumerate(zip(words, tones, strict=True)):
        before, after = "".join(words[index - 1 : index]), "".join(words[index + 1 : index + 2])
        leaning = list(full)
        if word[:2] in HEAVY and word[1] == "子" and first + 1 not in kept:
            leaning[1] = 3
        for place in _light_in_word(word) or _light_behind(before, word, after):
            if first + place in kept:
                continue
            leaning[place] = LIGHT
            rises = word[place] == "里" or word[place] == word[place - 1] and tag_of(word[:2]) in _ACTIONS
            if place and full[place - 1 : place + 1] == [3, 3] and rises:
                leaning[place - 1] = 2
        spoken.append(leaning)
        first += len(word)
    return spoken


def _light_in_word(word: str) -> set[int]:
    last, tag = len(word) - 1, tag_of(word)
    if not last or word in HEAVY | CHILDREN | _EACH:
        return set()
    if (
        word[-1] == "儿"
        or word in _EVERYDAY
        or word[-1] == "里" and word not in _NO_INSIDE and tag not in _COUNTS
        or word[-1] == "上" and last < 3 and (tag in _PLACES or tag == "n")
    ):  # fmt: skip
        return {last}
    if last > 1 and word[-1] in "好家" and not is_listed(word):
        return _light_in_word(word[:-1])
    if word[0] == word[1]:
        if last == 3:
            return {1, 3} if is_listed(word[:2]) and is_listed(word) else set()
        return {1} if tag_of(word[:2]) in _ACTIONS + _NAMES or is_listed(word) else set()
    return light_places(word, tag or "n") if word[-1] != "下" or is_listed(word) else set()


def _light_behind(before: str, word: str, after: str) -> set[int]:
    """里, 上, 儿, 个 and a repeated verb that stand as words of their own."""
    if word == "个":
        return {0}
    if not before:
        return set()
    if word == "儿" or word == "里" and tag_of(before) not in _COUNTS:
        return {0}
    if word == "上" and tag_of(before)[:1] == "n" and (len(after) != 1 or tag_of(after) != "n"):
        return {0}
    if len(before) == 1 and word[0] == before and tag_of(before) == tag_of(word) == "v":
        return {0}
    return set()


def sandhi(words: Sequence[str], tones: Sequence[Sequence[int]]) -> list[list[int]]:
    """Spoken tones of a breath group.

    Args:
        words: segmented words of Han characters, no pause between them.
        tones: the dictionary tones 1..5, one a character.
    """
    characters = "".join(words)
    flat = [tone for word in tones for tone in word]
    flat = _yi_and_bu(characters, flat)
    spoken, first = [], 0
    for word in words:
        spoken.append(_third_in_word(flat[first : first + len(word)]))
        first += len(word)
    for left, right in reversed(list(zip(spoken, spoken[1:], strict=False))):
        if left[-1] == 3 and right[0] == 3:
            left[-1] = 2
            if len(left) > 1 and left[-2] == 3:
                left[-2] = 2
    return spoken


def _yi_and_bu(characters: str, tones: list[int]) -> list[int]:
    """一 and 不 before another syllable; both are light between two like verbs (看一看, 好不好)."""
    changed = list(tones)
    for place, character in enumerate(characters[:-1]):
        before, after = characters[place - 1] if place else "", characters[place + 1]
        if character not in "一不" or tones[place] == LIGHT:
            continue
        each = characters[max(place - 2, 0) : place - 1] == "一"
        if before and before == after and before not in _NUMERALS and not each:
            changed[place] = LIGHT
        elif character == "不":
            changed[place] = 2 if tones[place + 1] == 4 else 4
        elif before == "第" or before in _NUMERALS or after in _NUMERALS or after in _ORDINAL_NOUNS:
            changed[place] = 1
        elif re.match("点[零一二三四五六七八九钟半整]", characters[place + 1 :]):
            changed[place] = 1
        else:
            changed[place] = 2 if tones[place + 1] == 4 or (after == "个") else 4
    return changed


def _third_in_word(tones: list[int]) -> list[int]:
    """A third tone before a third tone rises; in a word all but the last of a run do."""
    return [2 if tone == 3 and tones[i + 1 : i + 2] == [3] else tone for i, tone in enumerate(tones)]
