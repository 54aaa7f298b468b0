"""The written forms that an English reader turns into words, as ordered rules."""

from __future__ import annotations

from pipelines.text.written_forms import addresses, amounts, codes, dates, numerals, short_forms
from pipelines.text.written_forms.rules import Rule

RULES: tuple[Rule, ...] = (
    *addresses.RULES,
    *dates.RULES,
    *codes.RULES,
    *amounts.RULES,
    *numerals.RULES,
    *short_forms.RULES,
)
