"""Who a story is about: names, animals, people and roles, each with one look for the whole book."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from pipelines.story import vocabulary
from pipelines.story.families import PETS, owner_of
from pipelines.story.looks import draw_lots, dressed
from pipelines.story.mentions import PEOPLE, Clothing, Mention, clothing, colours, mentions, pronouns
from pipelines.story.names import Naming, known_names, namings, tellers_name
from pipelines.story.story import Hero
from pipelines.story.vocabulary import SubjectWord
from pipelines.story.wordlists import IS_HAN

MOST_HEROES = 8
TELLERS = ("I", "我")
"""The names of who tells the story without saying their name."""
LEAST_I = 2
"""So many sentences must say "I" outside quotations for the teller to be a hero."""
SEXES = frozenset(
    "girl boy mother father grandmother grandfather king princess queen prince witch mermaid man woman".split()
)
"""Words that say he or she by themselves."""
TITLES = {
    "Mr": SubjectWord("father", "man", "he"),
    **dict.fromkeys(("Mrs", "Miss", "Ms"), SubjectWord("mother", "woman", "she")),
}
COUNTERPARTS = {"girl": "boy", "boy": "girl", "mother": "father", "father": "mother"}
SEX_OF_DRAWING = {"girl": "she", "boy": "he", "mother": "she", "father": "he"}
PRONOUN_SHARE = 0.6
"""A pronoun counts less than a name when a scene's heroes are put in order."""
QUOTED_SHARE = 0.5
"""So does who is only spoken of, and no pronoun means them."""
LEAST_TOLD = 2
"""They are people, or animals named so often."""
MOST_REMEMBERED = 3
"""Where nobody is named, the one most told of among so many last named is meant."""


@dataclass(eq=False)
class _Person:
    """
    Attributes:
        relation: ``parent`` or ``child`` where a word for a relative names them; whose they are: ``owner``.
        beside: who stands before them where a Chinese sentence does not say whose they are.
        seen: mentions outside quotations.
        single: what the last mention of one of them called them.
    """

    name: str
    word: SubjectWord | None
    named: bool
    kin: str = ""
    relation: str = ""
    owner: _Person | None = None
    beside: _Person | None = None
    mentions: int = 0
    seen: int = 0
    qualities: list[str] = field(default_factory=list)
    colour: str | None = None
    clothes: list[Clothing] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    said: Counter = field(default_factory=Counter)
    count: int = 1
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
        self.told += [word for word in mention.told if word not in self.told]


_TELLER = _Person("I", None, True)


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
            if weight != QUOTED_SHARE:
                recent = [hero_id, *(other for other in recent if other != hero_id)]
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
        for name in {hero.name, *hero.aliases}.difference(TELLERS):
            for start, end in _places(name, sentence):
                spoken.append((start, hero.id, 1.0))
                taken.append((start, end))
    for mention in mentions(sentence):
        if any(a < mention.end and mention.start < b for a, b in taken):
            continue
        same = [one for one in heroes if _means(one, mention)] or [
            one for one in heroes if _may_mean(one, mention)
        ]
        if mention.word.plural:
            spoken += [(mention.start, one.id, 1.0) for one in same]
        elif same:
            chosen = min(same, key=lambda one: recent.index(one.id) if one.id in recent else len(recent))
            spoken.append((mention.start, chosen.id, QUOTED_SHARE if mention.quoted else 1.0))
    order = [hero_id for _, hero_id, _ in sorted(spoken, key=lambda one: one[0])]
    for start, pronoun in pronouns(sentence):
        latest = [
            hero_id
            for place, hero_id, weight in sorted(spoken, reverse=True)
            if place < start and weight != QUOTED_SHARE
        ]
        for hero_id in _referred(pronoun, [*dict.fromkeys([*latest, *recent])], heroes):
            spoken.append((start, hero_id, PRONOUN_SHARE))
            order.append(hero_id)
    return [(hero_id, weight) for _, hero_id, weight in sorted(spoken, key=lambda one: one[0])]


