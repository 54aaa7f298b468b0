"""The text front end of GPT-SoVITS: a text as written -> what the voice is to say, piece by piece."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pipelines.failure import CraftError
from pipelines.text.gpt_sovits import cantonese, english, japanese, korean, mandarin
from pipelines.text.gpt_sovits.languages import spans
from pipelines.text.gpt_sovits.splitting import Piece, split
from pipelines.text.gpt_sovits.symbols import PUNCTUATION
from pipelines.text.gpt_sovits.utterance import Span, Utterance
from pipelines.text.overrides import MARK, mark
from pipelines.text.personal_lexicon import NO_LEXICON, PersonalLexicon

FEWEST_PHONEMES = 6
FEWEST_ENGLISH_PHONEMES = 4
"""With fewer the text-to-semantic network stumbles; a mark is put before the first word."""


@dataclass(frozen=True)
class FrontEnd:
    """Reads texts; a value, safe to share between threads.

    Attributes:
        lexicon: the person's own pronunciations.
        context: whether neighbours decide between the readings of a character or a word; off, the dictionaries
            alone speak, as the reference does without its g2pW model and its tagger.
    """

    lexicon: PersonalLexicon = NO_LEXICON
    context: bool = True

    def read(self, text: str, language: str = "auto", split_rule: str = "cut0") -> list[Utterance]:
        """What to say, in order.

        Args:
            language: one of ``languages.MODES``.
            split_rule: one of ``splitting.RULES``.

        Raises:
            CraftError: ``text_unspeakable``, ``language_mode_unknown``, ``text_split_unknown``,
                ``language_unsupported`` for letters that no language here knows, ``language_extra_missing`` where
                an optional package is not installed, ``pronunciation_misfit`` for braces that do not fit their word.
        """
        utterances = []
        for piece in split(text, split_rule, language):
            utterance = self.utterance(piece, language)
            if any(phoneme not in PUNCTUATION for phoneme in utterance.phonemes):
                utterances.append(utterance)
        if not utterances:
            raise CraftError("text_unspeakable", text=text.strip()[:80])
        return utterances

    def utterance(self, piece: Piece, language: str = "auto") -> Utterance:
        """One piece, not cut further."""
        # 1. Pronunciations in braces become marks that survive normalisation.
        marked = mark(piece.text)
        # 2. Stretches of one language, each read by its own rules.
        read: list[Span] = []
        said = 0
        for name, stretch in spans(marked.text, language):
            count = stretch.count(MARK)
            span = self._span(name, stretch, marked.sounds[said : said + count])
            said += count
            if span.phonemes:
                read.append(span)
        # 3. What is too short is led in by a mark.
        return Utterance(piece.text, tuple(_long_enough(read)), piece.pause_seconds)

    def _span(self, language: str, text: str, sounds: tuple[str, ...]) -> Span:
        if language == "zh":
            return mandarin.span_of(text, sounds, self.lexicon, self.context)
        if language == "en":
            return english.span_of(text, sounds, self.lexicon, self.context)
        if language == "yue":
            return cantonese.span_of(text, sounds)
        if sounds:
            raise CraftError("pronunciation_misfit", written=sounds[0])
        return japanese.span_of(text) if language == "ja" else korean.span_of(text)


def _long_enough(spans: list[Span]) -> list[Span]:
    count = sum(len(span.phonemes) for span in spans)
    if not spans or count >= FEWEST_PHONEMES:
        return spans
    english_alone = all(span.language == "en" for span in spans)
    if english_alone and count >= FEWEST_ENGLISH_PHONEMES:
        return spans
    first = spans[0]
    lead = "," if english_alone else "."
    word2ph = (1, *first.word2ph) if first.word2ph else ()
    longer = replace(first, text=lead + first.text, phonemes=(lead, *first.phonemes), word2ph=word2ph)
    return [longer, *spans[1:]]
