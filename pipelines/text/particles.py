"""地 and 得, two particles that are also words: told apart by the words beside them.

地 is light behind the manner in which something is done (高兴地说) and ground elsewhere (扫了地). 得 is light before how
it was done (画得很好), "must" behind who is to do it (你得小心) and "get" before what was won (得了病).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipelines.text.parts_of_speech import UNKNOWN, tag_of

_MANNERS = frozenset("a ad an b d i l n nr ns nz o v vd vn z".split()) | {UNKNOWN}
_ENDING_MANNERS = frozenset("a ad an b d i l o z".split())
_MANNER_WORD = re.compile(r".*(.)\1地|不[^地]{2,}地|(?:一个劲|难过|伤心)地|[猛忽倏蓦霍]地")
_SLIPS = frozenset("地走了 地拉 地飘散".split())
"""Words of the dictionary that are none."""
_LIKE = frozenset("一样 一般 般 似的 似 这样 那样 这么 那么 回".split())
"""Ends of manners: 像风一样地, 头也不回地."""
_PLOT = re.compile(".*[块片亩顷寸平麦稻米菜草花果豆瓜田林荒沙玉棉山种]")
_NO_DEED = frozenset("是 有 很 都 也 里 上 下 的 了 没 没有 太 真 被 比 和".split())

_WINNERS = "获取赢夺求博心难不没只应可独已易必既自兼所一两暂互始竞征募复修习购各深先有乍安焉死浪真总非"
_COMPLEMENT = re.compile(rf"[^{_WINNERS}]得.*|[^不]+得[到住下上起动]|.得很")
_FEELINGS = frozenset("伤心 生气 热情 小心 礼貌 肚子饿".split()) | set(
    "香辣酸咸热静气美多晚蓝暗清浑闲富画飞问学给用病下圆方直"
)
"""Words that are felt or done, though the dictionary says otherwise."""
_NICKNAMES = frozenset("小阿老")
_MAY_WIN = frozenset(
    "会 能 想 要 可 可以 没 没有 容易 曾 常 常常 已经 分 考 考试 比赛 刚 都 也 共 一共".split()
)
_WON = re.compile("第.*|.*[分名票奖牌军病症炎癌瘤]|感冒|流感|机会|好处|不到")
_SUBJECTS = frozenset("r t d c f s p m y uj ul".split())
_DONE_TO_THE_END = frozenset("做 办 看 听 够 感觉 想象".split())
_DEGREE = frozenset("像 好 很 真 太 非常 特别 更 最 那么 这么 不 又 比 如".split())


def particle_readings(words: Sequence[str]) -> dict[int, str]:
    """Place in the joined words -> the pinyin of a 地 or 得 that they decide on."""
    parts = [part for word in words for part in _parted(word)]
    found: dict[int, str] = {}
    place = 0
    for index, word in enumerate(parts):
        before, after = "".join(parts[index - 1 : index]), "".join(parts[index + 1 : index + 2])
        if word == "地":
            each = index > 1 and parts[index - 2] == before and after
            found[place] = "de5" if each or _is_manner(before, after) else "di4"
        elif word == "得":
            found[place] = _reading_of_de(before, after)
        elif word == "地点" and tag_of(before) == "z" or word == "得到" and before in _DONE_TO_THE_END:
            found[place] = "de5"
        elif _is_manner_word(word):
            found[place + len(word) - 1] = "de5"
        elif _is_complement(word):
            found[place + word.rindex("得")] = "de5"
        place += len(word)
    return found


def _parted(word: str) -> list[str]:
    """A word that jieba guessed, without the particle in it: 地说 -> 地, 说."""
    return [word] if tag_of(word) and word not in _SLIPS else re.findall("[地得]|[^地得]+", word)


def _is_manner(before: str, after: str) -> bool:
    if before in _LIKE or re.fullmatch(r"(..+)\1", before):
        return True
    if len(before) < 2 or _PLOT.fullmatch(before) or after in _NO_DEED:
        return False
    tags = _MANNERS | {"m"} if after else _ENDING_MANNERS
    return tag_of(before) in tags


def _is_manner_word(word: str) -> bool:
    """狡猾地, 难过地; not 目的地, 冰天雪地."""
    if _MANNER_WORD.fullmatch(word):
        return True
    manners = _MANNERS - {UNKNOWN} if tag_of(word) == "z" else _ENDING_MANNERS
    ends = word[-1] == "地" and len(word) > 2 and not tag_of(word[-2:])
    return ends and tag_of(word) in ("z", "i", "l", "d") and tag_of(word[:-1]) in manners


def _is_complement(word: str) -> bool:
    """跑得快, 画得; not 获得, 得奖."""
    tags = ("v", "l", "d", "a", "i", "nr") if len(word) > 2 else ("v", "d", "a", "n", "ns")
    return tag_of(word) in tags and bool(_COMPLEMENT.fullmatch(word))


def _reading_of_de(before: str, after: str) -> str:
    kind = tag_of(after)
    named = tag_of(before)[:1] == "n" or before == "地" or len(before) > 1 and before[0] in _NICKNAMES
    acted = before in _FEELINGS or not (named or tag_of(before) in _SUBJECTS)
    subject = before in ("", "可") or before[-1] == "得" or not acted
    if before in _MAY_WIN and (kind == "m" or _WON.fullmatch(after)):
        return "de2"
    if subject and (after in ("", "了", "过") or _WON.fullmatch(after)):
        return "de2"
    if not subject or named and (after in _DEGREE or kind in ("a", "i", "l", "zg")):
        return "de5"
    return "dei3"
