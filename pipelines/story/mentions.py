"""Who is named in a sentence, by what words, and what is said about their looks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from pipelines.story import vocabulary
from pipelines.story.absence import compared, idioms, names_a_kind, negated
from pipelines.story.vocabulary import SubjectWord
from pipelines.story.words import Found, Token, find, tokens, touch

KIN = ("mother", "father", "grandmother", "grandfather")
PEOPLE = frozenset(
    "girl boy grandmother grandfather mother father king princess knight witch wizard pirate fairy mermaid astronaut "
    "farmer".split()
)
COUNTERPARTS = {"girl": "boy", "boy": "girl", "mother": "father", "father": "mother"}
PRONOUNS = {
    **dict.fromkeys(("he", "him", "his", "himself", "\u4ed6", "\u4ed6\u7684"), "he"),
    **dict.fromkeys(("she", "her", "hers", "herself", "\u5979", "\u5979\u7684"), "she"),
    **dict.fromkeys(("it", "its", "itself", "\u5b83", "\u5b83\u7684"), "it"),
    **dict.fromkeys(
        ("they", "them", "their", "both", "\u4ed6\u4eec", "\u5979\u4eec", "\u5b83\u4eec"), "they"
    ),
    **dict.fromkeys(("i", "me", "my", "myself", "i'm", "i'd", "i've", "i'll", "\u6211", "\u6211\u7684"), "i"),
    **dict.fromkeys(("we", "us", "our", "\u6211\u4eec", "\u54b1\u4eec"), "i"),
}
CROWNS = dict.fromkeys(("king", "princess"), (("crown", "yellow"),))
"""What animals of that rank wear; people of it are drawn with theirs."""
_QUOTED = re.compile('\u201c[^\u201d]*\u201d?|\u300c[^\u300d]*\u300d?|\u300e[^\u300f]*\u300f?|"[^"]*"?')
_NUMBERS = {
    **dict.fromkeys(("one", "a", "an", "\u4e00"), 1),
    **dict.fromkeys(("two", "both", "\u4e24", "\u4e8c"), 2),
    **dict.fromkeys("three four five six seven eight nine ten twelve many several some".split(), 3),
    **dict.fromkeys("\u4e09\u56db\u4e94\u516d\u4e03\u516b\u4e5d\u5341\u51e0\u7fa4", 3),
}


@dataclass(frozen=True)
class Mention:
    """``text[start:end]`` of a sentence names ``word``; ``kin`` where an animal is somebody's mother and the like.

    Attributes:
        qualities: English words for size, age and character said with it.
        colour: of coat, fur or the whole; None when not said.
        role: the word for what an animal is besides: the king of King Lion.
        count: 1 to 3, as many as are said or may be meant by a plural.
        told: those, as the story spells them.
    """

    start: int
    end: int
    text: str
    word: SubjectWord
    kin: str = ""
    qualities: tuple[str, ...] = ()
    colour: str | None = None
    told: tuple[str, ...] = ()
    quoted: bool = False
    count: int = 1
    role: str = ""


@dataclass(frozen=True)
class Clothing:
    """``colour`` or None; ``slot`` is an accessory, a piece of clothing, ``hair`` or ``fur``."""

    start: int
    slot: str
    colour: str | None
    text: str


@lru_cache(maxsize=4096)
def mentions(sentence: str) -> tuple[Mention, ...]:
    """Everything that can be drawn and is named in the sentence, in its order; "no wolf" and "like a wolf" are nobody."""
    words, found = tokens(sentence), []
    quotes = [match.span() for match in _QUOTED.finditer(sentence)]
    hits, phrases = find(vocabulary.subjects(), words), idioms(words)
    index = 0
    while index < len(hits):
        named = hits[index]
        first, last, meaning, kin, role = named.first, named.last, named.value, "", ""
        if index + 1 < len(hits) and (pair := _as_one(words, hits[index], hits[index + 1])):
            (meaning, kin, role), last, index = pair, hits[index + 1].last, index + 1
        index += 1
        if any(one.first < last and first < one.last for one in phrases) or _is_cub(words, named):
            continue
        if negated(sentence, words, named) or compared(sentence, words, named) or names_a_kind(words, named):
            continue
        start, end = words[first].start, words[last - 1].end
        qualities, colour, told = _adjectives(sentence, words, first, sentence[start:end])
        quoted = any(a <= start < b for a, b in quotes)
        count = _count(words, first, meaning.plural)
        found.append(
            Mention(
                start, end, sentence[start:end], meaning, kin, qualities, colour, told, quoted, count, role
            )
        )
    return tuple(found)


def _as_one(words: Sequence[Token], one: Found, other: Found) -> tuple[SubjectWord, str, str] | None:
    """The being that two words in a row mean, its kin and its role.

    Mother Rabbit, Baby Bear, 兔妈妈, King Lion and the owl teacher are one animal; 警察叔叔 is one man.
    """
    if one.last != other.first or not touch(words[one.last - 1], words[other.first]):
        return None
    if words[one.first].han and _is_human(one) and other.key in vocabulary.grammar("forms of address"):
        return replace(one.value, pronoun=other.value.pronoun), "", ""
    person, animal = (one, other) if _is_human(one) else (other, one)
    if not (_is_human(person) and animal.value.alive) or _is_human(animal):
        return None
    relation, pronoun = vocabulary.relations().get(person.key), person.value.pronoun
    if relation == "child" and not words[one.first].han:
        return animal.value, "", ""
    if person.value.subject in KIN and relation:
        pronoun = "she" if person.value.subject in ("mother", "grandmother") else "he"
        kin = person.value.subject if relation == "parent" else ""
        return replace(animal.value, pronoun=pronoun, plural=False), kin, ""
    meaning = replace(
        animal.value,
        pronoun=animal.value.pronoun if pronoun == "any" else pronoun,
        wearing=person.value.wearing or CROWNS.get(person.value.subject, ()),
        plural=person.value.plural or animal.value.plural,
    )
    return meaning, "", "" if meaning.plural else person.key


def _is_human(found: Found) -> bool:
    return found.value.subject in PEOPLE


def _is_cub(words: Sequence[Token], named: Found) -> bool:
    """The baby of Baby Bear's chair."""
    if vocabulary.relations().get(named.key) != "child" or named.last >= len(words):
        return False
    owner, possessive, _ = words[named.last].key.partition("'s")
    animal = vocabulary.subjects().get(owner)
    return bool(possessive and animal and animal.alive and touch(words[named.last - 1], words[named.last]))


