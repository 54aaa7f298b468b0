"""The errors a person can meet: what happened, the limit and the next step, in their language."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from pipelines.failure import CraftError
from studio.language import catalogue, say


@dataclass(frozen=True)
class Sentence:
    """``title`` in a few words, ``what`` happened with the value and the limit, and the ``next`` step."""

    title: str
    what: str
    next: str

    def __str__(self) -> str:
        return f"{self.title}: {self.what} {self.next}"


@dataclass(frozen=True)
class Fault:
    """An error as plain data, so that it can be stored and said later in either language."""

    code: str
    facts: Mapping[str, object] = field(default_factory=dict)
    status: int = 422

    def error(self) -> StudioError:
        return StudioError(self.code, self.status, **self.facts)

    def sentence(self, language: str) -> Sentence:
        facts = dict(self.facts)
        if (name := f"language.{facts.get('language')}") in catalogue():  # people know no codes
            facts["language"] = say(name, language)
        return Sentence(
            *(say(f"error.{self.code}.{part}", language, **facts) for part in ("title", "what", "next"))
        )


class StudioError(Exception):
    """The studio refuses or cannot go on.

    Args:
        code: names the sentences ``error.<code>.{title,what,next}`` in ``assets/i18n``.
        status: the HTTP status that says the same to a program.
        **facts: plain numbers and strings that the sentences quote.
    """

    def __init__(self, code: str, status: int, /, **facts: object) -> None:
        super().__init__(f"{code} {facts}" if facts else code)
        self.code = code
        self.status = status
        self.facts = facts

    @property
    def fault(self) -> Fault:
        return Fault(self.code, self.facts, self.status)

    def sentence(self, language: str) -> Sentence:
        return self.fault.sentence(language)


def from_craft(error: CraftError) -> StudioError:
    """A craft could not use what it was given: the request is to blame, hence 422."""
    return StudioError(error.code, 422, **error.facts)


@contextmanager
def refusals() -> Iterator[None]:
    """Whatever a craft refuses inside, the studio refuses."""
    try:
        yield
    except CraftError as error:
        raise from_exception(error) from error


def from_exception(error: Exception) -> StudioError:
    """What to tell a person about any exception; causes nobody foresaw become ``unexpected``."""
    if isinstance(error, StudioError):
        return error
    if isinstance(error, CraftError) and f"error.{error.code}.title" in catalogue():
        return from_craft(error)
    if is_disk_full(error):
        return StudioError("disk_full", 507)
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return StudioError("out_of_memory", 503)
    return StudioError("unexpected", 500, kind=type(error).__name__)


def is_disk_full(error: BaseException) -> bool:
    if isinstance(error, sqlite3.OperationalError):
        return "disk is full" in str(error)  # the numeric code needs Python 3.11
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None))


def is_locked(error: BaseException) -> bool:
    """Another program, a backup say, is writing into the database."""
    return isinstance(error, sqlite3.OperationalError) and "is locked" in str(error)