def _referred(pronoun: str, recent: Sequence[str], heroes: Sequence[Hero]) -> list[str]:
    by_id = {hero.id: hero for hero in heroes}
    if pronoun == "i":
        return [hero.id for hero in heroes if hero.pronoun == "i"]
    if pronoun == "they":
        likely = [one for one in recent if by_id[one].subject in PEOPLE or by_id[one].mentions >= LEAST_TOLD]
        return list((likely or recent)[:2])
    fitting = [one for one in recent if by_id[one].pronoun == pronoun] or [
        one
        for one in recent
        if by_id[one].pronoun == "any" or (pronoun == "it" and by_id[one].subject not in PEOPLE)
    ]
    return fitting[:1]


def _means(hero: Hero, mention: Mention) -> bool:
    if mention.word.plural and not mention.kin and mention.word.noun == hero.noun:
        return True
    if mention.kin or hero.kin:
        parent = vocabulary.relations().get(mention.text.lower()) == "parent"
        bare = not mention.kin and parent and mention.word.noun == hero.kin
        return bare or (mention.kin == hero.kin and mention.word.noun == hero.noun)
    return mention.word.noun == hero.noun


def _may_mean(hero: Hero, mention: Mention) -> bool:
    """The child is a girl where the story says she."""
    return mention.word.pronoun == "any" and hero.noun == COUNTERPARTS.get(mention.word.noun)


def _places(name: str, sentence: str) -> list[tuple[int, int]]:
    if re.match("[A-Za-z]", name):
        return [match.span() for match in re.finditer(rf"\b{re.escape(name)}\b", sentence, re.IGNORECASE)]
    return [match.span() for match in re.finditer(re.escape(name), sentence)]


def _is(hero: Hero, person: _Person) -> bool:
    if person.name.lower() in (name.lower() for name in (hero.name, *hero.aliases)):
        return True
    return (
        not person.named
        and person.word is not None
        and hero.noun == person.word.noun
        and hero.kin == person.kin
    )


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


@dataclass(frozen=True)
class _Met:
    """Somebody at ``sentence[start:end]``."""

    start: int
    end: int
    person: _Person
    quoted: bool = False


def _people(sentences: Sequence[str]) -> list[_Person]:
    """Everybody alive who is named, in the order of appearance, with what is said about them."""
    people: list[_Person] = []
    myself = tellers_name(sentences)
    given, linked = [name for name in known_names(sentences) if name != myself], namings(sentences)
    recent: list[_Person] = []
    alone: _Person | None = None
    for index, sentence in enumerate(sentences):
        met: list[_Met] = []
        latest = recent[0] if recent else None
        spans = [(match, name) for name in given for match in _places(name, sentence)]
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
        people.insert(0, _Person(name, None, True, mentions=teller, said=Counter(i=teller)))
    return people or _things(sentences)


def _meant(sentence: str, place: int, recent: Sequence[_Person]) -> _Person | None:
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


