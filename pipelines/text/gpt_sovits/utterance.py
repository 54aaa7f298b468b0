"""What the front end hands to GPT-SoVITS."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.text.gpt_sovits.symbols import ids_of


@dataclass(frozen=True)
class Span:
    """A stretch of one language.

    Attributes:
        language: ``zh``, ``en``, ``ja``, ``ko`` or ``yue``.
        text: the stretch as it is said, ``N`` characters of words and punctuation.
        phonemes: symbols of the table.
        word2ph: in Mandarin and Cantonese, how many phonemes each of the ``N`` characters has (they sum to the number
            of phonemes); empty elsewhere. Mandarin takes a BERT feature a character, repeated so often; every other
            language takes zeros.
    """

    language: str
    text: str
    phonemes: tuple[str, ...]
    word2ph: tuple[int, ...] = ()


@dataclass(frozen=True)
class Utterance:
    """One piece that is spoken in one go.

    Attributes:
        written: the piece as the person wrote it.
        spans: at least one.
        pause_seconds: the silence behind it that the text asks for (``[0.5s]``); None where the engine decides.
    """

    written: str
    spans: tuple[Span, ...]
    pause_seconds: float | None = None

    @property
    def text(self) -> str:
        """All spans as they are said."""
        return "".join(span.text for span in self.spans)

    @property
    def phonemes(self) -> tuple[str, ...]:
        """P symbols."""
        return tuple(phoneme for span in self.spans for phoneme in span.phonemes)

    @property
    def ids(self) -> tuple[int, ...]:
        """P ids for the text-to-semantic network and the SoVITS prior."""
        return ids_of(self.phonemes)
