"""The owner's agreement as a form: whose voice, what for, until when, and the tick."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import gradio as gr

from studio.ui.i18n import Reader, Words
from studio.voice_exchange import Agreement

if TYPE_CHECKING:
    from studio.ui.page import Page

UNTIL_DAYS = {"month": 30, "year": 365}


class ConsentForm:
    """
    Args:
        name: what the ids of its fields begin with.
    """

    def __init__(self, words: Words, name: str) -> None:
        with gr.Row():
            self.owner = words(
                gr.Textbox,
                {"label": "ui.consent.owner", "placeholder": "ui.consent.owner_hint"},
                max_lines=1,
                max_length=120,
                elem_id=f"{name}-owner",
            )
            self.scope = words(
                gr.Radio,
                {
                    "label": "ui.consent.scope",
                    "choices": [
                        ("ui.consent.personal", "personal"),
                        ("ui.consent.commercial", "commercial"),
                    ],
                },
                value="personal",
                elem_id=f"{name}-scope",
                elem_classes="vt-choices",
            )
        with gr.Row():
            self.until = words(
                gr.Radio,
                {
                    "label": "ui.consent.until",
                    "choices": [
                        ("ui.consent.open", "open"),
                        ("ui.consent.year", "year"),
                        ("ui.consent.month", "month"),
                        ("ui.consent.day", "day"),
                    ],
                },
                value="open",
                elem_id=f"{name}-until",
                elem_classes="vt-choices",
            )
            self.day = words(
                gr.Textbox,
                {"label": "ui.consent.until_day"},
                placeholder="2030-12-31",
                max_length=10,
                visible=False,
                elem_id=f"{name}-day",
            )
        self.agreed = words(gr.Checkbox, {"label": "ui.consent.agree"}, value=False, elem_id=f"{name}-agree")

    @property
    def inputs(self) -> list:
        """What ``agreement`` wants to know, in its order."""
        return [self.owner, self.scope, self.until, self.day, self.agreed]

    def wire(self, page: Page, says: gr.HTML) -> None:
        page.on(self.until.change, self.choose_until, [self.until], [self.day], says)

    def choose_until(self, reader: Reader, until: str) -> dict:
        return {self.day: gr.update(visible=until == "day")}


def agreement(reader: Reader, owner: str, scope: str, until: str, day: str, agreed: bool) -> Agreement | str:
    """What the owner agrees to, or the key of the notice about what is still missing."""
    if not owner.strip():
        return "ui.consent.no_owner"
    if not agreed:
        return "ui.consent.not_agreed"
    last = date.today() + timedelta(days=UNTIL_DAYS[until]) if until in UNTIL_DAYS else None
    if until == "day":
        try:
            last = datetime.strptime(day.strip(), "%Y-%m-%d").date()
        except ValueError:
            return "ui.consent.no_day"
    return Agreement(owner.strip(), scope, last, reader.language)
