"""What a story says aloud: sentence by sentence, in whose voice, under which take key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from pipelines.text.personal_lexicon import NO_LEXICON, PersonalLexicon
from studio.store.speeches import Sentence, take_key

if TYPE_CHECKING:
    from pipelines.story.story import ScenePlan

MAX_SENTENCE_CHARS = 240
"""Of a story that nobody reads yet."""


@dataclass(frozen=True)
class Narrator:
    """Who reads and how, settled when the voice is chosen: a book that is finished later equals one finished at once.

    Attributes:
        languages: what the voice spoke then; sentences in others stay silent.
        lexicon: the owner's pronunciations then.
    """

    voice_id: str
    revision_id: str
    controls: Mapping[str, float]
    languages: tuple[str, ...]
    max_sentence_chars: int
    lexicon: PersonalLexicon = NO_LEXICON

    def to_json(self) -> dict:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping) -> Narrator:
        known = {"languages": tuple(data["languages"])}
        if "lexicon" in data:
            known["lexicon"] = PersonalLexicon.from_json(data["lexicon"])
        return cls(**{**data, **known})


@dataclass(frozen=True)
class Line:
    """A sentence of a page, exactly as it stands there; ``take_key`` is None when the voice cannot speak it."""

    text: str
    said: str
    pause_seconds: float
    seed: int
    take_key: str | None

    def sentence(self, position: int) -> Sentence:
        assert self.take_key is not None
        return Sentence(position, self.text, self.said, self.pause_seconds, self.seed, self.take_key)


def lines(scene: ScenePlan, narrator: Narrator | None, seed: int) -> tuple[Line, ...]:
    """The sentences of a scene; what holds no word (a row of stars) belongs to the sentence before it."""
    from pipelines.text.language import spoken_languages

    longest = narrator.max_sentence_chars if narrator else MAX_SENTENCE_CHARS
    made = []
    for text, pause_seconds, language in _cut(scene.text, longest):
        key, said = None, text
        if narrator and spoken_languages(language) <= set(narrator.languages):
            said = narrator.lexicon.written_into(text)
            key = take_key(narrator.revision_id, said, narrator.controls, seed)
        made.append(Line(text, said, pause_seconds, seed, key))
    return tuple(made)


@lru_cache(maxsize=1024)
def _cut(text: str, max_chars: int) -> tuple[tuple[str, float, str], ...]:
    """Text, pause after it and language of each sentence."""
    from pipelines.text.language import detect_language
    from pipelines.text.segment import split

    return tuple(
        (piece.text, piece.pause_seconds, detect_language(piece.text)) for piece in split(text, max_chars)
    )
