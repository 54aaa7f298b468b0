"""What a stretch of a story feels like: from its words, and from the voice that told it; every reason is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from pipelines.story import vocabulary
from pipelines.story.vocabulary import EMOTIONS
from pipelines.story.words import Token, find, tokens, touch

LOOK_BACK = 3
"""Words before a feeling's word in which a negation or an intensifier counts; in Chinese, which is terser, as well."""

NEGATED: Mapping[str, tuple[str, float]] = {
    "joy": ("sadness", 0.6),
    "sadness": ("calm", 0.5),
    "fear": ("calm", 0.6),
    "anger": ("calm", 0.5),
    "surprise": ("calm", 0.2),
    "wonder": ("calm", 0.2),
    "love": ("sadness", 0.5),
    "calm": ("fear", 0.4),
}
"""What "not happy" says, and how strongly."""

CERTAIN = 3.0
"""So much evidence for one emotion, without any for another, is the full strength of 1."""
VOICE_WEIGHT = 0.35
"""How much one standard deviation of the voice changes the words' evidence."""
QUIET_BEST = "calm"
_NEVER_BEFORE = frozenset(
    (
        "never",
        "not",
        "\u4ece\u6765\u6ca1\u6709",
        "\u4ece\u6765\u6ca1",
        "\u4ece\u6ca1",
        "\u4ece\u6ca1\u6709",
        "\u6ca1\u6709",
    )
)
_SO = frozenset(("so", "such", "more", "happier", "\u8fd9\u4e48", "\u5982\u6b64", "\u8fd9\u6837"))


@dataclass(frozen=True)
class Evidence:
    """One reason: ``text`` as the story says it, or a cue of the voice (``louder``, ``faster``, ``higher`` ...).

    ``weight`` is signed for the voice: standard deviations above the speaker's own average.
    """

    emotion: str
    text: str
    weight: float
    source: str = "words"


@dataclass(frozen=True)
class Prosody:
    """How a sentence was told, in standard deviations from the same person's average sentence; None: not measured."""

    pitch: float | None = None
    loudness: float | None = None
    speed: float | None = None
    pause_seconds: float = 0.0

    @property
    def arousal(self) -> float:
        """Mean of the cues there are, -2..2."""
        cues = [cue for cue in (self.pitch, self.loudness, self.speed) if cue is not None]
        return max(-2.0, min(2.0, sum(cues) / len(cues))) if cues else 0.0


@dataclass(frozen=True)
class Emotion:
    """
    Attributes:
        name: one of ``EMOTIONS``; ``calm`` with strength 0 where nothing is felt.
        strength: 0..1.
        valence, arousal: -1..1, weighed over all evidence.
        scores: emotion -> weight, only those with any.
        evidence: the heaviest first.
    """

    name: str
    strength: float
    valence: float
    arousal: float
    scores: tuple[tuple[str, float], ...] = ()
    evidence: tuple[Evidence, ...] = ()

    def to_json(self) -> dict:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping) -> Emotion:
        scores = tuple((name, score) for name, score in data["scores"])
        evidence = tuple(Evidence(**one) for one in data["evidence"])
        return cls(data["name"], data["strength"], data["valence"], data["arousal"], scores, evidence)


def feel(sentences: Iterable[str], voice: Sequence[Prosody | None] = ()) -> Emotion:
    """The emotion of some sentences told one after the other; ``voice`` has one entry a sentence, or none at all."""
    evidence = [one for sentence in sentences for one in _felt(sentence)]
    told = [prosody for prosody in voice if prosody is not None]
    return _weigh(evidence, told)


def _felt(sentence: str) -> list[Evidence]:
    words = tokens(sentence)
    louder = 1.25 if sentence.rstrip("\"'\u201d\u2019\u300d\u300f ").endswith(("!", "\uff01")) else 1.0
    found = []
    for hit in find(vocabulary.feelings(), words):
        first, last = _reach(words, hit.first, hit.last)
        negated, factor = _modified(words, hit.first, hit.last)
        said = sentence[words[first].start : words[last - 1].end]
        for feeling in hit.value:
            name, weight = feeling.emotion, feeling.weight * factor * louder
            if negated:
                name, share = NEGATED[name]
                weight *= share
            found.append(Evidence(name, said, round(weight, 3)))
    return found


