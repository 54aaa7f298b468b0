"""Whose mother and whose child: his, Pip's, 小马的."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipelines.story.mentions import PRONOUNS

PETS = ("dog", "cat")
"""小猫跳到奶奶的腿上: whoever stands beside them is a person."""
_DESCRIBED = r"\s+(?:(?!(?:and|the|a|an|to|in|with|of|for|by)\s)[a-z-]+\s+){0,2}$"
_HIS = re.compile(rf"\b(his|her|its|their|my|our){_DESCRIBED}", re.IGNORECASE)
_POSSESSIVE = re.compile(rf"\b(\w+)['\u2019]s{_DESCRIBED}")
_HIS_HAN = re.compile("([他她它我])们?(?:自己)?(?:的(?:[^，。的]{0,3}的)?)?$")
_BESIDE_HAN = re.compile("(?:的|和|跟|与|同)(?:[^，。的]{0,3}的)?$")


@dataclass(frozen=True)
class Owner:
    """Said by a pronoun (he, she, it, they, i), by a word in lower case, or by whoever is named up to ``end``.

    Before a pronoun ``end`` is where it stands.
    """

    pronoun: str = ""
    word: str = ""
    end: int = -1


def owner_of(sentence: str, start: int) -> Owner | None:
    """Whose relative is named at ``sentence[start:]``; None where the sentence does not say."""
    before = sentence[:start]
    if match := _HIS.search(before) or _HIS_HAN.search(before):
        return Owner(pronoun=PRONOUNS[match.group(1).lower()], end=match.start())
    if match := _POSSESSIVE.search(before):
        return Owner(word=match.group(1).lower())
    if match := _BESIDE_HAN.search(before):
        return Owner(end=match.start())
    return None
