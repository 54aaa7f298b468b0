"""What a painter is told: a page's prompt as it stands, or in the small vocabulary of ``storybook``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from pipelines.illustration.captions import LIGHTS, SCHEMES, STYLES, prompt, vocabulary
from pipelines.story.story import PagePlan

_LINKS = frozenset("a an and with in on at the of".split())


@dataclass(frozen=True)
class Wording:
    prompt: str
    negative_prompt: str


def plain(page: PagePlan) -> Wording:
    """The page's own words, for painters that know the language."""
    return Wording(page.prompt.text, page.negative_prompt)


def storybook(page: PagePlan) -> Wording:
    """The page in words ``storybook`` was taught.

    It knows some four hundred words and reads 46 pieces; an unknown word falls into letters and would crowd out the
    rest. So a planned page is worded as the captions of the training, from who stands where in the layout; of a
    prompt that a person wrote, the known words stay, and the art style, of which this painter has one, is its own.
    """
    if not page.edited:
        return Wording(prompt(page.layout), "")
    written = page.prompt
    parts = [_known(part) for part in (written.subject, written.details)]
    parts.append(STYLES[0])
    parts.append(_known(written.colours) or SCHEMES[page.layout.palette][0])
    parts.append(_known(written.lighting) or LIGHTS[page.layout.palette][0])
    parts.append(_known(written.composition))
    return Wording(", ".join(part for part in parts if part), _known(page.negative_prompt))


def _known(text: str) -> str:
    """``text`` without the words the captions never use; a phrase of which nothing is left goes altogether."""
    phrases = []
    for phrase in text.lower().split(","):
        words = [word for word in re.findall(r"[a-z'-]+", phrase) if word in _words()]
        while words and words[-1] in _LINKS:
            words.pop()
        while words and words[0] in ("and", "of", "with"):
            words.pop(0)
        if words:
            phrases.append(" ".join(words))
    return ", ".join(phrases)


@cache
def _words() -> frozenset[str]:
    colours = "red orange yellow green blue purple pink brown black white grey clothes".split()
    return _LINKS.union(colours, *(phrase.split() for phrase in vocabulary()))
