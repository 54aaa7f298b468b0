"""The plan and the sounds that a project file carries along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.failure import CraftError
from pipelines.illustration.settings import PaintingSettings

if TYPE_CHECKING:
    from pipelines.book.book import Book, Page
    from pipelines.story.story import Story


def carried_plan(book: Book) -> tuple[Story, PaintingSettings]:
    """Story and painting of an opened book, trusted in nothing.

    Raises:
        CraftError: ``book_project_broken``, and what ``PaintingSettings.checked`` raises.
    """
    from pipelines.story.checking import checked_story

    try:
        plan = checked_story(book.plan["story"])
        painting = PaintingSettings(**book.plan["painting"])
        texts = [scene.text.strip() for scene in plan.scenes]
        if [page.text for page in book.pages] != texts:
            raise ValueError("the pages are not those of the plan")
    except (KeyError, TypeError, ValueError) as error:
        raise CraftError("book_project_broken", entry="plan") from error
    return plan, painting.checked()


def carried_sound(book: Book, page: Page) -> bytes:
    """A page's narration as a labelled WAV file."""
    from pipelines.audio.formats import encode

    sound = page.narration
    return encode(sound.wave, sound.sample_rate, "wav", {"comment": book.label, **book.tags})
