"""Mandarin for GPT-SoVITS: characters to initials and finals with tones, two symbols a character.

The words come from jieba, the readings from pypinyin's phrase dictionary, the person's lexicon,
``pipelines.text.particles`` and ``pipelines.text.polyphones``. The reference can also ask a BERT of its own (g2pW, a
download) about polyphones; we do not.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping

from pipelines.failure import CraftError
from pipelines.text.gpt_sovits.symbols import PUNCTUATION, UNKNOWN, symbol_ids
from pipelines.text.gpt_sovits.tones import ToneWord, joined, spoken_tones
from pipelines.text.gpt_sovits.utterance import Span
from pipelines.text.mandarin_forms import write_out
from pipelines.text.overrides import MARK, taken
from pipelines.text.particles import particle_readings
from pipelines.text.personal_lexicon import NO_LEXICON, PersonalLexicon
from pipelines.text.polyphones import corrections

HAN = "\u3400-\u4dbf\u4e00-\u9fff\u3007"
_CLAUSE = re.compile(rf"[{HAN}]+")
_AS_SPOKEN = str.maketrans(
    {
        **dict.fromkeys(":;\uff1a\uff1b\uff0c,\u3001\u00b7/", ","),
        **dict.fromkeys("\u3002.\n", "."),
        **dict.fromkeys("!\uff01", "!"),
        **dict.fromkeys("?\uff1f", "?"),
        **dict.fromkeys("~\uff5e\u2026", "\u2026"),
        "\u55ef": "\u6069",
        "\u5463": "\u6bcd",
    }
)
"""Punctuation the table knows; 嗯 and 呣 are said as 恩 and 母, they have no syllable of their own."""
_ALONE = {"a": "AA", "e": "EE", "o": "OO", "\u00ea": "EE"}
_ROUNDED = {"u": "v", "ue": "ve", "uan": "van", "un": "vn"}
_AFTER_Y = {**_ROUNDED, "an": "En", "e": "E"}
_NO_VOWEL = {"n": "en", "ng": "en", "m": "en", "hm": "hen", "hng": "heng", "r": "er"}


def normalised(text: str) -> str:
    """The text as Mandarin says it: Chinese characters and the six marks of the table, two marks never in a row."""
    spoken = write_out(re.sub(r"\u2026+|\.{3,}", "\u2026", text).replace("\u2026", "\uff5e"))
    spoken = spoken.translate(_AS_SPOKEN)
    spoken = re.sub(rf"[^{HAN}{MARK}{''.join(map(re.escape, PUNCTUATION - {'-'}))}]", "", spoken)
    return re.sub(r"([!?\u2026,.])[!?\u2026,.]+", r"\1", spoken)


def span_of(
    text: str, sounds: tuple[str, ...] = (), own: PersonalLexicon = NO_LEXICON, context: bool = True
) -> Span:
    """The Mandarin span of a text; letters of other scripts in it are silent.

    Args:
        text: as written, ``MARK`` behind the characters whose pinyin ``sounds`` gives.
        own: the person's lexicon, before every dictionary.
        context: whether neighbours decide between the readings of a character; without, the dictionary alone speaks.

    Raises:
        CraftError: ``pronunciation_misfit`` for a given sound that is no Mandarin syllable.
    """
    spoken, given = taken(normalised(text), sounds)
    phonemes: list[str] = []
    word2ph: list[int] = []
    place = 0
    for match in re.finditer(rf"[{HAN}]+|.", spoken):
        clause = match.group()
        if not _CLAUSE.match(clause):
            phonemes.append(clause)
            word2ph.append(1)
        else:
            here = {at - place: sound for at, sound in given.items() if place <= at < place + len(clause)}
            for syllable in syllables(clause, here, own, context):
                parts = _parts(syllable)
                phonemes += parts
                word2ph.append(len(parts))
        place = match.end()
    return Span("zh", spoken, tuple(phonemes), tuple(word2ph))


def syllables(
    characters: str,
    given: Mapping[int, str] | None = None,
    own: PersonalLexicon = NO_LEXICON,
    context: bool = True,
) -> list[str]:
    """One pinyin syllable with its spoken tone a character, ``["ni2", "hao3"]``, of a clause without punctuation."""
    given = given or {}
    for sound in given.values():
        if UNKNOWN in _parts(sound):
            raise CraftError("pronunciation_misfit", written=sound)
    cut = joined(_cut(characters))
    beside = particle_readings([text for text, _ in cut]) | corrections(characters) if context else {}
    known = beside | own.places(characters) | given
    words, sounds = [], []
    for text, tag in cut:
        read = _dictionary(text)
        for index in range(len(text)):
            read[index] = known.get(len(sounds) + index, read[index])
        sounds += read
        words.append(ToneWord(text, tag, [_tone(sound) for sound in read]))
    tones = [tone for word in spoken_tones(words, _halves) for tone in word.tones]
    spoken = [f"{sound.rstrip('12345')}{tone}" for sound, tone in zip(sounds, tones, strict=True)]
    for place, sound in given.items():
        spoken[place] = sound
    return spoken


def _dictionary(word: str) -> list[str]:
    from pypinyin import Style, lazy_pinyin

    read = lazy_pinyin(word, style=Style.TONE3, neutral_tone_with_five=True, v_to_u=False)
    return read if len(read) == len(word) else [c for c in word]


def _tone(syllable: str) -> int:
    return int(syllable[-1]) if syllable[-1] in "12345" else 5


def _cut(characters: str) -> list[tuple[str, str]]:
    """Words and jieba's tags of their parts of speech."""
    import jieba
    import jieba.posseg

    jieba.setLogLevel(logging.WARNING)
    return [(pair.word, pair.flag) for pair in jieba.posseg.cut(characters)]


def _halves(word: str) -> tuple[str, str]:
    """The shortest word inside, and the rest."""
    import jieba

    shortest = min(jieba.cut_for_search(word), key=len)
    if word.startswith(shortest):
        return shortest, word[len(shortest) :]
    return word[: -len(shortest)], word[-len(shortest) :]


def _parts(syllable: str) -> tuple[str, str]:
    """``zhong1`` -> zh, ong1; ``yuan2`` -> y, van2; ``er4`` -> EE, er4; two UNK for what is no syllable."""
    letters, tone = syllable[:-1].replace("\u00fc", "v").replace("u:", "v"), syllable[-1]
    letters = _NO_VOWEL.get(letters, letters)
    initial = next((i for i in ("zh", "ch", "sh") if letters.startswith(i)), letters[:1])
    final = letters[len(initial) :]
    if initial in _ALONE:
        initial, final = _ALONE[initial], letters.replace("\u00ea", "e")
    elif initial == "y":
        final = _AFTER_Y.get(final, final)
    elif initial in ("j", "q", "x") and final[:1] == "u":
        final = _ROUNDED.get(final, final)
    elif final == "i" and initial in ("zh", "ch", "sh", "r"):
        final = "ir"
    elif final == "i" and initial in ("z", "c", "s"):
        final = "i0"
    elif final == "ue":
        final = "ve"
    pair = (initial, final + tone)
    return pair if all(symbol in symbol_ids() for symbol in pair) else (UNKNOWN, UNKNOWN)
