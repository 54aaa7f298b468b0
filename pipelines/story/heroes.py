"""Who a story is about: names, animals, people and roles, each with one look for the whole book."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from pipelines.story import vocabulary
from pipelines.story.looks import draw_lots, dressed
from pipelines.story.mentions import KIN, PEOPLE, Clothing, Mention, clothing, mentions, pronouns
from pipelines.story.names import Naming, known_names, namings, tellers_name
from pipelines.story.story import Hero
from pipelines.story.vocabulary import SubjectWord

MOST_HEROES = 8
TELLERS = ("I", "我")
"""The names of who tells the story without saying their name."""
LEAST_I = 2
"""So many sentences must say "I" outside quotations for the teller to be a hero."""
SEXES = frozenset(
    "girl boy mother father grandmother grandfather king princess queen prince witch mermaid".split()
)
"""Words that say he or she by themselves."""
PRONOUN_SHARE = 0.6
MOST_REMEMBERED = 3
"""Where nobody is named, the one most told of among so many last named is meant."""
"""A pronoun counts less than a name when a scene's heroes are put in order."""


@dataclass
class _Person:
    name: str
    word: SubjectWord | None
    named: bool
    kin: str = ""
    mentions: int = 0
    qualities: list[str] = field(default_factory=list)
    colour: str | None = None
    clothes: list[Clothing] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    said: Counter = field(default_factory=Counter)
    count: int = 1

    def hear(self, mention: Mention) -> None:
        self.qualities += [word for word in mention.qualities if word not in self.qualities]
        self.colour = self.colour or mention.colour
        self.told += [word for word in mention.told if word not in self.told]


def cast(sentences: Sequence[str], seed: int, known: Sequence[Hero] = ()) -> tuple[Hero, ...]:
    """The heroes of a story, most mentioned first; ``known`` ones stay exactly as they are and come first."""
    people = _people(sentences)
    _settle(people, seed)
    ranked = sorted(people, key=lambda one: (-one.mentions, people.index(one)))
    fresh = [one for one in ranked if not any(_is(hero, one) for hero in known)]
    heroes = list(known)
    number = max((int(hero.id[1:]) for hero in known), default=0)
    for person in fresh[: max(0, MOST_HEROES - len(known))]:
        number += 1
        draft = Hero(
            f"h{number}",
            person.name,
            person.word.subject,
            person.word.noun,
            person.word.pronoun,
            person.kin,
            details=tuple(person.qualities[:3]),
            told=tuple(person.told),
            mentions=person.mentions,
            count=person.count,
        )
        heroes.append(
            dressed(
                draft, person.word.wearing, person.colour, person.clothes, seed, heroes, person.word.alive
            )
        )
    return tuple(heroes)


