"""A person's own list of pronunciations: a plain text file, one word a line.

    # a comment
    VoxTale     V AA1 K S T EY2 L
    重庆        chong2 qing4

English words are spelled in ARPAbet as in CMUdict, Chinese ones in pinyin with tone digits (5 is the light tone).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pipelines.text.language import detect_language
from pipelines.text.pinyin import is_pinyin
from pipelines.text.pronunciation import fold, is_arpabet, own_sound

MAX_LINES = 5_000
MAX_LINE_CHARS = 200
_ENTRY = re.compile(r"([^\s=:]+)\s*[\s=:]\s*(\S.*)")
_WORD = re.compile(r"(?>[^\W\d_\u3400-\u9fff]+(?:['\u2019][^\W\d_\u3400-\u9fff]+)*)(?!\{)(?![^{}]*\})")
_IN_BRACES = r"(?![^{}]*\})"
_CHINESE = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\u3007]+")


@dataclass(frozen=True)
class BadLine:
    """A line that was not understood. ``reason`` is ``form``, ``arpabet``, ``pinyin``, ``length`` or ``too_many``."""

    number: int
    text: str
    reason: str


@dataclass(frozen=True)
class PersonalLexicon:
    """Pronunciations that go before every dictionary.

    Attributes:
        words: folded English word -> ARPAbet with stress digits.
        phrases: Chinese characters -> one pinyin syllable with its tone for each.
        bad_lines: what could not be read, for the person to mend; the other lines hold.
    """

    words: Mapping[str, str] = field(default_factory=dict)
    phrases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    bad_lines: tuple[BadLine, ...] = ()

    @classmethod
    def parse(cls, text: str) -> PersonalLexicon:
        """Lines as described above; a later line for the same word replaces an earlier one."""
        words: dict[str, str] = {}
        phrases: dict[str, tuple[str, ...]] = {}
        bad: list[BadLine] = []
        for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
            if number > MAX_LINES:
                bad.append(BadLine(number, "", "too_many"))
                break
            entry = line.partition("#")[0].strip()
            if not entry:
                continue
            match = _ENTRY.fullmatch(entry)
            sounds = match[2].split() if match else []
            if len(entry) > MAX_LINE_CHARS:
                bad.append(BadLine(number, entry[:80], "length"))
            elif match is None:
                bad.append(BadLine(number, entry, "form"))
            elif _CHINESE.fullmatch(match[1]):
                if len(sounds) != len(match[1]) or not all(map(is_pinyin, sounds)):
                    bad.append(BadLine(number, entry, "pinyin"))
                else:
                    phrases[match[1]] = tuple(sounds)
            elif not is_arpabet(" ".join(sounds)) or not re.fullmatch("[a-z'-]+", fold(match[1])):
                bad.append(BadLine(number, entry, "arpabet"))
            else:
                words[fold(match[1])] = " ".join(sounds)
        return cls(words, phrases, tuple(bad))

    @classmethod
    def from_json(cls, data: Mapping) -> PersonalLexicon:
        """What ``dataclasses.asdict`` made of one, bad lines left out."""
        return cls(dict(data["words"]), {phrase: tuple(said) for phrase, said in data["phrases"].items()})

    def written_into(self, text: str) -> str:
        """The text with the list's sounds in braces (``pipelines.text.overrides``), for an engine that knows no list.

        What has braces already keeps them; of Chinese phrases the longest is taken, and in
        Japanese or Korean none.
        """
        text = _WORD.sub(self._braced, text) if self.words else text
        if self.phrases and detect_language(text) not in ("ja", "ko"):
            phrases = "|".join(sorted(self.phrases, key=len, reverse=True))
            said = {phrase: " ".join(sounds) for phrase, sounds in self.phrases.items()}
            text = re.sub(
                rf"(?>{phrases})(?!\{{){_IN_BRACES}", lambda m: f"{m.group()}{{{said[m.group()]}}}", text
            )
        return text

    def _braced(self, match: re.Match[str]) -> str:
        sound = own_sound(fold(match.group()), self.words)
        return f"{match.group()}{{{sound}}}" if sound else match.group()

    def places(self, characters: str) -> dict[int, str]:
        """Place in ``characters`` -> pinyin, the longest phrases first, none inside another."""
        given: dict[int, str] = {}
        for phrase in sorted(self.phrases, key=len, reverse=True):
            for match in re.finditer(phrase, characters):
                span = range(*match.span())
                if given.keys().isdisjoint(span):
                    given.update(zip(span, self.phrases[phrase], strict=True))
        return given


NO_LEXICON = PersonalLexicon()
