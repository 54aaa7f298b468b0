"""What people type or paste, before anything reads it."""

from __future__ import annotations

import re
import unicodedata

from pipelines.text.pasted import plain


def cleaned(text: str) -> str:
    """Plain and composed, without control characters and lone surrogates; line breaks stay."""
    text = "".join(c for c in plain(text) if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs"))
    return unicodedata.normalize("NFC", text).strip()


def one_line(text: str) -> str:
    """Without control characters and lone surrogates, which neither pages nor the database can take."""
    text = "".join(" " if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c for c in text)
    return " ".join(text.split())


def bare_filename(path: str, max_chars: int = 120) -> str:
    """To be shown, without the folders of the person's disk."""
    return one_line(path.replace("\\", "/").rsplit("/", 1)[-1])[-max_chars:]


def file_stem(name: str, otherwise: str) -> str:
    """``name`` as far as every system can write it, without a suffix; ``otherwise`` if nothing of it can stay."""
    return re.sub(r"[^\w-]+", "_", name).strip("_") or otherwise