def _count(words: Sequence[Token], first: int, plural: bool) -> int:
    for index in range(first - 1, max(-1, first - 4), -1):
        key = words[index].key
        if key in _NUMBERS:
            return _NUMBERS[key]
        if words[index].han and key[0] in _NUMBERS and len(key) <= 2:
            return _NUMBERS[key[0]]
        if (
            key not in vocabulary.words("quality")
            and key not in vocabulary.words("colour")
            and key != "\u7684"
        ):
            break
    return 2 if plural else 1


def _adjectives(sentence: str, words: Sequence[Token], first: int, own: str):
    """Colours and qualities right before the noun, and those within a Chinese noun (小白兔)."""
    qualities, told, colour = [], [], None
    between = frozenset(
        ("\u7684", "\u8272", "and", "very", "\u5f88", "\u53c8", "\u8272\u7684", "\u975e\u5e38")
    )
    index = first - 1
    while index >= 0 and first - index <= 6:
        gap = sentence[words[index].end : words[index + 1].start]
        word = words[index].key
        if gap.strip(", \u3001\uff0c-"):
            break
        if word in vocabulary.words("colour"):
            colour = colour or vocabulary.words("colour")[word]
        elif word in vocabulary.words("quality"):
            qualities.insert(0, vocabulary.words("quality")[word])
        elif word in between:
            index -= 1
            continue
        else:
            break
        told.insert(0, word)
        index -= 1
    if not words[first].han:
        for word in own.lower().replace("-", " ").split()[:-1]:
            colour = colour or vocabulary.words("colour").get(word)
            if word in vocabulary.words("quality"):
                qualities.append(vocabulary.words("quality")[word])
    else:
        for letter in own:
            if letter in _SHORT_COLOURS and colour is None and len(own) > 1:
                colour = _SHORT_COLOURS[letter]
                told.append(letter)
        size = {"\u5c0f": "little", "\u5927": "big", "\u8001": "old"}.get(own[0])
        if size and len(own) > 2 and size not in qualities:
            qualities.insert(0, size)
    return tuple(dict.fromkeys(qualities)), colour, tuple(told)


