"""Where one scene ends and the next begins."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.story import vocabulary
from pipelines.story.emotion import Prosody
from pipelines.story.mentions import mentions
from pipelines.story.words import IS_HAN, find, tokens
from pipelines.text.segment import PARAGRAPH_PAUSE_SECONDS, Segment

SCENE_WORDS = 40
"""English words of a page that reads well; a Chinese character counts for two thirds of one."""
HAN_SHARE = 2 / 3
SHORT_STORY_WORDS, SHORT_PAGE_WORDS = 60, 6
"""Whoever writes so short a story in paragraphs means them as pages, if these are not mere exclamations."""
MOST_SCENES = 24
USUAL_MOST_SCENES = 16
WINDOW = 2
"""Sentences on either side whose words are compared."""
WEIGHTS = {
    "cohesion": 0.35,
    "marker": 1.0,
    "place": 0.7,
    "people": 0.4,
    "paragraph": 0.65,
    "pause": 0.5,
    "quoted": -4.0,
}
"""``quoted`` outweighs all the others: nobody turns the page while somebody speaks."""
BALANCE = 0.7
"""The cost of a scene of no length, or of twice the usual one."""
PRICE = 0.6
"""What a boundary must be worth when nobody says how many scenes there are to be."""
OPENING_WORDS = 4
LONG_PAUSE_SECONDS = 1.5
_OPENING, _CLOSING = "\u201c\u300c\u300e", "\u201d\u300d\u300f"


@dataclass(frozen=True)
class Boundary:
    """Why a scene may, or should not, end between two sentences; each reason 0..1."""

    cohesion: float
    marker: float
    place: float
    people: float
    paragraph: float
    pause: float
    quoted: float

    @property
    def score(self) -> float:
        return sum(weight * getattr(self, name) for name, weight in WEIGHTS.items())


def find_boundaries(sentences: Sequence[Segment], voice: Sequence[Prosody | None] = ()) -> list[Boundary]:
    """One between every two sentences; ``voice`` has one entry a sentence or none at all."""
    bags = [_bag(sentence.text) for sentence in sentences]
    rarity = _rarity(bags)
    people = [frozenset(m.word.noun for m in mentions(one.text) if m.word.alive) for one in sentences]
    where: list[str] = []
    for sentence in sentences:
        where.append(_place(sentence.text) or (where[-1] if where else ""))
    speaking = _inside_quotations(sentences)
    found = []
    for index in range(1, len(sentences)):
        before = slice(max(0, index - WINDOW), index)
        after = slice(index, index + WINDOW)
        left = frozenset().union(*people[before])
        right = frozenset().union(*people[after])
        told = voice[index - 1] if index - 1 < len(voice) else None
        found.append(
            Boundary(
                cohesion=round(1 - _cosine(bags[before], bags[after], rarity), 4),
                marker=_marker(sentences[index].text),
                place=float(bool(where[index - 1]) and where[index] != where[index - 1]),
                people=round(1 - len(left & right) / len(left | right), 4) if left and right else 0.0,
                paragraph=float(sentences[index - 1].pause_seconds >= PARAGRAPH_PAUSE_SECONDS),
                pause=round(min(1.0, told.pause_seconds / LONG_PAUSE_SECONDS), 4) if told else 0.0,
                quoted=float(speaking[index - 1]),
            )
        )
    return found


def _inside_quotations(sentences: Sequence[Segment]) -> list[bool]:
    """For each sentence, whether a quotation is still open behind it; a paragraph closes what was left open."""
    depth, inside = 0, []
    for sentence in sentences:
        for char in sentence.text:
            if char == '"':
                depth = 0 if depth else 1
            elif char in _OPENING:
                depth += 1
            elif char in _CLOSING:
                depth = max(0, depth - 1)
        if sentence.pause_seconds >= PARAGRAPH_PAUSE_SECONDS:
            depth = 0
        inside.append(depth > 0)
    return inside


def find_scenes(
    sentences: Sequence[Segment], pages: int | None = None, voice: Sequence[Prosody | None] = ()
) -> list[tuple[int, int]]:
    """Sentences ``[first, last)`` of every scene: the boundaries that are worth most while scenes stay balanced.

    ``pages`` asks for so many scenes; there are never more than sentences. Exact, by dynamic programming.
    """
    if not sentences:
        return []
    lengths = np.array([length(sentence.text) for sentence in sentences])
    worth = np.array([boundary.score for boundary in find_boundaries(sentences, voice)])
    if pages is not None:
        count = max(1, min(pages, MOST_SCENES, len(sentences)))
        return _best(lengths, worth, [count])[1]
    words = lengths.sum()
    usual = words / SCENE_WORDS
    most = math.ceil(1.6 * usual)
    if words <= SHORT_STORY_WORDS:
        paragraphs = 1 + sum(one.pause_seconds >= PARAGRAPH_PAUSE_SECONDS for one in sentences[:-1])
        usual = max(usual, min(paragraphs, words / SHORT_PAGE_WORDS))
        most = max(most, math.floor(usual))
    most = max(1, min(USUAL_MOST_SCENES, len(sentences), most))
    least = max(1, min(most, math.floor(0.6 * usual)))
    return _best(lengths, worth - PRICE, range(least, most + 1), usual)[1]


def length(text: str) -> float:
    """In English words."""
    return sum(HAN_SHARE * len(word.key) if word.han else 1.0 for word in tokens(text))


def _best(
    lengths: np.ndarray, worth: np.ndarray, counts: Sequence[int], usual: float | None = None
) -> tuple[float, list[tuple[int, int]]]:
    """Highest value of any allowed number of scenes, and the scenes; numbers far from ``usual`` cost."""
    total = np.concatenate([[0.0], np.cumsum(lengths)])
    found: tuple[float, list[tuple[int, int]]] = (-math.inf, [])
    for count in counts:
        ideal = max(1e-9, total[-1] / count)
        value, cuts = _cut(total, worth, count, ideal)
        if usual:
            value -= (count / max(1.0, usual) - 1) ** 2
        if value > found[0] + 1e-9:
            edges = [0, *cuts, len(lengths)]
            found = (value, list(zip(edges[:-1], edges[1:], strict=True)))
    return found


def _cut(total: np.ndarray, worth: np.ndarray, count: int, ideal: float) -> tuple[float, list[int]]:
    """The best ``count - 1`` cuts: best[k][j] is the value of k scenes that hold the first j sentences."""
    size = len(total) - 1
    best = np.full((count + 1, size + 1), -math.inf)
    origin = np.zeros((count + 1, size + 1), dtype=int)
    best[0, 0] = 0.0
    gain = np.concatenate([[0.0], worth])  # of a scene that begins at sentence i
    for scenes in range(1, count + 1):
        for end in range(scenes, size - (count - scenes) + 1):
            starts = np.arange(scenes - 1, end)
            unbalanced = ((total[end] - total[starts]) / ideal - 1) ** 2
            values = best[scenes - 1, starts] + gain[starts] - BALANCE * np.minimum(unbalanced, 4.0)
            choice = int(values.argmax())
            best[scenes, end], origin[scenes, end] = values[choice], starts[choice]
    cuts, end = [], size
    for scenes in range(count, 1, -1):
        end = int(origin[scenes, end])
        cuts.insert(0, end)
    return float(best[count, size]), cuts


def _bag(text: str) -> Counter:
    """Words that mean something; of Chinese ones their characters and pairs of characters too."""
    bag: Counter = Counter()
    for word in tokens(text):
        if word.key in vocabulary.function_words():
            continue
        bag[_stem(word.key)] += 1
        if word.han and len(word.key) > 1:
            bag.update(word.key)
            bag.update(word.key[i : i + 2] for i in range(len(word.key) - 1))
    return bag


def _stem(word: str) -> str:
    if IS_HAN.match(word):
        return word
    for ending in ("ing", "ed", "es", "s", "ly", "'s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def _rarity(bags: Sequence[Counter]) -> dict[str, float]:
    seen = Counter(word for bag in bags for word in bag)
    return {word: math.log(1 + len(bags) / times) for word, times in seen.items()}


def _cosine(left: Sequence[Counter], right: Sequence[Counter], rarity: dict[str, float]) -> float:
    one, other = (
        {word: times * rarity[word] for word, times in sum(bags, Counter()).items()} for bags in (left, right)
    )
    shared = sum(weight * other.get(word, 0.0) for word, weight in one.items())
    norm = math.sqrt(sum(w * w for w in one.values()) * sum(w * w for w in other.values()))
    return shared / norm if norm else 1.0


def _marker(text: str) -> float:
    """How surely the first words of a sentence say that something new begins."""
    opening = tokens(text)[: OPENING_WORDS + 2]
    hits = [hit for first in range(OPENING_WORDS) for hit in find(vocabulary.markers(), opening[first:])[:1]]
    return max((float(hit.value) for hit in hits), default=0.0)


def _place(text: str) -> str:
    places = [hit.value for hit in find(vocabulary.places(), tokens(text))]
    return next((one.place for one in reversed(places) if not one.weak), "")
