"""The Mandarin front end: a sentence as written -> what a bilingual voice is to say; English words keep their sound."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from pipelines.failure import CraftError
from pipelines.text.conventions import AMBIGUOUS_ACRONYMS
from pipelines.text.light_tones import LIGHT
from pipelines.text.mandarin_forms import write_out
from pipelines.text.mandarin_tones import lightened, sandhi
from pipelines.text.normalise import normalise_english
from pipelines.text.overrides import MARK, mark, taken
from pipelines.text.particles import particle_readings
from pipelines.text.parts_of_speech import tag_of
from pipelines.text.personal_lexicon import NO_LEXICON, PersonalLexicon
from pipelines.text.pinyin import is_pinyin
from pipelines.text.polyphones import corrections
from pipelines.text.pronunciation import Pronunciation, arpabets, fold
from pipelines.text.symbols import INITIALS, MANDARIN_TONE, NO_TONE
from pipelines.text.utterance import Utterance, Word
from pipelines.text.written_forms.rules import letters

HAN = "\u3400-\u4dbf\u4e00-\u9fff\u3007"
_TOKEN = re.compile(
    rf"(?P<han>(?:[{HAN}]{MARK}?)+)|(?P<latin>[^\W\d_{HAN}](?:[^\W\d_{HAN}]|['&.\- ](?=[^\W\d_{HAN}]))*)"
    r"|(?P<end>[.!?]+)|(?P<comma>[,;:()\[\]{}\u3001\u2013\u2014]+)"
)
_STRENGTH = {",": 0, ".": 1, "!": 2, "?": 3}
_WITHOUT_INITIAL = {
    "yi": "i", "ya": "ia", "ye": "ie", "yao": "iao", "you": "iu", "yan": "ian", "yin": "in", "yang": "iang",
    "ying": "ing", "yong": "iong", "yu": "v", "yue": "ve", "yuan": "van", "yun": "vn", "yo": "i o",
    "wu": "u", "wa": "ua", "wo": "uo", "wai": "uai", "wei": "ui", "wan": "uan", "wen": "un", "wang": "uang",
    "weng": "u eng", "wong": "u eng", "n": "en", "ng": "en", "m": "en", "hm": "en", "hng": "en", "ê": "ei", "yai": "ia", "r": "er",
}  # fmt: skip
NOTHING: Mapping[int, str] = MappingProxyType({})
_FRONT_ROUNDED = {"u": "v", "ue": "ve", "uan": "van", "un": "vn", "ve": "ve", "v": "v"}


@dataclass
class _Draft:
    phonemes: list[str]
    tones: list[int]
    words: list[Word]

    def add_word(self, text: str, phonemes: list[str], tones: list[int]) -> None:
        first = len(self.phonemes)
        self.phonemes += phonemes
        self.tones += tones
        self.words.append(Word(text, first, len(self.phonemes)))

    def add_pause(self, mark: str) -> None:
        """The stronger of two pauses in a row stays."""
        if not self.words:
            return
        if self.phonemes[-1] in _STRENGTH:
            self.phonemes[-1] = max(self.phonemes[-1], mark, key=_STRENGTH.__getitem__)
        else:
            self.phonemes.append(mark)
            self.tones.append(NO_TONE)


def to_utterance(text: str, own: PersonalLexicon = NO_LEXICON) -> Utterance:
    """The phonemes, tones and pauses of one Mandarin sentence; Latin words in it are spoken as English.

    Sounds written behind a character (``重{chong2}庆``) and the person's lexicon go before the dictionaries.

    Raises:
        CraftError: ``text_unspeakable`` when it holds no word, ``language_unsupported`` for any third script and for a character
            that no dictionary reads, ``pronunciation_misfit`` for braces that do not fit what stands before them.
    """
    marked = mark(text)
    said = 0
    draft = _Draft(["sil"], [NO_TONE], [])
    chinese = english = 0
    for match in _TOKEN.finditer(write_out(marked.text)):
        token = match.group()
        sounds = marked.sounds[said : said + token.count(MARK)]
        said += len(sounds)
        if match.lastgroup == "han":
            characters, given = taken(token, sounds)
            if not all(map(is_pinyin, sounds)):
                raise CraftError("pronunciation_misfit", written=" ".join(sounds))
            words = _segment(characters)
            chinese += len(characters)
            known = corrections(characters) | own.places(characters) | given
            for word, syllables in zip(words, spoken_syllables(words, known, given), strict=True):
                phonemes, tones = [], []
                for character, (syllable, tone) in zip(word, syllables, strict=True):
                    if syllable == character:
                        raise CraftError("language_unsupported", text=character)
                    for part in _parts(syllable):
                        phonemes.append(f"zh/{part}")
                        tones.append(NO_TONE if part in INITIALS else MANDARIN_TONE[tone])
                draft.add_word(word, phonemes, tones)
        elif match.lastgroup == "latin":
            for word, phonemes, tones in _english(token, sounds, own):
                draft.add_word(word, phonemes, tones)
                english += len(word) > 1
        else:
            draft.add_pause(_mark(token))
    if not draft.words:
        raise CraftError("text_unspeakable", text=text.strip()[:80])
    draft.add_pause(".")
    language = "zh" if chinese >= english else "en"
    return Utterance(text, language, tuple(draft.phonemes), tuple(draft.tones), tuple(draft.words))


def _segment(characters: str) -> list[str]:
    """Words; three characters that are one and two (小老虎) are taken apart, for the tones' sake; 慢吞吞 is not."""
    import jieba

    jieba.setLogLevel(logging.WARNING)
    words: list[str] = []
    for word in jieba.cut(characters):
        known = jieba.dt.FREQ.get
        vivid = tag_of(word) == "z"
        parted = len(word) == 3 and known(word[1:]) and not known(word[:2]) and not vivid
        words += [word[0], word[1:]] if parted else [word]
    return words