def who(
    sentences: Sequence[str], heroes: Sequence[Hero], before: Sequence[str] = ()
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The heroes of a scene, who matters most first, and those last spoken of, the latest first.

    ``before`` are those last spoken of in the scene before: a pronoun, or nobody at all, means them.
    """
    recent, weights = list(before), dict.fromkeys((hero.id for hero in heroes), 0.0)
    for sentence in sentences:
        met = _met(sentence, heroes, recent)
        for hero_id, weight in met:
            weights[hero_id] += weight
            if hero_id in recent:
                recent.remove(hero_id)
            recent.insert(0, hero_id)
    present = [hero_id for hero_id, weight in weights.items() if weight > 0]
    if not present and recent:
        told = {hero.id: hero.mentions for hero in heroes}
        present = [max(recent[:MOST_REMEMBERED], key=told.__getitem__)]
    order = {hero.id: index for index, hero in enumerate(heroes)}
    ranked = sorted(present, key=lambda hero_id: (-weights[hero_id], order[hero_id]))
    return tuple(ranked), tuple(recent)


def _met(sentence: str, heroes: Sequence[Hero], recent: Sequence[str]) -> list[tuple[str, float]]:
    """Heroes of one sentence with their weights, in the order of the sentence."""
    spoken: list[tuple[int, str, float]] = []
    taken: list[tuple[int, int]] = []
    for hero in heroes:
        for start, end in _places(hero.name, sentence) if hero.name not in TELLERS else ():
            spoken.append((start, hero.id, 1.0))
            taken.append((start, end))
    for mention in mentions(sentence):
        if any(a < mention.end and mention.start < b for a, b in taken):
            continue
        same = [one for one in heroes if _means(one, mention)]
        if mention.word.plural:
            spoken += [(mention.start, one.id, 1.0) for one in same]
        elif same:
            chosen = min(same, key=lambda one: recent.index(one.id) if one.id in recent else len(recent))
            spoken.append((mention.start, chosen.id, 0.5 if mention.quoted else 1.0))
    order = [hero_id for _, hero_id, _ in sorted(spoken, key=lambda one: one[0])]
    for start, pronoun in pronouns(sentence):
        latest = [hero_id for place, hero_id, _ in sorted(spoken, reverse=True) if place < start]
        for hero_id in _referred(pronoun, [*dict.fromkeys([*latest, *recent])], heroes):
            spoken.append((start, hero_id, PRONOUN_SHARE))
            order.append(hero_id)
    return [(hero_id, weight) for _, hero_id, weight in sorted(spoken, key=lambda one: one[0])]


def _referred(pronoun: str, recent: Sequence[str], heroes: Sequence[Hero]) -> list[str]:
    by_id = {hero.id: hero for hero in heroes}
    if pronoun == "i":
        return [hero.id for hero in heroes if hero.pronoun == "i"]
    if pronoun == "they":
        return list(recent[:2])
    fitting = [one for one in recent if by_id[one].pronoun == pronoun] or [
        one
        for one in recent
        if by_id[one].pronoun == "any" or (pronoun == "it" and by_id[one].subject not in PEOPLE)
    ]
    return fitting[:1]


def _means(hero: Hero, mention: Mention) -> bool:
    if mention.kin or hero.kin:
        bare = not mention.kin and mention.word.subject == hero.kin
        return bare or (mention.kin == hero.kin and mention.word.noun == hero.noun)
    return mention.word.noun == hero.noun


def _places(name: str, sentence: str) -> list[tuple[int, int]]:
    if re.match("[A-Za-z]", name):
        return [match.span() for match in re.finditer(rf"\b{re.escape(name)}\b", sentence, re.IGNORECASE)]
    return [match.span() for match in re.finditer(re.escape(name), sentence)]


def _is(hero: Hero, person: _Person) -> bool:
    if hero.name.lower() == person.name.lower():
        return True
    return (
        not person.named
        and person.word is not None
        and hero.noun == person.word.noun
        and hero.kin == person.kin
    )


def _people(sentences: Sequence[str]) -> list[_Person]:
    """Everybody alive who is named, in the order of appearance, with what is said about them."""
    people: list[_Person] = []
    myself = tellers_name(sentences)
    given, linked = [name for name in known_names(sentences) if name != myself], namings(sentences)
    latest: _Person | None = None
    alone: _Person | None = None
    for index, sentence in enumerate(sentences):
        met: list[tuple[int, _Person]] = []
        spans = [(match, name) for name in given for match in _places(name, sentence)]
        for (start, _), name in sorted(spans):
            met.append((start, _named(people, name, linked, latest)))
        for mention in mentions(sentence):
            if not mention.word.alive or any(a < mention.end and mention.start < b for (a, b), _ in spans):
                continue
            person = _unnamed(people, mention, linked, index, latest)
            person.hear(mention)
            met.append((mention.start, person))
        for _, person in met:
            person.mentions += 1
        met.sort(key=lambda one: one[0])
        for piece in clothing(sentence):
            owner = _owner(piece, met, sentence) or latest
            if owner is not None:
                owner.clothes.append(piece)
                owner.told.append(piece.text)
        for place, kind in pronouns(sentence):
            # A pronoun means whoever was named before it, when that was one person alone.
            named = {id(person): person for start, person in met if start < place}
            meant = alone if not named else next(iter(named.values())) if len(named) == 1 else None
            if meant is not None and kind in ("he", "she", "it"):
                meant.said[kind] += 1
        if met:
            latest = met[-1][1]
            alone = latest if len({id(person) for _, person in met}) == 1 else None
    teller = sum(any(kind == "i" for _, kind in pronouns(sentence)) for sentence in sentences)
    if teller >= LEAST_I:
        name = myself or ("我" if any("我" in sentence for sentence in sentences) else "I")
        people.insert(0, _Person(name, None, True, mentions=teller, said=Counter(i=teller)))
    return people or _things(sentences)


def _named(people: list[_Person], name: str, linked: Sequence[Naming], latest: _Person | None) -> _Person:
    for person in people:
        if person.name == name:
            return person
    for naming in linked:
        if naming.name == name:
            mention = naming.mention
            if mention is None and latest is not None and not latest.named:
                latest.name, latest.named = name, True  # "His name was Pip."
                return latest
            if mention is not None:
                # Somebody was "a fox" until the story gives the name.
                for person in people:
                    if (
                        not person.named
                        and person.word
                        and person.word.noun == mention.word.noun
                        and not person.kin
                    ):
                        person.name, person.named = name, True
                        return person
                person = _Person(name, mention.word, True, mention.kin)
                person.hear(mention)
                people.append(person)
                return person
    person = _Person(name, None, True)
    people.append(person)
    return person


def _unnamed(
    people: list[_Person], mention: Mention, linked: Sequence[Naming], index: int, latest: _Person | None
) -> _Person:
    for naming in linked:
        if naming.mention == mention and naming.sentence == index:
            return _named(people, naming.name, linked, latest)
    same = [
        one for one in people if one.word and one.word.noun == mention.word.noun and one.kin == mention.kin
    ]
    if same:
        return latest if latest in same else same[-1]
    person = _Person(_called(mention.text), mention.word, False, mention.kin, count=mention.count)
    people.append(person)
    return person


def _called(text: str) -> str:
    """A brave knight is called the knight; Little Red Riding Hood keeps her name."""
    first, _, rest = text.partition(" ")
    described = first in vocabulary.words("quality") or first in vocabulary.words("colour")
    known, whole = (vocabulary.subjects().get(words.lower()) for words in (rest, text))
    return rest if described and known and whole and known.noun == whole.noun else text


def _owner(piece: Clothing, met: Sequence[tuple[int, _Person]], sentence: str) -> _Person | None:
    """Who wears it: the last one named before it in its clause, else who comes right after (穿红裙子的小女孩)."""
    before = [person for start, person in met if start < piece.start]
    after = [(start, person) for start, person in met if start > piece.start]
    if after and re.fullmatch("[^,，。;；]*的", sentence[piece.start : after[0][0]]):
        return after[0][1]
    return before[-1] if before else None


def _settle(people: list[_Person], seed: int) -> None:
    """Give everybody a drawing and a pronoun, and animals' parents and children an animal."""
    family = next((one.word for one in people if one.kin and one.word), None)
    animals: Counter = Counter()
    for one in people:
        if one.word and one.word.alive and one.word.subject not in PEOPLE:
            animals[one.word] += one.mentions
    human = any(one.word is None or one.word.subject in ("girl", "boy") for one in people)
    parents = animals.most_common(1)[0][0] if animals and not human else family
    for one in people:
        child = one.word is None or one.word.noun in ("girl", "boy")
        if one.said["i"]:
            named = {"she": "girl", "he": "boy"}.get(vocabulary.names().get(one.name, ""))
            face = named or ("girl", "boy")[draw_lots(seed, "teller", among=2)]
            one.word = SubjectWord(face, "child", "i")
        elif family and child:
            one.word = SubjectWord(family.subject, family.noun, _pronoun(one, "any"))
            one.qualities = ["little"]
        elif one.word is None:
            pronoun = _pronoun(one, ("he", "she")[draw_lots(seed, one.name, among=2)])
            face = "girl" if pronoun == "she" else "boy"
            one.word = SubjectWord(face, face, pronoun)
        elif parents and one.word.noun in KIN:
            one.kin = one.word.noun
            one.word = SubjectWord(parents.subject, parents.noun, one.word.pronoun)
        elif one.word.noun not in SEXES:
            one.word = replace(one.word, pronoun=_pronoun(one, one.word.pronoun))


def _pronoun(person: _Person, otherwise: str) -> str:
    """By the name, else by what the story calls them."""
    if person.name in vocabulary.names() and (person.word is None or person.word.subject in PEOPLE):
        return vocabulary.names()[person.name]
    said = max(("he", "she", "it"), key=person.said.__getitem__)
    return said if person.said[said] and (said != "it" or otherwise == "any") else otherwise


def _things(sentences: Iterable[str]) -> list[_Person]:
    """A story without anybody alive is about the thing it names most: the little boat."""
    counted: dict[str, _Person] = {}
    for sentence in sentences:
        for mention in mentions(sentence):
            person = counted.setdefault(mention.word.noun, _Person(mention.text, mention.word, False))
            person.mentions += 1
            person.hear(mention)
    return sorted(counted.values(), key=lambda one: -one.mentions)[:1]