def _link(
    one: _Met, sentence: str, met: Sequence[_Met], recent: Sequence[_Person], people: Sequence[_Person]
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
        unmet = _Person(owner.word, vocabulary.subjects().get(owner.word), False)
        one.person.owner = next(named, unmet)


def _named(people: list[_Person], name: str, linked: Sequence[Naming], recent: Sequence[_Person]) -> _Person:
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
                person = _Person(name, mention.word, True, mention.kin, count=count)
                person.hear(mention)
                people.append(person)
                return person
    person = _Person(name, TITLES.get(name.partition(" ")[0].rstrip(".")), True)
    people.append(person)
    return person


def _unnamed(
    people: list[_Person], mention: Mention, linked: Sequence[Naming], index: int, recent: Sequence[_Person]
) -> _Person:
    for naming in linked:
        if naming.mention == mention and naming.sentence == index:
            return _named(people, naming.name, linked, recent)
    same = [
        one for one in people if one.word and one.word.noun == mention.word.noun and one.kin == mention.kin
    ]
    if same:
        return recent[0] if recent and recent[0] in same else same[-1]
    person = _Person(_called(mention.text), mention.word, False, mention.kin, count=mention.count)
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


def _owner(piece: Clothing, met: Sequence[_Met], sentence: str) -> _Person | None:
    """Who wears it: the last one named before it in its clause, else who comes right after (穿红裙子的小女孩)."""
    before = [one.person for one in met if one.start < piece.start]
    after = [one for one in met if one.start > piece.start]
    if after and re.fullmatch("[^,，。;；]*的", sentence[piece.start : after[0].start]):
        return after[0].person
    return before[-1] if before else None


def _settle(people: list[_Person], seed: int) -> None:
    """Give everybody a drawing and a pronoun, and animals' parents and children an animal."""
    heads = [one for one in people if one.kin]
    litter = _litter(people, heads)
    human = any(one.said["i"] or (one.seen and one not in litter and _is_human_child(one)) for one in people)
    young = next((one for one in people if one.animal and not one.relation and _is_young(one)), None)
    if human:
        heads, young = [], None
    for one in list(people):
        if one.said["i"]:
            named = {"she": "girl", "he": "boy"}.get(vocabulary.names().get(one.name, ""))
            face = named or ("girl", "boy")[draw_lots(seed, "teller", among=2)]
            one.word = SubjectWord(face, "child", "i")
        elif one in litter:
            _become(one, litter[one], "")
        elif one.word is None:
            pronoun = _pronoun(one, ("he", "she")[draw_lots(seed, one.name, among=2)])
            face = "girl" if pronoun == "she" else "boy"
            one.word = SubjectWord(face, face, pronoun)
        elif one.relation and (animal := _animal(one, heads, young, human)):
            kin = one.word.noun if one.relation == "parent" else ""
            twin = next(
                (other for other in people if kin and other.kin == kin and other.word.noun == animal.noun),
                None,
            )
            if twin:
                twin.mentions += one.mentions
                people.remove(one)
            else:
                _become(one, animal, kin)
        elif one.word.pronoun == "any" and one.word.subject in PEOPLE:
            one.word = _sexed(one.word, _pronoun(one, SEX_OF_DRAWING[one.word.subject]))
        elif one.word.noun not in SEXES:
            one.word = replace(one.word, pronoun=_pronoun(one, one.word.pronoun))


def _litter(people: Sequence[_Person], heads: Sequence[_Person]) -> dict[_Person, SubjectWord]:
    """The names that belong to an animal's children: nobody else's, and listed ones (Tilly) only after Mother Mouse
    and her children."""
    if not heads:
        return {}
    since = people.index(heads[0])
    children = [place for place, one in enumerate(people) if one.relation == "child" and place > since]
    born = [
        one
        for place, one in enumerate(people)
        if one.word is None and (one.name not in vocabulary.names() or (children and place > children[0]))
    ]
    strangers = [one for one in people if one.seen and one not in born and _is_human_child(one)]
    return {} if strangers else dict.fromkeys(born, heads[0].word)


def _is_human_child(one: _Person) -> bool:
    return one.name in vocabulary.names() if one.word is None else one.child and not one.relation


def _is_young(one: _Person) -> bool:
    """小马, Little Bear: 妈妈 and Mum are theirs where nobody else has any."""
    little = "little" in one.qualities or one.name.startswith(("小", "Little "))
    return little and one.word.subject not in PETS


def _animal(one: _Person, heads: Sequence[_Person], young: _Person | None, human: bool) -> SubjectWord | None:
    """What a relative is: what those are whose relative it is, else what the only parents of the story are, else what
    the little one is."""
    if one.owner:
        return one.owner.word if one.owner.animal else None
    beside = one.beside
    if beside and beside.animal and not human and beside.word.subject not in PETS:
        return beside.word
    for head in heads:
        if one.relation == "child" or head.kin == one.word.noun:
            return head.word
    return young.word if young and one.word.noun in ("mother", "father") else None


def _become(one: _Person, animal: SubjectWord, kin: str) -> None:
    one.kin = kin
    one.qualities = one.qualities if kin else ["little"]
    said = one.word.pronoun if one.word else "any"
    pronoun = _pronoun(one, "any") if said == "any" else said
    one.word = SubjectWord(animal.subject, animal.noun, pronoun)


def _sexed(word: SubjectWord, pronoun: str) -> SubjectWord:
    """A child or a doctor, drawn as the girl, boy, woman or man they are."""
    subject = word.subject if SEX_OF_DRAWING[word.subject] == pronoun else COUNTERPARTS[word.subject]
    noun = subject if word.noun == word.subject else word.noun
    return replace(word, subject=subject, noun=noun, pronoun=pronoun)


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
