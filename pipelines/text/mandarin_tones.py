"""Tone sandhi: how the tones of Mandarin change beside one another."""

from __future__ import annotations

from collections.abc import Sequence

NEUTRAL = 5
_NUMERALS = frozenset("〇零一二三四五六七八九十")
_ORDINAL_NOUNS = frozenset("月日号楼")


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
        if character not in "一不" or tones[place] == NEUTRAL:
            continue
        if before and before == after:
            changed[place] = NEUTRAL
        elif character == "不":
            changed[place] = 2 if tones[place + 1] == 4 else 4
        elif before == "第" or before in _NUMERALS or after in _NUMERALS or after in _ORDINAL_NOUNS:
            changed[place] = 1
        else:
            changed[place] = 2 if tones[place + 1] == 4 or (after == "个") else 4
    return changed


def _third_in_word(tones: list[int]) -> list[int]:
    """A third tone before a third tone rises; in a word all but the last of a run do."""
    return [2 if tone == 3 and tones[i + 1 : i + 2] == [3] else tone for i, tone in enumerate(tones)]
