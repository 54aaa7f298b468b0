"""What the words of ``assets/story`` mean, each table by the word as a story spells it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

from pipelines.illustration.drawing import Drawing
from pipelines.illustration.drawing import subjects as drawings
from pipelines.illustration.places import PLACES
from pipelines.story.wordlists import blocks, inflections, listed, plurals

KINDS = ("action", "thing", "quality", "colour", "wear", "clothes", "other")


@dataclass(frozen=True)
class SubjectWord:
    """
    Attributes:
        subject: the drawing's name.
        noun: the word for prompts; another than ``subject`` where the drawing stands in for what is not drawn.
        pronoun: he, she, it (a thing) or any (an animal).
        wearing: (accessory, colour) pairs that belong to the word, such as a prince's crown.
        plural: more than one is meant.
        alive: can be a hero beside others; a thing is one only where nobody is alive.
    """

    subject: str
    noun: str
    pronoun: str
    wearing: tuple[tuple[str, str], ...] = ()
    plural: bool = False
    alive: bool = True


@dataclass(frozen=True)
class PlaceWord:
    """A weak word (a window, the sky) is believed only when a sentence names no other place."""

    place: str
    weak: bool = False


@dataclass(frozen=True)
class LightWord:
    """A weak word (the moon, a day) may be there at another hour too."""

    palette: str
    weak: bool = False


@dataclass(frozen=True)
class FeelingWord:
    emotion: str
    weight: float


def _emotions() -> Iterator[tuple[str, tuple[float, float]]]:
    for title, _ in blocks("emotions"):
        name, valence, arousal = title.split()
        yield name, (float(valence), float(arousal))


EMOTIONS: Mapping[str, tuple[float, float]] = dict(_emotions())
"""Name -> valence and arousal, -1..1."""


@cache
def subjects() -> Mapping[str, SubjectWord]:
    """Animals, people and things by every name, in the art's own lists and ours."""
    table: dict[str, SubjectWord] = {}
    pronouns = _own_subjects(table)
    for name, drawing in drawings().items():
        pronoun = pronouns.get(name, "it")
        for word in drawing.english:
            _name_subject(table, word, SubjectWord(name, name, pronoun))
        for word in drawing.chinese:
            _name_subject(table, word, SubjectWord(name, name, pronoun))
    return table


def _own_subjects(table: dict[str, SubjectWord]) -> dict[str, str]:
    """Fill in our own words; returns the pronoun of every drawing."""
    pronouns: dict[str, str] = {}
    for _, lines in blocks("subjects"):
        for line in lines:
            head, *columns = (part.strip() for part in line.split("|"))
            name, pronoun, *extras = head.lstrip("~").split()
            name = name.replace("_", " ")
            wearing = tuple(tuple(extra[1:].split("=")) for extra in extras)
            if head.startswith("~"):
                for group in listed(columns[0]):
                    words = group.split("/")
                    for word in words:
                        _name_subject(table, word, SubjectWord(name, words[0], pronoun, wearing))
                continue
            pronouns.setdefault(name, pronoun)
            for word in (*listed(columns[0]), *listed(columns[1])):
                _name_subject(table, word, SubjectWord(name, name, pronoun, wearing))
    return pronouns


def _name_subject(table: dict[str, SubjectWord], word: str, meaning: SubjectWord) -> None:
    drawing: Drawing = drawings()[meaning.subject]
    alive = meaning.pronoun != "it"
    for form in plurals(word):
        if form in function_words():  # does are no deer
            continue
        plural = form != word or _is_plural(word, drawing)
        table.setdefault(form, replace(meaning, plural=plural, alive=alive))


def _is_plural(word: str, drawing: Drawing) -> bool:
    irregular = {
        "mice",
        "wolves",
        "geese",
        "children",
        "oxen",
        "calves",
        "men",
        "dwarves",
        "elves",
        "snowmen",
        "们",
    }
    return word in irregular or word.endswith("们") or (word.endswith("s") and word[:-1] in drawing.english)


@cache
def places() -> Mapping[str, PlaceWord]:
    table = {}
    for _, lines in blocks("places"):
        for line in lines:
            name, english, chinese = (part.strip() for part in line.split("|"))
            for word in (*listed(english), *listed(chinese)):
                table[word.rstrip("?")] = PlaceWord(name, word.endswith("?"))
    for name, place in PLACES.items():
        for word in (*place.english, *place.chinese):
            table.setdefault(word, PlaceWord(name))
    return table


