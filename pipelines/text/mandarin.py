"""The Mandarin front end: a sentence as written -> what a bilingual voice is to say; English words keep their sound."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.failure import CraftError
from pipelines.text.mandarin_numbers import write_out
from pipelines.text.mandarin_tones import sandhi
from pipelines.text.normalise import clean, normalise_english
from pipelines.text.pronunciation import fold, words_to_phonemes
from pipelines.text.symbols import INITIALS, MANDARIN_TONE, NO_TONE
from pipelines.text.utterance import Utterance, Word

HAN = "\u3400-\u4dbf\u4e00-\u9fff\u3007"
_TOKEN = re.compile(
    rf"(?P<han>[{HAN}]+)|(?P<latin>[^\W\d_{HAN}](?:[^\W\d_{HAN}]|['&.\- ](?=[^\W\d_{HAN}]))*)"
    r"|(?P<end>[.!?]+)|(?P<comma>[,;:()\[\]{}\u3001\u2013\u2014]+)"
)
_STRENGTH = {",": 0, ".": 1, "!": 2, "?": 3}
_WITHOUT_INITIAL = {
    "yi": "i", "ya": "ia", "ye": "ie", "yao": "iao", "you": "iu", "yan": "ian", "yin": "in", "yang": "iang",
    "ying": "ing", "yong": "iong", "yu": "v", "yue": "ve", "yuan": "van", "yun": "vn", "yo": "i o",
    "wu": "u", "wa": "ua", "wo": "uo", "wai": "uai", "wei": "ui", "wan": "uan", "wen": "un", "wang": "uang",
    "weng": "u eng", "wong": "u eng", "n": "en", "ng": "en", "m": "en", "hm": "en", "hng": "en", "ê": "ei", "yai": "ia", "r": "er",
}  # fmt: skip
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


def to_utterance(text: str) -> Utterance:
    """The phonemes, tones and pauses of one Mandarin sentence; Latin words in it are spoken as English.

    Raises:
        CraftError: ``text_unspeakable`` when it holds no word, ``language_unsupported`` for any third script.
    """
    draft = _Draft(["sil"], [NO_TONE], [])
    chinese = english = 0
    for match in _TOKEN.finditer(write_out(clean(text))):
        token = match.group()
        if match.lastgroup == "han":
            words = _segment(token)
            chinese += len(token)
            for word, syllables in zip(words, _syllables(words), strict=True):
                phonemes, tones = [], []
                for syllable, tone in syllables:
                    for part in _parts(syllable):
                        phonemes.append(f"zh/{part}")
                        tones.append(NO_TONE if part in INITIALS else MANDARIN_TONE[tone])
                draft.add_word(word, phonemes, tones)
        elif match.lastgroup == "latin":
            for word, phonemes, tones in _english(token):
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
    """Words; three characters that are one and two (小老虎) are taken apart, for the tones' sake."""
    import jieba

    jieba.setLogLevel(logging.WARNING)
    words: list[str] = []
    for word in jieba.cut(characters):
        known = jieba.dt.FREQ.get
        parted = len(word) == 3 and known(word[1:]) and not known(word[:2])
        words += [word[0], word[1:]] if parted else [word]
    return words


def _syllables(words: list[str]) -> Iterator[list[tuple[str, int]]]:
    """Each word's (pinyin, spoken tone), one a character."""
    from pypinyin import Style, lazy_pinyin

    spelled = [lazy_pinyin(word, style=Style.TONE3, neutral_tone_with_five=True) for word in words]
    tones = sandhi(words, [[int(s[-1]) if s[-1].isdigit() else 5 for s in word] for word in spelled])
    for word, spoken in zip(spelled, tones, strict=True):
        yield [(syllable.rstrip("12345"), tone) for syllable, tone in zip(word, spoken, strict=True)]


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


def _english(words: str) -> Iterator[tuple[str, list[str], list[int]]]:
    written = re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)*", normalise_english(words))
    foreign = [word for word in written if not re.fullmatch("[a-z']+", fold(word))]
    if foreign:
        raise CraftError("language_unsupported", text=" ".join(foreign)[:80])
    for word, sound in zip(written, words_to_phonemes(written), strict=True):
        yield word, list(sound.phonemes), list(sound.tones)


def _mark(punctuation: str) -> str:
    if "?" in punctuation:
        return "?"
    if "!" in punctuation:
        return "!"
    return "." if punctuation == "." else ","
