"""Who a story is about: names, animals, people and roles, each with one look for the whole book."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipelines.story import vocabulary
from pipelines.story.families import PETS
from pipelines.story.looks import draw_lots, dressed
from pipelines.story.mentions import COUNTERPARTS, PEOPLE
from pipelines.story.people import Person, people_of
from pipelines.story.story import Hero
from pipelines.story.vocabulary import SubjectWord

MOST_HEROES = 8
SEXES = frozenset(
    "girl boy mother father grandmother grandfather king princess queen prince witch mermaid man woman".split()
)
"""Words that say he or she by themselves."""
SEX_OF_DRAWING = {"girl": "she", "boy": "he", "mother": "she", "father": "he"}


def cast(sentences: Sequence[str], seed: int, known: Sequence[Hero] = ()) -> tuple[Hero, ...]:
    """The heroes of a story, most mentioned first; ``known`` ones stay exactly as they are and come first."""
    people = people_of(sentences)
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
            aliases=(person.role,) if person.role and not _is_taken(person.role, people) else (),
        )
        heroes.append(
            dressed(
                draft, person.word.wearing, person.colour, person.clothes, seed, heroes, person.word.alive
            )
        )
    return tuple(heroes)


def _is_taken(role: str, people: Sequence[Person]) -> bool:
    """Whether somebody else is called so: the king beside King Lion."""
    return any(one.name.lower() == role for one in people)


def _is(hero: Hero, person: Person) -> bool:
    if person.name.lower() in (name.lower() for name in (hero.name, *hero.aliases)):
        return True
    return (
        not person.named
        and person.word is not None
        and hero.noun == person.word.noun
        and hero.kin == person.kin
    )


def _settle(people: list[Person], seed: int) -> None:
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


def _litter(people: Sequence[Person], heads: Sequence[Person]) -> dict[Person, SubjectWord]:
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


def _is_human_child(one: Person) -> bool:
    return one.name in vocabulary.names() if one.word is None else one.child and not one.relation


def _is_young(one: Person) -> bool:
    """小马, Little Bear: 妈妈 and Mum are theirs where nobody else has any."""
    little = "little" in one.qualities or one.name.startswith(("小", "Little "))
    return little and one.word.subject not in PETS


def _animal(one: Person, heads: Sequence[Person], young: Person | None, human: bool) -> SubjectWord | None:
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


def _become(one: Person, animal: SubjectWord, kin: str) -> None:
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


def _pronoun(person: Person, otherwise: str) -> str:
    """By the name, else by what the story calls them."""
    if person.name in vocabulary.names() and (person.word is None or person.word.subject in PEOPLE):
        return vocabulary.names()[person.name]
    said = max(("he", "she", "it"), key=person.said.__getitem__)
    return said if person.said[said] and (said != "it" or otherwise == "any") else otherwise
