"""The tones of Mandarin as the official checkpoints were taught them.

Light syllables, erhua, 一 and 不, third tones in a row. Where these conventions are stiffer than speech (a long number
keeps its third tones) they are kept all the same: the network has heard every sentence of its training spelled this way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pipelines.text.light_tones import CHILDREN, LIGHT, is_listed, light_places, repeated_places

_PARTICLES = frozenset("吧呢啊呐噻嘛吖嗨哦哒滴哩哟喽啰耶喔诶")
_ERHUA = frozenset(
    "小院儿 胡同儿 范儿 老汉儿 撒欢儿 寻老礼儿 妥妥儿 媳妇儿 好好儿 慢慢儿 一块儿 一会儿".split()
)
_OWN_SYLLABLE = CHILDREN | set("花儿 鸟儿 马儿 虫儿 猫儿 狗儿 猪儿".split())
"""Words in which 儿 is a syllable of its own."""


@dataclass
class ToneWord:
    """A word of ``n`` Chinese characters, its part of speech (jieba's tag), and its ``n`` tones 1..5."""

    text: str
    tag: str
    tones: list[int]


def spoken_tones(words: list[ToneWord], parts_of: Callable[[str], tuple[str, str]]) -> list[ToneWord]:
    """The words as they lean on each other, their tones as spoken.

    Args:
        words: a clause as the dictionary has it; punctuation is left out by the caller.
        parts_of: cuts a word of three characters into the two words it is made of.
    """
    words = _leaning(words)
    for word in words:
        _bu(word)
        _yi(word)
        _light(word, parts_of)
        _third(word, parts_of)
        _er(word)
    return words


def joined(words: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """(text, tag) pairs in which 不, 一 and repetitions (听一听, 看看) are one word with what they belong to."""
    done: list[tuple[str, str]] = []
    for text, tag in words:
        before, before_tag = done[-1] if done else ("", "")
        verb_before = done[-2] if len(done) > 1 else ("", "")
        if before == "不" or before == "一" and verb_before[0] != text or before == text:
            done[-1] = (before + text, tag if before == "不" else before_tag)
        elif before == "一" and verb_before[0] == text and verb_before[1] == "v" and tag == "v":
            done[-2:] = [(f"{text}一{text}", "v")]
        else:
            done.append((text, tag))
    return done


def _leaning(words: list[ToneWord]) -> list[ToneWord]:
    """Neighbours in third tones joined up to three characters, and 儿 joined to what it softens."""
    words = _merged(words, lambda left, right: set(left.tones) == {3} == set(right.tones))
    words = _merged(words, lambda left, right: left.tones[-1] == 3 == right.tones[0])
    done: list[ToneWord] = []
    for word in words:
        if word.text == "儿" and done:
            done[-1].text += word.text
            done[-1].tones += word.tones
        else:
            done.append(word)
    return done


def _merged(words: list[ToneWord], meet: Callable[[ToneWord, ToneWord], bool]) -> list[ToneWord]:
    done: list[ToneWord] = []
    fresh = True
    for word in words:
        left = done[-1] if done else None
        twice = left is not None and len(left.text) == 2 and left.text[0] == left.text[1]
        if left and fresh and not twice and meet(left, word) and len(left.text) + len(word.text) <= 3:
            done[-1] = ToneWord(left.text + word.text, left.tag, left.tones + word.tones)
            fresh = False
        else:
            done.append(word)
            fresh = True
    return done


def _bu(word: ToneWord) -> None:
    """不 rises before a falling tone, and is light in the middle (看不懂)."""
    if len(word.text) == 3 and word.text[1] == "不":
        word.tones[1] = LIGHT
        return
    for place, character in enumerate(word.text[:-1]):
        if character == "不" and word.tones[place + 1] == 4:
            word.tones[place] = 2


def _yi(word: ToneWord) -> None:
    text, tones = word.text, word.tones
    others = text.replace("一", "")
    if "一" not in text or others and all(c in "零〇一二三四五六七八九十百千万亿" for c in others):
        return
    if len(text) == 3 and text[1] == "一" and text[0] == text[2]:
        tones[1] = LIGHT
    elif text.startswith("第一"):
        tones[1] = 1
    else:
        for place, character in enumerate(text[:-1]):
            if character == "一":
                tones[place] = 2 if tones[place + 1] == 4 else 4


def _light(word: ToneWord, parts_of: Callable[[str], tuple[str, str]]) -> None:
    text, tones, tag = word.text, word.tones, word.tag
    if (
        text[-1] in _PARTICLES
        or text[-1] == "的"
        or text == "地" and tag == "uv"
        or text[-1] == "得" and tones[-1] == 2 and tag in ("ud", "v") and text not in ("获得", "取得", "赢得", "夺得", "求得", "博得")
        or len(text) == 1 and text in "了着过" and tag in ("ul", "uz", "ug")
    ):  # fmt: skip
        tones[-1] = LIGHT
    for place in repeated_places(text, tag) | light_places(text, tag):
        tones[place] = LIGHT
    if len(text) > 2:
        first, second = parts_of(text)
        for part, end in ((first, len(first)), (second, len(text))):
            if is_listed(part):
                tones[end - 1] = LIGHT


def _third(word: ToneWord, parts_of: Callable[[str], tuple[str, str]]) -> None:
    tones = word.tones
    if tones == [3, 3]:
        tones[0] = 2
    elif len(tones) == 3:
        cut = len(parts_of(word.text)[0])
        if tones == [3, 3, 3]:
            tones[:] = [3, 2, 3] if cut == 1 else [2, 2, 3]
        elif tones[:2] == [3, 3]:
            tones[0] = 2
        elif tones[1:] == [3, 3] and cut == 1:
            tones[1] = 2
    elif len(tones) == 4:
        for start in (0, 2):
            if tones[start : start + 2] == [3, 3]:
                tones[start] = 2


def _er(word: ToneWord) -> None:
    """儿 takes the tone of the syllable it softens."""
    if len(word.text) < 2 or word.text[-1] != "儿" or word.text in _OWN_SYLLABLE:
        return
    if word.text in _ERHUA or word.tag not in ("a", "j", "nr") and word.text[-2:] not in _OWN_SYLLABLE:
        word.tones[-1] = word.tones[-2]
