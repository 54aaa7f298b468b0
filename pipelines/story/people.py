"""Everybody a story tells of: who they are called, what is said about them, whose relatives they are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pipelines.story import vocabulary
from pipelines.story.families import owner_of
from pipelines.story.mentions import PEOPLE, Clothing, Mention, clothing, colours, mentions, pronouns
from pipelines.story.names import Naming, known_names, namings, places, tellers_name
from pipelines.story.vocabulary import SubjectWord
from pipelines.story.wordlists import IS_HAN

LEAST_I = 2
"""So many sentences must say "I" outside quotations for the teller to be a hero."""
MOST_REMEMBERED = 3
"""Where nobody is named, the one most told of among so many last named is meant."""
TITLES = {
    "Mr": SubjectWord("father", "man", "he"),
    **dict.fromkeys(("Mrs", "Miss", "Ms"), SubjectWord("mother", "woman", "she")),
}
_SUBJECT = re.compile(r"\b(?:[Hh]e|[Ss]he|[Ii]t)$|[他她它](?:全身|浑身)?都?$")
_POSSESSES = re.compile(r"\b(?:and|with|in|on|from|of) $")
_OPENS_HAN = re.compile("[，,；;：:、。“”和跟与说想]$")
_WERE = re.compile(
    r"(?<!\bthere)\s(?:were|are) (?:(?:both|all|two|three|best|good|little|twin|young) )*$", re.IGNORECASE
)
_ARE_HAN = re.compile("(?:[和跟与、].*|们)都?是(?:一对|两个|好)?$")
_APPOSITION = re.compile(", (?:a|an|the) (?:[a-z]+ )?")
_CLOSED = re.compile("[,.;!?]|$| who ")
_SHE_IS = re.compile(r"\b(?:he|she) (?:was|is) an? (?:[a-z]+ )?$|[他她]是一?[个位名]?$", re.IGNORECASE)
_IS_A = re.compile(r" (?:was|is) an? (?:[a-z]+ )?|是(?:一[个位名])?")


@dataclass(eq=False)
class Person:
    """
    Attributes:
        relation: ``parent`` or ``child`` where a word for a relative names them; whose they are: ``owner``.
        beside: who stands before them where a Chinese sentence does not say whose they are.
        seen: mentions outside quotations.
        role: as in ``Mention``.
        single: what the last mention of one of them called them.
    """

    name: str
    word: SubjectWord | None
    named: bool
    kin: str = ""
    relation: str = ""
    owner: Person | None = None
    beside: Person | None = None
    mentions: int = 0
    seen: int = 0
    qualities: list[str] = field(default_factory=list)
    colour: str | None = None
    clothes: list[Clothing] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    said: Counter = field(default_factory=Counter)
    count: int = 1
    role: str = ""
    single: str = ""

    @property
    def animal(self) -> bool:
        return self.word is not None and self.word.alive and self.word.subject not in PEOPLE

    @property
    def child(self) -> bool:
        return self.word is not None and self.word.subject in ("girl", "boy")

    @property
    def sex(self) -> str:
        """he, she or any."""
        named = "" if self.animal else vocabulary.names().get(self.name, "")
        return named or (self.word.pronoun if self.word and self.word.pronoun != "it" else "any")

    def fits(self, pronoun: str) -> bool:
        return self.animal if pronoun == "it" else pronoun == "they" or self.sex in (pronoun, "any")

    def hear(self, mention: Mention) -> None:
        self.single = self.single if mention.word.plural else mention.text
        self.qualities += [word for word in mention.qualities if word not in self.qualities]
        self.colour = self.colour or mention.colour
        self.role = self.role or mention.role
        self.told += [word for word in mention.told if word not in self.told]


_TELLER = Person("I", None, True)


@dataclass(frozen=True)
class _Met:
    """Somebody at ``sentence[start:end]``."""

    start: int
    end: int
    person: Person
    quoted: bool = False


def people_of(sentences: Sequence[str]) -> list[Person]:
    """Everybody alive who is named, in the order of appearance, with what is said about them."""
    people: list[Person] = []
    myself = tellers_name(sentences)
    given, linked = [name for name in known_names(sentences) if name != myself], namings(sentences)
    recent: list[Person] = []
    alone: Person | None = None
    for index, sentence in enumerate(sentences):
        met: list[_Met] = []
        latest = recent[0] if recent else None
        spans = [(match, name) for name in given for match in places(name, sentence)]
        for (start, end), name in sorted(spans):
            met.append(_Met(start, end, _named(people, name, linked, recent)))
        for mention in mentions(sentence):
            if not mention.word.alive or any(a < mention.end and mention.start < b for (a, b), _ in spans):
                continue
            if mention.word.subject in PEOPLE and _says_what_they_are(sentence, mention, met):
                continue
            known = len(people)
            person = _unnamed(people, mention, linked, index, recent)
            if mention.quoted and len(people) > known and person.relation:
                people.remove(person)  # "Be brave, my son" brings nobody in.
                continue
            person.hear(mention)
            met.append(_Met(mention.start, mention.end, person, mention.quoted))
        met.sort(key=lambda one: one.start)
        for one in met:
            if one.person.relation and not (one.person.owner or one.quoted):
                _link(one, sentence, met, recent, people)
            one.person.mentions += 1
            one.person.seen += not one.quoted
        for piece in clothing(sentence):
            if any(one.start <= piece.start < one.end for one in met):
                continue  # Little Red Riding Hood
            owner = _owner(piece, met, sentence) or _meant(sentence, piece.start, recent) or latest
            if owner is not None:
                owner.clothes.append(piece)
                owner.told.append(piece.text)
        for place, colour, text in colours(sentence):
            before = sentence[:place].rstrip()
            owner = next((one.person for one in met if one.end == len(before)), None)
            if owner is None and _SUBJECT.search(before):
                owner = _meant(sentence, place, [one.person for one in reversed(met)] or recent)
            if owner is not None:
                owner.colour = owner.colour or colour
                owner.told.append(text)
        for place, kind in pronouns(sentence):
            # A pronoun means whoever was named before it, when that was one person alone.
            named = {one.person for one in met if one.start < place}
            if kind not in ("he", "she", "it") or (named and _is_object(sentence, place)):
                continue
            meant = alone if not named else next(iter(named)) if len(named) == 1 else None
            if meant is not None:
                meant.said[kind] += 1
        if met:
            alone = met[-1].person if len({one.person for one in met}) == 1 else None
        for one in met:
            if not one.quoted:
                recent = [one.person, *(other for other in recent if other is not one.person)]
    for one in people:
        parents = [other for other in people if other.kin and other.word.noun == (one.word and one.word.noun)]
        if one.count > 1 and not one.kin and len(parents) > 1:  # Papa, Mama and Baby are the three bears
            one.name, one.count = one.single or one.name, 1
    teller = sum(any(kind == "i" for _, kind in pronouns(sentence)) for sentence in sentences)
    if teller >= LEAST_I:
        name = myself or ("我" if any("我" in sentence for sentence in sentences) else "I")
        people.insert(0, Person(name, None, True, mentions=teller, said=Counter(i=teller)))
    return people or _things(sentences)


def _meant(sentence: str, place: int, recent: Sequence[Person]) -> Person | None:
    """Who the last he, she or it before a place is: of that sex for sure, else a person, else whoever may be."""
    kinds = [kind for start, kind in pronouns(sentence) if start < place and kind in ("he", "she", "it")]
    if not kinds:
        return None
    fitting = [one for one in recent if one.fits(kinds[-1])]
    return min(fitting, key=lambda one: (one.sex != kinds[-1]) * (1 + one.animal), default=None)


def _is_object(sentence: str, place: int) -> bool:
    """The doctor gave her a sweet, 警察带她回家: not who was named just before."""
    before, pronoun = sentence[:place], re.match("[A-Za-z]+|[他她它]的?", sentence[place:])
    if IS_HAN.match(sentence[place]):
        return pronoun.group()[1:] != "的" and not _OPENS_HAN.search(before)
    return pronoun.group() == "him" or (pronoun.group() == "her" and not _POSSESSES.search(before))


def _says_what_they_are(sentence: str, mention: Mention, met: Sequence[_Met]) -> bool:
    """Max and Lily were twins; his father, a fisherman; 爸爸是一位渔夫: nobody new."""
    before = [one for one in met if one.end <= mention.start]
    if not before:
        return False
    if _WERE.search(sentence[: mention.start]) or (
        len(before) > 1 and _ARE_HAN.search(sentence[: mention.start])
    ):
        return True
    last = max(before, key=lambda one: one.end)
    between, after = sentence[last.end : mention.start], sentence[mention.end :]
    apposition = last.person.relation and _APPOSITION.fullmatch(between) and _CLOSED.match(after)
    man = last.person.word is None or last.person.word.subject in PEOPLE
    if mention.word.subject in ("girl", "boy") and _SHE_IS.search(sentence[: mention.start]):
        return True
    return bool(man and (apposition or _IS_A.fullmatch(between)))


def _owner(piece: Clothing, met: Sequence[_Met], sentence: str) -> Person | None:
    """Who wears it: the last one named before it in its clause, else who comes right after (穿红裙子的小女孩)."""
    before = [one.person for one in met if one.start < piece.start]
    after = [one for one in met if one.start > piece.start]
    if after and re.fullmatch("[^,，。;；]*的", sentence[piece.start : after[0].start]):
        return after[0].person
    return before[-1] if before else None


def _link(
    one: _Met, sentence: str, met: Sequence[_Met], recent: Sequence[Person], people: Sequence[Person]
) -> None:
    """Find whose relative somebody is."""
    before = [other for other in reversed(met) if other.end <= one.start and other.person is not one.person]
    owner = owner_of(sentence, one.start)
    if owner is None or not (owner.pronoun or owner.word):
        if before and owner and before[0].end == owner.end:
            one.person.owner = before[0].person
        elif before and one.person.mentions == 0 and IS_HAN.match(sentence[one.start]):
            one.person.beside = before[0].person
    elif owner.pronoun == "i":
        one.person.owner = _TELLER
    elif owner.pronoun:
        near = [other for other in [*(other.person for other in before), *recent] if other is not one.person]
        fitting = [other for other in near if other.fits(owner.pronoun)]
        beside = before and sentence[before[0].end : owner.end].strip() in ("and", "with")
        # "Her mum" is Emma's, though a dog was spoken of since.
        if not (beside and before[0].person in fitting):
            fitting.sort(key=lambda other: other.animal or other.sex != owner.pronoun)
        one.person.owner = next(iter(fitting), None)
    else:
        named = (p for p in people if owner.word in (p.name.lower(), p.word and p.word.noun))
        unmet = Person(owner.word, vocabulary.subjects().get(owner.word), False)
        one.person.owner = next(named, unmet)


def _named(people: list[Person], name: str, linked: Sequence[Naming], recent: Sequence[Person]) -> Person:
    for person in people:
        if person.name == name:
            return person
    for naming in linked:
        if naming.name == name:
            mention = naming.mention
            nameless = [one for one in recent[:MOST_REMEMBERED] if not one.named]
            if mention is None and nameless:
                nameless[0].name, nameless[0].named = name, True  # "His name was Pip."
                return nameless[0]
            if mention is not None:
                # Somebody was "a fox" until the story gives the name.
                for person in people:
                    if (
                        not person.named
                        and person.word
                        and person.word.noun == mention.word.noun
                        and not person.kin
                    ):
                        person.name, person.named, person.count = name, True, mention.count
                        return person
                count = mention.count if " " in name else 1  # Mr. and Mrs. Hopper, two rabbits
                person = Person(name, mention.word, True, mention.kin, count=count)
                person.hear(mention)
                people.append(person)
                return person
    person = Person(name, TITLES.get(name.partition(" ")[0].rstrip(".")), True)
    people.append(person)
    return person


def _unnamed(
    people: list[Person], mention: Mention, linked: Sequence[Naming], index: int, recent: Sequence[Person]
) -> Person:
    for naming in linked:
        if naming.mention == mention and naming.sentence == index:
            return _named(people, naming.name, linked, recent)
    same = [
        one for one in people if one.word and one.word.noun == mention.word.noun and one.kin == mention.kin
    ] or [one for one in people if one.role and one.role == mention.text.lower()]
    if same:
        return recent[0] if recent and recent[0] in same else same[-1]
    person = Person(_called(mention.text), mention.word, False, mention.kin, count=mention.count)
    if not mention.kin:
        person.relation = vocabulary.relations().get(mention.text.lower(), "")
    people.append(person)
    return person


def _called(text: str) -> str:
    """A brave knight is called the knight; Little Red Riding Hood keeps her name."""
    first, _, rest = text.partition(" ")
    described = first in vocabulary.words("quality") or first in vocabulary.words("colour")
    known, whole = (vocabulary.subjects().get(words.lower()) for words in (rest, text))
    return rest if described and known and (whole is None or known.noun == whole.noun) else text


def _things(sentences: Iterable[str]) -> list[Person]:
    """A story without anybody alive is about the thing it names most: the little boat."""
    counted: dict[str, Person] = {}
    for sentence in sentences:
        for mention in mentions(sentence):
            person = counted.setdefault(mention.word.noun, Person(mention.text, mention.word, False))
            person.mentions += 1
            person.hear(mention)
    return sorted(counted.values(), key=lambda one: -one.mentions)[:1]