@cache
def lights() -> Mapping[str, LightWord]:
    """Words of the hour and the weather."""
    table = {}
    for _, lines in blocks("times"):
        for line in lines:
            palette, english, chinese = (part.strip() for part in line.split("|"))
            for word in (*listed(english), *listed(chinese)):
                table[word.rstrip("?")] = LightWord(palette, word.endswith("?"))
    return table


@cache
def names() -> Mapping[str, str]:
    """Given names -> he or she; English ones capitalised."""
    table = {}
    for _, lines in blocks("names"):
        for line in lines:
            pronoun, _, *given = line.split()
            table.update(dict.fromkeys(given, pronoun))
    return table


@cache
def words(kind: str) -> Mapping[str, str]:
    """``action``, ``thing``, ``quality``, ``colour``, ``wear``, ``clothes`` or ``other``: word -> English."""
    table: dict[str, str] = {}
    for line in dict(blocks("words"))[kind]:
        meaning, english, chinese = (part.strip() for part in line.split("|"))
        for word in listed(english):
            forms = (
                inflections(word)
                if kind in ("action", "other")
                else plurals(word)
                if kind != "quality"
                else [word]
            )
            for form in forms:
                table.setdefault(form, meaning)
        for word in listed(chinese):
            table.setdefault(word, meaning)
    return table


@cache
def feelings() -> Mapping[str, tuple[FeelingWord, ...]]:
    """Words that carry a feeling; a few carry two."""
    table: dict[str, dict[str, float]] = {}
    for title, lines in blocks("emotions"):
        for line in lines:
            language, *entries = line.split()
            for entry in entries:
                word = entry.rstrip("*?=")
                weight = 2.0 if "*" in entry else 0.5 if "?" in entry else 1.0
                forms = inflections(word) if language == "en" and "=" not in entry else (word,)
                for form in forms:
                    table.setdefault(form, {}).setdefault(title.split()[0], weight)
    return {
        word: tuple(FeelingWord(emotion, weight) for emotion, weight in each.items())
        for word, each in table.items()
    }


@cache
def function_words() -> frozenset[str]:
    return frozenset(
        word for _, lines in blocks("function_words") for line in lines for word in line.split()[1:]
    )


@cache
def grammar(title: str) -> frozenset[str]:
    """A section of ``grammar.txt``: ``negation``, ``stronger`` ... or ``markers <weight>``."""
    found: set[str] = set()
    for line in dict(blocks("grammar"))[title]:
        language, rest = line.split(" ", 1)
        found.update(listed(rest) if language == "en" and "," in rest else rest.split())
    return frozenset(found)


@cache
def relations() -> Mapping[str, str]:
    """Words for relatives -> ``parent`` (grandparents too) or ``child`` (brothers and sisters too)."""
    return {word: kind for kind in ("parent", "child") for word in grammar(f"relations {kind}")}


@cache
def markers() -> Mapping[str, float]:
    """Words with which something new begins -> how sure that is, 0..1."""
    table: dict[str, float] = {}
    for weight in ("1.0", "0.55", "0.2"):
        for word in grammar(f"markers {weight}"):
            table.setdefault(word, float(weight))
    return table


@cache
def forbidden() -> frozenset[str]:
    found: set[str] = set()
    for _, lines in blocks("forbidden"):
        for line in lines:
            language, rest = line.split(" ", 1)
            found.update(listed(rest) if language == "en" else rest.split())
    return frozenset(found)


@cache
def english_words() -> frozenset[str]:
    """Single English words of all lists, and of the English they are translated to."""
    meanings = (meaning for kind in KINDS for meaning in words(kind).values())
    return frozenset(
        part for word in (*everything(), *meanings) for part in word.lower().replace("-", " ").split()
    )


@cache
def all_words() -> frozenset[str]:
    return frozenset(everything())


def everything() -> Iterator[str]:
    """Every word of every table."""
    yield from subjects()
    yield from places()
    yield from lights()
    yield from names()
    yield from markers()
    yield from forbidden()
    yield from function_words()
    yield from feelings()
    for kind in KINDS:
        yield from words(kind)
    for title in ("negation", "negation_exceptions", "stronger", "stronger_after", "weaker", "idioms"):
        yield from grammar(title)