def _reach(words: Sequence[Token], first: int, last: int) -> tuple[int, int]:
    """The words quoted as evidence: the feeling with its negation and intensifiers."""
    told = vocabulary.grammar
    modifiers = told("negation") | told("stronger") | told("weaker")
    start = first
    for index in range(first - 1, max(-1, first - 1 - LOOK_BACK), -1):
        if not touch(words[index], words[index + 1]):
            break
        if words[index].key in modifiers or words[index].key.endswith("n't"):
            start = index
    if last < len(words) and words[last].key in told("stronger_after"):
        last += 1
    return start, last


def _modified(words: Sequence[Token], first: int, last: int) -> tuple[bool, float]:
    """Whether the feeling is negated, and how much stronger or weaker it is said."""
    told, negated, factor = vocabulary.grammar, False, 1.0
    for index in range(first - 1, max(-1, first - 1 - LOOK_BACK), -1):
        word = words[index].key
        if not touch(words[index], words[index + 1]):  # a comma between: another thought
            break
        following = words[index + 1].key
        if word in told("negation_exceptions"):
            break
        if word in _NEVER_BEFORE and any(one.key in _SO for one in words[index + 1 : first]):
            factor *= 1.4  # "never so happy" is very happy
        elif word in told("negation") or word.endswith("n't"):
            negated ^= following not in told("negation_exceptions")
        elif word in told("stronger"):
            factor *= 1.4
        elif word in told("weaker"):
            factor *= 0.6
    if last < len(words) and words[last].key in told("stronger_after"):
        factor *= 1.6
    return negated, factor


def _weigh(evidence: list[Evidence], told: Sequence[Prosody]) -> Emotion:
    scores = dict.fromkeys(EMOTIONS, 0.0)
    for one in evidence:
        scores[one.emotion] += one.weight
    arousal = sum(prosody.arousal for prosody in told) / len(told) if told else 0.0
    if told:
        for name, (_, usual) in EMOTIONS.items():
            scores[name] *= max(0.2, 1 + VOICE_WEIGHT * arousal * usual)
        if not evidence and abs(arousal) > 0.8:
            # No word says anything: a voice well above its own average is excited, one well below it quiet.
            scores["surprise" if arousal > 0 else QUIET_BEST] += abs(arousal)
    evidence = sorted(evidence, key=lambda one: (-one.weight, one.text)) + list(_heard(told, scores))
    total = sum(scores.values())
    if total <= 0:
        return Emotion(QUIET_BEST, 0.0, 0.0, round(arousal / 2, 3), (), tuple(evidence))
    name = max(EMOTIONS, key=scores.__getitem__)
    strength = min(1.0, scores[name] / CERTAIN) * (0.5 + 0.5 * scores[name] / total)
    valence = sum(scores[each] * EMOTIONS[each][0] for each in EMOTIONS) / total
    felt = sum(scores[each] * EMOTIONS[each][1] for each in EMOTIONS) / total
    lively = max(-1.0, min(1.0, felt + arousal / 2))
    ranked = tuple((each, round(scores[each], 3)) for each in EMOTIONS if scores[each] > 0)
    return Emotion(name, round(strength, 3), round(valence, 3), round(lively, 3), ranked, tuple(evidence))


def _heard(told: Sequence[Prosody], scores: Mapping[str, float]) -> Iterable[Evidence]:
    """The cues by which the voice left its average, for people to read."""
    best = max(EMOTIONS, key=scores.__getitem__)
    for cue, (above, below) in {
        "pitch": ("higher", "lower"),
        "loudness": ("louder", "softer"),
        "speed": ("faster", "slower"),
    }.items():
        values = [value for prosody in told if (value := getattr(prosody, cue)) is not None]
        if values and abs(mean := sum(values) / len(values)) >= 0.5:
            yield Evidence(best, above if mean > 0 else below, round(mean, 2), "voice")