_WEARING = frozenset(
    "wear wore wears wearing worn in with had has put whose dressed his her its their gave got tied".split()
)
_WEARING_HAN = tuple("\u6234\u7a7f\u62ab\u7cfb\u957f\u56f4\u7ed9\u9001\u6709\u7684")
_SHORT_COLOURS = {
    "\u7ea2": "red",
    "\u9ec4": "yellow",
    "\u7eff": "green",
    "\u84dd": "blue",
    "\u7d2b": "purple",
    "\u68d5": "brown",
    "\u9ed1": "black",
    "\u767d": "white",
    "\u7070": "grey",
    "\u6a58": "orange",
}


@lru_cache(maxsize=4096)
def clothing(sentence: str) -> tuple[Clothing, ...]:
    """What somebody wears, with its colour, and hair or fur of a said colour."""
    words = tokens(sentence)
    table = {**vocabulary.words("clothes"), **vocabulary.words("wear")}
    if not any(word.key in _WEARING or word.key.startswith(_WEARING_HAN) for word in words):
        return ()
    found = []
    for hit in find(table, words):
        colour, start = None, hit.first
        for index in range(hit.first - 1, max(-1, hit.first - 4), -1):
            key = words[index].key
            if key in vocabulary.words("colour"):
                colour, start = vocabulary.words("colour")[key], index
                break
            if key not in ("\u7684", "\u8272", "\u5c0f") and key not in vocabulary.words("quality"):
                break
        if (
            colour is None
            and hit.last + 1 < len(words)
            and words[hit.last].key in ("was", "is", "were", "\u662f")
        ):
            colour = vocabulary.words("colour").get(words[hit.last + 1].key)
        own = hit.key[0]
        if colour is None and own in _SHORT_COLOURS and len(hit.key) > 1:
            colour = _SHORT_COLOURS[own]
        if colour is None and hit.value not in vocabulary.words("wear").values():
            continue
        text = sentence[words[start].start : words[hit.last - 1].end]
        found.append(Clothing(words[start].start, hit.value, colour, text))
    return tuple(found)


_BE = frozenset(("was", "is", "were", "are", "\u662f", "都是", "全是"))
_BETWEEN_BE_AND_COLOUR = frozenset("all very so mostly bright dark light pure as".split())
_AFTER_COLOUR = frozenset(("and", "with", "all", "but", "like", "as", "from", "except", "\u7684"))


@lru_cache(maxsize=4096)
def colours(sentence: str) -> tuple[tuple[int, str, str], ...]:
    """(place of the verb, colour, the colour as the story says it) where somebody is said to be of a colour."""
    words, found = tokens(sentence), []
    for index, word in enumerate(words):
        if word.key not in _BE:
            continue
        at = index + 1
        while at < len(words) and words[at].key in _BETWEEN_BE_AND_COLOUR:
            at += 1
        colour = vocabulary.words("colour").get(words[at].key) if at < len(words) else None
        after = words[at + 1] if colour and at + 1 < len(words) and touch(words[at], words[at + 1]) else None
        if after and after.key == "\u7684" and at + 2 < len(words) and touch(after, words[at + 2]):
            continue
        if colour and (after is None or after.key in _AFTER_COLOUR):
            found.append((word.start, colour, sentence[words[at].start : words[at].end]))
    return tuple(found)


@lru_cache(maxsize=4096)
def pronouns(sentence: str) -> tuple[tuple[int, str], ...]:
    """(place, ``he`` | ``she`` | ``it`` | ``they`` | ``i``) outside quotations."""
    quotes = [match.span() for match in _QUOTED.finditer(sentence)]
    return tuple(
        (word.start, PRONOUNS[word.key])
        for word in tokens(sentence)
        if word.key in PRONOUNS and not any(a <= word.start < b for a, b in quotes)
    )
