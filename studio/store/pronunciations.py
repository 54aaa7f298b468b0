"""How the owner wants words said: a text file in the library, to be edited with any editor."""

from __future__ import annotations

import logging
from pathlib import Path

from pipelines.text.personal_lexicon import NO_LEXICON, PersonalLexicon

FILE_NAME = "pronunciations.txt"
MAX_BYTES = 512 * 2**10
"""What is behind it is not read."""
_TEMPLATE = Path(__file__).resolve().parents[2] / "assets" / "lexicon" / "pronunciations.txt"
_log = logging.getLogger(__name__)


class Pronunciations:
    """Read again whenever the file changed; a commented example is put there when there is none."""

    def __init__(self, home: Path) -> None:
        self.path = home / FILE_NAME
        self._stamp: tuple[int, int] | None = None
        self._lexicon = NO_LEXICON
        if not self.path.exists():
            self.path.write_text(_TEMPLATE.read_text(encoding="utf-8"), encoding="utf-8")

    def lexicon(self) -> PersonalLexicon:
        """The list as it is now; empty without a file. Lines that are none are logged with their number."""
        try:
            state = self.path.stat()
            stamp = (state.st_mtime_ns, state.st_size)
            if stamp != self._stamp:
                self._lexicon = read_lexicon(self.path)
                self._stamp = stamp
                for line in self._lexicon.bad_lines:
                    _log.warning("%s line %d (%s): %s", FILE_NAME, line.number, line.reason, line.text)
        except OSError:
            self._stamp, self._lexicon = None, NO_LEXICON
        return self._lexicon


def read_lexicon(path: Path) -> PersonalLexicon:
    """
    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return PersonalLexicon.parse(file.read(MAX_BYTES).decode("utf-8", errors="replace"))
