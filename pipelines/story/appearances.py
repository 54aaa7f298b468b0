"""Which heroes are in a scene: named, meant by a pronoun, or only spoken of."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.story import vocabulary
from pipelines.story.mentions import COUNTERPARTS, PEOPLE, Mention, mentions, pronouns
from pipelines.story.names import places
from pipelines.story.people import MOST_REMEMBERED
from pipelines.story.story import Hero

TELLERS = ("I", "我")
"""The names of who tells the story without saying their name."""
PRONOUN_SHARE = 0.6
"""A pronoun counts less than a name when a scene's heroes are put in order."""
QUOTED_SHARE = 0.5
"""So does who is only spoken of, and no pronoun means them."""
LEAST_TOLD = 2
"""They are people, or animals named so often."""


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
        named: list[tuple[int, int]] = []
        for name in sorted({hero.name, *hero.aliases}.difference(TELLERS), key=len, reverse=True):
            named += [
                place for place in places(name, sentence) if not _overlaps(place, named)
            ]  # King Lion, the king
        spoken += [(start, hero.id, 1.0) for start, _ in named]
        taken += named
    for mention in mentions(sentence):
        if _overlaps((mention.start, mention.end), taken):
            continue
        same = [one for one in heroes if _means(one, mention)] or [
            one for one in heroes if _may_mean(one, mention)
        ]
        if mention.word.plural:
            spoken += [(mention.start, one.id, 1.0) for one in same]
        elif same:
            chosen = min(same, key=lambda one: recent.index(one.id) if one.id in recent else len(recent))
            spoken.append((mention.start, chosen.id, QUOTED_SHARE if mention.quoted else 1.0))
    for start, pronoun in pronouns(sentence):
        latest = [
            hero_id
            for place, hero_id, weight in sorted(spoken, reverse=True)
            if place < start and weight != QUOTED_SHARE
        ]
        for hero_id in _referred(pronoun, [*dict.fromkeys([*latest, *recent])], heroes):
            spoken.append((start, hero_id, PRONOUN_SHARE))
    return [(hero_id, weight) for _, hero_id, weight in sorted(spoken, key=lambda one: one[0])]


def _overlaps(place: tuple[int, int], others: Sequence[tuple[int, int]]) -> bool:
    return any(start < place[1] and place[0] < end for start, end in others)


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
