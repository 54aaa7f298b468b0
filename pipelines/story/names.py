"""The given names of a story, and whose they are: Pip the fox, a fox named Pip, 一只叫阿布的小狐狸."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipelines.story import vocabulary
from pipelines.story.mentions import PEOPLE, Mention, mentions
from pipelines.story.words import is_common, tokens

_CALLED = re.compile(
    r"\b(?:named|called|name was|name is|names were|call(?:s|ed)? (?:him|her|it))\s+[\"\u201c]?([A-Z][a-z]+)"
)
_CAPITAL = re.compile(r"\b[A-Z][a-z]{1,}(?:-[A-Z][a-z]+)?\b")
_CALLED_HAN = re.compile(
    "(?:\u540d\u53eb|\u540d\u5b57\u53eb\u505a?|\u540d\u5b57\u662f|\u53eb\u505a|\u53eb\u4f5c|\u53d6\u540d\u53eb?|\u53eb[他她它]|\u53eb)[\u201c\u300c]?([\u4e00-\u9fff]{1,4}?)(?=[\u201d\u300d\uff0c\u3002\uff01\uff1f\u3001\uff1b,.!?\\s]|\u7684|$)"
)
_NO_NAME = re.compile(
    "^[\u4e86\u9053\u58f0\u7740\u8d77\u558a\u4ed6\u5979\u5b83\u6211\u4f60\u5927\u9192\u6765\u51fa\u8fc7\u5f97\u4e0d\u4eba]|^[\u4e00\u4e24\u51e0]\u58f0|\u540d\u5b57|\u8d77\u6765"
)
_NICKNAME = re.compile("[\u963f\u5c0f][\u4e00-\u9fff]|([\u4e00-\u9fff])\\1")
_CALENDAR = frozenset(
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April June July August "
    "September October November December Christmas Easter Halloween Once Then There Mr Mrs Miss Ms Dr Sir Lady Lord "
    "The God Earth English Chinese China America London Paris".split()
)
_NO_PERSON = re.compile(r"(?:\b[Tt]he|\bNew|\b[A-Z][a-z]+ of|\b(?:Mr|Mrs|Miss|Ms|Dr)\.?) $")
"""Before a capital that is no name by itself: the Statue of Liberty, New York, Mr Brown."""
_TITLED = re.compile(r"\b(?:Mr|Mrs|Miss|Ms)\.? ([A-Z][a-z]+)")
_FRIEND = re.compile(
    r" (?:was|is) (?:his|her|their|my|our|a|the) (?:[a-z]+ ){0,2}(?:friend|brother|sister|neighbour|boy|girl|child)\b"
)
_DOES = re.compile(r" ([a-z]+)(?: (?:very |so )?([a-z]+))?")
_LIVING = frozenset("had has lived said asked loved liked wanted knew thought felt".split())
_ROLE_NAME = re.compile("[\u4e00-\u9fff]{2,3}")
_NOT_IN_NAMES = frozenset(
    "声地着了们就也都又很在把被对向笑哭说问道想是有不没一这那的和跟与来去上下里到给让连忙赶快马立刻高兴开心伤大小老"
)
_MY_NAME = re.compile(
    "\\b[Mm]y name (?:is|was) ([A-Z][a-z]+)|^\u6211(?:\u7684\u540d\u5b57)?\u53eb\u505a?([\u4e00-\u9fff]{1,4}?)(?=[\uff0c\u3002\uff01,.!])"
)
_PLACE_NAME = re.compile(
    r"\b(?:in|at|near|from|(?:go|goes|going|went|gone|came|moved|flew|sailed|drove|returned|travell?ed) to) $"
)
_HIS_NAME = re.compile(
    r"\b(?:[Hh]is|[Hh]er|[Ii]ts) name (?:was|is) $|\bcall(?:s|ed)? (?:him|her|it) $|\u53eb[他她它]$|[\u4ed6\u5979\u5b83](?:\u7684\u540d\u5b57)?(?:\u540d\u53eb|\u53eb\u505a|\u53eb|\u662f)$"
)
_ITS_NAME = re.compile(r"\b[Ii]ts name \w+ $|\bit $|它(?:的名字)?(?:名叫|叫做|叫|是)?$")
_THEN_NAME = re.compile(
    "| |,? (?:(?:who )?(?:was |is )?(?:named|called)|whose name was|by the name of) "
    "|[\uff0c,]? ?[\u4ed6\u5979\u5b83]?(?:\u7684\u540d\u5b57)?(?:\u540d\u53eb|\u540d\u5b57\u53eb\u505a?|\u540d\u5b57\u662f|\u53eb\u505a|\u53eb\u4f5c|\u53eb) ?"
)
"""Between somebody and their name: the fox (named) Pip, 小狐狸(名叫)阿布."""
_THEN_SUBJECT = re.compile(
    r" |,? (?:was |is )?(?:a|an|the|two) (?:[a-z-]+,? ){0,3}"
    "|(?:\u662f|\uff0c)\u4e00?[\u4e2a\u53ea\u6761\u4f4d\u540d\u5934\u5339](?:[^\uff0c\u3002]{0,5}\u7684)?"
)
"""Between a name and what it is: Peter Rabbit, Pip (was) a little fox, 阿布是一只小狐狸."""
_CALLED_BEFORE = re.compile("\u53eb(?:\u505a|\u4f5c)?$")


@dataclass(frozen=True)
class Naming:
    """``name`` belongs to ``mention`` in sentence ``sentence``; None: to whoever was spoken of before."""

    name: str
    mention: Mention | None
    sentence: int


def tellers_name(sentences: Sequence[str]) -> str:
    """My name is Tom: who says I; empty when they do not say."""
    matches = (_MY_NAME.search(sentence) for sentence in sentences)
    found = [name for match in matches if match and (name := match.group(1) or match.group(2))]
    return next((name for name in found if not _NO_NAME.search(name)), "")


def known_names(sentences: Sequence[str]) -> tuple[str, ...]:
    """Given names in the order in which they are first said."""
    found: dict[str, None] = {}
    lower = {word for sentence in sentences for word in re.findall(r"\b[a-z]+\b", sentence)}
    repeated = " ".join(sentences)
    for sentence in sentences:
        candidates = [(match.start(1), match.group(1)) for match in _CALLED.finditer(sentence)]
        candidates += [
            (match.start(), match.group())
            for match in _CAPITAL.finditer(sentence)
            if _is_name(match, sentence, lower) or _opens_as_a_name(match, sentence, lower, repeated)
        ]
        candidates += [
            (match.start(), match.group())
            for match in _TITLED.finditer(sentence)
            if match.group(1).lower() not in vocabulary.subjects()
        ]
        for match in _CALLED_HAN.finditer(sentence):
            name = match.group(1)
            if not _NO_NAME.search(name) and _may_be_called(name, match, repeated):
                candidates.append((match.start(1), name))
        candidates += _listed_han(sentence, repeated)
        candidates += _names_of_roles(sentence, repeated)
        found.update((name, None) for _, name in sorted(candidates))
    return tuple(found)


def _is_name(match: re.Match[str], sentence: str, lower: set[str]) -> bool:
    word = match.group()
    if (
        word in _CALENDAR
        or word.rstrip("s") in _CALENDAR
        or word.lower() in vocabulary.function_words()
        or word.lower() in vocabulary.places()
    ):
        return False
    if word.lower() in vocabulary.subjects() and word not in vocabulary.names():
        return False
    if word in vocabulary.names():
        return word.lower() not in lower
    before = sentence[: match.start()].rstrip(" \"'\u201c\u2018")
    if _PLACE_NAME.search(sentence[: match.start()]) or _is_no_person(match, sentence):
        return False
    opening = not before or before[-1] in ".!?:\u2026" or sentence[: match.start()].rstrip(" ") != before
    shouted = any(
        word.lower() in vocabulary.words(kind) for kind in ("action", "thing", "quality", "colour", "other")
    )
    return not opening and word.lower() not in lower and not shouted


def _is_no_person(match: re.Match[str], sentence: str) -> bool:
    start, end = match.span()
    within = any(one.start <= start and end <= one.end and " " in one.text for one in mentions(sentence))
    return (
        within
        or match.group().lower() in vocabulary.grammar("no names")
        or bool(_NO_PERSON.search(sentence[:start]))
    )


def _opens_as_a_name(match: re.Match[str], sentence: str, lower: set[str], story: str) -> bool:
    """A word of no list that opens sentences and does what somebody does: Bartholomew had a kite."""
    word, after = match.group(), sentence[match.end() :]
    if (
        any(
            word.lower() in known
            for known in (lower, vocabulary.english_words(), vocabulary.function_words())
        )
        or word in _CALENDAR
        or word.endswith(("ly", "ing"))
        or _is_no_person(match, sentence)
    ):
        return False
    verb = _DOES.match(after)
    does = verb and (
        verb.group(1) in _LIVING
        or verb.group(1) in vocabulary.words("action")
        or (verb.group(1) in ("was", "is") and verb.group(2) in vocabulary.words("quality"))
    )
    often = len(re.findall(rf"\b{word}\b", story)) > 1 and (
        not word.endswith("s") or after.startswith((" was", " is"))
    )
    return bool(_FRIEND.match(after) or (does and often))


def _names_of_roles(sentence: str, story: str) -> Iterator[tuple[int, str]]:
    """宇航员诺娃: what follows a role and later speaks for itself."""
    for mention in mentions(sentence):
        match = _ROLE_NAME.match(sentence, mention.end) if mention.word.alive else None
        for name in (match.group(), match.group()[:2]) if match else ():
            speaks = re.search(rf"(?:^|[\s。！？，、；“”]){name}[说问想喊笑哭答]", story)
            if speaks and not _NOT_IN_NAMES.intersection(name) and name not in vocabulary.words("action"):
                yield mention.end, name
                break


def _may_be_called(name: str, match: re.Match[str], story: str) -> bool:
    """叫它饼干 is a name where 饼干 does something later; 叫他吃饭 is none, 这叫饼干 neither."""
    word = vocabulary.subjects().get(name)
    if match.group()[:2] not in ("叫他", "叫她", "叫它"):
        return word is None
    return story.count(name) > 1 and (not word.alive if word else not is_common(name))


def _listed_han(sentence: str, story: str) -> Iterator[tuple[int, str]]:
    for word in tokens(sentence):
        if not word.han or word.key in vocabulary.subjects():
            continue
        listed = word.key in vocabulary.names()
        nick = (
            len(word.key) == 2
            and _NICKNAME.fullmatch(word.key)
            and not is_common(word.key)
            and story.count(word.key) > 1
        )
        if listed or nick:
            yield word.start, word.key
        elif word.key[0] in "和跟与同给对叫让问" and word.key[1:] in vocabulary.names():
            yield word.start + 1, word.key[1:]  # 和小红 is one word in jieba's dictionary


def namings(sentences: Sequence[str]) -> tuple[Naming, ...]:
    """Which name is whose, as far as the story says it."""
    names = known_names(sentences)
    return tuple(
        Naming(name, mention, index)
        for index, sentence in enumerate(sentences)
        for name in names
        for mention in _owners(sentence, name)
    )


def places(name: str, sentence: str) -> list[tuple[int, int]]:
    """Where a sentence says a name, as (start, end)."""
    if re.match("[A-Za-z]", name):
        return [match.span() for match in re.finditer(rf"\b{re.escape(name)}\b", sentence, re.IGNORECASE)]
    return [match.span() for match in re.finditer(re.escape(name), sentence)]


def _owners(sentence: str, name: str) -> Iterator[Mention | None]:
    for place in re.finditer(re.escape(name), sentence):
        start, end = place.span()
        for mention in mentions(sentence):
            if not mention.word.alive or (mention.start < end and start < mention.end):
                continue
            between = sentence[mention.end : start]
            titled = (
                " " in name and mention.word.subject in PEOPLE and between == ", "
            )  # the teacher, Mr Green
            if mention.end <= start and (titled or _THEN_NAME.fullmatch(between)):
                yield mention
            elif mention.start >= end and _is_said_to_be(sentence, start, end, mention):
                yield mention
        before = sentence[:start]
        if _HIS_NAME.search(before):
            spoken_of = [mention for mention in mentions(before) if mention.word.alive]
            if _ITS_NAME.search(before):
                spoken_of = [mention for mention in spoken_of if mention.word.subject not in PEOPLE]
            last = spoken_of[-1] if spoken_of else None
            yield next((one for one in mentions(sentence) if last and one.start == last.start), None)


def _is_said_to_be(sentence: str, start: int, end: int, mention: Mention) -> bool:
    after = sentence[end : mention.start]
    if sentence[:start].endswith(" of "):  # the father of Rosie is a fireman
        return False
    if after == "\u7684":  # 叫阿布的小狐狸, but not 阿布的小狐狸, who is somebody else
        return bool(_CALLED_BEFORE.search(sentence[:start]))
    people = mention.word.plural and mention.word.subject in PEOPLE  # Max and Lily, two children
    return not people and bool(_THEN_SUBJECT.fullmatch(after))