def spoken_syllables(
    words: Sequence[str], known: Mapping[int, str] = NOTHING, given: Mapping[int, str] = NOTHING
) -> Iterator[list[tuple[str, int]]]:
    """Each word's (pinyin, spoken tone), one a character.

    ``known`` are readings by place that go before the dictionary; those in ``given`` keep their tone, whatever follows.
    """
    from pypinyin import Style, lazy_pinyin

    spelled = [
        lazy_pinyin(word, style=Style.TONE3, errors=list, neutral_tone_with_five=True) for word in words
    ]
    decided = particle_readings(words) | known
    first = 0
    for word in spelled:
        word[:] = [decided.get(first + place, syllable) for place, syllable in enumerate(word)]
        first += len(word)
    tones = [[int(s[-1]) if s[-1].isdigit() else LIGHT for s in word] for word in spelled]
    tones = sandhi(words, lightened(words, tones, decided))
    first = 0
    for word, spoken in zip(spelled, tones, strict=True):
        kept = [int(given[place][-1]) if place in given else 0 for place in range(first, first + len(word))]
        first += len(word)
        pairs = zip(word, kept, spoken, strict=True)
        yield [(syllable.rstrip("12345"), tone or leaning) for syllable, tone, leaning in pairs]


def _parts(syllable: str) -> list[str]:
    """``zhuang`` -> zh, uang; ``yue`` -> ve; ``shi`` -> sh, iii."""
    syllable = syllable.replace("\u00fc", "v")
    if syllable in _WITHOUT_INITIAL:
        return _WITHOUT_INITIAL[syllable].split()
    initial = next((i for i in ("zh", "ch", "sh", *INITIALS) if syllable.startswith(i)), "")
    final = syllable[len(initial) :]
    if initial in ("zh", "ch", "sh", "r") and final == "i":
        final = "iii"
    elif initial in ("z", "c", "s") and final == "i":
        final = "ii"
    elif initial in ("j", "q", "x"):
        final = _FRONT_ROUNDED.get(final, final)
    final = {"ue": "ve", "iou": "iu", "uei": "ui", "uen": "un"}.get(final, final)
    return [part for part in (initial, final) if part]


def _english(
    words: str, sounds: Sequence[str], own: PersonalLexicon
) -> Iterator[tuple[str, list[str], list[int]]]:
    """A stretch of Latin letters; beside Chinese a lone A is the letter, and IT and WHO are no words."""
    given = iter(sounds)
    words = letters(words) if words in AMBIGUOUS_ACRONYMS and fold(words) not in own.words else words
    written = re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)*", normalise_english(words))
    plain = [word.replace(MARK, "") for word in written]
    foreign = [word for word in plain if not re.fullmatch("[a-z']+", fold(word))]
    if foreign:
        raise CraftError("language_unsupported", text=" ".join(foreign)[:80])
    for word, marked, known in zip(plain, written, arpabets(plain, own.words, plain != ["A"]), strict=True):
        arpabet = next(given, None) if MARK in marked else None
        sound = Pronunciation.from_arpabet(arpabet or known)
        yield word, list(sound.phonemes), list(sound.tones)


def _mark(punctuation: str) -> str:
    if "?" in punctuation:
        return "?"
    if "!" in punctuation:
        return "!"
    return "." if punctuation == "." else ","
