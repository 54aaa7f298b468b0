"""The one way a craft says that it cannot go on."""

from __future__ import annotations


class CraftError(Exception):
    """A craft was given something it cannot use.

    Args:
        code: names the sentence in ``assets/i18n`` (key ``error.<code>``), e.g. ``audio_too_short``.
        **facts: the bad value, the limit and whatever else the sentence quotes; plain numbers and strings.
    """

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(f"{code} {facts}" if facts else code)
        self.code = code
        self.facts = facts


class Cancelled(Exception):
    """The person asked for the work to stop; what was finished stays."""
