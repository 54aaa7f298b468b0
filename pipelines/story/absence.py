"""What a sentence names but does not show: not even a goldfish, as strong as a lion, cats and dogs, a dinosaur kite."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from pipelines.story import vocabulary
from pipelines.story.words import Found, Token, find, touch

_INDEFINITE = frozenset("a an any one another".split())
_DEFINITE = frozenset("the this that his her its my your our their".split())
_EXCEPT = frozenset(("only", "just"))
_LIKES = frozenset(
    "i you we they would 'd i'd you'd we'd he'd she'd they'd to do does did don't doesn't didn't not will might "
    "also both really".split()
)
"""Before "like" they say that somebody is fond of something."""
_CLAUSE_HAN = re.compile('[^，。！？；：、,.!?;:\\s“”「」"]*$')
_ONE = "(?:[一二两三半几]?[个只条头匹位名群点])?"
_NONE_HAN = re.compile(
    "(?:没有|没|并非|不是|没见过|没看过|没养过|没有见过|(?:不会|不再|不能|没法|不可能|不想|再没)再?[有养要])过?"
    f"(?:任何|什么|别的|其他)?{_ONE}$"
)
_NOT_EVEN_HAN, _NONE_AFTER_HAN = (
    re.compile(f"(?:连|一[个只条头匹位名]){_ONE}$"),
    re.compile("[也都](?:没|不见|不在)"),
)
_LIKE_HAN = re.compile(
    f"(?<![好画头铜石雕偶录])(?:像|如同|仿佛|犹如|好似|宛如)是?{_ONE}(?:[^，。]{{1,4}}的)?$"
)
_LESS_HAN = re.compile(f"比{_ONE}$")
_ALIKE_HAN, _ALIKE_AFTER_HAN = re.compile(f"(?:好像|跟){_ONE}$"), re.compile("一样|似的|那样|那般|一般|般")


def idioms(words: Sequence[Token]) -> list[Found]:
    """Set phrases whose words mean something else."""
    return find(_idioms(), words)


@cache
def _idioms() -> dict[str, bool]:
    return dict.fromkeys(vocabulary.grammar("idioms"), True)


def negated(sentence: str, words: Sequence[Token], hit: Found) -> bool:
    """Whether there is none of what is named."""
    first = hit.first
    if words[first].han:
        before, after = _around(sentence, words, hit)
        not_even = _NOT_EVEN_HAN.search(before) and _NONE_AFTER_HAN.match(after)
        return bool(_NONE_HAN.search(before) or not_even) or _joins_none(sentence, words, first)
    definite = False
    for index in range(first - 1, -1, -1):
        key = words[index].key
        if not _adjoin(sentence, words, index) or key in _EXCEPT:
            return False
        if key in vocabulary.grammar("absence") or key.endswith(("n't", "n\u2019t")):
            return True
        definite = definite or key in _DEFINITE
        bridge = key in vocabulary.grammar("absence between") and not definite
        if not (bridge or key in _INDEFINITE or key in _DEFINITE or _describes(key)):
            return not definite and _joins_none(sentence, words, index + 1)
    return False


def _joins_none(sentence: str, words: Sequence[Token], first: int) -> bool:
    """Without a dog or a cat, 没有老虎和狮子: there is none of what is named before the conjunction."""
    return (
        first > 1
        and words[first - 1].key in ("or", "和", "或", "或者")
        and words[first - 2].key in vocabulary.subjects()
        and negated(sentence, words, Found(words[first - 2].key, None, first - 2, first - 1))
    )


def compared(sentence: str, words: Sequence[Token], hit: Found) -> bool:
    """Whether something else is said to be like what is named."""
    if words[hit.first].han:
        before, after = _around(sentence, words, hit)
        alike = _ALIKE_HAN.search(before) and _ALIKE_AFTER_HAN.match(after)
        return bool(_LIKE_HAN.search(before) or _LESS_HAN.search(before) or alike)
    index = hit.first - 1
    while index > 0 and _describes(words[index].key) and _adjoin(sentence, words, index):
        index -= 1
    if index < 1 or words[index].key not in {*_INDEFINITE, *_DEFINITE} or not _adjoin(sentence, words, index):
        return False
    link, before = words[index - 1].key, words[index - 2].key if index > 1 else ""
    if link == "like":
        return before not in _LIKES
    if link == "as":
        return _describes(before) or (index > 2 and words[index - 3].key in ("as", "so"))
    return link == "than"


def names_a_kind(words: Sequence[Token], hit: Found) -> bool:
    """Whether the word only says of which kind the thing after it is: dinosaur pyjamas, 猫粮."""
    if hit.last == len(words) or hit.value.plural or not hit.value.alive:
        return False
    return touch(words[hit.last - 1], words[hit.last]) and words[hit.last].key in vocabulary.grammar(
        "things of a kind"
    )


def _describes(key: str) -> bool:
    return key in vocabulary.words("quality") or key in vocabulary.words("colour")


def _adjoin(sentence: str, words: Sequence[Token], index: int) -> bool:
    """No punctuation stands between a word and the next."""
    return not sentence[words[index].end : words[index + 1].start].strip("- \n")


def _around(sentence: str, words: Sequence[Token], hit: Found) -> tuple[str, str]:
    """The clause before a Chinese word, which may be the end of a longer one (像老牛), and what follows."""
    end = words[hit.last - 1].end
    return _CLAUSE_HAN.search(sentence[: end - len(hit.key)]).group(), sentence[end:]
